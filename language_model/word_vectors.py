"""Make word vectors from plain text, by counting what stands before a word and what after it.

python -m language_model.word_vectors --train reviews.csv --text-column review --output vectors.txt.gz

They are for `--word-vectors-from` of the other tasks. Words of one class have similar vectors, so a tagger knows
something of words that its own training data lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from common.cli.options import check_file, open_output, paths_read
from common.errors import run_command, show
from common.output import check_file_place
from common.settings import add_settings, make_parser, read_settings
from common.text.token_cache import CACHE_HELP
from language_model.config import WordVectorConfig


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("language_model.word_vectors", __doc__, CACHE_HELP)
    parser.add_argument("--train", type=Path, required=True, metavar="FILE", help="the text")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="a word and its numbers a line; .gz is compressed"
    )
    add_settings(parser, WordVectorConfig)
    arguments = parser.parse_args(argv)
    config = read_settings(arguments, WordVectorConfig)
    check_file(arguments.train)
    check_file_place(arguments.output, paths_read(arguments))

    from common.text.vector_files import write_word_vectors
    from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary
    from common.text.word_vectors import place_vectors
    from language_model.loader import load_texts, split_tokens

    with open_output(arguments.output) as file:
        texts = split_tokens(load_texts(arguments.train, config), config)
        vocabulary = Vocabulary.build(texts, config.max_vocab_size, config.min_count, config.lowercase)
        ids = [vocabulary.encode(tokens) for tokens in texts]
        vectors = place_vectors(ids, len(vocabulary), config.dim, config.window, seed=config.seed)
        write_word_vectors(file, vocabulary, vectors)
    show(f"{len(vocabulary) - len(SPECIAL_TOKENS):,} words, {config.dim} numbers each, in {arguments.output}")


if __name__ == "__main__":
    run_command(main)
