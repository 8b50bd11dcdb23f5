"""Shards: what they hold together is what the whole file holds, whatever its format, and wherever it is cut."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import random

import pytest

from common.errors import InputError
from common.text import delimited, rows
from common.text.asked import open_asked
from pos_tagging.word_files import Columns, open_words
from scaling import shards
from scaling.corpus_config import RATE, TAG, CorpusConfig
from scaling.shards import open_shard, open_shard_texts, open_shard_words, plan
from scaling.stores import find_files

CONFIG = CorpusConfig(shard_mb=0.003)
WORDS = ["the", "film", "was", "a", "joy", "from", "start", "to", "end", "and", "nobody", "cared", "about", "soup"]


@pytest.fixture(autouse=True)
def small_head(monkeypatch):
    monkeypatch.setattr(shards, "HEAD", 2000)


def texts(number, seed=1):
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(3, 12))).capitalize() + "." for _ in range(number)]


def plan_one(path, verb=RATE, config=CONFIG):
    [planned] = plan(verb, find_files(str(path)), ["text"], config)
    return planned.shards


def whole(path, config=CONFIG):
    opened = open_asked(path, config.text_column, ["text"])
    return [(asked.text, asked.record, asked.problem.rpartition(": ")[2]) for asked in opened.items]


def in_shards(path, config=CONFIG):
    """What each shard holds."""
    found = []
    for shard in plan_one(path, config=config):
        with open_shard(shard) as source:
            items = open_shard_texts(source, shard.column, ["text"], config).items
            rows = itertools.islice(items, shard.skipped, None)
            found.append([(row.text, row.record, row.problem.rpartition(": ")[2]) for row in rows])
    return found


def table(separator=",", number=400, breaks=True, **options):
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator="\n", **options)
    writer.writerow(["id", "text", "stars"])
    for i, text in enumerate(texts(number)):
        writer.writerow([i, text.replace(" ", '\n\n"', 3) if breaks and i % 3 else text, i % 5])
    return file.getvalue()


def bad_rows():
    """A table with stray quotes, a quoted field that never ends, missing fields, empty and long rows."""
    lines = table().splitlines(keepends=True)
    lines[300:300] = ['7,"no end of it,3\n', "8,too few\n", "\n", '9,5" pipe,4\n', '10,"x"y,1\n', "11,,2\n"]
    return "".join(lines)


PROSE = "\n\n".join("\n".join([f"{line}, and" for line in texts(4, seed)] + ["so on."]) for seed in range(60))
FILES = {
    "plain.csv": table(),
    "crlf.csv": table().replace("\n", "\r\n"),
    "bad.csv": bad_rows(),
    "semicolons.csv": table(";"),
    "escaped.csv": table(doublequote=False, escapechar="\\"),
    "titled.csv": "A survey\n\n" + table(),
    "stated.csv": "sep=;\n" + table(";"),
    "tabs.tsv": table("\t", breaks=False),
    "lines.jsonl": "".join(json.dumps({"text": text, "n": [1, None]}) + "\n" for text in texts(400)) + "{broken\n",
    "lines.txt": "\n".join(texts(400)),
    "blank.txt": "\n \n".join(texts(300)),
    "paragraphs.txt": PROSE,
}


@pytest.mark.parametrize("name", FILES)
def test_shards_hold_what_the_file_holds(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILES[name].encode())
    found = in_shards(path)
    assert len(found) >= 3
    assert all(found)
    assert list(itertools.chain(*found)) == whole(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("code_page.csv", table().replace("joy", "joié d'été à côté").encode("cp1252")),
        ("late.txt", "\n".join([*texts(300), "Où était le café déjà ? C'est là."] * 3).encode("cp1252")),
        ("marked.csv", b"\xef\xbb\xbf" + table().replace("joy", "süß").encode()),
    ],
)
def test_every_shard_has_the_encoding_of_its_file(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    found = in_shards(tmp_path / name)
    assert len(found) >= 3
    assert list(itertools.chain(*found)) == whole(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("wide.csv", table().encode("utf-16")),
        ("packed.csv.gz", gzip.compress(table().encode())),
        ("list.json", json.dumps([{"text": text} for text in texts(300)]).encode()),
        ("one_line.txt", " ".join(texts(500)).encode()),
    ],
)
def test_a_file_that_cannot_be_cut_is_one_shard(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    found = in_shards(tmp_path / name)
    assert len(found) == 1
    assert found[0] == whole(tmp_path / name)


def test_rows_of_a_group_of_parquet(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    content = {"id": list(range(900)), "comment": texts(900)}
    parquet.write_table(arrow.table(content), tmp_path / "a.parquet", row_group_size=600, compression="none")
    found = plan_one(tmp_path / "a.parquet")
    assert {shard.group for shard in found} == {0, 1}
    assert len(found) > 4
    assert {shard.column for shard in found} == {"comment"}  # found by sight, once
    assert list(itertools.chain(*in_shards(tmp_path / "a.parquet"))) == whole(tmp_path / "a.parquet")


CONLLU = "".join(
    f"# sent_id = {i}\n# text = x\n"
    + "".join(f"{n}\t{word}\t_\tNOUN\t_\t_\t0\troot\t_\t_\n" for n, word in enumerate(text[:-1].split(), 1))
    + ("\n\n" if i % 7 == 0 else "\n")
    for i, text in enumerate(texts(120))
)
WORD_FILES = {
    "a.conllu": CONLLU,
    "broken.conllu": CONLLU.replace("\tsoup\t", " soup "),
    "a.tsv": "".join("".join(f"{word}\tNN\n" for word in text[:-1].split()) + "\n" for text in texts(300)),
    "pairs.txt": "".join(" ".join(f"{word}/NN" for word in text[:-1].split()) + "\n" for text in texts(300)),
}


@pytest.mark.parametrize("name", WORD_FILES)
def test_shards_of_words_keep_every_line(name, tmp_path):
    (tmp_path / name).write_text(WORD_FILES[name])
    with open_words(tmp_path / name, Columns()) as words:
        assert words.format.name != "text"
        wanted = list(words.sentences(tagged=False, keep_lines=True))
    found = []
    cut = plan_one(tmp_path / name, TAG)
    assert len(cut) >= 3
    for shard in cut:
        with open_shard(shard) as source:
            words = open_shard_words(source, TAG, CONFIG)
            found += itertools.islice(words.sentences(tagged=False, keep_lines=True), shard.skipped, None)
    assert "".join(line for item in found for line in item.lines) == WORD_FILES[name]
    assert [getattr(item, "tokens", None) for item in found] == [getattr(item, "tokens", None) for item in wanted]


def test_damage_is_found_before_anything_is_answered(tmp_path):
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(table().encode())[:-30])
    with pytest.raises(InputError, match=r"^cut\.csv\.gz: not a complete gzip file"):
        plan_one(tmp_path / "cut.csv.gz")
    (tmp_path / "a.csv").write_text("id,stars\n1,2\n")
    with pytest.raises(InputError, match=r"^a\.csv: no column 'text'"):
        plan_one(tmp_path / "a.csv")


def test_the_cuts_depend_on_the_input_alone(tmp_path):
    (tmp_path / "a.csv").write_text(table(number=3000))
    first, again = plan_one(tmp_path / "a.csv"), plan_one(tmp_path / "a.csv")
    assert first == again
    assert max(shard.stop - shard.start for shard in first) < 3 * 3000
    assert [shard.start for shard in first[1:]] == [shard.stop for shard in first[:-1]]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
@pytest.mark.parametrize("size", [250, 350])
def test_a_row_is_measured_in_characters_wherever_it_is_cut(encoding, size, tmp_path, monkeypatch):
    for module in (rows, delimited):
        monkeypatch.setattr(module, "MAX_ROW", 300)
    path, long = tmp_path / "novels.csv", ("роман был\n" * 40)[:size]
    lines = [[number, long if number % 50 == 7 else f"Фильм {number}, скучный.", 4] for number in range(400)]
    with open(path, "w", newline="", encoding=encoding) as file:
        csv.writer(file, lineterminator="\n").writerows([["id", "text", "stars"], *lines])
    pieces = in_shards(path)
    assert len(pieces) > 3
    found, wanted = ([row[:2] for row in read] for read in (itertools.chain(*pieces), whole(path)))
    assert found == wanted
    assert sum(text == long for text, _ in found) == (8 if size < 300 else 0)
