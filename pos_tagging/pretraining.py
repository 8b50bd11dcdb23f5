"""Fine-tuning of another tagger: transfer of its vocabularies, its vectors and its recurrent layers.

A tagger of another corpus, with other tags perhaps, knows much of what this one has to learn, and words that the
training text here lacks. Collobert & Weston 2008, "A Unified Architecture for Natural Language Processing".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.file_names import CONFIG_FILE
from common.bundles.pretrained import find_bundle, pretrained_folder, pretrained_names
from common.errors import InputError
from common.networks import layer_names
from common.progress import say
from common.settings import inherit
from common.text.vocabulary import SPECIAL_TOKENS, UNK_ID, Vocabulary
from pos_tagging.config import DEFAULT_NAME, TASK, TaggingConfig
from pos_tagging.lexicon import Lexicon
from pos_tagging.model import give_vectors
from pos_tagging.sentences import Sentence

INHERITED = (
    "architecture", "directions", "num_layers", "units", "embedding_dim", "character_dim", "character_network",
    "character_filters", "character_units", "shape_dim", "affix_dim", "tag_dim", "lowercase",
)  # fmt: skip
READING = ("language", "normalization")  # those of the run, if it chooses
REGULARIZATION = ("dropout", "word_dropout", "rare_word_dropout", "affix_dropout")
VOCABULARY_OF = {
    layer_names.EMBEDDING: "words",
    layer_names.CHARACTER_EMBEDDING: "characters",
    layer_names.SHAPE_EMBEDDING: "shapes",
    layer_names.AFFIX_EMBEDDING: "affixes",
    layer_names.GIVEN_VECTORS: "vector_words",
}
PAIRS_OF_TAGS = (layer_names.SCORES, layer_names.TAG_EMBEDDING)  # layers that follow one tag with another
MIN_KNOWN = 0.8  # of the words of the sentences: below, they are in another language, or of another kind


def choose_start(sentences: Sequence[Sentence], config: TaggingConfig, inputs: Mapping[str, Any]) -> Bundle | None:
    """What a run starts from, said in one line; None: from scratch.

    Args:
        sentences: the training split.
        config: the settings of the run.
        inputs: what it reads, by option.
    Raises:
        InputError: `--start` names no tagger.
    """
    start = str(inputs["start"])
    if start == "scratch":
        return None
    if start != "auto":
        return open_bundle(find_bundle(TASK, start), TASK)
    if DEFAULT_NAME not in pretrained_names(TASK):
        say(f"Start: from scratch, for the pretrained tagger {DEFAULT_NAME} is not installed")
        return None
    origin = open_bundle(pretrained_folder(TASK, DEFAULT_NAME), TASK)
    known = share_known(sentences, Lexicon.load(origin))
    if reason := find_obstacle(origin, known, config, inputs):
        say(f"Start: from scratch, for {reason}")
        return None
    say(
        f"Start: the pretrained tagger {DEFAULT_NAME}, which knows {known:.0%} of the words, is fine-tuned; "
        "--start scratch would begin from nothing"
    )
    return origin


def find_obstacle(origin: Bundle, known: float, config: TaggingConfig, inputs: Mapping[str, Any]) -> str | None:
    """Why the pretrained tagger is not the place to start from; None: it is.

    Args:
        origin: its bundle.
        known: share of the words that it knows.
        config: the settings of the run.
        inputs: what it reads, by option.
    """
    if inputs["word_vectors_from"]:
        return "--word-vectors-from is given"
    if config.language != (language := origin.read_config(TaggingConfig).language):
        return f"the pretrained tagger {DEFAULT_NAME} is for --language {language}"
    try:
        inherit_settings(config, origin)
    except InputError as error:
        return str(error).replace("; leave it out", "")
    return None if known >= MIN_KNOWN else f"the pretrained tagger {DEFAULT_NAME} knows {known:.0%} of the words"


def share_known(sentences: Sequence[Sentence], lexicon: Lexicon) -> float:
    """Share of the words, those of letters alone, that a tagger has a vector of."""
    words = [token for sentence in sentences[:2000] for token in sentence.tokens if token.isalpha()]
    if not words:
        return 0.0
    ids = lexicon.encode(words)
    return float(np.mean((ids["token_ids"] != UNK_ID) | (ids.get("vector_ids", np.array(UNK_ID)) != UNK_ID)))


def inherit_settings(config: TaggingConfig, bundle: Bundle) -> TaggingConfig:
    """Take the settings of the network from another tagger, and of its regularization what the run does not choose.

    Raises:
        InputError: the run has settings that do not fit it.
    """
    theirs = TaggingConfig.upgrade(bundle.read_json(CONFIG_FILE))
    values = {"affix_dim": 0, **{name: theirs[name] for name in INHERITED if name in theirs}}  # older ones had none
    defaults = vars(TaggingConfig())
    values |= {name: theirs[name] for name in READING if name in theirs and getattr(config, name) == defaults[name]}
    left = [name for name in REGULARIZATION if name in theirs and getattr(config, name) == defaults[name]]
    return inherit(config, {**values, **{name: theirs[name] for name in left}}, "tagger")


def inherit_lexicon(lexicon: Lexicon, theirs: Lexicon, max_vectors: int) -> Lexicon:
    """Add the words, letters and shapes of another tagger, and take the first words whose vectors it was given.

    What counts as a word of the training split stays as it is. The tags are those of the other tagger if all of the
    training split are among them, so that a rare one is not lost, which a small file may lack.
    """
    given = theirs.vector_words
    return replace(
        lexicon,
        tags=theirs.tags if set(lexicon.tags) <= set(theirs.tags) else lexicon.tags,
        words=lexicon.words.extended(theirs.words),
        characters=lexicon.characters.extended(theirs.characters),
        shapes=lexicon.shapes and theirs.shapes and lexicon.shapes.extended(theirs.shapes),
        affixes=lexicon.affixes and theirs.affixes and lexicon.affixes.extended(theirs.affixes),
        vector_words=given and Vocabulary(given.tokens[len(SPECIAL_TOKENS) :][:max_vectors], given.lowercase),
    )


def inherit_weights(model: keras.Model, lexicon: Lexicon, bundle: Bundle) -> None:
    """Put the weights of another tagger into this one; of the layers of tags those of the tags that both have.

    Transition scores and the vectors of previous tags are taken only if the tags are the same.

    Args:
        model: of `pos_tagging.model.build_model`.
        lexicon: of `inherit_lexicon`, with the lexicon of the bundle.
        bundle: the other tagger.
    """
    theirs = Lexicon.load(bundle)
    same_tags = theirs.tags == lexicon.tags
    for layer in model.layers:
        fits = same_tags or layer.name not in PAIRS_OF_TAGS
        if not (layer.weights and fits and layer.name in bundle.layers):
            continue
        weights = bundle.read_layer(layer.name)
        if layer.name in VOCABULARY_OF:
            name = VOCABULARY_OF[layer.name]
            weights = [_rows(layer.get_weights()[0], getattr(lexicon, name), weights[0], getattr(theirs, name))]
        if layer.name == layer_names.LOGITS:
            own = layer.get_weights()
            weights = [_columns(own[i], lexicon.tags, weights[i], theirs.tags) for i in range(len(own))]
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


def _columns(own: np.ndarray, tags: Sequence[str], given: np.ndarray, given_tags: Sequence[str]) -> np.ndarray:
    """The weights of the logits, the tags last: those given for the same tag, its own for what is new."""
    columns = own.copy()
    for i, tag in enumerate(tags):
        if tag in given_tags:
            columns[..., i] = given[..., given_tags.index(tag)]
    return columns
