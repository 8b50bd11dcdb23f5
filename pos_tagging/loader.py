"""Tagged sentences from CoNLL-U or CSV: read, checked, split, encoded, batched."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError, excerpt
from common.text.batching import Batches, drop_words, make_mask, pad
from common.text.readers import (
    BadRow,
    TooLong,
    bounded_lines,
    file_kind,
    open_text,
    read_rows,
    require_good,
    undecodable,
)
from common.text.vocabulary import PAD_ID
from pos_tagging.config import TaggingConfig
from pos_tagging.lexicon import Lexicon

NUM_FIELDS = 10  # of a word's line in CoNLL-U
FORM, MISC = 1, 9
TAG_FIELDS = {"upos": 3, "xpos": 4, "feats": 5}
MAX_RANGE = 100  # words that may be written as one
MAX_WORDS = 100_000  # of a sentence
OTHER_CASES = (str.lower, str.upper, lambda word: word[:1].upper() + word[1:])


@dataclass(frozen=True)
class Sentence:
    """A sentence: its tokens, their tags (empty if not known), and after which tokens there is a space.

    `probabilities` are those of the tags, where a tagger has given them and was asked for it. Of a CoNLL-U file there
    are also the comments, and the `ranges` of words that are written as one: first word, last word, as written.
    `further` are tags of another kind, where a tagger is to learn those too.
    """

    tokens: list[str]
    tags: list[str] = field(default_factory=list)
    space_after: list[bool] = field(default_factory=list)
    place: str = ""
    probabilities: list[float] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    ranges: list[tuple[int, int, str]] = field(default_factory=list)
    further: list[str] = field(default_factory=list)

    def pairs(self) -> list[tuple[str, str]]:
        """The tokens with their tags."""
        return list(zip(self.tokens, self.tags, strict=True))

    def size(self) -> int:
        """Its length in characters, about."""
        return 8 * len(self.tokens)

    def written(self) -> Iterator[tuple[str, list[int]]]:
        """What is written as one, and the places of the words it holds: of "won't" two."""
        ranges = {first: (last, form) for first, last, form in self.ranges}
        number = 1
        while number <= len(self.tokens):
            last, form = ranges.get(number, (number, self.tokens[number - 1]))
            yield form, list(range(number - 1, last))
            number = last + 1

    def text(self) -> str:
        """The sentence as it was written.

        >>> Sentence(["No", "!"], space_after=[False, True]).text()
        'No!'
        """
        spaces = self.space_after or [True] * len(self.tokens)
        if not self.ranges:
            return "".join(token + " " * space for token, space in zip(self.tokens, spaces, strict=True)).rstrip()
        return "".join(form + " " * spaces[places[-1]] for form, places in self.written()).rstrip()


def load_sentences(path: Path, config: TaggingConfig, with_further: bool = False) -> list[Sentence]:
    """Read the tagged sentences of a `.conllu` or `.csv` file.

    Args:
        path: the file.
        config: the names of the columns.
        with_further: read `config.auxiliary_column` too, if there is one.
    Raises:
        InputError: the line or row, what was found there, and what would do.
    """
    further = config.auxiliary_column if with_further else None
    if file_kind(path) == ".conllu":
        if further not in (None, *TAG_FIELDS):
            raise InputError(
                f"--auxiliary-column: {path} has no {excerpt(further)}; the columns are {', '.join(TAG_FIELDS)}"
            )
        sentences = list(require_good(read_conllu(path, tag_column=config.tag_column, further_column=further)))
    else:
        sentences = list(_read_table(path, config, further))
    if not sentences:
        raise InputError(f"{path}: no sentences; give a file with at least one")
    return sentences


def read_conllu(
    path: Path, tagged: bool = True, tag_column: str = "upos", further_column: str | None = None
) -> Iterator[Sentence | BadRow]:
    """Read the sentences of a CoNLL-U file one by one; one with a wrong line becomes a BadRow.

    Words are the lines with a whole-number id; a range (`3-4`) says how the next words are written together, and empty
    nodes (`8.1`) are passed over, as the Universal Dependencies format has it
    (https://universaldependencies.org/format.html).

    Args:
        path: the file.
        tagged: whether every word must have a tag.
        tag_column: "upos", universal tags, or "xpos", those of the treebank.
        further_column: one more of these, or "feats", morphological features.
    """
    fields = (TAG_FIELDS[tag_column], TAG_FIELDS.get(further_column or ""))
    with open_text(path) as file:
        sentence, problem = Sentence([], place=f"{path}, line 1"), ""
        number = 0
        for number, line in enumerate(bounded_lines(file), 1):
            if isinstance(line, TooLong):
                problem = problem or f"{path}, line {number}: {line.message}"
                continue
            line = line.rstrip("\r\n")
            if not line or line.isspace():
                if not problem and len(sentence.space_after) != len(sentence.tokens):
                    missing = "the sentence ends within a range of words; write a line for each of them"
                    problem = f"{path}, line {number}: {missing}"
                if problem or sentence.tokens:
                    yield BadRow(problem) if problem else sentence
                sentence, problem = Sentence([], place=f"{path}, line {number + 1}"), ""
            elif not problem:
                try:
                    _read_line(line, sentence, tagged, *fields)
                except InputError as error:
                    problem = f"{path}, line {number}: {error}"
        if sentence.tokens and not problem:
            problem = f"{path}, line {number}: no blank line after the last sentence; the file may be cut short"
        if problem:
            yield BadRow(problem)


def _read_line(line: str, sentence: Sentence, tagged: bool, tag_field: int, further_field: int | None) -> None:
    """Add a comment, a word, or a range of words to the sentence."""
    if problem := undecodable(line):
        raise InputError(problem)
    if line.startswith("#"):
        sentence.comments.append(line)
        return
    fields = line.split("\t")
    if len(fields) != NUM_FIELDS:
        raise InputError(f"{len(fields)} fields, CoNLL-U has {NUM_FIELDS} separated by tabs; found {excerpt(line)}")
    space_after = "SpaceAfter=No" not in fields[MISC].split("|")
    wanted = len(sentence.tokens) + 1
    if wanted > MAX_WORDS:
        raise InputError(f"a sentence of more than {MAX_WORDS:,} words; put a blank line after each sentence")
    if not fields[0].isdecimal():
        _read_range(fields, sentence, space_after)
        return
    if fields[0] != str(wanted) and _number(fields[0]) != wanted:
        raise InputError(f"id {excerpt(fields[0])} where {wanted} is due; number the words 1, 2, 3 …")
    if not fields[FORM].strip():
        raise InputError("empty word form; write the word in the second field")
    if tagged and fields[tag_field] in ("", "_"):
        raise InputError(f"word {excerpt(fields[FORM])} has no tag; write one in field {tag_field + 1}")
    sentence.tokens.append(fields[FORM])
    sentence.tags.append(fields[tag_field])
    if further_field is not None:
        sentence.further.append(fields[further_field])
    if len(sentence.space_after) < wanted:
        sentence.space_after.append(space_after)


def _read_range(fields: list[str], sentence: Sentence, space_after: bool) -> None:
    """Note that the next words are written as one; or pass over a node that stands for no word."""
    if not fields[0].replace("-", "").replace(".", "").isdecimal():
        raise InputError(f"id {excerpt(fields[0])} is no number; a word's line begins with 1, 2, 3 …")
    first, _, last = fields[0].partition("-")
    if first.isdecimal() and last.isdecimal():
        wanted = len(sentence.space_after) + 1
        if _number(first) != wanted or not 0 <= _number(last) - wanted < MAX_RANGE:
            raise InputError(f"range {excerpt(fields[0])} where {wanted}-… is due; name the next words")
        sentence.ranges.append((wanted, _number(last), fields[FORM]))
        # Of words that are written together only the last one has a space behind it, if there is one.
        sentence.space_after.extend([False] * (_number(last) - wanted) + [space_after])


def _number(digits: str) -> int:
    """A number of a word; one of more digits than any sentence has words is none."""
    return int(digits) if len(digits) < 10 else -1


def _read_table(path: Path, config: TaggingConfig, further_column: str | None) -> Iterator[Sentence]:
    columns = [config.tokens_column, config.tags_column, *([further_column] if further_column else [])]
    for place, row in require_good(read_rows(path, columns)):
        tokens, tags, *further = (row[column].split("\t") for column in columns)
        if not row[config.tokens_column].strip():
            raise InputError(f"{place}: empty sentence; write tokens there or leave the row out")
        for kind in (tags, *further):
            if len(tokens) != len(kind):
                raise InputError(
                    f"{place}: {len(tokens)} tokens and {len(kind)} tags; each token needs one tag, separated by tabs"
                )
            if not all(part.strip() for part in tokens + kind):
                raise InputError(f"{place}: an empty token or tag; two tabs may not follow each other")
        yield Sentence(tokens, tags, place=place, further=further[0] if further else [])


def split_validation(sentences: list[Sentence], config: TaggingConfig) -> tuple[list[Sentence], list[Sentence]]:
    """Cut a random validation split off; returns train, validation."""
    order = np.random.default_rng(config.seed).permutation(len(sentences))
    num_held_out = max(1, round(len(sentences) * config.validation_rate))
    if num_held_out >= len(sentences):
        raise InputError("--validation-rate: nothing is left to train on; give a smaller one, or more data")
    return [sentences[i] for i in order[num_held_out:]], [sentences[i] for i in order[:num_held_out]]


def check_tags(sentences: Sequence[Sentence], tags: Sequence[str]) -> None:
    """Make sure that a model with these tags can be scored on the sentences.

    Raises:
        InputError: the sentence with a tag that training never saw.
    """
    for sentence in sentences:
        for token, tag in zip(sentence.tokens, sentence.tags, strict=True):
            if tag not in tags:
                raise InputError(
                    f"{sentence.place or 'sentence'}: tag {excerpt(tag)} of {excerpt(token)} never occurs in the "
                    f"training data; the tags there are {', '.join(tags)}"
                )


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
        shuffle: for training: a new order each epoch, word dropout, and sentences in another case.
        further_tags: the tags of another kind that the sentences have, if they are to be learned too.
    Returns:
        Batches of `{"token_ids": int32 (batch, time), "spellings": int32 (distinct words, WORD_LENGTH), "spelling_ids":
        int32 (batch, time), "mask": bool (batch, time)}`, with what else the lexicon has of words; tag ids int32
        (batch, time), with further tags (batch, time, 2); weights float32 (batch, time), 0 where padded. For
        `previous-tag` the inputs also hold `previous_tags`: the tag ids one step later, plus one; 0 at the first word.
    """
    written = list(dict.fromkeys(word for sentence in sentences for word in sentence.tokens))
    other_cases = [[other(word) for word in written] for other in OTHER_CASES] if shuffle and config.case_noise else []
    words = list(dict.fromkeys(itertools.chain(written, *other_cases)))
    numbers = {word: number for number, word in enumerate(words, 1)}  # 0 is no word
    rows = [[numbers[word] for word in sentence.tokens] for sentence in sentences]
    lengths = [len(row) for row in rows]
    features = {
        name: np.concatenate([np.full_like(ids[:1], PAD_ID), ids]) for name, ids in lexicon.encode(words).items()
    }
    tag_ids = {tag: i for i, tag in enumerate(lexicon.tags)}
    targets = [[tag_ids[tag] for tag in sentence.tags] for sentence in sentences]
    further_ids = {tag: i for i, tag in enumerate(further_tags)}
    further = [[further_ids[tag] for tag in sentence.further] for sentence in sentences] if further_tags else None
    drop_rates = word_drop_rates(rows, features["token_ids"], config) if shuffle else None
    in_other_case = np.array([[0, *(numbers[word] for word in words)] for words in other_cases])  # (cases, written)

    def make_batch(indices, rng):
        places = pad([rows[i] for i in indices])  # (batch, time)
        mask = make_mask([lengths[i] for i in indices])  # (batch, time)
        if rng is not None and other_cases:
            # Mayhew, Tsygankova & Roth 2019, "ner and pos when nothing is capitalized".
            cases = rng.integers(len(other_cases), size=(len(indices), 1))
            changed = rng.random((len(indices), 1)) < config.case_noise
            places = np.where(changed, in_other_case[cases, places], places)
        inputs = {name: ids[places] for name, ids in features.items() if name != "spellings"}
        distinct, inputs["spelling_ids"] = distinct_ids(places)
        inputs["spellings"] = features["spellings"][distinct]
        if rng is not None and drop_rates is not None:
            inputs["token_ids"] = drop_words(inputs["token_ids"], mask, drop_rates[places], rng)
            if "affix_ids" in inputs:
                inputs["affix_ids"] = drop_words(inputs["affix_ids"], mask[:, :, None], config.affix_dropout, rng)
            if "vector_ids" in inputs:
                inputs["vector_ids"] = drop_words(inputs["vector_ids"], mask, config.word_dropout, rng)
        inputs["mask"] = mask
        targets_padded = pad([targets[i] for i in indices], mask.shape[1])  # (batch, time)
        if config.architecture == "previous-tag":
            # tags 5 7 2 -> previous 0 6 8
            inputs["previous_tags"] = np.pad(targets_padded + 1, [[0, 0], [1, 0]])[:, :-1].astype(np.int32)
            inputs["state"] = np.zeros((len(indices), config.units), np.float32)
        if further:
            further_padded = pad([further[i] for i in indices], mask.shape[1])
            targets_padded = np.stack([targets_padded, further_padded], axis=-1)
        return inputs, targets_padded, mask.astype(np.float32)

    return Batches(lengths, make_batch, config.batch_size, seed=config.seed if shuffle else None)


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
    """How often each word is dropped: rare words more, since it is the rare ones that a text has new ones of.

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
