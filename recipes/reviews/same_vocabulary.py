"""Compare a model of written words with one of lower-case words: over the words that both know.

    python -m recipes.reviews.same_vocabulary --written DIR --lowercase DIR --texts reviews.test.csv

The probability of a lower-case word is the sum over its written forms, `The` and `the`; words that one of them lacks
count as one, `<unk>`. So neither gains by words that it need not predict.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.cli.run import run_command
from common.errors import show
from common.evaluation.metrics import perplexity
from common.text.vocabulary import BOS_ID, Vocabulary
from language_model.loader import encode_text, load_texts, split_tokens
from language_model.predict import LanguageModel, load
from language_model.word_classes import class_nats, classes_of, words_of


def compare(written: LanguageModel, lowercase: LanguageModel, texts: Sequence[str]) -> tuple[float, float, int]:
    """The perplexities of both models over the words that both know, in small letters, and how many words these are.

    The state is carried from text to text.
    """
    forms = {word.lower() for word in words_of(written.vocabulary)}
    common = Vocabulary([word for word in words_of(lowercase.vocabulary) if word in forms])
    nats = [folded_nats(model, texts, common) for model in (written, lowercase)]
    ours, theirs = (perplexity(each.sum(), len(each)) for each in nats)
    return ours, theirs, len(common)


def folded_nats(model: LanguageModel, texts: Sequence[str], common: Vocabulary) -> NDArray[np.float64]:
    """-log of the summed probability of all forms of each word of `common`; the other words are one, `<unk>`."""
    tokens = split_tokens(texts, model.config)
    stream = [number for row in tokens for number in encode_text(row, model.vocabulary)]
    small = [[word.lower() for word in row] for row in tokens]
    targets = np.array([number for row in small for number in encode_text(row, common)])[1:]
    classes = classes_of([word.lower() for word in words_of(model.vocabulary)], common)
    [nats] = class_nats(model, [stream], [targets], classes)
    return nats[targets != BOS_ID]  # the beginnings of texts are not predicted


def main(argv: Sequence[str] | None = None) -> None:
    """Print both perplexities."""
    parser = argparse.ArgumentParser("python -m recipes.reviews.same_vocabulary", description=__doc__)
    parser.add_argument("--written", type=Path, required=True, metavar="DIR", help="model of words as they are written")
    parser.add_argument("--lowercase", type=Path, required=True, metavar="DIR", help="model of lower-case words")
    parser.add_argument("--texts", type=Path, required=True, metavar="FILE", help="to score")
    arguments = parser.parse_args(argv)
    written, lowercase = load(arguments.written), load(arguments.lowercase)
    ours, theirs, size = compare(written, lowercase, load_texts(arguments.texts, written.config))
    show(f"{size:,} words: written {ours:.2f}, lower-case {theirs:.2f}, {ours / theirs - 1:+.1%}")


if __name__ == "__main__":
    run_command(main)
