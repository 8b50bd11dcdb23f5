"""Units that follow concepts: a planted one is found, chance is called chance; concepts, survey and page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from common.errors import InputError
from interpretability.concepts import ANNOTATED, WRITTEN, in_quotation, in_speaker
from interpretability.controls import random_basis, shuffle, untrained
from interpretability.microscope import write_page
from interpretability.microscope_config import UnitsConfig
from interpretability.reading import Piece, choose_places, split_pieces
from interpretability.survey import survey
from interpretability.units import (
    ALSO_UNTRAINED,
    ANY_DIRECTION,
    CHANCE,
    OWN_UNIT,
    ConceptResult,
    Sample,
    UnitScore,
    associate,
    associate_all,
    rank_units,
)
from tests.interpretability.planted import PLANTED, UNITS, make_pieces, planted_model

CONFIG = UnitsConfig(num_tokens=600, num_controls=5, num_untrained=2, concepts="quotation,bracket,liked")


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The network made by hand, and what is found in it."""
    model = planted_model(tmp_path_factory.mktemp("planted"))
    return model, rank_units(model, make_pieces(40, 1), make_pieces(40, 2), CONFIG)


def result_of(planted, name):
    return next(result for result in planted[1].results if result.concept.name == name)


def test_a_planted_unit_is_found_ahead_of_all_controls(planted):
    found = result_of(planted, "bracket")
    best = found.units[0]
    assert (best.layer, best.unit, best.sign) == ("recurrent_0", PLANTED, 1)
    assert best.score == best.interval[0] == 1
    assert found.verdict == OWN_UNIT
    assert max(found.random) < 1
    assert max(found.untrained) < 0.9
    assert found.all_units > 0.99


def test_a_unit_is_chosen_on_one_split_and_scored_on_the_other(planted, monkeypatch):
    labels = np.tile([0.0, 1.0], 100)
    noise = np.random.default_rng(0).normal(size=200)
    choosing, reporting = make_pieces(1, 1), make_pieces(1, 2)
    values = {id(choosing): [labels, noise], id(reporting): [noise, labels]}  # another unit follows it there

    def collect(model, pieces, concepts, config):
        columns = np.stack(values[id(pieces)], axis=1).astype(np.float32)
        return Sample({"recurrent_0": columns}, {"bracket": labels}, np.arange(200))

    monkeypatch.setattr("interpretability.units.collect", collect)
    config = UnitsConfig(concepts="bracket", num_controls=2, num_untrained=0)
    [found] = rank_units(planted[0], choosing, reporting, config).results
    assert (found.units[0].unit, found.units[0].chosen) == (0, 1)
    assert 0.4 < found.units[0].score < 0.6


def test_a_concept_that_is_not_in_the_network_is_chance(planted):
    found = result_of(planted, "liked")  # ratings at random
    assert found.verdict == CHANCE
    assert 0.4 < found.units[0].score < 0.6
    assert found.units[0].chosen > 0.5  # the best of some units is good where it was chosen


def test_concepts_that_the_texts_do_not_show_are_left_out_and_said(planted):
    assert "quotation" in planted[1].left_out
    assert "too few" in str(planted[1])


def test_a_unit_that_falls_with_the_concept_is_reported_with_its_sign(planted):
    values = np.array([[3.0], [2.0], [1.0]], np.float32)
    assert associate_all(values, [np.array([0.0, 0.0, 1.0])], [True]).tolist() == [[-1.0]]


def test_scores_are_those_of_scikit_learn_and_numpy():
    rng = np.random.default_rng(0)
    values, numbers = rng.normal(size=(50, 3)).astype(np.float32), rng.normal(size=50)
    labels = (rng.random(50) < 0.3).astype(float)
    labels[:7] = np.nan
    known = ~np.isnan(labels)
    found = associate_all(values, [labels, numbers], [True, False])
    for unit in range(3):
        auc = roc_auc_score(labels[known], values[known, unit])
        assert found[0, unit] == pytest.approx(2 * auc - 1)
        assert associate(values[known, unit], labels[known], True) == pytest.approx(2 * auc - 1)
        assert found[1, unit] == pytest.approx(np.corrcoef(values[:, unit], numbers)[0, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("low", "verdict"), [(0.5, CHANCE), (0.65, ALSO_UNTRAINED), (0.75, ANY_DIRECTION), (0.85, OWN_UNIT)]
)
def test_the_verdict_names_the_first_control_that_does_as_well(low, verdict):
    unit = UnitScore("recurrent_0", 0, 1, 0.9, 0.9, (low, 0.95))
    assert ConceptResult(None, 1, 0.5, [unit], 0.9, [0.8], [0.7], [0.6]).verdict == verdict


def test_a_random_basis_is_orthonormal_and_untrained_weights_are_new():
    basis = random_basis(7, np.random.default_rng(0))
    np.testing.assert_allclose(basis.T @ basis, np.eye(7), atol=1e-5)


def test_shuffled_labels_are_of_other_texts_though_these_are_in_the_order_of_their_labels():
    texts = np.repeat(np.arange(100), 4)
    labels = (texts < 50).astype(float)
    found = [np.corrcoef(labels, shuffle(labels, texts, np.random.default_rng(seed)))[0, 1] for seed in range(50)]
    assert np.abs(found).max() < 0.6  # shifted as a block it would be 1 now and then
    moved = shuffle(labels, texts, np.random.default_rng(0))
    assert moved.sum() == labels.sum()
    assert np.mean(moved[1:] == moved[:-1]) > 0.8  # neighbours stay neighbours


def test_an_untrained_network_is_of_the_same_shape_with_other_weights(planted):
    model, _ = planted
    first, again = untrained(model.architecture, 3), untrained(model.architecture, 3)
    for name, layer in model.architecture.layers.items():
        for old, new, same in zip(layer.weights, first.layers[name].weights, again.layers[name].weights, strict=True):
            assert old.shape == new.shape
            assert new.dtype == np.float32
            np.testing.assert_array_equal(new, same)
    assert not np.array_equal(first.layers["embedding"].weights[0], model.architecture.layers["embedding"].weights[0])


def test_places_are_drawn_over_all_texts_and_stay_inside_each():
    lengths = [3, 200, 1, 500]
    places = choose_places(lengths, 100, seed=0)
    assert sum(map(len, places)) == 100
    assert all(len(set(each.tolist())) == len(each) for each in places)
    assert [each.tolist() for each in choose_places([2, 1], 0, seed=0)] == [[0, 1], [0]]
    assert all((each >= 0).all() and (each < length).all() for each, length in zip(places, lengths, strict=True))


def test_two_halves_share_no_text():
    pieces = [Piece(["a"], number // 3) for number in range(30)]
    first, second = split_pieces(pieces, 0)
    assert len(first) + len(second) == 30
    assert not {piece.text for piece in first} & {piece.text for piece in second}
    with pytest.raises(InputError, match="cannot be split"):
        split_pieces(pieces[:1], 0)


def test_where_nobody_knows_which_mark_opens_there_is_no_label():
    assert np.isnan(in_quotation(Piece(['"', "a", '"', '"'], 0))).all()
    assert in_speaker(Piece(list("a\n\nKing:\nb"), 0)).tolist() == [0, 0, 0, *[1] * 5, 0, 0]


def test_a_concept_that_is_unknown_is_refused_with_those_there_are(planted):
    with pytest.raises(InputError, match="--concepts: no concept 'love' here; there are quotation, bracket"):
        rank_units(planted[0], make_pieces(4, 1), make_pieces(4, 2), UnitsConfig(concepts="love"))


def test_cells_of_a_network_without_cells_are_refused(planted):
    with pytest.raises(InputError, match="only an LSTM has cells"):
        rank_units(planted[0], make_pieces(4, 1), make_pieces(4, 2), UnitsConfig(values="cell"))


# -- Survey and page ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(planted):
    """The page of the network made by hand, with a text that would end the script if it were not escaped."""
    pieces = [Piece(["</script>", "(", "w1", ")"], 99), *make_pieces(6, 3)]
    return write_page(planted[0], pieces, planted[1], survey(planted[0], pieces, 1000), {"model": "planted"}, 60)


def test_the_survey_finds_where_a_unit_is_highest(planted):
    pieces = make_pieces(6, 3)
    found = survey(planted[0], pieces, 1000)
    for peak in found.highest["recurrent_0"][PLANTED]:
        tokens = pieces[peak.piece].tokens
        assert tokens.index("(") <= peak.token < tokens.index(")")
        assert peak.value > 0.99
    for peak in found.lowest["recurrent_0"][PLANTED]:
        assert peak.token >= pieces[peak.piece].tokens.index(")")
        assert peak.value < -0.99
    assert found.num_tokens == 120
    assert found.shut["recurrent_0"] == {}  # a SimpleRNN has no gates


def test_the_page_holds_all_that_its_script_shows_and_loads_nothing(planted, page):
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert data["layers"][0]["units"] == UNITS == len(data["highest"][0])
    assert data["concepts"][0]["unit"] == PLANTED
    assert "</script>" in [token for text in data["texts"] for token in text["tokens"]]
    assert page.count("</script>") == 2
    assert not re.search(r"(src|href)=|https?://|@import|url\(", page)


def test_the_page_is_readable_without_its_script(page):
    assert "<noscript>" in page
    assert OWN_UNIT in page


@pytest.mark.slow
def test_the_page_works_in_a_browser(planted, page, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    clicks = '<script>by("less").click(); by("reading").children[1].click(); choose({ unit: 99 }); choose({ unit: 5 })'
    (tmp_path / "page.html").write_text(page.replace("</body>", f"{clicks}</script></body>"), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run([browser, *options, tmp_path / "page.html"], capture_output=True, text=True, timeout=120)
    shown = re.search(r'id="reading">(.*?)</div>', done.stdout, re.DOTALL)[1]
    assert "&lt;/script&gt;" in shown  # a token is text, whatever is in it
    bracket = re.search(r"<span ([^>]*)>\(</span>", shown)[1]
    assert 'title="1.00"' in bracket
    assert 'class="chosen"' in bracket
    assert "rgba(0, 114, 178, 0.6)" in bracket  # as blue as can be
    assert "state 1.00" in re.search(r'id="token">(.*?)<', done.stdout)[1]
    assert re.search(r'data-place="0 5"[^>]*aria-pressed="true"|aria-pressed="true"[^>]*data-place="0 5"', done.stdout)
    assert done.stdout.count("<li>") == 6  # three peaks on each side


def test_a_concept_says_whether_its_labels_are_zero_and_one():
    """What is counted or measured is no yes or no."""
    counted = {concept.name for concept in (*WRITTEN, *ANNOTATED) if not concept.is_binary}
    assert counted == {"line", "sentence", "text"}
