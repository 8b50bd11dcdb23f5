"""What may a saved layer look like, and how is it translated to ONNX? One LayerSpec for each Keras class."""
