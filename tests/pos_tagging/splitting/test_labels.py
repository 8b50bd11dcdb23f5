"""Labels of characters: a text to labels and back, with ranges and with words that are written otherwise."""

from __future__ import annotations

import re

import numpy as np
import pytest

from common.errors import InputError
from common.text.vocabulary import UNK_ID, Vocabulary
from pos_tagging.conllu import read_conllu
from pos_tagging.raw_text import read_documents
from pos_tagging.sentences import Layout, Sentence
from pos_tagging.splitting.encoding import CharacterTable, cut_windows, encode_context, group_windows, window_inputs
from pos_tagging.splitting.labels import (
    EXPANDED,
    EXPANDED_SENTENCE,
    NO_GAP,
    PARAGRAPH,
    SENTENCE,
    SPACE,
    WORD,
    Characters,
    collect_expansions,
    label_characters,
    make_sentences,
    read_characters,
)
from pos_tagging.splitting.pieces import PieceTable, join_addresses
from pos_tagging.splitting.splitter import choose_labels
from tests.conftest import ROOT

FRENCH = Sentence(
    ["Du", "vin", "et", "de", "les", "œufs", "!"],
    layout=Layout([False, True, True, False, True, False, False], [(4, 5, "des")]),
)
TURKISH = Sentence(["Evde", "ki", "ler", "?"], layout=Layout([False, False, False, False], [(1, 3, "Evdekiler")]))


def labels_of(*labels):
    return np.array(labels, np.uint8)


def test_labels_and_back():
    sentences = [FRENCH, TURKISH]
    expansions = collect_expansions(sentences)
    assert expansions == {"des": ["de", "les"]}
    labels = label_characters(sentences, expansions)
    text = read_characters(f"{FRENCH.text()}\n{TURKISH.text()}")
    found = make_sentences(text, labels, expansions)
    assert [(list(s.tokens), list(s.layout.ranges)) for s in found] == [
        (list(s.tokens), list(s.layout.ranges)) for s in sentences
    ]
    assert [s.text() for s in found] == [s.text() for s in sentences]


@pytest.mark.parametrize("written", ["du", "Du", "DU"])
def test_words_that_are_written_otherwise_keep_the_case(written):
    [sentence] = make_sentences(read_characters(written), labels_of(EXPANDED_SENTENCE, 0), {"du": ["de", "le"]})
    assert "".join(sentence.tokens) in ("dele", "Dele", "DELE")
    assert sentence.tokens[0][0].isupper() == written[0].isupper()
    assert sentence.text() == written


def test_a_token_without_expansion_is_a_word():
    [sentence] = make_sentences(read_characters("du"), labels_of(EXPANDED_SENTENCE, 0), {})
    assert list(sentence.tokens) == ["du"]


def test_the_sample_of_the_project_comes_back_whole():
    for text, sentences in read_documents(list(read_conllu(ROOT / "pos_tagging/dataset/test.conllu"))):
        expansions = collect_expansions(sentences)
        found = make_sentences(read_characters(text), label_characters(sentences, expansions), expansions)
        assert [list(s.tokens) for s in found] == [list(s.tokens) for s in sentences]


def test_gaps():
    text, gaps = read_characters("  So, \r\n so.\n \nAnd\u00a0so\u2029on ")
    assert text == "So,so.Andsoon"
    assert np.flatnonzero(gaps).tolist() == [3, 6, 9, 11]
    assert gaps[6] == PARAGRAPH
    assert read_characters(" \n ").text == ""


def test_what_may_not_stand_somewhere_is_not_chosen():
    document = Characters("abcd", np.array([0, 0, 1, 2], np.uint8))
    logits = np.zeros((4, 6), np.float32)
    logits[:, 0], logits[:, 1], logits[:, 2], logits[:, SENTENCE] = 9, 7, 8, 6
    assert choose_labels(logits, document.gaps).tolist() == [SENTENCE, 0, 1, SENTENCE]
    assert choose_labels(logits[:0], document.gaps[:0]).tolist() == []


def test_letters_that_no_vocabulary_has():
    table = CharacterTable(Vocabulary("ea0."))
    ids = table.encode(read_characters("Éé7٣ж.?")).character_ids.tolist()
    e, _, digit, dot = Vocabulary("ea0.").encode("ea0.")
    assert ids == [e, e, digit, digit, e, dot, UNK_ID]
    small, large = (table.encode(read_characters(text)).context_ids[1] for text in ("aa", "aA"))
    assert large == small + 1
    assert encode_context(np.zeros(0, np.uint8), np.zeros(0, np.int32)).tolist() == []
    # A paragraph begins before the first character, wherever the text was cut out, and ends behind the last.
    alone = encode_context(np.array([NO_GAP], np.uint8), np.array([0]))
    assert alone.tolist() == encode_context(np.array([PARAGRAPH], np.uint8), np.array([0])).tolist()


def test_windows_show_their_neighbours_and_nothing_beyond_the_text():
    table = CharacterTable(Vocabulary("abc"))
    encoded = table.encode(read_characters("abc"))
    [window] = cut_windows([3])
    inputs = window_inputs([window], [encoded])
    assert inputs["character_ids"].tolist() == [[0, 0, *encoded.character_ids.tolist(), 0, 0]]
    assert inputs["mask"].tolist() == [[True] * 3]
    windows = cut_windows([1500, 0, 601])
    covered = [place for w in windows if w.text == 0 for place in range(w.start, w.stop)]
    assert covered == list(range(1500))
    assert not [w for w in windows if w.text == 1]


def test_windows_of_similar_length_are_read_together(monkeypatch):
    monkeypatch.setattr("pos_tagging.splitting.encoding.WINDOWS_AT_ONCE", 2)
    groups = group_windows(cut_windows([5, 1300, 4, 10]))
    lengths = [[window.read_to - window.read_from for window in group] for group in groups]
    assert sorted(map(sorted, lengths)) == [[4, 5], [10, 124], [624, 648]]


def test_pieces_are_remembered_where_training_agrees_and_the_network_is_unsure():
    texts = [read_characters("dont wanna dont its its (wanna) un.Un")]
    labels = labels_of(*(4, 0, 2, 0), *(1, 0, 0, 2, 0), *(1, 0, 2, 0), *(1, 0, 0), *(1, 0, 2), *(1, 1, 0, 0, 2, 0, 1))
    labels = np.append(labels, labels_of(1, 0, 1, 4, 0))
    unsure = np.ones(len(labels), bool)
    unsure[4:9] = False  # wanna
    table = PieceTable.build(texts, [labels], [unsure])
    assert table.pieces == ["(\twanna )".replace("\twanna", " wan\tna"), "do\tnt"]
    found = labels_of(4, 1, 0, 0, 1, 0, 0, 0)
    table.apply(read_characters("DONT Wan."), found)
    assert found.tolist() == [4, 0, 2, 0, 1, 0, 0, 0]
    assert PieceTable.parse(table.pieces, "pieces.json").pieces == table.pieces


@pytest.mark.parametrize("pieces", [{}, ["a b", "a\tb"], ["Ab"], [1], [" "]])
def test_a_table_of_pieces_that_is_none(pieces):
    with pytest.raises(InputError, match=r"pieces\.json"):
        PieceTable.parse(pieces, "pieces.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(see http://a.b/c_d?e=1).", ["(", "see", "http://a.b/c_d?e=1", ")", "."]),
        ("<me@x.co.uk>", ["<", "me@x.co.uk", ">"]),
        ("www.a-b.org,", ["www.a-b.org", ","]),
        ("me @ home", ["me", "@", "home"]),
    ],
)
def test_addresses_are_one_word(text, words):
    characters = read_characters(text)
    labels = np.zeros(len(characters.text), np.uint8)
    labels[[found.start() for found in re.finditer(r"\w+|\W", characters.text)]] = 1
    labels[characters.gaps > 0] = 1
    join_addresses(characters, labels)
    assert [token for sentence in make_sentences(characters, labels, {}) for token in sentence.tokens] == words


def test_a_known_piece_is_written_as_its_words_are_and_may_begin_a_sentence():
    table = PieceTable(["wan\tna"])
    for label, wanted in ((EXPANDED, WORD), (EXPANDED_SENTENCE, SENTENCE), (WORD, WORD), (SENTENCE, SENTENCE)):
        labels = labels_of(WORD, label, 0, 0, 0, 0)
        table.apply(Characters("aWanna", np.array([0, 1, 0, 0, 0, 0], np.uint8)), labels)
        assert labels.tolist() == [WORD, wanted, 0, 0, 2, 0]


def test_pieces_that_are_too_long_or_split_in_two_ways_are_not_remembered():
    def pieces(*written):
        """The table of a text of these pieces, whose words are told by blanks within them."""
        text = read_characters(" ".join(piece.replace(".", "") for piece in written))
        labels = [label for piece in written for part in piece.split(".") for label in [1] + [0] * (len(part) - 1)]
        return PieceTable.build([text], [np.array(labels, np.uint8)], [np.ones(len(labels), bool)]).pieces

    assert pieces("a.b" + 28 * "c", "a.b" + 29 * "c") == ["a b" + 28 * "c"]  # 30 characters, 31
    assert pieces(*["a.b"] * 9, "ab") == ["a b"]
    assert pieces(*["a.b"] * 8, "ab") == []
    assert pieces("a") == []  # there is nothing to be unsure of
    text, labels = read_characters("ab cd"), labels_of(1, 0, 1, 1)
    assert PieceTable.build([text], [labels], [np.array([True, False, True, False])]).pieces == []
    assert PieceTable.build([text], [labels], [np.array([False, False, False, True])]).pieces == ["c d"]


def test_a_piece_may_hold_two_words_or_a_token_of_two_and_no_new_sentence():
    text = read_characters("ab.c du abc")
    labels, unsure = labels_of(1, 2, 1, 4, EXPANDED, 0, 1, 0, EXPANDED), np.ones(9, bool)
    assert PieceTable.build([text], [labels], [unsure]).pieces == []
    labels[3], labels[4], labels[8] = 0, 1, 1
    assert PieceTable.build([text], [labels], [unsure]).pieces == ["a\tb .c", "ab c", "du"]


def test_a_capital_whose_lower_case_has_two_characters_moves_nothing():
    labels = labels_of(1, 0, 0, 0)
    PieceTable(["x y"]).apply(Characters("\u0130aXY", np.array([0, 0, 1, 0], np.uint8)), labels)
    assert labels.tolist() == [1, 0, 0, 1]


def test_an_address_is_one_word_and_what_stands_behind_it_begins_another():
    characters = read_characters("see:www.a.org) b@c.de,so")
    labels = np.zeros(23, np.uint8)
    labels[[0, 8, 14]] = SENTENCE, WORD, SENTENCE
    join_addresses(characters, labels)
    assert {place: int(label) for place, label in enumerate(labels) if label} == {0: 4, 4: 1, 13: 1, 14: 4, 20: 1}
    plain = np.zeros(3, np.uint8)
    join_addresses(read_characters("a.b"), plain)
    assert not plain.any()


def test_gaps_and_paragraphs_one_by_one():
    for text, gaps in (
        ("a b", [0, SPACE]), ("a\nb", [0, SPACE]), ("a\n\nb", [0, PARAGRAPH]), ("a\n \nb c", [0, PARAGRAPH, SPACE]),
        ("\n\na\n\n", [0]), ("ab\n\nab ab\n\n\nab", [0, 0, PARAGRAPH, 0, SPACE, 0, PARAGRAPH, 0]), ("", []),
    ):  # fmt: skip
        assert read_characters(text).gaps.tolist() == gaps, text


def test_labels_of_tokens_that_are_written_otherwise():
    sentence = Sentence(["de", "le", "au", "x y"], layout=Layout([True] * 4, [(1, 2, "Du")]))
    assert label_characters([sentence], {"du": ["de", "le"]}).tolist() == [EXPANDED_SENTENCE, 0, WORD, 0, WORD, 0]
    assert label_characters([sentence], {}).tolist() == [SENTENCE, 0, WORD, 0, WORD, 0]
    other = Sentence(["a", "de", "le"], layout=Layout([True] * 3, [(2, 3, "du")]))
    assert label_characters([other], {"du": ["de", "le"]}).tolist() == [SENTENCE, EXPANDED, 0]


def test_the_most_frequent_words_of_a_token_are_collected():
    def of(*words, form="Du"):
        return Sentence(list(words), layout=Layout([True] * len(words), [(1, len(words), form)]))

    sentences = [of("De", "le"), of("d'", "u"), of("de", "Le"), of("d", "u", form="du"), of("A", "b", form="a c")]
    assert collect_expansions(sentences) == {"ac": ["a", "b"], "du": ["de", "le"]}


def test_sentences_are_cut_with_their_spaces_and_ranges():
    characters = read_characters("I don't. Du go")
    labels = labels_of(4, 1, 0, 2, 0, 0, 1, 5, 0, 1, 0)
    first, second = make_sentences(characters, labels, {"du": ["de", "le"]})
    assert (first.tokens, first.layout.space_after) == (["I", "do", "n't", "."], [True, False, False, True])
    assert first.layout.ranges == [(2, 3, "don't")]
    assert (second.tokens, second.layout.space_after) == (["De", "le", "go"], [False, True, False])
    assert second.layout.ranges == [(1, 2, "Du")]
    # A word within a token that is written otherwise joins it; one at the very beginning has nothing to join.
    [third] = make_sentences(read_characters("dux"), labels_of(5, 0, 2), {"du": ["de", "le"]})
    assert (third.tokens, third.layout.ranges) == (["de", "le", "x"], [(1, 3, "dux")])
    [fourth] = make_sentences(read_characters("ab"), labels_of(2, 2), {})
    assert (fourth.tokens, fourth.layout.ranges) == (["a", "b"], [(1, 2, "ab")])
    [fifth] = make_sentences(read_characters("du so we"), labels_of(5, 0, 1, 0, 1, 2), {"du": ["de", "le"]})
    assert (fifth.tokens, fifth.layout.ranges) == (["de", "le", "so", "w", "e"], [(1, 2, "du"), (4, 5, "we")])


@pytest.mark.parametrize(
    ("form", "words"),
    [("du", ["de", "le"]), ("Du", ["De", "le"]), ("DU", ["DE", "LE"]), ("D", ["De", "le"]), ("dU", ["de", "le"])],
)
def test_the_case_of_a_token(form, words):
    [sentence] = make_sentences(read_characters(form), labels_of(*[5] + [0] * (len(form) - 1)), {
        "du": ["de", "le"], "d": ["de", "le"]})  # fmt: skip
    assert sentence.tokens == words
