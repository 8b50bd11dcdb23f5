"""Fine-tuning of another tagger: transfer of its vocabularies, its vectors and its recurrent layers.

A tagger of another corpus, with other tags perhaps, knows much of what this one has to learn, and words that the
training text here lacks. Collobert & Weston 2008, "A Unified Architecture for Natural Language Processing".
"""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np

from common.bundles.bundle import Bundle
from common.bundles.file_names import CONFIG_FILE
from common.networks import layer_names
from common.settings import inherit
from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from pos_tagging.config import TaggingConfig
from pos_tagging.lexicon import Lexicon
from pos_tagging.model import give_vectors

INHERITED = (
    "architecture", "directions", "num_layers", "units", "embedding_dim", "character_dim", "character_network",
    "character_filters", "character_units", "shape_dim", "affix_dim", "tag_dim", "lowercase",
)  # fmt: skip
VOCABULARY_OF = {
    layer_names.EMBEDDING: "words",
    layer_names.CHARACTER_EMBEDDING: "characters",
    layer_names.SHAPE_EMBEDDING: "shapes",
    layer_names.AFFIX_EMBEDDING: "affixes",
    layer_names.GIVEN_VECTORS: "vector_words",
}
LAYERS_OF_TAGS = (layer_names.LOGITS, layer_names.SCORES, layer_names.TAG_EMBEDDING)


def inherit_settings(config: TaggingConfig, bundle: Bundle) -> TaggingConfig:
    """Take the settings of the network from another tagger.

    Raises:
        InputError: the run has settings that do not fit it.
    """
    theirs = TaggingConfig.upgrade(bundle.read_json(CONFIG_FILE))
    values = {"affix_dim": 0, **{name: theirs[name] for name in INHERITED if name in theirs}}  # older ones had none
    return inherit(config, values, "tagger")


def inherit_lexicon(lexicon: Lexicon, theirs: Lexicon, max_vectors: int) -> Lexicon:
    """Add the words, letters and shapes of another tagger, and take the first words whose vectors it was given.

    The tags, and what counts as a word of the training split, stay as they are.
    """
    given = theirs.vector_words
    return replace(
        lexicon,
        words=lexicon.words.extended(theirs.words),
        characters=lexicon.characters.extended(theirs.characters),
        shapes=lexicon.shapes and theirs.shapes and lexicon.shapes.extended(theirs.shapes),
        affixes=lexicon.affixes and theirs.affixes and lexicon.affixes.extended(theirs.affixes),
        vector_words=given and Vocabulary(given.tokens[len(SPECIAL_TOKENS) :][:max_vectors], given.lowercase),
    )


def inherit_weights(model: keras.Model, lexicon: Lexicon, bundle: Bundle) -> None:
    """Put the weights of another tagger into this one; those of layers of tags only if the tags are the same.

    Args:
        model: of `pos_tagging.model.build_model`.
        lexicon: of `inherit_lexicon`, with the lexicon of the bundle.
        bundle: the other tagger.
    """
    theirs = Lexicon.load(bundle)
    same_tags = theirs.tags == lexicon.tags
    for layer in model.layers:
        fits = same_tags or layer.name not in LAYERS_OF_TAGS
        if not (layer.weights and fits and layer.name in bundle.layers):
            continue
        weights = bundle.read_layer(layer.name)
        if layer.name in VOCABULARY_OF:
            name = VOCABULARY_OF[layer.name]
            weights = [_rows(layer.get_weights()[0], getattr(lexicon, name), weights[0], getattr(theirs, name))]
        if layer.name == layer_names.GIVEN_VECTORS:
            give_vectors(model, weights[0])
        else:
            layer.set_weights(weights)


def _rows(own: np.ndarray, vocabulary: Vocabulary, given: np.ndarray, given_vocabulary: Vocabulary) -> np.ndarray:
    """The rows of an embedding: those given for the same token, its own for what is new."""
    rows = own.astype(given.dtype)
    rows[: len(SPECIAL_TOKENS)] = given[: len(SPECIAL_TOKENS)]
    places = {token: i for i, token in enumerate(given_vocabulary.tokens)}
    for i, token in enumerate(vocabulary.tokens[len(SPECIAL_TOKENS) :], len(SPECIAL_TOKENS)):
        if token in places:
            rows[i] = given[places[token]]
    return rows
