"""What are the layers? Keras layers, LSTMs, rating levels."""
