"""Good files of every format that the commands read, and what can be odd about them."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import gzip
import io
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.case import PIPE
from tests.fuzz.change_bytes import change_some_bytes

NUM_ROWS = 24
WORDS = ("the", "soup", "was", "cold", "and", "we", "loved", "it", "ferry", "late", "again", "view", "old", "very")
TAGS = ("DET", "NOUN", "VERB", "ADJ", "CCONJ", "PRON", "VERB", "PRON", "NOUN", "ADV", "ADV", "NOUN", "ADJ", "ADV")
BASE_TAGS = {"CCONJ": "DET", "ADV": "ADJ"}  # tags that the small taggers lack, and others
MEMBER = 8 << 20  # bytes of a piece of a gzip bomb
BOMB = 1500 << 20
HUGE = 50_000_000
ODD_TEXTS = (
    "\x1b[2J\x1b]0;title\x07 red", "\x00", "a\x00b", "\x85\u2028\u2029", "\u202eabc\u2066", "\ufeff", "\ud800",
    "\udcff x", "e" + "\u0301" * 500, "👨‍👩‍👧 🇫🇷", "x" * 100_000, "!" * 50_000, "<br />" * 1000, "' OR 1=1 --", "=1+1",
    "{}", "%s%n", "a\tb\tc", "line\nline\r\nline", '"', '""', "\\", "<pad> <unk> <bos> <eos>", "مرحبا", "　", "\u200b",
    "</script><script>alert(1)</script>",
)  # fmt: skip
ODD_NAMES = (
    "new\nline", "\x1b[31mred", "\udcff", "sp ace", "{0}%s", "-dash", "'quote\"", "\u202eabc", "é", "x" * 200, "a.b.c",
    "\x07",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Given:
    """A file to give to a command.

    Args:
        path: of the file.
        kind: its format: csv, tsv, jsonl, ndjson, json, txt, conllu or vectors.
        rows: the rows, a dict of columns each.
        argument: what stands on the command line.
        description: what is odd.
        feeds: see `Command`.
        num_rows: rows in it, if known.
        good: whether it can be read, and every row has a text.
    """

    path: Path
    kind: str
    rows: list[dict[str, str]]
    argument: str = ""
    description: str = "nothing"
    feeds: dict[str, str] = dataclasses.field(default_factory=dict)
    num_rows: int | None = None
    good: bool = False

    def with_name(self, path: Path) -> Given:
        """The same under another name."""
        return dataclasses.replace(self, path=path, argument=str(path))


def good_file(rng: Random, folder: Path, kind: str, columns: str, num_rows: int | None = None) -> Given:
    """Write a small file that every command of its kind can read."""
    folder.mkdir(exist_ok=True)
    number = num_rows or rng.choice((2, 5, NUM_ROWS, NUM_ROWS))
    rows = []
    for i in range(number):
        places = [rng.randrange(len(WORDS)) for _ in range(rng.randrange(2, 9))]
        words = [WORDS[j] for j in places]
        tags = [BASE_TAGS.get(TAGS[j], TAGS[j]) for j in places]
        text = " ".join(words) + rng.choice((".", " .", "! It was late."))
        rows.append(
            {
                "review": text,
                "rating": str(1 + i % 5),
                "text": text,
                "tokens": "\t".join(words),
                "tags": "\t".join(tags),
            }
        )
    if kind != "conllu":
        wanted = columns.split(",") if columns else ["text"]
        rows = [{name: row[name] for name in wanted} for row in rows]
    path = folder / f"given.{'txt' if kind == 'vectors' else kind}"
    given = Given(path, kind, rows, str(path), num_rows=number, good=True)
    path.write_bytes(serialize(given))
    return given


def serialize(given: Given) -> bytes:
    """Write the rows in a format."""
    if given.kind in ("csv", "tsv"):
        text = io.StringIO()
        if given.kind == "csv":
            writer: Any = csv.writer(text, lineterminator="\n")
            writer.writerow(given.rows[0])
            writer.writerows(row.values() for row in given.rows)
        else:
            lines = [list(given.rows[0]), *(list(row.values()) for row in given.rows)]
            text.write("".join("\t".join(value.replace("\t", " ") for value in line) + "\n" for line in lines))
        return text.getvalue().encode("utf-8", "surrogatepass")
    if given.kind in ("jsonl", "ndjson", "json"):
        return "".join(json.dumps(row) + "\n" for row in given.rows).encode()
    if given.kind == "conllu":
        return "".join(conllu_sentence(row) for row in given.rows).encode("utf-8", "surrogatepass")
    if given.kind == "vectors":
        return "".join(f"{word} 0.1 -0.2 {number / 10}\n" for number, word in enumerate(WORDS)).encode()
    return "".join(next(iter(row.values())).replace("\n", " ") + "\n" for row in given.rows).encode(
        "utf-8", "surrogatepass"
    )


def conllu_sentence(row: dict[str, str]) -> str:
    """A row as a sentence of CoNLL-U."""
    pairs = zip(row["tokens"].split("\t"), row["tags"].split("\t"), strict=False)
    lines = [f"{i}\t{token}\t_\t{tag}\t_\t_\t_\t_\t_\t_\n" for i, (token, tag) in enumerate(pairs, 1)]
    return "".join([f"# text = {row.get('text', '')}\n", *lines, "\n"])


def change(given: Given, rng: Random, folder: Path) -> tuple[str, Given]:
    """Change a good file in one way; returns the way's name and the file."""
    weights = [weight for weight, _, _ in WAYS]
    _, name, way = WAYS[rng.choices(range(len(WAYS)), weights)[0]]
    return name, way(given, rng, folder)


def odd(given: Given, description: str, content: bytes | None = None) -> Given:
    """The file is no longer known to be good."""
    if content is not None:
        given.path.write_bytes(content)
    return dataclasses.replace(given, description=description, good=False, num_rows=None)


def leave(given: Given, rng: Random, folder: Path) -> Given:
    """Nothing odd, or what makes no difference."""
    way = rng.choice(("nothing", "CRLF", "byte order mark", "blank lines", "many rows"))
    content = given.path.read_bytes()
    if way == "CRLF":
        content = content.replace(b"\n", b"\r\n")
    elif way == "byte order mark":
        content = b"\xef\xbb\xbf" + content
    elif way == "blank lines" and given.kind in ("csv", "jsonl"):
        content = content.replace(b"\n", b"\n\n")
    elif way == "many rows" and given.kind not in ("vectors",):
        given = dataclasses.replace(given, rows=given.rows * 40, num_rows=len(given.rows) * 40)
        content = serialize(given)
    given.path.write_bytes(content)
    return dataclasses.replace(given, description=way)


def change_bytes(given: Given, rng: Random, folder: Path) -> Given:
    """Flipped, cut, put in."""
    content, done = change_some_bytes(given.path.read_bytes(), rng)
    return odd(given, done, content)


def change_encoding(given: Given, rng: Random, folder: Path) -> Given:
    """Other encodings, and bytes that are none."""
    text = given.path.read_text(encoding="utf-8")
    encoding = rng.choice(("utf-16", "utf-16-le", "utf-32", "cp1252", "cp037", "utf-7", "invalid", "overlong", "NULs"))
    special = {"invalid": b"\xff\xfe\xfd", "overlong": b"\xc0\xaf\xed\xa0\x80", "NULs": b"\0" * 50}
    if encoding in special:
        data = text.encode()
        place = rng.randrange(len(data))
        return odd(given, encoding, data[:place] + special[encoding] + data[place:])
    return odd(given, encoding, text.replace("e", "é", 3).encode(encoding, "replace"))


def put_odd_texts(given: Given, rng: Random, folder: Path) -> Given:
    """Odd texts as values or as names of columns."""
    text, way = rng.choice(ODD_TEXTS), rng.choice(("value", "value", "all values", "column", "another column"))
    rows = [dict(row) for row in given.rows]
    column = rng.choice(sorted(rows[0]))
    for row in rows if way != "value" else rows[:1]:
        if way in ("value", "all values"):
            row[column] = text
        elif way == "column":
            row[text] = row.pop(column)
        else:
            row[text] = "x"
    with contextlib.suppress(KeyError, csv.Error):  # CoNLL-U without tokens
        given.path.write_bytes(serialize(dataclasses.replace(given, rows=rows)))
    return odd(given, f"{way} {column}: {text[:20]!r}")


def put_odd_values(given: Given, rng: Random, folder: Path) -> Given:
    """Ratings and numbers that are none, empty fields, JSON of other types."""
    values: tuple[Any, ...] = (
        "",
        " ",
        "nan",
        "inf",
        "1e999",
        "-1",
        "11",
        "9" * 5000,
        "4/5",
        "★★★",
        "٣",
        "1_0",
        "0x3",
        "None",
    )
    if given.kind in ("jsonl", "ndjson", "json"):
        values += (None, True, [], {}, [[[]]], {"a": {"b": 1}}, 1.5, -1, float("nan"), 10**400)
    value = rng.choice(values)
    rows: list[dict[str, Any]] = [dict(row) for row in given.rows]
    column = rng.choice(sorted(rows[0]))
    rng.choice(rows)[column] = value
    with contextlib.suppress(AttributeError):
        given.path.write_bytes(serialize(dataclasses.replace(given, rows=rows)))
    return odd(given, f"{column} is {str(value)[:20]!r}")


def change_the_structure(given: Given, rng: Random, folder: Path) -> Given:
    """Lines that the format does not allow, or hardly."""
    content = given.path.read_bytes()
    lines = content.splitlines(keepends=True)
    word = "\t_" * 8
    rest = b"\tx" + word.encode() + b"\n\n"
    ways: dict[str, dict[str, Callable[[], bytes]]] = {
        "any": {
            "empty": lambda: b"",
            "one line break": lambda: b"\n",
            "white space": lambda: b" \t\r\n" * 100,
            "carriage returns": lambda: content.replace(b"\n", b"\r"),
            "no last line break": lambda: content.rstrip(b"\n"),
            "header only": lambda: lines[0],
            "no header": lambda: b"".join(lines[1:]),
            "lines reversed": lambda: b"".join(lines[::-1]),
            "another format": lambda: b'[{"text": 1}]\n',
            "a ZIP file": lambda: b"PK\x03\x04" + bytes(100),
            "HTML": lambda: b"<!doctype html><title>404</title>",
        },
        "csv": {
            "an open quote": lambda: content.replace(b"\n", b'\n"', 1),
            "quotes everywhere": lambda: content.replace(b" ", b'" "'),
            "doubled column": lambda: b"".join(line.rstrip(b"\n") + b"," + line for line in lines),
            "semicolons": lambda: content.replace(b",", b";"),
            "sep=": lambda: b"sep=;\n" + content,
            "more fields": lambda: content.replace(b"\n", b",x,y\n"),
            "an empty name": lambda: b"," + content,
            "100,000 columns": lambda: b",".join(b"c%d" % i for i in range(100_000)) + b"\n" + b"x," * 99_999 + b"x\n",
            "100,000 fields in a row": lambda: content + b"x," * 100_000 + b"\n",
        },
        "jsonl": {
            "brackets": lambda: content + b"[" * 100_000 + b"\n",
            "nested": lambda: content + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n",
            "a list": lambda: b"[" + b",".join(lines) + b"]",
            "doubled keys": lambda: content.replace(b"{", b'{"text": "x", "text": "y", ', 1),
            "surrogates": lambda: content.replace(b"the", rb"\ud800\udfff\ud83d"),
            "a number of 5,000 digits": lambda: content + b'{"text": ' + b"9" * 5000 + b"}\n",
            "100,000 keys": lambda: json.dumps({f"k{i}": i for i in range(100_000)}).encode() + b"\n" + content,
            "NaN": lambda: b'{"text": NaN, "review": Infinity, "rating": NaN}\n' + content,
        },
        "conllu": {
            "an id of 5,000 digits": lambda: content + b"9" * 5000 + rest,
            "an id of other digits": lambda: content + "٣\tx".encode() + word.encode() + b"\n\n",
            "a range of 5,000 digits": lambda: content + b"1-" + b"9" * 5000 + rest,
            "a wide range": lambda: content + b"1-99999999\tx" + word.encode() + b"\n\n",
            "a range backwards": lambda: content + b"2-1\tx" + word.encode() + b"\n1\tx" + word.encode() + b"\n\n",
            "empty nodes": lambda: content + b"0.1\tx" + word.encode() + b"\n1\tx" + word.encode() + b"\n1.99\t\n\n",
            "ids of signs": lambda: content + b"".join(i + rest for i in (b"-1", b"1-1-1", b"1.1.1", b"-", b"+1")),
            "9 fields": lambda: content.replace(b"\t_\n", b"\n", 1),
            "100,000 fields": lambda: content + b"1" + b"\t_" * 100_000 + b"\n\n",
            "comments alone": lambda: b"# x\n" * 1000,
            "100,000 comments": lambda: b"# x\n" * 100_000 + content,
            "a tag unheard of": lambda: content.replace(b"DET", b"\x1b[31mZZZ", 1),
            "no blank line": lambda: content.replace(b"\n\n", b"\n"),
        },
        "vectors": {
            "a header": lambda: b"14 3\n" + content,
            "a wrong header": lambda: b"999999999999 3\n" + content,
            "a header of 5,000 digits": lambda: b"9" * 5000 + b" 3\n" + content,
            "numbers missing": lambda: content.replace(b" 0.1 ", b" ", 2),
            "NaN": lambda: content.replace(b"0.1", b"nan", 2),
            "infinite": lambda: content.replace(b"0.1", b"1e999", 2),
            "a word twice": lambda: content + content,
            "no numbers": lambda: b"the\nsoup\n",
            "10,000 numbers": lambda: b"the " + b"0.1 " * 10_000 + b"\n",
            "no word": lambda: content + b" 0.1 0.2 0.3\n",
        },
    }  # fmt: skip
    kind = {"ndjson": "jsonl", "json": "jsonl", "tsv": "csv"}.get(given.kind, given.kind)
    chosen = ways["any"] | ways.get(kind, {}) if rng.random() < 0.4 else ways.get(kind, ways["any"])
    way = rng.choice(sorted(chosen))
    return odd(given, way, chosen[way]())


def enlarge(given: Given, rng: Random, folder: Path) -> Given:
    """A row of 50 MB, millions of empty lines."""
    way = rng.choice(("a long text", "a long word", "a long line", "empty lines", "empty lines first", "short lines"))
    content = given.path.read_bytes()
    if way in ("a long text", "a long word"):
        text = "the soup was cold . " * (HUGE // 20) if way == "a long text" else "x" * HUGE
        column = "tokens" if given.kind == "conllu" else next(iter(given.rows[0]))
        row = given.rows[0] | {column: text.replace(" ", "\t") if column == "tokens" else text}
        content = serialize(dataclasses.replace(given, rows=[given.rows[0], row, given.rows[-1]]))
    elif way == "a long line":
        content += b"x" * HUGE + b"\n"
    elif way == "short lines":
        content += b"x\n" * 20_000
    else:
        lines = b"\n" * 3_000_000
        content = lines + content if way == "empty lines first" else content + lines
    return odd(given, way, content)


def compress(given: Given, rng: Random, folder: Path) -> Given:
    """Gzip: whole, cut, damaged, of another name, several members, a bomb."""
    content = given.path.read_bytes()
    packed = gzip.compress(content)
    way = rng.choice(
        ("whole", "whole", "two members", "cut", "a wrong checksum", "rubbish after it", "rubbish in it", "plain",
         "named plain", "twice", "empty", "zeros", "one line", "empty lines", "spaces", "rows")
    )  # fmt: skip
    bombs = {
        "zeros": b"\0",
        "one line": b"x",
        "empty lines": b"\n",
        "spaces": b" ",
        "rows": content.splitlines()[-1] + b"\n",
    }
    middle = len(packed) // 2
    contents = {
        "two members": gzip.compress(content[: len(content) // 2]) + gzip.compress(content[len(content) // 2 :]),
        "cut": packed[: rng.randrange(len(packed))],
        "a wrong checksum": packed[:-8] + bytes(8),
        "rubbish after it": packed + b"rubbish" * 10,
        "rubbish in it": packed[:middle] + b"\xff" * 20 + packed[middle:],
        "plain": content,
        "twice": gzip.compress(packed),
        "empty": b"",
    }
    path = given.path if way == "named plain" else given.path.with_name(given.path.name + ".gz")
    given.path.unlink()
    if way in bombs:
        piece = bombs[way] * (MEMBER // len(bombs[way]))
        contents[way] = packed + gzip.compress(piece, 9) * (BOMB // MEMBER)
    path.write_bytes(contents.get(way, packed))
    given = given.with_name(path)
    if way in ("whole", "two members"):
        return dataclasses.replace(given, description=f"gzip, {way}")
    return odd(given, f"gzip, {way}")


def put_no_file(given: Given, rng: Random, folder: Path) -> Given:
    """No regular file under the name, or a name that is odd."""
    way = rng.choice(
        ("FIFO", "FIFO", "pipe", "pipe", "socket", "folder", "missing", "circle", "link", "name", "no ending")
    )
    path, kept = given.path, given.path.with_name("kept")
    path.rename(kept)
    if way == "FIFO":
        os.mkfifo(path)
        return dataclasses.replace(given, description=way, feeds={str(path): str(kept)})
    if way == "pipe":
        # A pipe has no ending that tells its format; it holds a text a line.
        kept.write_bytes(serialize(dataclasses.replace(given, kind="txt")))
        known = {} if given.kind != "conllu" else {"num_rows": None, "good": False}
        return dataclasses.replace(given, argument=PIPE, description=way, feeds={PIPE: str(kept)}, **known)
    if way == "link":
        path.symlink_to(kept)
        return dataclasses.replace(given, description=way)
    if way == "name":
        name = rng.choice(ODD_NAMES)
        path = path.with_name(name + path.suffix)
        kept.rename(path)
        argument = path.name if name.startswith("-") and rng.random() < 0.3 else str(path)
        return odd(dataclasses.replace(given, path=path, argument=argument), f"name {name[:20]!r}")
    if way == "no ending":
        path = path.with_name(rng.choice(("given", "given.xlsx", "given.CSV", ".csv", "given.csv.zip")))
        kept.rename(path)
        return odd(given.with_name(path), path.name)
    if way == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            os.chdir(path.parent)
            listener.bind(path.name)
    elif way == "folder":
        path.mkdir()
    elif way == "circle":
        path.symlink_to(path.name)
    return odd(given, way)


WAYS: tuple[tuple[int, str, Callable[[Given, Random, Path], Given]], ...] = (
    (6, "none", leave),
    (15, "bytes", change_bytes),
    (8, "encoding", change_encoding),
    (15, "odd texts", put_odd_texts),
    (8, "odd values", put_odd_values),
    (18, "structure", change_the_structure),
    (3, "size", enlarge),
    (7, "gzip", compress),
    (8, "no regular file", put_no_file),
)
