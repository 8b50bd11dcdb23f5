"""One text, written in many ways, has one answer of each pretrained model: as typed, as scraped, as exported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import language_model
import pos_tagging
import sentiment

CASES = Path(os.environ.get("PUBLIC_CASES", Path(__file__).resolve().parents[2] / "shared/cases"))
PLAIN = '"Who are you?" said the king. "I don\'t know," she answered, "but it\'s fine -- a wonderful, terrible day..."'
CURLY = str.maketrans({"'": "\u2019"})
WAYS = {
    "quotation marks": PLAIN.translate(CURLY).replace(' "', " \u201c").replace('"', "\u201d").replace("...", "\u2026"),
    "entities": PLAIN.replace('"', "&quot;").replace("'", "&#39;").replace("...", "&hellip;"),
    "tags": f"<p>{PLAIN.replace('king', '<b>king</b>')}</p>",
    "escapes": PLAIN.replace('"', '\\"').replace("'", "\\u0027"),
    "ligatures": PLAIN.replace("fi", "\ufb01"),
    "zero width": PLAIN.replace("nd", "n\u200bd").replace("rr", "r\u2060r").replace("ki", "\ufeffki"),
    "soft hyphens": PLAIN.replace("rr", "r\u00adr").replace("nd", "n\u00add"),
    "spaces": PLAIN.replace(" ", "\u00a0"),
    "full width": "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in PLAIN),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_the_pretrained_models_answer_the_same(way):
    texts = [PLAIN, WAYS[way]]
    plain, written = (answer.rating for answer in sentiment.load().predict(texts))
    assert written == pytest.approx(plain, abs=0.001)
    plain, written = (answer.perplexity for answer in language_model.load().score(texts))
    assert written == pytest.approx(plain, rel=0.001)
    plain, written = ([tag for _, tag in answer.pairs()] for answer in pos_tagging.load().tag(texts))
    assert written == plain


@pytest.mark.slow
def test_scraped_and_escaped_cases_are_rated_as_the_plain_ones():
    if not CASES.is_dir():
        pytest.skip(f"no cases in {CASES}; set PUBLIC_CASES")
    model = sentiment.load()
    (folder,) = CASES.glob("04-*")
    plain, scraped = ((folder / name).read_text("utf-8").splitlines() for name in ("plain.txt", "scraped.txt"))
    expected = [answer.rating for answer in model.predict(plain)]
    assert [answer.rating for answer in model.predict(scraped)] == pytest.approx(expected, abs=0.001)
    escaped = "Great food.\\nTerrible service.\\n\\nNever again."
    written, real = model.predict([escaped, escaped.replace("\\n", "\n")])
    assert written.rating == pytest.approx(real.rating, abs=0.001)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["literal_n.csv"])
def test_no_escape_is_learned_as_a_word(name, tmp_path):
    if not CASES.is_dir():
        pytest.skip(f"no cases in {CASES}; set PUBLIC_CASES")
    (folder,) = CASES.glob("14-*")
    config = sentiment.SentimentConfig(num_epochs=1, units=4, embedding_dim=4, ngrams=1)
    model = sentiment.train(folder / name, tmp_path / "model", config, start="scratch").model
    assert not [token for token in model.vocabulary.tokens if "\\" in token]
