"""Ideas that the three tasks share: text to tokens, tokens to batches, bundles, settings, training, scores."""

import os

# TensorFlow reads these when it is first imported: no start-up noise on a user's screen.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
