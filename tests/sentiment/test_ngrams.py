"""TF-IDF of n-grams: the numbers of scikit-learn, a file that comes back, batches, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from common.errors import InputError
from sentiment.ngrams import Ngrams, pad_terms
from sentiment.ridge import term_matrix

TOKENS = [["So", "good", ",", "so", "good"], ["not", "good"], ["so", "so"], ["Bad", "!", "\n", "Not", "good"]]


def test_the_features_are_those_of_scikit_learn():
    ngrams = Ngrams.build(TOKENS, 2, 1000)
    texts = [[token for token in tokens if token != "\n"] for tokens in TOKENS]
    theirs = TfidfVectorizer(
        analyzer="word", tokenizer=lambda text: text, preprocessor=lambda text: list(map(str.lower, text)),
        token_pattern=None, ngram_range=(1, 2), sublinear_tf=True,
    )  # fmt: skip
    wanted = theirs.fit_transform(texts).toarray()
    columns = [0, *(1 + ngrams.terms.index(term) for term in theirs.get_feature_names_out())]
    found = term_matrix(ngrams, TOKENS).toarray()
    assert found.shape == (4, len(wanted[0]) + 1)
    np.testing.assert_allclose(found[:, columns[1:]], wanted, atol=1e-12)
    assert not found[:, 0].any()  # nothing has the id of the padding


def test_the_terms_of_most_texts_are_kept():
    assert Ngrams.build(TOKENS, 2, 2).terms == ["good", "not"]
    assert Ngrams.build(TOKENS, 2, 3).terms == ["good", "not", "not good"]
    assert Ngrams.build(TOKENS, 1, 1000).longest == 1


def test_a_text_without_a_known_term_has_no_features():
    ngrams = Ngrams.build(TOKENS, 2, 1000)
    assert ngrams.encode(["zorgl"]) == ([], [])
    inputs = pad_terms([ngrams.encode(["zorgl"]), ngrams.encode(["so", "so"])])
    assert inputs["ngram_ids"].dtype == np.int32
    assert inputs["ngram_values"].dtype == np.float32
    assert inputs["ngram_ids"].shape == inputs["ngram_values"].shape == (2, 2)
    assert not inputs["ngram_values"][0].any()
    assert np.linalg.norm(inputs["ngram_values"][1]) == pytest.approx(1)
    assert pad_terms([([], [])])["ngram_ids"].shape == (1, 1)  # an axis of nothing would be an error of its own


def test_a_file_comes_back(tmp_path):
    ngrams = Ngrams.build(TOKENS, 2, 1000)
    ngrams.save(tmp_path / "ngrams.json")
    written = json.loads((tmp_path / "ngrams.json").read_text())["idf"]
    assert all(value == round(value, 6) for value in written)  # more digits than that no float32 holds
    again = Ngrams.parse((tmp_path / "ngrams.json").read_bytes(), "ngrams.json")
    assert again.terms == ngrams.terms
    assert again.longest == 2
    np.testing.assert_allclose(term_matrix(again, TOKENS).toarray(), term_matrix(ngrams, TOKENS).toarray(), atol=1e-5)


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"terms": ["a"]}, "does not hold terms and idf"),
        ({"terms": ["a"], "idf": []}, "two lists of one length"),
        ({"terms": ["a", "a"], "idf": [1, 1]}, "there twice"),
        ({"terms": [""], "idf": [1]}, "is empty"),
        ({"terms": [1], "idf": [1]}, "no text"),
        ({"terms": ["a"], "idf": [0]}, "from 0 to 100"),
        ({"terms": ["a"], "idf": [1e9]}, "from 0 to 100"),
        ({"terms": ["a"], "idf": [True]}, "from 0 to 100"),
        ({"terms": ["a"], "idf": ["1"]}, "from 0 to 100"),
        ({"terms": ["a"], "idf": [100]}, "from 0 to 100"),
        ({"terms": ["a"], "idf": [1], "more": 1}, "does not hold terms and idf"),
        (["terms", "idf"], "does not hold terms and idf"),
        ({"terms": "a", "idf": [1]}, "two lists of one length"),
        ({"terms": ["a"], "idf": "1"}, "two lists of one length"),
    ],
)
def test_another_file_is_refused(parts, fault):
    with pytest.raises(InputError, match=f"x/ngrams.json: no n-grams .*{fault}"):
        Ngrams.parse(json.dumps(parts).encode(), "x/ngrams.json")


def test_a_row_of_the_table_is_for_padding():
    ngrams = Ngrams.parse(json.dumps({"terms": ["so", "so good", "x y z"], "idf": [1, 2.5, 99.9]}).encode(), "x")
    assert (len(ngrams), ngrams.longest) == (4, 3)
    assert "so good" in ngrams
    assert "good" not in ngrams
    assert ngrams.encode(["So", " ", "so", "good"]) == ([1, 2], pytest.approx(unit(1 + np.log(2), 2.5)))
    assert (len(Ngrams([], [])), Ngrams([], []).longest) == (1, 1)
    inputs = pad_terms([([3], [0.5]), ([1, 2], [0.25, 1.0])])
    assert inputs["ngram_ids"].tolist() == [[3, 0], [1, 2]]
    assert inputs["ngram_values"].tolist() == [[0.5, 0], [0.25, 1]]


def unit(*values):
    return (np.array(values) / np.linalg.norm(values)).tolist()
