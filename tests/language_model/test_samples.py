"""The samples of a model card: those of the command that stands above them, whatever they hold."""

from __future__ import annotations

import re

from common.bundles.model_card import make_card
from common.text.vocabulary import Vocabulary
from language_model.predict import LanguageModel
from language_model.samples import SEEDS, card_section
from tests.language_model.toy_model import build_reader


def test_the_samples_are_those_of_the_command():
    model = build_reader()
    (content,) = card_section(model).values()
    assert "`python -m language_model.generate --model DIR --max-tokens 60 --seed N`, N from 1 to 10." in content
    shown = re.split(r"^(\d+) +", content.split("```text\n")[1].removesuffix("```"), flags=re.MULTILINE)[1:]
    assert [int(seed) for seed in shown[::2]] == list(SEEDS) == list(range(1, 11))
    for seed, text in zip(SEEDS, shown[1::2], strict=True):
        expected = model.generate(max_tokens=60, seed=seed)[0]
        assert " ".join(text.split()) == (" ".join(expected.split()) or "(no text)")


def test_lines_and_marks_of_a_text_stay_in_its_block(monkeypatch):
    texts = iter(
        ["# no heading\n\n- one\n", "````\n```", "", f"{49 * 'x'} {50 * 'y'}\n{50 * 'x'} {50 * 'y'}", *["x"] * 6]
    )
    monkeypatch.setattr(LanguageModel, "generate", lambda *_, **settings: [next(texts)])
    (content,) = card_section(build_reader(Vocabulary("ab"), level="character")).values()
    assert "--max-tokens 300" in content
    fence = "`" * 5
    _, block, closing = content.split(fence)
    assert (block[:5], closing) == ("text\n", "")
    lines = block.splitlines()
    assert lines[1:9] == ["1   # no heading", "", "    - one", "", "2   ````", "    ```", "", "3   (no text)"]
    assert [len(line) - 4 for line in lines if line.endswith(("xxx", "yyy"))] == [100, 50, 50]
    assert lines[-1] == "10  x"


def test_a_card_may_have_further_sections():
    facts = {
        "title": "T", "task": "toy", "about_data": "", "train": {"file": "x"}, "num_epochs": 1, "best_epoch": 1,
        "seconds": 1, "seed": 1, "versions": {}, "machine": {"cores": 1},
    }  # fmt: skip
    config = build_reader().config
    plain = make_card(facts, config, {}, ())
    card = make_card(facts, config, {}, (), sections={"Samples": "One.", "Terms": "Two."})
    assert card == f"{plain}\n## Samples\n\nOne.\n\n## Terms\n\nTwo.\n"
