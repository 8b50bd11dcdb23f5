"""The answers of a page against those of Python: equal ones pass, and every difference is found."""

from __future__ import annotations

import importlib
from functools import cache

import numpy as np
import pytest

import interpretability
from common.errors import InputError
from serving import page_check
from serving.page_check import COMPARE, TEXTS, Page, check_answers, compare_units, near
from serving.places import Place
from tests.conftest import ROOT

PLACES = {task: Place(task, "toy", ROOT / "tests/fixtures/format_2" / task) for task in COMPARE}
FEW = [TEXTS[0], TEXTS[6], TEXTS[10]]


@cache
def load(task):
    return importlib.import_module(task).load(PLACES[task].path)


class PythonPage:
    """Answers as the scripts of a page do, but by the Python modules; `change` changes each answer."""

    def __init__(self, change=lambda verb, answer: None):
        self.change = change

    def ask(self, kind, id, verb, texts, options=None):
        task = id.partition("/")[0]
        if verb == "generate":
            made = load(task).generate(
                texts[0], seed=options["seed"], temperature=options["temperature"], max_tokens=options["maxTokens"]
            )
            self.change(verb, made)
            return made
        answers = getattr(self, verb)(task, texts)
        for answer in answers:
            self.change(verb, answer)
        return answers

    def predict(self, task, texts):
        return [{**vars(answer)} for answer in load(task).predict(texts)]

    def explain(self, task, texts):
        found = [importlib.import_module(task).explain(load(task), text) for text in texts]
        return [{"tokens": each.tokens, "weights": [*map(float, each.weights)]} for each in found]

    def tag(self, task, texts):
        return [
            {"sentences": [{"tokens": s.tokens, "tags": [*s.tags]} for s in text], "remark": text.remark}
            for text in load(task).tag(texts)
        ]

    def score(self, task, texts):
        found = load(task).score(texts)
        return [{"tokens": [*each.tokens], "log_probabilities": [*each.log_probabilities]} for each in found]

    def units(self, task, texts):
        model, answers = interpretability.open_model(PLACES[task].path), []
        for text in texts:
            pieces = [layers for _, layers in interpretability.hidden_states(model, text)]
            values = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
            answers.append({"layers": {name: {"values": each.ravel().tolist()} for name, each in values.items()}})
        return answers


@pytest.mark.parametrize(
    ("task", "names"), [("sentiment", ["rating", "weight"]), ("pos_tagging", []), ("language_model", ["nats"])]
)
def test_answers_that_are_equal_do_not_differ(task, names):
    assert COMPARE[task](PythonPage(), PLACES[task], load(task), TEXTS) == dict.fromkeys(names, 0)
    assert compare_units(PythonPage(), PLACES[task], FEW) == {"state": 0}


def put(*places):
    """A change of what stands at a place of an answer: the last one is the new value, or takes the old one."""
    *way, last, new = places

    def change(answer):
        for step in way:
            answer = answer[step]
        answer[last] = new(answer[last]) if callable(new) else new

    return change


@pytest.mark.parametrize(
    ("task", "verb", "change"),
    [
        ("sentiment", "predict", put("rating", lambda rating: rating + 0.0011)),
        ("sentiment", "predict", put("num_tokens", 99)),
        ("sentiment", "predict", put("num_unknown", 99)),
        ("sentiment", "predict", put("remark", "odd")),
        ("sentiment", "explain", put("tokens", 0, "odd")),
        ("sentiment", "explain", put("weights", -1, lambda weight: weight - 0.0021)),
        ("sentiment", "explain", put("weights", lambda weights: weights[:-1])),
        ("pos_tagging", "tag", put("sentences", 0, "tokens", 0, "odd")),
        ("pos_tagging", "tag", put("sentences", 0, "tags", -1, "odd")),
        ("pos_tagging", "tag", put("remark", "odd")),
        ("language_model", "score", put("tokens", -1, "odd")),
        ("language_model", "score", put("log_probabilities", 0, lambda nats: nats + 0.011)),
        ("language_model", "generate", put(0, lambda text: text + "!")),
    ],
)
def test_each_difference_is_found(task, verb, change):
    page = PythonPage(lambda asked, answer: change(answer) if asked == verb else None)
    with pytest.raises(InputError, match=r"^the page (answers|gives) .* Python"):
        COMPARE[task](page, PLACES[task], load(task), TEXTS)


@pytest.mark.parametrize(
    "change", [put("layers", "odd", {"values": []}), put("layers", "recurrent_0", "values", -1, lambda x: x + 0.011)]
)
def test_a_difference_of_a_state_is_found(change):
    with pytest.raises(InputError, match=r"^the page (answers|gives) .* Python"):
        compare_units(PythonPage(lambda _, answer: change(answer)), PLACES["language_model"], FEW)


def test_a_network_without_states_has_none_to_compare():
    assert compare_units(PythonPage(lambda _, answer: answer["layers"].clear()), PLACES["sentiment"], FEW) == {}


def test_rounding_is_no_difference_and_the_largest_is_noted():
    largest = {"nats": 0.0}
    near("a", "nats", [1.0, 2.0, 3.0], [1.002, 1.992, 3.001], largest)
    assert largest == {"nats": pytest.approx(0.008)}
    near("a", "nats", [1.0], [1.003], largest)
    assert largest == {"nats": pytest.approx(0.008)}
    with pytest.raises(InputError, match=r"the page gives 'a' the nats nan, Python 1\.0000; nothing was written"):
        near("a", "nats", [1.0], [float("nan")], largest)
    with pytest.raises(InputError, match="the page answers 'a' with '2', Python with '1'"):
        near("a", "nats", [1.0], [1.0, 1.0], largest)


@pytest.fixture
def node(monkeypatch, tmp_path):
    """A function that puts a shell script in the place of Node.js."""

    def node(script):
        program = tmp_path / "node"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(page_check.shutil, "which", lambda name: str(program))

    return node


def test_a_question_is_a_line_and_so_is_its_answer(node, tmp_path):
    node("""while read -r line; do echo "{\\"$(basename $1)\\": [$line]}"; done""")
    with page_check.open_page(tmp_path) as page:
        assert isinstance(page, Page)
        for number in (1, 2):
            assert page.ask("answer", id=number) == {"check.js": [{"ask": "answer", "id": number}]}
    assert page.process.returncode != 0


def test_scripts_that_fail_are_named_by_their_error(node, tmp_path):
    for script, reason in (("echo ' TypeError: no x' >&2", "'TypeError: no x'"), ("exit 1", "'no answer'")):
        node(f"read -r line; {script}")
        with (
            page_check.open_page(tmp_path) as page,
            pytest.raises(InputError, match=rf"the page's scripts fail \({reason}\)"),
        ):
            page.ask("answer")


def test_a_pipe_that_is_closed_is_a_script_that_fails(node, tmp_path):
    node("exit 1")
    with page_check.open_page(tmp_path) as page:
        page.process.wait()
        with pytest.raises(InputError, match="the page's scripts fail"):
            page.ask("answer", text="x" * 100)


def test_without_node_the_check_can_be_left_out(monkeypatch):
    monkeypatch.setattr(page_check.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match=r"node: not found.*add --no-check"):
        page_check.find_node()


def test_what_was_compared_is_said(monkeypatch, node, tmp_path, capsys):
    node("cat > /dev/null")
    page = PythonPage()
    monkeypatch.setattr(page_check, "Page", lambda process: page)
    check_answers(tmp_path, [PLACES["pos_tagging"]], FEW)
    assert capsys.readouterr().err == (
        "pos_tagging/toy: 3 texts answered as in Python; largest differences: state 0.0e+00\n"
    )
    page.change = lambda verb, answer: answer["layers"].clear() if verb == "units" else None
    check_answers(tmp_path, [PLACES["pos_tagging"], PLACES["pos_tagging"]], FEW)
    assert capsys.readouterr().err == "pos_tagging/toy: 3 texts answered as in Python; largest differences: none\n" * 2
