"""Which tests belong to a module: first those that are about it, then the others of its task or room."""

from __future__ import annotations

import re
from pathlib import Path

TASKS = ("sentiment", "language_model", "pos_tagging")
# Tests in another room, or of whole programs, and the modules that they are about.
ELSEWHERE = {
    "common/inference/onnx/test_graph.py": r"networks/(specs|layers|lstm)",
    "common/bundles/test_architecture.py": r"networks/(specs|layers|lstm)|common/bundles",
    "recipes/test_recipes.py": r"config\.py",  # the settings of the shipped models
    "test_agreement.py": r"agreement|common/bundles",
    "test_formats.py": r"common/bundles|common/settings|config\.py|common/networks/specs",
    "test_engines_agree.py": r"common/inference",
    "test_bad_input.py": r"cli|common/files|common/errors|common/text/(readers|data)|conllu",
    "test_nothing_is_lost.py": r"cli|common/output",
    "test_commands.py": r"cli|report|formats",
    "test_answering_alone.py": r"common/package|common/__init__",
}


def modules(root: Path) -> list[Path]:
    """The modules that are mutated: common, the tasks without their lessons, the recipes."""
    folders = [root / name for name in ("common", "interpretability", *TASKS, "serving", "recipes")]
    found = [path.relative_to(root) for folder in folders for path in folder.rglob("*.py")]
    return sorted(path for path in found if path.name != "notebook.py")


def close_tests(module: Path, root: Path) -> list[Path]:
    """The module itself, for its doctests; the tests of the same name; those that import it and stand in its folder.

    `common/text/readers.py` has `tests/common/text/test_readers.py`, `recipes/imdb/prepare.py` has
    `tests/recipes/test_imdb.py`; where there is no such test, all tests of the room are close.
    """
    tests = root / "tests"
    folder = tests / module.parent
    mirrored = [folder / f"test_{module.stem}.py", folder.parent / f"test_{module.parent.name}.py"]
    dotted = ".".join(module.with_suffix("").parts)
    names = re.compile(
        rf"\b{re.escape(dotted)}\b|from {re.escape(dotted.rpartition('.')[0])} import .*\b{module.stem}\b"
    )
    importing = [
        path for path in sorted((tests / module.parts[0]).rglob("test_*.py")) if names.search(path.read_text())
    ]
    found = [path for path in [*mirrored, *importing] if path.exists()]
    found = [root / module, *found] if found else [root / module, *_room(module, root)]
    if module.parts[0] == "recipes":  # has no doctests, and a function that is called `test_texts`
        found = found[1:]
    return [path.relative_to(root) for path in dict.fromkeys(found)]


def _room(module: Path, root: Path) -> list[Path]:
    folder = root / "tests" / module.parent
    return sorted((folder if folder.exists() else folder.parent).glob("test_*.py"))


def other_tests(module: Path, root: Path) -> list[Path]:
    """The other tests of its room, those that are elsewhere, and those of its task.

    What `common` does is tested through the rating model, too, the smallest of the tasks.
    """
    tests = root / "tests"
    nearest = _room(module, root)
    task = sorted((tests / ("sentiment" if module.parts[0] == "common" else module.parts[0])).glob("test_*.py"))
    elsewhere = [tests / name for name, about in ELSEWHERE.items() if re.search(about, module.as_posix())]
    found = [path.relative_to(root) for path in dict.fromkeys([*nearest, *elsewhere, *task])]
    known = close_tests(module, root)
    return [path for path in found if path not in known]
