"""Which layers the settings of a splitter ask for; test_splitter.py spoils one."""

from __future__ import annotations

from pos_tagging.splitting.agreement import expected_layers
from pos_tagging.splitting.config import SplitterConfig


def test_the_layers_that_settings_ask_for():
    assert expected_layers(SplitterConfig(character_dim=2, context_dim=3, filters=4, units=5), 6) == [
        "Embedding(6, 2)", "Embedding(19, 3)", "Concatenate()", "Conv1D(4, [5], relu, padding=valid)",
        "Bidirectional(LSTM(5))", "Dense(6, linear)",
    ]  # fmt: skip
