"""Rating scales: what a written rating means, and which scale the ratings of a file are on.

A file may hold `4`, `4,5`, `8/10`, `★★★★☆`, `80%` or `positive`. `read_rating` reads one such text, `find_scale`
finds the scale of all of them, and `convert` maps ratings from one scale to another along a straight line. A text
that can be read in two ways is refused, never guessed.
"""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from common.errors import InputError, excerpt

NUMBER, FRACTION, GLYPHS, WORD, LABEL = "number", "fraction", "glyphs", "word", "label"
BOTH_ENDS = "give the ends of the scale with --min-rating and --max-rating"
ENOUGH = 20  # ratings, from which on it means something that a part of the scale is never used
LONGEST = 60  # characters of a rating
LARGEST = 1e9  # a rating: larger numbers are times, or numbers of people and things

# -- One rating -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """A rating as it stands in a file.

    Attributes:
        value: the rating, on the scale of the file.
        out_of: upper end of the scale, where the text itself states it: 5 of "4/5" and of "★★★★☆", 100 of "80%".
        kind: NUMBER; FRACTION (also a percentage); GLYPHS (a row of stars); WORD (a built-in word, such as
            "positive"); LABEL (a text that `labels` gives a value).
        text: what was written, for messages.
    """

    value: float
    out_of: float | None = None
    kind: str = NUMBER
    text: str = field(default="", compare=False)


WORDS = {
    **dict.fromkeys(("very positive", "very good"), 2.0),
    **dict.fromkeys(("positive", "pos", "good", "recommended", "thumbs up", "👍"), 1.0),
    **dict.fromkeys(("neutral", "neu"), 0.0),
    **dict.fromkeys(("negative", "neg", "bad", "not recommended", "thumbs down", "👎"), -1.0),
    **dict.fromkeys(("very negative", "very bad"), -2.0),
}
MISSING = {
    "n/a", "na", "n.a.", "#n/a", "<na>", "nan", "nat", "null", "none", "nil", "missing", "unrated", "not rated",
    "no rating", "-", "--", ".", "?",
}  # fmt: skip
SMALL_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
PARTS = {"½": 1 / 2, "¼": 1 / 4, "¾": 3 / 4, "⅓": 1 / 3, "⅔": 2 / 3, "1/2": 1 / 2, "1/4": 1 / 4, "3/4": 3 / 4,
         "1/3": 1 / 3, "2/3": 2 / 3, "and a half": 1 / 2}  # fmt: skip
FULL_GLYPHS, EMPTY_GLYPHS, HALF_GLYPHS = "★⭐🌟✭✮✯●■*", "☆✩✰○□", "½|1/2|⯨|⯪"

# Signs that mean the same as one of ASCII: minus, plus, separators, as full-width and typographic signs.
SAME = str.maketrans("−–—－﹣＋．，٫／⁄∕％（）：", "-----+.,.///%():")
UNSEEN = re.compile("[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")  # variation selectors, key caps, skin tones

DIGITS = r"(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:e[+-]?\d+)?"
AMOUNT = rf"[+-]?(?:(?:\d+ ?)?[½¼¾⅓⅔]|\d+ (?:and a half|[12]/3|[13]/4|1/2)|{DIGITS})"
UNITS = (
    "stars?|bubbles?|points?|pts|sterne?n?|punkten?|étoiles?|estrellas?|estrelas?|stell[ae]|sterren|"
    "つ星|颗星|顆星|星|★|⭐"
)
UNIT = rf"(?:[ -]?(?:{UNITS}))?"
END = r"(?: (?:rating|review))?\.?"
BEGIN = r"(?:(?:rated|rating|scored?|stars?)[:=]? ?|[★⭐] ?)?"
OUT_OF = r"(?: ?/ ?| (?:out of|of|von|sur|de|su|van de|van|av) | ?\(out of )"
NUMBER_PATTERN = re.compile(rf"{BEGIN}(?P<value>{AMOUNT}){UNIT}{END}")
FRACTION_PATTERN = re.compile(rf"{BEGIN}(?P<value>{AMOUNT}){UNIT}{OUT_OF}(?P<end>{DIGITS}){UNIT}\)?{END}")
JAPANESE_PATTERN = re.compile(rf"(?P<end>{DIGITS})つ星のうち ?(?P<value>{AMOUNT})")  # "5つ星のうち4.0": 4 of 5 stars
PERCENT_PATTERN = re.compile(rf"{BEGIN}(?P<value>{AMOUNT}) ?(?:%|percent|per cent|pct|prozent)")
GLYPH_PATTERN = re.compile(rf"(?P<full>[{FULL_GLYPHS}]*)(?P<half>{HALF_GLYPHS})?(?P<empty>[{EMPTY_GLYPHS}]*)")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
DATE = re.compile(rf"\d+([-/. ])\d+\1\d+\b.*|\d+[-/. ]+(?:{MONTHS})\w*\b.*|(?:{MONTHS})\w*[-/. ]+\d+\b.*")
RANGE = re.compile(rf"{DIGITS} ?(?:-|~|to|\.\.) ?{DIGITS}")


def read_rating(text: str, labels: Mapping[str, float] | None = None) -> Written:
    """Read one rating.

    Args:
        text: what stands in the file: a number ("4", "4,5", "3 1/2", "five", "4 stars"), a fraction ("4/5", "8 out
            of 10", "80%"), a row of stars, or a word such as "positive".
        labels: the value of each label; letter case and outer spaces do not count. Labels replace the built-in
            words. If a label is a number, only numbers among the labels are ratings, by their value.
    Raises:
        ValueError: it is no rating, or could be two; the message is a clause that goes on after the quoted text.

    >>> read_rating("8 out of 10").value, read_rating("★★★½").value, read_rating("ok", {"OK": 3}).value
    (8.0, 3.5, 3.0)
    """
    if not labels:
        return _read(text)
    values = {_label_key(label): float(value) for label, value in labels.items()}
    if (key := _label_key(text)) in values:
        return Written(values[key], None, LABEL, text.strip())
    written = _read(text)
    numbers = {number: value for label, value in values.items() if (number := _plain_number(label)) is not None}
    if written.kind == WORD or (numbers and written.value not in numbers):
        raise ValueError("has no value in --labels")
    if numbers and written.kind != NUMBER:
        raise ValueError("is no number, as the labels of --labels are")
    return Written(numbers[written.value], None, LABEL, text.strip()) if numbers else written


def _label_key(text: str) -> str:
    """What two labels have in common that differ in case, spaces or signs nobody sees."""
    return " ".join(UNSEEN.sub("", unicodedata.normalize("NFC", text)).split()).casefold()


def _plain_number(text: str) -> float | None:
    try:
        written = _read(text)
    except ValueError:
        return None
    return written.value if written.kind == NUMBER else None


@lru_cache(maxsize=4096)
def _read(text: str) -> Written:
    """Read a rating without labels; files repeat the same few texts."""
    stripped, plain = text.strip(), _plain(text)
    if not plain:
        raise ValueError("is empty")
    if plain in MISSING:
        raise ValueError("marks a missing value")
    if len(plain) > LONGEST:
        raise ValueError("is too long for a rating")
    word = " ".join(plain.replace("_", " ").replace("-", " ").split())
    if word in WORDS:
        return Written(WORDS[word], None, WORD, stripped)
    if any(glyph in plain for glyph in FULL_GLYPHS + EMPTY_GLYPHS) and (row := _read_glyphs(plain)):
        return Written(*row, GLYPHS, stripped)
    plain = re.sub(rf"\b(?:{'|'.join(SMALL_NUMBERS)})\b", lambda m: str(SMALL_NUMBERS.index(m[0])), plain)
    if match := PERCENT_PATTERN.fullmatch(plain):
        return Written(*_share(_amount(match["value"]), 100.0), FRACTION, stripped)
    if match := FRACTION_PATTERN.fullmatch(plain) or JAPANESE_PATTERN.fullmatch(plain):
        if re.search(r"1 ?/ ?2\b", plain) and match["value"] == "1":
            raise ValueError("can mean 0.5, or 1 out of 2; write 0.5, or '1 out of 2'")
        return Written(*_share(_amount(match["value"]), _amount(match["end"])), FRACTION, stripped)
    if match := NUMBER_PATTERN.fullmatch(plain):
        return Written(_amount(match["value"]), None, NUMBER, stripped)
    raise ValueError(_why_not(plain))


def _plain(text: str) -> str:
    """Lower-case ASCII digits and signs, single spaces; no invisible characters, no brackets around everything.

    Brackets around a number alone stay: accountants write -4 as "(4)".
    """
    text = UNSEEN.sub("", unicodedata.normalize("NFC", text)).translate(SAME).casefold()
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text if unicodedata.category(c) != "Cf")
    text = " ".join(text.split())
    bracketed = re.fullmatch(r"\(([^()]*[/★⭐ ][^()]*)\)", text)
    return bracketed[1].strip() if bracketed else text


def _amount(text: str) -> float:
    """The number that AMOUNT matched: "4.5", "4,5", "4½", "3 1/2", "4 and a half"."""
    sign, text = (-1 if text.startswith("-") else 1), text.lstrip("+-")
    for part, value in PARTS.items():
        if text.endswith(part):
            return sign * (float(text.removesuffix(part) or 0) + value)
    if THOUSANDS.fullmatch(text):
        raise ValueError(f"can mean {text.replace(',', '.')} or {text.replace(',', '')}; write a decimal point")
    number = float(text.replace(",", "."))
    if not math.isfinite(number):
        raise ValueError("is no finite number")
    if number > LARGEST:
        raise ValueError("is too large for a rating")
    return sign * number + 0.0  # never -0


def _share(value: float, end: float) -> tuple[float, float]:
    """A rating out of a stated end: value, end."""
    if end < 1:
        raise ValueError(f"states a scale that ends at {end:g}")
    if not 0 <= value <= end:
        raise ValueError(f"is not between 0 and {end:g}")
    return value, end


def _read_glyphs(plain: str) -> tuple[float, float | None] | None:
    """The full glyphs, and the length of the row if it ends in empty ones; None if this is no row of glyphs."""
    match = GLYPH_PATTERN.fullmatch(plain.replace(" ", ""))
    if not match:
        return None
    full, half, empty = len(match["full"]), match["half"] is not None, len(match["empty"])
    if not full and not half:
        raise ValueError("has only empty glyphs: the worst rating, or as many stars?")
    if plain == "*":
        raise ValueError("can mean one star, or a missing value")
    if full + half + empty > 10:
        raise ValueError("has more than 10 glyphs")
    return full + half / 2, float(full + half + empty) if empty else None


def _why_not(plain: str) -> str:
    if DATE.fullmatch(plain):
        return "looks like a date"
    if RANGE.fullmatch(plain):
        return "is a range, not one rating"
    if re.fullmatch(r"[+-]?inf(inity)?", plain):
        return "is no finite number"
    if re.search(r"\d", plain):
        return "is not a rating in a known form"
    return "is a word without a value; give it one with --labels, such as --labels bad=1,good=5"


def parse_labels(text: str) -> dict[str, float]:
    """Read the option `--labels`: a value for each label.

    Args:
        text: as "bad=1,good=5"; a label with a comma stands in double quotes. Labels may hold spaces.
    Returns:
        The values by label, as written, in the order given.
    Raises:
        InputError: a label without a value, with two values, or no two labels that differ in value.

    >>> parse_labels('bad=1, "so, so"=3, very good=5')
    {'bad': 1.0, 'so, so': 3.0, 'very good': 5.0}
    """
    labels: dict[str, float] = {}
    seen: dict[str, float] = {}
    for piece in _split_labels(text):
        label, value = _parse_label(piece)
        if seen.setdefault(_label_key(label), value) != value:
            raise InputError(f"--labels: {excerpt(label)} has two values; give each label one")
        labels.setdefault(label, value)
    if len(set(labels.values())) < 2:
        raise InputError("--labels: give at least two labels with different values, such as bad=1,good=5")
    return labels


def _split_labels(text: str) -> list[str]:
    """Cut at commas, but not between double quotes."""
    try:
        return next(csv.reader([" ".join(text.split())], skipinitialspace=True), [])
    except csv.Error as error:
        raise InputError(f"--labels: {error}; write it as bad=1,good=5") from None


def _parse_label(piece: str) -> tuple[str, float]:
    label, equals, value = (part.strip() for part in piece.partition("="))
    if not label or not equals or "=" in value:
        raise InputError(
            f"--labels: found {excerpt(piece)}, wanted label=value; separate labels by commas, as in bad=1,good=5"
        )
    number = _plain_number(value)
    if number is None:
        raise InputError(f"--labels: {excerpt(value)}, the value of {excerpt(label)}, is no finite number")
    return label, number


# -- The scale of a file --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """The scale of ratings.

    Attributes:
        low: the worst rating.
        high: the best rating.
        step: distance of neighbouring ratings; 0 = continuous.
        remark: what makes another scale as likely, and what to type then; "" if there is nothing.
    """

    low: float
    high: float
    step: float = 1.0
    remark: str = field(default="", compare=False)

    def name(self) -> str:
        """What to call it.

        >>> Scale(1, 5).name(), Scale(1, 10).name(), Scale(-1, 1, 0).name()
        ('1-5 stars', '1 to 10', '-1 to 1')
        """
        if self.high == 5 and self.low in (0, 0.5, 1):
            return f"{self.low:g}-5 stars"
        return f"{self.low:g} to {self.high:g}"

    def describe(self, written: Sequence[Written]) -> str:
        """The ratings that were found, and the scale that they are read on, in a line.

        >>> Scale(1, 5).describe([Written(1.0), Written(2.0), Written(5.0)])
        'ratings 1 to 5 in steps of 1, read as 1-5 stars'
        """
        texts = {_label_key(w.text): w for w in reversed(written) if w.kind in (WORD, LABEL)}
        values = sorted({w.value for w in written if w.kind not in (WORD, LABEL)})
        if len(values) == 1 and not texts:
            return f"all ratings {values[0]:g}, read as {self.name()}"
        parts = [_list_words(list(texts.values()))] if texts else []
        if values:
            steps = f" in steps of {self.step:g}" if self.step and len(values) > 1 else ""
            parts.append(f"{_from_to(values[0], values[-1])}{steps}")
        return f"ratings {' and '.join(parts) or 'none'}, read as {self.name()}"


def _list_words(words: Sequence[Written], most: int = 6) -> str:
    """Words with their values, from the worst."""
    listed = [f"{w.text[:20]} ({w.value:g})" for w in sorted(words, key=lambda w: w.value)]
    return ", ".join(listed if len(listed) <= most else [*listed[: most - 1], "…", listed[-1]])


def _from_to(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


# Low, high, and the steps that the ratings must be in (0: any). The first that holds all ratings is taken; a scale
# below 0 only if a rating is below 0.
USUAL = (
    (0, 1, 0), (1, 2, 1), (-1, 1, 0), (0, 2, 1), (1, 5, 0), (0.5, 5, 0.5), (0, 4, 0.5), (-2, 2, 0), (0, 5, 0),
    (-3, 3, 0), (1, 7, 1), (1, 10, 0), (0, 10, 0), (-5, 5, 0), (-10, 10, 0), (0, 20, 0), (0, 100, 0), (-100, 100, 0),
)  # fmt: skip
CLASSES = ((1, 2), (0, 2))  # numbers of classes rather than stars
SMALLER = (*((low, high) for low, high, _ in USUAL), (1, 3))  # what another scale is mistaken for
STEPS = (10, 5, 1, 0.5, 0.25, 0.2, 0.1, 0.05, 0.01)


def find_scale(written: Sequence[Written], labels: Mapping[str, float] | None = None) -> Scale:
    """Find the scale of a file from its ratings.

    An end that the ratings state ("4/5", "★★★★☆", "80%") is taken. Labels give their own range. Other ratings are
    read on the smallest usual scale that holds them all, and where none does, on the range that they have.

    Args:
        written: all ratings of the file.
        labels: as given to `read_rating`.
    Returns:
        The scale; its remark names a doubt that people should see.
    Raises:
        InputError: there are no ratings, two scales, or the scale cannot be known; what to type.

    >>> find_scale([read_rating(text) for text in ("4/5", "2/5")]).name()
    '1-5 stars'
    """
    if not written:
        raise InputError("there are no ratings to find the scale from; give at least two that differ")
    if any(w.kind == WORD for w in written):
        return _scale_of_words(written)
    ends = {w.out_of: w.text for w in reversed(written) if w.out_of is not None}
    if len(ends) > 1:
        (first, one), (second, two) = sorted(ends.items())[:2]
        raise InputError(
            f"ratings out of {first:g} ({excerpt(one)}) and out of {second:g} ({excerpt(two)}) in one file; "
            "write all of them on one scale"
        )
    if ends:
        return _stated_scale(written, next(iter(ends)))
    values = [w.value for w in written]
    if all(w.kind == GLYPHS for w in written) and max(values) <= 5:
        return _scale_of_stars(sorted(set(values)), len(written))
    if all(w.kind == LABEL for w in written):
        return _scale_of_labels(values, labels or {})
    named = set(labels.values()) if labels else set()
    return _usual_scale(values, set(values) | named)


def _scale_of_words(written: Sequence[Written]) -> Scale:
    """-1 to 1 for negative and positive, -2 to 2 if some are very much so."""
    word = next(w for w in written if w.kind == WORD)
    if other := next((w for w in written if w.kind != WORD), None):
        raise InputError(
            f"ratings in words ({excerpt(word.text)}) and in other forms ({excerpt(other.text)}) in one file; "
            "give every word its value with --labels"
        )
    values = {w.value for w in written}
    if len(values) == 1:
        raise InputError(
            f"every rating is {excerpt(word.text)}: there is nothing to tell apart; add rows of another rating"
        )
    end = max(1.0, *(abs(value) for value in values))
    step = 2 * end if values == {-end, end} else 1.0
    return Scale(-end, end, step, _one_sided(sorted(values), -end, end, len(written)))


def _scale_of_stars(values: Sequence[float], num: int) -> Scale:
    """1-5 stars, or 0.5-5 stars, for rows of full stars alone."""
    low = 1.0 if values[0] >= 1 else 0.5
    step = _step(values, low, 5)
    return Scale(low, 5.0, step, _one_value(values) or _one_sided(values, low, 5, num, step))


def _scale_of_labels(values: Sequence[float], labels: Mapping[str, float]) -> Scale:
    """The range of the values of the labels: whoever gave them knows the scale."""
    known = sorted({*values, *labels.values()})
    if len(known) < 2:
        raise InputError(f"every rating is {known[0]:g}, so the scale cannot be known; {BOTH_ENDS}")
    same = f"every rating is {values[0]:g}; add rows of another rating" if len(set(values)) == 1 else ""
    return Scale(known[0], known[-1], _common_step(value - known[0] for value in known), same)


def _stated_scale(written: Sequence[Written], end: float) -> Scale:
    """A scale of which the ratings state the upper end; the lower one is 1, or what the ratings and habit show."""
    stated = next(w.text for w in written if w.out_of is not None)
    lowest, highest = min(written, key=lambda w: w.value), max(written, key=lambda w: w.value)
    for wrong in (lowest, highest):
        if not 0 <= wrong.value <= end:
            raise InputError(
                f"rating {excerpt(wrong.text)} is not between 0 and {end:g}, the end of the scale that "
                f"{excerpt(stated)} states; write all ratings on one scale"
            )
    bare = [w.value for w in written if w.kind == NUMBER]
    if bare and max(bare) <= end / 5:
        raise InputError(
            f"ratings out of {end:g} ({excerpt(stated)}) and without an end ({max(bare):g} at most) in one file: "
            f"they may be of two scales; write {max(bare):g}/{end:g} if that is meant"
        )
    values = sorted({w.value for w in written})
    if end <= 1 or end >= 20 or values[0] < 0.5:
        low = 0.0
    else:
        low = 1.0 if values[0] >= 1 else 0.5 if end == 5 and _on_grid(values, 0.5) else 0.0
    remark = f"{len(bare):,} ratings without an end are read as out of {end:g}" if bare else ""
    return Scale(low, end, _step(values, low, end), remark or _one_value(values))


def _usual_scale(ratings: Sequence[float], distinct: Iterable[float]) -> Scale:
    """The smallest usual scale that holds all ratings, or their range."""
    values, num = sorted(distinct), len(ratings)
    _refuse_strangers(values, num)
    one = len(values) == 1
    if one and values[0] in (-1, 0, 1):
        raise InputError(f"every rating is {values[0]:g}, the worst of one scale and not of another; {BOTH_ENDS}")
    low, high = _usual_ends(values) or (values[0], values[-1])
    if one and low == high:
        raise InputError(f"every rating is {low:g}, on no usual scale; {BOTH_ENDS}")
    scale = Scale(low, high, _step(values, low, high))
    return replace(scale, remark=_remark(values, scale, num))


def _usual_ends(values: Sequence[float]) -> tuple[float, float] | None:
    """The ends of the smallest usual scale that holds the values, which are sorted; None if none does."""
    for low, high, grid in USUAL:
        held = low <= values[0] and values[-1] <= high and (low >= 0 or values[0] < 0)
        if held and not (grid == 1 and len(values) == 1) and (not grid or _on_grid(values, grid)):
            return float(low), float(high)
    return None


def _refuse_strangers(values: Sequence[float], num: int) -> None:
    """Refuse a value that is no rating by the look of it: -1 for "not rated", 99, a slip of the key.

    Such a value lies further from the others than they lie apart, and would at least double the scale.
    """
    negative = [value for value in values if value < 0]
    if negative == [-1] and values[-1] >= 2 and (0 not in values or values[-1] >= 3):
        raise InputError(
            f"rating -1 among ratings up to {values[-1]:g}: if it means 'not rated', leave those rows out; if not, "
            f"{BOTH_ENDS}"
        )
    if num < ENOUGH or len(values) < 4:
        return
    low, high = _usual_ends(values) or (values[0], values[-1])
    for stranger, rest in ((values[-1], values[:-1]), (values[0], values[1:])):
        gap = min(abs(stranger - value) for value in rest)
        rest_low, rest_high = _usual_ends(rest) or (rest[0], rest[-1])
        if gap > rest[-1] - rest[0] and high - low >= 2 * (rest_high - rest_low):
            raise InputError(
                f"rating {stranger:g} is far from all others ({rest[0]:g} to {rest[-1]:g}): correct it, leave those "
                f"rows out, or {BOTH_ENDS}"
            )


def _remark(values: Sequence[float], scale: Scale, num: int) -> str:
    """What speaks against the scale that was found."""
    if not any((scale.low, scale.high) == (low, high) for low, high, _ in USUAL):
        return f"no usual scale holds {scale.low:g} to {scale.high:g}; if the scale goes further, {BOTH_ENDS}"
    if (scale.low, scale.high) in CLASSES:
        return (
            f"read as classes, from {scale.low:g} (worst) to {scale.high:g} (best); if the scale is longer, "
            "such as 1-5 stars, give --min-rating and --max-rating"
        )
    if remark := _one_value(values) or _one_sided(values, scale.low, scale.high, num, scale.step):
        return remark
    if values[0] == 0 and scale.high in (5, 10) and scale.step == 1:
        return "0 is read as the worst rating; if it means 'not rated', leave those rows out"
    return ""


def _one_value(values: Sequence[float]) -> str:
    return f"every rating is {values[0]:g}, so the scale is a guess; {BOTH_ENDS}" if len(values) == 1 else ""


def _one_sided(values: Sequence[float], low: float, high: float, num: int, step: float = math.inf) -> str:
    """A remark if the ratings use one half of the scale, or if many ratings never reach the best."""
    lowest, highest, middle = values[0], values[-1], (low + high) / 2
    unused = num >= ENOUGH and high - highest >= max(step, 0.1 * (high - low))
    if highest <= middle or unused:
        return f"no rating is above {highest:g}; if that is the best of the scale, give --max-rating {highest:g}"
    if lowest >= middle:
        return f"no rating is below {lowest:g}; if that is the worst of the scale, give --min-rating {lowest:g}"
    return ""


def _on_grid(values: Iterable[float], step: float) -> bool:
    """Whether all values are multiples of the step, but for the error of 32-bit numbers."""
    return all(abs(value / step - round(value / step)) < 1e-4 for value in values)


def _common_step(distances: Iterable[float]) -> float:
    """The greatest common divisor of distances that are multiples of 0.001, or else 0.

    >>> _common_step([1.5, 4]), _common_step([0.33333])
    (0.5, 0.0)
    """
    distances = list(distances)
    return math.gcd(*(round(d * 1000) for d in distances)) / 1000 if _on_grid(distances, 0.001) else 0.0


def _step(values: Sequence[float], low: float, high: float) -> float:
    """The step of ratings on a scale: the largest of STEPS that they are all in, or 0; at most 1 on a short scale."""
    if (low, high) == (-1, 1) and list(values) == [-1, 1]:
        return 2.0
    distances = [high - low, *(value - low for value in values)]
    largest = 10 if high - low > 20 else 1
    return next((float(step) for step in STEPS if step <= largest and _on_grid(distances, step)), 0.0)


# -- From scale to scale --------------------------------------------------------------------------------------------

PLAIN_NUMBER = r"[+-]?\d+(?:[.,]\d+)?"
SCALE_PATTERN = re.compile(rf"({PLAIN_NUMBER}) ?(?:-|\.\.\.?|…|:|to) ?({PLAIN_NUMBER})(?: ?(?:stars|points))?")


def parse_scale(text: str) -> tuple[float, float]:
    """Read a scale from an option: its worst and best rating.

    Args:
        text: as "1-5", "0..10", "-1..1", "1 to 10".
    Raises:
        InputError: it is no scale, or its ends are not in order.

    >>> parse_scale("1-5"), parse_scale("-1..1")
    ((1.0, 5.0), (-1.0, 1.0))
    """
    match = SCALE_PATTERN.fullmatch(_plain(text))
    if not match:
        raise InputError(f"scale {excerpt(text)} is not understood; write its ends, such as 1-5, 0..10 or -1..1")
    try:
        low, high = _amount(match[1]), _amount(match[2])
    except ValueError as error:
        raise InputError(f"scale {excerpt(text)} {error}") from None
    check_ends(low, high)
    return low, high


def check_ends(low: float, high: float) -> None:
    """Check a scale that is given as numbers.

    Raises:
        InputError: its ends are not in order, or too far from 0.
    """
    if not low < high:
        raise InputError(f"scale: {low:g} is not below {high:g}; give the worst rating first, then the best")
    if max(-low, high) > LARGEST:
        raise InputError(f"scale: found {low:g} to {high:g}, wanted ends from {-LARGEST:g} to {LARGEST:g}")


def convert(values: np.ndarray, from_scale: tuple[float, float], to_scale: tuple[float, float]) -> np.ndarray:
    """Map ratings from one scale to another along a straight line; the ends fall exactly on the ends.

    Args:
        values: ratings of any shape; NaN stays NaN, and what lies outside the scale stays outside.
        from_scale: worst and best rating of the values.
        to_scale: worst and best rating of the result.
    Returns:
        float64, in the shape of `values`.
    Raises:
        InputError: a scale that is empty, upside down or too large.

    >>> convert(np.array([1, 3, 5]), (1, 5), (0, 10)).tolist()
    [0.0, 5.0, 10.0]
    """
    for low, high in (from_scale, to_scale):
        check_ends(low, high)
    values = np.asarray(values, dtype=np.float64)
    if tuple(from_scale) == tuple(to_scale):
        return values.copy()
    share = (values - from_scale[0]) / (from_scale[1] - from_scale[0])
    return to_scale[0] * (1 - share) + to_scale[1] * share


def scale_warning(ratings: np.ndarray, low: float, high: float) -> str | None:
    """Warn of a scale that does not fit the ratings.

    The rule: no rating lies above the middle of the scale, and the highest is the best of a smaller usual scale that
    holds them all: ratings 1 to 5 on a scale of 1 to 10. Ratings 1 to 4 of 10 are no reason, as they may well be
    bad reviews. Likewise on a scale from below 0: no rating lies below the middle, and a usual scale from 0 or 1 with
    the same best rating holds them all. Fewer than 20 ratings give a softer message, fewer than 5 none.

    Args:
        ratings: as they stand in the file, any shape; NaN is left out.
        low: worst rating of the scale.
        high: best rating.
    Returns:
        One line, or None.

    >>> scale_warning(np.array([1, 2, 4, 5] * 50), 1, 10)
    'all 200 ratings are between 1 and 5, but the scale is 1 to 10: every review counts as bad; give --max-rating 5'
    """
    ratings = np.asarray(ratings, dtype=np.float64)
    ratings = ratings[~np.isnan(ratings)]
    if ratings.size < 5 or ratings.min() == ratings.max():
        return None
    lowest, highest, middle = float(ratings.min()), float(ratings.max()), (low + high) / 2
    if highest <= middle:
        fitting = _smaller_scale(ratings, low, high)
        meaning = "every review counts as bad" if highest < middle else "no review counts as good"
    elif low < 0 and lowest >= middle:
        fitting = next(((a, b) for a, b in SMALLER if a in (0, 1) and b == high == highest and a == lowest), None)
        meaning = "every review counts as good" if lowest > middle else "no review counts as bad"
    else:
        return None
    if not fitting:
        return None
    flags = " ".join(
        f"--{name}-rating {end:g}"
        for name, end, old in (("min", fitting[0], low), ("max", fitting[1], high))
        if end != old
    )
    found = f"all {ratings.size:,} ratings are between {lowest:g} and {highest:g}"
    if ratings.size < ENOUGH:
        return f"{found}, on a scale of {low:g} to {high:g}; if their scale is another, give {flags}"
    return f"{found}, but the scale is {low:g} to {high:g}: {meaning}; give {flags}"


def _smaller_scale(ratings: np.ndarray, low: float, high: float) -> tuple[float, float] | None:
    """The smallest usual scale inside another that holds all ratings and the best of which they reach, or nearly."""
    lowest, highest = float(ratings.min()), float(ratings.max())
    for small, large in sorted(SMALLER, key=lambda ends: ends[1] - ends[0]):
        if low <= small <= lowest and large < high and 0 <= large - highest <= 0.05 * (large - small):
            return small, large
    return None
