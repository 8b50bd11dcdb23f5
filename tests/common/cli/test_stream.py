"""Streaming, piece by piece: groups of texts, rows without an answer, places to write."""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import sys

import pytest

from common.cli import stream
from common.cli.stream import (
    NotAnswered,
    answer_all,
    ask,
    ask_texts,
    chunks,
    in_order,
    is_interactive,
    open_output,
    open_texts,
    trained_text_column,
)
from common.errors import ForPeople, InputError
from common.text.rows import BadRow


def arguments(**given):
    usual = {"texts": [], "input": None, "output": None, "strict": False, "encoding": "auto", "header": True,
             "document": "auto", "text_column": None, "model": "none"}  # fmt: skip
    return argparse.Namespace(**usual | given)


@pytest.mark.parametrize(
    ("sizes", "at_once", "characters", "groups"),
    [
        ([1] * 5, 2, 100, [2, 2, 1]),
        ([1] * 4, 2, 100, [2, 2]),
        ([5, 5, 5], 9, 10, [3]),
        ([5, 6, 5, 5, 5], 9, 10, [2, 3]),
        ([11, 1], 9, 10, [1, 1]),
        ([], 2, 10, []),
    ],
)
def test_groups_are_of_so_many_or_of_so_much(sizes, at_once, characters, groups):
    assert [len(chunk) for chunk in chunks(sizes, at_once, lambda size: size, characters)] == groups


def test_a_group_is_of_so_many_texts_as_the_command_wants(capsys):
    items = [("a", "one"), ("b", "two"), BadRow("c: bad"), ("d", "three"), ("e", "four"), BadRow("f: bad")]
    seen = []

    def answer(texts):
        seen.append(texts)
        return [len(text) for text in texts]

    found = list(answer_all(arguments(texts=["x"]), answer, items, 3))
    assert found == [("a", "one", 3), ("b", "two", 3), ("d", "three", 5), ("e", "four", 4)]
    assert seen == [["one", "two"], ["three", "four"]]
    assert capsys.readouterr().err == "no answer: c: bad\nno answer: f: bad\n2 of 6 rows have no answer\n"
    with pytest.raises(InputError, match=r"^c: bad$"):
        list(answer_all(arguments(strict=True, texts=["x"]), answer, items, 3))


def test_long_texts_are_answered_in_smaller_groups(monkeypatch):
    monkeypatch.setattr(chunks, "__defaults__", (10,))
    seen = []

    def answer(texts):
        seen.append(len(texts))
        return texts

    items = [("", "x" * 8)] * 4 + [BadRow("bad")]
    list(answer_all(arguments(texts=["x"]), answer, items))
    assert seen == [2, 2, 0]


@pytest.mark.parametrize(("num_rows", "said"), [(0, "no text given"), (3, "none of the 3 rows could be answered; see")])
def test_nothing_answered_is_an_error(num_rows, said):
    left_out = NotAnswered(False)
    left_out.take_from([BadRow("bad")] * num_rows)
    with pytest.raises(InputError, match=said):
        left_out.conclude(0)


def test_all_answered_is_not_spoken_of(capsys):
    NotAnswered(False).conclude(3)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", [1000, 1001, 1002])
def test_a_thousand_rows_are_reported_one_by_one(number, capsys):
    left_out = NotAnswered(False)
    assert left_out.take_from([BadRow("bad"), ("a", "b")] * number) == [("a", "b")] * number
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["no answer: bad"] * 1000 + ["further rows without an answer are only counted"] * (number > 1000)
    left_out.conclude(1000)
    assert capsys.readouterr().err == f"{number:,} of {number + 1000:,} rows have no answer\n"


class Keyboard(io.StringIO):
    def isatty(self):
        return True


def test_who_types_gets_an_answer_to_every_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "stdin", Keyboard())
    assert is_interactive(arguments())
    assert not is_interactive(arguments(texts=["a"]))
    assert not is_interactive(arguments(input=tmp_path / "a.txt"))
    seen = []
    list(answer_all(arguments(), lambda texts: seen.append(texts) or texts, [("1", "a"), ("2", "b")]))
    assert seen == [["a"], ["b"]]
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert not is_interactive(arguments())
    monkeypatch.setattr(sys, "stdin", None)
    assert not is_interactive(arguments())
    with pytest.raises(InputError, match="standard input is closed"):
        ask(arguments())
    assert capsys.readouterr().err == ""


def test_of_what_is_typed_every_line_is_a_text(monkeypatch, capsys):
    keyboard = io.TextIOWrapper(
        io.BytesIO(b"Once there was a king who had\nthree sons. The youngest was\nvery poor.\n")
    )
    keyboard.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", keyboard)
    assert len(list(ask(arguments()).items)) == 3
    assert capsys.readouterr().err == "Type a text and press Enter; Ctrl-D ends.\n"


def test_the_first_row_is_read_before_anything_slow_except_of_what_is_typed(monkeypatch, tmp_path):
    read = []

    def rows():
        for number in range(3):
            read.append(number)
            yield number

    assert [*open_texts(arguments(input=tmp_path), rows())] == read == [0, 1, 2]
    read.clear()
    open_texts(arguments(input=tmp_path), rows())
    assert read == [0]
    for stdin, expected in ((io.StringIO(), [0]), (Keyboard(), [])):
        monkeypatch.setattr(sys, "stdin", stdin)
        read.clear()
        open_texts(arguments(), rows())
        assert read == expected
    with pytest.raises(InputError, match="TEXT and --input exclude each other"):
        open_texts(arguments(texts=["a"], input=tmp_path), rows())


@pytest.mark.parametrize(
    ("name", "content", "column", "message"),
    [
        ("a.txt", "", None, r"a\.txt: no text in the file; give one with at least a word"),
        ("a.txt", "\n\n  \n", None, r"a\.txt: no text in the file"),
        ("a.txt", "", "text", r"a\.txt: empty file; the first line must name the columns"),
        ("a.txt", "\n\n  \n", "text", r"a\.txt: empty file"),
        ("a.csv", "", None, r"a\.csv: empty file"),
        ("a.csv", "id,text\n", "text", r"a\.csv: no rows below the header; give a file with data; .* add --no-header"),
        ("a.csv", "id,comment\n", None, r"a\.csv: no rows below the header"),
        ("a.jsonl", "", "text", r"a\.jsonl: no rows; give a file with data$"),
        ("a.json", "[]", None, r"a\.json: no rows; give"),
    ],
)
def test_a_file_without_texts_is_named_before_the_model_is_loaded(name, content, column, message, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        ask(arguments(input=tmp_path / name, text_column=column))


def test_no_sentences_and_nothing_on_standard_input_are_found_before_the_model_is_loaded(monkeypatch, tmp_path):
    with pytest.raises(InputError, match=r"a\.conllu: no text in the file"):
        open_texts(arguments(input=tmp_path / "a.conllu"), iter(()))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(InputError, match="no text given; write one after the command, or use --input"):
        ask(arguments())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"id,text\n")))
    with pytest.raises(InputError, match="standard input: no rows below the header"):
        ask(arguments(text_column="text"))


def test_the_column_of_the_training_data_comes_first(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    assert trained_text_column(model) == []
    for value, found in (("comment", ["comment"]), (3, []), (None, [])):
        (model / "config.json").write_text(json.dumps({"text_column": value}))
        assert trained_text_column(model) == found
    (model / "config.json").write_text('{"text_column": "b"}')
    (tmp_path / "a.csv").write_text("a,b,text\nOne here.,Two there.,3\n")
    texts = ask(arguments(model=model, input=tmp_path / "a.csv"))
    assert (texts.column, [asked.text for asked in texts.items]) == ("b", ["Two there."])


def test_parts_of_a_file_are_answered_while_others_are_read(tmp_path):
    (tmp_path / "a.txt").touch()
    for given, ahead in ((tmp_path / "a.txt", 3), (tmp_path, 1), (None, 1)):
        read = []
        answers = in_order(arguments(input=given), str, (read.append(number) or number for number in range(9)))
        assert next(answers) == "0"
        assert len(read) == ahead


def test_standard_output_takes_every_character(monkeypatch):
    for errors, shown in (("replace", b"\\udce9\xc3\xa9\x1b"), ("surrogateescape", b"\xe9\xc3\xa9\x1b")):
        content = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding="ascii"))
        with open_output(None, errors=errors) as output:
            output.write("\udce9é\x1b")
            output.flush()
        assert content.getvalue() == shown
    with open_output(None, for_people=True) as output:
        assert isinstance(output, ForPeople)
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdout", terminal)
    with open_output(None) as output:
        assert isinstance(output, ForPeople)
    assert (terminal.encoding, terminal.errors) == ("latin-1", "backslashreplace")


def test_bytes_and_packed_texts_in_a_file(tmp_path):
    with open_output(tmp_path / "a.xlsx", binary=True) as output:
        output.write(b"\x00\xff")
    assert (tmp_path / "a.xlsx").read_bytes() == b"\x00\xff"
    for name in ("a.txt", "a.txt.gz"):
        with open_output(tmp_path / name, errors="surrogateescape") as output:
            output.write("é\r\n\udce9")
    packed = (tmp_path / "a.txt.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\r\n\xe9"
    assert packed[3:8] == bytes(5)  # neither a name nor a time: the same texts are the same file


def test_a_pipe_takes_bytes_as_well(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    for binary, given in ((True, b"\xff"), (False, "\udcff")):
        with open_output(tmp_path / "pipe", binary=binary, errors="surrogateescape") as output:
            output.write(given)
        assert os.read(reader, 9) == b"\xff"
    with stream._open_stream(tmp_path / "pipe", "replace") as output:
        assert os.get_blocking(output.fileno())
    os.close(reader)
    with pytest.raises(FileNotFoundError):
        stream._open_stream(tmp_path / "nothing", "replace")


def test_texts_that_must_all_be_good_are_read_as_the_options_say(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id,words\n1,Caf\xe9 noir\n2,Bon\n".encode("cp1252"))
    given = arguments(input=path, text_column="words", encoding="cp1252")
    assert ask_texts(given) == ["Caf\xe9 noir", "Bon"]
    path.write_text("id,words\n1,good\n2, \n")
    with pytest.raises(InputError, match=r"a\.csv, row 2: empty text"):
        ask_texts(arguments(input=path, text_column="words"))
