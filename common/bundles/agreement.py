"""Consistency of a bundle, whatever its task: settings and vocabularies against the network.

The network shows its sizes by its weights, and its layers by `model.json`. Each task composes from its settings what it
expects; these functions compare. The tasks' own rules are in their modules `agreement`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from common.bundles.architecture import Layer, name_outputs, sources
from common.bundles.bundle import Bundle
from common.bundles.file_names import CONFIG_FILE, MODEL_FILE
from common.errors import InputError, excerpt
from common.networks.specs.shapes import Tensor
from common.settings import Settings
from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary

# Settings that a run finds out from its data, where they are 0 or none; those of a saved model are numbers.
FOUND_OUT = {"batch_size": 1, "min_rating": -math.inf, "max_rating": -math.inf}


def disagree(bundle: Bundle, file: str, what: str) -> InputError:
    """Make the error for parts that do not belong together."""
    return InputError(f"{bundle.path / file}: {what}; the parts of this bundle do not belong together, copy it again")


def check_stated(bundle: Bundle, config_class: type[Settings], names: Collection[str]) -> None:
    """Refuse a `config.json` that leaves out a setting which answers depend on: its default may have been another."""
    stated = config_class.upgrade(bundle.read_json(CONFIG_FILE))
    for name in names:
        if name not in stated:
            raise disagree(bundle, CONFIG_FILE, f"setting {name} is missing")
        if name in FOUND_OUT and not (type(stated[name]) in (int, float) and stated[name] >= FOUND_OUT[name]):
            raise disagree(bundle, CONFIG_FILE, f"setting {name} is {excerpt(str(stated[name]))}")


def check_inputs(bundle: Bundle, wanted: Mapping[str, Tensor]) -> None:
    """Refuse a network with other inputs than those that the task gives it."""
    found = bundle.architecture.input_tensors
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            raise disagree(
                bundle, MODEL_FILE, f"input {excerpt(name)} is {_told(found.get(name))}, not {_told(wanted.get(name))}"
            )


def check_places(bundle: Bundle, wanted: Mapping[str, int]) -> None:
    """Refuse outputs that are another result of their layer than the task takes them for.

    Args:
        bundle: the bundle.
        wanted: which result of its layer each output is, where it is there.
    """
    outputs = name_outputs(bundle.architecture.outputs)
    for name, place in wanted.items():
        if name in outputs and outputs[name][2] != place:
            layer = excerpt(str(outputs[name][0]))
            raise disagree(bundle, MODEL_FILE, f"output {name} is result {outputs[name][2]} of {layer}, not {place}")


def check_origins(bundle: Bundle, wanted: Mapping[str, str]) -> None:
    """Refuse outputs that are made of something else than what the task takes them for.

    Args:
        bundle: the bundle.
        wanted: the class of the layer whose result the layer of each output reads.
    """
    outputs = name_outputs(bundle.architecture.outputs)
    for name, class_name in wanted.items():
        layer, number, _ = outputs[name]
        found = {bundle.layers[source].class_name for source, _ in sources(bundle.layers[layer].calls[number])}
        if found != {class_name}:
            there = " and ".join(sorted(found)) or "nothing"
            raise disagree(bundle, MODEL_FILE, f"output {name} is made of {there}, not of {class_name}")


def check_answers(bundle: Bundle, wanted: Mapping[str, tuple[int | None, ...]], optional: Collection[str] = ()) -> None:
    """Refuse a network with other outputs than those that the task reads.

    Args:
        bundle: the bundle.
        wanted: the shape of each output by name; "" is a single one without a name.
        optional: outputs that a network made by an older program lacks.
    """
    found = bundle.architecture.output_tensors
    for name in sorted(found.keys() | (wanted.keys() - set(optional))):
        shape = found[name].shape if name in found else None
        if name not in wanted or shape != wanted[name]:
            shown = f"output {excerpt(name)}" if name else "the output"
            raise disagree(bundle, MODEL_FILE, f"{shown} is {shape}, not {wanted.get(name)}")


def _told(tensor: Tensor | None) -> str:
    return "none" if tensor is None else f"{tensor.dtype} {tensor.shape}"


def check_layers(bundle: Bundle, wanted: Sequence[str]) -> None:
    """Refuse a network of other layers than the settings and the vocabularies ask for.

    Args:
        bundle: the bundle.
        wanted: each layer, of `common.networks.specs.table.describe_layer`, as often as it is there.
    """
    found, expected = Counter(bundle.architecture.describe()), Counter(wanted)
    if found != expected:
        surplus, missing = sorted((found - expected).elements()), sorted((expected - found).elements())
        there = surplus[0] if surplus else "no such layer"
        raise disagree(
            bundle, CONFIG_FILE, f"asks for {missing[0] if missing else 'no such layer'}, the network has {there}"
        )


def tables(bundle: Bundle) -> dict[str, Layer]:
    """The embedding, or the linear model, of each input of ids, by the name of the input.

    Raises:
        InputError: an embedding reads something else, or two read one input.
    """
    found: dict[str, Layer] = {}
    for layer in bundle.layers.values():
        if layer.class_name in ("Embedding", "TiedEmbedding", "SparseLinear"):
            name, _ = next(sources(layer.calls[0]))
            if name in found or name not in bundle.architecture.inputs:
                raise disagree(bundle, MODEL_FILE, f"layer {excerpt(layer.name)} reads {excerpt(name)}")
            found[name] = layer
    return found


def num_ids(bundle: Bundle, name: str) -> int | None:
    """How many ids the embedding of an input has; None if there is none."""
    layer = tables(bundle).get(name)
    return None if layer is None else layer.config["input_dim"]


def check_lowercase(bundle: Bundle, file: str, vocabulary: Vocabulary, wanted: bool) -> None:
    """Refuse a vocabulary that is looked up in another case than the settings say, or whose tokens say otherwise."""
    if vocabulary.lowercase is not wanted:
        raise disagree(bundle, file, f"lowercase is {vocabulary.lowercase}, not {wanted}")
    own = "\n".join(vocabulary.tokens[len(SPECIAL_TOKENS) :])
    if wanted and own != own.lower():
        raise disagree(bundle, file, "it has tokens in upper case")


def check_special(bundle: Bundle, file: str, vocabulary: Vocabulary) -> None:
    """Refuse a vocabulary that holds a special token as a word."""
    for token in SPECIAL_TOKENS:
        if token in vocabulary:
            raise disagree(bundle, file, f"{token} is a special token")


def check_words(bundle: Bundle, file: str, vocabulary: Vocabulary) -> None:
    """Refuse a vocabulary of words in which white space is part of one."""
    own = vocabulary.tokens[len(SPECIAL_TOKENS) :]
    if " ".join(own).split() != own:
        raise disagree(bundle, file, "it has words with white space in them")


def check_characters(bundle: Bundle, file: str, vocabulary: Vocabulary) -> None:
    """Refuse a vocabulary of characters in which a token has more than one."""
    if any(len(token) != 1 for token in vocabulary.tokens[len(SPECIAL_TOKENS) :]):
        raise disagree(bundle, file, "it has tokens of several characters")
