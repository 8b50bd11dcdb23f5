"""How a tagger reads texts: the sentences, the arrays and the steps, for those who look at its hidden states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.bundles.bundle import Bundle
from common.networks import layer_names
from pos_tagging.loader import BatchMaker
from pos_tagging.predict import Tagger
from pos_tagging.sentences import Sentence


class TextReader:
    """An `interpretability.reading.TextReader` of a tagger."""

    level = "word"
    embedding = layer_names.EMBEDDING

    def __init__(self, bundle: Bundle) -> None:
        self.tagger = Tagger.from_bundle(bundle)
        self.vocabulary = self.tagger.lexicon.words

    def split(self, text: str) -> list[list[str]]:
        """The words of each sentence of a text; every sentence is read by itself."""
        return [list(sentence.tokens) for sentence in self.tagger.split([text])[0]]

    def encode(self, token_lists: Sequence[Sequence[str]]) -> dict[str, NDArray]:
        """The inputs of the network, right-padded; what is fed with tags gets those that it has chosen."""
        lexicon, config = self.tagger.lexicon, self.tagger.config
        if config.architecture == "previous-tag":
            answers = self.tagger.tag_tokens(token_lists)
            sentences = [Sentence(tokens, answer.tags) for tokens, answer in zip(token_lists, answers, strict=True)]
        else:
            sentences = [Sentence(tokens) for tokens in token_lists]
        inputs, _, _ = BatchMaker(sentences, lexicon, config, training=False)(np.arange(len(sentences)), None)
        return inputs

    def steps(self, num_tokens: int) -> NDArray[np.intp]:
        """The step at which each word is read, (words,)."""
        return np.arange(num_tokens)
