"""Texts as a network reads them, and its hidden states at every token, whatever its task.

A `TextReader`, the module `reader` of each task, knows the tokens and the arrays; `common.inference.states` runs the
network without TensorFlow; here both come together.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from common.bundles.architecture import Architecture
from common.bundles.bundle import TASKS, open_bundle
from common.bundles.pretrained import pretrained_folders
from common.errors import InputError
from common.inference.states import RecurrentLayer, StateReader, recurrent_layers
from common.output import recover
from common.progress import progress
from common.text.asked import open_asked
from common.text.batching import group_by_length
from common.text.columns import RATING, Column, find_column, missing_column
from common.text.documents import AUTO
from common.text.readers import read_lines
from common.text.rows import as_text, require_good
from common.text.tables import Reading
from common.text.vocabulary import Vocabulary
from interpretability.gates import find_gates

READ_TOGETHER, TOKENS_TOGETHER = 32, 8192  # texts, and tokens with their padding
USUAL_COLUMNS = ("text", "review")
CONLLU = (".conllu", ".conllu.gz", ".conll", ".conll.gz")
NUM_FIELDS = 10  # of a line of CoNLL-U
NUM_STRETCHES = 50  # of a single text, for intervals


class TextReader(Protocol):
    """How the models of a task read texts.

    Attributes:
        level: what a token is, "word" or "character".
        vocabulary: of the tokens.
        embedding: the name of the layer that has their vectors.
    """

    level: str
    vocabulary: Vocabulary
    embedding: str

    def split(self, text: str) -> list[list[str]]:
        """The tokens of each piece of a text that is read in one go."""

    def encode(self, token_lists: Sequence[Sequence[str]]) -> dict[str, NDArray]:
        """The inputs of the network, right-padded, with a `mask`."""

    def steps(self, num_tokens: int) -> NDArray[np.intp]:
        """The step at which each token is read, (tokens,)."""


@dataclass(frozen=True)
class Model:
    """A model to look inside.

    Attributes:
        name: as the user called it.
        architecture: its network, with its weights.
        reader: how it reads texts.
    """

    name: str
    architecture: Architecture
    reader: TextReader


@dataclass(frozen=True)
class Piece:
    """What a network reads in one go: a text, a part of a long one, or a sentence.

    Attributes:
        tokens: as it reads them.
        text: the number of the text that it is of; pieces of one text are not independent of each other.
        rating: of the text, NaN where nobody has rated it.
        annotations: of the tokens, by name: those of a CoNLL-U file, "" where a word has none.
    """

    tokens: list[str]
    text: int
    rating: float = float("nan")
    annotations: Mapping[str, list[str]] = field(default_factory=dict)


class PieceStates(NamedTuple):
    """The number of a piece; of each layer the states at its tokens, (tokens, units), and its gates, if wanted."""

    number: int
    states: dict[str, NDArray[np.float32]]
    gates: dict[str, dict[str, NDArray[np.float32]]]


def find_model(model: str) -> Path:
    """The folder of a bundle of any task: as it is, or of a pretrained model by its name, or by TASK/NAME.

    Raises:
        InputError: there is none, or more than one.
    """
    path = Path(model)
    recover(path)
    if path.exists():
        return path
    named = {f"{task}/{name}": folder for task in TASKS for name, folder in pretrained_folders(task).items()}
    found = [name for name in named if model in (name, name.partition("/")[2])]
    if len(found) == 1:
        return named[found[0]]
    if found:
        raise InputError(f"{model}: pretrained models of this name are {', '.join(found)}; write one of them")
    raise InputError(f"{model}: no such folder, and no pretrained model of that name; there are {', '.join(named)}")


def open_model(model: str | Path) -> Model:
    """Open a bundle of any task.

    Args:
        model: see `find_model`.
    Raises:
        InputError: the bundle is missing or damaged.
    """
    bundle = open_bundle(find_model(str(model)))
    reader = importlib.import_module(f"{bundle.manifest['task']}.reader").TextReader(bundle)
    return Model(str(model), bundle.architecture, reader)


# -- Texts ----------------------------------------------------------------------------------------------------------


def load_pieces(
    path: Path,
    reader: TextReader,
    max_tokens: int,
    text_column: str | None = None,
    rating_column: str | None = None,
    document: str = AUTO,
    num_texts: int = 0,
    seed: int = 0,
) -> list[Piece]:
    """Read a file, and cut it into what a network reads in one go.

    Args:
        path: texts, a table, or words with their annotations (CoNLL-U, told by its name).
        reader: of the model.
        max_tokens: a longer text is read in several pieces, each from a state of zeros.
        text_column: of a table; None: found out.
        rating_column: of a table; None: its texts have no ratings.
        document: what one text is in plain text.
        num_texts: so many texts, drawn at random, or pieces of a single text; 0: all.
        seed: of the drawing.
    Raises:
        InputError: the file cannot be read, or holds no text.
    """
    if path.name.endswith(CONLLU):
        if rating_column is not None:
            raise InputError(f"--rating-column: {path} holds words with annotations and no ratings; leave it out")
        if reader.level == "character":
            raise InputError(f"{path}: words; a model that reads characters wants texts")
        pieces = [Piece(each["form"], number, annotations=each) for number, each in enumerate(read_conllu(path))]
    else:
        rated = read_rated(path, text_column, rating_column, document)
        chosen = draw(len(rated), num_texts, seed)
        texts = [rated[i] for i in progress(chosen, "Tokenizing", len(chosen))]
        pieces = [
            Piece(tokens, number, rating)
            for number, (text, rating) in enumerate(texts)
            for whole in reader.split(text)
            for tokens in (whole[start : start + max_tokens] for start in range(0, len(whole), max_tokens))
        ]
        num_texts = 0 if len(rated) > 1 else num_texts
    pieces = [pieces[i] for i in draw(len(pieces), num_texts, seed)]
    if not pieces:
        raise InputError(f"{path}: no token in it; give a file with at least one text")
    return pieces


def draw(number: int, wanted: int, seed: int) -> list[int]:
    """Some of so many, at random, in their order; 0 wants all."""
    if not wanted or wanted >= number:
        return list(range(number))
    return sorted(np.random.default_rng(seed).choice(number, wanted, replace=False).tolist())


def read_rated(
    path: Path, text_column: str | None, rating_column: str | None, document: str = AUTO
) -> list[tuple[str, float]]:
    """The texts of a file, with their ratings if a column of them is named, else NaN.

    Raises:
        InputError: the row, what was found there, and what would do.
    """
    texts = open_asked(path, text_column, USUAL_COLUMNS, Reading(), document)
    if rating_column is None:
        return [(item.text, float("nan")) for item in texts.items if item.text is not None]
    names = texts.table.names if texts.table else []
    column = Column(rating_column, "--rating-column", RATING)
    place = find_column(names, column)
    if place is None:
        raise InputError(f"{path}: {missing_column(names, column)}")
    return [
        (item.text, _number(_field(item.record, names[place], place), item.place))
        for item in texts.items
        if item.text is not None
    ]


def _field(record: Any, name: str, place: int) -> str:
    """A field of a row: of a JSON object by its name, of a delimited line by its place."""
    return as_text(record.get(name)) if isinstance(record, Mapping) else as_text(record[place])


def _number(value: str, place: str) -> float:
    try:
        found = float(value)
    except ValueError:
        found = float("nan")
    if not np.isfinite(found):
        raise InputError(f"{place}: found rating {value!r:.40}, wanted a number")
    return found


def read_conllu(path: Path) -> list[dict[str, list[str]]]:
    """The sentences of a CoNLL-U file: of the words the columns form, upos and the features Number and Tense.

    Words that are written as one are several here; empty nodes are left out.

    Raises:
        InputError: the line, what was found there, and what would do.
    """
    sentences: list[dict[str, list[str]]] = [{}]
    for place, line in require_good(read_lines(path)):
        if not line.strip():
            sentences.append({})
        elif not line.startswith("#"):
            fields = line.split("\t")
            if len(fields) != NUM_FIELDS:
                raise InputError(f"{place}: found {len(fields)} fields, wanted the {NUM_FIELDS} of CoNLL-U")
            if fields[0].isdecimal():
                features = dict(part.split("=", 1) for part in fields[5].split("|") if "=" in part)
                word = {"form": fields[1], "upos": fields[3]}
                word |= {name.lower(): features.get(name, "") for name in ("Number", "Tense")}
                for name, value in word.items():
                    sentences[-1].setdefault(name, []).append(value)
    return [sentence for sentence in sentences if sentence]


def split_pieces(pieces: Sequence[Piece], seed: int) -> tuple[list[Piece], list[Piece]]:
    """Split pieces at random into two halves; those of one text stay together. Of a single text its own two halves.

    Raises:
        InputError: there is one piece only.
    """
    names = np.unique([piece.text for piece in pieces])
    if len(names) == 1:
        if len(pieces) == 1:
            raise InputError("one text in one piece cannot be split in two halves; give more text, or --test")
        middle = len(pieces) // 2
        return list(pieces[:middle]), list(pieces[middle:])
    order = np.random.default_rng(seed).permutation(names)
    chosen = set(order[: len(order) // 2].tolist())
    return [each for each in pieces if each.text in chosen], [each for each in pieces if each.text not in chosen]


def choose_places(lengths: Sequence[int], num_tokens: int, seed: int) -> list[NDArray[np.intp]]:
    """Some tokens of each piece: so many of them all, drawn at random; 0: all.

    Args:
        lengths: of the pieces, in tokens.
        num_tokens: wanted, of all pieces together.
        seed: of the drawing.
    """
    chosen = np.array(draw(sum(lengths), num_tokens, seed), np.intp)
    ends = np.cumsum(lengths)
    parts = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
    return [part - (end - length) for part, end, length in zip(parts, ends, lengths, strict=True)]


def independent_rows(texts: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The rows of each text, which a bootstrap draws together; of a single text, stretches of it.

    >>> [rows.tolist() for rows in independent_rows(np.array([4, 4, 7]))]
    [[0, 1], [2]]
    """
    groups = [np.flatnonzero(texts == text) for text in np.unique(texts)]
    return groups if len(groups) > 1 else np.array_split(groups[0], min(NUM_STRETCHES, len(groups[0])))


# -- States ---------------------------------------------------------------------------------------------------------


def read_states(
    model: Model, token_lists: Sequence[Sequence[str]], with_gates: bool = False, num_threads: int | None = None
) -> Iterator[PieceStates]:
    """The hidden states of every recurrent layer at every token, piece by piece, the short ones first.

    Args:
        model: the model.
        token_lists: the tokens of each piece; none is empty.
        with_gates: whether the gates are wanted too, and the cells of an LSTM.
        num_threads: processor cores to use; None takes all.
    Raises:
        InputError: the network has no recurrent layer.
    """
    network = StateReader(model.architecture, num_threads)
    batches = group_by_length([len(tokens) for tokens in token_lists], READ_TOGETHER, max_tokens=TOKENS_TOGETHER)
    for batch in progress(batches, "Reading", len(batches)):
        inputs = model.reader.encode([token_lists[i] for i in batch])
        found = network(inputs)
        gates = {
            name: find_gates(network.layers[name], each, inputs["mask"]) if with_gates else {}
            for name, each in found.items()
        }
        for row, number in enumerate(batch.tolist()):
            steps = model.reader.steps(len(token_lists[number]))
            yield PieceStates(
                number,
                {name: each.states[row, steps] for name, each in found.items()},
                {name: {kind: values[row, steps] for kind, values in each.items()} for name, each in gates.items()},
            )


def layers_of(model: Model) -> dict[str, RecurrentLayer]:
    """The recurrent layers of a model, by name."""
    return recurrent_layers(model.architecture)


def hidden_states(model: Model, text: str, num_threads: int | None = None) -> list[tuple[list[str], dict[str, Any]]]:
    """The hidden states of a text, for a first look.

    Args:
        model: of `open_model`.
        text: raw text.
        num_threads: processor cores to use; None takes all.
    Returns:
        For each piece that the network reads in one go its tokens, and by layer the states float32 (tokens, units).
    """
    token_lists = [tokens for tokens in model.reader.split(text) if tokens]
    found = sorted(read_states(model, token_lists, num_threads=num_threads), key=lambda each: each.number)
    return [(token_lists[each.number], each.states) for each in found]
