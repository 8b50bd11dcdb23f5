"""The public data sets, under the names that they are published with or those of one folder a data set."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import pandas

from common.errors import InputError
from common.output import replace_file
from common.text.readers import open_text

TREEBANK_SPLITS = {"train": "train", "validation": "dev", "test": "test"}


def find(data: Path, *names: str) -> Path:
    """The first of some files that is there.

    Raises:
        InputError: none is.
    """
    for name in names:
        if (data / name).exists():
            return data / name
    raise InputError(f"{data}: found none of {', '.join(names)}; get the data set, see recipes/README.md")


def once(path: Path, write: Callable[[IO[str]], object]) -> Path:
    """Write a text file that is not there yet, `.gz` compressed; returns its path.

    A file that is there is complete: it takes its name at the end.
    """
    if not path.exists():
        with new_text(path) as file:
            write(file)
    return path


@contextmanager
def new_text(path: Path) -> Iterator[IO[str]]:
    """A new text file; a compressed one has no time stamp, so equal texts give equal files."""
    if path.suffix != ".gz":
        with replace_file(path, newline="", encoding="utf-8") as file:
            yield file
        return
    with (
        replace_file(path, "wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, "utf-8", newline="") as file,
    ):
        yield file


def write_table(table: pandas.DataFrame | pandas.Series) -> Callable[[IO[str]], object]:
    """What `once` is given to write a table as CSV."""
    return lambda file: table.to_csv(file, index=False, lineterminator="\n")


def read_text(path: Path) -> str:
    """The whole of a text file, also a gzipped one."""
    with open_text(path) as file:
        return file.read()


def treebank(data: Path, split: str) -> Path:
    """A file of Universal Dependencies English-EWT."""
    name = TREEBANK_SPLITS[split]
    return find(data, f"ud_english_ewt/{name}.conllu.gz", f"UD_English-EWT/en_ewt-ud-{name}.conllu")


def gum(data: Path, split: str) -> Path:
    """A file of Universal Dependencies English-GUM, with the genre of each document in its comments."""
    name = TREEBANK_SPLITS[split]
    return find(data, f"ud_english_gum/{name}.conllu.gz", f"UD_English-GUM/en_gum-ud-{name}.conllu")


def stories(data: Path, split: str) -> Path:
    """A file of FairytaleQA: a CSV table with a section of a story in the column `text`."""
    return find(data, f"stories/{split}.csv.gz")


def imdb(data: Path, work: Path) -> dict[str, Path]:
    """The Large Movie Review Dataset as tables, and the film of each row, one a line.

    Args:
        data: holds the folder `imdb` of tables, or `aclImdb` as it is published.
        work: where the tables of the latter are written.
    Returns:
        Files by name: `train`, `test` (columns rating, review), `unlabelled` (review); `train.films`.
    """
    if (data / "imdb").is_dir():
        names = ("train.csv.gz", "test.csv.gz", "unlabelled.csv.gz", "train.films.txt.gz")
        return {name.removesuffix(".csv.gz").removesuffix(".txt.gz"): find(data, f"imdb/{name}") for name in names}
    original, tables = find(data, "aclImdb"), work / "imdb"
    parts = {"train": ("train/pos", "train/neg"), "test": ("test/pos", "test/neg"), "unlabelled": ("train/unsup",)}
    files = {name: tables / f"{name}.csv.gz" for name in parts}
    for name, folders in parts.items():
        once(files[name], partial(_write_folders, original, folders))
    films = once(tables / "train.films.txt.gz", lambda file: file.writelines(_films(original, parts["train"])))
    return {**files, "train.films": films}


def _write_folders(original: Path, folders: Sequence[str], file: IO[str]) -> None:
    write_table(_read_folders(original, folders))(file)


def _read_folders(original: Path, folders: Sequence[str]) -> pandas.DataFrame:
    """The reviews of `aclImdb`, in files named NUMBER_RATING.txt, in the order of the numbers."""
    rows = []
    for folder in folders:
        files = sorted((original / folder).glob("*.txt"), key=lambda file: int(file.stem.split("_")[0]))
        rows += [(int(file.stem.split("_")[1]), file.read_text(encoding="utf-8")) for file in files]
    table = pandas.DataFrame(rows, columns=["rating", "review"])
    return table if table.rating.any() else table[["review"]]


def _films(original: Path, folders: tuple[str, ...]) -> Iterator[str]:
    """The film of each review, from the lists of addresses; http://www.imdb.com/title/tt0453418/usercomments"""
    for folder in folders:
        split, kind = folder.split("/")
        for line in (original / split / f"urls_{kind}.txt").read_text(encoding="utf-8").splitlines():
            yield line.split("/title/")[1].split("/")[0] + "\n"


def brown(data: Path) -> pandas.DataFrame:
    """The Brown Corpus, a sentence a row: doc, sentence_id, and tab-separated tokens, tags_universal, tags_brown."""
    return pandas.read_csv(find(data, "brown/brown.csv.gz", "brown/brown.csv"))
