"""The page in headless Chromium: the same answers as from Python, for everybody to use, and nothing leaves it."""

from __future__ import annotations

import csv
import functools
import http.server
import json
import shutil
import subprocess
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

import language_model
import pos_tagging
import sentiment
from common.bundles.bundle import open_bundle, update_bundle
from common.bundles.file_names import METRICS_FILE
from common.bundles.pretrained import pretrained_names
from serving import build_page
from tests.conftest import ROOT
from tests.serving.page import make_texts

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MODULES = build_page.PAGE / "node_modules"
MARKUP = '<img src=x onerror=alert(1)> <script>alert(2)</script> "<b>so</b>" good &lt;svg onload=alert(3)&gt;'

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not here"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here"),
    pytest.mark.skipif(not (MODULES / "playwright-core").is_dir(), reason="run npm ci in serving/page"),
    pytest.mark.skipif(
        not all(map(pretrained_names, ("sentiment", "pos_tagging", "language_model"))),
        reason="the pretrained models are not here",
    ),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page of the default models, its answers checked."""
    folder = tmp_path_factory.mktemp("built") / "site"
    build_page.build(folder)
    return folder


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A static host; `isolated` sends the headers that allow threads."""

    isolated = False

    def end_headers(self):
        if self.isolated:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *args):
        pass


@contextmanager
def hosted(folder, isolated=False):
    """The address of a static host on a folder."""
    handler = functools.partial(type("Handler", (Quiet,), {"isolated": isolated}), directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def browse(url, what, **question):
    """Have something done in the browser; see `page_browser.mjs`."""
    command = ["node", str(ROOT / "tests/serving/page_browser.mjs"), str(MODULES), url, what]
    done = subprocess.run(
        command, input=json.dumps(question), capture_output=True, text=True, encoding="utf-8", timeout=900,
        env={"CHROMIUM": CHROMIUM, "PATH": "/usr/bin:/bin", "HOME": "/tmp"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    places = {urlsplit(address).netloc for address in found["addresses"] if not address.startswith(("blob:", "data:"))}
    assert places == {urlsplit(url).netloc} or what == "elsewhere"
    assert not found["problems"] or what in ("elsewhere", "missing"), found["problems"]
    return found["answer"]


def sample_texts():
    """200 texts: reviews, sentences, stories, and odd ones."""
    with open(ROOT / "sentiment/dataset/test.csv", encoding="utf-8", newline="") as file:
        texts = [row["review"] for row in csv.DictReader(file)][:70]
    with open(ROOT / "pos_tagging/dataset/test.conllu", encoding="utf-8") as file:
        texts += [line.partition(" = ")[2].strip() for line in file if line.startswith("# text = ")][:60]
    with open(ROOT / "language_model/dataset/test.csv", encoding="utf-8", newline="") as file:
        texts += [row["text"] for row in csv.DictReader(file)][:40]
    texts += [text for text in make_texts(200, seed=5) if text.strip()]
    return texts[:200]


def test_two_hundred_texts_are_answered_as_by_python_with_the_network_off(site):
    texts, seeds = sample_texts(), range(20)
    raters, tagger, writer = sentiment.load(), pos_tagging.load(), language_model.load()
    verbs = (("sentiment/reviews", "predict"), ("pos_tagging/ewt", "tag"), ("language_model/stories", "score"))
    questions = [{"model": model, "verb": verb, "text": text} for model, verb in verbs for text in texts]
    written = {"model": "language_model/stories", "verb": "write", "text": "Once upon a time"}
    questions += [{**written, "options": {"seed": seed, "temperature": 0.8, "maxTokens": 30}} for seed in seeds]
    with hosted(site) as url:
        found = browse(url, "answers", questions=questions)
    print("milliseconds to the first answer of each model, one after the other:", found["times"])
    assert not [address for address in found["requests"] if not address.startswith("blob:")]
    answers = iter(found["answers"])
    assert len(texts) == 200
    for text, wanted in zip(texts, raters.predict(texts), strict=True):
        answer = next(answers)
        assert abs(answer["rating"] - wanted.rating) < 1e-3, text
        assert abs(answer["spread"] - wanted.spread) < 1e-3, text
        assert (answer["num_tokens"], answer["remark"]) == (wanted.num_tokens, wanted.remark), text
    for wanted in tagger.tag(texts):
        sentences = next(answers)["sentences"]
        assert [(each["tokens"], each["tags"]) for each in sentences] == [(each.tokens, each.tags) for each in wanted]
    for text, wanted in zip(texts, writer.score(texts), strict=True):
        answer = next(answers)
        assert answer["tokens"] == wanted.tokens, text
        assert answer["log_probabilities"] == pytest.approx(wanted.log_probabilities, abs=1e-3), text
    for seed in seeds:
        assert next(answers) == writer.generate("Once upon a time", seed=seed, temperature=0.8, max_tokens=30)[0]


def test_everybody_can_use_it_wide_and_narrow_light_and_dark(site):
    with hosted(site) as url:
        for found in browse(url, "look"):
            assert found["wide"] <= 0, found
            assert not found["violations"], found


def test_markup_is_shown_as_text(tmp_path):
    odd = tmp_path / "<img src=x onerror=alert(4)>"
    shutil.copytree(ROOT / "pretrained_model/sentiment/reviews", odd)
    card = (odd / "README.md").read_text(encoding="utf-8").replace("- Irony", "- <script>alert(5)</script> Irony")
    update_bundle(bundle := open_bundle(odd), bundle.read_json(METRICS_FILE), card)
    build_page.build(tmp_path / "site", [str(odd), "ewt", "stories"], check=False)
    with hosted(tmp_path / "site") as url:
        found = browse(url, "markup", text=MARKUP)
    assert found["elements"] == 0
    assert found["rated"] == found["scored"] == found["inside"] == MARKUP
    assert "<script>alert(5)</script> Irony" in found["limits"]
    assert "<img src=x onerror=alert(4)>" in found["limits"]
    assert found["written"].startswith(MARKUP)
    assert "good" in found["tagged"]


def test_the_keyboard_will_do(site):
    with hosted(site) as url:
        found = browse(url, "keyboard")
    assert found["path"][:6] == ["tab-rate", "tab-tag", "tab-rate", "tab-inside", "panel-inside", "inside-text"]
    assert found["hash"] == "#inside"
    assert found["text"] != "Once upon a time"


def test_nothing_leaves_the_page_nor_its_worker(site, tmp_path):
    with hosted(site) as url, hosted(tmp_path) as other:
        assert browse(url, "elsewhere", other=other) == {"page": "blocked", "worker": "blocked"}


@pytest.mark.parametrize("isolated", [False, True])
def test_models_are_kept_and_threads_are_used_where_they_may_be(site, isolated):
    with hosted(site.parent, isolated) as url:  # in a folder of the host
        found = browse(f"{url}site/", "again")
    assert found["isolated"] == isolated
    assert found["rating"] == found["second"]
    assert not [address for address in found["requests"] if address.endswith((".onnx", ".wasm")) or "?" in address]
    assert found["workers"] == 1 + isolated  # the worker of the models, and that of the second thread


def test_a_text_that_is_stopped_or_overtaken(site):
    with hosted(site) as url:
        found = browse(url, "hurry")
    assert found["stopped"] != found["written"]
    assert found["rated"] == "A dull, slow and endless film that nobody should have to see twice."


def test_what_goes_wrong_is_said_and_can_be_mended(site):
    with hosted(site) as url:
        missing, long = browse(url, "missing"), browse(url, "long")
    assert "could not be loaded (404)" in missing["said"]
    assert 1 <= float(missing["rating"]) <= 10
    assert "the text has 30,000 characters, and the page reads 20,000 at most" in long["said"]
    assert long["status"] == ""
