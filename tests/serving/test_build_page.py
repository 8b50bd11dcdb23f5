"""The page as a folder: what is in it, where it may be written, and networks that answer as those of the bundles."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import onnxruntime
import pytest

from common.bundles.bundle import open_bundle
from common.errors import InputError
from common.inference.engine import open_engine
from common.inference.onnx.nodes import OnnxGraph
from common.inference.onnx.session import PROVIDERS
from common.inference.trial_inputs import random_inputs
from serving import build_page, page_check, page_models
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "format_2"
TASKS = ("sentiment", "pos_tagging", "language_model")


def make_runtime(folder):
    folder.mkdir()
    for name in build_page.RUNTIME_FILES:
        (folder / name).write_text("x", encoding="utf-8")
    return folder


@pytest.fixture
def runtime(tmp_path):
    """A folder that has the names of the runtime's files."""
    return make_runtime(tmp_path / "runtime")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page of three small models, and what its list says."""
    folder = tmp_path_factory.mktemp("built")
    content = build(folder / "site", make_runtime(folder / "runtime"))
    return folder / "site", content


def build(output, runtime, *names, check=False):
    return build_page.build(output, names or [str(FIXTURES / task) for task in TASKS], runtime, check)


def test_the_folder_holds_the_page_the_runtime_and_the_models(site):
    folder, content = site
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert {"index.html", "app.js", "worker.js", "style.css", "text/language.js", "view/rate.js"} <= files
    own = {name for name in files if name.startswith(("data/", "runtime/"))}
    assert content["files"].keys() == own - {"data/models.json"}
    assert [model["id"] for model in content["models"]] == [f"{task}/{task}" for task in TASKS]
    for model in content["models"]:
        assert {model["settings"], model["network"], model["tokenizer"]} <= own
    assert not any(name.startswith(("check", "package", "node_modules")) for name in files)
    assert str(ROOT) not in (folder / "data/models.json").read_text(encoding="utf-8")


def test_every_script_of_the_page_is_in_the_folder(site):
    folder, _ = site
    for file in folder.rglob("*.js"):
        for name in re.findall(r'from "(\.[^"]+)"', file.read_text(encoding="utf-8")):
            assert (file.parent / name).is_file(), (file, name)


def test_the_page_has_no_script_or_style_of_its_own_and_may_ask_nobody_else():
    text = (build_page.PAGE / "index.html").read_text(encoding="utf-8")
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|<style|\son\w+=|https?:", text)
    for file in build_page.PAGE.glob("**/*.js"):
        if "node_modules" not in file.parts:
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|https?://",
                file.read_text(encoding="utf-8"),
            ), file


def test_names_of_folders_are_no_part_of_addresses(tmp_path, runtime):
    odd = tmp_path / "<b>a #1?"
    shutil.copytree(FIXTURES / "sentiment", odd)
    content = build(tmp_path / "site", runtime, str(odd), str(FIXTURES / "sentiment"))
    assert content["models"][0]["name"] == "<b>a #1?"
    assert all(re.fullmatch(r"[\w./-]+", name) for name in content["files"])
    assert content["models"][0]["network"] != content["models"][1]["network"]


def test_what_is_there_is_not_touched(tmp_path, runtime):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="exists already"):
        build(tmp_path / "site", runtime)
    assert (tmp_path / "site/letter.txt").read_text(encoding="utf-8") == "mine"


def test_a_page_that_answers_otherwise_does_not_appear(tmp_path, runtime, monkeypatch):
    def fail(folder, places):
        assert (folder / "data/models.json").is_file()
        raise InputError("the page answers otherwise")

    monkeypatch.setattr(page_check, "find_node", lambda: "node")
    monkeypatch.setattr(page_check, "check_answers", fail)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="answers otherwise"):
        build(tmp_path / "site", runtime, str(FIXTURES / "sentiment"), check=True)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("version", "message"), [(None, "has no ort.wasm.min.mjs"), ("0.0.1", "0.0.1 is there, wanted")]
)
def test_a_runtime_that_is_missing_or_of_another_version_is_refused(tmp_path, runtime, version, message):
    if version is None:
        (runtime / "ort.wasm.min.mjs").unlink()
    else:
        (tmp_path / "package.json").write_text(json.dumps({"version": version}), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        build(tmp_path / "site", runtime)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("task", TASKS)
def test_the_network_of_the_page_answers_as_that_of_the_bundle(task):
    bundle = open_bundle(FIXTURES / task)
    session = onnxruntime.InferenceSession(
        page_models.small_graph(bundle.architecture).SerializeToString(), providers=PROVIDERS
    )
    inputs = random_inputs(bundle.architecture, 2, 5, np.random.default_rng(0))
    inputs["mask"] = np.ones_like(inputs["mask"])
    wanted = open_engine(bundle)(inputs)
    names = [node.name for node in session.get_outputs() if not node.name.startswith("units.")]
    found = session.run(names, {node.name: inputs[node.name] for node in session.get_inputs()})
    wanted = list(wanted.values()) if isinstance(wanted, dict) else [wanted]
    for one, other in zip(wanted, found, strict=True):
        assert np.abs(one).max() > 1e-3
        np.testing.assert_allclose(other, one, rtol=2e-3, atol=2e-3)  # tables are in float16


def test_a_graph_keeps_nothing_that_nobody_reads():
    graph = OnnxGraph()
    lost = graph.add("Add", graph.weight("lost", np.ones(2)), graph.constant(3))
    lost = graph.add("Gather", graph.table("lost rows", np.ones((2, 2))), lost)
    kept = graph.add("Add", graph.weight("kept", np.ones(2)), graph.constant(4))
    kept = graph.add("Gather", graph.table("kept rows", np.ones((2, 2))), kept)
    graph.remove_unread([kept])
    graph.keep_read()
    assert [node.op_type for node in graph.nodes] == ["Add", "Gather"]
    assert graph.initializers.keys() == {"kept", "constant_int64__4"}
    assert (graph.weights.keys(), graph.tables.keys()) == ({"kept"}, {"kept rows"})


def test_limits_are_those_of_the_card_without_markup(tmp_path):
    shutil.copytree(FIXTURES / "sentiment", tmp_path / "model")
    card = "# Model\n\n## What it is bad at\n\n- Words like `<unk>`.\n- **Irony**.\n\nMore.\n\n## Data\n\n- not this\n"
    (tmp_path / "model/README.md").write_text(card, encoding="utf-8")
    bundle = open_bundle(FIXTURES / "sentiment")
    assert page_models.limits(type(bundle)(tmp_path / "model", bundle.manifest)) == ["Words like <unk>.", "Irony."]


def test_a_difference_is_named():
    with pytest.raises(InputError, match=r"the page gives 'so' the rating 2.0000, Python 1.0000"):
        page_check.near("so", "rating", [1.0], [2.0], {"rating": 0.0})
    with pytest.raises(InputError, match="the page answers 'so' with"):
        page_check.same("so", ["a"], ["b"])
