"""Tables as they are written, to the character: separators, quotes, numbers, lists, cells of a spreadsheet."""

from __future__ import annotations

import datetime
import io
import json
from decimal import Decimal

import pytest

from common.cli.table_files import write_table
from common.text.delimited import Dialect

ROWS = [['a, "b"\nc', 1.256, ["x", "y"], None], ["tab\tbed", 2, [], 'q"']]
NAMES = ["text", "score", "tags", "note"]


def written(name, dialect=None, rows=ROWS, **more):
    output = io.StringIO()
    table = write_table(name, output, NAMES, dialect, {"score": ".2f"}, **more)
    for row in rows:
        table.write(row)
    table.close()
    return output.getvalue()


CSV = 'text,score,tags,note\n"a, ""b""\nc",1.26,x\ty,\ntab\tbed,2,,"q"""\n'
SEMICOLONS = 'text;score;tags;note\n"a, ""b""\nc";1,26;x\ty;\ntab\tbed;2;;"q"""\n'
TABS = 'text\tscore\ttags\tnote\na, "b" c\t1.26\tx y\t\ntab bed\t2\t\tq"\n'
QUOTED = 'text\tscore\ttags\tnote\n"a, ""b""\nc"\t1.26\tx y\t\n"tab\tbed"\t2\t\t"q"""\n'


@pytest.mark.parametrize(
    ("name", "dialect", "content"),
    [
        ("csv", None, CSV),
        ("csv", Dialect(separator=";", decimal_comma=True), SEMICOLONS),
        ("csv", Dialect(separator="\t"), CSV),
        ("csv", Dialect(separator=";", single=True), CSV),
        ("csv", Dialect(has_header=False), CSV.partition("\n")[2]),
        ("tsv", None, TABS),
        ("tsv", Dialect(separator="\t", quoted=False), TABS),
        ("tsv", Dialect(separator="\t"), QUOTED),
    ],
)
def test_delimited_tables(name, dialect, content):
    assert written(name, dialect) == content


def test_a_number_without_a_format_is_as_it_is():
    assert written("csv", rows=[[0.5, "1.256", 0.125, 1.0]]).splitlines()[1] == "0.5,1.256,0.125,1.0"


def test_objects_of_json():
    rows = [{"a": 1, "b": "é"}, {"day": datetime.date(2024, 5, 6)}]
    lines = [json.dumps(rows[0]), '{"day": "2024-05-06"}']
    assert written("jsonl", rows=rows) == "".join(f"{line}\n" for line in lines)
    assert written("json", rows=rows) == f"[\n{lines[0]},\n{lines[1]}\n]\n"
    assert written("json", rows=[]) == "[]\n"


def test_the_header_comes_with_the_first_row_or_at_the_end():
    output = io.StringIO()
    table = write_table("csv", output, NAMES)
    assert output.getvalue() == ""
    table.write(ROWS[0])
    assert output.getvalue().splitlines()[0] == "text,score,tags,note"
    assert written("csv", rows=[]) == "text,score,tags,note\n"
    assert written("csv", Dialect(has_header=False), rows=[]) == ""


class Counted(io.StringIO):
    """What is written, and how much of it was out at each flush."""

    def __init__(self):
        super().__init__()
        self.flushed = []

    def flush(self):
        self.flushed.append(self.getvalue())


@pytest.mark.parametrize("name", ["csv", "tsv", "jsonl", "json"])
def test_every_row_comes_out_at_once(name):
    output = Counted()
    table = write_table(name, output, ["a"])
    for number in (1, 2):
        table.write({"a": number} if name.startswith("json") else [number])
        assert output.flushed[-1] == output.getvalue()
        assert str(number) in output.flushed[-1]


def cells_of(rows, names=("a", "b")):
    openpyxl = pytest.importorskip("openpyxl")
    output = io.BytesIO()
    table = write_table("xlsx", output, names)
    for row in rows:
        table.write(row)
    table.close()
    [sheet] = openpyxl.load_workbook(output).worksheets
    assert sheet.title == "answers"
    return [[(cell.value, cell.data_type) for cell in row] for row in sheet.iter_rows()]


def test_cells_of_a_spreadsheet():
    long = "x" * 40_000
    assert cells_of([["=1+1", 2], [["a", "b"], {"c": 1}], ["a\x00b\tc\n", None], [long, 0.5]]) == [
        [("a", "s"), ("b", "s")],
        [("=1+1", "s"), (2, "n")],
        [("a\tb", "s"), ('{"c": 1}', "s")],
        [("ab\tc\n", "s"), (None, "n")],
        [(long[:32_767], "s"), (0.5, "n")],
    ]


def test_cells_of_values_that_a_spreadsheet_does_not_have():
    moment, naive = datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC), datetime.datetime(2026, 1, 2, 3)
    assert cells_of([[moment, naive], [b"good", b"\xff!"], [Decimal("1.5"), datetime.timedelta(3)]])[1:] == [
        [("2026-01-02 03:00:00+00:00", "s"), (naive, "d")],
        [("good", "s"), ("!", "s")],
        [(1.5, "n"), ("3 days, 0:00:00", "s")],
    ]


def test_bytes_are_texts_in_json():
    output = io.StringIO()
    table = write_table("jsonl", output, ["a"])
    table.write({"a": b"caf\xc3\xa9"})
    table.close()
    assert json.loads(output.getvalue()) == {"a": "café"}


def parquet_of(rows, names=("a", "b"), schema=None):
    parquet = pytest.importorskip("pyarrow.parquet")
    output = io.BytesIO()
    table = write_table("parquet", output, names, schema=schema)
    for row in rows:
        table.write(row)
    table.close()
    output.seek(0)
    return parquet.read_table(output)


def test_a_parquet_table_without_rows_has_its_columns():
    table = parquet_of([])
    assert (table.num_rows, table.column_names) == (0, ["a", "b"])


def test_columns_of_parquet_keep_the_types_that_they_had():
    arrow = pytest.importorskip("pyarrow")
    schema = arrow.schema([("a", arrow.int8()), ("other", arrow.int8())])
    table = parquet_of([[1, None], [2, None]], schema=schema)
    assert list(map(str, table.schema.types)) == ["int8", "string"]
    assert table.to_pydict() == {"a": [1, 2], "b": [None, None]}


@pytest.mark.parametrize("rows", [999, 1000, 1001])
def test_all_rows_of_a_parquet_table_are_written(rows):
    table = parquet_of([[number, str(number)] for number in range(rows)])
    assert table.column("a").to_pylist() == list(range(rows))
    assert table.column("a").num_chunks in (1, 2)
