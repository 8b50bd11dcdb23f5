"""How does a model answer? The ONNX Runtime and Keras engines."""
