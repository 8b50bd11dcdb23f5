"""Consistency of the parts of a tagger's bundle, checked before it answers.

config.json      holds every setting that answers depend on, in its range
its network      layers and sizes are those of the settings
vocabularies     of words, characters, shapes, affixes and words with given vectors: as many tokens as the embedding
                 of each has rows, each once; words in the case that the settings say, characters one by one; there
                 if the network reads them, and only then
tags.json        as many as the network has logits, each once, in order
in, out          the inputs of `pos_tagging.loader.make_batches`; logits, scores of pairs of tags, or logits and state
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.bundles import agreement
from common.bundles.agreement import disagree
from common.bundles.bundle import Bundle
from common.bundles.file_names import CONFIG_FILE, MODEL_FILE, SPLITTER_FOLDER, TAGS_FILE
from common.networks.specs.shapes import Tensor
from common.networks.specs.table import describe_layer
from pos_tagging.config import FILTER_WIDTHS, TaggingConfig
from pos_tagging.lexicon import FILES, NUM_AFFIXES, WORD_LENGTH, Lexicon
from pos_tagging.splitting.agreement import check_splitter

RECURRENT_CLASSES = {"lstm": "LSTM", "gru": "GRU", "simple-rnn": "SimpleRNN"}
INPUTS = {
    "words": "token_ids", "characters": "spellings", "shapes": "shape_ids", "affixes": "affix_ids",
    "vector_words": "vector_ids",
}  # fmt: skip
# The settings that say how large a vector is; 0: there is none. Older bundles state nothing of what they lack.
SIZES = {"shapes": "shape_dim", "affixes": "affix_dim"}
# What every bundle there has ever been states; a setting that is younger had its default.
STATED = (
    "architecture", "directions", "num_layers", "units", "embedding_dim", "character_dim", "character_filters",
    "tag_dim", "lowercase", "batch_size",
)  # fmt: skip


def check_agreement(bundle: Bundle) -> None:
    """Hold settings, vocabularies and tags against the network.

    Raises:
        InputError: what disagrees.
    """
    agreement.check_stated(bundle, TaggingConfig, STATED)
    config = bundle.read_config(TaggingConfig)
    agreement.check_reading(bundle, config)
    check_files(bundle, config)
    for name, source in INPUTS.items():
        if FILES[name] in bundle.contents:
            bundle.read_vocabulary(FILES[name], agreement.num_ids(bundle, source))
    lexicon = Lexicon.load(bundle)
    check_tags(bundle, lexicon, config)
    agreement.check_inputs(bundle, expected_inputs(config, lexicon))
    agreement.check_layers(bundle, expected_layers(config, lexicon, _given_vectors(bundle)))
    check_outputs(bundle, config, len(lexicon.tags))
    check_vocabularies(bundle, config, lexicon)
    if (splitter := bundle.part(SPLITTER_FOLDER)) is not None:
        check_splitter(splitter)


def check_files(bundle: Bundle, config: TaggingConfig) -> None:
    """Refuse a vocabulary that the network does not read, and a network that reads one which is not there."""
    stated = bundle.read_json(CONFIG_FILE)
    for name in ("shapes", "affixes", "vector_words"):
        is_there, is_read = FILES[name] in bundle.contents, INPUTS[name] in bundle.architecture.inputs
        if is_there != is_read:
            raise disagree(bundle, FILES[name], f"is {'' if is_there else 'not '}there, and the network differs")
        if is_there and name in SIZES and not stated.get(SIZES[name]):
            raise disagree(bundle, FILES[name], f"is there, and {SIZES[name]} is {stated.get(SIZES[name])}")


def check_tags(bundle: Bundle, lexicon: Lexicon, config: TaggingConfig) -> None:
    """Refuse tags that are more or fewer than the network has."""
    output = "scores" if config.head == "crf" and config.architecture != "previous-tag" else "logits"
    found = bundle.architecture.output_tensors
    tensor = found.get(output, found.get(""))
    if tensor is None or tensor.shape[-1] != len(lexicon.tags):
        number = "none" if tensor is None else tensor.shape[-1]
        raise disagree(bundle, TAGS_FILE, f"{len(lexicon.tags)} tags, the network has {number}")


def check_vocabularies(bundle: Bundle, config: TaggingConfig, lexicon: Lexicon) -> None:
    """Refuse vocabularies in another case, or of another kind of token."""
    agreement.check_lowercase(bundle, FILES["words"], lexicon.words, config.lowercase)
    agreement.check_characters(bundle, FILES["characters"], lexicon.characters)
    for name, file in FILES.items():
        vocabulary = getattr(lexicon, name)
        if vocabulary is None or name == "vector_words":  # words of others, whose vectors may be in any case
            continue
        agreement.check_special(bundle, file, vocabulary)
        if name != "words":
            agreement.check_lowercase(bundle, file, vocabulary, False)


def _given_vectors(bundle: Bundle) -> dict[str, Any]:
    """The settings of the embedding of given vectors: their size, and whether they are kept in 8 bits."""
    layer = agreement.tables(bundle).get(INPUTS["vector_words"])
    return layer.config if layer else {}


def expected_inputs(config: TaggingConfig, lexicon: Lexicon) -> dict[str, Tensor]:
    """The inputs that `pos_tagging.model.build_model` makes."""
    ids, more = Tensor((None, None), "int32"), {}
    if lexicon.affixes is not None:
        more["affix_ids"] = Tensor((None, None, NUM_AFFIXES), "int32")
    if config.architecture == "previous-tag":
        more |= {"previous_tags": ids, "state": Tensor((None, config.units))}
    for name in ("shapes", "vector_words"):
        if getattr(lexicon, name) is not None:
            more[INPUTS[name]] = ids
    spellings, mask = Tensor((None, WORD_LENGTH), "int32"), Tensor((None, None), "bool")
    return {"token_ids": ids, "spellings": spellings, "spelling_ids": ids, "mask": mask, **more}


def check_outputs(bundle: Bundle, config: TaggingConfig, num_tags: int) -> None:
    """Hold the outputs of the network against its head."""
    if config.architecture == "previous-tag":
        agreement.check_answers(bundle, {"logits": (None, None, num_tags), "state": (None, config.units)})
    elif config.head == "crf":
        agreement.check_answers(bundle, {"scores": (None, None, num_tags, num_tags)})
    elif isinstance(bundle.architecture.outputs, dict):
        raise disagree(bundle, MODEL_FILE, "the head is softmax, the output has a name")
    else:
        agreement.check_answers(bundle, {"": (None, None, num_tags)})


def expected_layers(config: TaggingConfig, lexicon: Lexicon, given_vectors: Mapping[str, Any]) -> list[str]:
    """The layers that `pos_tagging.model.build_model` makes, dropout left out."""
    layers = [*_word_layers(config, lexicon, given_vectors), *_spelling_layers(config, len(lexicon.characters))]
    num_tags, recurrent = len(lexicon.tags), RECURRENT_CLASSES.get(config.architecture, "GRU")
    layers.append(describe_layer("Dense", {"units": num_tags, "activation": "linear"}))
    if config.architecture == "previous-tag":
        layers += [_embedding(num_tags + 1, config.tag_dim), describe_layer("Concatenate", {})]
        return [*layers, describe_layer("GRU", {"units": config.units})]
    layer = (
        _both_ways(recurrent, config.units)
        if config.directions == "both"
        else describe_layer(recurrent, {"units": config.units})
    )
    layers += [layer] * config.num_layers
    return layers + ([describe_layer("ChainScores", {"num_tags": num_tags})] if config.head == "crf" else [])


def _both_ways(class_name: str, units: int) -> str:
    side = {"class_name": class_name, "config": {"units": units}}
    return describe_layer("Bidirectional", {"layer": side})


def _embedding(input_dim: int, output_dim: int) -> str:
    return describe_layer("Embedding", {"input_dim": input_dim, "output_dim": output_dim})


def _word_layers(config: TaggingConfig, lexicon: Lexicon, given_vectors: Mapping[str, Any]) -> list[str]:
    """The vectors of words, shapes, beginnings and endings, and those that were given; put side by side."""
    layers, num_parts = [_embedding(len(lexicon.words), config.embedding_dim)], 1 + bool(config.character_dim)
    if lexicon.vector_words is not None:
        layers.append(describe_layer("Embedding", {**given_vectors, "input_dim": len(lexicon.vector_words)}))
    if lexicon.shapes is not None:
        layers.append(_embedding(len(lexicon.shapes), config.shape_dim))
    if lexicon.affixes is not None:
        layers.append(_embedding(len(lexicon.affixes), config.affix_dim))
        layers.append(describe_layer("Reshape", {"target_shape": [-1, NUM_AFFIXES * config.affix_dim]}))
    num_parts += sum(part is not None for part in (lexicon.vector_words, lexicon.shapes, lexicon.affixes))
    return layers + ([describe_layer("Concatenate", {})] if num_parts > 1 else [])


def _spelling_layers(config: TaggingConfig, num_characters: int) -> list[str]:
    """What reads the characters of a word."""
    if not config.character_dim:
        return []
    layers = [_embedding(num_characters, config.character_dim), describe_layer("TakeRows", {})]
    if config.character_network == "lstm":
        return [*layers, _both_ways("LSTM", config.character_units)]
    for width in FILTER_WIDTHS:
        filters = {"filters": config.character_filters, "kernel_size": [width], "activation": "relu"}
        layers += [describe_layer("Conv1D", filters), describe_layer("GlobalMaxPooling1D", {})]
    return [*layers, describe_layer("Concatenate", {})]
