"""Consistency of a splitter: its network against its settings and its vocabulary."""

from __future__ import annotations

from common.bundles import agreement
from common.bundles.bundle import Bundle
from common.bundles.file_names import CHARACTERS_FILE
from common.networks.specs.shapes import Tensor
from common.networks.specs.table import describe_layer
from pos_tagging.splitting.config import FILTER_WIDTH, SplitterConfig
from pos_tagging.splitting.encoding import NUM_CONTEXTS
from pos_tagging.splitting.labels import NUM_LABELS
from pos_tagging.splitting.splitter import read_expansions, read_pieces

STATED = ("character_dim", "context_dim", "filters", "units")


def check_splitter(bundle: Bundle) -> None:
    """Hold the settings and the vocabulary of a splitter against its network, and read its tables.

    Raises:
        InputError: what disagrees, or is damaged.
    """
    bundle.check_network()
    agreement.check_stated(bundle, SplitterConfig, STATED)
    config = bundle.read_config(SplitterConfig)
    characters = bundle.read_vocabulary(CHARACTERS_FILE, agreement.num_ids(bundle, "character_ids"))
    agreement.check_special(bundle, CHARACTERS_FILE, characters)
    agreement.check_characters(bundle, CHARACTERS_FILE, characters)
    agreement.check_lowercase(bundle, CHARACTERS_FILE, characters, False)
    ids = Tensor((None, None), "int32")
    agreement.check_inputs(bundle, {"character_ids": ids, "context_ids": ids, "mask": Tensor((None, None), "bool")})
    agreement.check_layers(bundle, expected_layers(config, len(characters)))
    agreement.check_answers(bundle, {"": (None, None, NUM_LABELS)})
    read_expansions(bundle)
    read_pieces(bundle)


def expected_layers(config: SplitterConfig, num_characters: int) -> list[str]:
    """The layers that `pos_tagging.splitting.model.build_splitter` makes, dropout left out."""
    side = {"class_name": "LSTM", "config": {"units": config.units}}
    return [
        describe_layer("Embedding", {"input_dim": num_characters, "output_dim": config.character_dim}),
        describe_layer("Embedding", {"input_dim": NUM_CONTEXTS, "output_dim": config.context_dim}),
        describe_layer("Concatenate", {}),
        describe_layer(
            "Conv1D",
            {"filters": config.filters, "kernel_size": [FILTER_WIDTH], "activation": "relu", "padding": "valid"},
        ),
        describe_layer("Bidirectional", {"layer": side}),
        describe_layer("Dense", {"units": NUM_LABELS, "activation": "linear"}),
    ]
