"""How a language model reads texts: the tokens, the arrays and the steps, for those who look at its hidden states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.bundles.bundle import Bundle
from common.bundles.file_names import VOCABULARY_FILE
from common.networks import layer_names
from common.text.batching import make_mask, pad
from common.text.vocabulary import BOS_ID, Vocabulary
from language_model.config import LanguageModelConfig
from language_model.loader import initial_states, split_text


class TextReader:
    """An `interpretability.reading.TextReader` of a language model."""

    embedding = layer_names.EMBEDDING

    def __init__(self, bundle: Bundle) -> None:
        self.config = bundle.read_config(LanguageModelConfig)
        self.vocabulary: Vocabulary = bundle.read_vocabulary(VOCABULARY_FILE)
        self.level = "character" if self.config.level == "character" else "word"

    def split(self, text: str) -> list[list[str]]:
        """The tokens of a text, which is read in one go."""
        return [split_text(text, self.config)]

    def encode(self, token_lists: Sequence[Sequence[str]]) -> dict[str, NDArray]:
        """The inputs of the network, right-padded; its states before the first token are zeros."""
        rows = [[BOS_ID, *self.vocabulary.encode(tokens)] for tokens in token_lists]
        mask = make_mask([len(row) for row in rows])
        return {"token_ids": pad(rows), "mask": mask, **initial_states(self.config, len(rows))}

    def steps(self, num_tokens: int) -> NDArray[np.intp]:
        """The step at which each token is read, (tokens,); step 0 reads the mark of the beginning."""
        return np.arange(1, num_tokens + 1)
