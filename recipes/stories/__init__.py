"""The language model of fairy tales."""
