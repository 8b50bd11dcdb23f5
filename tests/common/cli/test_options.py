"""What the commands share: texts in, answers out, one line for what is wrong."""

from __future__ import annotations

import argparse
import contextlib
import errno
import gzip
import io
import os
import signal
import stat
import sys
from pathlib import Path

import pytest

from common.cli import options as cli_options
from common.cli import stream
from common.cli.answers import answer_asked
from common.cli.flags import add_overrides, make_parser
from common.cli.run import run_command
from common.cli.scores import shown_command
from common.errors import InputError, excerpt
from language_model.config import LanguageModelConfig
from sentiment.cli import evaluate, train


def parse(*argv):
    parser = make_parser("toy.predict", None)
    cli_options.add_text_arguments(parser, ("text", "jsonl"))
    parser.set_defaults(model=Path("none"))
    return parser.parse_args([str(argument) for argument in argv])


def shout(texts):
    return [text.upper() for text in texts]


def answer(*argv):
    arguments = parse(*argv)
    answers = answer_asked(arguments, shout, stream.ask(arguments))
    return ((asked.place, asked.text, found) for asked, found in answers if found is not None)


def test_answers_keep_the_order_of_the_input(tmp_path):
    (tmp_path / "in.txt").write_text("".join(f"text {number}\n" for number in range(1000)))
    answers = list(answer("--input", tmp_path / "in.txt"))
    assert [answer for _, _, answer in answers] == [f"TEXT {number}" for number in range(1000)]
    assert answers[7][:2] == (f"{tmp_path}/in.txt, line 8", "text 7")


def test_answers_come_before_the_input_ends(monkeypatch):
    """A pipe may stay open for hours; memory does not grow with it."""
    read, write = os.pipe()
    os.write(write, b"text\n" * (stream.TEXTS_AT_ONCE + 1))
    with os.fdopen(read) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        answers = answer()
        assert next(answers) == ("standard input, line 1", "text", "TEXT")
        os.close(write)
        assert len(list(answers)) == stream.TEXTS_AT_ONCE


def test_a_bad_row_is_reported_and_the_rest_is_answered(tmp_path, capsys):
    (tmp_path / "in.txt").write_bytes("one\n\nnaï".encode() + b"\xefve\nfour\n")
    answers = list(answer("--input", tmp_path / "in.txt", "--document", "line"))
    assert [answer for _, _, answer in answers] == ["ONE", "FOUR"]
    said = capsys.readouterr().err
    assert "line 2: empty text" in said
    assert "line 3: byte 0xef" in said
    assert "2 of 4 rows have no answer" in said


def test_of_very_many_bad_rows_the_first_are_named_and_all_are_counted(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(stream, "MOST_REPORTED", 2)
    (tmp_path / "in.txt").write_text("\n" * 9 + "ten\n")
    assert [found for _, _, found in answer("--input", tmp_path / "in.txt", "--document", "line")] == ["TEN"]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4
    assert said[-2:] == ["further rows without an answer are only counted", "9 of 10 rows have no answer"]


def test_strict_stops_at_the_first_bad_row():
    answers = answer("--strict", "one", " ", "three")
    with pytest.raises(InputError, match="text 2: empty text"):
        list(answers)


def test_no_text_at_all(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(InputError, match="no text given"):
        list(answer())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["text", "--input", "in.txt"], "exclude each other"),
        (["--input", "nothing.txt"], "no such file"),
        (["text", "--output", "."], "is a folder"),
        (["text", "--text-column", "a"], "^--text-column a: tells how a file is read; leave it out, or give --input"),
        (["text", "--document", "line"], "^--document line: tells how a file is read"),
        (["text", "--encoding", "utf-8"], "^--encoding utf-8: tells how a file is read"),
        (["text", "--no-header"], "^--no-header: tells how a file is read"),
    ],
)
def test_wrong_options_are_found_before_the_model_is_loaded(argv, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        stream.ask(parse(*argv))


def test_an_output_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with contextlib.suppress(KeyboardInterrupt), stream.open_output(path) as file:
        file.write("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    with stream.open_output(path) as file:
        file.write("new é \ud800")
        assert path.read_text() == "old"
    assert path.read_text(encoding="utf-8") == "new é ?"
    assert list(tmp_path.iterdir()) == [path]


def test_an_output_file_may_be_compressed_and_in_a_new_folder(tmp_path):
    path = tmp_path / "new" / "folder" / "out.txt.gz"
    with stream.open_output(path) as file:
        file.write("naïve")
    assert gzip.decompress(path.read_bytes()).decode() == "naïve"
    assert list(path.parent.iterdir()) == [path]


def test_a_pipe_that_nobody_reads_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: nobody reads from it"), stream.open_output(tmp_path / "pipe"):
        pass


def test_a_device_is_written_to_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with stream.open_output(tmp_path / "pipe") as file:
        file.write("answer")
    assert os.read(reader, 100) == b"answer"
    os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (InputError("file, row 2:\nbad"), 2, "error: file, row 2: bad\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (OSError(errno.ENOSPC, "No space", "out.txt"), 2, "error: out.txt: the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "out"), 2, "error: out: cannot be written"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/b"), 2, "error: a/b: Not a directory"),
    ],
)
def test_what_users_cause_is_one_line_and_a_status(error, status, said, capsys):
    def command(argv):
        raise error

    handler = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as stop:
            run_command(command)
    finally:
        signal.signal(signal.SIGTERM, handler)
    printed = capsys.readouterr().err
    assert stop.value.code == status
    assert printed.startswith(said)
    assert printed.count("\n") == 1


def test_a_programming_error_keeps_its_traceback():
    def command(argv):
        raise ZeroDivisionError

    handler = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(ZeroDivisionError):
            run_command(command)
    finally:
        signal.signal(signal.SIGTERM, handler)


def test_a_long_text_does_not_flood_the_screen():
    assert len(excerpt("a" * 10**6)) < 60
    assert excerpt("a\nb\x1b[31m") == "'a\\nb\\x1b[31m'"


def test_evaluate_checks_its_files_first(tmp_path):
    (tmp_path / "test.csv").write_text("x")
    arguments = argparse.Namespace(test=tmp_path / "test.csv", train=tmp_path / "nothing.csv", report=None)
    with pytest.raises(InputError, match=r"nothing\.csv: no such file"):
        cli_options.check_evaluate_arguments(arguments)
    arguments = argparse.Namespace(test=tmp_path / "test.csv", train=None, report=tmp_path / "test.csv")
    with pytest.raises(InputError, match="is a file; name a folder with --report"):
        cli_options.check_evaluate_arguments(arguments)


def test_the_command_of_an_evaluation_holds_what_its_scores_depend_on():
    parser = make_parser("toy.evaluate", None)
    cli_options.add_evaluate_arguments(parser, "sentiment", "reviews")
    parser.add_argument("--raw", action="store_true")
    parser.add_argument("--reset-every", type=int, default=0)
    add_overrides(parser, LanguageModelConfig, ("stateful", "text_column"))

    def shown(*options):
        return shown_command(parser, parser.parse_args(["--test", "data/test.csv", "--save", *options]))

    assert shown() == "python -m toy.evaluate --model DIR --test test.csv --save"
    options = ["--train", "data/train.csv", "--engine", "keras", "--raw", "--reset-every", "3", "--no-stateful"]
    expected = "--train train.csv --raw --reset-every 3 --no-stateful --save"
    assert shown(*options, "--json", "--threads", "1", "--report", "page").endswith(expected)
    assert "--engine keras" in shown(*options)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("limits", [(), (0,), (0, 9)])
def test_a_number_is_finite(text, limits):
    with pytest.raises(argparse.ArgumentTypeError, match=f"found {text}, wanted a finite number"):
        cli_options.number(float, *limits)(text)
    assert cli_options.number(float, *limits)("2.5") == 2.5
    assert cli_options.number(int, *limits)("2") == 2


@pytest.mark.parametrize(
    ("kind", "limits", "text", "found"),
    [
        (int, (1, 9), "1", 1), (int, (1, 9), "9", 9), (float, (0, 1), "1", 1.0),
        (int, (1, 9), "0", "found 0, wanted from 1 to 9"), (int, (1, 9), "10", "found 10, wanted from 1 to 9"),
        (float, (0.5,), "0.4", "found 0.4, wanted at least 0.5"),
    ],
)  # fmt: skip
def test_a_number_has_limits(kind, limits, text, found):
    read = cli_options.number(kind, *limits)
    assert read.__name__ == kind.__name__
    if isinstance(found, str):
        with pytest.raises(argparse.ArgumentTypeError, match=f"^{found}$"):
            read(text)
    else:
        assert read(text) == found


def test_no_more_cores_than_there_are(monkeypatch):
    monkeypatch.setattr(cli_options, "num_cores", lambda: 3)
    assert [cli_options.cores(text) for text in ("1", "3", "4")] == [1, 3, 3]
    with pytest.raises(argparse.ArgumentTypeError, match="found 0, wanted at least 1"):
        cli_options.cores("0")


def test_options_that_are_not_given():
    arguments = vars(parse())
    assert arguments == {
        "texts": [], "input": None, "output": None, "format": None, "text_column": None, "columns": None,
        "document": "auto", "line_numbers": False, "strict": False, "encoding": "auto", "header": True,
        "model": Path("none"),
    }  # fmt: skip
    assert parse("--no-header").header is False
    parser = make_parser("toy.train", None)
    cli_options.add_train_arguments(parser)
    arguments = parser.parse_args(["--train", "a", "--output-dir", "b"])
    assert cli_options.train_options(arguments, "backend") == {
        "validation": None, "start": "auto", "about_data": "", "resume": False, "overwrite": False, "backend": None
    }  # fmt: skip
    assert "--track" not in parser.format_help()


def test_what_a_command_reads_is_all_but_what_it_writes():
    given = argparse.Namespace(
        test=Path("a"), output=Path("b"), output_dir=Path("c"), report=Path("d"), more=[Path("e"), "f"], name="g"
    )
    assert cli_options.paths_read(given) == [Path("a"), Path("e")]


def test_scores_are_kept_only_in_a_model_that_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "test.csv").write_text("x")
    (tmp_path / "model").mkdir()
    arguments = argparse.Namespace(
        test=tmp_path / "test.csv", train=None, report=None, save=True, model=tmp_path / "model"
    )
    with cli_options.claim_for_scores(arguments):
        assert (tmp_path / ".model.unfinished").is_dir()
    arguments.save, arguments.report = False, tmp_path / "page"
    with cli_options.claim_for_scores(arguments):
        assert {path.name for path in tmp_path.iterdir()} == {"test.csv", "model", "page"}
    arguments.save = True
    monkeypatch.chdir(tmp_path / "model")
    with pytest.raises(
        InputError, match="you are in this folder; leave it first, or choose another --model, or leave ou"
    ):
        cli_options.check_evaluate_arguments(arguments)


@pytest.mark.parametrize("option", ["--min-rating", "--max-rating"])
@pytest.mark.parametrize(
    ("value", "wanted"),
    [("nan", "a finite number"), ("inf", "a finite number"), ("1e39", "from -1e+09 to 1e+09")],
)
def test_the_scale_of_ratings_has_limits(option, value, wanted, capsys):
    with pytest.raises(SystemExit) as stop:
        evaluate(["--test", "none.csv", option, value])
    assert stop.value.code == 2
    assert f"argument {option}: found {value}, wanted {wanted}" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--train", "--validation"])
def test_a_file_that_is_missing_is_found_before_anything_slow_is_imported(option, tmp_path, monkeypatch):
    monkeypatch.setattr("sentiment.train", lambda *given, **options: pytest.fail("training was begun"))
    there = tmp_path / "there.csv"
    there.write_text("review,rating\nGood.,9\n")
    files = {"--train": there, "--validation": there, option: tmp_path / "none.csv"}
    arguments = [str(part) for pair in files.items() for part in pair]
    with pytest.raises(InputError, match=r"none\.csv: no such file"):
        train([*arguments, "--output-dir", str(tmp_path / "model")])
