"""Every row in, every row out, joined: all formats, all tasks, with models that are made up."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest

import language_model
import pos_tagging
import sentiment
from common.cli.table_files import Parquet
from common.errors import InputError
from common.inference.answers import Answers
from common.text.data import as_texts
from common.text.vocabulary import Vocabulary
from language_model.config import LanguageModelConfig
from language_model.predict import TextScore
from pos_tagging.config import TaggingConfig
from pos_tagging.sentences import TaggedSentence, TaggedText
from sentiment.config import SentimentConfig
from sentiment.predict import Rating
from tests.programs import command_of

CASES = Path(__file__).resolve().parents[3].parent / "shared/cases"
COMMANDS = {"sentiment": "sentiment.predict", "language_model": "language_model.score"}
COMMANDS |= {"pos_tagging": "pos_tagging.predict"}
OWN = {
    "sentiment": ("rating", "spread", "num_tokens", "num_unknown"),
    "language_model": ("log_probability", "perplexity", "bits_per_character", "num_tokens", "num_unknown"),
    "pos_tagging": ("tokens", "tags"),
}
IDS = ["7", "8", "9", "10", "11"]
TEXTS = ['So "good", she said.\nReally; yes.', "", "Dull, and it creaks.", "   ", "Dull, and it creaks."]
ROWS = [{"id": number, "comment": text, "n": "0" + number} for number, text in zip(IDS, TEXTS, strict=True)]


class ToyModel:
    """Answers without a network: a rating, a score and tags that follow from the length of a text."""

    def __init__(self, config):
        self.config, self.vocabulary = config, Vocabulary(["so"])
        self.lexicon = type("Lexicon", (), {"words": {"Dull"}})

    def predict(self, texts, scale=None):
        texts = as_texts(texts)
        return Answers([Rating(len(text) / 4, 1.25, len(text.split()), 1) for text in texts], texts)

    def score(self, texts, context=""):
        texts = as_texts(texts)
        return Answers(
            [TextScore(text, [*text.split(), "<eos>"], [-1.5] * (len(text.split()) + 1), 1) for text in texts], texts
        )

    def tag(self, texts, probabilities=False):
        sentences = [TaggedSentence(text.split(), ["X"] * len(text.split())) for text in as_texts(texts)]
        return Answers([TaggedText([sentence]) for sentence in sentences], texts)

    def with_settings(self, config):
        return self


@pytest.fixture
def run_toy(monkeypatch, capsys):
    """Run the command of a task with a model that is made up; returns what it prints."""
    configs = {sentiment: SentimentConfig(), language_model: LanguageModelConfig(), pos_tagging: TaggingConfig()}
    for task, config in configs.items():
        monkeypatch.setattr(task, "load", lambda *_, config=config: ToyModel(config))

    def run_toy(task, *args):
        command_of(COMMANDS[task])(
            ["--model", str(Path(__file__).parents[2] / "fixtures/format_1" / task), *map(str, args)]
        )
        return capsys.readouterr().out

    return run_toy


def write_table(path, separator=","):
    """The rows as a file of the format that the name tells."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    elif path.suffix == ".json":
        path.write_text(json.dumps(ROWS, indent=1))
    elif path.suffix == ".xlsx":
        book = pytest.importorskip("openpyxl").Workbook()
        for row in [list(ROWS[0]), *(list(row.values()) for row in ROWS)]:
            book.active.append(row)
        book.save(path)
    elif path.suffix == ".parquet":
        arrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(arrow.Table.from_pylist(ROWS), path)
    else:
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, list(ROWS[0]), delimiter=separator)
            writer.writeheader()
            writer.writerows(ROWS)
    return path


def read_table(path, separator=","):
    """The rows of a file, as dicts."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    if path.suffix == ".json":
        return json.loads(path.read_text())
    if path.suffix == ".xlsx":
        header, *rows = pytest.importorskip("openpyxl").load_workbook(path).active.iter_rows(values_only=True)
        return [dict(zip(header, row, strict=True)) for row in rows]
    if path.suffix == ".parquet":
        return pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter=separator))


@pytest.mark.parametrize("task", COMMANDS)
@pytest.mark.parametrize(
    ("ending", "separator"),
    [(".csv", ","), (".csv", ";"), (".tsv", "\t"), (".jsonl", ""), (".json", ""), (".xlsx", ""), (".parquet", "")],
)
def test_every_row_and_column_comes_back_in_the_format_that_was_read(task, ending, separator, run_toy, tmp_path):
    given, written = write_table(tmp_path / f"in{ending}", separator), tmp_path / f"out{ending}"
    run_toy(task, "--input", given, "--output", written)
    rows = read_table(written, separator)
    assert [row["id"] for row in rows] == IDS
    assert [row["n"] for row in rows] == [row["n"] for row in ROWS]
    assert [(row["comment"] or "").strip() for row in rows] == [text.strip() for text in TEXTS]
    for row in rows:
        answered = bool((row["comment"] or "").strip())
        assert (row.get("note") or "") == ("" if answered else "empty text")
        for name in OWN[task]:
            assert (row[name] not in (None, "")) == answered


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".json"])
@pytest.mark.parametrize("output", [".csv", ".tsv", ".jsonl", ".json"])
def test_the_ending_of_the_output_chooses_its_format(ending, output, run_toy, tmp_path):
    written = tmp_path / f"out{output}"
    run_toy("sentiment", "--input", write_table(tmp_path / f"in{ending}", "\t" if ending == ".tsv" else ","),
            "--output", written)  # fmt: skip
    rows = read_table(written, "\t" if output == ".tsv" else ",")
    assert [row["id"] for row in rows] == IDS
    assert float(rows[2]["rating"]) == 5.0


def test_columns_are_chosen_and_their_names_kept_apart(run_toy, tmp_path, caplog):
    path = tmp_path / "a.csv"
    path.write_text("id,review,rating,note\n1,So good.,4,n\n")
    caplog.set_level("INFO")
    header, row = run_toy("sentiment", "--input", path).splitlines()
    assert header == "id,review,rating,note,rating_predicted,spread,num_tokens,num_unknown,note_predicted"
    assert row == "1,So good.,4,n,2.00,1.25,2,1,"
    assert "the input has a column 'rating'; that of the answers is 'rating_predicted'" in caplog.text
    assert run_toy("sentiment", "--input", path, "--columns", "rating_predicted,id") == "rating_predicted,id\n2.00,1\n"
    with pytest.raises(InputError, match="--columns: no column 'ID': did you mean 'id'"):
        run_toy("sentiment", "--input", path, "--columns", "ID")
    with pytest.raises(InputError, match="--columns: no column ''; the columns there are: id, review, rating, "):
        run_toy("sentiment", "--input", path, "--columns", "")


@pytest.mark.parametrize("task", COMMANDS)
@pytest.mark.parametrize("name", ["csv", "tsv", "json"])
def test_nothing_is_printed_before_the_model_is_open(task, name, run_toy, tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise InputError("x: not a bundle")

    monkeypatch.setattr(f"{task}.load", refuse)
    with pytest.raises(InputError, match="x: not a bundle"):
        run_toy(task, "--input", write_table(tmp_path / "a.csv"), "--text-column", "comment", "--format", name)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("sentiment", ["So good."]),
        ("language_model", ["So good.", "--format", "html"]),
        ("pos_tagging", ["So good.", "--format", "jsonl"]),
        ("pos_tagging", ["--input", Path(pos_tagging.__file__).parent / "dataset/test.conllu"]),
    ],
)
def test_columns_of_what_is_no_table_are_refused(task, options, run_toy):
    with pytest.raises(InputError, match="--columns: the answers are no table; leave it out, or choose another"):
        run_toy(task, *options, "--columns", "text")


def test_columns_of_texts_on_the_command_line(run_toy):
    assert run_toy("sentiment", "So good.", "--format", "csv", "--columns", "rating,review") == (
        "rating,review\n2.00,So good.\n"
    )


@pytest.mark.parametrize("option", ["--tokens-column", "--tags-column", "--input-format"])
def test_how_words_stand_in_a_file_is_refused_with_texts(option, run_toy):
    with pytest.raises(InputError, match=f"{option} words: tells how a file is read; leave it out, or give --input"):
        run_toy("pos_tagging", option, "words", "So good.")


TEN_KINDS = (
    '{n},"never closed\n', '{n},"closed" early\n', "{n}\n", "{n},a,b\n", "{n},\n", "{n},  \n", ",\n", "{n},caf\xe9\n",
    '{n},"""\n', "{n},{long}\n",
)  # fmt: skip


def write_many(path, num_rows, every):
    """A file of which each `every`th row is bad, in one of ten ways; returns the numbers of these rows."""
    bad = []
    with open(path, "wb") as file:
        file.write("id,review\n0,Schön.\n".encode())
        for number in range(1, num_rows):
            if number % every == 0:
                bad.append(number)
                line = TEN_KINDS[len(bad) % 10].replace("{long}", "x" * 2_000_001 if len(bad) == 9 else "a,b,c")
                file.write(line.replace("{n}", str(number)).encode("latin-1"))
            else:
                file.write(f'{number},"Row {number}, so good."\n'.encode())
    return bad


def check_many(run_toy, folder, num_rows, every):
    bad = write_many(folder / "many.csv", num_rows, every)
    run_toy("sentiment", "--input", folder / "many.csv", "--output", folder / "out.csv")
    with open(folder / "out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == num_rows
    assert [number for number, row in enumerate(rows) if row["note"]] == bad
    assert all(bool(row["rating"]) != bool(row["note"]) for row in rows)
    kept = [row["id"] for number, row in enumerate(rows) if number not in set(bad)]
    assert kept == [str(number) for number in range(num_rows) if number not in set(bad)]


def test_bad_rows_of_ten_kinds_keep_their_places(run_toy, tmp_path):
    check_many(run_toy, tmp_path, 220, 20)


@pytest.mark.slow
def test_ten_thousand_rows_with_a_hundredth_of_bad_ones(run_toy, tmp_path):
    check_many(run_toy, tmp_path, 10_000, 100)


def test_bad_lines_of_json_keep_their_places(run_toy, tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [
        '{"id": 1, "review": "So good."}',
        "{oh",
        '{"id": 3}',
        '{"id": 4, "review": null}',
        "[1]",
        '{"id": 6, "review": "Bad."}',
    ]
    path.write_text("\n".join(lines))
    rows = [json.loads(line) for line in run_toy("sentiment", "--input", path).splitlines()]
    assert [row.get("id", row.get("raw")) for row in rows] == [1, "{oh", 3, 4, "[1]", 6]
    assert [row["rating"] is None for row in rows] == [False, True, True, True, True, False]
    notes = [row.get("note", "") for row in rows]
    assert notes[1].startswith("not valid JSON")
    assert notes[2].startswith("no column 'review'")
    assert notes[3] == "empty text"


def test_a_row_with_too_many_fields_loses_nothing(run_toy, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,review\n1,So good.\n2,So, so good\n3\n")
    rows = list(csv.DictReader(io.StringIO(run_toy("sentiment", "--input", path))))
    assert [(row["id"], row["review"]) for row in rows] == [("1", "So good."), ("2", "So, so good"), ("3", "")]
    assert "3 fields where the header has 2" in rows[1]["note"]


@pytest.mark.parametrize("task", COMMANDS)
def test_nothing_answered_is_an_error_and_leaves_no_file(task, run_toy, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,\n2, \n")
    with pytest.raises(InputError, match="none of the 2 rows could be answered"):
        run_toy(task, "--input", path, "--text-column", "text", "--output", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_text_for_people_has_a_line_for_each_row(run_toy, tmp_path):
    shown = run_toy("sentiment", "--input", write_table(tmp_path / "a.csv"), "--format", "text", "--line-numbers")
    lines = shown.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["1", "2", "3", "4", "5"]
    assert lines[0].endswith('So "good", she said. Really; yes.')
    assert lines[1].endswith("(empty text)")


def test_a_table_without_a_header_comes_back_without_one(run_toy, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1,So good and so long a text.\n2,Bad and dull and without an end.\n")
    assert run_toy("sentiment", "--input", path, "--no-header").splitlines()[0].startswith("1,So good and so long")


def test_decimal_commas_and_semicolons_come_back(run_toy, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("review;stars\nSo good.;4,5\nBad.;1\n")
    assert run_toy("sentiment", "--input", path).splitlines()[1] == "So good.;4,5;2,00;1,25;2;1;"


def test_texts_of_lines_as_a_table(run_toy, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("So good.\n\nBad.\n")
    rows = list(csv.DictReader(io.StringIO(run_toy("sentiment", "--input", path, "--format", "csv", "--line-numbers"))))
    assert [(row["review"], row["line"]) for row in rows] == [("So good.", "1"), ("Bad.", "3")]
    options = ["--input", path, "--format", "csv", "--document", "line"]
    rows = list(csv.DictReader(io.StringIO(run_toy("sentiment", *options))))
    assert [(row["review"], row["note"]) for row in rows] == [("So good.", ""), ("", "empty text"), ("Bad.", "")]


@pytest.mark.parametrize(
    ("content", "column"),
    [
        ("id,Review\n1,So good.\n2,Bad.\n", "Review"),
        ("id,what they wrote\n1,It arrived late and broken.\n2,So good and so well made.\n", "what they wrote"),
    ],
)
def test_the_only_column_that_can_be_the_text_is_taken_and_said(content, column, run_toy, tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "a.csv").write_text(content)
    assert len(run_toy("sentiment", "--input", tmp_path / "a.csv").splitlines()) == 3
    assert f"column {column!r}" in caplog.text


@pytest.mark.parametrize("content", ["id,a,b\n1,It arrived late and broken.,So good and so well made.\n", "a,b\n1,2\n"])
def test_a_column_in_doubt_is_refused(content, run_toy, tmp_path):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(InputError, match=r"no column 'review'; the columns there are: .*choose with --text-column"):
        run_toy("sentiment", "--input", tmp_path / "a.csv")


@pytest.mark.skipif(not CASES.is_dir(), reason="the inputs that failed are not here")
def test_the_case_of_answers_that_could_not_be_joined(run_toy):
    path = CASES / "03-answers-cannot-be-joined-with-rows/reviews.csv"
    rows = list(csv.DictReader(io.StringIO(run_toy("sentiment", "--input", path))))
    assert [row["id"] for row in rows] == IDS
    assert [row["product"] for row in rows] == ["lamp", "chair", "chair", "desk", "desk"]
    assert [bool(row["note"]) for row in rows] == [False, True, False, True, False]


def test_numbers_that_json_has_not_are_null(run_toy, tmp_path, monkeypatch):
    monkeypatch.setattr(
        ToyModel, "predict", lambda self, texts, scale=None: [Rating(math.nan, None, 1, 0)] * len(texts)
    )
    assert json.loads(run_toy("sentiment", "So", "--format", "jsonl"))["rating"] is None


@pytest.mark.parametrize(("ending", "first"), [(".tsv", "One\tX"), (".jsonl", '{"place": '), (".csv", "text,")])
def test_a_tagger_writes_the_format_that_its_output_is_named_for(ending, first, tmp_path, run_toy):
    given, written = tmp_path / "a.txt", tmp_path / f"out{ending}"
    given.write_text("One two.\nThree.\n")
    run_toy("pos_tagging", "--input", given, "--output", written)
    assert written.read_text().startswith(first)


def test_a_parquet_column_whose_values_are_no_longer_of_its_type(tmp_path, monkeypatch):
    """The first rows say what a column is; a text stays one, and what is no number among numbers is left empty."""
    pytest.importorskip("pyarrow")
    monkeypatch.setattr("common.cli.table_files.ROWS_AT_ONCE", 2)
    with open(tmp_path / "a.parquet", "wb") as output:
        table = Parquet(output, ["mixed", "text", "number"])
        for row in ([1, "a", 1.5], ["b", "c", 2], [None, 3, "three"], [4, None, 4]):
            table.write(row)
        table.close()
    columns = pytest.importorskip("pyarrow.parquet").read_table(tmp_path / "a.parquet").to_pydict()
    assert columns == {
        "mixed": ["1", "b", None, "4"], "text": ["a", "c", "3", None], "number": [1.5, 2.0, None, 4.0]
    }  # fmt: skip
