"""The settings of a splitter: defaults and limits, what the size of the data decides."""

from __future__ import annotations

import pytest

from pos_tagging.splitting.config import SplitterConfig
from tests.tables_of_settings import check_settings

SETTINGS = """
num_epochs          0           0        -  shown
batch_size          0           0        -  shown
learning_rate       0.003       0        -  shown
ema_momentum        0.995       0        1
patience            100         0        -
character_dim       24          1        -
context_dim         8           1        -
filters             48          1        -
units               40          1        -
dropout             0.2         0     0.99
window              150         8        -
lower_case_rate     0.05        0        1
apostrophe_dropout  0.05        0        1
repetition_rate     0.05        0        1
"""


def test_defaults_and_limits():
    check_settings(SplitterConfig, SETTINGS)


@pytest.mark.parametrize(
    ("num_windows", "batch_size", "num_epochs"),
    [
        (0, 16, 60),
        (16, 16, 60),
        (608, 16, 50),
        (1999, 16, 16),
        (2000, 32, 31),
        (3999, 32, 16),
        (4000, 64, 31),
        (11_136, 64, 12),
        (64_000, 64, 12),
    ],
)
def test_the_size_of_the_data_decides(num_windows, batch_size, num_epochs):
    config = SplitterConfig(window=10)
    for num_characters in (10 * num_windows, 10 * num_windows + 9):
        sized = config.sized(num_characters)
        assert (sized.batch_size, sized.num_epochs) == (batch_size, num_epochs)
    assert SplitterConfig(batch_size=7, num_epochs=3).sized(5).batch_size == 7
    assert SplitterConfig(batch_size=7, num_epochs=3).sized(5).num_epochs == 3
