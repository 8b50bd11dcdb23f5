"""Sentence ends by language: abbreviations, initials, ordinal numbers, quotations, the marks of other scripts."""

from __future__ import annotations

import pytest
from spacy.tokens import Doc
from spacy.vocab import Vocab

from common.text.sentences import MARKS, _word_before, ends_sentence
from common.text.tokenization import load_pipeline, split_sentences, tokenize

# The sentences of each text are parted by |, which is left out.
TEXTS = [
    ("en", "Dr. Roe met J. R. R. Tolkien, e.g. at No. 5, Fig. 3. | (He left.) | \"No.\" | I stayed, etc. | They left."),
    ("en", "A line\nthat goes on. | One more\n\n | and another"),
    ("en", "\"Who is it?\" said the king. | “Nobody.” | It was 5 p.m. | We ate.\n\n | A heading\n\n | Text."),
    ("de", "Im Mai, d.h. z. B. am 3. Mai bzw. Abb. 3, vgl. Nr. 5 usw. | Er kam 1990. | Er ging. | »Ja.« | Er blieb."),
    ("de", "Das sagt Prof. Dr. A. Meier, d. h. er. | „Wie?“ fragte sie."),
    pytest.param(
        "fr",
        "M. Dupont n'est p. ex. pas là, cf. fig. 3. | « Non. » | Il part. | « Oui ! » dit-il, etc. | Elle vient.",
        marks=pytest.mark.slow,  # some seconds until spaCy's rules for French are there
    ),
    ("es", "¿Qué? | ¡Sí! | El Sr. García, p. ej. aquí. | Hoy."),
    ("sv", "Det var bl.a. den 3 maj, t.ex. kl. 5. | Sedan gick han. | Nr. 4 är bra."),
    ("tr", "Prof. Dr. Ali geldi. | Evde örn. bu var. | Sonra gitti."),
    ("zh", "你好，世界！ | “再见。”他说。 | 「是。」 | OK？ | 好。"),
    ("xx", "Das ist gut. | هل هذا؟ | نعم. | यह है। | वह"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "marked"), TEXTS)
def test_sentences_end_where_they_end(language, marked):
    expected = ["".join(part.split()) for part in marked.split("|")]
    if language == "zh":
        marked, expected = marked.replace(" | ", ""), [
            "你好，世界！", "“再见。”", "他说。", "「是。」", "OK？", "好。"
        ]  # fmt: skip
    text = marked.replace("| ", "").replace("|", "")
    sentences = split_sentences(text, load_pipeline(language))
    assert ["".join(token.text for token in sentence) for sentence in sentences] == expected
    assert [token.text for sentence in sentences for token in sentence] == tokenize(text, load_pipeline(language))


def test_words_are_those_of_the_language():
    assert tokenize("im Haus", load_pipeline("de")) == ["im", "Haus"]
    assert tokenize("im here", load_pipeline("en")) == ["i", "m", "here"]
    assert tokenize("我有iPhone 15和3.5元。", load_pipeline("zh")) == [
        "我", "有", "iPhone", "15", "和", "3.5", "元", "。"
    ]  # fmt: skip


ENDS = {
    "en": [
        "He left.",
        '"Who?"',
        "(No!)",
        "It was 1990.",
        "He had 3.",
        "So did I.",
        "Tea, cake, etc.",
        "a .",
        ".",
        "什么。",
    ],
    "de": ["Das war 1990.", "Er ging.", "„Nein!“", "Äpfel usw."],
    "zh": ["好。", "“好！”"],
}
GOES_ON = {
    "en": ["", '"', "He", "Mr.", "(Mr.", "J. R.", "the U.S.", "and so...", "i.e.", "Acme Inc.", "ph.d.", "word"],
    "de": ["am 3.", "z.B.", "Abb.", "J."],
    "zh": ["好", "好，"],
}


def test_where_a_text_ends_its_sentence():
    for language, texts in ENDS.items():
        assert [text for text in texts if not ends_sentence(text, language)] == []
    for language, texts in GOES_ON.items():
        assert [text for text in texts if ends_sentence(text, language)] == []


def test_the_marks_are_those_of_the_splitter():
    assert set(load_pipeline("en").get_pipe("sentencizer").punct_chars) >= MARKS


def test_the_word_before_a_full_stop_has_its_inner_ones():
    spaces = [True, False, False, False, False]
    doc = Doc(Vocab(), words=["See", '"p', ".", "ex", "."], spaces=spaces)
    assert _word_before(doc, 4) == "p.ex"
    assert _word_before(Doc(Vocab(), words=["a", "b", "."], spaces=[True, False, False]), 2) == "b"
    assert _word_before(Doc(Vocab(), words=["b", "."], spaces=[False, False]), 1) == "b"
