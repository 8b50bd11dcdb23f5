"""Consistency of a language model's bundle: settings, vocabulary and network, checked before it answers.

config.json      holds every setting that answers depend on, in its range
its network      layers and sizes are those of the settings
vocabulary.json  as many tokens as the embedding has rows and the network logits; each once, in the case that the
                 settings say; single characters with the level `character`, else words without white space
in, out          `token_ids`, `mask` and the states of the settings; `logits`, `hidden` and the same states
"""

from __future__ import annotations

from collections.abc import Iterable

from common.bundles import agreement
from common.bundles.architecture import name_outputs, sources
from common.bundles.bundle import Bundle
from common.bundles.file_names import MODEL_FILE, VOCABULARY_FILE
from common.networks.specs.shapes import Tensor
from common.networks.specs.table import describe_layer
from language_model.config import LanguageModelConfig
from language_model.loader import state_sizes

RECURRENT_CLASSES = {"lstm": "LSTM", "gru": "GRU", "simple-rnn": "SimpleRNN"}
# What every bundle there has ever been states; a setting that is younger had its default.
STATED = (
    "architecture", "num_layers", "units", "embedding_dim", "tie_embeddings", "level", "lowercase", "document",
    "tbptt_length", "batch_size",
)  # fmt: skip


def check_agreement(bundle: Bundle) -> None:
    """Hold settings and vocabulary against the network.

    Raises:
        InputError: what disagrees.
    """
    agreement.check_stated(bundle, LanguageModelConfig, STATED)
    config = bundle.read_config(LanguageModelConfig)
    agreement.check_reading(bundle, config)
    states = {name: (None, size) for name, size in state_sizes(config).items()}
    token_ids, mask = Tensor((None, None), "int32"), Tensor((None, None), "bool")
    tensors = {name: Tensor(shape) for name, shape in states.items()}
    agreement.check_inputs(bundle, {"token_ids": token_ids, "mask": mask, **tensors})
    num_ids = agreement.num_ids(bundle, "token_ids")
    vocabulary = bundle.read_vocabulary(VOCABULARY_FILE, num_ids)
    agreement.check_layers(bundle, expected_layers(config, len(vocabulary)))
    hidden = config.embedding_dim if config.tie_embeddings else config.units
    answers = {"logits": (None, None, len(vocabulary)), "hidden": (None, None, hidden), **states}
    agreement.check_answers(bundle, answers, optional=["hidden"])
    check_states(bundle, states)
    agreement.check_lowercase(bundle, VOCABULARY_FILE, vocabulary, config.lowercase)
    agreement.check_special(bundle, VOCABULARY_FILE, vocabulary)
    check_kind = agreement.check_characters if config.level == "character" else agreement.check_words
    check_kind(bundle, VOCABULARY_FILE, vocabulary)


def check_states(bundle: Bundle, states: Iterable[str]) -> None:
    """Refuse a network that gives as a state another one than it takes under that name."""
    for name in states:
        layer, call, place = name_outputs(bundle.architecture.outputs)[name]
        calls = bundle.layers[layer].calls
        taken = calls[call]["kwargs"].get("initial_state") if call < len(calls) else None
        names = [source for source, _ in sources(taken)]
        if names and (not 1 <= place <= len(names) or names[place - 1] != name):
            raise agreement.disagree(bundle, MODEL_FILE, f"output {name} is another state than the input of that name")


def expected_layers(config: LanguageModelConfig, vocab_size: int) -> list[str]:
    """The layers that `language_model.model.build_model` makes, dropout left out."""
    sizes = {"input_dim": vocab_size, "output_dim": config.embedding_dim}
    layers = [describe_layer("TiedEmbedding" if config.tie_embeddings else "Embedding", sizes)]
    if config.architecture == "fixed-window":
        hidden = describe_layer("Dense", {"units": config.units, "activation": "tanh"})
        layers.append(describe_layer("SlidingWindow", {"size": config.window}))
    else:
        hidden = describe_layer(RECURRENT_CLASSES[config.architecture], {"units": config.units})
    layers += [hidden] * config.num_layers
    if not config.tie_embeddings:
        layers.append(describe_layer("Dense", {"units": vocab_size, "activation": "linear"}))
    elif config.units != config.embedding_dim:
        layers.append(describe_layer("Dense", {"units": config.embedding_dim, "activation": "linear"}))
    return layers
