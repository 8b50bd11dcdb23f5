"""Recurrent networks for language: the command `rnn-language`, the version, spaCy's factories. The API is in the tasks.

>>> import rnn_language
>>> rnn_language.__version__.count(".")
2
"""

from typing import Any


def __getattr__(name: str) -> Any:
    # Not at the top: spaCy imports this package in every program, also in a folder with somebody else's `common`.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from common.version import VERSION

    return VERSION
