"""The baseline by hand."""

from __future__ import annotations

from pos_tagging.most_frequent_tag import MostFrequentTag
from pos_tagging.sentences import Sentence


def tagger(*pairs):
    return MostFrequentTag([Sentence([word], [tag]) for word, tag in pairs])


def test_the_most_frequent_tag_wins():
    model = tagger(("run", "VERB"), ("run", "NOUN"), ("run", "NOUN"), ("a", "DET"))
    assert model.tag(["a", "run", "a"]) == ["DET", "NOUN", "DET"]
    assert model.tag([]) == []


def test_a_tie_does_not_depend_on_the_order_of_the_file():
    pairs = [("run", "VERB"), ("run", "NOUN"), ("new", "ADJ"), ("one", "NUM")]
    assert tagger(*pairs).tag(["run", "unseen"]) == ["NOUN", "ADJ"]
    assert tagger(*pairs[::-1]).tag(["run", "unseen"]) == ["NOUN", "ADJ"]


def test_a_new_word_is_like_the_words_seen_once():
    # DET is most frequent, but the words seen once are two names and a verb
    model = tagger(*[("the", "DET")] * 5, ("Ann", "PROPN"), ("Bob", "PROPN"), ("go", "VERB"))
    assert model.tag(["Eve"]) == ["PROPN"]


def test_case_matters_as_in_the_file():
    model = tagger(("may", "AUX"), ("May", "PROPN"))
    assert model.tag(["May", "may"]) == ["PROPN", "AUX"]


def test_without_a_word_seen_once_all_words_count():
    assert tagger(*[("the", "DET")] * 2, *[("an", "DET")] * 2, *[("go", "VERB")] * 9).tag(["new"]) == ["DET"]
