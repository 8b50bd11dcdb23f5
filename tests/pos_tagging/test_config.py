"""The settings of a tagger: defaults and limits, what the size of the data decides."""

from __future__ import annotations

import pytest

from common.errors import InputError
from pos_tagging.config import TaggingConfig
from tests.tables_of_settings import check_settings

SETTINGS = """
num_epochs         0                 0        -  shown
batch_size         0                 0        -  shown
learning_rate      0.0               0        -  shown
ema_momentum       -1               -1        1
patience           -1               -1        -
architecture       lstm              -        -  shown
head               softmax           -        -  shown
directions         both              -        -  shown
num_layers         2                 1        8  shown
units              150               1        -  shown
tag_dim            16                1        -
num_beams          1                 1     1000
embedding_dim      100               1        -
character_dim      32                0        -
character_network  convolution       -        -
character_filters  100               1        -
character_units    50                1        -
shape_dim          16                0        -
affix_dim          8                 0        -
dropout            0.5               0     0.99  shown
word_dropout       0.1               0     0.99
rare_word_dropout  -1.0             -1        -
affix_dropout      0.3               0     0.99
case_augmentation  0.0               0        1
max_vocab_size     30000             5        -  shown
max_vectors        50000             1        -
lowercase          True              -        -
tag_column         upos              -        -  shown
input_format       auto              -        -
tokens_column      tokens            -        -  shown
tags_column        tags              -        -  shown
splitter           auto              -        -
auxiliary_column   None              -        -
"""


def test_defaults_and_limits():
    check_settings(TaggingConfig, SETTINGS)


@pytest.mark.parametrize(
    ("num_sentences", "fine_tuning", "batch_size", "num_epochs", "ema_momentum", "rare_word_dropout"),
    [
        (8, True, 8, 8, 0.8, 0.5),
        (100, True, 8, 8, 0.9038, 0.5),  # 13 steps
        (1999, True, 8, 8, 0.995, 0.5),
        (2000, True, 16, 5, 0.984, 0.5),
        (3999, True, 16, 5, 0.992, 0.5),
        (4000, True, 32, 5, 0.984, 2.0),
        (64_000, True, 32, 5, 0.998, 2.0),
        (8, False, 8, 60, 0.8333, 0.5),
        (160, False, 8, 60, 0.9917, 0.5),
        (400, False, 8, 28, 0.9929, 0.5),
        (1999, False, 8, 16, 0.9975, 0.5),
        (2000, False, 16, 16, 0.995, 0.5),
        (3999, False, 16, 16, 0.9975, 0.5),
        (4000, False, 32, 16, 0.995, 2.0),
        (64_000, False, 32, 16, 0.998, 2.0),
    ],
)
def test_the_size_of_the_data_decides(
    num_sentences, fine_tuning, batch_size, num_epochs, ema_momentum, rare_word_dropout
):
    config = TaggingConfig().sized(num_sentences, fine_tuning)
    assert (config.batch_size, config.num_epochs, config.ema_momentum) == (batch_size, num_epochs, ema_momentum)
    assert config.rare_word_dropout == rare_word_dropout
    assert (config.learning_rate, config.patience) == ((0.001, 4) if fine_tuning else (0.003, 5))


def test_what_is_given_is_kept_whatever_the_size():
    given = {"batch_size": 10, "num_epochs": 3, "learning_rate": 0.5, "patience": 0, "ema_momentum": 0.0}
    sized = TaggingConfig(**given, rare_word_dropout=0.0).sized(100, fine_tuning=True)
    assert {name: getattr(sized, name) for name in given} == given
    assert sized.rare_word_dropout == 0


def test_a_random_field_needs_all_tags_at_once():
    TaggingConfig(head="crf").validate()
    TaggingConfig(architecture="previous-tag").validate()
    with pytest.raises(InputError, match="--head crf: previous-tag chooses each tag"):
        TaggingConfig(head="crf", architecture="previous-tag").validate()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"bidirectional": True}, {"directions": "both"}),
        ({"bidirectional": False}, {"directions": "forward"}),
        ({"bidirectional": 1}, {"bidirectional": 1}),  # to be refused
        ({"bidirectional": True, "directions": "forward"}, {"bidirectional": True, "directions": "forward"}),
    ],
)
def test_the_directions_of_an_older_version(old, new):
    assert TaggingConfig.upgrade(old) == new
