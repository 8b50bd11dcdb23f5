"""What users have stays theirs, and what they feed in is read once and whole; the commands, as they are typed."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.common.test_output import make_socket, snapshot

ROOT = Path(__file__).resolve().parent.parent
TASKS = ("sentiment", "language_model", "pos_tagging")
ANSWERING = {"sentiment": "sentiment.predict", "language_model": "language_model.score"} | {
    "pos_tagging": "pos_tagging.predict"
}
ESCAPES = "\x1b[31m red \x07 \x9b2J \u202e kcab"


def assert_refused(done, *parts):
    """One printable line on standard error that names all of `parts`; exit status 2."""
    assert done.returncode == 2, done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert line.isprintable()
    assert len(line) <= 300
    for part in parts:
        assert str(part) in line


@pytest.fixture
def copied(small_bundle, tmp_path):
    """A copy of a small bundle, in a folder of its own."""

    def copied(task):
        return Path(shutil.copytree(small_bundle(task), tmp_path / "home" / "model"))

    return copied


# -- Places ---------------------------------------------------------------------------------------------------------

PLACES = {
    "a web app": lambda place: (
        place.mkdir(),
        (place / "manifest.json").write_text('{"name": "shop", "icons": []}'),
        (place / "index.html").write_text("<h1>Shop</h1>"),
    ),
    "a browser extension": lambda place: (
        place.mkdir(),
        (place / "manifest.json").write_text('{"manifest_version": 3, "version": "1", "files": {}}'),
    ),
    "a thesis": lambda place: (place.mkdir(), (place / "thesis.txt").write_text("x")),
    "a FIFO": os.mkfifo,
    "a socket": make_socket,
    "a file": lambda place: place.write_text("x"),
    "a link to a thesis": lambda place: (
        (place.parent / "thesis").mkdir(),
        (place.parent / "thesis" / "one.txt").write_text("x"),
        place.symlink_to("thesis"),
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_training_touches_nothing_that_is_not_a_model(place, run_here, small_runs, tmp_path):
    task = TASKS[len(place) % 3]
    PLACES[place](tmp_path / "place")
    before = snapshot(tmp_path)
    options = ["--train", small_runs[task].train, "--output-dir", tmp_path / "place"]
    for more in ([], ["--overwrite"]):
        assert_refused(run_here(f"{task}.train", *options, *more), tmp_path / "place", "touched")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("task", TASKS)
def test_a_finished_model_is_replaced_only_if_that_is_said_and_if_nothing_else_is_there(
    task, run_here, small_runs, copied
):
    model = copied(task)
    before = snapshot(model.parent)
    train = [f"{task}.train", "--train", small_runs[task].train, "--output-dir", model]
    assert_refused(run_here(*train), model, "holds a finished model; add --overwrite")
    (model / "notes.txt").write_text("mine")
    assert_refused(run_here(*train, "--overwrite"), model, "'notes.txt'", "would be lost")
    (model / "notes.txt").unlink()
    (model / "README.md").write_text("what I found out")
    assert_refused(run_here(*train, "--overwrite"), model, "'README.md', changed since the model was saved")
    assert snapshot(model.parent).keys() == before.keys()
    assert (model / "README.md").read_text() == "what I found out"


def test_checkpoints_do_not_go_where_somebody_elses_are(run_here, small_runs, tmp_path):
    (tmp_path / "model.checkpoint").mkdir()
    (tmp_path / "model.checkpoint" / "epoch-0001").mkdir()
    (tmp_path / "model.checkpoint" / "epoch-0001" / "mine.pt").write_text("x")
    before = snapshot(tmp_path)
    train = ["sentiment.train", "--train", small_runs["sentiment"].train, "--output-dir", tmp_path / "model"]
    for more in ([], ["--resume"]):
        assert_refused(run_here(*train, *more), "model.checkpoint: in the way, and not made by this program")
    assert snapshot(tmp_path) == before


@pytest.mark.usefixtures("few_resamples")
def test_scores_are_kept_in_a_model_beside_what_else_is_there(run_here, small_runs, copied):
    model = copied("sentiment")
    (model / "report").mkdir()
    (model / "report" / "notes.txt").write_text("mine")
    evaluate = ["sentiment.evaluate", "--model", model, "--test", small_runs["sentiment"].test]
    done = run_here(*evaluate, "--save", "--report", model / "report")
    assert done.returncode == 0, done.stderr
    assert (model / "report" / "notes.txt").read_text() == "mine"
    assert "test" in json.loads((model / "metrics.json").read_text())
    assert "report/report.html" not in json.loads((model / "manifest.json").read_text())["files"]
    assert run_here("sentiment.predict", "--model", model, "fine").returncode == 0
    assert [path.name for path in model.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_not_written_over_what_is_read(task, run_here, copied):
    model = copied(task)
    texts = model.parent / "texts.txt"
    texts.write_text("It was good.\n")
    before = snapshot(model.parent)
    command = [ANSWERING[task], "--model", model, "--input", texts, "--output"]
    assert_refused(run_here(*command, texts), texts, "is read by this command")
    assert_refused(run_here(*command, model / "model.json"), "lies inside the model")
    assert snapshot(model.parent) == before


def test_no_file_that_is_read_is_written_over_elsewhere(run_here, small_runs, copied, tmp_path):
    model = copied("language_model")
    config = tmp_path / "settings.json"
    config.write_text('{"dim": 4}')
    before = snapshot(tmp_path)
    vectors = ["language_model.word_vectors", "--train", small_runs["language_model"].train, "--config", config]
    assert_refused(run_here(*vectors, "--output", config), "settings.json: is read by this command")
    train = ["language_model.train", "--train", model / "README.md", "--output-dir", model, "--overwrite"]
    assert_refused(run_here(*train), "README.md: lies in", "which will be replaced")
    assert snapshot(tmp_path) == before


def test_no_row_answered_is_no_success(run_here, copied):
    done = run_here("sentiment.predict", "--model", copied("sentiment"), " ", "")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: none of the 2 rows could be answered")


def test_a_byte_order_mark_on_standard_input_is_no_text(run_here, copied):
    done = run_here("sentiment.predict", "--model", copied("sentiment"), "--format", "jsonl", input="\ufefffine\n")
    assert json.loads(done.stdout)["text"] == "fine"


def test_answers_are_not_written_over_standard_input(copied):
    texts = copied("sentiment").parent / "texts.txt"
    texts.write_text("It was good.\n")
    command = [sys.executable, "-m", "sentiment.predict", "--model", texts.parent / "model", "--output", texts]
    with open(texts) as given:
        done = subprocess.run(command, stdin=given, capture_output=True, text=True, cwd=ROOT, check=False)
    assert_refused(done, "texts.txt: is read by this command, as standard input")
    assert texts.read_text() == "It was good.\n"


def test_scores_are_not_kept_from_inside_the_model(run_here, small_runs, copied, monkeypatch):
    monkeypatch.chdir(copied("sentiment"))
    done = run_here("sentiment.evaluate", "--model", ".", "--test", small_runs["sentiment"].test, "--save")
    assert_refused(done, "you are in this folder; leave it first")


def test_settings_may_come_from_a_pipe(run_here, small_runs, tmp_path):
    feed(tmp_path / "settings.json", b'{"num_epochs": "many"}')
    train = ["sentiment.train", "--train", small_runs["sentiment"].train, "--output-dir", tmp_path / "model"]
    assert_refused(
        run_here(*train, "--config", tmp_path / "settings.json"), "setting num_epochs: found 'many', wanted int"
    )


def test_two_runs_with_one_output(copied):
    """The first reads from a pipe and waits; the second is told at once, and the first has its own answers."""
    model = copied("sentiment")
    output = model.parent / "out.jsonl"
    command = [sys.executable, "-m", "sentiment.predict", "--model", model, "--format", "jsonl", "--output", output]
    pipes = {"stdin": -1, "stdout": -1, "stderr": -1, "text": True, "cwd": ROOT}
    with subprocess.Popen(command, **pipes) as first:
        first.stdin.write("It was good.\n" * 300)
        first.stdin.flush()
        while not (model.parent / ".out.jsonl.unfinished" / "new").exists():
            assert first.poll() is None
        second = subprocess.run([*command, "other"], capture_output=True, text=True, cwd=ROOT, check=False)
        assert_refused(second, output, "another run is writing there")
        _, said = first.communicate("It was good.\n")
        assert first.returncode == 0, said
    assert [json.loads(line)["text"] for line in output.read_text().splitlines()] == ["It was good."] * 301
    assert {path.name for path in model.parent.iterdir()} == {"model", "out.jsonl"}


@pytest.mark.parametrize("module", ["sentiment.evaluate", "sentiment.train"])
def test_two_runs_with_one_place(module, run_here, small_runs, copied):
    model = copied("sentiment")
    script = "import sys\nfrom pathlib import Path\nfrom common.output import claim\n" + (
        "with claim(Path(sys.argv[1])):\n    print('claimed', flush=True)\n    sys.stdin.read()\n"
    )
    options = {
        "sentiment.evaluate": ["--model", model, "--test", small_runs["sentiment"].test, "--save"],
        "sentiment.train": ["--train", small_runs["sentiment"].train, "--output-dir", model, "--overwrite"],
    }[module]
    before = snapshot(model)
    with subprocess.Popen([sys.executable, "-c", script, model], stdin=-1, stdout=-1, text=True, cwd=ROOT) as other:
        assert other.stdout.readline() == "claimed\n"
        assert_refused(run_here(module, *options), model, "another run is writing there")
        other.communicate("")
    assert snapshot(model) == before


# -- Read once ------------------------------------------------------------------------------------------------------


def feed(path, content):
    """Make a FIFO and write into it, once, in the background."""
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=[content], daemon=True)
    thread.start()
    return thread


NUM_ROWS = 3000


@pytest.mark.parametrize("how", ["/dev/stdin", "a FIFO", "a table in a FIFO", "gzip in a FIFO"])
def test_all_rows_of_a_pipe_are_answered(how, copied, tmp_path):
    model = copied("sentiment")
    rows = "".join(f"It was good, number {number}.\n" for number in range(NUM_ROWS))
    fifo = tmp_path / {"a table in a FIFO": "a.csv"}.get(how, "a.txt")
    content = {"a table in a FIFO": f"review\n{rows}".replace(", ", " ").encode()}.get(how, rows.encode())
    if how != "/dev/stdin":
        feed(fifo, gzip.compress(content) if "gzip" in how else content)
    given = how if how == "/dev/stdin" else fifo
    command = [sys.executable, "-m", "sentiment.predict", "--model", model, "--format", "jsonl", "--input", given]
    piped = rows.encode() if how == "/dev/stdin" else b""
    done = subprocess.run(command, input=piped, capture_output=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    column = "review" if "table" in how else "text"
    texts = [json.loads(line)[column].replace(", ", " ") for line in done.stdout.splitlines()]
    assert texts == [f"It was good number {number}." for number in range(NUM_ROWS)]


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("task", ["sentiment", *(pytest.param(task, marks=pytest.mark.slow) for task in TASKS[1:])])
def test_files_to_score_may_be_pipes(task, run_here, small_runs, copied, tmp_path):
    small, model = small_runs[task], copied(task)
    for name in ("test", "train"):
        feed(tmp_path / f"{name}{small.test.suffix}", getattr(small, name).read_bytes())
    pipes = {name: tmp_path / f"{name}{small.test.suffix}" for name in ("test", "train")}
    options = [word for name, path in pipes.items() for word in (f"--{name}", path)]
    found = run_here(f"{task}.evaluate", "--model", model, "--json", *options)
    assert found.returncode == 0, found.stderr
    wanted = run_here(f"{task}.evaluate", "--model", model, "--json", "--test", small.test, "--train", small.train)
    assert json.loads(found.stdout) == json.loads(wanted.stdout)  # the hash of the file, too


def test_a_tagged_file_may_be_a_pipe(run_here, small_runs, copied, tmp_path):
    model, content = copied("pos_tagging"), small_runs["pos_tagging"].test.read_bytes()
    feed(tmp_path / "a.conllu", content)
    done = run_here("pos_tagging.predict", "--model", model, "--format", "tsv", "--input", tmp_path / "a.conllu")
    assert done.returncode == 0, done.stderr
    num_words = sum(line.split("\t")[0].isdecimal() for line in content.decode().splitlines())
    assert sum("\t" in line for line in done.stdout.splitlines()) == num_words


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_training_data_may_be_a_pipe_and_names_need_not_be_utf_8(task, small_runs, small_bundle, tmp_path):
    """On a console that knows ASCII only, too: what was learned is saved and the card names the data's hash."""
    small = small_runs[task]
    fifo = tmp_path / os.fsdecode(b"caf\xe9" + small.train.suffix.encode())
    feed(fifo, small.train.read_bytes())
    model = tmp_path / os.fsdecode(b"mod\xe8le \xe2\x98\x83")
    command = [sys.executable, "-m", f"{task}.train", "--train", fifo, "--output-dir", model, *small.flags]
    about = os.fsdecode(b"from \xff nowhere")
    done = subprocess.run(
        [*command, "--about-data", about],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    metrics = [json.loads((folder / "metrics.json").read_text()) for folder in (model, small_bundle(task))]
    assert metrics[0] == metrics[1]
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in (model, small_bundle(task))]
    assert manifests[0]["train"]["sha256"] == manifests[1]["train"]["sha256"]
    assert manifests[0]["about_data"] == about


# -- Limits ---------------------------------------------------------------------------------------------------------


def test_a_socket_is_no_input(run_here, small_runs, copied, tmp_path):
    model = copied("sentiment")
    make_socket(tmp_path / "a.csv")
    for command in (
        ["sentiment.predict", "--model", model, "--input", tmp_path / "a.csv"],
        ["sentiment.evaluate", "--model", model, "--test", tmp_path / "a.csv"],
        ["sentiment.train", "--train", tmp_path / "a.csv", "--output-dir", tmp_path / "new"],
        [
            *("sentiment.train", "--train", small_runs["sentiment"].train),
            *("--groups", tmp_path / "a.csv", "--output-dir", tmp_path / "new"),
        ],
    ):
        assert_refused(run_here(*command), "a.csv: is a socket")


def test_a_row_of_fifty_megabytes_and_a_gzip_bomb(run_here, small_runs, copied, tmp_path):
    model = copied("sentiment")
    row = "good " * 10_000_000
    (tmp_path / "a.csv").write_text(f"review,rating\n{row},3\n")
    (tmp_path / "a.jsonl").write_text(json.dumps({"review": row}) + '\n{"review": "fine"}\n')
    (tmp_path / "a.txt").write_text(f"{row}\nfine\n")
    with gzip.open(tmp_path / "bomb.csv.gz", "wt", compresslevel=9) as file:
        file.write("review,rating\n")
        for _ in range(100):
            file.write("fine,3\n" * 200_000)
    assert (tmp_path / "bomb.csv.gz").stat().st_size < 500_000
    predict = ["sentiment.predict", "--model", model, "--format", "jsonl", "--input"]
    done = run_here(*predict, tmp_path / "a.csv")
    assert done.returncode == 2
    assert "characters, the most is 2,000,000; cut it into several" in done.stderr
    assert done.stderr.endswith("none of the 1 rows could be answered; see above what is wrong with them\n")
    for name in ("a.jsonl", "a.txt"):
        done = run_here(*predict, tmp_path / name)
        too_long, fine = map(json.loads, done.stdout.splitlines())
        assert fine.get("review", fine.get("text")) == "fine"
        assert "rating" in fine
        assert too_long["rating"] is None
        assert "2,000,000; cut it into several" in too_long["note"]
        assert "characters, the most is 2,000,000; cut it into several" in done.stderr
    evaluate = ["sentiment.evaluate", "--model", model, "--test"]
    assert_refused(run_here(*evaluate, tmp_path / "bomb.csv.gz"), "unpacks to more than 200 times its size")


WORD = "1\tw\t_\tX\t_\t_\t_\t_\t_\t_\n"


@pytest.mark.parametrize(
    "content",
    [
        WORD.replace("1", "1" * 5000, 1),
        WORD.replace("1", "1-" + "9" * 5000, 1) + WORD,
        WORD.replace("1", "9" * 5000 + "-2", 1) + WORD,
        WORD.replace("1", "٣" * 5000, 1),
    ],
)
def test_ids_of_thousands_of_digits(content, run_here, copied, tmp_path):
    (tmp_path / "a.conllu").write_text(content + "\n")
    model = copied("pos_tagging")
    evaluate = run_here("pos_tagging.evaluate", "--model", model, "--test", tmp_path / "a.conllu")
    assert_refused(evaluate, "a.conllu, line 1: ", "is due")


def test_a_sentence_without_end(run_here, copied, tmp_path):
    lines = (WORD.replace("1", str(number), 1) for number in range(1, 100_003))
    (tmp_path / "a.conllu").write_text("".join(lines) + "\n")
    done = run_here("pos_tagging.evaluate", "--model", copied("pos_tagging"), "--test", tmp_path / "a.conllu")
    assert_refused(done, "line 100001: a sentence of more than 100,000 words")


# -- Streams and the terminal ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        (">&-", 2, "standard output is closed"),
        ("<&-", 2, "standard input is closed"),
        ("1< manifest.json", 2, "Bad file descriptor"),
    ],
)
def test_closed_and_odd_streams(redirection, status, said, small_bundle):
    model = small_bundle("sentiment")
    text = '"so good"' if "1" in redirection or ">" in redirection else ""
    command = f"exec '{sys.executable}' -m sentiment.predict --model . {text} {redirection}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, cwd=model, env=environment, check=False
    )
    assert done.returncode == status
    assert done.stderr.splitlines()[0].startswith("error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_closed_standard_error_does_not_mix_with_answers(small_bundle):
    command = f"exec '{sys.executable}' -m sentiment.predict --model . --format jsonl ' ' 'so good' 2>&-"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    folder = small_bundle("sentiment")
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, cwd=folder, env=environment, check=False
    )
    assert done.returncode == 0
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["", "so good"]


@pytest.mark.parametrize("task", TASKS)
def test_no_escape_sequence_of_data_reaches_the_terminal(task, run_here, copied, tmp_path):
    model = copied(task)
    done = run_here(ANSWERING[task], "--model", model, f"It was good {ESCAPES}.")
    assert done.returncode == 0
    assert "good" in done.stdout
    path = tmp_path / f"a{ESCAPES}.csv"
    path.write_text(f"{ESCAPES * 1000},rating\nfine,{ESCAPES}\n")
    refused = [
        run_here(ANSWERING[task], "--model", model, "--input", path, "--text-column", "none"),
        run_here(ANSWERING[task], "--model", tmp_path / ESCAPES, "fine"),
        run_here(f"{task}.evaluate", "--model", model, "--test", tmp_path / f"{ESCAPES}.csv"),
        run_here(f"{task}.evaluate", "--model", model, "--test", path, f"--{ESCAPES * 1000}"),
    ]
    for answer in refused:
        assert_refused(answer)
    for said in (done.stdout, done.stderr, *(answer.stderr for answer in refused)):
        assert not set(said) & set("\x1b\x07\x9b\u202e")


def test_a_long_list_in_an_error_does_not_flood_the_screen(run_here, copied, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"column {number}" for number in range(100_000)) + "\n")
    assert_refused(run_here("sentiment.evaluate", "--model", copied("sentiment"), "--test", path), "no column 'review'")
