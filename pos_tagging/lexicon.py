"""Vocabularies of a tagger: words, characters, shapes of words, affixes and tags, all from the training split.

Where frozen word vectors are given (`--word-vectors-from`), their words are a vocabulary too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.bundles import file_names
from common.bundles.bundle import Bundle
from common.bundles.file_names import TAGS_FILE
from common.errors import InputError, excerpt
from common.json_files import read_json, write_json
from common.text.normalization import STEPS, normalize_word
from common.text.spacy_start import start_spacy
from common.text.vocabulary import BOS_ID, EOS_ID, PAD_ID, UNK_ID, Vocabulary
from pos_tagging.config import TaggingConfig

WORD_LENGTH = 16  # characters of a word that are read, with the marks of its beginning and end
AFFIX_LENGTHS = (1, 2, 3, 4)  # characters of a beginning or an ending
NUM_AFFIXES = 2 * len(AFFIX_LENGTHS)  # of a word
FILES = {
    "words": file_names.VOCABULARY_FILE,
    "characters": file_names.CHARACTERS_FILE,
    "training_words": file_names.TRAINING_WORDS_FILE,
    "shapes": file_names.SHAPES_FILE,
    "affixes": file_names.AFFIXES_FILE,
    "vector_words": file_names.VECTOR_WORDS_FILE,
}
NEEDED = ("words", "characters", "training_words")
# Emoji, with the marks that join or colour them. Treebanks of older texts have none, but emoticons.
EMOJI = re.compile("[\u2600-\u27bf\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\u200d\ufe0f]+")
EMOTICON = ":)"


@dataclass(frozen=True)
class Lexicon:
    """The vocabularies of a tagger.

    `words` have a vector that is learned; `training_words` are all of the training split, as written, and tell known
    words from unknown ones in the scores. Words are normalized before they are looked up. A tagger without
    `shapes`, `affixes` or `vector_words` has None for them.
    """

    words: Vocabulary
    characters: Vocabulary
    training_words: Vocabulary
    tags: list[str]
    shapes: Vocabulary | None = None
    affixes: Vocabulary | None = None
    vector_words: Vocabulary | None = None
    normalization: str = STEPS

    @classmethod
    def build(
        cls,
        token_lists: Sequence[Sequence[str]],
        tags: Iterable[str],
        config: TaggingConfig,
        vector_words: Vocabulary | None = None,
    ) -> Lexicon:
        """Collect what occurs in the training split.

        Args:
            token_lists: the words of each sentence.
            tags: the tags there, each as often as may be.
            config: the settings.
            vector_words: the words whose vectors are given.
        Raises:
            InputError: a tag that cannot be shown: a model with it would not be read again.
        """
        tags, written = sorted(set(tags)), token_lists
        token_lists = normal_words(written, config.normalization)
        for tag in tags:
            if not tag.isprintable():
                raise InputError(f"tag {excerpt(tag)} holds a character that cannot be printed; write another tag")
        return cls(
            words=Vocabulary.build(token_lists, config.max_vocab_size, lowercase=config.lowercase),
            characters=Vocabulary.build(list(word) for tokens in token_lists for word in tokens),
            training_words=Vocabulary.build(written),
            tags=tags,
            shapes=Vocabulary.build(map(_shapes, token_lists)) if config.shape_dim else None,
            affixes=_common_affixes(token_lists) if config.affix_dim else None,
            vector_words=vector_words,
            normalization=config.normalization,
        )

    def save(self, folder: Path) -> None:
        """Write a file for each vocabulary, and one for the tags."""
        for name, file in FILES.items():
            if (vocabulary := getattr(self, name)) is not None:
                vocabulary.save(folder / file)
        write_json(folder / TAGS_FILE, self.tags)

    @classmethod
    def load(cls, bundle: Bundle) -> Lexicon:
        """Read what `save` wrote into a bundle.

        Raises:
            InputError: a vocabulary or the tags are missing, or damaged.
        """
        found = {
            name: bundle.read_vocabulary(file)
            for name, file in FILES.items()
            if file in bundle.contents or name in NEEDED
        }
        normalization = bundle.read_config(TaggingConfig).normalization
        return cls(**found, tags=read_tags(bundle), normalization=normalization)

    def sizes(self) -> dict[str, int]:
        """The number of ids of each kind, as `pos_tagging.model.build_model` takes them."""
        return {
            "vocab_size": len(self.words),
            "num_characters": len(self.characters),
            "num_tags": len(self.tags),
            "num_shapes": len(self.shapes or ()),
            "num_affixes": len(self.affixes or ()),
            "num_vectors": len(self.vector_words or ()),
        }

    def knows(self, word: str) -> bool:
        """Whether a word has a vector."""
        word = normalize_word(word, self.normalization)
        given = self.vector_words
        return word in self.words or (given is not None and (word in given or word.lower() in given))

    def encode(self, words: Sequence[str]) -> dict[str, NDArray[np.int32]]:
        """Turn words into the ids of their features.

        Returns:
            `token_ids` (words,) and `spellings` (words, WORD_LENGTH); for a tagger that has them, `shape_ids` and
            `vector_ids` (words,) and `affix_ids` (words, NUM_AFFIXES). A word whose vector is not given as written
            has that of its lower case. An emoji that training never saw is read as an emoticon.
        """
        words = [normalize_word(word, self.normalization) for word in words]
        words = [EMOTICON if EMOJI.fullmatch(word) and word not in self.training_words else word for word in words]
        ids: dict[str, list[int] | list[list[int]]] = {
            "token_ids": self.words.encode(words),
            "spellings": [encode_word(word, self.characters) for word in words],
        }
        if self.shapes is not None:
            ids["shape_ids"] = self.shapes.encode(_shapes(words))
        if self.affixes is not None:
            ids["affix_ids"] = [self.affixes.encode(_affixes(word)) for word in words]
        if self.vector_words is not None:
            written = self.vector_words.encode(words)
            lowered = self.vector_words.encode(map(str.lower, words))
            ids["vector_ids"] = [low if own == UNK_ID else own for own, low in zip(written, lowered, strict=True)]
        return {name: np.array(values, np.int32) for name, values in ids.items()}


def normal_words(token_lists: Sequence[Sequence[str]], steps: str) -> list[list[str]]:
    """Normalize the words of sentences; see `common.text.normalization`."""
    return [[normalize_word(word, steps) for word in tokens] for tokens in token_lists]


def read_tags(bundle: Bundle) -> list[str]:
    """Read the tags of a bundle: each once and in order, as `Lexicon.build` makes them.

    Raises:
        InputError: they are missing, damaged, or in another order.
    """
    file = bundle.path / TAGS_FILE
    tags = read_json(bundle.read_bytes(TAGS_FILE), str(file))
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag.isprintable() and tag for tag in tags):
        raise InputError(f"{file}: holds no list of tags; take the bundle from its source again")
    if tags != sorted(set(tags)):
        raise InputError(f"{file}: its tags are not in order, each once; take the bundle from its source again")
    return tags


def encode_word(word: str, characters: Vocabulary) -> list[int]:
    """Turn a word into `WORD_LENGTH` character ids: begin mark, characters, end mark, padding.

    Of a longer word the two ends stay, where the affixes are.

    >>> encode_word("ab", Vocabulary("abc"))[:5]
    [2, 4, 5, 3, 0]
    """
    ids = characters.encode(word)
    room = WORD_LENGTH - 2
    if len(ids) > room:
        ids = ids[: room // 2] + ids[-(room // 2) :]
    return [BOS_ID, *ids, EOS_ID] + [PAD_ID] * (room - len(ids))


def _common_affixes(token_lists: Iterable[Iterable[str]]) -> Vocabulary:
    """The beginnings and endings that two words or more have."""
    words = {word.lower() for words in token_lists for word in words}
    return Vocabulary.build((sorted(set(_affixes(word))) for word in words), min_count=2)


def _affixes(word: str) -> list[str]:
    """The beginnings and endings of a word, in lower case; a shorter word stands for a missing one.

    >>> _affixes("Going")
    ['g-', 'go-', 'goi-', 'goin-', '-g', '-ng', '-ing', '-oing']
    """
    word = word.lower()
    return [f"{word[:length]}-" for length in AFFIX_LENGTHS] + [f"-{word[-length:]}" for length in AFFIX_LENGTHS]


def _shapes(words: Iterable[str]) -> list[str]:
    """The shapes of words: X for a capital, x for another letter, d for a digit; of a row of one kind at most four.

    >>> _shapes(["iPhone", "B2B", "international"])
    ['xXxxxx', 'XdX', 'xxxx']
    """
    shape_of = start_spacy().lang.lex_attrs.word_shape  # only where there are words to read
    return [shape_of(word) for word in words]
