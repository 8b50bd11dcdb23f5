"""Which layers the settings of a rating model ask for, and what is refused; tests/test_agreement.py spoils bundles."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.errors import InputError
from sentiment.agreement import check_directions, check_ngrams, check_outputs, check_scale, expected_layers
from tests.sentiment.settings import settings as settings_of

SIZES = {"units": 4, "embedding_dim": 5, "min_rating": 1.0, "max_rating": 4.0, "head": "regression"}
BOTH = {"directions": "asymmetric", "backward_units": 3, "num_layers": 2}
PAIR = ["LSTM(4)", "LSTM(3, go_backwards=True)", "Concatenate()"]
CBOW = ["Embedding(6, 5)", "MaskedPooling(mean)", "Dense(4, tanh)"]
RATING = ["Dense(1, linear)", "Rescaling(1.5, 2.5)"]
BUNDLE = SimpleNamespace(path=Path("bundle"))


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        ({"architecture": "bow"}, ["Embedding(6, 4)", "MaskedPooling(sum)", "Activation(sigmoid)", *RATING]),
        ({"architecture": "cbow"}, [*CBOW, *RATING]),
        (
            {},
            [
                "Embedding(6, 5)",
                "Bidirectional(LSTM(4))",
                "MaskedPooling(mean)",
                "MaskedPooling(max)",
                "Concatenate()",
                *RATING,
            ],
        ),
        (
            {"architecture": "gru", "pooling": "max"},
            ["Embedding(6, 5)", "Bidirectional(GRU(4))", "MaskedPooling(max)", *RATING],
        ),
        (
            {"architecture": "simple-rnn", "pooling": "last", "directions": "forward", "num_layers": 2},
            ["Embedding(6, 5)", "SimpleRNN(4)", "SimpleRNN(4)", *RATING],
        ),
        (
            {**BOTH, "pooling": "attention"},
            ["Embedding(6, 5)", *PAIR, *PAIR, "FlipTime()", "FlipTime()", "AttentionPooling(4)", *RATING],
        ),
        ({**BOTH, "pooling": "last"}, ["Embedding(6, 5)", *PAIR, *PAIR, "FlipTime()", *RATING]),
        (
            {"architecture": "cbow", "head": "ordinal"},
            [*CBOW, "Dense(1, linear, use_bias=False)", "Dense(3, linear)", "ExpectedLevel([1, 2, 3, 4], True)"],
        ),
        (
            {"architecture": "cbow", "head": "categorical"},
            [*CBOW, "Dense(4, linear)", "ExpectedLevel([1, 2, 3, 4], False)"],
        ),
        (
            {"architecture": "cbow", "ngrams": 2},
            [*CBOW, RATING[0], "SparseLinear(9)", "Add()", "ScoreSpread()", RATING[1], "Rescaling(1.5, 0)"],
        ),
    ],
    ids=str,
)
def test_the_layers_that_settings_ask_for(settings, layers):
    assert expected_layers(settings_of(**{**SIZES, **settings}), vocab_size=6, num_ngrams=9) == layers


def test_a_scale_has_an_extent_and_not_too_many_levels():
    for fitting in ({"max_rating": 1001.0}, {"max_rating": 1002.0, "head": "regression"}, {"max_rating": 1.5}):
        check_scale(BUNDLE, settings_of(**fitting))
    with pytest.raises(InputError, match=r"min_rating is 1, max_rating 1; the parts"):
        check_scale(BUNDLE, settings_of(max_rating=1.0))
    for head in ("ordinal", "categorical"):
        with pytest.raises(InputError, match=r"config\.json: the scale has more than 1,000 levels"):
            check_scale(BUNDLE, settings_of(max_rating=1002.0, head=head))


def test_a_backward_direction_has_a_size_if_it_has_its_own():
    check_directions(BUNDLE, settings_of(**BOTH))
    check_directions(BUNDLE, settings_of())
    for settings in ({"directions": "asymmetric"}, {"backward_units": 3}):
        with pytest.raises(InputError, match=r"directions is (asymmetric|both), backward_units [03];"):
            check_directions(BUNDLE, settings_of(**settings))


def test_terms_are_as_many_as_rows_and_no_longer_than_the_settings_say():
    content = json.dumps({"terms": ["so", "so good"], "idf": [1.0, 2.0]}).encode()
    bundle = SimpleNamespace(path=Path("bundle"), read_bytes=lambda name: content)
    check_ngrams(bundle, settings_of(ngrams=2, head="regression"), num_rows=3)
    check_ngrams(bundle, settings_of(ngrams=3, head="regression"), num_rows=3)
    with pytest.raises(InputError, match="3 rows, the network has 4"):
        check_ngrams(bundle, settings_of(ngrams=2, head="regression"), num_rows=4)
    with pytest.raises(InputError, match="a term has 2 tokens, setting ngrams is 1"):
        check_ngrams(bundle, settings_of(ngrams=1, head="regression"), num_rows=3)


def answers(**shapes):
    """A bundle whose network has outputs of these shapes, in this order."""
    tensors = {name: SimpleNamespace(shape=(None, size)) for name, size in shapes.items()}
    outputs = {name: ("expected_level" if name != "logits" else "logits", 0, place) for place, name in
               enumerate(shapes)}  # fmt: skip
    architecture = SimpleNamespace(output_tensors=tensors, outputs=outputs)
    return SimpleNamespace(path=Path("bundle"), architecture=architecture, layers={})


def test_logits_are_one_for_each_level_or_one_fewer(monkeypatch):
    monkeypatch.setattr("common.bundles.agreement.name_outputs", dict)
    for head, number in (("ordinal", 9), ("categorical", 10)):
        check_outputs(answers(rating=1, spread=1, logits=number), settings_of(head=head))
        with pytest.raises(InputError, match=r"output 'logits' is \(None, 8\)"):
            check_outputs(answers(rating=1, spread=1, logits=8), settings_of(head=head))
        with pytest.raises(InputError, match="output rating is result 1 of"):
            check_outputs(answers(spread=1, rating=1, logits=number), settings_of(head=head))
        with pytest.raises(InputError, match=r"output 'spread' is None"):
            check_outputs(answers(rating=1, logits=number), settings_of(head=head))
