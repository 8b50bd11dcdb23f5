"""The commands of the tagging task: options in, one call, lines out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pos_tagging
from common.cli.answers import (
    OwnColumns,
    answer_asked,
    choose_format,
    not_answered,
    numbered,
    open_joined,
)
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
from common.cli.stream import answer_all, ask, open_output, open_texts
from common.errors import excerpt, show
from common.evaluation.metrics import format_score
from common.progress import say
from common.text.asked import Asked
from common.text.readers import BadRow, file_kind
from pos_tagging.config import DEFAULT_NAME, TASK, TaggingConfig
from pos_tagging.conllu import ConlluSentence, read_conllu
from pos_tagging.formats import HTML_HEAD, WRITERS, write_conllu
from pos_tagging.sentences import TaggedText

if TYPE_CHECKING:
    from pos_tagging.predict import Tagger

PRESETS = Path(__file__).parent / "presets"
FORMATS = (*WRITERS, "csv", "json", "xlsx", "parquet")
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
        help="auto: fine-tune the pretrained tagger where that suits the sentences; or name or folder of a tagger, "
        "whose tags may be others (default: auto)",
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
    add_overrides(
        parser, TaggingConfig, ("tokens_column", "tags_column", "skip_bad_rows", "encoding", "header", "num_beams")
    )
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
        "Tag texts, or the sentences of a CoNLL-U file.\n\n"
        'python -m pos_tagging.predict "They refuse to permit us to obtain the refuse permit."\n'
        "python -m pos_tagging.predict --input letter.txt --format conllu --output letter.conllu",
    )
    add_model_argument(parser, TASK, DEFAULT_NAME)
    add_text_arguments(parser, FORMATS)
    add_overrides(parser, TaggingConfig, ("num_beams",))
    parser.add_argument("--probabilities", action="store_true", help="also the probability of each tag")
    arguments = parser.parse_args(argv)
    has_tokens = arguments.input is not None and file_kind(arguments.input) == ".conllu"
    if not has_tokens:
        predict_texts(arguments)
        return
    items = open_texts(arguments, _given_sentences(arguments.input))
    arguments.format = arguments.format or "text"
    with open_output(arguments.output, arguments.format == "text") as output:
        tagger = pos_tagging.load(arguments.model, arguments.engine, arguments.threads)
        tagger = tagger.with_settings(override(tagger.config, arguments))
        tag = partial(_tag_sentences, tagger, arguments.probabilities)
        how_many: dict[str, Any] = {"at_once": SENTENCES_READ, "size": ConlluSentence.num_characters}
        write = WRITERS[arguments.format]
        if arguments.format == "conllu":
            write = partial(write_conllu, tag_column=tagger.config.tag_column)
        if arguments.format == "html":
            output.write(HTML_HEAD)
        for place, item, answer in answer_all(arguments, tag, items, **how_many):
            _warn_of_unknown(tagger, place, item, answer)
            output.write(write(answer, place))
            output.flush()


def predict_texts(arguments: argparse.Namespace) -> None:
    """Tag texts: joined with the rows of a table, or in a format of tagged sentences."""
    texts = ask(arguments)
    name, is_table = choose_format(arguments, texts, FORMATS)
    with ExitStack() as stack:
        write: Callable[[Asked, Any], Any]
        options: dict[str, Any] = {}
        if is_table:
            write = stack.enter_context(open_joined(arguments, name, texts, own_columns(arguments.probabilities)))
        else:
            output = stack.enter_context(open_output(arguments.output, name == "text"))
            write = partial(write_sentences, arguments, name, output, options)
        tagger = pos_tagging.load(arguments.model, arguments.engine, arguments.threads)
        tagger = tagger.with_settings(override(tagger.config, arguments))
        if name == "conllu":
            options["tag_column"] = tagger.config.tag_column
        if name == "html":
            output.write(HTML_HEAD)
        for asked, answer in answer_asked(arguments, partial(tagger.tag, probabilities=arguments.probabilities), texts):
            if answer is not None and asked.text is not None:
                _warn_of_unknown(tagger, asked.place, asked.text, answer)
            write(asked, answer)


def write_sentences(
    arguments: argparse.Namespace,
    name: str,
    output: IO[str],
    options: dict[str, Any],
    asked: Asked,
    answer: TaggedText | None,
) -> None:
    """Write the sentences of a text in a format of tagged sentences; for people also that there is no answer."""
    if answer is None:
        if name == "text":
            output.write(numbered(asked, not_answered(asked), arguments) + "\n")
        elif name == "jsonl":
            output.write(json.dumps({"place": asked.place, "text": "", "note": asked.problem}) + "\n")
    else:
        written = WRITERS[name](answer, asked.place, **options)
        if name == "text" and arguments.line_numbers:
            written = "".join(f"{numbered(asked, line, arguments)}\n" for line in written.splitlines())
        output.write(written)
    output.flush()


def own_columns(probabilities: bool) -> OwnColumns:
    """What a tagger says of a text, as columns: tokens and tags of all its sentences, which JSON has as lists."""

    names = ("tokens", "tags", *(["probabilities"] if probabilities else []))
    return OwnColumns(dict.fromkeys(names, ""), lambda _, answer: answer.columns())


def _given_sentences(path: Path) -> Iterator[tuple[str, ConlluSentence] | BadRow]:
    """The sentences of a CoNLL-U file, each with its place."""
    items = read_conllu(path, tagged=False)
    return (item if isinstance(item, BadRow) else (item.place, item) for item in items)


def _tag_sentences(tagger: Tagger, probabilities: bool, sentences: Sequence[ConlluSentence]) -> list[TaggedText]:
    """Tag sentences whose words are given, each as a text of its own."""
    return [TaggedText([answer]) for answer in tagger.tag_sentences(sentences, probabilities)]


def _warn_of_unknown(tagger: Tagger, place: str, item: str | ConlluSentence, answer: TaggedText) -> None:
    """Tell of a text none of whose words the model knows."""
    words = [token for sentence in answer for token in sentence.tokens]
    if words and not any(word in tagger.lexicon.words for word in words):
        text = item if isinstance(item, str) else item.text()
        say(f"{place}: the model knows none of the words in {excerpt(text)}; it goes by their spelling")
