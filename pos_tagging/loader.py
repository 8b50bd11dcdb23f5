"""Tagged sentences from CoNLL-U, a table or a list: read, checked, split, encoded, batched."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError, as_written, excerpt
from common.progress import say
from common.text.batching import Batch, Batches, drop_words, make_mask, pad
from common.text.columns import Column
from common.text.data import Data, name_of, path_of, read_data
from common.text.readers import read_open_rows
from common.text.rows import BadRow, SkippedRows, require_good
from common.text.tables import Reading
from common.text.vocabulary import PAD_ID
from pos_tagging.config import TaggingConfig
from pos_tagging.conllu import TAG_FIELDS
from pos_tagging.lexicon import Lexicon
from pos_tagging.sentences import Sentence
from pos_tagging.word_files import Words, open_words

NUM_SHOWN = 10  # tags in a message
OTHER_CASES = (str.lower, str.upper, lambda word: word[:1].upper() + word[1:])


def load_sentences(data: Data, config: TaggingConfig, with_further: bool = False) -> list[Sentence]:
    """Read tagged sentences.

    Args:
        data: a file of words and tags in one of the formats of `pos_tagging.recognition`; a CSV, TSV or JSON lines
            file, or a DataFrame, with a column of tokens and one of tags; a list of sentences, each a list of (word,
            tag).
        config: the names of the columns. The tokens of a row are a list, or a text with tabs between them.
        with_further: read `config.auxiliary_column` too, if there is one; in a list, (word, tag, further tag).
    Raises:
        InputError: the line, row or sentence, what was found there, and what would do.
    """
    further = config.auxiliary_column if with_further else None
    path = path_of(data)
    if path is None and not hasattr(data, "column_names"):
        sentences = list(_read_objects(data, config, further))
    elif path is None or path.is_dir():
        rows = read_data(data, _columns_of_table(config, further), Reading.of(config))
        sentences = _read_table(rows, config, further, name_of(data))
    else:
        sentences = _read_file(path, config, further)
    if not sentences:
        where, what = (path, "a file with at least one") if path else ("the data", "at least one")
        raise InputError(f"{where}: no sentences; give {what}")
    return sentences


def _columns(config: TaggingConfig, further: str | None) -> list[str]:
    return [config.tokens_column, config.tags_column, *([further] if further else [])]


def _columns_of_table(config: TaggingConfig, further: str | None) -> list[Column]:
    return [Column(name, "--tokens-column and --tags-column") for name in _columns(config, further)]


def _read_file(path: Path, config: TaggingConfig, further: str | None) -> list[Sentence]:
    """The sentences of a table, or of a file of tagged words."""
    given = "text" if config.input_format == "table" else config.input_format
    with open_words(path, config.columns(further), given, config.encoding) as words:
        layout = words.format
        if config.input_format == "table" or (layout.name == "text" and words.is_table(_columns(config, further))):
            rows = read_open_rows(words.source, path, _columns_of_table(config, further), Reading.of(config))
            return _read_table(rows, config, further, path.name)
        if layout.tag is None:
            raise InputError(
                f"{path}: {layout.description}, wanted words with tags: CoNLL-U, a word and its tag a line, WORD/TAG, "
                "or a table; say which it is with --input-format"
            )
        if further and layout.further is None:
            there = f"are {', '.join(TAG_FIELDS)}" if layout.name == "conllu" else "have numbers, from 1"
            raise InputError(f"--auxiliary-column: {path} has no {excerpt(further)}; the columns {there}")
        return _good_sentences(words, config.skip_bad_rows)


def _good_sentences(words: Words, skip_bad_rows: bool) -> list[Sentence]:
    """The sentences of a file of words, of which those that cannot be read may be left out."""
    skipped = SkippedRows(skip_bad_rows, words.name)
    sentences: list[Sentence] = []
    for item in words.sentences():
        if isinstance(item, BadRow):
            skipped.add(item.message)
        else:
            sentences.append(item)
    skipped.conclude(len(sentences))
    return sentences


def _read_table(
    rows: Iterator[tuple[str, dict[str, str]] | BadRow], config: TaggingConfig, further: str | None, name: str
) -> list[Sentence]:
    """The sentences of a table, of which those that cannot be used may be left out."""
    columns = _columns(config, further)
    skipped = SkippedRows(config.skip_bad_rows, name)
    sentences = []
    for item in rows:
        try:
            place, row = next(require_good([item]))
            sentences.append(_make_sentence([_parts(row[column]) for column in columns], place))
        except InputError as error:
            skipped.add(str(error))
    skipped.conclude(len(sentences))
    return sentences


def _parts(text: str) -> list[str]:
    """The tokens or tags of a field: between tabs, or as a list of JSON."""
    if text.startswith("["):
        with suppress(ValueError, RecursionError):
            values = json.loads(text)
            if isinstance(values, list) and all(isinstance(value, str | int) for value in values):
                return list(map(str, values))
    return text.split("\t")


def _read_objects(data: Any, config: TaggingConfig, further: str | None) -> Iterator[Sentence]:
    """The sentences of a DataFrame or a list."""
    columns = _columns(config, further)
    if hasattr(data, "columns"):
        if missing := [name for name in columns if list(data.columns).count(name) != 1]:
            there = ", ".join(map(str, data.columns)) or "none"
            raise InputError(f"the table needs one column {missing[0]!r}; the columns there are: {there}")
        for number, values in enumerate(data[columns].itertuples(index=False, name=None), 1):
            yield _from_values(values, columns, f"row {number}")
        return
    if not _is_list(data):
        raise InputError(f"found {as_written(data)} as data, wanted a file, a DataFrame or a list of sentences")
    for number, item in enumerate(data, 1):
        place = f"sentence {number}"
        if isinstance(item, Sentence):
            _check_parts([item.tokens, item.tags, *([item.further] if further else [])], item.place or place)
            yield item
        elif isinstance(item, Mapping):
            if missing := [name for name in columns if name not in item]:
                raise InputError(f"{place}: no {missing[0]!r}; there are: {', '.join(map(str, item)) or 'none'}")
            yield _from_values([item[name] for name in columns], columns, place)
        else:
            yield _from_words(item, len(columns), 2 + bool(config.auxiliary_column), place)


def _from_values(values: Sequence[Any], columns: Sequence[str], place: str) -> Sentence:
    """A sentence of a row: its tokens, its tags, and further tags perhaps; each a list, or a text with tabs."""
    parts = []
    for name, value in zip(columns, values, strict=True):
        part = value.split("\t") if isinstance(value, str) else value
        if not _is_list(part) or not all(isinstance(token, str) for token in part):
            raise InputError(
                f"{place}: found {as_written(value)} as {name}, wanted a list of strings, or tabs between them"
            )
        parts.append(list(map(str, part)))  # NumPy has strings of its own
    return _make_sentence(parts, place)


def _from_words(words: Any, num_values: int, most_values: int, place: str) -> Sentence:
    """A sentence of a list of words, each with its tag, and a further tag perhaps."""
    wanted = "(word, tag)" if num_values == 2 else "(word, tag, further tag)"
    if not _is_list(words):
        raise InputError(f"{place}: found {as_written(words)}, wanted a list of {wanted}")
    for word in words:
        fits = _is_list(word) and num_values <= len(word) <= most_values
        if not fits or not all(isinstance(part, str) for part in word):
            raise InputError(f"{place}: found {as_written(word)}, wanted {wanted}")
    rows = [list(map(str, word)) for word in words]
    return _make_sentence([[row[i] for row in rows] for i in range(num_values)], place)


def _is_list(value: Any) -> bool:
    """Whether a value is a list, a tuple, an array or a Series."""
    return isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping | Set)


def _make_sentence(parts: Sequence[list[str]], place: str) -> Sentence:
    """A sentence of its tokens, its tags, and further tags perhaps."""
    _check_parts(parts, place)
    tokens, tags, *further = parts
    return Sentence(tokens, tags, further[0] if further else (), place)


def _check_parts(parts: Sequence[Sequence[str]], place: str) -> None:
    """Check tokens and tags against each other."""
    tokens, *kinds = parts
    if not "".join(tokens).strip():
        raise InputError(f"{place}: empty sentence; write tokens there or leave the row out")
    for kind in kinds:
        if len(tokens) != len(kind):
            raise InputError(
                f"{place}: {len(tokens)} tokens and {len(kind)} tags; each token needs one tag, separated by tabs"
            )
        if not all(part.strip() for part in (*tokens, *kind)):
            raise InputError(f"{place}: an empty token or tag; two tabs may not follow each other")


def split_validation(sentences: list[Sentence], config: TaggingConfig) -> tuple[list[Sentence], list[Sentence]]:
    """Cut a random validation split off; a sentence with a tag that no other one has stays in training.

    Returns:
        train, validation.
    """
    order = np.random.default_rng(config.seed).permutation(len(sentences)).tolist()
    num_held_out = max(1, round(len(sentences) * config.validation_split))
    if num_held_out >= len(sentences):
        raise InputError("--validation-split: nothing is left to train on; give a smaller one, or more data")
    left = Counter(tag for sentence in sentences for tag in set(sentence.tags))  # sentences of each tag in training
    held_out: list[int] = []
    for i in order:
        tags = set(sentences[i].tags)
        if len(held_out) < num_held_out and all(left[tag] > 1 for tag in tags):
            held_out.append(i)
            left.subtract(tags)
    held_out = held_out or order[:1]  # each has a tag of its own
    chosen = set(held_out)
    return [sentences[i] for i in order if i not in chosen], [sentences[i] for i in held_out]


def tell_of_new_tags(sentences: Sequence[Sentence], tags: Sequence[str], where: str) -> None:
    """Tell of tags that a model does not have, and so never predicts: their words count as wrong.

    Args:
        sentences: to be scored.
        tags: those of the model.
        where: "the validation split", say.
    """
    new = Counter(tag for sentence in sentences for tag in sentence.tags)
    for tag in tags:
        del new[tag]
    if new:
        shown = ", ".join(excerpt(tag) for tag, _ in new.most_common(NUM_SHOWN))
        more = f" and {len(new) - NUM_SHOWN} more" if len(new) > NUM_SHOWN else ""
        words = f"{new.total():,} word{'s' * (new.total() > 1)}"
        say(f"{where}: {words} with tags that the model does not have, which count as wrong: {shown}{more}")


def make_batches(
    sentences: Sequence[Sentence],
    lexicon: Lexicon,
    config: TaggingConfig,
    shuffle: bool,
    further_tags: Sequence[str] = (),
) -> Batches:
    """Put sentences into padded batches of similar length.

    Args:
        sentences: without tags where they are to be predicted.
        lexicon: of the training split.
        config: the settings.
        shuffle: for training: a new order each epoch, word dropout, and case augmentation.
        further_tags: the tags of another kind that the sentences have, if they are to be learned too.
    Returns:
        Batches of `{"token_ids": int32 (batch, time), "spellings": int32 (distinct words, WORD_LENGTH), "spelling_ids":
        int32 (batch, time), "mask": bool (batch, time)}`, with what else the lexicon has of words; tag ids int32
        (batch, time), with further tags (batch, time, 2); weights float32 (batch, time), 0 where padded. For
        `previous-tag` the inputs also hold `previous_tags`: the tag ids one step later, plus one; 0 at the first word.
    """
    maker = BatchMaker(sentences, lexicon, config, shuffle, further_tags)
    return Batches(maker.lengths, maker, config.batch_size, seed=config.seed if shuffle else None)


class WordTable:
    """The distinct words of some sentences, and the ids of their features, looked up once.

    A word is a number, from 1; 0 is padding. `features` are the ids of `Lexicon.encode` by number, (numbers, …).
    `other_cases` holds the number of each word in lower case, UPPER CASE and Title Case, int (cases, numbers); None
    without case augmentation.

    Args:
        sentences: the sentences.
        lexicon: of the training split.
        with_cases: whether the words are there in other cases too.
    """

    def __init__(self, sentences: Sequence[Sentence], lexicon: Lexicon, with_cases: bool) -> None:
        written = list(dict.fromkeys(word for sentence in sentences for word in sentence.tokens))
        others = [[other(word) for word in written] for other in OTHER_CASES] if with_cases else []
        words = list(dict.fromkeys(itertools.chain(written, *others)))
        self.numbers = {word: number for number, word in enumerate(words, 1)}
        self.features = {
            name: np.concatenate([np.full_like(ids[:1], PAD_ID), ids]) for name, ids in lexicon.encode(words).items()
        }
        self.other_cases = np.array([[0, *map(self.numbers.__getitem__, row)] for row in others]) if others else None

    def look_up(self, words: NDArray[np.int32]) -> dict[str, NDArray]:
        """The features of a batch of words (batch, time); each distinct word is spelled once."""
        inputs = {name: ids[words] for name, ids in self.features.items() if name != "spellings"}
        distinct, inputs["spelling_ids"] = distinct_ids(words)
        inputs["spellings"] = self.features["spellings"][distinct]
        return inputs


class BatchMaker:
    """Sentences by index to a padded batch, see `make_batches`; in training with dropout and case augmentation."""

    def __init__(
        self,
        sentences: Sequence[Sentence],
        lexicon: Lexicon,
        config: TaggingConfig,
        training: bool,
        further_tags: Sequence[str] = (),
    ) -> None:
        self.config = config
        self.words = WordTable(sentences, lexicon, training and config.case_augmentation > 0)
        self.rows = [[self.words.numbers[word] for word in sentence.tokens] for sentence in sentences]
        self.lengths = [len(row) for row in self.rows]
        self.targets = _encode_tags([sentence.tags for sentence in sentences], lexicon.tags)
        self.further = (
            _encode_tags([sentence.further for sentence in sentences], further_tags) if further_tags else None
        )
        self.drop_rates = word_drop_rates(self.rows, self.words.features["token_ids"], config) if training else None

    def __call__(self, indices: NDArray[np.intp], rng: np.random.Generator | None) -> Batch:
        words = pad([self.rows[i] for i in indices])  # (batch, time)
        mask = make_mask([self.lengths[i] for i in indices])  # (batch, time)
        if rng is not None:
            words = self._change_case(words, rng)
        inputs = self.words.look_up(words)
        if rng is not None:
            self._drop(inputs, words, mask, rng)
        inputs["mask"] = mask
        targets = pad([self.targets[i] for i in indices], mask.shape[1])  # (batch, time)
        if self.config.architecture == "previous-tag":
            inputs |= self._tags_before(targets)
        if self.further:
            further = pad([self.further[i] for i in indices], mask.shape[1])
            targets = np.stack([targets, further], axis=-1)  # (batch, time, 2)
        return inputs, targets, mask.astype(np.float32)

    def _change_case(self, words: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int32]:
        """Case augmentation of whole sentences: Mayhew, Tsygankova & Roth 2019, "ner and pos when nothing is
        capitalized"."""
        other_cases = self.words.other_cases
        if other_cases is None:
            return words
        cases = rng.integers(len(other_cases), size=(len(words), 1))
        changed = rng.random((len(words), 1)) < self.config.case_augmentation
        return np.where(changed, other_cases[cases, words], words)

    def _drop(
        self, inputs: dict[str, NDArray], words: NDArray[np.int32], mask: NDArray[np.bool_], rng: np.random.Generator
    ) -> None:
        """Word dropout, rare words more; dropout of prefixes and suffixes and of given vectors, each independently."""
        if self.drop_rates is None:
            return
        inputs["token_ids"] = drop_words(inputs["token_ids"], mask, self.drop_rates[words], rng)
        if "affix_ids" in inputs:
            inputs["affix_ids"] = drop_words(inputs["affix_ids"], mask[:, :, None], self.config.affix_dropout, rng)
        if "vector_ids" in inputs:
            inputs["vector_ids"] = drop_words(inputs["vector_ids"], mask, self.config.word_dropout, rng)

    def _tags_before(self, targets: NDArray[np.int32]) -> dict[str, NDArray]:
        """The inputs of `previous-tag` in training (teacher forcing): tags 5 7 2 -> previous 0 6 8; an empty state."""
        return {
            "previous_tags": np.pad(targets + 1, [[0, 0], [1, 0]])[:, :-1].astype(np.int32),
            "state": np.zeros((len(targets), self.config.units), np.float32),
        }


def _encode_tags(tag_lists: Sequence[Sequence[str]], tags: Sequence[str]) -> list[list[int]]:
    ids = {tag: i for i, tag in enumerate(tags)}
    return [[ids[tag] for tag in row] for row in tag_lists]


def distinct_ids(ids: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Find the distinct ids of a batch (batch, time), ascending, and which of them stands at each place (batch, time).

    >>> distinct, places = distinct_ids(np.array([[7, 3], [3, 0]]))
    >>> distinct.tolist(), places.tolist()
    ([0, 3, 7], [[2, 1], [1, 0]])
    """
    distinct, places = np.unique(ids, return_inverse=True)
    return distinct, places.reshape(ids.shape).astype(np.int32)


def word_drop_rates(
    rows: Sequence[Sequence[int]], token_ids: NDArray[np.int32], config: TaggingConfig
) -> NDArray[np.float64]:
    """Word dropout rates: rare words are dropped more often, since the unknown words of a text are like them.

    Kiperwasser & Goldberg 2016, "Simple and Accurate Dependency Parsing Using Bidirectional LSTM Feature
    Representations", section 4; here on top of a rate that holds for all words.

    Args:
        rows: the words of each sentence, as numbers.
        token_ids: the id of each of these numbers (numbers,); several words may share one.
        config: the settings.
    Returns:
        A probability for each number, (numbers,).
    """
    counts = np.bincount(token_ids[[number for row in rows for number in row]], minlength=token_ids.max() + 1)
    rare = config.rare_word_dropout / np.maximum(config.rare_word_dropout + counts, 1e-9)
    return (config.word_dropout + (1 - config.word_dropout) * rare)[token_ids]
