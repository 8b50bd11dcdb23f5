"""Scores of a model: values, 95% bootstrap intervals, baselines beside them, and a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.evaluation.metrics import finite
from common.evaluation.report import Section, html_table, html_text, score_rows, text_table, write_report
from common.evaluation.verdict import Verdict


@dataclass(frozen=True, repr=False)
class Scores(Mapping[str, float]):
    """What `evaluate` measured: `scores["accuracy"]`, `scores.intervals["accuracy"]`.

    Args:
        names: the scores of the task, in the order of the table.
        flat: of `with_intervals`: each score, and each interval as `NAME_interval`.
        baselines: the same of other systems, by name.
        facts: what else is known: number of examples, name and hash of the data, weaknesses.
        notes: what was counted, in words.
        predictions: the answers of the model.
        sections: the pieces of the report, made from the table of scores.
        verdict: whether the model is ahead of the best baseline; None: there is none to compare with.
        card: makes further sections of the model card, by their heading, as Markdown.
    """

    names: Sequence[str]
    flat: Mapping[str, Any]
    baselines: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, Any]
    notes: Sequence[str]
    predictions: Any
    sections: Callable[[Sequence[Sequence[str]]], list[Section]]
    verdict: Verdict | None = None
    card: Callable[[], Mapping[str, str]] = dict

    @property
    def values_by_name(self) -> dict[str, float]:
        """The scores without their intervals."""
        return {name: value for name, value in self.flat.items() if not name.endswith("_interval")}

    @property
    def intervals(self) -> dict[str, list[float]]:
        """The 95% bootstrap interval of each score, [low, high]."""
        return {name: self.flat[f"{name}_interval"] for name in self if f"{name}_interval" in self.flat}

    def __getitem__(self, name: str) -> float:
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)

    def rows(self) -> list[list[str]]:
        """The scores as a table: a row for each, a column for the model and for each baseline, the best marked."""
        shown = [name for name in self.names if name in self.flat]
        return score_rows(shown, {"model": self.flat, **self.baselines}, explained=True)

    def as_dict(self) -> dict[str, Any]:
        """All but predictions and report, for JSON; a number that is not finite is None."""
        verdict = {"verdict": self.verdict.sentence} if self.verdict else {}
        return finite({**self.flat, **self.facts, **verdict, "baselines": dict(self.baselines)})

    @property
    def opening(self) -> list[str]:
        """The verdict, if there is one: what every form of the scores begins with."""
        return [self.verdict.sentence] if self.verdict else []

    def write_report(self, folder: str | Path, title: str, facts: Mapping[str, str] | None = None) -> Path:
        """Write one self-contained HTML page, `report.html`, into a folder; returns its path.

        Args:
            folder: of the page.
            title: of the page.
            facts: what its head names beside the data and the date: the model, the command.
        """
        of_data = self.facts.get("data", {})
        counted = f" ({self.notes[-1]})" if self.notes else ""
        facts = {**(facts or {}), **({"data": f"{of_data['file']}{counted}"} if "file" in of_data else {})}
        marked = ["*: best of its row."] if self.baselines else []
        remarks = "".join(html_text(note, "note") for note in [*marked, *self.notes[:-1]])
        sections = [(name, content + remarks * (name == "Scores")) for name, content in self.sections(self.rows())]
        return write_report(Path(folder), title, sections, facts, self.verdict)

    def __repr__(self) -> str:
        """The table of scores, and what was counted."""
        return "\n".join([*self.opening, text_table(self.rows()), *self.notes])

    def _repr_html_(self) -> str:
        """The table of scores, in a notebook."""
        opening, notes = ("".join(map(html_text, lines)) for lines in (self.opening, self.notes))
        return opening + html_table(self.rows()) + notes
