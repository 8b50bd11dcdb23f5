"""Formats found out from the content, each said in a line; what is in doubt is refused by name."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from common.bundles.provenance import describe_data
from common.errors import InputError
from common.text.asked import open_asked
from common.text.columns import RATING, TEXT, Column
from common.text.data import check_data, read_data
from common.text.json_rows import split_items
from common.text.readers import read_rows, require_good
from common.text.rows import BadRow
from common.text.tables import Reading

CASES = Path(__file__).resolve().parents[3].parent / "shared/cases"
COLUMNS = [Column("review", "--text-column", TEXT, False), Column("rating", "--rating-column", RATING, False)]
ROWS = [
    ("So, so good, and really well made.", "4"),
    ('She said "no"; and she left.', "1"),
    ("Très bien – déjà vu.", "5"),
]
PLAIN = "review,rating\n" + "".join(f'"{text.replace(chr(34), chr(34) * 2)}",{rating}\n' for text, rating in ROWS)
SEMICOLONS = PLAIN.replace(",", "\0").replace('"\0', '";').replace("review\0", "review;").replace("\0", ",")
TABS = "review\trating\n" + "".join(f"{text}\t{rating}\n" for text, rating in ROWS)
OBJECTS = [{"review": text, "rating": rating} for text, rating in ROWS]

FOUND = {
    "semicolons between fields": SEMICOLONS,
    "tabs between fields": TABS,
    "vertical bars between fields": TABS.replace("\t", "|"),
    "semicolons between fields, as its first line says": "sep=;\n" + SEMICOLONS,
    "commas between fields, as its first line says": "sep=,\r\n" + PLAIN,
    "quotes escaped by backslashes": PLAIN.replace('""', '\\"'),
    "UTF-16": PLAIN.encode("utf-16"),
    "Windows code page 1252": PLAIN.encode("cp1252"),
    "Windows code page 1252, semicolons between fields": SEMICOLONS.encode("cp1252"),
    "the header is row 2": "Reviews of the year,\n\n" + PLAIN,
    "no header: columns are numbered, texts in column '1', ratings in column '2'": PLAIN.partition("\n")[2],
    "a JSON array": json.dumps(OBJECTS),
    "JSON objects over several lines": "\n".join(json.dumps(row, indent=1) for row in OBJECTS),
    "JSON objects within an object": json.dumps({"n": 3, "reviews": OBJECTS}).replace('"n": 3, ', ""),
    "JSON by columns": json.dumps({name: {str(i): row[name] for i, row in enumerate(OBJECTS)} for name in OBJECTS[0]}),
    "objects as Python prints them": "\n".join(map(repr, OBJECTS)),
    "column 'Review' taken as 'review', column 'RATING' taken as 'rating'": "Review,RATING" + PLAIN[13:],
}  # fmt: skip
UNREMARKABLE = {
    "byte order mark": "\ufeff" + PLAIN,
    "Mac line ends": PLAIN.replace("\n", "\r"),
    "Windows line ends": PLAIN.replace("\n", "\r\n"),
    "spaces": PLAIN.replace(",4", ", 4").replace("review,rating", "review, rating\xa0"),
    "empty columns at the end": PLAIN.replace("\n", ",,\n"),
    "empty columns in rows alone": PLAIN.replace("\n", ",\n").replace("rating,", "rating"),
    "formulas": PLAIN.replace(",4\n", ',"=""4"""\n'),
    "gzip": gzip.compress(PLAIN.encode()),
}


def read(path, content, columns=COLUMNS, **options):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [
        (row["review"], row["rating"].strip()) for _, row in require_good(read_rows(path, columns, Reading(**options)))
    ]


@pytest.mark.parametrize("found", FOUND)
def test_a_format_is_found_out_and_said(found, tmp_path, caplog):
    caplog.set_level("INFO")
    assert read(tmp_path / "a.csv", FOUND[found]) == ROWS
    assert [record.getMessage() for record in caplog.records] == [f"{tmp_path}/a.csv: {found}"]


@pytest.mark.parametrize("name", UNREMARKABLE)
def test_what_makes_no_difference_is_not_spoken_of(name, tmp_path, caplog):
    caplog.set_level("INFO")
    assert read(tmp_path / "a.csv", UNREMARKABLE[name]) == ROWS
    assert caplog.records == []


@pytest.mark.parametrize("found", [name for name in FOUND if isinstance(FOUND[name], str)])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"])
def test_every_format_in_other_encodings(found, encoding, tmp_path):
    assert read(tmp_path / "a.csv", FOUND[found].encode(encoding)) == ROWS


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Zażółć gęślą jaźń, bardzo dobry film i świetna gra aktorów. Słaby, nudny i zbyt długi.", "cp1250"),
        ("Это очень хороший фильм, мне понравилось, и актёры играют прекрасно.", "cp1251"),
        ("Πολύ καλή ταινία, μου άρεσε πάρα πολύ και θα την ξαναδώ με χαρά.", "cp1253"),
        ("Ça va très bien, merci; l’été à Zürich.", "cp1252"),
        ("Größe zu klein, schön ist es trotzdem.", "cp1252"),
    ],
)
def test_code_pages_are_told_apart(text, encoding, tmp_path):
    rows = read(tmp_path / "a.csv", ("review;rating\n" + f'"{text}";4\n' * 3).encode(encoding))
    assert rows == [(text, "4")] * 3


def test_a_late_sign_decides_and_a_given_encoding_wins(tmp_path, caplog):
    caplog.set_level("INFO")
    many = "review,rating\n" + "So good.,4\n" * 60_000 + "déjà vu,1\n"
    assert read(tmp_path / "a.csv", many.encode("cp1252"))[-1] == ("déjà vu", "1")
    assert caplog.records[-1].getMessage().endswith("a.csv: Windows code page 1252")
    assert read(tmp_path / "b.csv", "review,rating\nмир,1\n".encode("koi8-r"), encoding="koi8-r") == [("мир", "1")]
    with pytest.raises(InputError, match="--encoding: no encoding 'cp9999'; give auto"):
        read(tmp_path / "b.csv", "x", encoding="cp9999")


def test_damage_in_utf8_is_a_bad_row_and_not_another_encoding(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("review,rating\nschön,4\nna".encode() + b"\xefve,3\ntr\xc3\xa8s,2\n")
    good, bad, last = read_rows(path, COLUMNS)
    assert (good[1]["review"], last[1]["review"]) == ("schön", "très")
    assert isinstance(bad, BadRow)
    assert bad.record == ["na\udcefve", "3"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("review,review,rating\na,b,3\n", "two columns are named 'review': 1 and 2; choose one by its number"),
        ("comment_text,stars\na,3\n", "no column 'review'; the columns there are: comment_text, stars; choose with"),
        ("rewiew,rating\na,3\n", "no column 'review': did you mean 'rewiew'"),
        ('{"review": "a", "review": "b", "rating": 3}\n', "row 1: two values of 'review' in one object"),
        ("17,So good and so well made.,4\n18,Bad and dull and without an end.,2\n", "the file has no header"),
    ],
)
def test_what_is_in_doubt_is_refused_by_name(content, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a.csv", content)


LONG = "This first line of a file without a header is as long as no name of a column is"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('id,comment\n1,"A joy\n2,Bad\n3,fine\n', "row 1, line 2: not valid CSV .*; also no column 'text'"),
        ('id,comment\n1,fine\n2,"Bad\n3,fine\n', "row 2, line 3: not valid CSV"),
        ('id,comment\n1,"MUCH"\n', "row 1, line 2: 2,250,005 characters, the most is 2,000,000; cut it"),
        ('id,comment\n1,good\n2,"MUCH"\n', "row 2, line 3: 2,250,005 characters"),
        ('{"id": 1, "a\n{"id": 2, "b": "fine"}\n', "row 1: not valid JSON .*; also no column 'text'"),
        ("id,comment\n1,good\n2,fine\n", r"a\.csv: no column 'text'; the columns there are: id, comment; choose"),
        ("id,comment\n", r"a\.csv: no rows below the header"),
    ],
)
def test_why_no_column_of_texts_was_found(content, message, tmp_path):
    (tmp_path / "a.csv").write_text(content.replace("MUCH", "joy " * 562_500))
    with pytest.raises(InputError, match=message) as raised:
        open_asked(tmp_path / "a.csv", None)
    assert str(raised.value).startswith(f"{tmp_path / 'a.csv'}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('id,"comment\n1,A joy it is to read\n2,fine\n', "row 1, line 1: not valid CSV .*; also no column 'comment'"),
        ('id,text\n1,"A joy\n2,Bad\n', r"a\.csv: no column 'comment'; the columns there are: id, text"),
        (f"{LONG}\n{LONG}\n", "the columns there are: 1; choose with --text-column 1, say; the file has no header"),
        (f"1,{LONG}\n2,{LONG}\n", "the columns there are: 1, 2; choose with --text-column 2, say"),
    ],
)
def test_why_a_column_that_was_named_was_not_found(content, message, tmp_path):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        open_asked(tmp_path / "a.csv", "comment")


def test_of_two_columns_of_one_name_either_is_read_by_its_number(tmp_path):
    for number, text in ((1, "a"), (2, "b")):
        columns = [Column(str(number), "--text-column", TEXT), COLUMNS[1]]
        (tmp_path / "a.csv").write_text("review,review,rating\na,b,3\n")
        [(_, row)] = read_rows(tmp_path / "a.csv", columns)
        assert row[str(number)] == text


def test_fields_of_objects_within_objects(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"review": {"text": "So good."}, "n": 1}\n')
    [(_, row)] = read_rows(tmp_path / "a.jsonl", ["review.text"])
    assert row["review.text"] == "So good."


def test_a_quote_that_is_not_closed_costs_its_own_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,review\n1,fine\n2,"never closed\n3,fine\n4,"quoted"\n5,fine\n')
    rows = list(read_rows(path))
    assert [isinstance(row, BadRow) for row in rows] == [False, True, False, False, False]
    assert "row 2, line 3: not valid CSV" in rows[1].message


def test_items_of_json_do_not_depend_on_how_the_text_comes():
    text = '[{"a": "]\\\\\\"x"}, {"b": {"c": "}"}},\n {"broken": "x},\n {"d": 1}]'
    whole = list(split_items([text]))
    assert len(whole) == 4
    for size in range(1, 9):
        assert list(split_items(text[i : i + size] for i in range(0, len(text), size))) == whole


def test_a_long_array_streams(tmp_path):
    """A reader that holds the array fails here: the pipe's other end never closes."""
    path = tmp_path / "endless.json"
    os.mkfifo(path)
    stop = threading.Event()

    def feed():
        try:
            with open(path, "w") as pipe:
                pipe.write("[")
                while not stop.is_set():
                    pipe.write('{"review": "so good", "rating": 3},\n' * 1000)
        except BrokenPipeError:
            pass

    thread = threading.Thread(target=feed)
    thread.start()
    rows = read_rows(path, COLUMNS)
    assert len(list(itertools.islice(rows, 5000))) == 5000
    stop.set()
    rows.close()
    thread.join(timeout=10)
    assert not thread.is_alive()


class Labels:
    """A class label of the package datasets."""

    names = ("bad", "good")


class Dataset:
    """What the package datasets has: names of columns, their kinds, and rows that are dicts."""

    column_names = ("review", "rating")
    features: ClassVar = {}
    rows = OBJECTS

    def __iter__(self):
        return iter(self.rows)


class LabelledDataset(Dataset):
    column_names = ("review", "rating", "tags")
    features: ClassVar = {"rating": Labels(), "tags": type("List", (), {"feature": Labels()})()}
    rows = ({"review": "So good.", "rating": 1, "tags": [0, 1]}, {"review": "Never.", "rating": -1, "tags": []})


class Splits:
    column_names: ClassVar = {"train": ["review"], "test": ["review"]}


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A folder as `save_to_disk` makes it, and the package that opens it: a function that says what is in it."""
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "state.json").write_text("{}")

    def hold(data):
        monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_from_disk=lambda path: data))
        return folder

    return hold


def test_data_sets_of_the_package_datasets(saved):
    assert [row["review"] for _, row in require_good(read_data(Dataset(), COLUMNS))] == [text for text, _ in ROWS]
    with pytest.raises(InputError, match=r"several splits \(train, test\); give one"):
        list(read_data(Splits(), COLUMNS))
    folder = saved(Splits())
    with pytest.raises(InputError, match=r"several splits .*; give the folder of one: .*saved/train"):
        list(read_data(folder, COLUMNS))
    assert list(read_data(saved(Dataset()), COLUMNS)) == list(read_data(Dataset(), COLUMNS))


def test_class_labels_are_read_by_their_names():
    [(_, good), (_, missing)] = read_data(LabelledDataset(), ["review", "rating", "tags"])
    assert (good["rating"], good["tags"]) == ("good", '["bad", "good"]')
    assert (missing["rating"], missing["tags"]) == ("", "[]")


def test_a_saved_data_set_is_a_place_of_texts_and_of_training_data(saved):
    folder = saved(Dataset())
    check_data(folder)
    texts = open_asked(folder, None)  # the only column of texts is found by its content
    assert texts.column == "review"
    assert [asked.text for asked in texts.items] == [text for text, _ in ROWS]
    found = describe_data(folder)
    assert found["file"] == "saved"
    assert len(found["sha256"]) == 64
    (folder / "data.arrow").write_bytes(b"other rows")
    assert describe_data(folder)["sha256"] != found["sha256"]
    with pytest.raises(InputError, match="is a folder; give the name of a file in it"):
        check_data(folder.parent)


def test_a_saved_data_set_without_the_package(saved, monkeypatch):
    folder = saved(None)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match="needs the package datasets"):
        list(read_data(folder, COLUMNS))


@pytest.mark.skipif(not CASES.is_dir(), reason="the inputs that failed are not here")
@pytest.mark.parametrize("folder", ["11-spreadsheet-exports", "14-backslashes-in-csv", "15-json-reviews"])
def test_the_cases_of_tables_are_read(folder):
    names = ("reviewText", "overall") if folder.startswith("15") else ("review", "rating")
    columns = [Column(name, "", kind, False) for name, kind in zip(names, (TEXT, RATING), strict=True)]
    for path in sorted((CASES / folder).iterdir()):
        rows = list(read_rows(path, columns))
        bad = [row for row in rows if isinstance(row, BadRow)]
        assert len(bad) == (path.name == "one_without_text.json"), path
        assert len(rows) in (5, 20, 200)
        ratings = {float(row[1][names[1]].replace(",", ".")) for row in rows if not isinstance(row, BadRow)}
        assert ratings <= {1.0, 2.0, 3.0, 4.0, 5.0}


@pytest.mark.skipif(not CASES.is_dir(), reason="the inputs that failed are not here")
@pytest.mark.parametrize("name", ["form.csv", "ratings.csv", "texts.csv"])
def test_the_cases_of_two_columns_of_one_name_are_refused(name):
    columns = [Column("text", "--text-column", TEXT, False)] if name == "texts.csv" else COLUMNS
    with pytest.raises(InputError, match=r"two columns are named '(review|rating|text)': 1 and [23]"):
        list(read_rows(CASES / "10-two-columns-of-one-name" / name, columns))


def test_a_column_that_is_found_by_its_texts_has_a_name_of_its_own(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("comment,comment,rating,note\nA joy,Bad,9,mine\nDull,Great,2,yours\n")
    with pytest.raises(InputError, match="two columns are named 'comment': 1 and 2; choose one by its number"):
        open_asked(path, None, ["review"])
