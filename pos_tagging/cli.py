"""The commands of the tagging task: options in, one call, lines out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pos_tagging
from common.cli.flags import add_overrides, add_settings, advanced, make_parser, override, read_settings
from common.cli.options import (
    add_evaluate_arguments,
    add_model_argument,
    add_text_arguments,
    add_train_arguments,
    check_train_arguments,
    claim_for_scores,
    train_options,
)
from common.cli.scores import show_scores
from common.cli.stream import answer_all, is_interactive, open_output, open_texts
from common.errors import excerpt, show
from common.evaluation.metrics import format_score
from common.progress import say
from common.text.readers import BadRow, read_texts
from common.text.remarks import Remarks
from pos_tagging.config import DEFAULT_NAME, TASK, TaggingConfig
from pos_tagging.conllu import BadSentence, ConlluSentence
from pos_tagging.formats import HTML_HEAD, WRITERS
from pos_tagging.recognition import INPUT_FORMATS
from pos_tagging.sentences import Sentence, TaggedText
from pos_tagging.word_files import SAME, Unread, Words, is_table, keeps_file, make_writer, open_words

if TYPE_CHECKING:
    from pos_tagging.predict import Tagger

PRESETS = Path(__file__).parent / "presets"
SENTENCES_READ = 4096  # at a time, of a CoNLL-U file, so that those of one length can be tagged together


def train(argv: Sequence[str] | None = None) -> None:
    """`python -m pos_tagging.train`"""
    parser = make_parser(
        "pos_tagging.train",
        "Train a tagger on sentences with tags.\n\n"
        "python -m pos_tagging.train --train pos_tagging/dataset/train.conllu --output-dir runs/pos_tagging",
    )
    add_train_arguments(parser)
    parser.add_argument(
        "--start",
        default="auto",
        metavar="auto|scratch|MODEL",
        help="fine-tune: auto where it suits, or a model's name or folder (default: auto)",
    )
    advanced(
        parser.add_argument(
            "--word-vectors-from",
            type=Path,
            metavar="PATH",
            help="frozen word vectors: a text file of GloVe, word2vec or fastText, a bundle, or a spaCy package",
        )
    )
    add_settings(parser, TaggingConfig, PRESETS)
    arguments = parser.parse_args(argv)
    config = read_settings(arguments, TaggingConfig)
    check_train_arguments(arguments)
    options = train_options(arguments, "word_vectors_from", "start")
    result = pos_tagging.train(arguments.train, arguments.output_dir, config, **options)
    shown = ", ".join(f"{name} {format_score(name, result.scores)}" for name in ("accuracy", "accuracy_unknown"))
    show(f"validation: {shown}; bundle in {result.path}")
    if result.verdict:
        show(result.verdict.sentence)


def evaluate(argv: Sequence[str] | None = None) -> None:
    """`python -m pos_tagging.evaluate`"""
    parser = make_parser(
        "pos_tagging.evaluate",
        "Evaluate a tagger on a test file, beside the most-frequent-tag baseline and a trigram HMM.\n\n"
        "python -m pos_tagging.evaluate --model example_model/pos_tagging --test pos_tagging/dataset/test.conllu \\\n"
        "    --train pos_tagging/dataset/train.conllu --report runs/report",
    )
    add_evaluate_arguments(parser, TASK, DEFAULT_NAME)
    parser.add_argument(
        "--raw", action="store_true", help="also score raw text, in which sentences and words are to be found"
    )
    add_overrides(parser, TaggingConfig, ("input_format", "tag_column", "tokens_column", "tags_column", "num_beams"))
    arguments = parser.parse_args(argv)
    with claim_for_scores(arguments):
        model = pos_tagging.load(arguments.model, arguments.engine, arguments.threads)
        scores = pos_tagging.evaluate(
            model.with_settings(override(model.config, arguments)),
            arguments.test,
            train=arguments.train,
            raw=arguments.raw,
            num_threads=arguments.threads,
        )
        show_scores(parser, arguments, TASK, model.config, scores)


def predict(argv: Sequence[str] | None = None) -> None:
    """`python -m pos_tagging.predict`"""
    parser = make_parser(
        "pos_tagging.predict",
        "Tag texts, or the words of a CoNLL-U file or another one with a word a line.\n\n"
        'python -m pos_tagging.predict "They refuse to permit us to obtain the refuse permit."\n'
        "python -m pos_tagging.predict --input letter.txt --format conllu --output letter.conllu",
    )
    add_model_argument(parser, TASK, DEFAULT_NAME)
    add_text_arguments(parser, (*WRITERS, SAME))
    parser.add_argument(
        "--input-format",
        choices=INPUT_FORMATS,
        default="auto",
        metavar="NAME",
        help=f"of --input: {', '.join(INPUT_FORMATS[1:])} (default: by its content)",
    )
    parser.add_argument("--text-column", default="text", help="column of the text in --input (default: text)")
    add_overrides(parser, TaggingConfig, ("num_beams", "tag_column", "tokens_column", "tags_column"))
    parser.add_argument("--probabilities", action="store_true", help="also the probability of each tag")
    arguments = parser.parse_args(argv)
    with ExitStack() as stack:
        words = _open_words(arguments, stack)
        is_kept = keeps_file(arguments.format, words.format if words else None)
        items = open_texts(arguments, _given_items(arguments, words, is_kept))
        errors = "surrogateescape" if is_kept else "replace"
        output = stack.enter_context(open_output(arguments.output, arguments.format == "text", errors))
        tagger = pos_tagging.load(arguments.model, arguments.engine, arguments.threads)
        tagger = tagger.with_settings(override(tagger.config, arguments))
        write = make_writer(arguments.format, tagger.config, words.format if words else None)
        tag: Callable[[list[Any]], list[TaggedText]] = partial(tagger.tag, probabilities=arguments.probabilities)
        how_many: dict[str, Any] = {}
        if words and words.format.name != "text":
            tag = partial(_tag_sentences, tagger, arguments.probabilities)
            how_many = {"at_once": SENTENCES_READ, "size": _size}
        if arguments.format == "html":
            output.write(HTML_HEAD)
        unread, remarks = Unread(), Remarks()
        for place, item, answer in answer_all(arguments, tag, items, **how_many):
            unread.count(item)
            _warn_of_unknown(tagger, place, item, answer, remarks)
            output.write(write(answer, place, item))
            output.flush()
        unread.conclude()


def _open_words(arguments: argparse.Namespace, stack: ExitStack) -> Words | None:
    """The opened input and its format; None: texts of the command line or of somebody who types, or a table."""
    path, given = arguments.input, arguments.input_format
    if arguments.texts or is_interactive(arguments) or (path is None and sys.stdin is None):
        return None
    settings = override(TaggingConfig(), arguments)
    if path is not None and given == "auto" and is_table(path, settings.columns(), arguments.text_column):
        return None
    return stack.enter_context(open_words(path, settings.columns(), given))


def _given_items(arguments: argparse.Namespace, words: Words | None, is_kept: bool) -> Iterable[Any] | None:
    """What is read of an opened input, each with its place; None: `open_texts` knows."""
    if words is None:
        return None
    if words.format.name == "text":
        return read_texts(arguments.input, arguments.text_column, words.file)
    return _given_sentences(words, is_kept, arguments.strict)


def _given_sentences(words: Words, is_kept: bool, strict: bool) -> Iterator[tuple[str, Any] | BadRow]:
    """Sentences with their places; where the file is kept, those too that cannot be read."""
    for item in words.sentences(tagged=False, keep_lines=is_kept):
        if isinstance(item, BadSentence):
            yield (item.message, item) if is_kept and not strict else item
        elif item.tokens or is_kept:
            yield item.place, item


def _size(item: ConlluSentence | BadSentence) -> int:
    return 0 if isinstance(item, BadSentence) else item.num_characters()


def _tag_sentences(
    tagger: Tagger, probabilities: bool, items: Sequence[ConlluSentence | BadSentence]
) -> list[TaggedText]:
    """Tag sentences whose words are given, each as a text of its own; one that cannot be read has no tags."""
    sentences = [Sentence([]) if isinstance(item, BadSentence) else item for item in items]
    return [TaggedText([answer]) for answer in tagger.tag_sentences(sentences, probabilities)]


def _warn_of_unknown(
    tagger: Tagger, place: str, item: str | ConlluSentence, answer: TaggedText, remarks: Remarks
) -> None:
    """Tell of a text that the model can make little of."""
    words = [token for sentence in answer for token in sentence.tokens]
    if words and not any(word in tagger.lexicon.words for word in words):
        text = item if isinstance(item, str) else item.text()
        say(f"{place}: the model knows none of the words in {excerpt(text)}; it goes by their spelling")
    else:
        remarks.add(place, answer.remark)
