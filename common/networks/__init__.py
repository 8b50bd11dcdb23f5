"""What are the layers? Keras layers, one LayerSpec for each, their names."""
