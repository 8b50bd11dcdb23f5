"""The benchmark of engines in tiny sizes: the same network everywhere, medians, results that explain themselves."""

from __future__ import annotations

import doctest
import json
import socket
import subprocess
import sys
import types
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import engines, timing
from benchmarks.networks import language_model, rating_model, tagger, without_masks

NETWORKS = {
    "tagger": lambda: tagger(embedding_dim=5, units=7, num_tags=3, vocab_size=11, num_steps=4),
    "language model": lambda: language_model(embedding_dim=5, units=7, vocab_size=11),
    "rating model": lambda: rating_model(embedding_dim=5, units=7, vocab_size=11, num_steps=6),
}
BATCH_SIZES = (2, 3)


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]()


def test_systems_without_pytorch_give_the_answers_of_the_projects_own_model(network, tmp_path):
    inputs = network.make_inputs(3)
    systems = engines.open_systems(network, tmp_path, num_threads=1, with_torch=False)
    wanted = network.model(inputs, training=False)
    wanted = wanted if isinstance(wanted, dict) else {"answer": wanted}
    assert len(systems) == (3 if network.name == "language model" else 2)
    for name, system in systems.items():
        answer = system(inputs)
        for key, array in (answer if isinstance(answer, dict) else {"answer": answer}).items():
            np.testing.assert_allclose(array, wanted[key], atol=1e-5, err_msg=name)
    assert max(engines.check_answers(systems, inputs).values()) < 1e-5


def test_pytorch_under_copied_weights_gives_the_answers_of_keras(network, tmp_path):
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install -r requirements-bench.txt")
    inputs = network.make_inputs(3)
    systems = engines.open_systems(network, tmp_path, num_threads=1, with_torch=True)
    assert engines.check_answers(systems, inputs)["PyTorch"] < 1e-5
    answer = systems["PyTorch"](inputs)
    for array in answer.values() if isinstance(answer, dict) else [answer]:
        assert np.ptp(array, axis=0).max() > 1e-3  # rows differ: the agreement is not one of zeros


def test_another_network_is_noticed():
    inputs = {"mask": np.ones((2, 3), bool)}
    systems = {"Keras": lambda inputs: np.zeros((2, 1)), "other": lambda inputs: np.full((2, 1), 2e-4)}
    with pytest.raises(ValueError, match=r"other is off by 0\.0002"):
        engines.check_answers(systems, inputs)
    with pytest.raises(ValueError, match="other"):
        engines.check_answers(systems | {"other": lambda inputs: np.full((2, 1), np.nan)}, inputs)


def test_no_recurrent_layer_of_keras_is_told_a_mask(network, monkeypatch):
    told = []
    for kind in (keras.layers.RNN, keras.layers.Bidirectional):
        call = kind.call
        monkeypatch.setattr(kind, "call", _note_mask(call, told))
    model = without_masks(network.model)
    model(network.make_inputs(2))
    assert told
    assert not any(told)
    network.model(network.make_inputs(2))
    assert any(told)


def _note_mask(call, told):
    def noting(self, *arguments, **named):
        told.append(named.get("mask") is not None)
        return call(self, *arguments, **named)

    return noting


def test_writing_goes_on_with_its_own_token_and_state():
    seen = []

    def system(inputs):
        seen.append((inputs["token_ids"].tolist(), float(inputs["state_0_h"][0, 0])))
        logits = np.full((2, 1, 9), -100.0, np.float32)
        logits[0, 0, 4 + len(seen)] = logits[1, 0, 5] = 100  # the only likely words
        return {"logits": logits, "state_0_h": inputs["state_0_h"] + 1}

    inputs = {"token_ids": np.array([[7], [8]], np.int32), "state_0_h": np.zeros((2, 1), np.float32)}
    network = types.SimpleNamespace(name="language model")
    write_token = engines.make_call(network, system, inputs)
    for _ in range(3):
        write_token()
    assert seen == [([[7], [8]], 0), ([[5], [5]], 1), ([[6], [5]], 2)]


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when a test says so."""
    clock = types.SimpleNamespace(now=0.0, sleep=lambda seconds: None)
    clock.perf_counter = lambda: clock.now
    monkeypatch.setattr(timing, "time", clock)
    return clock


def test_medians_come_from_turns_in_turn(clock):
    order = []

    def call(name, durations):
        def run():
            order.append(name)
            clock.now += next(durations)

        return run

    # Of each turn the first call is not on the clock.
    a = call("a", iter([9.0, 0.001, 9.0, 0.002, 9.0, 0.030]))
    b = call("b", iter([9.0, 0.004, 9.0, 0.004, 9.0, 0.005]))
    turns = {"a": lambda: timing.time_calls(a, 1), "b": lambda: timing.time_calls(b, 1)}
    times = timing.take_turns(turns, 3)
    assert order == list("aabb" * 3)
    assert timing.summarize(times["a"]) == {"median_ms": 2, "min_ms": 1, "max_ms": 30, "times_ms": [1, 2, 30]}
    assert timing.summarize(times["b"])["median_ms"] == 4


def test_a_turn_has_as_many_calls_as_fit_its_seconds(clock):
    durations = iter([9.0, 9.0, 0.1] + [9.0] + [0.05] * 5)  # compiles; warms up, is timed; warms up, five calls
    turn = timing.make_turn(lambda: setattr(clock, "now", clock.now + next(durations)), seconds=0.5)
    assert turn() == pytest.approx(50)
    with pytest.raises(StopIteration):
        next(durations)


@pytest.fixture
def tiny(monkeypatch):
    """The program, shrunken; its threads are those that TensorFlow has in this process."""
    monkeypatch.setattr(engines, "build_networks", lambda: [build() for build in NETWORKS.values()])
    monkeypatch.setattr(engines, "BATCH_SIZES", BATCH_SIZES)
    monkeypatch.setattr(engines, "SECONDS", 0.001)
    monkeypatch.setattr(timing, "set_threads", lambda num_threads: None)
    monkeypatch.setattr(timing, "REST_SECONDS", 0)
    monkeypatch.setattr(timing, "has_torch", lambda: False)


@pytest.mark.slow
def test_results_say_all_that_they_depend_on(tiny, tmp_path, capsys):
    engines.main(["--repeats", "3", "--threads", "1", "--output-dir", str(tmp_path / "results")])
    shown = capsys.readouterr()
    assert "PyTorch is not installed and is left out; for it: pip install -r requirements-bench.txt" in shown.err
    table = [line.split() for line in shown.out.splitlines()]
    content = (tmp_path / "results" / "engines.json").read_text(encoding="utf-8")
    results = json.loads(content)
    assert set(results) == {
        "command", "date", "repeats", "threads", "load_before", "machine", "versions", "left_out", "figures"
    }  # fmt: skip
    assert results["command"] == "python -m benchmarks.engines --repeats 3 --threads 1"
    assert results["left_out"] == ["PyTorch"]
    assert {"keras", "tensorflow", "onnxruntime", "onnx", "numpy", "python"} <= set(results["versions"])
    assert {"processor_model", "cores"} <= set(results["machine"])
    assert str(tmp_path) not in content
    assert str(Path.home()) + "/" not in content
    assert socket.gethostname() not in content

    systems = {name: ["ONNX Runtime", "Keras"] for name in ("tagger", "rating model")}
    systems["language model"] = ["ONNX Runtime", "Keras", "Keras predict"]
    found = [(figure["network"], figure["batch_size"], figure["system"]) for figure in results["figures"]]
    assert sorted(found) == sorted(
        (network, batch_size, system)
        for network in systems
        for batch_size in BATCH_SIZES
        for system in systems[network]
    )
    for network, batch_size, system in found:
        start = f"{network} {batch_size} {system}".split()
        assert sum(row[: len(start)] == start and row[len(start)][0].isdigit() for row in table) == 1
    for figure in results["figures"]:
        assert len(figure["times_ms"]) == 3
        assert figure["median_ms"] == sorted(figure["times_ms"])[1]
        tokens = figure["batch_size"] * {"tagger": 4, "language model": 1, "rating model": 6}[figure["network"]]
        assert figure["tokens_per_second"] == pytest.approx(1000 * tokens / figure["median_ms"], abs=0.06)
        assert figure["largest_difference"] < 1e-5
    assert (tmp_path / "results" / "engines.png").read_bytes().startswith(b"\x89PNG")


def test_the_readme_gets_the_table_between_its_marks(tmp_path, monkeypatch):
    page = "Before\n<!-- x -->\nold\n<!-- end of x -->\nafter\n"
    (tmp_path / "README.md").write_text(page, encoding="utf-8")
    monkeypatch.setattr(timing, "FOLDER", tmp_path)
    arguments = timing.parse_arguments(
        timing.benchmark_parser("benchmarks.x", None, 1), ["--output-dir", str(tmp_path), "--write-readme"]
    )
    figure = types.SimpleNamespace(savefig=lambda path, **options: Path(path).touch())
    timing.save_results(arguments, "x", timing.describe_run(arguments), [["a", "b"], ["1", "2"]], figure)
    written = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert written.startswith("Before\n<!-- x -->\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n`python -m benchmarks.x")
    assert written.endswith("\n<!-- end of x -->\nafter\n")
    assert "old" not in written
    with pytest.raises(ValueError, match="no <!-- y -->"):
        timing.replace_between_marks(page, "y", "")


def test_a_busy_machine_is_told(monkeypatch, capsys):
    for load, told in ((0.1, ""), (4.2, "Other programs are running (load 4.2)")):
        monkeypatch.setattr(timing.os, "getloadavg", lambda load=load: (load, 0, 0))
        assert timing.parse_arguments(timing.benchmark_parser("benchmarks.x", None, 1), []).load == load
        assert capsys.readouterr().err.startswith(told)
        assert bool(told) == (load > 1)


def test_the_readme_has_the_marks_of_both_programs():
    page = (timing.FOLDER / "README.md").read_text(encoding="utf-8")
    for name in ("engines", "training"):
        assert timing.replace_between_marks(page, name, "new") != page


@pytest.mark.parametrize("module", [engines, timing])
def test_examples_in_docstrings(module):
    failed, tried = doctest.testmod(module)
    assert tried
    assert not failed


def test_the_processors_name(tmp_path):
    (tmp_path / "cpuinfo").write_text("vendor_id\t: X\nmodel name\t: A : B 3\nmodel name\t: C\n", encoding="utf-8")
    assert timing.processor_model(tmp_path / "cpuinfo") == "A : B 3"
    assert timing.processor_model(tmp_path / "missing") == "unknown"


def test_tensorflow_gets_threads_and_no_gpu(monkeypatch):
    told = {}
    for name in ("intra", "inter"):
        monkeypatch.setattr(tf.config.threading, f"set_{name}_op_parallelism_threads", partial(told.__setitem__, name))
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda devices, kind: told.update({kind: devices}))
    monkeypatch.setattr(timing, "has_torch", lambda: False)
    timing.set_threads(3)
    assert told == {"intra": 3, "inter": 3, "GPU": []}


@pytest.mark.parametrize("program", ["engines", "training", "writing"])
def test_help_needs_neither_keras_nor_pytorch(program):
    code = (
        "import runpy, sys; sys.modules.update(dict.fromkeys(('keras', 'tensorflow', 'torch'))); "
        f"sys.argv[1:] = ['--help']; runpy.run_module('benchmarks.{program}', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--write-readme" in done.stdout
