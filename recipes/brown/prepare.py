"""The Brown Corpus in three parts, by document: no text is in two of them."""

from __future__ import annotations

from pathlib import Path

from recipes.program import Places
from recipes.sources import brown, once, write_table

PARTS = {"train": range(2, 10), "validation": (1,), "test": (0,)}


def split(places: Places) -> dict[str, Path]:
    """In the order of their names every tenth document is for the test, the one after it for validation."""
    folder = places.work / "brown"
    files = {name: folder / f"{name}.csv" for name in PARTS}
    if not all(path.exists() for path in files.values()):
        sentences = brown(places.data)
        number = sentences.doc.rank(method="dense").astype(int) % 10
        for name, digits in PARTS.items():
            once(files[name], write_table(sentences[number.isin(digits)]))
    return files
