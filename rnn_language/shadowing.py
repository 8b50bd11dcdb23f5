"""Somebody else's package under the name of one of ours, which Python finds first: say so, instead of failing oddly."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("common", "interpretability", "sentiment", "language_model", "pos_tagging", "serving", "scaling", "tuning")


def check_not_shadowed() -> None:
    """Make sure that our packages are ours; nothing of them is imported.

    Raises:
        ImportError: another one comes first, that of the folder where the program was started, say.
    """
    for name in NAMES:
        spec = importlib.util.find_spec(name)
        found = [*map(str, (spec and spec.submodule_search_locations) or [])] or [str(spec and spec.origin)]
        if Path(found[0]).resolve() != ROOT / name:
            raise ImportError(
                f"{name}: found {found[0]}, wanted the package of rnn-language in {ROOT}; "
                "use the command rnn-language, or python -P, or start from another folder"
            )
