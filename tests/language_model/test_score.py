"""The score command: lines, JSON, a page that shows every token and no markup of the text."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest

import language_model
from language_model import cli, surprisal
from language_model.endings import BestEndings, score_endings
from language_model.predict import TextScore
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


def nats_of(*bits):
    return [-math.log(2) * value for value in bits]


def test_a_paragraph_of_a_page_by_hand():
    score = TextScore("a  <\n>", ["a", "<", "\n", ">", "<eos>"], nats_of(0, 8, 20, 1, 4), 1,
                      is_unknown=[False, True, False, False, False])  # fmt: skip
    assert surprisal.summary(score) == "   -22.87 nats  perplexity    97.01  5.500 bits/character"
    span = '<span style="background:rgba(213, 94, 0, {})" title="{}">{}</span>'
    assert surprisal.html_score(score) == (
        "<p>" + span.format("0.00", "0.0 bits, probability 1", "a")
        + '  <span class="unknown" style="background:rgba(213, 94, 0, 0.35)" '
        + 'title="8.0 bits, probability 0.0039, unknown to the model">&lt;</span>'
        + span.format("0.70", "20.0 bits, probability 9.5e-07", "↵\n")
        + span.format("0.04", "1.0 bits, probability 0.5", "&gt;") + " "
        + span.format("0.17", "end of the text: 4.0 bits", "∎")
        + "<small>-22.87 nats  perplexity    97.01  5.500 bits/character</small></p>"
    )  # fmt: skip
    head, scale, *rest = surprisal.html_page(["<p>x</p>"])
    assert head.startswith("<!doctype html>")
    assert re.findall(r">(\d+)</span>", scale) == ["0", "2", "4", "6", "8", "10", "12", "14", "16"]
    assert rest == ["<p>x</p>", "</body></html>"]


def test_the_numbers_of_a_score():
    score = TextScore("abcd", ["ab", "<eos>"], nats_of(2, 4), 1)
    assert score.numbers() == {
        "log_probability": pytest.approx(-6 * math.log(2)), "perplexity": pytest.approx(8),
        "bits_per_character": pytest.approx(1.5), "num_tokens": 2, "num_unknown": 1,
    }  # fmt: skip
    assert replace(score, gain=0.0).numbers()["gain"] == 0
    assert score.surprisals == pytest.approx([2, 4])
    assert (score.gain, score.remark) == (None, None)


def test_the_best_endings():
    best = BestEndings()
    for text, bits, gain in (("a", 3, 0.5), ("b", 1, -2.0), ("c", 2, 1.5)):
        best.add(TextScore(text, ["x"], nats_of(bits), 0, gain))
    assert best.lines() == ["the likeliest, per token:     b", "helped most by the context:   c"]
    alone = BestEndings()
    alone.add(TextScore("a", ["x"], nats_of(1), 0))
    assert alone.lines() == []
    alone.add(TextScore("b", ["x"], nats_of(2), 0, 0.0))
    assert alone.lines()[1].endswith("b")


def test_lines_for_people(toy, capsys):
    cli.score(["--tokens", "the zorgl"])
    first, *lines = capsys.readouterr().out.splitlines()
    (answer,) = toy.score(["the zorgl"])
    assert first == f"{surprisal.summary(answer)}  the zorgl"
    assert [line.split()[2:] for line in lines] == [["the"], ["zorgl", "(unknown)"], ["<eos>"]]
    assert [float(line.split()[0]) for line in lines] == pytest.approx(answer.surprisals, abs=0.006)
    cli.score(["--format", "csv", "the king"])
    header, row = (line.split(",") for line in capsys.readouterr().out.splitlines())
    found = dict(zip(header, row, strict=True))
    (answer,) = toy.score(["the king"])
    assert found["perplexity"] == f"{answer.perplexity:.2f}"
    assert found["bits_per_character"] == f"{answer.bits_per_character:.3f}"
    assert (found["num_tokens"], found["num_unknown"], found["note"]) == ("3", "0", "")


@pytest.mark.parametrize(("name", "reason"), [("csv", "has no room for them"), ("json", "has them anyway")])
def test_tokens_are_for_people(name, reason, run_here):
    done = run_here("language_model.score", "--tokens", "--format", name, "the")
    assert done.stderr.startswith(f"error: --tokens: --format {name} {reason}; leave it out")
