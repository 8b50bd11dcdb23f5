"""Start-up of Keras and its backend without the lines that TensorFlow's C++ code writes on standard error meanwhile."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import sys
from types import ModuleType

from common.errors import InputError
from common.progress import say


def start_keras() -> ModuleType:
    """Import Keras quietly; returns it. What is imported afterwards with `import keras` is the same module.

    TensorFlow 2.21 writes six lines about oneDNN and missing GPU drivers before it reads `TF_CPP_MIN_LOG_LEVEL`. They
    come from C++, so only the file descriptor can be turned away; a Python error still gets through.
    """
    if "keras" not in sys.modules:
        with contextlib.suppress(ModuleNotFoundError):
            if importlib.util.find_spec("keras"):
                say("Starting Keras and TensorFlow")
        sys.stderr.flush()
        saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            importlib.import_module("keras")
        except ModuleNotFoundError as error:
            raise InputError(
                f"{error.name} is not installed, only what answering needs; pip install 'rnn-language[train]'"
            ) from None
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(nowhere)
        # Several networks in one process, of a cross-validation, are no mistake.
        logging.getLogger("tensorflow").addFilter(lambda record: "function retracing" not in str(record.msg))
    return sys.modules["keras"]
