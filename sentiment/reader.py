"""How a rating model reads texts: the tokens, the arrays and the steps, for those who look at its hidden states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.bundles.bundle import Bundle
from common.bundles.file_names import VOCABULARY_FILE
from common.networks import layer_names
from common.text.batching import make_mask, pad
from common.text.normalization import normalize
from common.text.tokenization import load_pipeline, tokenize
from common.text.vocabulary import Vocabulary
from sentiment.agreement import read_settings
from sentiment.loader import encode_review, reading_order


class TextReader:
    """An `interpretability.reading.TextReader` of a rating model."""

    level = "word"
    embedding = layer_names.EMBEDDING

    def __init__(self, bundle: Bundle) -> None:
        self.config = read_settings(bundle)
        self.vocabulary: Vocabulary = bundle.read_vocabulary(VOCABULARY_FILE)

    def split(self, text: str) -> list[list[str]]:
        """The tokens that the network reads, in the order of the text; what is cut off is not among them."""
        tokens = tokenize(normalize(text, self.config.normalization), load_pipeline(self.config.language))
        return [[tokens[place] for place in sorted(reading_order(len(tokens), self.config))]]

    def encode(self, token_lists: Sequence[Sequence[str]]) -> dict[str, NDArray]:
        """The inputs of the network, right-padded."""
        rows = [encode_review(tokens, self.vocabulary, self.config) for tokens in token_lists]
        return {"token_ids": pad(rows), "mask": make_mask([len(row) for row in rows])}

    def steps(self, num_tokens: int) -> NDArray[np.intp]:
        """The step at which each token is read, (tokens,); step 0 reads the mark of the beginning."""
        return 1 + np.argsort(reading_order(num_tokens, self.config))
