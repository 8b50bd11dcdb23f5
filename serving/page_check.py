"""Compare the answers of a web page, whose scripts Node.js runs, with those of the Python modules."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

import interpretability
from common.errors import InputError, excerpt
from common.progress import say
from serving.places import Place

SCRIPT = Path(__file__).parent / "page" / "check.js"
LARGEST_DIFFERENCE = {"rating": 1e-3, "weight": 2e-3, "nats": 1e-2, "state": 1e-2}  # of a page in float16 from Python
SEEDS = (0, 1, 2)
WRITTEN = 30  # tokens
TEXTS = (
    "A joy from start to end.",
    "Broke on day one, and nobody answers the phone. I'd give it 0 stars if I could!",
    "The plot is thin... but \u201cwho cares?\u201d \u2014 it is a d\u00e9light.<br /><br />Mr. Smith (85) wins.",
    "They refuse to permit us to obtain the refuse permit.",
    "Dr. J. R. Brown didn't say so; he can't have. See http://example.com/a?b=1, e.g. p. 12.",
    "We gonna see u 2morrow @ 5pm :-) \U0001f600 #nofilter $10.50",
    "Once upon a time there was a king who had three sons.",
    "\ufb01ne caf\u00e9 na\u00efve &amp; &quot;odd&quot; \uff2f\uff2b soft\u00adhyphen",
    "Der Film war leider nichts f\u00fcr mich, und auch nicht f\u00fcr die Kinder.",
    "First paragraph\n\nSecond one, without a full stop",
    "no",
)


def find_node() -> str:
    """The program Node.js.

    Raises:
        InputError: it is not installed.
    """
    node = shutil.which("node")
    if node is None:
        raise InputError(
            "node: not found, and the page's answers are checked with it; install Node.js 20, or add --no-check"
        )
    return node


class Page:
    """The scripts of a page, run by Node.js.

    Args:
        process: that reads questions and writes answers.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, kind: str, **question: Any) -> Any:
        """Put one question; see `serving/page/check.js`.

        Raises:
            InputError: the script has failed.
        """
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        try:
            self.process.stdin.write(json.dumps({"ask": kind, **question}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            reasons = [text.strip() for text in self.process.stderr.read().splitlines() if "Error" in text]
            raise InputError(f"the page's scripts fail ({excerpt(reasons[0] if reasons else 'no answer', 200)})")
        return json.loads(line)


@contextmanager
def open_page(folder: Path) -> Iterator[Page]:
    """Run the scripts of a page over its data."""
    command = [find_node(), str(SCRIPT), str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, encoding="utf-8") as process:
        assert process.stdin
        try:
            yield Page(process)
        finally:
            process.kill()
            with suppress(BrokenPipeError):  # a question that a script which has ended did not read
                process.stdin.close()


def check_answers(folder: Path, places: Sequence[Place], texts: Sequence[str] = TEXTS) -> None:
    """Compare the answers of each model.

    Raises:
        InputError: one differs by more than rounding.
    """
    with open_page(folder) as page:
        for place in places:
            model = importlib.import_module(place.task).load(place.path)
            differences = COMPARE[place.task](page, place, model, texts) | compare_units(page, place, texts[:3])
            shown = ", ".join(f"{name} {value:.1e}" for name, value in differences.items())
            say(f"{place.id}: {len(texts)} texts answered as in Python; largest differences: {shown or 'none'}")


def compare_ratings(page: Page, place: Place, model: Any, texts: Sequence[str]) -> dict[str, float]:
    """Compare ratings and the weights of words; returns the largest differences."""
    answers = page.ask("answer", id=place.id, verb="predict", texts=texts)
    explanations = page.ask("answer", id=place.id, verb="explain", texts=texts)
    largest = {"rating": 0.0, "weight": 0.0}
    for text, answer, wanted, explained in zip(texts, answers, model.predict(texts), explanations, strict=True):
        weights = importlib.import_module(place.task).explain(model, text)
        same(
            text,
            (wanted.num_tokens, wanted.num_unknown, wanted.remark),
            (answer["num_tokens"], answer["num_unknown"], answer["remark"]),
        )
        same(text, weights.tokens, explained["tokens"])
        near(text, "rating", [wanted.rating], [answer["rating"]], largest)
        near(text, "weight", weights.weights, explained["weights"], largest)
    return largest


def compare_tags(page: Page, place: Place, model: Any, texts: Sequence[str]) -> dict[str, float]:
    """Compare sentences, words and tags."""
    for text, answer, wanted in zip(
        texts, page.ask("answer", id=place.id, verb="tag", texts=texts), model.tag(texts), strict=True
    ):
        same(text, [each.tokens for each in wanted], [each["tokens"] for each in answer["sentences"]])
        same(text, [each.tags for each in wanted], [each["tags"] for each in answer["sentences"]])
        same(text, wanted.remark, answer["remark"])
    return {}


def compare_scores(page: Page, place: Place, model: Any, texts: Sequence[str]) -> dict[str, float]:
    """Compare log-probabilities, and texts that are written with a seed."""
    largest = {"nats": 0.0}
    for text, answer, wanted in zip(
        texts, page.ask("answer", id=place.id, verb="score", texts=texts), model.score(texts), strict=True
    ):
        same(text, wanted.tokens, answer["tokens"])
        near(text, "nats", wanted.log_probabilities, answer["log_probabilities"], largest)
    for seed in SEEDS:
        options = {"seed": seed, "temperature": 0.8, "maxTokens": WRITTEN}
        [written] = page.ask("answer", id=place.id, verb="generate", texts=[texts[6]], options=options)
        wanted = model.generate(texts[6], seed=seed, temperature=0.8, max_tokens=WRITTEN)[0]
        same(f"seed {seed}", wanted, written)
    return largest


def compare_units(page: Page, place: Place, texts: Sequence[str]) -> dict[str, float]:
    """Compare the hidden states of the recurrent layers, if there are any."""
    largest = {"state": 0.0}
    found = page.ask("answer", id=place.id, verb="units", texts=texts)
    if not found[0]["layers"]:
        return {}
    model = interpretability.open_model(place.path)
    for text, answer in zip(texts, found, strict=True):
        pieces = [layers for _, layers in interpretability.hidden_states(model, text)]
        same(text, sorted(pieces[0]), sorted(answer["layers"]))
        for name in pieces[0]:
            wanted = np.concatenate([layers[name] for layers in pieces]).ravel().tolist()
            near(text, "state", wanted, answer["layers"][name]["values"], largest)
    return largest


COMPARE = {"sentiment": compare_ratings, "pos_tagging": compare_tags, "language_model": compare_scores}


def same(text: str, wanted: object, found: object) -> None:
    """Make sure that two answers are equal.

    Raises:
        InputError: they are not.
    """
    if wanted != found:
        raise InputError(
            f"the page answers {excerpt(text)} with {excerpt(str(found), 90)}, Python with {excerpt(str(wanted), 90)}"
        )


def near(text: str, name: str, wanted: Sequence[float], found: Sequence[float], largest: dict[str, float]) -> None:
    """Make sure that numbers are equal up to rounding; notes the largest difference.

    Raises:
        InputError: they are not.
    """
    same(text, len(wanted), len(found))
    for one, other in zip(wanted, found, strict=True):
        difference = abs(one - other)
        if not difference <= LARGEST_DIFFERENCE[name]:
            raise InputError(
                f"the page gives {excerpt(text)} the {name} {other:.4f}, Python {one:.4f}; nothing was written"
            )
        largest[name] = max(largest[name], difference)
