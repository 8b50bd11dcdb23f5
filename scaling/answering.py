"""Answer one shard: rows in, one part out, and its sums. Nothing here knows who calls it, or how many do.

The part and its sums depend on the shard, the model and the settings alone: texts are put together in the same groups
in every run. The sums are written before the part, so that whoever finds a part finds its sums.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from common.cli.answers import BINARY, BY_FORM, Joined, short_reason, write_joined
from common.cli.stream import chunks
from common.errors import InputError
from common.text.asked import Asked, Texts
from pos_tagging.conllu import BadSentence, ConlluSentence
from pos_tagging.sentences import Sentence, TaggedText
from pos_tagging.word_files import SAME, Words, keeps_file, make_writer
from scaling.corpus_config import TABLES, CorpusConfig
from scaling.shards import Shard, open_shard, open_shard_texts, open_shard_words
from scaling.stores import Folder, Remote
from scaling.summaries import Notes, Sums, add_up
from scaling.verbs import Answerer, load

TEXTS_AT_ONCE = 2048  # the more, the less padding where texts are short
ABOUT = "_corpus"  # folder of the manifest and the sums, which readers of folders pass over
CHARACTERS = 1 << 20  # of texts that are answered together, so that memory is bounded


@dataclass(frozen=True)
class Work:
    """What is done with every shard: all that an answer depends on.

    Attributes:
        verb: "rate", "tag" or "score".
        model: the folder of the bundle.
        usual: names that the column of the text mostly has.
        config: settings.
        output: where the parts go.
    """

    verb: str
    model: str
    usual: tuple[str, ...]
    config: CorpusConfig
    output: str

    def load(self) -> Answerer:
        """Load the model, which answers on one thread."""
        return load(self.verb, Path(self.model), self.config)


def answer_shard(source: Shard, target: Folder | Remote, work: Work, model: Answerer) -> Sums:
    """Answer a shard, and write its part.

    Args:
        source: the shard.
        target: the place of the parts.
        work: what is done.
        model: of `work.load()`.
    Returns:
        The sums of the part; they lie in the target, too.
    Raises:
        InputError: the input cannot be read.
    """
    with open_shard(source) as opened:
        words = open_shard_words(opened, work.verb, work.config)
        if words is not None:
            form, ending = word_format(words, work.config)
            return _write_part(source, target, ending, lambda file: _tag_words(words, form, source, model, file))
        texts = open_shard_texts(opened, source.column, work.usual, work.config)
        form = table_format(texts, work.config)
        return _write_part(source, target, form, lambda file: _answer_texts(texts, form, source, model, file))


Fill = Callable[[IO[bytes]], Sums]


def _write_part(shard: Shard, target: Folder | Remote, ending: str, fill: Fill) -> Sums:
    """Write a part and, before it appears, its sums."""
    name = f"{shard.label}.{ending}"
    with target.write(name) as file:
        sums = fill(file)
        about = {"part": name, "bytes": file.tell(), "file": shard.name, "sums": sums}
        with target.write(f"{ABOUT}/{shard.label}.json") as summary:
            summary.write((json.dumps(about) + "\n").encode())
    return sums


@contextmanager
def _as_text(file: IO[bytes], errors: str = "replace") -> Iterator[IO[str]]:
    """A file of bytes as one of text; lone surrogates are replaced, or written as the bytes that they stand for."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors=errors, newline="", write_through=False)
    yield text
    text.detach()


# -- Texts: the rows of a table, or plain text ----------------------------------------------------------------------


def table_format(texts: Texts, config: CorpusConfig) -> str:
    """The format of a part of texts: as it was chosen, else that of the input; JSON lines of plain text."""
    if config.format == SAME:
        raise InputError(f"--format {SAME}: keeps files of words and tags, and this is none; choose another format")
    if config.format:
        return config.format
    form = BY_FORM.get(texts.table.form, "jsonl") if texts.table else "jsonl"
    if form == "csv" and texts.table is not None and texts.table.dialect.separator == "\t":
        return "tsv"
    return form if form in TABLES else {"json": "jsonl", "xlsx": "csv"}[form]


def _answer_texts(texts: Texts, form: str, shard: Shard, model: Answerer, file: IO[bytes]) -> Sums:
    """Write the rows of a shard with their answers beside them."""
    joined, notes = Joined(texts, model.own), Notes(shard.label)
    sums: list[Sums] = []
    rows = itertools.islice(texts.items, shard.skipped, None)
    with ExitStack() as stack:
        output = file if form in BINARY else stack.enter_context(_as_text(file))
        write = stack.enter_context(write_joined(joined, form, output))
        for number, chunk in _numbered(chunks(rows, TEXTS_AT_ONCE, _length, CHARACTERS)):
            asked_texts = [asked.text for asked in chunk if asked.text is not None]
            answers = model.answer(asked_texts) if asked_texts else []
            given = iter(answers)
            for row, asked in enumerate(chunk, number):
                write(asked, next(given) if asked.text is not None else None)
                if asked.text is None:
                    notes.add(row, short_reason(asked) or "")
            sums.append({"rows": len(chunk), **model.add_up(answers)})
    return {"rows": 0, "answered": 0, **add_up(sums), "notes": notes.kept}


def _length(asked: Asked) -> int:
    return len(asked.text or "")


def _numbered(parts: Iterable[list[Any]]) -> Iterator[tuple[int, list[Any]]]:
    """Chunks, each with the number of its first item, from 1."""
    number = 1
    for part in parts:
        yield number, part
        number += len(part)


# -- Files of words, to be tagged -----------------------------------------------------------------------------------


def word_format(words: Words, config: CorpusConfig) -> tuple[str, str]:
    """The format of a part of words, and its ending: the file with other tags where it has tags, else word-tab-tag."""
    has_tags = bool(words.format.named) or words.format.tag is not None
    form = config.format or (SAME if has_tags else "tsv")
    if form not in (SAME, "tsv"):
        raise InputError(f"--format {form}: is for texts, and {words.name} has words; choose {SAME} or tsv")
    keeps_file(form, words.format)
    return form, {"conllu": "conllu", "tsv": "tsv"}.get(words.format.name if form == SAME else form, "txt")


def _tag_words(words: Words, form: str, shard: Shard, model: Answerer, file: IO[bytes]) -> Sums:
    """Write the sentences of a shard with other tags; those that cannot be read stay as they are."""
    tagger, notes = model.model, Notes(shard.label)
    write = make_writer(form, tagger.config, words.format)
    sums: list[Sums] = []
    items = itertools.islice(words.sentences(tagged=False, keep_lines=True), shard.skipped, None)
    with _as_text(file, "surrogateescape") as output:
        for number, chunk in _numbered(chunks(items, TEXTS_AT_ONCE, _size, CHARACTERS)):
            bad = [isinstance(item, BadSentence) for item in chunk]
            given = [Sentence([]) if wrong else item for item, wrong in zip(chunk, bad, strict=True)]
            answers = [TaggedText([found]) for found in tagger.tag_sentences(given, model.probabilities)]
            for row, (item, answer, wrong) in enumerate(zip(chunk, answers, bad, strict=True), number):
                if wrong:
                    notes.add(row, item.message.partition(": ")[2])
                if form == SAME or not wrong:
                    output.write(write(answer, "", item))
            good = [
                answer for answer, wrong in zip(answers, bad, strict=True) if not wrong and answer.sentences[0].tokens
            ]
            sums.append({"rows": len(good) + sum(bad), **model.add_up(good)})
    return {"rows": 0, "answered": 0, **add_up(sums), "notes": notes.kept}


def _size(item: ConlluSentence | BadSentence) -> int:
    return 0 if isinstance(item, BadSentence) else item.num_characters()
