"""What a web page needs of a bundle: its network as a small ONNX file, its vocabularies and settings as JSON.

The page reads one text at a time, so the networks are made for batches without padding. Matrices whose numbers fit into
float16, as those of bundles in half precision do, are kept so, and so are tables of which only rows are read; the graph
turns both into float32.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from common.bundles.architecture import Architecture
from common.bundles.bundle import Bundle
from common.bundles.file_names import (
    CARD_FILE,
    CHARACTERS_FILE,
    NGRAMS_FILE,
    SPLITTER_FOLDER,
    VOCABULARY_FILE,
)
from common.inference.onnx.export import whole_graph
from common.inference.onnx.graph import build_network
from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from language_model.config import EXTRA_TOKENS, LanguageModelConfig
from language_model.loader import state_sizes
from pos_tagging.config import TaggingConfig
from pos_tagging.lexicon import AFFIX_LENGTHS, EMOJI, EMOTICON, FILES, WORD_LENGTH, Lexicon
from pos_tagging.predict import MAX_TOKENS
from pos_tagging.splitting import encoding
from pos_tagging.splitting.splitter import read_expansions, read_pieces
from sentiment.agreement import read_settings
from sentiment.loader import MOST_TOKENS, rating_levels

LIMITS = re.compile(r"^## What it is bad at$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
MOST_LIMITS = 8  # lines of a card
RECURRENT = ("LSTM", "GRU", "RNN")


# -- Settings -------------------------------------------------------------------------------------------------------


def page_settings(bundle: Bundle) -> dict[str, Any]:
    """The settings and vocabularies of a model, as the scripts of the page take them."""
    return SETTINGS[bundle.manifest["task"]](bundle)


def rating_settings(bundle: Bundle) -> dict[str, Any]:
    """Those of a rating model."""
    config = read_settings(bundle)
    return {
        "language": config.language,
        "normalization": config.normalization,
        "vocabulary": as_json(bundle.read_vocabulary(VOCABULARY_FILE)),
        "ngrams": bundle.read_json(NGRAMS_FILE) if config.ngrams else None,
        "longest": config.max_length or MOST_TOKENS,
        "truncation": config.truncation,
        "directions": config.directions,
        "head": config.head,
        "min_rating": config.min_rating,
        "max_rating": config.max_rating,
        "levels": rating_levels(config).tolist(),
    }


def tagging_settings(bundle: Bundle) -> dict[str, Any]:
    """Those of a tagger, with its splitter."""
    config, lexicon = bundle.read_config(TaggingConfig), Lexicon.load(bundle)
    own = {name: getattr(lexicon, name) for name in FILES if name != "training_words"}
    part = bundle.part(SPLITTER_FOLDER)
    return {
        "language": config.language,
        "normalization": config.normalization,
        "vocabularies": {name: as_json(vocabulary) for name, vocabulary in own.items() if vocabulary is not None},
        "tags": lexicon.tags,
        "known_emoji": [word for word in lexicon.training_words.tokens if EMOJI.fullmatch(word)],
        "emoticon": EMOTICON,
        "word_length": WORD_LENGTH,
        "affix_lengths": AFFIX_LENGTHS,
        "max_tokens": MAX_TOKENS,
        "num_beams": config.num_beams if config.architecture == "previous-tag" else 0,
        "units": config.units,
        "splitter": splitter_settings(part) if part else None,
    }


def splitter_settings(part: Bundle) -> dict[str, Any]:
    """Those of the splitter of a tagger."""
    return {
        "characters": as_json(part.read_vocabulary(CHARACTERS_FILE)),
        "pieces": read_pieces(part).pieces,
        "expansions": read_expansions(part),
        "window": encoding.WINDOW,
        "overlap": encoding.OVERLAP,
        "num_neighbours": encoding.NUM_NEIGHBOURS,
        "num_gaps": encoding.NUM_GAPS,
        "num_cases": encoding.NUM_CASES,
    }


def language_model_settings(bundle: Bundle) -> dict[str, Any]:
    """Those of a language model."""
    config = bundle.read_config(LanguageModelConfig)
    return {
        "language": config.language,
        "normalization": config.normalization,
        "level": config.level,
        "vocabulary": as_json(bundle.read_vocabulary(VOCABULARY_FILE)),
        "states": state_sizes(config),
        "extra_tokens": EXTRA_TOKENS[config.level],
    }


SETTINGS: Mapping[str, Callable[[Bundle], dict[str, Any]]] = {
    "sentiment": rating_settings,
    "pos_tagging": tagging_settings,
    "language_model": language_model_settings,
}


def as_json(vocabulary: Vocabulary) -> dict[str, Any]:
    """A vocabulary, the special tokens left aside."""
    return {"lowercase": vocabulary.lowercase, "tokens": vocabulary.tokens[len(SPECIAL_TOKENS) :]}


def limits(bundle: Bundle) -> list[str]:
    """What the model card says the model is bad at, line by line, without marks of Markdown."""
    try:
        card = (bundle.path / CARD_FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    found = LIMITS.search(card)
    lines = found[1].splitlines() if found else []
    return [line[2:].replace("`", "").replace("**", "") for line in lines if line.startswith("- ")][:MOST_LIMITS]


# -- Networks -------------------------------------------------------------------------------------------------------


def small_graph(architecture: Architecture) -> onnx.ModelProto:
    """A network for single texts as a whole ONNX model, its matrices in float16 where that will do."""
    network = build_network(architecture, full=True)
    model = whole_graph(network)
    graph = model.graph
    read = {name for node in graph.node for name in node.input}
    inputs = [node for node in graph.input if node.name in read]
    del graph.input[:]
    graph.input.extend(inputs)
    _show_units(graph)
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1:
            _halve(graph, tensor, is_table=tensor.name in network.tables)
    onnx.checker.check_model(model)
    return model


def _show_units(graph: onnx.GraphProto) -> None:
    """Give the hidden states of each recurrent layer as an output too: `units.NAME` (time, direction, batch, units)."""
    for node in [node for node in graph.node if node.op_type in RECURRENT]:
        name = f"units.{node.input[1].removesuffix('.W')}"  # its weights are called after the layer
        graph.node.append(helper.make_node("Identity", [node.output[0]], [name]))
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4))


def _halve(graph: onnx.GraphProto, tensor: TensorProto, is_table: bool) -> None:
    """Keep a matrix in float16, if it is a table of which only rows are read, or has only numbers that fit."""
    array = numpy_helper.to_array(tensor)
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    readers = [node for node in graph.node if tensor.name in node.input]
    of_rows = is_table and all(node.op_type == "Gather" for node in readers)
    if not np.isfinite(half).all() or not (of_rows or np.array_equal(half.astype(np.float32), array)):
        return
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half" if not of_rows else name))
    if not of_rows:
        graph.node.insert(0, helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
        return
    for node in readers:
        place = list(graph.node).index(node)
        rows, node.output[0] = node.output[0], f"{node.output[0]}.half"
        graph.node.insert(place + 1, helper.make_node("Cast", [node.output[0]], [rows], to=TensorProto.FLOAT))
