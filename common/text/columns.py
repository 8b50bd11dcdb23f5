"""Which column of a table is meant: by name, by number, by content; near misses are named, doubtful cases refused."""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from common.errors import InputError, excerpt, printable

TEXT, RATING, OTHER = "text", "rating", "other"
MOST_LISTED = 30  # columns in a message
NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d+)?|[.,]\d+)\s*(/\s*\d+)?\s*%?\s*")
FEW_VALUES, SHORT_VALUE = 12, 20
LEAST_LENGTH, LEAST_WORDS = 25, 3.0  # of texts, on average
LONG_TEXT, MANY_WORDS = 60, 8  # no name of a column has them


@dataclass(frozen=True)
class Column:
    """A column that is wanted.

    Attributes:
        name: its name; or its number, from 1, where no column has that name.
        option: that chooses it.
        kind: TEXT, RATING or OTHER: what its values look like.
        given: whether a user has chosen the name; else it is only the usual one.
    """

    name: str
    option: str = "the --…-column options"
    kind: str = OTHER
    given: bool = True


def as_columns(columns: Sequence[Column | str]) -> list[Column]:
    """Columns; those given by name alone too."""
    return [Column(column) if isinstance(column, str) else column for column in columns]


def plain_name(name: str) -> str:
    """What two names have in common that differ in case, in spaces and signs, or in a plural s.

    >>> plain_name(" Review_Text "), plain_name("comments")
    ('reviewtext', 'comment')
    """
    plain = re.sub(r"[\W_]+", "", name.casefold())
    return plain.removesuffix("s") if len(plain) > 3 else plain


def find_column(names: Sequence[str], wanted: Column) -> int | None:
    """The place of a column by its name or number; None if there is none of that name.

    Raises:
        InputError: several have the name.
    """
    places = [place for place, name in enumerate(names) if name == wanted.name]
    if len(places) > 1:
        numbers = " and ".join(str(place + 1) for place in places)
        raise InputError(
            f"two columns are named {excerpt(wanted.name)}: {numbers}; choose one by its number, such as "
            f"{wanted.option} {places[0] + 1}, or rename one"
        )
    if places:
        return places[0]
    if wanted.name.isdecimal() and len(wanted.name) < 6 and 1 <= int(wanted.name) <= len(names):
        return int(wanted.name) - 1
    if not wanted.given:
        close = [place for place, name in enumerate(names) if plain_name(name) == plain_name(wanted.name)]
        return close[0] if len(close) == 1 else None
    return None


def missing_column(names: Sequence[str], wanted: Column) -> str:
    """Say that a column is not there, which ones are, and which may be meant.

    >>> missing_column(["id", "Comment"], Column("comment", "--text-column"))
    "no column 'comment': did you mean 'Comment'? The columns there are: id, Comment; choose with --text-column"
    """
    shown = ", ".join(printable(name, max_characters=40) for name in names[:MOST_LISTED]) or "none"
    more = f" and {len(names) - MOST_LISTED:,} more" if len(names) > MOST_LISTED else ""
    choose = f"; choose with {wanted.option}"
    near = near_miss(names, wanted.name)
    if near:
        return f"no column {wanted.name!r}: did you mean {excerpt(near)}? The columns there are: {shown}{more}{choose}"
    return f"no column {wanted.name!r}; the columns there are: {shown}{more}{choose}"


def text_columns(given: str | None, usual: Sequence[str], option: str) -> list[Column]:
    """The columns in which texts to answer may stand: that which was given by an option, or the usual ones."""
    names = usual if given is None else [given]
    return [Column(name, option, TEXT, given=given is not None) for name in names]


def first_there(candidates: Sequence[Column], names: Sequence[str]) -> Column:
    """The first candidate that a table has; the last one if it has none."""
    return next((each for each in candidates if each.name in names), candidates[-1])


def free_name(name: str, taken: Container[str]) -> str:
    """A name for a column of answers that no other column has.

    >>> free_name("rating", ["id", "rating"])
    'rating_predicted'
    """
    while name in taken:
        name += "_predicted"
    return name


def near_miss(names: Sequence[str], name: str) -> str | None:
    """The name that one may have meant."""
    plain = {plain_name(other): other for other in reversed(names[:1000])}
    if plain_name(name) in plain:
        return plain[plain_name(name)]
    close = difflib.get_close_matches(plain_name(name), plain, n=1, cutoff=0.8)
    return plain[close[0]] if close else None


def by_content(columns: Sequence[Sequence[str]], kind: str) -> int | None:
    """The only column whose values look like texts, or like ratings; None if there is none, or several.

    Where no column has long texts, the only one with a value of several words has the texts.

    Args:
        columns: some values of each.
        kind: TEXT or RATING.

    >>> by_content([["1", "2"], ["Great, really", "Awful"], ["5", "1"]], TEXT)
    1
    """
    fits = {TEXT: looks_like_texts, RATING: looks_like_ratings}.get(kind)
    found = [place for place, values in enumerate(columns) if fits and fits(values)]
    if kind == TEXT and not found:
        found = [place for place, values in enumerate(columns) if any(len(value.split()) > 1 for value in values)]
    return found[0] if len(found) == 1 else None


def looks_like_texts(values: Sequence[str]) -> bool:
    """Whether values are texts: longer than names and numbers, of several words.

    >>> looks_like_texts(["It arrived late, and broken.", "Fine."]), looks_like_texts(["17", "4"])
    (True, False)
    """
    values = [value for value in values if value.strip()]
    if not values:
        return False
    words = sum(len(value.split()) for value in values) / len(values)
    beyond = sum(character > "\u2e7f" for value in values for character in value[:200]) / len(values)
    length = sum(map(len, values)) / len(values)
    return (words >= LEAST_WORDS and length >= 15) or beyond >= 8 or (length >= LEAST_LENGTH and words >= 2)


def looks_like_ratings(values: Sequence[str]) -> bool:
    """Whether values are ratings: numbers, or few different words or signs.

    >>> looks_like_ratings(["4", "5"]), looks_like_ratings(["It arrived late, and broken.", "Fine."])
    (True, False)
    """
    values = [value.strip() for value in values if value.strip()]
    if not values:
        return False
    numeric = sum(NUMBER.fullmatch(value) is not None for value in values)
    if numeric >= 0.9 * len(values):
        return len(set(values)) <= max(25, len(values) / 2)
    return len(set(values)) <= min(FEW_VALUES, len(values) / 2) and max(map(len, values)) <= SHORT_VALUE


def looks_like_data(fields: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the first record of a table is certainly no header: it has a number above numbers, or a long text.

    Args:
        fields: of the first record.
        below: some further records.
    """
    for place, field in enumerate(fields):
        if len(field) >= LONG_TEXT and len(field.split()) >= MANY_WORDS:
            return True
        others = [record[place] for record in below if place < len(record)]
        numbers = sum(NUMBER.fullmatch(value) is not None for value in others)
        if NUMBER.fullmatch(field) and others and numbers >= 0.9 * len(others):
            return True
    return False
