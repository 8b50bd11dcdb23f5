"""Spreadsheets and Parquet files: which they are, what is in them, and what is refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from common.errors import InputError
from common.text import binary_tables
from common.text.asked import open_asked
from common.text.binary_tables import (
    OTHERS,
    binary_kind,
    is_saved_dataset,
    load_saved_dataset,
    need,
    parquet_rows,
    read_whole,
    sheet_rows,
    undamaged,
)
from common.text.sources import open_stream


def workbook(*sheets):
    """The bytes of a workbook; of each sheet its name and its rows."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def kind_of(content):
    with open_stream(io.BytesIO(content), "a.csv") as source:
        return binary_kind(source)


def test_what_a_file_is_by_its_first_bytes():
    assert [kind_of(content) for content in (b"PAR1x", b"PK\x03\x04x", b"PK\x03", b"text", b"")] == [
        ".parquet", ".xlsx", None, None, None
    ]  # fmt: skip
    for mark, what in OTHERS.items():
        with pytest.raises(InputError) as error:
            kind_of(mark + b"more")
        assert str(error.value) == f"a.csv: {what}"


@pytest.mark.parametrize(
    ("sheets", "name", "rows"),
    [
        ([("one", [["a", 1], ["b", 2]])], "", [("a", 1), ("b", 2)]),
        ([("one", [["a"]]), ("two", [["b"], ["c"]])], "two", [("b",), ("c",)]),
        ([("one", [["a"], ["b"]]), ("two", [["c"], ["d"]])], "one", [("a",), ("b",)]),
        ([("one", [["a"]]), ("two", [["b"]])], "one", [("a",)]),
    ],
)
def test_the_first_sheet_with_something_in_it_is_read(sheets, name, rows):
    found, values = sheet_rows(io.BytesIO(workbook(*sheets)), "a.xlsx")
    assert (found, list(values)) == ([f"sheet {name!r}"] if name else [], rows)


@pytest.mark.parametrize("where", [1, 3, 50])
def test_formulas_without_results_are_told_of(where, monkeypatch):
    monkeypatch.setattr(binary_tables, "BLOCK", 64)
    monkeypatch.setattr(binary_tables, "LONGEST_END", 40)
    rows = [["a", number] for number in range(60)]
    assert sheet_rows(io.BytesIO(workbook(("one", rows))), "a.xlsx")[0] == []
    rows[where][1] = "=A1&A2"
    [note], values = sheet_rows(io.BytesIO(workbook(("one", rows))), "a.xlsx")
    assert note.startswith("formulas without results, read as empty; ")
    assert list(values)[where] == ("a", None)


def test_a_zip_that_is_no_workbook():
    pytest.importorskip("openpyxl")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("a.txt", "text")
    content.seek(0)
    with pytest.raises(InputError, match=r"^a\.xlsx: a ZIP file, but no \.xlsx workbook; unpack it first$"):
        sheet_rows(content, "a.xlsx")
    with pytest.raises(InputError, match=r"^a\.xlsx: not a complete \.xlsx file \(.{1,80}\); save or copy it again$"):
        sheet_rows(io.BytesIO(b"PK\x03\x04"), "a.xlsx")


def test_a_file_that_is_held_whole_has_a_limit(monkeypatch):
    whole = workbook(("one", [["a"], ["b"]]))
    with zipfile.ZipFile(io.BytesIO(whole)) as packed:
        size = sum(entry.file_size for entry in packed.infolist())
    for most, refused in ((size, False), (size - 1, True)):
        monkeypatch.setattr(binary_tables, "MAX_BYTES", most)
        if refused:
            with pytest.raises(InputError, match="a.xlsx: unpacks to more than 0 MB; write CSV"):  # noqa: RUF043
                sheet_rows(io.BytesIO(whole), "a.xlsx")
        else:
            sheet_rows(io.BytesIO(whole), "a.xlsx")
    monkeypatch.setattr(binary_tables, "MAX_BYTES", 3 << 20)
    assert read_whole(io.BytesIO(bytes(3 << 20)), "a").getbuffer().nbytes == 3 << 20
    with pytest.raises(InputError, match="a: more than 3 MB, which is too much for this format; write CSV"):
        read_whole(io.BytesIO(bytes((3 << 20) + 1)), "a")


def test_rows_of_parquet():
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    content = io.BytesIO()
    parquet.write_table(arrow.table({"a": list(range(1001))}), content)
    content.seek(0)
    schema, rows = parquet_rows(content, "a.parquet")
    assert (schema.names, list(rows)) == (["a"], [{"a": number} for number in range(1001)])
    with pytest.raises(InputError, match=r"^a\.parquet: not a complete Parquet file \((.|\n){1,80}\); copy it again$"):
        parquet_rows(io.BytesIO(b"PAR1" + bytes(99)), "a.parquet")


def test_bytes_of_parquet_are_texts():
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    content = io.BytesIO()
    parquet.write_table(arrow.table({"text": [b"caf\xc3\xa9", b"caf\xe9"]}), content)
    content.seek(0)
    with open_stream(content, "a.parquet") as source:
        good, bad = open_asked(Path("a.parquet"), "text", [], source=source).items
    assert good.text == "café"
    assert (bad.text, bad.problem) == (
        None,
        "a.parquet, row 2: byte 0xe9 after 'caf' is not UTF-8; write texts, not bytes",
    )


def test_damage_within_a_file_is_one_line():
    for error, said in (
        (ValueError("x" * 99), f"^a: damaged .{'x' * 80}.; save or copy it again$"),
        (InputError("b"), "^b$"),
    ):
        with pytest.raises(InputError, match=said), undamaged("a"):
            raise error


def test_what_a_format_needs():
    assert need("io", "a") is io
    with pytest.raises(InputError, match=r"^a: needs the package nothing_there; pip install 'rnn-language\[tables\]'$"):
        need("nothing_there.deeper", "a")


def test_folders_of_data_sets(tmp_path, monkeypatch):
    for name, is_one in (("state.json", True), ("dataset_dict.json", True), ("other.json", False)):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).touch()
        assert is_saved_dataset(folder) is is_one
        assert not is_saved_dataset(folder / name)

    class Datasets:
        @staticmethod
        def load_from_disk(path):
            raise ValueError("y" * 99)

    monkeypatch.setattr(binary_tables, "need", lambda *given: Datasets)
    with pytest.raises(InputError, match=rf"state: no complete data set \({'y' * 80}\); save it again"):
        load_saved_dataset(tmp_path / "state")
