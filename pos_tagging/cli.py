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
    check_columns,
    choose_format,
    not_answered,
    numbered,
    open_joined,
)
from common.cli.explanations import add_explain_arguments, run_explain
from common.cli.flags import OneLineParser, add_overrides, add_settings, advanced, make_parser, override, read_settings
from common.cli.options import (
    add_evaluate_arguments,
    add_model_argument,
    add_text_arguments,
    add_train_arguments,
    check_train_arguments,
    claim_for_scores,
    tracked,
    train_options,
)
from common.cli.processes import start_backend
from common.cli.scores import show_scores
from common.cli.stream import answer_all, ask, is_interactive, open_output, open_texts
from common.errors import InputError, show
from common.evaluation.metrics import format_score
from common.text.asked import Asked, Texts
from common.text.binary_tables import is_saved_dataset
from common.text.readers import BadRow
from common.text.remarks import Remarks
from common.text.sources import Source
from common.text.tables import file_kind
from interpretability.config import AttributionConfig, FaithfulnessConfig
from interpretability.explanation import html_page
from pos_tagging.config import DEFAULT_NAME, TASK, TaggingConfig
from pos_tagging.conllu import BadSentence, ConlluSentence
from pos_tagging.formats import HTML_HEAD, WRITERS
from pos_tagging.recognition import INPUT_FORMATS
from pos_tagging.sentences import Sentence, TaggedText
from pos_tagging.word_files import SAME, Unread, Words, keeps_file, make_writer, open_words

if TYPE_CHECKING:
    from pos_tagging.predict import Tagger

INPUTS = ("word_vectors_from",)
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
    add_inputs(parser)
    add_settings(parser, TaggingConfig, PRESETS)
    arguments = parser.parse_args(argv)
    config = read_settings(arguments, TaggingConfig)
    check_train_arguments(arguments)
    start_backend(arguments, TASK, argv)
    options = train_options(arguments, *INPUTS)
    with tracked(arguments, TASK, config) as on_epoch:
        result = pos_tagging.train(arguments.train, arguments.output_dir, config, on_epoch, **options)
    shown = ", ".join(f"{name} {format_score(name, result.scores)}" for name in ("accuracy", "accuracy_unknown"))
    show(f"validation: {shown}; bundle in {result.path}")
    if result.verdict:
        show(result.verdict.sentence)


def add_inputs(parser: OneLineParser) -> None:
    """Add the options for what a tagger learns from beside the data that all tasks have, `INPUTS`."""
    advanced(
        parser.add_argument(
            "--word-vectors-from",
            type=Path,
            metavar="PATH",
            help="frozen word vectors: a text file of GloVe, word2vec or fastText, a bundle, or a spaCy package",
        )
    )


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
        parser,
        TaggingConfig,
        (
            "input_format", "tag_column", "tokens_column", "tags_column", "skip_bad_rows", "encoding", "header",
            "num_beams",
        ),
    )  # fmt: skip
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
    add_text_arguments(parser, (*FORMATS, SAME))
    parser.add_argument(
        "--input-format",
        choices=INPUT_FORMATS,
        default="auto",
        metavar="NAME",
        help=f"of --input: {', '.join(INPUT_FORMATS[1:])} (default: by its content)",
    )
    add_overrides(parser, TaggingConfig, ("num_beams", "tag_column", "tokens_column", "tags_column"))
    parser.add_argument("--probabilities", action="store_true", help="also the probability of each tag")
    arguments = parser.parse_args(argv)
    with ExitStack() as stack:
        words = _open_words(arguments, stack)
        if words is None or words.format.name == "text":
            predict_texts(arguments, stack, words.source if words else None)
        else:
            predict_words(arguments, stack, words)


def explain(argv: Sequence[str] | None = None) -> None:
    """`python -m pos_tagging.explain`"""
    parser = make_parser(
        "pos_tagging.explain",
        "Explain the tag of a word: attribute its log-probability to the words around it, or to its letters.\n\n"
        'python -m pos_tagging.explain --word 10 "They refuse to permit us to obtain the refuse permit."\n'
        'python -m pos_tagging.explain --word blorfing --letters "She was blorfing all day."',
    )
    add_model_argument(parser, TASK, DEFAULT_NAME)
    parser.add_argument(
        "--word", metavar="WORD", help="number of the word, from 1, or the word (default: the least certain one)"
    )
    parser.add_argument("--tag", metavar="TAG", help="tag that is explained (default: the one that the word gets)")
    parser.add_argument("--letters", action="store_true", help="weigh the letters of the word, not the words around it")
    add_explain_arguments(parser, AttributionConfig, FaithfulnessConfig)
    arguments = parser.parse_args(argv)
    config, measured = override(AttributionConfig(), arguments), override(FaithfulnessConfig(), arguments)
    config.validate()
    for option in ("word", "tag"):
        if arguments.faithfulness and getattr(arguments, option) is not None:
            raise InputError(f"--{option}: --faithfulness takes random words and their tags; leave it out")

    def load() -> Tagger:
        return pos_tagging.load(arguments.model, arguments.engine, arguments.threads)

    run_explain(
        arguments,
        (AttributionConfig, FaithfulnessConfig),
        lambda: _ask_plain(arguments),
        lambda: pos_tagging.make_explainer(load(), arguments.word, arguments.tag, arguments.letters, config),
        lambda: pos_tagging.measure_faithfulness(load(), arguments.input, arguments.letters, measured),
        partial(html_page, facts={"model": f"{Path(arguments.model).name} ({TASK})"}),
    )


def _ask_plain(arguments: argparse.Namespace) -> Texts:
    """The texts of a command that takes no words.

    Raises:
        InputError: the input is a file of words.
    """
    if arguments.input and file_kind(arguments.input) == ".conllu":
        raise InputError(f"{arguments.input}: a file of words, wanted texts; give the text of a sentence")
    return ask(arguments)


def predict_words(arguments: argparse.Namespace, stack: ExitStack, words: Words) -> None:
    """Tag the sentences of a file of words."""
    name = arguments.format or "text"
    if name not in (*WRITERS, SAME):
        raise InputError(
            f"--format {name}: for texts in a table; the words of {words.name} go into conllu, tsv or jsonl"
        )
    check_columns(arguments, is_table=False)
    is_kept = keeps_file(name, words.format)
    items = open_texts(arguments, _given_sentences(words, is_kept, arguments.strict))
    errors = "surrogateescape" if is_kept else "replace"
    output = stack.enter_context(open_output(arguments.output, name == "text", errors=errors))
    tagger = _load(arguments)
    write = make_writer(name, tagger.config, words.format)
    tag = partial(_tag_sentences, tagger, arguments.probabilities)
    if name == "html":
        output.write(HTML_HEAD)
    unread, remarks = Unread(), Remarks()
    for place, item, answer in answer_all(arguments, tag, items, SENTENCES_READ, _size):
        unread.count(item)
        remarks.add(place, answer.remark)
        output.write(write(answer, place, item))
        output.flush()
    unread.conclude()


def _load(arguments: argparse.Namespace) -> Tagger:
    """The tagger of a command, under the settings that the command gives."""
    tagger = pos_tagging.load(arguments.model, arguments.engine, arguments.threads)
    return tagger.with_settings(override(tagger.config, arguments))


def _open_words(arguments: argparse.Namespace, stack: ExitStack) -> Words | None:
    """The opened input and its format; None: texts of the command line or of somebody who types."""
    path = arguments.input
    if arguments.texts or is_interactive(arguments) or (path is not None and is_saved_dataset(path)):
        return None
    columns = override(TaggingConfig(), arguments).columns()
    given = "text" if arguments.text_column and arguments.input_format == "auto" else arguments.input_format
    return stack.enter_context(open_words(path, columns, given, arguments.encoding))


def predict_texts(arguments: argparse.Namespace, stack: ExitStack, source: Source | None) -> None:
    """Tag texts: joined with the rows of a table, or in a format of tagged sentences."""
    texts = ask(arguments, source=source)
    name, is_table = choose_format(arguments, texts, (*FORMATS, SAME))
    if name == SAME:
        keeps_file(name, None)
    write: Callable[[Asked, Any], Any]
    if is_table:
        write = stack.enter_context(open_joined(arguments, name, texts, own_columns(arguments.probabilities)))
    else:
        output = stack.enter_context(open_output(arguments.output, name == "text"))
    tagger, remarks = _load(arguments), Remarks()
    if not is_table:
        written = make_writer(name, tagger.config, None)
        write = partial(write_sentences, arguments, name, output, written)
        output.write(HTML_HEAD if name == "html" else "")
    for asked, answer in answer_asked(arguments, partial(tagger.tag, probabilities=arguments.probabilities), texts):
        if answer is not None and asked.text is not None:
            remarks.add(asked.place, answer.remark)
        write(asked, answer)


def write_sentences(
    arguments: argparse.Namespace,
    name: str,
    output: IO[str],
    write: Callable[[TaggedText, str, Any], str],
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
        written = write(answer, asked.place, asked.text)
        if name == "text" and arguments.line_numbers:
            written = "".join(f"{numbered(asked, line, arguments)}\n" for line in written.splitlines())
        output.write(written)
    output.flush()


def own_columns(probabilities: bool) -> OwnColumns:
    """What a tagger says of a text, as columns: tokens and tags of all its sentences, which JSON has as lists."""

    names = ("tokens", "tags", *(["probabilities"] if probabilities else []))
    return OwnColumns(dict.fromkeys(names, ""), lambda _, answer: answer.columns())


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
