"""Start-up of spaCy without its command line, which takes a quarter of the time and of the memory of its import."""

from __future__ import annotations

import gc
import importlib
import sys
from types import ModuleType
from typing import Any

COMMAND_LINE, INFO = "spacy.cli", "spacy.cli.info"


def start_spacy() -> ModuleType:
    """Import spaCy; returns it. What is imported afterwards with `import spacy` is the same module.

    `import spacy` also imports `spacy.cli` for one function, `spacy.info`, and with it Typer, Jinja, Rich, httpx and
    the download of models. Meanwhile an empty module stands there; afterwards `spacy.cli` can be imported as ever.
    """
    if "spacy" in sys.modules:
        return sys.modules["spacy"]
    command_line, info = ModuleType(COMMAND_LINE), ModuleType(INFO)
    command_line.__path__ = []  # a package
    info.info = _info  # type: ignore[attr-defined]
    stand_ins = {COMMAND_LINE: command_line, INFO: info}
    sys.modules.update(stand_ins)
    collects = gc.isenabled()
    gc.disable()  # an import leaves next to no garbage, and looking for it takes a tenth of the time
    try:
        return importlib.import_module("spacy")
    finally:
        if collects:
            gc.enable()
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _info(*args: Any, **kwargs: Any) -> Any:
    """`spacy.info`, which imports what it needs when it is called."""
    return importlib.import_module(INFO).info(*args, **kwargs)
