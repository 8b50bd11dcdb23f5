"""Whatever a user gives: one clear line and exit status 2, or an answer; never a traceback, never half a file."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TASKS = ("sentiment", "language_model", "pos_tagging")
# For what all tasks share: one in the default run.
SLOWER_TASKS = ["sentiment", *(pytest.param(task, marks=pytest.mark.slow) for task in TASKS[1:])]
ANSWERING = {"sentiment": "sentiment.predict", "language_model": "language_model.score"} | {
    "pos_tagging": "pos_tagging.predict"
}
TEXT_COLUMN = {"sentiment": "review", "language_model": "text", "pos_tagging": "text"}


def assert_refused(done, *parts):
    """One line on standard error that names all of `parts`, nothing on standard output, exit status 2."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert re.fullmatch(r"error: [^\n]+\n", done.stderr), done.stderr
    for part in parts:
        assert str(part) in done.stderr


def train(run_here, task, path, *flags):
    """Start a training that should not come far."""
    output_dir = path.parent / "out"
    return run_here(f"{task}.train", "--train", path, "--output-dir", output_dir, "--num-epochs", "1", *flags)


def word(number, form="w", tag="X"):
    return "\t".join([str(number), form, "_", tag, *["_"] * 6]) + "\n"


# -- Data for training and evaluation -------------------------------------------------------------------------------

GOOD = {
    "sentiment": "review,rating\nfine,3\n",
    "language_model": "text\nfine\n",
    "pos_tagging": word(1) + "\n",
}
ENDING = {"sentiment": "csv", "language_model": "csv", "pos_tagging": "conllu"}
WRONG_FILES = [
    # task, file, content, what the line says
    ("sentiment", "a.csv", "", "empty file; the first line must name the columns"),
    ("sentiment", "a.csv", "review,rating\n", "no rows"),
    ("sentiment", "a.csv", "text,stars\nfine,3\n", "no column 'review'; the columns there are: text, stars"),
    ("sentiment", "a.csv", "review\nfine\n", "no column 'rating'; the columns there are: review"),
    (
        "sentiment",
        "a.csv",
        "review,rating\nfine,3\nwell,good\n",
        "ratings in words ('good') and in other forms ('3')",
    ),
    ("sentiment", "a.csv", "review,rating\nfine,fair\n", "row 1: rating 'fair' "),
    ("sentiment", "a.csv", "review,rating\nfine,nan\n", "row 1: rating 'nan' marks a missing value"),
    ("sentiment", "a.csv", "review,rating\nfine,3\n ,3\n", "row 2: empty text"),
    ("sentiment", "a.csv", "review,rating\nfine,3\na,b,3\n", "row 2: 3 fields where the header has 2"),
    ("sentiment", "a.csv", 'review,rating\n"fine,3\n', "line 2: not valid CSV"),
    (
        "sentiment",
        "a.csv",
        "review,rating\nfiné,3\ncaf".encode() + b"\xe9,4\n",
        "row 2: byte 0xe9 after 'caf' is not UTF-8",
    ),
    ("sentiment", "a.jsonl", '{"review": "fine", "rating": 3}\n{"review": \n', "row 2: not valid JSON"),
    ("sentiment", "a.jsonl", '["fine", 3]\n', "row 1: found '[\"fine\", 3]' where an object {…} is wanted"),
    ("sentiment", "a.jsonl", '{"review": "fine"}\n', "row 1: no column 'rating'; the columns there are: review"),
    ("sentiment", "a.jsonl", '{"review": null, "rating": 3}\n', "row 1: empty text"),
    ("sentiment", "a.csv", "%PDF-1.7", "a PDF file; export its text first"),
    (
        "sentiment",
        "a.csv",
        "Review_text,stars\nfine,3\n",
        "no column 'review'",
    ),
    ("sentiment", "a.csv", "review,review,rating\na,b,3\n", "two columns are named 'review': 1 and 2; choose one by"),
    ("sentiment", "a.jsonl", '{"review": "a", "review": "b", "rating": 3}\n', "row 1: two values of 'review'"),
    ("sentiment", "a.csv", "review,rating\nfine,3\n", "nothing is left to train on"),
    ("language_model", "a.csv", "title,story\na,b\n", "no column 'text'; the columns there are: title, story"),
    ("language_model", "a.csv", 'text\nfine\n" "\n', "row 2: empty text"),
    ("language_model", "a.csv", "text\n", "no rows"),
    ("language_model", "a.txt", "", "no text in the file"),
    ("language_model", "a.txt", " \n\n", "no text in the file"),
    ("language_model", "a.txt", "finé\ncaf".encode() + b"\xe9\n", "line 2: byte 0xe9 after 'caf' is not UTF-8"),
    ("language_model", "a.txt", "a", "the text is too short to be cut in two"),
    ("language_model", "a.csv", "text\nfine\n", "the text is too short to be cut in two"),
    ("pos_tagging", "a.conllu", "", "no sentences"),
    ("pos_tagging", "a.conllu", "1\tw\t_\tX\n\n", "line 1: 4 fields, CoNLL-U has 10"),
    ("pos_tagging", "a.conllu", word(1) + word(3) + "\n", "line 2: id '3' where 2 is due"),
    ("pos_tagging", "a.conllu", word(1) + "\n" + word(1)[:-1], "line 3: no line end after the last word"),
    ("pos_tagging", "a.conllu", word(1, tag="_") + "\n", "line 1: word 'w' has no tag"),
    ("pos_tagging", "a.conllu", word(1, "é").encode() + b"2\tcaf\xe9\n\n", "line 2: byte 0xe9"),
    ("pos_tagging", "a.conllu", word(1) + "\n", "nothing is left to train on"),
    ("pos_tagging", "a.csv", 'tokens,tags\n"a\tb",X\n', "row 1: 2 tokens and 1 tags"),
    ("pos_tagging", "a.csv", "tokens,tags\n ,X\n", "row 1: empty sentence"),
    ("pos_tagging", "a.csv", "words,tags\na,X\n", "no column 'tokens'; the columns there are: words, tags"),
]


@pytest.mark.parametrize(("task", "name", "content", "message"), WRONG_FILES)
def test_training_refuses_a_wrong_file(task, name, content, message, run_here, tmp_path):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = train(run_here, task, path)
    assert_refused(done, message)
    assert str(path) in done.stderr or "--validation-split" in done.stderr
    assert list(tmp_path.iterdir()) == [path]  # no output, no checkpoint


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("where", ["train", "test"])
def test_no_such_file_and_a_folder(task, where, run_here, small_bundle, tmp_path):
    def given(path):
        if where == "train":
            return train(run_here, task, path)
        return run_here(f"{task}.evaluate", "--model", small_bundle(task), "--test", path)

    missing = tmp_path / f"none.{ENDING[task]}"
    assert_refused(given(missing), missing, "no such file; check the name")
    folder = tmp_path / f"folder.{ENDING[task]}"
    folder.mkdir()
    assert_refused(given(folder), folder, "is a folder; give the name of a file in it")
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("task", TASKS)
def test_a_gzip_cut_short_or_damaged(task, run_here, small_runs, tmp_path):
    whole = gzip.compress(small_runs[task].train.read_bytes())
    path = tmp_path / f"a.{ENDING[task]}.gz"
    for content in (whole[: len(whole) // 2], b"not gzip at all", whole[:-20] + b"\0" * 20):
        path.write_bytes(content)
        assert_refused(train(run_here, task, path), path, "not a complete gzip file", "download it again")


def test_evaluate_stops_at_a_wrong_row_and_writes_nothing(run_here, small_bundle, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("review,rating\nfine,3\nfine,12\n")
    before = (small_bundle("sentiment") / "manifest.json").read_bytes()
    options = ["--report", tmp_path / "report", "--save", "--json"]
    done = run_here("sentiment.evaluate", "--model", small_bundle("sentiment"), "--test", path, *options)
    assert_refused(done, f"{path}, row 2: rating '12' is outside 1 to 10", "--max-rating")
    assert list(tmp_path.iterdir()) == [path]
    assert (small_bundle("sentiment") / "manifest.json").read_bytes() == before


@pytest.mark.slow
def test_a_learning_rate_that_explodes(run_here, small_runs, tmp_path):
    small = small_runs["language_model"]
    flags = [*small.flags, "--learning-rate", "1e30", "--max-gradient-norm", "1e30", "--schedule", "constant"]
    done = run_here(f"{small.task}.train", "--train", small.train, "--output-dir", tmp_path / "model", *flags)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "error: --learning-rate: the loss became nan in epoch 1; try a smaller"
    )
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


# -- Texts to answer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", SLOWER_TASKS)
def test_a_bad_row_is_reported_and_the_rest_answered(task, run_here, small_bundle, tmp_path):
    path, output, column = tmp_path / "a.jsonl", tmp_path / "out.jsonl", TEXT_COLUMN[task]
    rows = [{column: "It was good."}, {column: " "}, {"other": 1}, {column: "It was bad."}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{oh\n")
    command = [ANSWERING[task], "--model", small_bundle(task), "--input", path, "--format", "jsonl", "--output", output]
    done = run_here(*command)
    assert (done.returncode, done.stdout) == (0, "")
    written = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row.get(column) for row in written] == ["It was good.", " ", None, "It was bad.", None]
    assert ["note" in row for row in written] == [False, True, True, False, True]
    reported = done.stderr.splitlines()
    assert reported[0].startswith(f"no answer: {path}, row 2: empty text")
    assert reported[1].startswith(f"no answer: {path}, row 3: no column {column!r}; the columns there are: other")
    assert reported[2].startswith(f"no answer: {path}, row 5: not valid JSON")
    assert reported[3:] == ["3 of 5 rows have no answer"]
    # --strict stops, and leaves the old file as it was
    before = output.read_bytes()
    assert_refused(run_here(*command, "--strict"), f"{path}, row 2: empty text")
    assert output.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"a.jsonl", "out.jsonl"}


@pytest.mark.parametrize("task", TASKS)
def test_wrong_texts_to_answer(task, run_here, small_bundle, tmp_path):
    command = [ANSWERING[task], "--model", small_bundle(task)]
    assert_refused(run_here(*command, "--input", tmp_path / "none.txt"), "none.txt: no such file")
    assert_refused(run_here(*command, "--input", tmp_path), f"{tmp_path}: is a folder")
    assert_refused(run_here(*command, input=""), "no text given; write one after the command, or use --input")
    (tmp_path / "a.csv").write_text("words\nfine\n")
    done = run_here(*command, "--input", tmp_path / "a.csv")
    assert_refused(done, "a.csv: no column", "the columns there are: words", "--text-column")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(os.urandom(3000).hex().encode())[:1000])
    done = run_here(*command, "--input", tmp_path / "a.txt.gz", "--output", tmp_path / "out")
    assert_refused(done, "a.txt.gz: not a complete gzip file")
    assert not list(tmp_path.glob("*out*"))


def test_wrong_conllu_to_tag(run_here, small_bundle, tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(word(1, "one") + "\n" + word(1) + word(1) + "\n" + word(1, "three") + "\n")
    command = ["pos_tagging.predict", "--model", small_bundle("pos_tagging"), "--input", path]
    done = run_here(*command, "--format", "tsv")
    assert done.returncode == 0, done.stderr
    assert [line.split("\t")[0] for line in done.stdout.splitlines() if line] == ["one", "three"]
    assert f"no answer: {path}, line 4: id '1' where 2 is due" in done.stderr
    assert "1 of 3 rows have no answer" in done.stderr
    done = run_here(*command, "--strict", "--output", tmp_path / "out")
    assert_refused(done, f"{path}, line 4: id '1' where 2 is due")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("task", SLOWER_TASKS)
def test_bytes_that_are_no_utf8(task, run_here, small_bundle):
    command = [ANSWERING[task], "--model", small_bundle(task), "--format", "jsonl"]
    damaged = "It was göod.\ncaf".encode() + b"\xe9\n"
    done = run_here(*command, input=damaged.decode("utf-8", "surrogateescape"))
    assert done.returncode == 0
    good, bad = map(json.loads, done.stdout.splitlines())
    assert good["text"] == "It was göod."
    assert bad["note"]
    assert "no answer: standard input, line 2: byte 0xe9 after 'caf' is not UTF-8" in done.stderr
    done = run_here(*command, input=b"It was good.\ncaf\xe9\n".decode("utf-8", "surrogateescape"))
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["It was good.", "café"]
    assert "standard input: Windows code page 1252" in done.stderr


MILLION = 1_000_000
ODD_TEXTS = [
    "It was good. " * (MILLION // 13),
    "x" * MILLION,
    "!" * 100_000,  # as many tokens
    "a\x00b\x07c\x1b[31m \x85\u2028\ufeff.",
    "lone \ud800 surrogates \udcff\udc00 here",
    "👍🏽👨‍👩‍👧 🇫🇷 emoji",
    "مرحبا بالعالم \u202e שלום עולם",
    "e\u0301\u0301\u0301 Zalgo \u200b\u200d",
    "zzyzx qwertz",
    "\x00",
]


@pytest.mark.parametrize("task", TASKS)
def test_odd_texts_are_answered(task, run_here, small_bundle, tmp_path):
    path = tmp_path / "odd.jsonl"
    path.write_text("".join(json.dumps({TEXT_COLUMN[task]: text}) + "\n" for text in ODD_TEXTS))
    options = ["--input", path, "--format", "jsonl"]
    done = run_here(ANSWERING[task], "--model", small_bundle(task), *options)
    assert done.returncode == 0, done.stderr[-2000:]
    records = [json.loads(line) for line in done.stdout.splitlines()]
    if task == "pos_tagging":
        assert [bool(record["tokens"]) for record in records] == [True] * 9 + [False]  # the last has no word
        assert len("".join(records[1]["tokens"])) == MILLION
    else:
        assert [record[TEXT_COLUMN[task]] for record in records] == ODD_TEXTS
    assert "row 9: the model knows none of its words; the answer is a guess" in done.stderr
    assert "\x07" not in done.stderr  # what is quoted in a message cannot ring a bell or flood the screen
    assert max(map(len, done.stderr.splitlines())) < 300


@pytest.mark.parametrize("task", SLOWER_TASKS)
def test_odd_texts_on_the_command_line_and_in_text_format(task, small_bundle):
    command = [sys.executable, "-m", ANSWERING[task], "--model", str(small_bundle(task))]
    texts = [b"caf\xff\xfe", "👍 fine".encode(), "\ud800".encode("utf-8", "surrogatepass")]
    done = subprocess.run([*map(os.fsencode, command), *texts], cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "👍" in done.stdout.decode()  # it is UTF-8
    assert done.stdout.count(b"\n") >= 3
    done = subprocess.run([*command, "  "], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "no answer: text 1: empty text" in done.stderr


@pytest.mark.usefixtures("few_resamples")
def test_odd_texts_in_training_data_and_in_a_report(run_here, tmp_path):
    path = tmp_path / "odd.jsonl"
    rows = [{"review": f"{text[:5000]} {i}", "rating": 1 + i % 10} for i, text in enumerate(ODD_TEXTS * 3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = train(
        run_here, "sentiment", path, "--units", "3", "--embedding-dim", "3", "--max-length", "20", "--min-count", "1"
    )
    assert done.returncode == 0, done.stderr
    options = ["--train", path, "--report", tmp_path / "report"]
    done = run_here("sentiment.evaluate", "--model", tmp_path / "out", "--test", path, *options)
    assert done.returncode == 0, done.stderr
    assert "emoji" in (tmp_path / "report/report.html").read_text(encoding="utf-8")


# -- Bundles --------------------------------------------------------------------------------------------------------


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def flip_one_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "another format": (
        lambda b: change(b / "manifest.json", '"format_version": 2', '"format_version": 9'),
        "format version '9', this program reads 1 to 2",
    ),
    "a file missing": (lambda b: (b / "vocabulary.json").unlink(), "vocabulary.json: missing"),
    "one bit": (lambda b: flip_one_bit(b / "model.weights.h5"), "model.weights.h5: its sha256 is not the manifest's"),
    "cut": (
        lambda b: os.truncate(b / "model.weights.h5", 5000),
        "model.weights.h5: 5,000 bytes, not what the manifest",
    ),
    "no manifest": (lambda b: (b / "manifest.json").unlink(), "not a bundle, manifest.json is missing"),
    "half a manifest": (lambda b: os.truncate(b / "manifest.json", 100), "manifest.json: not valid JSON"),
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_bundle(task, damage, run_here, small_bundle, tmp_path):
    shutil.copytree(small_bundle(task), tmp_path / "model")
    do_damage, message = DAMAGES[damage]
    do_damage(tmp_path / "model")
    output = tmp_path / "out"
    done = run_here(ANSWERING[task], "--model", tmp_path / "model", "fine", "--output", output)
    assert_refused(done, tmp_path / "model", message)
    assert not output.exists()


@pytest.mark.parametrize("task", TASKS)
def test_a_bundle_of_another_task_or_none(task, run_here, small_bundle, small_runs, tmp_path):
    other = small_bundle(TASKS[TASKS.index(task) - 1])
    message = f"a bundle for '{other.name}', not for {task}"
    assert_refused(run_here(ANSWERING[task], "--model", other, "fine"), other, message)
    assert_refused(run_here(f"{task}.evaluate", "--model", other, "--test", small_runs[task].test), other, message)
    assert_refused(run_here(ANSWERING[task], "--model", tmp_path / "no", "fine"), "no such bundle; train one")


# -- Disks and folders ----------------------------------------------------------------------------------------------


def run_with_small_files(module, *args, max_bytes):
    """Run a command that may not write a file longer than `max_bytes`: what a full disk does to it."""
    script = (
        "import resource, runpy, sys\n"
        "limit, module, sys.argv = int(sys.argv[1]), sys.argv[2], sys.argv[2:]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "runpy.run_module(module, run_name='__main__')\n"
    )
    command = [sys.executable, "-c", script, str(max_bytes), module, *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("task", SLOWER_TASKS)
def test_a_full_disk_while_answering(task, run_here, small_bundle):
    command = [ANSWERING[task], "--model", small_bundle(task), "It was good."]
    assert_refused(run_here(*command, "--output", "/dev/full"), "the disk is full; free some space")
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", *map(str, command)]
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    assert done.returncode == 2
    assert re.fullmatch(r"error: [^\n]*the disk is full[^\n]*\n", done.stderr), done.stderr


def test_a_disk_that_fills_up_while_answering_leaves_the_old_file(small_bundle, tmp_path):
    texts, output = tmp_path / "in.txt", tmp_path / "out.txt"
    texts.write_text("It was so very good, and it was so very bad.\n" * 2000)
    output.write_text("old\n")
    command = ["sentiment.predict", "--model", small_bundle("sentiment"), "--input", texts, "--output", output]
    done = run_with_small_files(*command, max_bytes=20_000)
    assert_refused(done, "the disk is full")
    assert output.read_text() == "old\n"
    assert {path.name for path in tmp_path.iterdir()} == {"in.txt", "out.txt"}


@pytest.mark.slow
def test_a_disk_that_fills_up_while_training(small_runs, tmp_path):
    small = small_runs["sentiment"]
    command = ["sentiment.train", "--train", small.train, "--output-dir", tmp_path / "model", *small.flags]
    done = run_with_small_files(*command, max_bytes=50_000)  # the weights and the state of Adam need more
    assert done.returncode == 2, done.stderr
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"error: [^\n]*the disk is full[^\n]*", lines[-1])
    assert "Traceback" not in done.stderr
    assert len(lines) < 8
    assert list(tmp_path.rglob("*")) in ([], [tmp_path / "model.checkpoint"])


@pytest.mark.parametrize("task", TASKS)
def test_a_folder_that_cannot_be_written(task, run_here, small_bundle, small_runs, tmp_path):
    (tmp_path / "file").write_text("mine")
    data = ["--train", small_runs[task].train]
    for folder, named in ((tmp_path / "file/model", tmp_path / "file"), ("/proc/nothing/model", "/proc")):
        done = run_here(f"{task}.train", *data, "--output-dir", folder)
        assert_refused(done, f"error: {named}: ", "cannot be written", "choose another place")
    done = run_here(f"{task}.train", *data, "--output-dir", tmp_path / ("n" * 300) / "model")
    assert_refused(done, "File name too long; choose another path")
    done = run_here(f"{task}.train", *data, "--output-dir", tmp_path / "file")
    assert_refused(done, tmp_path / "file", "is a file; name a new folder with --output-dir")
    done = run_here(f"{task}.train", *data, "--output-dir", tmp_path)
    assert_refused(done, tmp_path, "holds files that are no bundle", "nothing there was touched")
    answer = [ANSWERING[task], "--model", small_bundle(task), "fine", "--output"]
    assert_refused(run_here(*answer, "/proc/out"), "/proc")
    assert_refused(run_here(*answer, tmp_path / "file/out"), "cannot be written", "choose another --output")
    evaluate = [f"{task}.evaluate", "--model", small_bundle(task), "--test", small_runs[task].test, "--report"]
    assert_refused(run_here(*evaluate, tmp_path / "file"), "is a file; name a folder with --report")
    assert (tmp_path / "file").read_text() == "mine"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_report_that_cannot_be_written(run_here, small_bundle, small_runs):
    command = ["sentiment.evaluate", "--model", small_bundle("sentiment"), "--test", small_runs["sentiment"].test]
    assert_refused(
        run_here(*command, "--report", "/proc/report"), "error: /proc: cannot be written", "choose another --report"
    )


def test_resume_without_a_checkpoint(run_here, small_runs, tmp_path):
    small = small_runs["sentiment"]
    done = run_here("sentiment.train", "--train", small.train, "--output-dir", tmp_path / "model", "--resume")
    assert_refused(done, "model.checkpoint: no checkpoint to resume; leave out --resume to start")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"units": 3, "unit": 3}', "setting unit: no such setting; did you mean units?"),
        ('{"units": "many"}', "setting units: found 'many', wanted int"),
        ('{"dropout": 2}', "setting dropout: found 2, wanted from 0 to 0.99"),
        ("[1]", "holds '[1]', not an object"),
        ("{", "not valid JSON"),
    ],
)
def test_a_wrong_settings_file(content, message, run_here, small_runs, tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(content)
    command = ["sentiment.train", "--train", small_runs["sentiment"].train, "--output-dir", tmp_path / "model"]
    assert_refused(run_here(*command, "--config", path), path, message)
