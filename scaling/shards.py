"""Shards: a file is cut where a row or a sentence ends, so that each piece can be answered by itself.

A shard is a whole file, a range of its bytes, or a range of the rows of a group in a Parquet file. Which shards there
are depends on the files and the settings alone, not on who answers them, so that a part has the same name, and the same
bytes, in every run.

Every shard but the first is read behind the head of its file, whose rows are left out. So format, encoding, separator
and columns are found out as they are for the whole file, by the same readers.

    file     | head, 256 KB at most | … first shard … | … second shard … |
    second   | head, its rows left out |              | … second shard … |

CSV is cut where the reader of the project begins a record: line breaks in quoted fields, stray quotes and wrong records
are what they are for the whole file. That pass reads the records without answering them.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from common.errors import InputError
from common.progress import quiet
from common.text.asked import Texts, head_lines, open_asked
from common.text.binary_tables import binary_kind, need, undamaged
from common.text.delimited import Dialect, read_records
from common.text.documents import AUTO, FILE, LINE, PARAGRAPH, find_document
from common.text.encodings import UTF8, Recoder, find_encoding
from common.text.rows import TooLong, bounded_lines
from common.text.sources import GZIP_START, LOOKED_AHEAD, Source, open_stream
from common.text.tables import CSV, JSON_LINES, Reading
from pos_tagging.config import TaggingConfig
from pos_tagging.word_files import Words, open_words
from scaling.corpus_config import TAG, CorpusConfig
from scaling.stores import InputFile, open_input

BLOCK = 1 << 20  # bytes
MOST_SAID = 20  # files of which it is said how they are read
LEAST_MB, MOST_MB, MOST_SHARDS = 1, 64, 256
LINE_END = re.compile(rb"\n")
BLANK_LINE = re.compile(rb"(?<=\S)[ \t]*\r?\n[ \t]*\r?\n")  # the first of several: others go to the next sentence
HEAD = LOOKED_AHEAD  # bytes in which format, encoding and columns are found out
ROWS_AT_ONCE = 1000  # of a Parquet file
CARRIED = 1 << 12  # bytes of a block in which a cut may begin that ends in the next one


@dataclass(frozen=True)
class Shard:
    """A piece of a file, which gives one part.

    Attributes:
        number: of the part.
        url: where the file is.
        name: of the file within the corpus.
        start: first byte, or row of a Parquet group.
        stop: the one behind the last.
        head: bytes at the beginning of the file that are read before; 0: none, the shard is a whole file.
        skipped: rows, texts or sentences in the head that belong to another shard.
        encoding: of the file, if it was found out.
        column: of the texts in a Parquet file.
        group: of a Parquet file; None: it is none.
    """

    number: int
    url: str
    name: str
    start: int
    stop: int
    head: int = 0
    skipped: int = 0
    encoding: str = AUTO
    column: str | None = None
    group: int | None = None
    weight: int = 0

    @property
    def label(self) -> str:
        """The name of its part, without an ending.

        >>> Shard(3, "a.csv", "a.csv", 0, 10).label
        'part-00003'
        """
        return f"part-{self.number:05}"


@dataclass(frozen=True)
class Planned:
    """A file with the hash of its bytes, and its shards, which have no numbers yet."""

    file: InputFile
    sha256: str
    shards: list[Shard]


def shard_bytes(files: Sequence[InputFile], config: CorpusConfig) -> int:
    """How many bytes of input give a part, about: the input decides, so that every run cuts alike."""
    if config.shard_mb is not None:
        return max(1, int(config.shard_mb * 1e6))
    total = sum(file.size for file in files)
    return min(max(total // MOST_SHARDS, LEAST_MB * 1_000_000), MOST_MB * 1_000_000)


def plan(verb: str, files: Sequence[InputFile], usual: Sequence[str], config: CorpusConfig) -> Iterator[Planned]:
    """Read every file once: its hash, and where it is cut.

    Args:
        verb: "rate", "tag" or "score".
        files: of the corpus.
        usual: names that the column of the text mostly has.
        config: settings.
    Raises:
        InputError: a file cannot be read, or has no texts.
    """
    size = shard_bytes(files, config)
    for number, file in enumerate(files):
        with quiet() if number >= MOST_SAID else nullcontext():
            planned = _Planner(verb, file, usual, config, size).plan()
        yield planned


@contextmanager
def open_shard(shard: Shard) -> Iterator[Source]:
    """Open a shard behind the head of its file."""
    with open_input(shard.url) as stream:
        if shard.group is not None:
            content: Any = io.BytesIO(parquet_piece(stream, shard))
        else:
            head = [(0, shard.head)] if shard.head else []
            content = Piece(stream, [*head, (max(shard.start, shard.head), shard.stop)])
        with open_stream(content, shard.name, shard.encoding) as source:
            yield source


class Piece(io.RawIOBase):
    """Ranges of the bytes of a stream, one behind the other; nothing is read across a border at one time."""

    def __init__(self, stream: IO[bytes], ranges: Iterable[tuple[int, int]]) -> None:
        self.stream = stream
        self.ranges = deque(ranges)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self.ranges:
            start, stop = self.ranges.popleft()
            if start >= stop:
                continue
            if self.stream.tell() != start:
                self.stream.seek(start)
            data = self.stream.read(min(len(buffer), stop - start))
            if not data:
                raise InputError("a file became shorter while it was read; run the command again on files at rest")
            self.ranges.appendleft((start + len(data), stop))
            buffer[: len(data)] = data
            return len(data)
        return 0


def open_shard_words(source: Source, verb: str, config: CorpusConfig) -> Words | None:
    """The words of a file that has them, to be tagged; None: it has texts."""
    if verb != TAG:
        return None
    columns = TaggingConfig(tag_column=config.tag_column or TaggingConfig.tag_column).columns()
    given = "text" if config.text_column and config.input_format == AUTO else config.input_format
    with open_words(Path(source.name), columns, given, source=source) as words:
        return None if words.format.name == "text" else words


def open_shard_texts(source: Source, column: str | None, usual: Sequence[str], config: CorpusConfig) -> Texts:
    """The texts of a file, by the readers of the project."""
    reading = Reading(config.encoding, config.header)
    return open_asked(Path(source.name), column or config.text_column, usual, reading, config.document, source)


# -- Where a file is cut --------------------------------------------------------------------------------------------


@dataclass
class Pass:
    """What reading a file from front to back has shown."""

    sha256: str = ""
    size: int = 0
    cuts: list[int] = field(default_factory=list)
    head: int = 0


Rule = re.Pattern[bytes] | Dialect | None  # how a file is cut: behind a match, where a record begins, not at all


class _Planner:
    """Finds the shards of one file."""

    def __init__(self, verb: str, file: InputFile, usual: Sequence[str], config: CorpusConfig, size: int) -> None:
        self.verb, self.file, self.usual, self.config, self.size = verb, file, usual, config, size

    def plan(self) -> Planned:
        """Read the file."""
        with open_input(self.file.url) as stream:
            start = stream.read(4)
            if start == b"PAR1":
                return self._plan_parquet(stream)
            if not start and not self.file.size:  # a table without a header, too, as other programs write it
                return Planned(self.file, hashlib.sha256().hexdigest(), [])
            is_packed = start[:2] == GZIP_START or self.file.name.lower().endswith(".gz")
            rule = self._rule(stream)
            rule = None if is_packed else rule
            found = first_pass(stream, self.size, rule, self.config.encoding)
            if found.size != self.file.size:
                raise InputError(f"{self.file.name}: changed while it was read; run the command again on files at rest")
            if is_packed:
                self._check_packed(stream)
            return Planned(self.file, found.sha256, self._pieces(stream, found, rule))

    def _shard(self, start: int, stop: int, **more: Any) -> Shard:
        return Shard(0, self.file.url, self.file.name, start, stop, **{"weight": stop - start, **more})

    def _rule(self, stream: IO[bytes]) -> Rule:
        """How the file is cut; the readers of the project look at its beginning."""
        with self._opened(stream, self.file.size) as source:
            if words := open_shard_words(source, self.verb, self.config):
                return LINE_END if words.format.name in ("pairs", "tokens") else BLANK_LINE
            lines = [] if binary_kind(source) else head_lines(source)
            texts = open_shard_texts(source, None, self.usual, self.config)
        if texts.table is None:
            unit = find_document(lines) if self.config.document == AUTO else self.config.document
            return {LINE: LINE_END, PARAGRAPH: BLANK_LINE, FILE: None}[unit]
        if texts.table.form == JSON_LINES:
            return LINE_END
        return texts.table.dialect if texts.table.form == CSV else None

    @contextmanager
    def _opened(self, stream: IO[bytes], stop: int, encoding: str = "") -> Iterator[Source]:
        """The beginning of the file."""
        with open_stream(Piece(stream, [(0, stop)]), self.file.name, encoding or self.config.encoding) as source:
            yield source

    def _check_packed(self, stream: IO[bytes]) -> None:
        """Unpack a file to its end: a damaged one is found before anything is answered."""
        with self._opened(stream, self.file.size) as source:
            while source.content.read(BLOCK):
                pass

    def _pieces(self, stream: IO[bytes], found: Pass, rule: Rule) -> list[Shard]:
        """The pieces of a file, each behind its head; or the whole file, where it cannot be cut."""
        encoding = self.config.encoding
        if found.cuts and found.head and encoding == AUTO:
            encoding = find_encoding_of(stream)
            if encoding != UTF8:
                found = first_pass(stream, self.size, rule, encoding)
        if not (found.cuts and found.head and is_single_byte(encoding)):
            return [self._shard(0, found.size, encoding=self.config.encoding)]
        with quiet(), self._opened(stream, found.head, encoding) as source:
            skipped = sum(1 for _ in self._items(source))
        common = {"head": found.head, "encoding": encoding}
        return [
            self._shard(start, stop, skipped=skipped if start else 0, **common)
            for start, stop in itertools.pairwise([0, *found.cuts, found.size])
        ]

    def _items(self, source: Source) -> Iterator[Any]:
        """What an opened file has to answer."""
        if words := open_shard_words(source, self.verb, self.config):
            return words.sentences(tagged=False, keep_lines=True)
        return iter(open_shard_texts(source, None, self.usual, self.config).items)

    def _plan_parquet(self, stream: IO[bytes]) -> Planned:
        """Ranges of rows within the groups of a Parquet file."""
        found = first_pass(stream, self.size, None)
        parquet = need("pyarrow.parquet", self.file.name)
        stream.seek(0)
        with undamaged(self.file.name):
            about = parquet.ParquetFile(stream).metadata
            groups = [about.row_group(number) for number in range(about.num_row_groups)]
        shards = []
        for number, group in enumerate(groups):
            rows = group.num_rows
            step = max(1, rows * self.size // max(group.total_byte_size, 1))
            shards += [
                self._shard(start, min(start + step, rows), group=number, weight=group.total_byte_size * step // rows)
                for start in range(0, rows, step)
            ]
        column = self._parquet_column(stream, shards[0]) if shards else None
        return Planned(self.file, found.sha256, [replace(shard, column=column) for shard in shards])

    def _parquet_column(self, stream: IO[bytes], first: Shard) -> str:
        """The column of the texts, by the first rows of the file."""
        beginning = replace(first, stop=min(first.stop, 200))
        with open_stream(io.BytesIO(parquet_piece(stream, beginning)), self.file.name) as source:
            return open_shard_texts(source, None, self.usual, self.config).column


def first_pass(stream: IO[bytes], size: int, rule: Rule, encoding: str = AUTO) -> Pass:
    """Read a file from front to back: its hash, and the cuts: the first one behind every `size` bytes."""
    stream.seek(0)
    watched = _Hashed(stream)
    if isinstance(rule, Dialect):
        cuts = _record_cuts(watched, size, rule, encoding)
    else:
        cuts = _match_cuts(watched, size, rule)
    found = Pass()
    for cut in cuts:
        if cut <= HEAD:
            found.head = cut
        elif cut // size > (found.cuts[-1] if found.cuts else 0) // size:
            found.cuts.append(cut)
    while watched.read(BLOCK):
        pass
    found.sha256, found.size = watched.hash.hexdigest(), watched.count
    found.cuts = [cut for cut in found.cuts if cut < found.size]
    return found


def find_encoding_of(stream: IO[bytes]) -> str:
    """The encoding of a text file, as it is found out when the file is read from its beginning."""
    stream.seek(0)
    found = [UTF8]
    recoder = Recoder(io.BufferedReader(_Hashed(stream), LOOKED_AHEAD), None, found.append)
    buffer = bytearray(LOOKED_AHEAD)
    while not recoder.decided and recoder.readinto(buffer):
        pass
    return found[-1]


def is_single_byte(encoding: str) -> bool:
    """Whether a line end or a quote is one byte that stands for nothing else, as in UTF-8 and all code pages.

    >>> is_single_byte("utf-8"), is_single_byte("cp1252"), is_single_byte("utf-16-le"), is_single_byte("shift_jis")
    (True, True, False, False)
    """
    name = find_encoding(encoding) or UTF8
    if name == UTF8:
        return True
    ascii_part = bytes(range(128))
    single = len(bytes(range(256)).decode(name, "replace")) == 256
    return single and ascii_part.decode(name, "replace") == ascii_part.decode("ascii")


class _Hashed(io.RawIOBase):
    """The bytes of a stream, hashed as they go by."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.hash, self.count = stream, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.stream.read(len(buffer))
        self.hash.update(data)
        self.count += len(data)
        buffer[: len(data)] = data
        return len(data)


def _match_cuts(stream: _Hashed, size: int, rule: re.Pattern[bytes] | None) -> Iterator[int]:
    """The last match within the head, then the first one behind every `size` bytes."""
    position, wanted, text = 0, (HEAD // size + 1) * size, b""
    while rule is not None and (block := stream.read(BLOCK)):
        if position == 0 and not text:
            inside = [match.end() for match in rule.finditer(block) if match.end() <= HEAD]
            yield from inside[-1:]
        text += block  # from `position` on
        while match := rule.search(text, max(wanted - position - 1, 0)):
            cut = position + match.end()
            yield cut
            wanted = (cut // size + 1) * size
        kept = text[-CARRIED:]
        position, text = position + len(text) - len(kept), kept


def _record_cuts(stream: _Hashed, size: int, dialect: Dialect, encoding: str) -> Iterator[int]:
    """Where records begin: all within the head, then the first one behind every `size` bytes.

    Lines and quotes are found as the reader finds them, who gives a record up that has too many characters. A byte is
    a character, but in UTF-8; the structure of a table is of ASCII characters in both.
    """
    is_utf8 = (find_encoding(encoding) or UTF8) == UTF8
    size_of = _utf8_bytes if is_utf8 else len
    starts: dict[int, int] = {}  # bytes at which lines begin, where a cut is looked for
    wanted = 0

    def lines() -> Iterator[Any]:
        place = 0
        for number, line in enumerate(bounded_lines(file, size_of), 1 - dialect.skipped):
            if place >= wanted:
                starts[number] = place
            place += line.size if isinstance(line, TooLong) else size_of(line)
            if number > 0:
                yield line

    read_as = UTF8 if is_utf8 else "latin-1"
    file = io.TextIOWrapper(io.BufferedReader(stream, BLOCK), read_as, "surrogateescape", newline="")
    for count, record in enumerate(read_records(lines(), dialect)):
        start = starts.get(record.line, 0)
        if start and count > dialect.titles + dialect.has_header:
            yield start
            starts.clear()
            if start > HEAD:
                wanted = (start // size + 1) * size
    file.detach().detach()


def _utf8_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(UTF8, "surrogateescape"))


def parquet_piece(stream: IO[bytes], shard: Shard) -> bytes:
    """Some rows of a group of a Parquet file, as a Parquet file."""
    arrow, parquet = need("pyarrow", shard.name), need("pyarrow.parquet", shard.name)
    stream.seek(0)
    with undamaged(shard.name):
        file = parquet.ParquetFile(stream)
        pieces, place = [], 0
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=[shard.group]):
            first, last = max(shard.start - place, 0), min(shard.stop - place, len(batch))
            if first < last:
                pieces.append(batch.slice(first, last - first))
            place += len(batch)
            if place >= shard.stop:
                break
        written = io.BytesIO()
        parquet.write_table(arrow.Table.from_batches(pieces, file.schema_arrow), written, compression="none")
    return written.getvalue()
