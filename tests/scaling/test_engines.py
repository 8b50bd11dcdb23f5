"""Workers of every engine write the same bytes as one process does, also if they are killed; int8 too."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaling import CorpusConfig, answer_corpus
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

WORDS = ["the", "film", "was", "a", "joy", "from", "start", "to", "end", "and", "nobody", "cared", "about", "soup"]
NUM_ROWS = 16_000
NEEDED = {"local": None, "spark": "pyspark", "ray": "ray"}
COMMAND = [sys.executable, "-m", "scaling.corpus", "rate", "--shard-mb", "0.03", "--workers", "2"]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """One table, a tenth of whose texts have line breaks."""
    path, rng = tmp_path_factory.mktemp("reviews") / "reviews.csv", random.Random(1)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "review"])
        for i in range(NUM_ROWS):
            text = " ".join(rng.choices(WORDS, k=rng.randint(4, 12)))
            writer.writerow([i, text.replace(" ", "\n", 1) if i % 10 == 0 else text])
    return path


@pytest.fixture(scope="module")
def undisturbed(reviews, tmp_path_factory):
    """What one process writes on one thread."""
    folder = tmp_path_factory.mktemp("undisturbed") / "out"
    answer_corpus("rate", reviews, folder, workers=1, config=CorpusConfig(shard_mb=0.03))
    return content(folder)


def content(folder: Path):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def start(engine, reviews, output, home, *options):
    command = [*COMMAND, "--engine", engine, "--input", str(reviews), "--output", str(output), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)


def need(engine):
    package = NEEDED[engine]
    if package and not importlib.util.find_spec(package):
        pytest.skip(f"{package} is not installed: pip install 'rnn-language[scale]'")


def children_of(parent):
    """The processes below one, of their command lines those that hold a Python worker."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            above = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, ValueError):
            continue
        found.append((int(folder.name), above, line))
    below, wanted = set(), {parent}
    while wanted:
        wanted = {child for child, above, _ in found if above in wanted} - below
        below |= wanted
    return [(child, line) for child, _, line in found if child in below]


@pytest.mark.parametrize("engine", NEEDED)
def test_two_workers_write_what_one_process_writes(engine, reviews, undisturbed, tmp_path):
    need(engine)
    home = tmp_path / "home"
    home.mkdir()
    process = start(engine, reviews, tmp_path / "out", home)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert content(tmp_path / "out") == undisturbed
    assert len(undisturbed) > 10
    assert list(home.iterdir()) == []  # no engine leaves anything in the home folder


def test_a_script_that_calls_it_at_its_top_is_not_run_by_the_workers(reviews, undisturbed, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from scaling import CorpusConfig, answer_corpus\n"
        f"print(answer_corpus('rate', {str(reviews)!r}, 'out', workers=2, config=CorpusConfig(shard_mb=0.03)).rows)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, f"{NUM_ROWS}\n"), done.stderr
    assert content(tmp_path / "out") == undisturbed


@pytest.mark.parametrize(
    ("verb", "command", "name"),
    [
        ("rate", "sentiment.predict", "sentiment/dataset/test.csv"),
        ("tag", "pos_tagging.predict", "pos_tagging/dataset/test.conllu"),
        ("score", "language_model.score", "language_model/dataset/test.csv"),
    ],
)
def test_parts_together_are_what_the_command_for_one_file_writes(verb, command, name, run_here, tmp_path):
    ending = name.rpartition(".")[2]
    done = run_here(command, "--input", ROOT / name, "--format", ending, "--output", tmp_path / f"one.{ending}")
    assert done.returncode == 0, done.stderr
    answer_corpus(verb, ROOT / name, tmp_path / "out", workers=1, config=CorpusConfig(shard_mb=0.05))
    parts = sorted((tmp_path / "out").glob("part*"))
    assert b"".join(part.read_bytes() for part in parts) == (tmp_path / f"one.{ending}").read_bytes()


@pytest.mark.parametrize("who", ["worker", "driver"])
def test_who_is_killed_costs_a_shard_and_no_more(who, reviews, undisturbed, tmp_path):
    process = start("local", reviews, tmp_path / "out", tmp_path)
    while not list((tmp_path / "out").glob("part*")):
        time.sleep(0.02)
        assert process.poll() is None
    workers = [child for child, line in children_of(process.pid) if "spawn_main" in line]
    assert len(workers) == 2
    os.kill(workers[0] if who == "worker" else process.pid, signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    if who == "worker":
        assert (process.returncode, "a worker was killed" in said) == (0, True)
    else:
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{worker}").exists() for worker in workers):  # they end with their driver
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert len(content(tmp_path / "out")) < len(undisturbed)
        again = start("local", reviews, tmp_path / "out", tmp_path)
        _, said = again.communicate(timeout=300)
        assert again.returncode == 0, said
        assert "parts are there, going on with the rest" in said
    assert content(tmp_path / "out") == undisturbed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_part_that_cannot_be_read_ends_the_run_in_one_line(tmp_path):
    good, bad = tmp_path / "in/a.csv", tmp_path / "in/b.xlsx"
    good.parent.mkdir()
    good.write_text("id,review\n1,A joy.\n")
    bad.write_bytes(b"PK\x03\x04 and no more")
    process = start("local", good.parent, tmp_path / "out", tmp_path)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 2
    assert said.splitlines()[-1].startswith("error: b.xlsx: not a complete .xlsx file")
    assert "Traceback" not in said


@pytest.mark.parametrize(("engine", "worker"), [("spark", "pyspark.daemon"), ("ray", "ray::_Actor")])
def test_an_engine_that_loses_a_worker_says_so_beside_the_answer(engine, worker, reviews, undisturbed, tmp_path):
    need(engine)
    process = start(engine, reviews, tmp_path / "out", tmp_path, "--json")
    while not list((tmp_path / "out").glob("part*")):
        time.sleep(0.02)
        assert process.poll() is None
    victims = [child for child, line in children_of(process.pid) if worker in line]
    os.kill(victims[-1], signal.SIGKILL)
    answer, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert json.loads(answer)["rows"] == NUM_ROWS
    assert content(tmp_path / "out") == undisturbed


def test_without_java_spark_ends_in_one_line(reviews, tmp_path, monkeypatch):
    need("spark")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "no-java"))
    process = start("spark", reviews, tmp_path / "out", tmp_path)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 2
    assert said.splitlines()[-1].startswith("error: --engine spark: Java does not start; install Java 17")
    assert "Traceback" not in said


@pytest.mark.parametrize("verb", ["rate", "score"])
def test_int8_parts_are_the_same_in_every_run(verb, reviews, tmp_path):
    config = CorpusConfig(shard_mb=0.1, int8=True)
    first = reviews.parent / "few.csv"
    first.write_text("".join(reviews.read_text().splitlines(keepends=True)[:1500]))
    answer_corpus(verb, first, tmp_path / "one", workers=1, config=config)
    answer_corpus(verb, first, tmp_path / "two", workers=2, config=config)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    float32 = answer_corpus(verb, first, tmp_path / "float", workers=1, config=CorpusConfig(shard_mb=0.1))
    summary = json.loads(content(tmp_path / "one")["_corpus/summary.json"])
    assert summary["rows"] == float32.rows
    assert content(tmp_path / "one")["part-00000.csv"] != content(tmp_path / "float")["part-00000.csv"]


def test_a_real_s3_server(reviews, tmp_path):
    moto = pytest.importorskip("moto.server", reason="moto[server] and s3fs are not installed")
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    options = {
        "endpoint_url": f"http://{host}:{port}",
        "key": "test",
        "secret": "test",
        "client_kwargs": {"region_name": "eu-west-1"},
    }
    fsspec.config.conf["s3"] = options
    try:
        store = fsspec.filesystem("s3")
        store.mkdir("corpus")
        store.put(str(reviews), "corpus/in/reviews.csv")
        config = CorpusConfig(shard_mb=0.1)
        local = answer_corpus("rate", reviews, tmp_path / "out", workers=1, config=config)
        assert answer_corpus("rate", "s3://corpus/in", "s3://corpus/out", workers=1, config=config) == local
        wanted = {name: part for name, part in content(tmp_path / "out").items() if "manifest" not in name}
        assert {name: store.cat(f"corpus/out/{name}") for name in wanted} == wanted
        store.rm("corpus/out/part-00001.csv")
        assert answer_corpus("rate", "s3://corpus/in", "s3://corpus/out", workers=1, config=config) == local
        assert len(store.find("corpus/out")) == len(wanted) + 1
    finally:
        server.stop()
        fsspec.config.conf.pop("s3")
