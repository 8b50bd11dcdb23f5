"""The score command: lines, JSON, a page that shows every token and no markup of the text."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest

import language_model
from language_model import cli, surprisal
from language_model.endings import score_endings
from tests.language_model.toy_model import build_reader


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    model = build_reader()
    monkeypatch.setattr(language_model, "load", lambda *_: model)
    return model


def test_a_page_shows_every_token(toy, capsys):
    cli.score(["--format", "html", "the  <b>king</b> & the queen"])
    page = capsys.readouterr().out
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    text = re.sub("<[^>]*>", "", page.split("<p>")[1].split("<small>")[0])
    assert text == "the  &lt;b&gt;king&lt;/b&gt; &amp; the queen ∎"
    (answer,) = toy.score(["the  <b>king</b> & the queen"])
    bits = [-value / math.log(2) for value in answer.log_probabilities]
    titles = re.findall(r'title="(?:end of the text: )?([0-9.]+) bits', page)
    assert [float(title) for title in titles] == pytest.approx(bits, abs=0.051)
    assert page.count('class="unknown"') == answer.num_unknown
    assert "http" not in page


def test_what_surprises_more_is_darker():
    shades = [float(re.findall(r"[\d.]+", surprisal.colour(bits))[-1]) for bits in (0, 1, 5, 16, 40)]
    assert shades[0] < shades[1] < shades[2] < shades[3] == shades[4]


def test_endings_are_compared(toy, capsys):
    texts = ["went home.", "went the.", "."]
    cli.score(["--context", "the king", *texts])
    lines = capsys.readouterr().out.splitlines()
    scores, alone = toy.score(texts, context="the king"), toy.score(texts)
    gains = [one.total_nats - other.total_nats for one, other in zip(alone, scores, strict=True)]
    for line, answer, gain in zip(lines, scores, gains, strict=False):
        assert f"{-answer.total_nats:.2f} nats" in line
        assert f"context helps by {gain:6.2f} nats" in line
    best = min(scores, key=lambda answer: answer.perplexity)
    assert lines[-2].split(":")[1].strip() == best.text
    assert lines[-1].split(":")[1].strip() == texts[gains.index(max(gains))]


def test_json_holds_the_numbers_of_every_token(toy, capsys):
    cli.score(["--format", "jsonl", "--context", "the", "king zorgl"])
    found = json.loads(capsys.readouterr().out)
    (answer,) = toy.score(["king zorgl"], context="the")
    assert found["tokens"] == ["king", "zorgl", "<eos>"]
    assert found["log_probability"] == pytest.approx(sum(answer.log_probabilities))
    assert sum(found["surprisals"]) * math.log(2) == pytest.approx(-found["log_probability"], abs=1e-3)
    assert found["num_unknown"] == 1
    assert found["gain"] == pytest.approx(toy.score(["king zorgl"])[0].total_nats + found["log_probability"])


def test_options_that_exclude_each_other(run_here):
    done = run_here("language_model.score", "--tokens", "--format", "html", "the")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --tokens: --format html has them anyway")


def test_an_ending_in_html_and_text_is_scored_once_for_its_gain(toy):
    (found,) = score_endings(toy, "went home.", "the king")
    (plain,), (alone,) = toy.score("went home.", context="the king"), toy.score("went home.")
    assert found == replace(plain, gain=alone.total_nats - plain.total_nats)
    assert score_endings(toy, ["went home."], "") == [alone]
