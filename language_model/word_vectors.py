"""Word vectors from co-occurrence counts, for `--word-vectors-from` of the other tasks.

    python -m language_model.word_vectors --train reviews.csv --text-column review --output vectors.txt.gz

Places before a word and after it are counted apart. Words of one class have similar vectors, so a tagger generalizes to
words that its own training data lacks.
"""

from __future__ import annotations

from common.cli.run import run_command
from language_model import cli

if __name__ == "__main__":
    run_command(cli.word_vectors)

import numpy as np

from common.text.data import Data
from common.text.vocabulary import Vocabulary
from common.text.word_vectors import place_vectors
from language_model.config import WordVectorConfig
from language_model.loader import load_texts, split_tokens


def build_word_vectors(data: Data, config: WordVectorConfig | None = None) -> tuple[Vocabulary, np.ndarray]:
    """Make a vector for each word of some texts.

    Args:
        data: the texts: a file, a DataFrame or a list.
        config: the settings; None takes the defaults.
    Returns:
        The vocabulary, and float32 (words, config.dim).
    Raises:
        InputError: what is wrong with the data or the settings.
    """
    config = config or WordVectorConfig()
    config.validate()
    texts = split_tokens(load_texts(data, config), config)
    vocabulary = Vocabulary.build(texts, config.max_vocab_size, config.min_count, config.lowercase)
    ids = [vocabulary.encode(tokens) for tokens in texts]
    return vocabulary, place_vectors(ids, len(vocabulary), config.dim, config.window, seed=config.seed)
