"""Reviews from CSV, TSV or JSON lines: read, checked, split, tokenized, encoded, batched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from common.errors import InputError, excerpt
from common.networks.rating_levels import level_targets
from common.progress import say
from common.text.batching import Batches, drop_words, make_mask, pad
from common.text.columns import RATING, TEXT, Column
from common.text.data import Data, name_of, path_of, read_data
from common.text.normalization import normalize
from common.text.readers import read_lines, require_good
from common.text.rows import SkippedRows
from common.text.tables import Reading
from common.text.tokenization import load_pipeline, tokenize_cached
from common.text.vocabulary import BOS_ID, Vocabulary
from sentiment.config import SentimentConfig
from sentiment.ngrams import Ngrams, pad_terms
from sentiment.scale import (
    BOTH_ENDS,
    ENOUGH,
    Scale,
    Written,
    convert,
    find_scale,
    parse_labels,
    read_rating,
    scale_warning,
)

MANY = 0.1  # of the ratings outside of a scale: it is not theirs
Ends = tuple[float | None, float | None]  # worst and best rating of a file, where given

MOST_TOKENS = 20_000  # of a text that is read whole: more would take gigabytes, and no review has them


@dataclass(frozen=True)
class Reviews:
    """Reviews of one file or split.

    `ratings` is float32 (reviews,); `groups` says what each review is about (a film), where that is known.
    """

    texts: list[str]
    ratings: np.ndarray
    groups: list[str] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, indices: Sequence[int] | np.ndarray) -> Reviews:
        """Choose some of the reviews."""
        groups = None if self.groups is None else [self.groups[i] for i in indices]
        return Reviews([self.texts[i] for i in indices], self.ratings[indices], groups)


@dataclass(frozen=True)
class WrittenReviews:
    """Rated reviews as they stand in a file, `source`: ratings on the scale of the file, `places` for messages."""

    texts: list[str]
    ratings: list[Written]
    places: list[str]
    groups: list[str] | None
    source: str

    def on_scale(self, file_scale: tuple[float, float], config: SentimentConfig) -> Reviews:
        """Map the ratings to the scale of a model, along a straight line.

        Args:
            file_scale: worst and best rating in the file.
            config: with the scale of the model.
        Raises:
            InputError: a rating outside of the scale, or one that states another.
        """
        for place, rating in zip(self.places, self.ratings, strict=True):
            check_inside(place, rating, *file_scale)
        values = np.array([rating.value for rating in self.ratings])
        converted = convert(values, file_scale, (config.min_rating, config.max_rating))
        return Reviews(self.texts, converted.astype(np.float32), self.groups)


def load_reviews(
    data: Data, config: SentimentConfig, groups_file: str | Path | None = None, scale: Ends = (None, None)
) -> Reviews:
    """Read rated reviews, with their ratings on the scale of a model.

    Args:
        data: a CSV, TSV or JSON lines file, also gzipped; a DataFrame; a list of (review, rating).
        config: names of the columns, labels, and the scale of the model.
        groups_file: the group of each row, one a line; instead of `config.group_column`.
        scale: worst and best rating in this file. None: that of the model, if it fits the ratings; else it is found out
            and said, and the ratings are mapped.
    Raises:
        InputError: the row, what was found there, and what would do.
    """
    written = read_reviews(data, config, groups_file)
    return written.on_scale(file_scale(written, config, scale), config)


def read_reviews(data: Data, config: SentimentConfig, groups_file: str | Path | None = None) -> WrittenReviews:
    """Read rated reviews as they are written; see `load_reviews`.

    With `config.skip_bad_rows` a row without a text or a rating is left out, and how many were is said.
    """
    labels = parse_labels(config.labels) if config.labels else None
    texts, ratings, places, groups = [], [], [], []
    skipped = SkippedRows(config.skip_bad_rows, name_of(data))
    for item in read_data(data, columns_of(config), Reading.of(config)):
        try:
            place, row = next(require_good([item]))
            text = _read_text(row[config.text_column], place)
            rating = _read_rating(row[config.rating_column], place, labels)
        except InputError as error:
            skipped.add(str(error))
            continue
        texts.append(text)
        ratings.append(rating)
        places.append(place)
        if config.group_column:
            groups.append(row[config.group_column])
    skipped.conclude(len(texts))
    if not texts:
        raise InputError(f"{name_of(data)}: no row has a text and a rating; give at least one")
    if groups_file is not None:
        groups = _read_groups(Path(groups_file), len(texts), name_of(data))
    return WrittenReviews(texts, ratings, places, groups or None, str(path_of(data) or name_of(data)))


def columns_of(config: SentimentConfig) -> list[Column]:
    """The columns of a table that settings name."""
    given = {name: getattr(config, name) != getattr(SentimentConfig, name) for name in ("text_column", "rating_column")}
    return [
        Column(config.text_column, "--text-column", TEXT, given["text_column"]),
        Column(config.rating_column, "--rating-column", RATING, given["rating_column"]),
        *([Column(config.group_column, "--group-column")] if config.group_column else []),
    ]


def with_scale(config: SentimentConfig, written: WrittenReviews) -> SentimentConfig:
    """The settings with the scale that the ratings of the training file are on, found out and said.

    A scale that is given is kept; if it does not fit the ratings, a warning says so.
    """
    low, high = config.min_rating, config.max_rating
    if low is not None and high is not None and low < high:
        if warning := scale_warning(_values(written), config.min_rating, config.max_rating):
            say(f"WARNING: {warning}")
        return config
    scale = _find_scale(written, config)
    say(f"Ratings: {scale.describe(written.ratings)}{f'; {scale.remark}' if scale.remark else ''}")
    return replace(
        config, min_rating=scale.low if low is None else low, max_rating=scale.high if high is None else high
    )


def file_scale(written: WrittenReviews, config: SentimentConfig, given: Ends) -> tuple[float, float]:
    """The scale of a file that a trained model is held against.

    It is another than the model's if many ratings lie outside of that, if all lie in a smaller one, or if they say so;
    a single rating outside is an error of its row.

    Args:
        written: the reviews of the file.
        config: with the scale of the model.
        given: worst and best rating of the file, by option; either may be None.
    Raises:
        InputError: the worst rating is not below the best.
    """
    own = config.min_rating, config.max_rating
    low, high = (end if end is not None else own[number] for number, end in enumerate(given))
    if not low < high:
        raise InputError(f"--min-rating {low:g} is not below --max-rating {high:g}; give the ends of the scale")
    values = _values(written)
    warning = scale_warning(values, low, high)
    if given != (None, None):
        if warning:
            say(f"WARNING: {warning}")
        return low, high
    outside = len(values) >= ENOUGH and np.mean((values < low) | (values > high)) >= MANY
    stated = {rating.out_of for rating in written.ratings} - {None, high}
    if not (outside or warning or stated):
        return own
    scale = _find_scale(written, config)
    if (scale.low, scale.high) != own:
        say(
            f"WARNING: {written.source}: {scale.describe(written.ratings)}; the model rates from {low:g} to {high:g}; "
            f"they are mapped along a straight line; if that is wrong, give --min-rating and --max-rating"
        )
    return scale.low, scale.high


def _find_scale(written: WrittenReviews, config: SentimentConfig) -> Scale:
    try:
        return find_scale(written.ratings, parse_labels(config.labels) if config.labels else None)
    except InputError as error:
        raise InputError(f"{written.source}: {error}") from None


def _values(written: WrittenReviews) -> np.ndarray:
    return np.array([rating.value for rating in written.ratings])


def check_inside(place: str, rating: Written, low: float, high: float) -> None:
    """Refuse a rating outside of the scale of its file, or one that states another end."""
    if rating.out_of not in (None, high):
        raise InputError(
            f"{place}: rating {excerpt(rating.text)} is out of {rating.out_of:g}, not {high:g}; {BOTH_ENDS}"
        )
    if not low <= rating.value <= high:
        raise InputError(
            f"{place}: rating {excerpt(rating.text)} is outside {low:g} to {high:g}; correct it, or {BOTH_ENDS}"
        )


def load_texts(data: Data, config: SentimentConfig) -> list[str]:
    """Read unlabelled reviews: the text column of a file or a DataFrame, or a list of texts.

    Raises:
        InputError: the row, what was found there, and what would do.
    """
    rows = require_good(read_data(data, columns_of(config)[:1], Reading.of(config)))
    return [_read_text(row[config.text_column], place) for place, row in rows]


def _read_text(text: str, place: str) -> str:
    if not text.strip():
        raise InputError(f"{place}: empty text; write a review there or leave the row out")
    return text


def normal_texts(texts: Iterable[str], config: SentimentConfig) -> list[str]:
    """Normalize texts as the settings say, for models and baselines alike.

    >>> normal_texts(["Good.<br /><br />Bad."], SentimentConfig())
    ['Good.\\n\\nBad.']
    """
    return [normalize(text, config.normalization) for text in texts]


def split_tokens(texts: Sequence[str], config: SentimentConfig) -> list[list[str]]:
    """Normalize and tokenize the texts of a data set; the tokens are cached."""
    return tokenize_cached(normal_texts(texts, config), load_pipeline(config.language))


def _read_rating(text: str, place: str, labels: Mapping[str, float] | None) -> Written:
    try:
        return read_rating(text, labels)
    except ValueError as error:
        raise InputError(
            f"{place}: rating {excerpt(text)} {error}; write a number, or say what words mean: --labels bad=1,good=5"
        ) from None


def _read_groups(path: Path, num_rows: int, data_name: str) -> list[str]:
    groups = [line for _, line in require_good(read_lines(path))]
    if len(groups) != num_rows:
        raise InputError(
            f"{path}: {len(groups):,} lines for the {num_rows:,} rows of {data_name}; one line a row is wanted"
        )
    return groups


def split_validation(reviews: Reviews, config: SentimentConfig) -> tuple[Reviews, Reviews]:
    """Cut a validation split off, by group where groups are known: a film stays on one side.

    Reviews of one film share names and plot; a model that has seen some of them looks better on the rest than it is.

    Returns:
        train, validation.
    """
    rng = np.random.default_rng(config.seed)
    names = np.array(reviews.groups if reviews.groups else range(len(reviews)))
    distinct = np.unique(names)
    rng.shuffle(distinct)
    num_wanted = max(1, round(len(distinct) * config.validation_split))
    held_out = np.isin(names, distinct[:num_wanted])
    if held_out.all():
        raise InputError("--validation-split: nothing is left to train on; give a smaller one, or more data")
    return reviews.take(np.flatnonzero(~held_out)), reviews.take(np.flatnonzero(held_out))


def rating_levels(config: SentimentConfig) -> np.ndarray:
    """The levels of the scale, from the worst: steps of one, or as near to it as fits; float64 (levels,)."""
    num_steps = max(1, round(config.max_rating - config.min_rating))
    return np.linspace(config.min_rating, config.max_rating, num_steps + 1)


def make_targets(ratings: np.ndarray, config: SentimentConfig) -> np.ndarray:
    """Targets of the output layer; float32 (batch, 1), or as `rating_levels.level_targets`."""
    if config.head == "regression":
        return ratings[:, None]
    return level_targets(ratings, rating_levels(config), config.head == "ordinal")


def reading_order(num_tokens: int, config: SentimentConfig) -> list[int]:
    """The indices of a review's tokens in the order of reading, without those that `config.max_length` cuts off.

    The verdict often stands at the end, so "both" keeps a quarter from the head and the rest from the tail.

    >>> reading_order(8, SentimentConfig(max_length=5, truncation="both"))
    [0, 5, 6, 7]
    """
    room = (config.max_length or MOST_TOKENS) - 1
    num_head = {"head": room, "tail": 0, "both": room // 4}[config.truncation] if num_tokens > room else num_tokens
    num_tail = room - num_head if num_tokens > room else 0
    places = [*range(num_head), *range(num_tokens - num_tail, num_tokens)]
    return places[::-1] if config.directions == "backward" else places


def encode_review(tokens: Sequence[str], vocabulary: Vocabulary, config: SentimentConfig) -> list[int]:
    """Turn a review's tokens into ids in the order of reading, the mark of its start first; see `reading_order`.

    >>> config = SentimentConfig(max_length=5, truncation="both")
    >>> encode_review(list("abcdefgh"), Vocabulary("abcdefgh"), config)
    [2, 4, 9, 10, 11]
    """
    ids = vocabulary.encode(tokens)
    return [BOS_ID, *(ids[place] for place in reading_order(len(ids), config))]


def share_cut(lengths: Sequence[int] | np.ndarray, config: SentimentConfig) -> float:
    """The share of texts, of which the lengths are given in tokens, that `encode_review` cuts."""
    return float(np.mean(np.array(lengths) >= config.max_length)) if config.max_length and len(lengths) else 0.0


def make_batches(
    token_lists: Sequence[Sequence[str]],
    targets: np.ndarray | None,
    vocabulary: Vocabulary,
    config: SentimentConfig,
    shuffle: bool,
    ngrams: Ngrams | None = None,
) -> Batches:
    """Put reviews into padded batches of similar length.

    Args:
        token_lists: the tokens of each review.
        targets: of `make_targets`, a row for each review; None where ratings are to be predicted.
        vocabulary: of the training split.
        config: the settings.
        shuffle: for training: a new order each epoch, and word dropout.
        ngrams: of the wide part, if the model has one and it is to answer.
    Returns:
        Batches of `{"token_ids": int32 (batch, time), "mask": bool (batch, time)}`, with the inputs of `pad_terms` for
        a wide part; the targets (zeros if there are none), and weights float32 (batch,), all one.
    """
    rows = [encode_review(tokens, vocabulary, config) for tokens in token_lists]
    lengths = [len(row) for row in rows]
    targets = np.zeros((len(rows), 1), np.float32) if targets is None else targets
    terms = [ngrams.encode(tokens) for tokens in token_lists] if ngrams else []

    def make_batch(indices, rng):
        token_ids = pad([rows[i] for i in indices])  # (batch, time)
        mask = make_mask([lengths[i] for i in indices])  # (batch, time)
        if rng is not None and config.word_dropout:
            token_ids = drop_words(token_ids, mask, config.word_dropout, rng)
        inputs = {"token_ids": token_ids, "mask": mask, **(pad_terms([terms[i] for i in indices]) if ngrams else {})}
        return inputs, targets[indices], np.ones(len(indices), np.float32)

    return Batches(lengths, make_batch, config.batch_size, seed=config.seed if shuffle else None)
