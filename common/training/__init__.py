"""How does a network learn? Fitting, checkpoints, optimizers, seeds."""
