"""Summaries: sums of each part that can be added up, and what they say of the whole corpus."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from common.errors import printable
from common.evaluation.metrics import bits_per_character, perplexity

MOST_NOTES = 5  # of a part
MOST_SHOWN = 20  # tags, and notes of a whole corpus

Sums = dict[str, Any]  # numbers by name; in `counts` by what is counted; in `notes` a list


def add_up(parts: Iterable[Mapping[str, Any]]) -> Sums:
    """Add the sums of parts, in their order.

    >>> add_up([{"rows": 2, "counts": {"NOUN": 1}}, {"rows": 1, "counts": {"NOUN": 2, "VERB": 1}}])
    {'rows': 3, 'counts': {'NOUN': 3, 'VERB': 1}}
    """
    total: Sums = {}
    for part in parts:
        for name, value in part.items():
            if isinstance(value, Mapping):
                total[name] = add_up([total.get(name, {}), value])
            else:
                total[name] = total[name] + value if name in total else value
    return total


@dataclass(frozen=True)
class Summary:
    """What a corpus has come to.

    Attributes:
        verb: "rate", "tag" or "score".
        parts: how many there are.
        rows: of all files, also those without an answer.
        answered: that have one.
        remarks: texts that the model can make little of.
        tokens: words of the answered texts, as the model reads them.
        unknown: those that it does not know.
        mean_rating: of all ratings.
        ratings: how many of each, rounded.
        tags: how many words have each tag.
        sentences: that were tagged.
        perplexity: exp(total nats / total tokens).
        bits_per_character: of all scored texts.
        notes: why some rows have no answer, the first of them: part, row, reason.
    """

    verb: str
    parts: int
    rows: int = 0
    answered: int = 0
    remarks: int = 0
    tokens: int = 0
    unknown: int | None = None
    mean_rating: float | None = None
    ratings: dict[str, int] | None = None
    tags: dict[str, int] | None = None
    sentences: int | None = None
    perplexity: float | None = None
    bits_per_character: float | None = None
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, verb: str, parts: Sequence[Mapping[str, Any]]) -> Summary:
        """The summary of a corpus from the sums of its parts, in their order."""
        sums = add_up(parts)
        found: dict[str, Any] = {name: sums[name] for name in SUMS if name in sums}
        if sums.get("answered") and "rating" in sums:
            found["mean_rating"] = math.fsum(part.get("rating", 0.0) for part in parts) / sums["answered"]
            found["ratings"] = dict(sorted(sums["ratings"].items(), key=lambda item: float(item[0])))
        if "tags" in sums:
            found["tags"] = dict(sorted(sums["tags"].items(), key=lambda item: (-item[1], item[0])))
        if sums.get("characters"):
            nats = math.fsum(part.get("nats", 0.0) for part in parts)
            found["perplexity"] = perplexity(nats, sums["tokens"])
            found["bits_per_character"] = bits_per_character(nats, sums["characters"])
        return cls(verb, len(parts), **{**found, "notes": sums.get("notes", [])[:MOST_SHOWN]})

    def record(self) -> dict[str, Any]:
        """The summary as an object of JSON; what another verb would say is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def lines(self) -> list[str]:
        """The summary for people."""
        lines = [f"{self.rows:,} rows, {self.answered:,} answered, in {self.parts:,} parts; {self.tokens:,} tokens"]
        if self.mean_rating is not None and self.ratings:
            shares = "  ".join(f"{rating}: {number / self.answered:.1%}" for rating, number in self.ratings.items())
            lines += [f"mean rating {self.mean_rating:.3f}", f"rounded     {shares}"]
        if self.tags:
            shares = "  ".join(f"{tag} {n / self.tokens:.1%}" for tag, n in [*self.tags.items()][:MOST_SHOWN])
            lines += [f"{self.sentences:,} sentences", f"tags        {shares}"]
        if self.perplexity is not None:
            lines.append(f"perplexity {self.perplexity:.2f}, {self.bits_per_character:.3f} bits a character")
        if self.unknown is not None and self.tokens:
            lines.append(f"unknown to the model: {self.unknown:,} tokens, {self.unknown / self.tokens:.2%}")
        if self.remarks:
            lines.append(f"the model can make little of {self.remarks:,} texts: another language, or unknown words")
        if self.rows > self.answered:
            lines.append(f"{self.rows - self.answered:,} rows without an answer; they are there, with a note:")
            lines += [f"  {note}" for note in self.notes]
        return lines


SUMS = ("rows", "answered", "remarks", "tokens", "unknown", "sentences")


class Notes:
    """Rows without an answer: all are counted, the reasons of the first few are kept."""

    def __init__(self, part: str) -> None:
        self.part, self.number = part, 0
        self.kept: list[str] = []

    def add(self, row: int, reason: str) -> None:
        """Note why a row of the part has no answer."""
        self.number += 1
        if len(self.kept) < MOST_NOTES:
            self.kept.append(f"{self.part}, row {row}: {printable(reason, max_characters=160)}")
