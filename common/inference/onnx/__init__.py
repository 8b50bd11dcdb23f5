"""How does a Keras network become an ONNX graph?"""
