"""The tagger that a practitioner would try first: a linear-chain conditional random field over hand-made features.

    python -m benchmarks.crf --train train.conllu.gz --test test.conllu.gz

It is no part of the project; `pip install -r requirements-bench.txt` brings python-crfsuite. The features of a word are
itself, its beginnings and endings, its shape, and the words beside it (Ratnaparkhi 1996, "A Maximum Entropy Model for
Part-of-Speech Tagging"). Printed are the scores that `pos_tagging.evaluate` prints, the minutes of training, and how
many words a second are tagged on one core, features included.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common.cli.flags import add_overrides, make_parser, override
from common.cli.run import run_command
from common.errors import InputError
from pos_tagging.config import TaggingConfig
from pos_tagging.evaluate import tagging_scores
from pos_tagging.loader import load_sentences
from pos_tagging.sentences import Sentence

PENALTIES = {"c1": 0.1, "c2": 0.01, "max_iterations": 100}  # of absolute and of squared weights
COLUMNS = ("tag_column", "tokens_column", "tags_column")


def features(words: Sequence[str]) -> list[list[str]]:
    """Name what each word of a sentence shows.

    >>> features(["Ted", "ran"])[1][:4]
    ['w=ran', 'l=ran', 'p1=r', 's1=n']
    """
    lowered = ["<s>", "<s>", *(word.lower() for word in words), "</s>", "</s>"]
    return [[*_of_word(word), *_of_neighbors(lowered[i : i + 5])] for i, word in enumerate(words)]


def _of_word(word: str) -> Iterator[str]:
    lowered = word.lower()
    yield from (f"w={word}", f"l={lowered}")
    for length in range(1, min(4, len(word)) + 1):
        yield from (f"p{length}={lowered[:length]}", f"s{length}={lowered[-length:]}")
    for name, there in (
        ("digit", any(letter.isdigit() for letter in word)),
        ("hyphen", "-" in word),
        ("capital", word[0].isupper()),
        ("capitals", word.isupper()),
        ("letters", word.isalpha()),
    ):
        if there:
            yield name


def _of_neighbors(window: Sequence[str]) -> Iterator[str]:
    two_before, before, word, after, two_after = window
    yield from (f"-2={two_before}", f"-1={before}", f"+1={after}", f"+2={two_after}")
    yield from (f"-1,0={before} {word}", f"0,+1={word} {after}", f"s-1={before[-3:]}", f"s+1={after[-3:]}")


def train_crf(crfsuite: Any, sentences: Sequence[Sentence], path: Path) -> Path:
    """Train on sentences, and write the model to a file; returns its path.

    Args:
        crfsuite: the module `pycrfsuite`.
        sentences: with their tags.
        path: of the file.
    """
    trainer = crfsuite.Trainer(verbose=False)
    trainer.set_params(PENALTIES)
    for sentence in sentences:
        trainer.append(features(sentence.tokens), sentence.tags)
    trainer.train(str(path))
    return path


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("benchmarks.crf", __doc__)
    for name in ("train", "test"):
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="FILE", help=f"sentences to {name} on")
    add_overrides(parser, TaggingConfig, COLUMNS, otherwise="of the files")
    arguments = parser.parse_args(argv)
    config = override(TaggingConfig(), arguments)
    try:
        import pycrfsuite
    except ModuleNotFoundError:
        raise InputError("python-crfsuite is missing; pip install -r requirements-bench.txt") from None

    train, test = (load_sentences(path, config) for path in (arguments.train, arguments.test))
    start = time.monotonic()
    with TemporaryDirectory() as folder:
        model = train_crf(pycrfsuite, train, Path(folder) / "model")
        minutes = (time.monotonic() - start) / 60
        tagger = pycrfsuite.Tagger()
        tagger.open(str(model))
        start = time.monotonic()
        answers = [tagger.tag(features(sentence.tokens)) for sentence in test]
        seconds = time.monotonic() - start
        tagger.close()
    known = {token for sentence in train for token in sentence.tokens}
    for name, score in tagging_scores(test, answers, known).items():
        print(f"{name:30} {score:.4f}")
    num_words = sum(len(sentence.tokens) for sentence in test)
    print(f"{minutes:.1f} minutes of training, {num_words / seconds:,.0f} words a second")


if __name__ == "__main__":
    run_command(main)
