"""A rating model that starts from a language model."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import language_model
import sentiment
from common.bundles.bundle import open_bundle
from common.errors import InputError
from common.text.vocabulary import UNK_ID
from language_model.loader import initial_states
from sentiment.cli import train as main
from sentiment.loader import make_batches
from sentiment.model import build_model
from sentiment.pretraining import (
    find_obstacle,
    inherit_reading,
    inherit_settings,
    inherit_vocabulary,
    inherit_weights,
    layer_rates,
    rating_direction,
)
from tests.forge import FIXTURES, copy_fixture, put, rewrite
from tests.sentiment.settings import settings as settings_of

TOKENS = ["It", "is", "a", "good", "story", "."]


def test_the_encoder_says_what_the_language_model_says(small_bundle):
    reader, bundle = language_model.load(small_bundle("language_model")), open_bundle(small_bundle("language_model"))
    config = inherit_settings(settings_of(pooling="last", head="regression"), bundle)
    assert (config.units, config.embedding_dim, config.directions) == (12, 9, "forward")
    # A language model of reversed texts looks like any other.
    assert inherit_settings(settings_of(directions="backward"), bundle).directions == "backward"
    model = build_model(config, len(reader.vocabulary))
    inherit_weights(model, bundle)
    inputs, _, _ = make_batches([TOKENS], None, reader.vocabulary, config, shuffle=False)[0]
    state = keras.Model(model.input, model.get_layer("score").input)(inputs)
    _, states = reader.step(inputs["token_ids"], inputs["mask"], initial_states(reader.config, 1))
    assert np.abs(states["state_0_h"]).max() > 0.01
    np.testing.assert_allclose(state, states["state_0_h"], atol=1e-5)


def test_a_run_starts_from_the_bundle_and_keeps_its_vocabulary(small_bundle, small_runs, tmp_path):
    data = ["--train", str(small_runs["sentiment"].train), "--start", str(small_bundle("language_model"))]
    flags = "--num-epochs 1 --batch-size 16 --learning-rate 1e-300 --ema-momentum 0 --layerwise-lr-decay 2.6"
    main([*data, "--output-dir", str(tmp_path / "model"), *flags.split()])
    model, reader = sentiment.load(tmp_path / "model"), language_model.load(small_bundle("language_model"))
    assert model.vocabulary.tokens == reader.vocabulary.tokens
    for name in ("embedding", "recurrent_0"):
        ours, theirs = (m.network.model.get_layer(name).get_weights()[0] for m in (model, reader))
        np.testing.assert_array_equal(ours, theirs)
    manifest = json.loads((tmp_path / "model/manifest.json").read_text())
    assert manifest["initialize_from"]["file"] == "language_model"
    assert "--start language_model" in (tmp_path / "model/README.md").read_text()


@pytest.mark.parametrize("head", ["regression", pytest.param("categorical", marks=pytest.mark.slow)])
def test_a_run_starts_from_another_rating_model(head, small_bundle, small_runs, tmp_path):
    """All of it is the same, but for a head that it does not have."""
    given = small_bundle("sentiment")
    data = ["--train", str(small_runs["sentiment"].train), "--start", str(given), "--head", head]
    flags = "--num-epochs 1 --batch-size 16 --learning-rate 1e-300 --ema-momentum 0"
    main([*data, "--output-dir", str(tmp_path / "model"), *flags.split()])
    ours, theirs = sentiment.load(tmp_path / "model"), sentiment.load(given)
    assert ours.vocabulary.tokens == theirs.vocabulary.tokens
    same = {layer.name: layer.get_weights() for layer in theirs.network.model.layers if layer.weights}
    for layer in ours.network.model.layers:
        if layer.name in same and layer.weights:
            for own, their in zip(layer.get_weights(), same[layer.name], strict=True):
                np.testing.assert_array_equal(own, their)
    assert (ours.config.head == theirs.config.head) == (ours.predict(["A joy."]) == theirs.predict(["A joy."]))


@pytest.mark.slow
def test_a_second_reader_joins_a_model_that_reads_forward(small_runs, tmp_path):
    data = ["--train", str(small_runs["sentiment"].train)]
    flags = ["--num-epochs", "1", "--learning-rate", "1e-300", "--ema-momentum", "0", "--units", "5"]
    main([*data, "--output-dir", str(tmp_path / "one"), *flags, "--directions", "forward"])
    start = ["--start", str(tmp_path / "one")]
    main(
        [
            *data,
            "--output-dir",
            str(tmp_path / "two"),
            *flags,
            *start,
            "--directions",
            "asymmetric",
            "--backward-units",
            "3",
        ]
    )
    one, two = (sentiment.load(tmp_path / name).network.model for name in ("one", "two"))
    for name in ("embedding", "recurrent_0"):
        for ours, theirs in zip(two.get_layer(name).get_weights(), one.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert two.get_layer("backward_0").units == 3
    config = inherit_settings(settings_of(), open_bundle(tmp_path / "two"))
    assert (config.units, config.backward_units, config.directions) == (5, 3, "asymmetric")


def test_new_words_stand_behind_the_vocabulary_and_the_rest_stays(small_bundle, tmp_path):
    given = small_bundle("sentiment")
    rows = [("It is a good zebra .", 9.0), ("It is a bad quagga .", 2.0), ("It is a good quagga and a zebra .", 8.0)]
    config = settings_of(
        new_words=1, num_epochs=1, batch_size=3, learning_rate=1e-300, ema_momentum=0.0, min_rating=1.0, max_rating=10.0
    )
    ours = sentiment.train(rows * 4, tmp_path / "model", config, start=given).model
    theirs = sentiment.load(given)
    size = len(theirs.vocabulary)
    assert ours.vocabulary.tokens == [*theirs.vocabulary.tokens, "quagga"]
    own, their = (m.network.model.get_layer("embedding").get_weights()[0] for m in (ours, theirs))
    np.testing.assert_array_equal(own[:size], their)
    assert np.abs(own[size] - their[UNK_ID]).max() > 1e-4
    assert sentiment.load(tmp_path / "model").vocabulary.tokens == ours.vocabulary.tokens


def test_layers_that_never_begin_to_learn_stay_as_they_are(small_bundle, small_runs, tmp_path):
    given = small_bundle("language_model")
    data = ["--train", str(small_runs["sentiment"].train), "--start", str(given)]
    flags = "--head categorical --directions asymmetric --backward-units 3 --num-epochs 2 "
    flags += "--unfreeze-epochs 2 --batch-size 16 "
    flags += "--learning-rate 0.01"
    main([*data, "--output-dir", str(tmp_path / "model"), *flags.split()])
    [_, *epochs] = (tmp_path / "model/history.csv").read_text().splitlines()
    first, last = (float(row.split(",")[1]) for row in epochs)
    assert last < first
    ours, theirs = sentiment.load(tmp_path / "model").network.model, open_bundle(given)
    for name in ("embedding", "recurrent_0"):
        for own, their in zip(ours.get_layer(name).get_weights(), theirs.read_layer(name), strict=False):
            np.testing.assert_array_equal(own, their)


def test_rates_and_first_steps():
    config = settings_of(num_layers=2, layerwise_lr_decay=2.0, unfreeze_epochs=0.5)
    assert layer_rates(config, 100) == {"recurrent_1": (0.5, 50), "recurrent_0": (0.25, 100), "embedding": (0.125, 150)}


def test_settings_that_do_not_fit(small_bundle, tmp_path):
    bundle = open_bundle(small_bundle("language_model"))
    with pytest.raises(InputError, match=r"--units: found 13, the language model has 12; leave it out"):
        inherit_settings(settings_of(units=13), bundle)
    assert inherit_settings(settings_of(units=12), bundle).units == 12


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--start {tagger}", "a bundle for pos_tagging; wanted one of a language model or a rating model"),
        ("--start {sentiment} --pooling attention", "--pooling: found attention, the model has"),
        ("--start {tmp}/nothing", "no such bundle"),
        ("--start {lm} --word-vectors-from {lm}", "both give word vectors"),
        ("--word-vectors-from {lm}", "vectors of 9 numbers, wanted 100; give --embedding-dim 9"),
        ("--word-vectors-from {lm} --architecture bow", "a bow network has no word vectors"),
        ("--word-vectors given --start scratch", "by what"),
        ("--new-words 5 --start scratch", "--new-words: only with --start MODEL"),
        ("--tbptt-length 5 --architecture gru", "--tbptt-length: not with --architecture gru; .*, or take lstm"),
        (
            "--backward-units 3",
            "--backward-units: only with --directions asymmetric; leave it out, or add that",
        ),
        (
            "--directions asymmetric --backward-units 3 --architecture bow",
            "not with --architecture bow; .* lstm or gru or simple-rnn",
        ),
        (
            "--direction-dropout 0.5 --start scratch",
            "--direction-dropout: only with --directions asymmetric; leave it out, or add that",
        ),
        (
            "--temperature-scaling --head ordinal",
            "--temperature-scaling: not with --head ordinal; leave it out, or take categorical",
        ),
        ("--adversarial-epsilon 5 --architecture bow", "not with --architecture bow; .* lstm or gru or simple-rnn"),
    ],
)
def test_options_that_exclude_each_other(flags, message, small_bundle, small_runs, tmp_path):
    places = {"tmp": tmp_path, "lm": small_bundle("language_model")}
    places |= {"sentiment": small_bundle("sentiment"), "tagger": small_bundle("pos_tagging")}
    train = str(small_runs["sentiment"].train)
    with pytest.raises(InputError, match=message):
        main(["--train", train, "--output-dir", str(tmp_path / "model"), *flags.format(**places).split()])
    assert not (tmp_path / "model").exists()


OLD = FIXTURES / "sentiment"  # it reads forward and backward, its head is a regression
NOTHING = {"teachers": (), "word_vectors_from": None}


def test_four_of_five_words_are_enough():
    origin = open_bundle(OLD)
    known = next(token for token in origin.read_vocabulary("vocabulary.json").tokens[4:] if token.isalpha())
    config = settings_of(head="regression", embedding_dim=4, units=3)
    assert find_obstacle(origin, [[known] * 4, ["zorgl", "!", "7"]], config, NOTHING) is None
    reason = "the pretrained model knows 79% of the words"
    assert find_obstacle(origin, [[known] * 79 + ["zorgl"] * 21], config, NOTHING) == reason
    assert find_obstacle(origin, [["!"]], config, NOTHING) == "the pretrained model knows 0% of the words"
    many = [[known]] * 2000
    assert find_obstacle(origin, [*many, ["zorgl"] * 9999], config, NOTHING) is None
    assert find_obstacle(origin, many, config, {**NOTHING, "teachers": ("a",)}) == "--teachers is given"
    given = {**NOTHING, "word_vectors_from": "a"}
    assert find_obstacle(origin, many, config, given) == "--word-vectors-from is given"
    assert find_obstacle(origin, many, settings_of(units=9), NOTHING) == "--units: found 9, the model has 3"


def test_what_raises_a_rating(small_bundle):
    origin = open_bundle(OLD)
    assert rating_direction(origin).tolist() == origin.read_layer("score")[0][:, 0].tolist()
    categorical = open_bundle(small_bundle("sentiment"))
    weights, _ = categorical.read_layer("logits")
    np.testing.assert_allclose(rating_direction(categorical), weights @ (np.arange(10) - 4.5), rtol=1e-6)
    assert rating_direction(open_bundle(FIXTURES / "language_model")) is None


def test_reviews_are_read_as_the_named_model_reads_them(tmp_path):
    config = settings_of()
    for start in (None, "auto", "scratch"):
        assert inherit_reading(config, start) is config
    bundle = copy_fixture("sentiment", tmp_path)
    assert inherit_reading(config, bundle) == config
    rewrite(bundle, "config.json", put("de", "language"))
    rewrite(bundle, "config.json", put("html", "normalization"))
    found = inherit_reading(config, bundle)
    assert (found.language, found.normalization) == ("de", "html")


def test_new_words_go_by_their_number(capsys):
    origin = open_bundle(OLD)
    known = origin.read_vocabulary("vocabulary.json")
    texts = [["zorgl", "quux", "Zorgl", "plugh"], ["quux", "zorgl"]]
    assert inherit_vocabulary(origin, texts, settings_of()).tokens == known.tokens
    assert capsys.readouterr().err == ""
    for number, words in ((1, ["zorgl"]), (5, ["zorgl", "quux"])):  # "plugh" is too rare
        found = inherit_vocabulary(origin, texts, settings_of(new_words=number, min_count=2))
        assert found.tokens == [*known.tokens, *words]
    assert f"Vocabulary: 2 new words beside the {len(known):,} of the pretrained model" in capsys.readouterr().err


def test_what_of_a_rating_model_is_taken_over():
    origin = open_bundle(OLD)
    plain = inherit_settings(settings_of(), origin)
    assert (plain.directions, plain.pooling, plain.word_vectors, plain.dropout) == ("both", "mean-max", "given", 0.5)
    assert inherit_settings(settings_of(dropout=0.1), origin).dropout == 0.1
    with pytest.raises(InputError, match="--directions: found asymmetric, the model has both"):
        inherit_settings(settings_of(directions="asymmetric", backward_units=3), origin)
    reader = open_bundle(FIXTURES / "language_model")
    config = settings_of(directions="asymmetric", backward_units=3, lowercase=False)
    assert inherit_settings(config, reader).directions == "asymmetric"
