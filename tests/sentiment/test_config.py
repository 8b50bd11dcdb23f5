"""The settings of a rating model: defaults and limits, what the size of the data decides, what excludes each other."""

from __future__ import annotations

import pytest

from common.errors import InputError
from sentiment.config import SentimentConfig
from tests.sentiment.settings import settings as settings_of
from tests.tables_of_settings import check_settings

SETTINGS = """
skip_bad_rows        False              -        -  shown
num_epochs           0                  0        -  shown
batch_size           0                  0        -  shown
learning_rate        0.0                0        -  shown
ema_momentum         -1                -1        1
patience             -1                -1        -
architecture         lstm               -        -  shown
directions           both               -        -  shown
num_layers           1                  1        8
units                96                 1        -  shown
backward_units       0                  0        -
pooling              mean-max           -        -
head                 regression         -        -  shown
ngrams               -1                -1        5
max_ngrams           100000             1        -
embedding_dim        100                1        -
word_vectors         cooccurrence       -        -
word_vector_dropout  0.4                0     0.99
dropout              0.5                0     0.99  shown
word_dropout         0.3                0     0.99
direction_dropout    0.0                0     0.99
adversarial_epsilon  0.0                0        -
nbsvm_weight         0.0                0        -
temperature_scaling  False              -        -
layerwise_lr_decay   1.0                1        -
unfreeze_epochs      0.0                0        -
new_words            0                  0        -
max_vocab_size       20000              5        -
min_count            2                  1        -
lowercase            True               -        -
max_length           4000               0        -
truncation           both               -        -
tbptt_length         0                  0        -
text_column          review             -        -  shown
rating_column        rating             -        -  shown
group_column         None               -        -
min_rating           None      -1000000000.0  1000000000.0  shown
max_rating           None      -1000000000.0  1000000000.0  shown
labels               ''                 -        -  shown
"""


def test_defaults_and_limits():
    check_settings(SentimentConfig, SETTINGS)


@pytest.mark.parametrize(
    ("num_reviews", "fine_tuning", "batch_size", "num_epochs", "learning_rate", "patience", "ema_momentum"),
    [
        (10, True, 32, 4, 0.00008, 4, 0),
        (250, True, 32, 4, 0.0004, 4, 0),
        (1000, True, 32, 4, 0.0008, 4, 0),
        (7999, True, 32, 4, 0.0008, 4, 0),
        (8000, True, 64, 2, 0.0008, 4, 0),
        (10, False, 16, 30, 0.002, 7, 0.98),
        (528, False, 16, 30, 0.002, 7, 0.98),
        (640, False, 16, 25, 0.002, 6, 0.98),
        (1584, False, 16, 11, 0.002, 3, 0.98),
        (1585, False, 16, 10, 0.002, 3, 0.995),
        (1999, False, 16, 8, 0.002, 3, 0.995),
        (2000, False, 32, 16, 0.002, 4, 0.98),
        (7999, False, 32, 6, 0.002, 3, 0.995),
        (8000, False, 64, 8, 0.002, 3, 0.995),
        (64_000, False, 64, 6, 0.002, 3, 0.995),
    ],
)
def test_the_size_of_the_data_decides(
    num_reviews, fine_tuning, batch_size, num_epochs, learning_rate, patience, ema_momentum
):
    config = SentimentConfig().sized(num_reviews, fine_tuning)
    assert (config.batch_size, config.num_epochs, config.patience) == (batch_size, num_epochs, patience)
    assert config.learning_rate == pytest.approx(learning_rate, abs=1e-6)
    assert config.ema_momentum == ema_momentum


def test_what_is_given_is_kept_whatever_the_size():
    given = {"batch_size": 10, "num_epochs": 3, "learning_rate": 0.5, "patience": 0, "ema_momentum": 0.0}
    sized = SentimentConfig(**given).sized(100, fine_tuning=True)
    assert {name: getattr(sized, name) for name in given} == given
    assert SentimentConfig(batch_size=1).sized(99, fine_tuning=False).ema_momentum == 0.98  # 99 steps an epoch
    assert SentimentConfig(batch_size=1).sized(100, fine_tuning=False).ema_momentum == 0.995


FITTING = [
    {"tbptt_length": 5},
    {"tbptt_length": 0, "architecture": "gru"},
    {"adversarial_epsilon": 3.0, "architecture": "simple-rnn"},
    {"directions": "asymmetric", "backward_units": 1, "direction_dropout": 0.1},
    {"ngrams": 2, "head": "regression"},
    {"ngrams": -1},
    {"temperature_scaling": True},
    {"nbsvm_weight": 1.0},
    {"min_rating": None},
    {"max_rating": None},
    {"min_rating": 0.0, "max_rating": 999.0},
    {"min_rating": 0.0, "max_rating": 1001.0, "head": "regression"},
]
EXCLUDED = [
    ({"tbptt_length": 5, "architecture": "gru"}, "--tbptt-length: not with --architecture gru"),
    (
        {"adversarial_epsilon": 3.0, "architecture": "bow"},
        "--adversarial-epsilon: .*, or take lstm or gru or simple-rnn",
    ),
    ({"backward_units": 3}, "--backward-units: only with --directions asymmetric"),
    ({"direction_dropout": 0.1}, "--direction-dropout: only with --directions asymmetric"),
    ({"directions": "asymmetric"}, "--directions asymmetric: add --backward-units"),
    ({"ngrams": 1, "head": "ordinal"}, "--ngrams: not with --head ordinal"),
    ({"temperature_scaling": True, "head": "ordinal"}, "--temperature-scaling: not with --head ordinal"),
    ({"nbsvm_weight": 1.0, "head": "regression"}, "--nbsvm-weight: not with --head regression"),
    ({"min_rating": 10.0}, "--min-rating 10 is not below --max-rating 10"),
    ({"min_rating": 0.0, "max_rating": 1000.0}, "from 0 to 1000 is too many, the most is 1,000"),
    ({"max_rating": 1e39}, "--max-rating: found 1e.39, wanted from -1e.09 to 1e.09"),
    ({"units": 0}, "--units: found 0, wanted at least 1"),
]


@pytest.mark.parametrize("given", FITTING, ids=str)
def test_settings_that_fit(given):
    settings_of(**given).validate()


@pytest.mark.parametrize(("given", "message"), EXCLUDED, ids=str)
def test_settings_that_exclude_each_other(given, message):
    with pytest.raises(InputError, match=message):
        settings_of(**given).validate()


def test_two_directions_of_an_older_version():
    for given in ({"bidirectional": True}, {"bidirectional": False, "backward_units": 3}):
        with pytest.raises(InputError, match="--reverse with two directions"):
            SentimentConfig.upgrade({**given, "reverse": True})
