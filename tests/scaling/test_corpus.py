"""A corpus: its parts are what one undisturbed run writes, however often it is stopped; other input is refused."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import os
import resource
import signal
from collections import namedtuple
from functools import partial

import pytest

import scaling.corpus
from common.errors import InputError
from common.output import MARKER, make_ours, workspace_of
from common.text.sources import open_source
from pos_tagging.config import TaggingConfig
from pos_tagging.sentences import TaggedSentence, TaggedText
from scaling import CorpusConfig, answer_corpus, corpus_cli, shards
from scaling.answering import ABOUT
from scaling.corpus_progress import Progress
from scaling.stores import Folder, Remote, find_files, open_store, own_name
from scaling.summaries import Notes, Summary
from scaling.verbs import Answerer, rating_columns, sum_ratings, sum_tags, tag_columns
from sentiment.predict import Rating

CONFIG = CorpusConfig(shard_mb=0.002)
FakeBundle = namedtuple("FakeBundle", "path")


class Toy:
    """Rates a text by its length, tags every word by its first letter; counts what it was asked."""

    def __init__(self):
        self.asked = []
        self.fail_at = None
        self.config = TaggingConfig()

    def rate(self, texts):
        self.asked += texts
        if self.fail_at is not None and len(self.asked) > self.fail_at:
            raise KeyboardInterrupt
        return [Rating(float(len(text) % 10 + 1), None, len(text.split()), 0) for text in texts]

    def tag(self, texts):
        return [TaggedText(self.tag_sentences([namedtuple("S", "tokens")(text.split())])) for text in texts]

    def tag_sentences(self, sentences, probabilities=False):
        return [TaggedSentence(list(s.tokens), [word[0].upper() for word in s.tokens]) for s in sentences]


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """The model of every corpus here; its bundle is a folder with a manifest."""
    model, folder = Toy(), tmp_path / "toy"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    monkeypatch.setattr(shards, "HEAD", 1500)
    monkeypatch.setattr(scaling.corpus, "find_bundle", lambda task, name: folder)
    monkeypatch.setattr(scaling.corpus, "open_bundle", lambda path, task: FakeBundle(path))
    answerers = {
        "rate": Answerer(model, model.rate, rating_columns(lambda _: None), sum_ratings),
        "tag": Answerer(model, model.tag, tag_columns(False), sum_tags),
    }
    monkeypatch.setattr("scaling.answering.load", lambda verb, path, config: answerers[verb])
    return model


@pytest.fixture
def reviews(tmp_path):
    """A folder of reviews of several formats, one row of which is empty."""
    folder = tmp_path / "reviews"
    (folder / "more").mkdir(parents=True)
    rows = [(i, f"Text number {i},\nof the film." if i != 77 else "") for i in range(300)]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows([("id", "text"), *rows])
    (folder / "a.csv").write_text(table.getvalue())
    (folder / "b.csv.gz").write_bytes(gzip.compress(table.getvalue().encode()))
    (folder / "more" / "c.jsonl").write_text("".join(json.dumps({"text": f"So good {i}."}) + "\n" for i in range(200)))
    (folder / "_old.csv").write_text("nobody,reads\nthis,one\n")
    return folder


def run(input, output, verb="rate", config=CONFIG, **options):
    return answer_corpus(verb, input, output, config=config, **{"workers": 1, **options})


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows_of(folder, ending):
    parts = [path.read_text() for path in sorted(folder.glob(f"part-*.{ending}"))]
    return [row for part in parts for row in csv.DictReader(io.StringIO(part, newline=""))]


@pytest.mark.usefixtures("toy")
def test_every_row_of_every_file_comes_back_once(reviews, tmp_path):
    summary = run(reviews, tmp_path / "out")
    rows = rows_of(tmp_path / "out", "csv")
    assert [row["id"] for row in rows] == [str(i) for i in range(300)] * 2
    assert [row["note"] for row in rows if row["note"]] == ["empty text"] * 2
    lines = [line for path in sorted((tmp_path / "out").glob("*.jsonl")) for line in path.read_text().splitlines()]
    assert [json.loads(line)["text"] for line in lines] == [f"So good {i}." for i in range(200)]
    assert (summary.rows, summary.answered, summary.parts) == (800, 798, len(list((tmp_path / "out").glob("part*"))))
    ratings = [float(row["rating"]) for row in rows if row["rating"]] + [json.loads(line)["rating"] for line in lines]
    assert summary.mean_rating == pytest.approx(sum(ratings) / len(ratings))
    assert sum(summary.ratings.values()) == 798
    assert summary.notes == ["part-00001, row 18: empty text", "part-00006, row 78: empty text"]


def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(toy, reviews, tmp_path):
    run(reviews, tmp_path / "whole")
    num_texts = len(toy.asked)
    toy.asked.clear()
    toy.fail_at = 400
    with pytest.raises(KeyboardInterrupt):
        run(reviews, tmp_path / "out")
    there = {name for name in content(tmp_path / "out") if name.startswith("part")}
    assert 3 < len(there) < len(list((tmp_path / "whole").glob("part*")))
    assert not list((tmp_path / "out").rglob(".*"))
    answered = [json.loads((tmp_path / "out" / ABOUT / f"{name[:10]}.json").read_text()) for name in there]
    toy.fail_at, toy.asked = None, []
    run(reviews, tmp_path / "out")
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert len(toy.asked) == num_texts - sum(about["sums"]["answered"] for about in answered)


def test_a_finished_run_answers_nothing_and_sums_up_again(toy, reviews, tmp_path):
    first = run(reviews, tmp_path / "out")
    before, toy.asked = content(tmp_path / "out"), []
    (tmp_path / "out" / ".part-00000.csv.0123456789abcdef.unfinished").write_text("left by a killed writer")
    assert run(reviews, tmp_path / "out") == first
    assert toy.asked == []
    assert content(tmp_path / "out") == before


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda out, reviews, model: partial(run, verb="tag"), "of verb rate, this is tag"),
        (lambda out, reviews, model: model.write_text("{ }"), "of the model toy, which is another one or has changed"),
        (
            lambda out, reviews, model: partial(run, config=CorpusConfig(shard_mb=0.002, scale="1-5")),
            "made with --scale None, it is 1-5 now",
        ),
        (
            lambda out, reviews, model: (reviews / "a.csv").write_text(
                (reviews / "a.csv").read_text().replace("film", "song")
            ),
            "of other input: a.csv has changed",
        ),
        (
            lambda out, reviews, model: (reviews / "d.csv").write_text("text\nNot so good.\n"),
            "of other input: d.csv is new",
        ),
        (lambda out, reviews, model: (reviews / "b.csv.gz").unlink(), "of other input: b.csv.gz is missing"),
    ],
)
def test_other_settings_model_or_input_are_refused(change, message, reviews, tmp_path):
    run(reviews, tmp_path / "out")
    before = content(tmp_path / "out")
    again = change(tmp_path / "out", reviews, tmp_path / "toy" / "manifest.json")
    with pytest.raises(InputError) as refusal:
        (again if callable(again) else run)(reviews, tmp_path / "out")
    assert f": holds parts {message}; choose a new --output" in str(refusal.value)
    assert content(tmp_path / "out") == before


@pytest.mark.usefixtures("toy")
def test_places_that_would_be_spoilt_are_refused(reviews, tmp_path):
    with pytest.raises(InputError, match=r"lies in .*, and would be read as input"):
        run(reviews, reviews / "out")
    for pattern in ("**/*.csv", "*/*.csv", "o?t/*"):
        with pytest.raises(InputError, match="would be read as input"):
            run(reviews / pattern, reviews / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear")
    with pytest.raises(InputError, match="holds files of something else"):
        run(reviews, tmp_path / "mine")
    assert content(tmp_path / "mine") == {"letter.txt": b"Dear"}
    run(reviews, tmp_path / "out")
    (tmp_path / "out" / "part-00001.csv").write_text("cut")
    with pytest.raises(InputError, match=r"part-00001\.csv: 3 bytes, it was written with [\d,]+; remove it"):
        run(reviews, tmp_path / "out")


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
def test_parts_of_a_chosen_format(form, reviews, tmp_path):
    run(reviews / "*.csv", tmp_path / "out", config=CorpusConfig(shard_mb=0.002, format=form))
    run(
        tmp_path / "out", tmp_path / "again", config=CorpusConfig(shard_mb=0.002, format="csv")
    )  # what it writes it reads
    rows = rows_of(tmp_path / "again", "csv")
    assert [row["id"] for row in rows] == [str(i) for i in range(300)]
    given = [[row[name] for name in ("rating", "rating_predicted")] for row in rows if row["rating"]]
    assert len(given) > 200
    for first, second in given:  # a part of CSV has two decimals
        assert float(first) == pytest.approx(float(second), abs=0.005 + 1e-6)


@pytest.mark.usefixtures("toy")
def test_parts_of_parquet_share_one_schema(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    sparse = [None] * 1500 + list(range(500))
    texts = [f"Text number {i} of them." for i in range(2000)]
    columns = {"text": texts, "rank": sparse, "when": arrow.array(sparse, arrow.timestamp("ms"))}
    parquet.write_table(arrow.table(columns), tmp_path / "a.parquet", compression="none")
    run(tmp_path / "a.parquet", tmp_path / "out", config=CorpusConfig(shard_mb=0.02))
    parts = [parquet.read_table(path) for path in sorted((tmp_path / "out").glob("*.parquet"))]
    assert len(parts) > 2
    assert arrow.concat_tables(parts).select(["text", "rank", "when"]).to_pydict() == arrow.table(columns).to_pydict()


@pytest.mark.usefixtures("toy")
def test_words_keep_their_file_with_other_tags(tmp_path):
    line = "{}\t{}\t_\tOLD\t_\t_\t0\troot\t_\tx=1\n"
    sentences = [f"# sent_id = {i}\n{line.format(1, 'go')}{line.format(2, 'on')}\n" for i in range(150)]
    sentences[90] = sentences[90].replace("\tgo\t", " go ")
    (tmp_path / "a.conllu").write_text("".join(sentences))
    summary = run(tmp_path / "a.conllu", tmp_path / "out", "tag")
    parts = sorted((tmp_path / "out").glob("part-*.conllu"))
    assert len(parts) > 3
    wanted = [s if " go " in s else s.replace("\tgo\t_\tOLD", "\tgo\t_\tG").replace("OLD", "O") for s in sentences]
    assert "".join(part.read_text() for part in parts) == "".join(wanted)
    assert (summary.rows, summary.answered, summary.tags) == (150, 149, {"G": 149, "O": 149})


@pytest.mark.usefixtures("toy")
def test_object_stores(reviews, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.put(str(reviews), "/corpus/in", recursive=True)
    local, remote = run(reviews, tmp_path / "out"), run("memory://corpus/in", "memory://corpus/out")
    assert remote == local
    found = {name.removeprefix("/corpus/out/"): memory.cat(name) for name in memory.find("/corpus/out")}
    names = [name for name in content(tmp_path / "out") if name != f"{ABOUT}/manifest.json"]
    assert {name: found[name] for name in names} == {name: content(tmp_path / "out")[name] for name in names}
    memory.rm("/corpus/out/part-00002.csv")
    run("memory://corpus/in/*", "memory://corpus/other")
    assert run("memory://corpus/in", "memory://corpus/out") == local
    assert memory.cat("/corpus/out/part-00002.csv") == found["part-00002.csv"]
    with pytest.raises(InputError, match="only this process sees it"):
        run("memory://corpus/in", "memory://corpus/out", workers=2)
    with pytest.raises(InputError, match=r"^memory://nothing/here: no "):
        run("memory://nothing/here", "memory://corpus/out")
    memory.rm("/corpus", recursive=True)


@pytest.mark.parametrize("place", ["folder", "memory://written"])
def test_a_file_appears_when_it_is_complete(place, tmp_path):
    if place != "folder":
        pytest.importorskip("fsspec")
    store = open_store(str(tmp_path / place) if place == "folder" else place)
    assert isinstance(store, Folder if place == "folder" else Remote)
    with store.write("a") as file:
        file.write(b"old")
    with contextlib.suppress(ZeroDivisionError), store.write("a") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert store.sizes() == {"a": 3}
    with store.write("a") as first, store.write("a") as second:  # two writers are not in each other's way
        second.write(b"second")
        first.write(b"one")
        assert store.read("a") == b"old"
    assert store.read("a") in (b"one", b"second")
    assert len(store.sizes()) == 1


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("place", ["out", "memory://killed/out"])
def test_a_run_that_was_killed_before_its_manifest_was_there_goes_on(place, reviews, tmp_path):
    output = place if "://" in place else tmp_path / place
    store, left = open_store(str(output)), f"{ABOUT}/{own_name('manifest.json')}"
    if isinstance(store, Folder):
        (store.root / ABOUT).mkdir(parents=True)
        (store.root / left).touch()
    else:
        fsspec = pytest.importorskip("fsspec")
        fsspec.filesystem("memory").pipe(f"/killed/out/{left}", b"")
    assert run(reviews, output).answered == 798
    assert not any(name.endswith("unfinished") for name in (*store.sizes(), *store.sizes(ABOUT)))


def test_a_part_that_another_run_has_put_there_is_done(tmp_path):
    pytest.importorskip("fsspec")
    first, second = (open_store(f"file://{tmp_path}/out") for _ in range(2))
    with first.write("part-0") as file:
        file.write(b"the same")
        with second.write("part-0") as other:
            other.write(b"the same")
        second.remove_unfinished()
    assert first.read("part-0") == b"the same"
    with pytest.raises(InputError, match="part-1: no such file"), first.write("part-1") as file:
        second.remove_unfinished()


def test_what_cannot_be_written_is_named_and_not_what_is_read(tmp_path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    source, store = tmp_path / "in.txt", open_store(str(tmp_path / "out"))
    source.write_text("A joy.")
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        with pytest.raises(OSError, match="part-0") as raised, open_source(source), store.write("part-0") as file:
            file.write(bytes(1_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert raised.value.filename == str(tmp_path / "out/part-0")
    assert [*(tmp_path / "out").iterdir()] == []


def test_a_missing_package_is_named():
    with pytest.raises(InputError, match=r"nowhere://a: .*; give a path, or a URL such as s3://"):
        answer_corpus("rate", "nowhere://a", "nowhere://b", workers=1)


@pytest.mark.usefixtures("toy")
def test_wrong_options_are_refused(reviews, tmp_path):
    for options, message in [
        ({"verb": "write"}, "found 'write', wanted one of rate, tag, score"),
        ({"config": CorpusConfig(context="So")}, "--context: belongs to score, not to rate"),
        ({"config": CorpusConfig(format="same")}, "--format same: keeps files of words and tags"),
        ({"engine": "dask"}, "--engine: found 'dask'"),
        ({"workers": 0}, "--workers: found 0"),
        ({"cluster": "ray://a"}, "--cluster: --engine local has none; leave it out, or take --engine spark or ray"),
    ]:
        with pytest.raises(InputError, match=message):
            run(reviews, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_progress_tells_rate_and_time_left(monkeypatch, reviews, tmp_path, toy):
    run(reviews, tmp_path / "out")
    cut = [shards.Shard(number, "a", "a", 0, 10, weight=100) for number in range(40)]
    progress = Progress(Folder(tmp_path / "out"), cut, cut[1:])
    assert progress.line() == "1 of 40 parts"
    progress.start -= 60
    progress.look()
    num_parts = len(list((tmp_path / "out").glob("part*")))
    assert progress.line().startswith(f"{num_parts} of 40 parts, ")
    assert progress.line().endswith(" left")
    assert "rows/s" in progress.line()


@pytest.mark.usefixtures("toy")
def test_a_corpus_without_a_single_answer_is_an_error(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("id,text\n1,\n2, \n")
    places = ["--input", str(tmp_path / "a.csv"), "--output", str(tmp_path / "out")]
    with pytest.raises(InputError, match="none of the 2 rows could be answered; the notes in the parts say why"):
        corpus_cli.corpus(["rate", *places, "--workers", "1", "--json", "--text-column", "text"])
    assert json.loads(capsys.readouterr().out)["rows"] == 2
    assert [row["note"] for row in rows_of(tmp_path / "out", "csv")] == ["empty text"] * 2


def test_notes_are_lines_for_people():
    notes = Notes("part-00000")
    notes.add(3, """not valid CSV (',' expected after '"'); check the quotes""")
    notes.add(4, "found '1\\tBad'\x1b[31m\n" + "x" * 200)
    assert notes.kept[0] == """part-00000, row 3: not valid CSV (',' expected after '"'); check the quotes"""
    assert notes.kept[1].startswith("part-00000, row 4: found '1\\tBad'\ufffd[31m xxx")
    assert len(notes.kept[1]) == len("part-00000, row 4: ") + 160


def test_summaries_add_up():
    parts = [
        {"rows": 2, "answered": 2, "remarks": 0, "tokens": 10, "nats": 20.0, "characters": 50, "notes": ["a"]},
        {"rows": 1, "answered": 0, "notes": ["b"]},
        {"rows": 1, "answered": 1, "remarks": 1, "tokens": 30, "nats": 60.0, "characters": 50, "notes": []},
    ]
    summary = Summary.of("score", parts[:1] + parts[2:])
    assert summary.perplexity == pytest.approx(7.389056)  # exp(80 / 40)
    assert summary.bits_per_character == pytest.approx(80 / 0.693147 / 100, rel=1e-5)
    assert Summary.of("score", parts).notes == ["a", "b"]
    assert Summary.of("rate", [{"rows": 0, "answered": 0, "notes": []}]).mean_rating is None


@pytest.mark.usefixtures("toy")
def test_two_runs_do_not_write_into_one_folder(reviews, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    workspace = workspace_of(tmp_path / "out")
    make_ours(workspace)
    with open(workspace / MARKER) as held:  # as another process does
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another run is writing there"):
            run(reviews, tmp_path / "out")
    run(reviews, tmp_path / "out")


@pytest.mark.parametrize(
    "content",
    [b"[]", b"{", b"\xff", b"{}", b'{"part": "part-00000.csv", "bytes": 1}', b'{"part": 1, "bytes": 1, "sums": {}}'],
)
def test_damaged_sums_of_a_part_are_named(content, tmp_path):
    (tmp_path / ABOUT).mkdir()
    (tmp_path / "part-00000.csv").write_text("x")
    (tmp_path / ABOUT / "part-00000.json").write_bytes(content)
    with pytest.raises(InputError, match=r"part-00000\.json: damaged; remove it"):
        scaling.corpus.finished(Folder(tmp_path), [shards.Shard(0, "", "", 0, 1)])


def test_a_file_of_the_user_beside_a_part_is_not_taken_for_it(tmp_path):
    (tmp_path / ABOUT).mkdir()
    for name in ("part-00000.csv", "part-00000.bak", "part-00000.a"):
        (tmp_path / name).write_text("x" if name.endswith("csv") else "mine")
    (tmp_path / ABOUT / "part-00000.json").write_text('{"part": "part-00000.csv", "bytes": 1, "sums": {}}')
    assert list(scaling.corpus.finished(Folder(tmp_path), [shards.Shard(0, "", "", 0, 1)])) == [0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda place: place.symlink_to("nowhere"), "a link that leads nowhere"),
        (lambda place: place.symlink_to("."), "a link to a folder"),
        (os.mkfifo, "no plain file"),
    ],
)
def test_nothing_in_a_folder_is_left_out_in_silence(make, message, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    make(tmp_path / "b.txt")
    with pytest.raises(InputError, match=message):
        find_files(str(tmp_path))


@pytest.mark.parametrize("pattern", ["", "a**b.csv"])
def test_a_wrong_pattern_is_one_line(pattern):
    with pytest.raises(InputError, match="pattern"):
        find_files(pattern)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt", "a.conllu"])
def test_an_empty_file_among_full_ones_has_no_parts(name, tmp_path):
    place = tmp_path / name
    place.write_bytes(b"")
    [planned] = shards.plan("rate", find_files(str(place)), ("review",), CorpusConfig())
    assert planned.shards == []
    assert len(planned.sha256) == 64
