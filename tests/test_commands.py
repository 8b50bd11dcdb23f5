"""The whole program on the sample data, as users run it: train, evaluate, predict, in every format; pipes and help."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from common.bundles.bundle import open_bundle
from pos_tagging.conllu import read_conllu
from sentiment.cli import evaluate, train
from tests.programs import command_of

ROOT = Path(__file__).resolve().parent.parent
SCORES = {
    "sentiment": ("r2", "r2_rounded", "rmse", "mae", "spearman", "qwk", "binary_accuracy"),
    "language_model": ("nats_per_token", "perplexity", "bits_per_character"),
    "pos_tagging": ("accuracy", "accuracy_known", "accuracy_unknown", "sentence_accuracy", "macro_f1"),
}
ANSWERING = {"sentiment": "predict", "language_model": "score", "pos_tagging": "predict"}
# For what all tasks share: one in the default run.
SLOWER_TASKS = ["sentiment", *(pytest.param(t, marks=pytest.mark.slow) for t in ("language_model", "pos_tagging"))]
COMMANDS = [
    *[f"{task}.{command}" for task in SCORES for command in ("train", "evaluate", "explain")],
    *["sentiment.predict", "pos_tagging.predict", "language_model.score", "language_model.generate"],
]


@pytest.fixture
def answer(small_bundle, capsys):
    """Answer in this process, which has Keras already: what a command prints on standard output."""

    def answer(task, *args):
        command_of(f"{task}.{ANSWERING[task]}")(["--model", str(small_bundle(task)), *map(str, args)])
        return capsys.readouterr().out

    return answer


# -- Train, evaluate ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", SCORES)
def test_train_writes_a_complete_bundle(task, small_bundle, small_runs):
    folder = small_bundle(task)
    manifest = open_bundle(folder, task).manifest  # every file is as the manifest says
    assert {path.name for path in folder.iterdir()} == {*manifest["files"], "manifest.json"}
    assert {"README.md", "history.csv", "learning_curve.png", "vocabulary.json"} <= manifest["files"].keys()
    assert manifest["train"]["file"] == small_runs[task].train.name
    assert manifest["num_epochs"] == 2
    assert {"python", "tensorflow", "keras", "spacy"} <= manifest["versions"].keys()
    config = json.loads((folder / "config.json").read_text())
    assert config["learning_rate"] == 0.01
    card = (folder / "README.md").read_text()
    assert f"python -m {task}.train" in card
    assert "--learning-rate 0.01" in card
    assert str(ROOT) not in card + json.dumps(manifest)  # no personal paths
    left = [path.name for path in folder.parent.glob(f"*{task}*") if ".turn." not in path.name]
    assert left == [task]  # no checkpoint, nothing partial


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("task", SCORES)
def test_evaluate(task, run_here, small_bundle, small_runs, tmp_path):
    """As a process of its own each of these commands runs in tests/test_answering_alone.py."""
    model, small = tmp_path / "model", small_runs[task]
    shutil.copytree(small_bundle(task), model)
    options = ["--train", small.train, "--report", tmp_path / "report", "--json", "--save"]
    done = run_here(f"{task}.evaluate", "--model", model, "--test", small.test, *options)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    baselines = list(result["baselines"].values())
    assert len(baselines) >= 1
    assert set(SCORES[task]) <= set(result) & set(baselines[0])
    for system in (result, *baselines):
        for name in set(SCORES[task]) & set(system):  # some baselines only part good from bad
            low, high = system[f"{name}_interval"]
            assert low <= system[name] <= high, name
            assert low < high or name == "sentence_accuracy", name  # a tiny tagger has no sentence without a mistake
    assert result["num_examples"] > 50
    assert result["num_tokens"] > 1000
    assert result["data"]["file"] == small.test.name

    page = (tmp_path / "report/report.html").read_text()
    assert not re.findall(r'(?:src|href)\s*=\s*"(?!data:|#)[^"]*"|url\((?!#)|<script|<link|@import|https?://', page)
    assert f"{result[SCORES[task][0]]:.4f}"[:5] in page
    assert page.count("<svg") >= 1

    bundle = open_bundle(model, task)  # the manifest has been brought up to date
    metrics = bundle.read_json("metrics.json")
    command = f"python -m {task}.evaluate --model DIR --test {small.test.name} --train {small.train.name} --save"
    assert metrics["test"] == {name: value for name, value in result.items() if name != "report"} | {"command": command}
    assert command in (model / "README.md").read_text()
    assert metrics["validation"] == json.loads((small_bundle(task) / "metrics.json").read_text())["validation"]
    card = (model / "README.md").read_text()
    assert result["weaknesses"][0] in card
    assert card.count("## Samples") == (task == "language_model")


@pytest.mark.usefixtures("few_resamples")
def test_evaluate_for_people_and_without_a_baseline(small_bundle, small_runs, capsys):
    before = (small_bundle("sentiment") / "manifest.json").read_bytes()
    evaluate(["--model", str(small_bundle("sentiment")), "--test", str(small_runs["sentiment"].test)])
    shown = capsys.readouterr().out
    assert re.search(
        r"^r2 +-?\d\.\d{4} \[-?\d\.\d{4}, -?\d\.\d{4}\] +share of the variance that is explained; ", shown, re.M
    )
    assert "80 reviews" in shown
    assert "no baseline" in shown
    assert (small_bundle("sentiment") / "manifest.json").read_bytes() == before  # nothing kept without --save


# -- Answer, in every format ----------------------------------------------------------------------------------------

TEXTS = ['So "good", she said.', "<no> & <no>, it is not.", "Ça va? It goes.", "It was, and it was."]


def test_ratings_in_every_format(answer, tmp_path):
    text = answer("sentiment", *TEXTS).splitlines()
    parts = [re.fullmatch(r"([ \d]\d\.\d) ±\d\.\d  (.*)", line) for line in text]
    assert [part[2] for part in parts] == TEXTS
    ratings = [float(part[1]) for part in parts]
    records = answer("sentiment", *TEXTS, "--format", "jsonl").splitlines()
    assert [json.loads(line)["text"] for line in records] == TEXTS
    assert [json.loads(line)["rating"] for line in records] == pytest.approx(ratings, abs=0.06)
    table = answer("sentiment", *TEXTS, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["review"] for row in rows] == TEXTS
    assert [float(row["rating"]) for row in rows] == pytest.approx(ratings, abs=0.06)
    # what predict has written it can read, and into a file it writes the same
    (tmp_path / "in.csv").write_text(table)
    options = ["--input", tmp_path / "in.csv", "--output", tmp_path / "out.csv"]
    assert answer("sentiment", *options) == ""
    again = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [row["rating_predicted"] for row in again] == [row["rating"] for row in rows]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_tags_in_every_format(answer, tmp_path):
    path = tmp_path / "out.conllu"
    answer("pos_tagging", *TEXTS, "--format", "conllu", "--output", path)
    sentences = list(read_conllu(path))  # it can be read back
    assert [sentence.text() for sentence in sentences] == [*TEXTS[:2], "Ça va?", "It goes.", TEXTS[3]]
    pairs = [sentence.pairs() for sentence in sentences]
    records = answer("pos_tagging", *TEXTS, "--format", "jsonl").splitlines()
    assert [list(zip(r["tokens"], r["tags"], strict=True)) for r in map(json.loads, records)] == pairs
    assert [json.loads(line)["place"] for line in records] == ["text 1", "text 2", "text 3", "text 3", "text 4"]
    tsv = answer("pos_tagging", *TEXTS, "--format", "tsv")
    assert [[tuple(line.split("\t")) for line in block.split("\n")] for block in tsv.strip().split("\n\n")] == pairs
    text = answer("pos_tagging", *TEXTS).splitlines()
    assert [[tuple(pair.rsplit("/", 1)) for pair in line.split(" ")] for line in text] == pairs
    page = answer("pos_tagging", *TEXTS, "--format", "html")
    assert "<no>" not in page
    assert "&lt;" in page
    assert not re.findall(r"src=|href=|https?://", page)
    # tokens that are given are tagged as they stand
    again = answer("pos_tagging", "--input", path, "--format", "conllu")
    assert again == path.read_text()


def test_scores_in_every_format(answer):
    lines = answer("language_model", *TEXTS, "--tokens").splitlines()
    records = answer("language_model", *TEXTS, "--format", "jsonl").splitlines()
    records = [json.loads(line) for line in records]
    assert [record["text"] for record in records] == TEXTS
    heads = [line for line in lines if " nats " in line]
    assert len(lines) - len(heads) == sum(len(record["tokens"]) for record in records)
    for head, record in zip(heads, records, strict=True):
        assert head.endswith(record["text"])
        assert float(head.split()[0]) == pytest.approx(record["log_probability"], abs=0.006)
        bits = sum(record["surprisals"])
        assert record["log_probability"] == pytest.approx(-bits * 0.693147, rel=1e-3)
        assert record["bits_per_character"] == pytest.approx(bits / len(record["text"]), rel=1e-3)
        assert record["tokens"][-1] == "<eos>"


def test_generate(run, run_here, small_bundle):
    options = ["--prompt", "Once upon a", "--num-samples", "3", "--max-tokens", "8", "--seed", "5"]
    command = ["language_model.generate", "--model", small_bundle("language_model"), *options]
    done = run(*command)
    assert done.returncode == 0
    assert done.stderr == "the model does not know 'Once', 'upon'; it reads <unk> there\n"
    texts = re.split(r"^--- \d\n", done.stdout, flags=re.MULTILINE)
    assert len(texts) == 4
    assert all(text.startswith("Once upon a") for text in texts[1:])
    assert run_here(*command).stdout == done.stdout  # the same seed in another process
    assert run_here(*command[:-1], "6").stdout != done.stdout


@pytest.mark.parametrize("task", SLOWER_TASKS)
def test_standard_input_keeps_its_order(task, run, small_bundle):
    # more than are answered at once, of all lengths, so that batches are not in order
    texts = [f"{'word ' * (i * 37 % 11)}number {i}" for i in range(600)]
    command = [f"{task}.{ANSWERING[task]}", "--model", small_bundle(task), "--format", "jsonl"]
    done = run(*command, input="\n".join(texts) + "\n")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == texts


@pytest.mark.parametrize("task", SLOWER_TASKS)
def test_a_reader_that_leaves_early_is_no_error(task, small_bundle):
    command = [sys.executable, "-m", f"{task}.{ANSWERING[task]}", "--model", str(small_bundle(task))]
    texts = "It was so good, so very good.\n" * 5000
    script = f"{' '.join(command)} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], input=texts, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(small_bundle, tmp_path):
    script = (
        "import resource, sys; from sentiment.cli import predict; predict(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)"
    )

    def megabytes(num_lines):
        path = tmp_path / f"{num_lines}.txt"
        path.write_text("".join(f"It was number {i} and so good.\n" for i in range(num_lines)))
        command = [sys.executable, "-c", script, "--model", small_bundle("sentiment"), "--input", path]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=True)
        assert done.stdout.count("\n") == num_lines
        return int(done.stderr.splitlines()[-1])

    assert megabytes(20_000) < megabytes(2_000) + 50


# -- Help, usage, imports -------------------------------------------------------------------------------------------


WRONG_OPTIONS = [
    ("sentiment.train", [], "required: --train, --output-dir"),
    ("sentiment.train", ["--train", "x", "--output-dir", "y", "--unit", "3"], "unrecognized arguments: --unit"),
    ("sentiment.train", ["--train", "x", "--output-dir", "y", "--units", "many"], "--units"),
    (
        "sentiment.train",
        ["--train", "x", "--output-dir", "y", "--units", "0"],
        "--units: found 0, wanted at least 1",
    ),
    (
        "sentiment.train",
        ["--train", "x", "--output-dir", "y", "--dropout", "nan"],
        "--dropout: found 'nan', wanted a finite number",
    ),
    ("sentiment.train", ["--train", "x", "--output-dir", "y", "--architecture", "mlp"], "wanted one of lstm, gru"),
    ("pos_tagging.train", ["--train", "x", "--output-dir", "y", "--config", "no.json"], "no.json: no such file"),
    ("language_model.train", ["--output-dir", "y"], "required: --train"),
    ("sentiment.evaluate", [], "required: --test"),
    ("pos_tagging.predict", ["--format", "pdf", "Hi"], "invalid choice: 'pdf'"),
    ("sentiment.predict", ["Hi", "--input", "x"], "TEXT and --input exclude each other"),
    ("pos_tagging.predict", ["Hi", "--input", "x.conllu"], "TEXT and --input exclude each other"),
    ("language_model.score", ["Hi", "--model", "/nowhere"], "/nowhere: no such bundle"),
    ("sentiment.predict", ["Hi", "--output", "/tmp"], "/tmp: is a folder"),
    ("language_model.generate", ["--temperature", "-1"], "--temperature: found -1, wanted at least 0"),
    ("language_model.generate", ["--top-p", "2"], "--top-p: found 2, wanted from 0.0001 to 1"),
    ("language_model.generate", ["--num-samples", "0"], "--num-samples: found 0, wanted from 1 to 1,000"),
    ("language_model.generate", ["--max-tokens", "many"], "--max-tokens"),
]
# Runs commands one after the other, each with the modules of this project imported anew. To the first it is as if it
# had the process for itself; to the others NumPy and the like are there already.
RUN_WITHOUT_KERAS = """
import contextlib, io, json, runpy, sys
for name in ("tensorflow", "keras", "spacy"):
    sys.modules[name] = None
done = []
for command in json.load(sys.stdin):
    for name in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
        del sys.modules[name]
    sys.argv, status = command, 0
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            runpy.run_module(command[0], run_name="__main__", alter_sys=True)
        except SystemExit as left:
            status = left.code or 0
    done.append((status, out.getvalue(), err.getvalue()))
print(json.dumps(done))
"""


@pytest.fixture(scope="module")
def without_keras():
    """What the commands print and their status, in a process that may not import TensorFlow, Keras or spaCy."""
    commands = [*((module, "--help") for module in COMMANDS), *((module, *given) for module, given, _ in WRONG_OPTIONS)]
    script = f"PACKAGES = {('common', 'interpretability', *SCORES)}" + RUN_WITHOUT_KERAS
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(commands),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stderr == ""
    results = [
        subprocess.CompletedProcess(command, *result)
        for command, result in zip(commands, json.loads(done.stdout), strict=True)
    ]
    return {tuple(result.args): result for result in results}


@pytest.mark.parametrize("module", COMMANDS)
def test_help_needs_no_keras(module, without_keras):
    done = without_keras[module, "--help"]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: python -m {module}")
    if module.endswith("train"):
        for flag in ("--train", "--output-dir", "--resume", "--config", "--architecture", "--learning-rate", "--seed"):
            assert flag in done.stdout
        assert "(default: " in done.stdout


@pytest.mark.parametrize(("module", "arguments", "message"), WRONG_OPTIONS)
def test_a_wrong_option_is_one_line_and_needs_no_keras(module, arguments, message, without_keras):
    done = without_keras[module, *arguments]
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"error: [^\n]+\n", done.stderr)
    assert message in done.stderr


def test_importing_and_loading_is_silent_and_offline():
    script = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise AssertionError('network')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "import sentiment, pos_tagging, language_model\n"
        "for task in ('sentiment', 'pos_tagging', 'language_model'):\n"
        "    for part in ('config', 'loader', 'predict', 'evaluate', 'train', 'model'):\n"
        "        __import__('importlib').import_module(f'{task}.{part}')\n"
    )
    script = "from common.inference.keras_start import start_keras; print(start_keras().backend.backend())\n" + script
    script += (
        "from pathlib import Path\n"
        "from common.bundles.bundle import open_bundle\n"
        "from common.inference.keras_engine import load_model\n"
        "for task in ('sentiment', 'pos_tagging', 'language_model'):\n"
        "    load_model(open_bundle(Path('tests/fixtures/format_1', task)))\n"  # Keras knows our layers
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "tensorflow\n", "")


def test_settings_from_a_file_and_flags_win(small_runs, tmp_path, capsys):
    settings = {"units": 4, "embedding_dim": 3, "num_epochs": 1, "max_length": 20, "pooling": "last"}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    small = small_runs["sentiment"]
    options = ["--config", str(tmp_path / "settings.json"), "--units", "5", "--directions", "forward"]
    train(["--train", str(small.train), "--output-dir", str(tmp_path / "model"), *options])
    assert capsys.readouterr().out.startswith("validation: r2 ")
    config = json.loads((tmp_path / "model/config.json").read_text())
    assert (config["units"], config["embedding_dim"], config["directions"]) == (5, 3, "forward")
    assert "--directions forward" in (tmp_path / "model/README.md").read_text()


@pytest.mark.slow
def test_a_bundle_trained_again_replaces_the_old(run, small_runs, small_bundle, tmp_path):
    small = small_runs["pos_tagging"]
    shutil.copytree(small_bundle("pos_tagging"), tmp_path / "model")
    command = ["pos_tagging.train", "--train", small.train, "--output-dir", tmp_path / "model", *small.flags]
    assert run(*command, "--num-epochs", "1", "--overwrite").returncode == 0
    assert open_bundle(tmp_path / "model", "pos_tagging").manifest["num_epochs"] == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]
