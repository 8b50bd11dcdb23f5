"""The settings of language models and of generation: defaults and limits, what the size of the data decides."""

from __future__ import annotations

import pytest

from common.errors import InputError
from language_model.config import DynamicConfig, GenerationConfig, LanguageModelConfig, TextConfig, WordVectorConfig
from tests.tables_of_settings import check_settings

TEXT = """
level           word        -        -  shown
max_vocab_size  10000       5        -  shown
min_count       2           1        -
lowercase       False       -        -
document        auto        -        -  shown
text_column     text        -        -  shown
"""
LANGUAGE_MODEL = """
num_epochs                          0           0        -  shown
batch_size                          0           0        -  shown
learning_rate                       0.0         0        -  shown
max_gradient_norm                   1.0         0        -
ema_momentum                        -1         -1        1
patience                            -1         -1        -
mixed_precision                     True        -        -
validation_split                    0.1         0      0.9
architecture                        lstm        -        -  shown
window                              5           2      100
num_layers                          1           1        8  shown
units                               384         1        -  shown
embedding_dim                       256         1        -
tie_embeddings                      True        -        -
input_dropout                       0.3         0     0.99
hidden_dropout                      0.3         0     0.99
dropout                             0.5         0     0.99  shown
variational_dropout                 False       -        -
weight_dropout                      0.0         0     0.99
embedding_dropout                   0.0         0     0.99
activation_regularization           0.0         0        -
temporal_activation_regularization  0.0         0        -
word_dropout                        0.0         0     0.99
sampled_softmax_size                0           0        -
stateful                            False       -        -  shown
tbptt_length                        100         2        -
"""
WORD_VECTORS = """
max_vocab_size  50000       5        -  shown
lowercase       True        -        -
dim             64          1        -  shown
window          2           1       10  shown
seed            1           0  4294967295  shown
"""
DYNAMIC = """
dynamic_learning_rate  0.0         0        -
dynamic_decay          0.001       0        1
dynamic_segment        20          1    10000
dynamic_epsilon        1.0    0.0001        -
"""
GENERATION = """
num_samples         1          1     1000  shown
max_tokens          100        1  1000000  shown
complete_sentences  True       -        -  shown
extra_tokens        -1        -1  1000000
num_sentences       0          0        -  shown
stop                ''         -        -
temperature         0.8        0        -  shown
top_k               0          0        -
top_p               1.0   0.0001        1  shown
min_p               0.0        0        1
repetition_penalty  1.0        1        -
no_repeat_ngram     0          0        -
num_beams           0          0     1000  shown
seed                0          0  4294967295  shown
"""


@pytest.mark.parametrize(
    ("config", "table"),
    [
        (TextConfig, TEXT),
        (LanguageModelConfig, LANGUAGE_MODEL),
        (WordVectorConfig, WORD_VECTORS),
        (DynamicConfig, DYNAMIC),
        (GenerationConfig, GENERATION),
    ],
)
def test_defaults_and_limits(config, table):
    check_settings(config, table)


@pytest.mark.parametrize(
    ("level", "num_tokens", "num_texts", "batch_size", "num_epochs", "learning_rate", "ema_momentum"),
    [
        ("word", 500, 0, 8, 24, 0.004, 0.99),  # one text, pieces of 100
        ("word", 500, 50, 60, 24, 0.004, 0.99),  # of 10
        ("word", 500, 62, 64, 24, 0.004, 0.99),
        ("word", 50, 100, 64, 24, 0.004, 0.99),  # of 1 at least
        ("word", 30_000, 10, 8, 14, 0.004, 0.99),  # 38 steps
        ("word", 99_999, 1, 8, 8, 0.004, 0.99),
        ("word", 100_000, 1, 16, 9, 0.003, 0.998),
        ("word", 120_000, 4000, 40, 9, 0.003, 0.998),
        ("spaced", 99_999, 1, 8, 8, 0.004, 0.99),
        ("spaced", 100_000, 1, 16, 9, 0.003, 0.998),
        ("character", 100_000, 1, 8, 12, 0.004, 0.99),
        ("character", 499_999, 1, 8, 8, 0.004, 0.99),
        ("character", 500_000, 1, 16, 9, 0.003, 0.998),
    ],
)
def test_the_size_of_the_data_decides(
    level, num_tokens, num_texts, batch_size, num_epochs, learning_rate, ema_momentum
):
    config = LanguageModelConfig(level=level)
    from_scratch, tuned = (config.sized(num_tokens, num_texts, fine_tuning) for fine_tuning in (False, True))
    assert (from_scratch.batch_size, from_scratch.num_epochs) == (batch_size, num_epochs)
    assert (from_scratch.learning_rate, from_scratch.ema_momentum, from_scratch.patience) == (
        learning_rate, ema_momentum, 3,
    )  # fmt: skip
    assert (tuned.batch_size, tuned.num_epochs, tuned.learning_rate) == (batch_size, 8, 0.0006)
    assert (tuned.ema_momentum, tuned.patience) == (0.98, 1)


def test_what_is_given_is_kept_whatever_the_size():
    given = {"batch_size": 10, "num_epochs": 3, "learning_rate": 0.5, "patience": 0, "ema_momentum": 0.0}
    sized = LanguageModelConfig(**given).sized(1000, 1, fine_tuning=False)
    assert {name: getattr(sized, name) for name in given} == given


def test_recurrent_weights_are_dropped_where_there_are_some():
    LanguageModelConfig(weight_dropout=0.2).validate()
    LanguageModelConfig(architecture="fixed-window").validate()
    with pytest.raises(InputError, match="--weight-dropout: a fixed-window network"):
        LanguageModelConfig(architecture="fixed-window", weight_dropout=0.2).validate()


@pytest.mark.parametrize(
    ("given", "level", "longest"),
    [
        ({}, "word", 150),
        ({}, "spaced", 150),
        ({}, "character", 500),
        ({"extra_tokens": 0}, "word", 100),
        ({"extra_tokens": 7}, "character", 107),
        ({"complete_sentences": False}, "word", 100),
    ],
)
def test_the_longest_text(given, level, longest):
    assert GenerationConfig(**given).longest(level) == longest


@pytest.mark.parametrize(
    "given",
    [
        {"extra_tokens": 0},
        {"complete_sentences": False},
        {"num_beams": 2, "num_samples": 2},
        {"num_samples": 5, "temperature": 0.5},
    ],
    ids=str,
)
def test_settings_of_generation_that_fit(given):
    GenerationConfig(**given).validate()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"extra_tokens": 0, "complete_sentences": False}, "--extra-tokens: are for --complete-sentences"),
        ({"num_beams": 1, "num_samples": 2}, "--num-samples: found 2, wanted at most --num-beams 1"),
        ({"num_beams": 1, "top_k": 2}, "--top-k: nothing is drawn with --num-beams"),
        ({"num_samples": 0}, "--num-samples: found 0"),
    ],
    ids=str,
)
def test_settings_of_generation_that_exclude_each_other(given, message):
    with pytest.raises(InputError, match=message):
        GenerationConfig(**given).validate()
