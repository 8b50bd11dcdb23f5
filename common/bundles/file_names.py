"""Names of the files in a bundle, which every bundle ever saved has."""

from __future__ import annotations

MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.json"
WEIGHTS_FILE = "model.weights.h5"
CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.json"
HISTORY_FILE = "history.csv"
CARD_FILE = "README.md"

# Vocabularies: the words are in every bundle, the rest in those of taggers.
VOCABULARY_FILE = "vocabulary.json"
NGRAMS_FILE = "ngrams.json"
CHARACTERS_FILE = "characters.json"
TRAINING_WORDS_FILE = "training_words.json"
SHAPES_FILE = "shapes.json"
AFFIXES_FILE = "affixes.json"
VECTOR_WORDS_FILE = "vector_words.json"
TAGS_FILE = "tags.json"

# The splitter of a tagger is a network in a folder of its own, with these tables beside its vocabulary.
SPLITTER_FOLDER = "splitter"
EXPANSIONS_FILE = "expansions.json"
PIECES_FILE = "pieces.json"
