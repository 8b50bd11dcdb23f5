"""How does a model answer? ONNX Runtime and Keras engines."""
