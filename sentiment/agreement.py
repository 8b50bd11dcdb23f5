"""What the parts of a rating model's bundle must agree on, checked before it answers.

config.json      holds every setting that answers depend on, in its range; the worst rating is below the best
its network      layers, sizes, activations, pooling and head are those of the settings
the scale        levels, or scale and offset, of the network are those between the worst rating and the best
ngrams.json      with a wide part: as many n-grams as its table has rows, none longer than the settings say
vocabulary.json  as many words as the embedding has rows, each once, in the case that the settings say
in, out          `token_ids` and `mask`, with a wide part `ngram_ids` and `ngram_values`; `rating`, with a wide part
                 also `spread`, with the heads `ordinal` and `categorical` also `spread` and `logits`
"""

from __future__ import annotations

from common.bundles import agreement
from common.bundles.agreement import disagree
from common.bundles.bundle import Bundle
from common.bundles.file_names import CONFIG_FILE, NGRAMS_FILE, VOCABULARY_FILE
from common.errors import InputError
from common.networks.rating_levels import MAX_LEVELS
from common.networks.specs.shapes import Tensor
from common.networks.specs.table import describe_layer
from sentiment.config import SentimentConfig
from sentiment.loader import rating_levels
from sentiment.ngrams import Ngrams

RECURRENT_CLASSES = {"lstm": "LSTM", "gru": "GRU", "simple-rnn": "SimpleRNN"}
# What every bundle there has ever been states; a setting that is younger had its default.
STATED = (
    "architecture", "directions", "num_layers", "units", "pooling", "embedding_dim", "lowercase", "max_length",
    "truncation", "min_rating", "max_rating", "batch_size",
)  # fmt: skip


def read_settings(bundle: Bundle) -> SentimentConfig:
    """Read the settings of a bundle; before there were several heads and a wide part, the head was a regression."""
    return bundle.read_config(SentimentConfig, head="regression", ngrams=0)


def check_agreement(bundle: Bundle) -> None:
    """Hold settings and vocabulary against the network.

    Raises:
        InputError: what disagrees.
    """
    agreement.check_stated(bundle, SentimentConfig, STATED)
    config = read_settings(bundle)
    check_scale(bundle, config)
    check_directions(bundle, config)
    words = {"token_ids": Tensor((None, None), "int32"), "mask": Tensor((None, None), "bool")}
    terms = {"ngram_ids": Tensor((None, None), "int32"), "ngram_values": Tensor((None, None), "float32")}
    agreement.check_inputs(bundle, words | (terms if config.ngrams else {}))
    num_ids = agreement.num_ids(bundle, "token_ids")
    vocabulary = bundle.read_vocabulary(VOCABULARY_FILE, num_ids)
    num_ngrams = agreement.num_ids(bundle, "ngram_ids") or 0
    agreement.check_layers(bundle, expected_layers(config, len(vocabulary), num_ngrams))
    if config.ngrams:
        check_ngrams(bundle, config, num_ngrams)
    check_outputs(bundle, config)
    agreement.check_lowercase(bundle, VOCABULARY_FILE, vocabulary, config.lowercase)
    agreement.check_special(bundle, VOCABULARY_FILE, vocabulary)
    agreement.check_words(bundle, VOCABULARY_FILE, vocabulary)


def check_scale(bundle: Bundle, config: SentimentConfig) -> None:
    """Refuse a scale that ends before it begins, or has more levels than any network."""
    span = config.max_rating - config.min_rating
    if not span > 0:
        raise disagree(bundle, CONFIG_FILE, f"min_rating is {config.min_rating:g}, max_rating {config.max_rating:g}")
    if config.head != "regression" and span > MAX_LEVELS:
        raise InputError(f"{bundle.path / CONFIG_FILE}: the scale has more than {MAX_LEVELS:,} levels; use no such")


def check_ngrams(bundle: Bundle, config: SentimentConfig, num_rows: int) -> None:
    """Hold the n-grams against the table of the wide part, and against the settings."""
    ngrams = Ngrams.parse(bundle.read_bytes(NGRAMS_FILE), str(bundle.path / NGRAMS_FILE))
    if len(ngrams) != num_rows:
        raise disagree(bundle, NGRAMS_FILE, f"{len(ngrams):,} rows, the network has {num_rows:,}")
    if ngrams.longest > config.ngrams:
        raise disagree(bundle, NGRAMS_FILE, f"a term has {ngrams.longest} tokens, setting ngrams is {config.ngrams}")


def check_directions(bundle: Bundle, config: SentimentConfig) -> None:
    """Refuse a size of a backward direction that the network does not have, or none where it has one."""
    if bool(config.backward_units) != (config.directions == "asymmetric"):
        found = f"directions is {config.directions}, backward_units {config.backward_units}"
        raise disagree(bundle, CONFIG_FILE, found)


def check_outputs(bundle: Bundle, config: SentimentConfig) -> None:
    """Hold the outputs of the network against the head."""
    if config.head == "regression":
        if config.ngrams:
            agreement.check_answers(bundle, {"rating": (None, 1), "spread": (None, 1)})
            agreement.check_origins(bundle, {"rating": "Add", "spread": "ScoreSpread"})
            return
        named = isinstance(bundle.architecture.outputs, dict)  # older bundles have a single one
        agreement.check_answers(bundle, {"rating" if named else "": (None, 1)})
        return
    num_logits = len(rating_levels(config)) - (config.head == "ordinal")
    agreement.check_answers(bundle, {"logits": (None, num_logits), "rating": (None, 1), "spread": (None, 1)})
    agreement.check_places(bundle, {"rating": 0, "spread": 1})


def expected_layers(config: SentimentConfig, vocab_size: int, num_ngrams: int) -> list[str]:
    """The layers that `sentiment.model.build_model` makes, dropout left out."""
    return [*_deep(config, vocab_size), *(_wide_head(config, num_ngrams) if config.ngrams else _head(config))]


def _deep(config: SentimentConfig, vocab_size: int) -> list[str]:
    if config.architecture == "bow":
        return [
            describe_layer("Embedding", {"input_dim": vocab_size, "output_dim": config.units}),
            describe_layer("MaskedPooling", {"mode": "sum"}),
            describe_layer("Activation", {"activation": "sigmoid"}),
        ]
    embedding = describe_layer("Embedding", {"input_dim": vocab_size, "output_dim": config.embedding_dim})
    if config.architecture == "cbow":
        hidden = describe_layer("Dense", {"units": config.units, "activation": "tanh"})
        return [embedding, describe_layer("MaskedPooling", {"mode": "mean"}), hidden]
    return [embedding, *_encoder(config), *_pooling(config)]


def _encoder(config: SentimentConfig) -> list[str]:
    """The recurrent layers; the last one gives its last states only if these are all that is read."""
    class_name, number = RECURRENT_CLASSES[config.architecture], config.num_layers
    forward = {"units": config.units, "go_backwards": False}
    if config.directions != "asymmetric":
        if config.directions == "both":
            side = {"class_name": class_name, "config": forward}
            return [describe_layer("Bidirectional", {"layer": side})] * number
        return [describe_layer(class_name, forward)] * number
    backward = {"units": config.backward_units, "go_backwards": True}
    flips = number - (config.pooling == "last")
    pair = [
        describe_layer(class_name, forward),
        describe_layer(class_name, backward),
        describe_layer("Concatenate", {}),
    ]
    return pair * number + [describe_layer("FlipTime", {})] * flips


def _pooling(config: SentimentConfig) -> list[str]:
    if config.pooling == "last":
        return []
    if config.pooling == "attention":
        return [describe_layer("AttentionPooling", {"units": config.units})]
    modes = config.pooling.split("-")
    joined = [describe_layer("Concatenate", {})] if len(modes) > 1 else []
    return [describe_layer("MaskedPooling", {"mode": mode}) for mode in modes] + joined


def _wide_head(config: SentimentConfig, num_ngrams: int) -> list[str]:
    middle, half = (config.max_rating + config.min_rating) / 2, (config.max_rating - config.min_rating) / 2
    return [
        describe_layer("Dense", {"units": 1, "activation": "linear"}),
        describe_layer("SparseLinear", {"input_dim": num_ngrams}),
        describe_layer("Add", {}),
        describe_layer("ScoreSpread", {}),
        describe_layer("Rescaling", {"scale": half, "offset": middle}),
        describe_layer("Rescaling", {"scale": half, "offset": 0.0}),
    ]


def _head(config: SentimentConfig) -> list[str]:
    if config.head == "regression":
        middle, half = (config.max_rating + config.min_rating) / 2, (config.max_rating - config.min_rating) / 2
        return [
            describe_layer("Dense", {"units": 1, "activation": "linear"}),
            describe_layer("Rescaling", {"scale": half, "offset": middle}),
        ]
    levels = rating_levels(config).tolist()
    ordinal = config.head == "ordinal"
    score = [describe_layer("Dense", {"units": 1, "activation": "linear", "use_bias": False})] if ordinal else []
    return [
        *score,
        describe_layer("Dense", {"units": len(levels) - ordinal, "activation": "linear"}),
        describe_layer("ExpectedLevel", {"levels": levels, "ordinal": ordinal}),
    ]
