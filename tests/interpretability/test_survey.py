"""Where units are highest and lowest, and how often gates are shut or open, counted in the simplest way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interpretability.gates import SIGMOIDS
from interpretability.reading import Piece, open_model, read_states
from interpretability.survey import NUM_PEAKS, OPEN, SHUT, Survey, context, saturation_figure, survey

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures/format_2"


@pytest.fixture(scope="module")
def model():
    return open_model(FIXTURES / "language_model")


@pytest.fixture(scope="module")
def pieces(model):
    words = [word for word in model.reader.vocabulary.tokens if word.isalpha()]
    rng = np.random.default_rng(0)
    return [Piece(rng.choice(words, size).tolist(), size) for size in (7, 3, 5, 4, 6)]


@pytest.mark.parametrize(("num_tokens", "read"), [(100, 25), (19, 19), (20, 25), (10, 10), (1, 7)])
def test_texts_are_read_until_there_are_so_many_tokens(model, pieces, num_tokens, read):
    assert survey(model, pieces, num_tokens).num_tokens == read


def test_peaks_and_shares_are_those_of_all_tokens(model, pieces):
    found = survey(model, pieces, 100)
    read = sorted(read_states(model, [piece.tokens for piece in pieces], with_gates=True))
    for layer in read[0].states:
        for unit in range(read[0].states[layer].shape[1]):
            columns = [each.states[layer][:, unit] for each in read]
            for sign, peaks in ((1, found.highest[layer][unit]), (-1, found.lowest[layer][unit])):
                best = sorted(((sign * column).max(), number) for number, column in enumerate(columns))[::-1]
                assert [peak.piece for peak in peaks] == [number for _, number in best[:NUM_PEAKS]]
                for (value, number), peak in zip(best, peaks, strict=False):
                    assert peak.value == pytest.approx(sign * value)
                    assert columns[number][peak.token] == pytest.approx(peak.value)
        for gate in SIGMOIDS:
            if gate not in read[0].gates[layer]:
                assert gate not in found.shut[layer]
                continue
            values = np.concatenate([each.gates[layer][gate] for each in read])
            np.testing.assert_allclose(found.shut[layer][gate], (values < SHUT).mean(axis=0))
            np.testing.assert_allclose(found.open[layer][gate], (values > OPEN).mean(axis=0))


def gates(**shares):
    """A survey of two layers, one of which has gates."""
    shut = {name: np.array(each) for name, each in shares.items()}
    opened = {name: 1 - each for name, each in shut.items()}
    return Survey({}, {}, {"first": {}, "second": shut}, {"first": {}, "second": opened}, 10)


def test_a_table_has_the_median_and_the_largest_share_of_each_gate():
    assert gates(i=[0.0, 0.25, 1.0], z=[0.5, 0.5, 0.75]).rows()[1:] == [
        ["second", "input gate", "25.0%, 100.0%", "75.0%, 100.0%"],
        ["second", "update gate", "50.0%, 75.0%", "50.0%, 50.0%"],
    ]


def test_the_picture_has_a_point_for_each_unit_of_each_gate():
    figure = saturation_figure(gates(i=[0.0, 0.25, 1.0], z=[0.5, 0.5, 0.75]))
    assert [axes.get_title() for axes in figure.axes] == ["second\ninput gate", "second\nupdate gate"]
    line, points = figure.axes[0].lines
    assert line.get_xydata().tolist() == [[0, 1], [1, 0]]
    assert points.get_xydata().tolist() == [[0, 1], [0.25, 0.75], [1, 0]]
    assert [axes.get_xlabel() for axes in figure.axes] == ["share of tokens below 0.1"] * 2
    assert [axes.get_ylabel() for axes in figure.axes] == ["share of tokens above 0.9", ""]
    assert saturation_figure(gates()) is None


def test_the_context_of_a_token_has_more_before_than_behind():
    words = [f"w{number}" for number in range(20)]
    assert context(words, 10, "word") == ("w2 w3 w4 w5 w6 w7 w8 w9 ", "w10", " w11 w12")
    assert context(words, 0, "word", after=0) == ("", "w0", "")
    signs = [*"abcdefghijklmnopqrstuvwxyz" * 3]
    before, sign, after = context(signs, 50, "character")
    assert (before, sign, after) == ("".join(signs[10:50]), signs[50], "".join(signs[51:61]))
