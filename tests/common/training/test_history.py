"""The history of a training run: a row and a point for each epoch."""

from __future__ import annotations

import csv

import pytest

from common.training import history
from common.training.fit import Progress
from common.training.history import write_history

ROWS = [
    {"epoch": 1, "loss": 2.5, "r2": 0.1},
    {"epoch": 2, "loss": 1.5, "r2": 0.4},
    {"epoch": 3, "loss": 1.25, "r2": 0.3},
]


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """A function that writes a history; returns its rows, and the axes of its figure."""

    def draw(rows, monitor):
        figures = []

        def new_figure(*size):
            figures.append(before(*size)[0])
            return figures[0], figures[0].axes

        before = history.new_figure
        monkeypatch.setattr(history, "new_figure", new_figure)
        write_history(tmp_path, Progress(epoch=len(rows), best_epoch=2, history=rows), monitor)
        assert (tmp_path / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
        with open(tmp_path / "history.csv", encoding="utf-8") as file:
            return list(csv.DictReader(file)), figures[0].axes

    return draw


def points(axes):
    return [list(map(tuple, line.get_xydata())) for line in axes.get_lines()]


def test_the_curve_and_the_table_have_every_epoch(drawn):
    rows, (loss, score) = drawn(ROWS, "r2")
    assert rows == [{name: str(value) for name, value in row.items()} for row in ROWS]
    assert points(loss) == [[(1, 2.5), (2, 1.5), (3, 1.25)]]
    assert points(score)[0] == [(1, 0.1), (2, 0.4), (3, 0.3)]
    assert loss.get_title() == "best validation r2 in epoch 2"
    assert score.get_ylabel() == "validation r2"


def test_what_the_axes_say(drawn):
    _, (loss, score) = drawn(ROWS, "r2")
    assert (loss.get_ylabel(), loss.get_xlabel(), score.get_xlabel()) == ("training loss", "", "epoch")
    assert [line.get_xdata()[0] for line in score.get_lines()[1:]] == [2]  # the best epoch
    assert score.get_lines()[1].get_linestyle() == "--"
    for axes in (loss, score):
        assert [axes.spines[side].get_visible() for side in ("top", "right", "bottom", "left")] == [
            False,
            False,
            True,
            True,
        ]
        assert any(line.get_visible() for line in axes.get_ygridlines())
        assert not any(line.get_visible() for line in axes.get_xgridlines())
    assert loss.figure.get_size_inches().tolist() == pytest.approx([6, 4.8])


def test_one_epoch_without_validation(drawn):
    rows, [loss] = drawn([{"epoch": 1, "loss": 2.5}], None)
    assert rows == [{"epoch": "1", "loss": "2.5"}]
    assert points(loss) == [[(1, 2.5)]]
    assert loss.get_title() == "trained without validation"
    assert loss.get_xlabel() == "epoch"
    assert loss.figure.get_size_inches().tolist() == pytest.approx([6, 3.6])


def test_epochs_are_whole_numbers(drawn):
    _, (loss, _) = drawn(ROWS[:2], "r2")
    assert all(tick == round(tick) for tick in loss.get_xticks())


def test_two_scores_are_two_panels_over_one_axis_of_epochs(drawn):
    _, (loss, score) = drawn(ROWS, "r2")
    assert loss.get_position().y0 >= score.get_position().y1  # one above the other: they cannot seem to cross
    assert loss.get_xlim() == score.get_xlim()
