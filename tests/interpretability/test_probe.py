"""Linear probes: a planted feature is read, and selectively; memory ends where the network's does; control tasks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from common.errors import InputError
from interpretability.microscope_config import ProbeConfig
from interpretability.probe import (
    ProbeResults,
    ProbeScore,
    Task,
    TaskResult,
    control_labels,
    guess_from_word,
    probe_page,
    train_probes,
)
from tests.interpretability.planted import make_pieces, planted_model, with_annotations

CONFIG = ProbeConfig(num_tokens=2000, max_lag=3, num_words=5)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What probes read from the network made by hand, in which the part of speech is whether a bracket is open."""
    model = planted_model(tmp_path_factory.mktemp("planted"))
    return train_probes(model, with_annotations(make_pieces(80, 1)), with_annotations(make_pieces(80, 2)), CONFIG)


def result_of(found, name):
    return next(result for result in found.results if result.task.name == name)


def test_a_planted_feature_is_read_with_selectivity(found):
    result = result_of(found, "pos")
    score = result.scores[0]
    assert score.accuracy > 0.99
    assert score.selectivity > 0.2  # words at random are not told apart by so few units
    assert score.untrained < score.interval[0]
    assert result.word_alone < 0.8  # the word does not say where it stands


def test_words_are_remembered_less_the_further_back_they_are(found):
    accuracies = [result_of(found, name).scores[0].accuracy for name in ("this word", "word -1", "word -3")]
    assert accuracies[0] > accuracies[1] > accuracies[2]
    assert all(np.isnan(result_of(found, name).scores[0].control) for name in ("this word", "word -1"))


def test_the_current_word_alone_tells_itself_and_no_random_word_before(found):
    assert result_of(found, "this word").word_alone == 1
    assert result_of(found, "word -1").word_alone < 0.7


def test_memory_ends_where_a_floor_is_reached():
    scores = [ProbeScore("recurrent_0", 0.9, (low, 1.0), 0.5, 0.5) for low in (0.8, 0.7, 0.4, 0.6)]
    words = [TaskResult(Task(f"word -{i + 1}", "", None, i + 1), 9, 2, 0.5, 0.3, [scores[i]]) for i in range(4)]
    [line] = ProbeResults(words, {}).memory()
    assert "up to 2 back better than a guess without the state, up to 2 back better than an untrained" in line


def test_a_task_without_tokens_is_left_out_and_said(found):
    assert "too few" in found.left_out["number"]
    assert "number: left out" in str(found)


def test_the_page_has_the_curve_and_the_table(found):
    page = probe_page(found, "planted", {"model": "planted"})
    assert "steps back" in page
    assert "<svg" in page
    assert "pos" in page


def test_control_labels_are_one_for_each_word_as_often_as_the_true_ones():
    words = [f"w{number}" for number in range(3000)]
    labels = ["a"] * 2400 + ["b"] * 600
    label = control_labels(words, labels, seed=0)
    counts = Counter(map(label, words))
    assert 0.77 < counts["a"] / 3000 < 0.83
    assert [label(word) for word in words[:20]] == [label(word) for word in words[:20]]
    assert label("never seen") == label("never seen")


def test_a_guess_from_the_word_takes_its_usual_label():
    words, labels = np.array(["a", "a", "a", "b"]), np.array(["x", "x", "y", "y"])
    assert guess_from_word(words, labels, np.array(["a", "b", "c"]), np.array(["x", "y", "y"]), "x") == 2 / 3


def test_texts_that_are_too_few_are_refused(tmp_path):
    with pytest.raises(InputError, match="no task has enough tokens"):
        train_probes(planted_model(tmp_path), make_pieces(1, 1), make_pieces(1, 2), CONFIG)


def test_a_lag_longer_than_any_text_is_refused():
    with pytest.raises(InputError, match="--max-lag"):
        ProbeConfig(max_lag=10, max_tokens=5).validate()
