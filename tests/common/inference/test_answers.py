"""Answers and models as a notebook shows them."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.inference import answers
from common.inference.answers import Answers, describe_model
from common.settings import Settings, setting


@dataclass(frozen=True)
class Tagged:
    tags: list[str]
    score: float
    hidden: int = field(default=7, repr=False)


@dataclass(frozen=True)
class ToyConfig(Settings):
    units: int = setting(8, "size", minimum=1)
    lowercase: bool = setting(True, "lower-case first")


def test_a_row_for_each_text_with_what_the_answer_holds():
    shown = Answers([Tagged(["NOUN", "VERB"], 0.5)], ["dogs <bark>"])._repr_html_()
    for part in ("tags", "score", "of", "NOUN VERB", "0.5", "dogs &lt;bark&gt;"):
        assert part in shown
    assert "hidden" not in shown
    assert Answers([], [])._repr_html_() == "<p>no answers</p>"


def test_the_table_ends_after_fifty_rows():
    def shown(number):
        return Answers(range(number), [f"text {place}" for place in range(number)])._repr_html_()

    assert answers.MOST_SHOWN == 50
    assert "text 49" in shown(50)
    assert "more</p>" not in shown(50)
    assert "text 49" in shown(51)
    assert "text 50" not in shown(51)
    assert "<p>and 1 more</p>" in shown(51)
    assert "<p>and 1,950 more</p>" in shown(2000)


def test_a_model_is_described_by_the_settings_that_are_not_default():
    shown = describe_model("Ratings of <films>", 1234, ToyConfig(units=9))
    assert "<b>Ratings of &lt;films&gt;</b>, 1,234 tokens" in shown
    assert "units" in shown
    assert "9" in shown
    assert "lowercase" not in shown
