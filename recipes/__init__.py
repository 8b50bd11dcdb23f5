"""How each pretrained model is made: one program each, from the public data to a scored bundle with its card."""
