"""Answers of a model: a list, which a notebook shows as a table."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar

from common.evaluation.page import html_fold, html_table
from common.settings import Settings

Answer = TypeVar("Answer")
MOST_SHOWN = 50  # rows of the table in a notebook


class Answers(list[Answer], Generic[Answer]):
    """One answer for each text, in their order.

    Args:
        answers: dataclass instances.
        texts: what they answer to.
    """

    def __init__(self, answers: Iterable[Answer], texts: Sequence[str]) -> None:
        super().__init__(answers)
        self.texts = texts

    def _repr_html_(self) -> str:
        rows: list[list[Any]] = []
        for text, answer in zip(self.texts[:MOST_SHOWN], self, strict=False):
            values = self._columns(answer)
            rows = rows or [[*values, "of"]]
            rows.append([*values.values(), text])
        more = f"<p>and {len(self) - MOST_SHOWN:,} more</p>" if len(self) > MOST_SHOWN else ""
        return html_table(rows) + more if rows else "<p>no answers</p>"

    def _columns(self, answer: Answer) -> dict[str, Any]:
        """What a notebook shows of an answer, by name."""
        return _fields(answer)


def _fields(answer: Any) -> dict[str, Any]:
    """What an answer holds, by name; lists of tokens are put together."""
    if not is_dataclass(answer):
        return {"answer": answer}
    values = {field.name: getattr(answer, field.name) for field in fields(answer) if field.repr}
    return {name: " ".join(map(str, value)) if isinstance(value, list) else value for name, value in values.items()}


def describe_model(title: str, vocab_size: int, config: Settings) -> str:
    """A model as HTML: what it is, and the settings that differ from the defaults."""
    changed = {field.name: getattr(config, field.name) for field in fields(config)}
    changed = {
        name: value for name, value in changed.items() if value != type(config).__dataclass_fields__[name].default
    }
    shown = html_table([["setting", "value"], *([name, str(value)] for name, value in changed.items())])
    folded = html_fold(f"{len(changed)} settings that differ from the defaults", shown) if changed else ""
    return f"<p><b>{html.escape(title)}</b>, {vocab_size:,} tokens in its vocabulary</p>{folded}"
