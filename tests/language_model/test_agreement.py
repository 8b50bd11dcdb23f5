"""Which layers the settings of a language model ask for; tests/test_agreement.py spoils bundles."""

from __future__ import annotations

import pytest

from common.bundles.bundle import open_bundle
from common.bundles.file_names import MODEL_FILE
from common.errors import InputError
from language_model.agreement import expected_layers
from language_model.config import LanguageModelConfig
from tests.forge import copy_fixture, rewrite


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        ({}, ["TiedEmbedding(6, 5)", "LSTM(4)", "Dense(5, linear)"]),
        ({"embedding_dim": 4, "architecture": "gru"}, ["TiedEmbedding(6, 4)", "GRU(4)"]),
        (
            {"architecture": "fixed-window", "num_layers": 2, "window": 3},
            ["TiedEmbedding(6, 5)", "SlidingWindow(3)", "Dense(4, tanh)", "Dense(4, tanh)", "Dense(5, linear)"],
        ),
        (
            {"architecture": "simple-rnn", "tie_embeddings": False, "num_layers": 2},
            ["Embedding(6, 5)", "SimpleRNN(4)", "SimpleRNN(4)", "Dense(6, linear)"],
        ),
        ({"tie_embeddings": False, "embedding_dim": 4}, ["Embedding(6, 4)", "LSTM(4)", "Dense(6, linear)"]),
    ],
    ids=str,
)
def test_the_layers_that_settings_ask_for(settings, layers):
    config = LanguageModelConfig(**{"units": 4, "embedding_dim": 5, **settings})
    assert expected_layers(config, vocab_size=6) == layers


@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_state_is_the_one_that_is_taken_under_its_name(place, tmp_path):
    """The results of an LSTM are its output, h and c."""
    bundle = copy_fixture("language_model", tmp_path)
    open_bundle(bundle)

    def change(content):
        content["config"]["output_layers"]["state_0_h"][2] = place

    rewrite(bundle, MODEL_FILE, change)
    with pytest.raises(InputError, match=r"model\.json: "):
        open_bundle(bundle)
