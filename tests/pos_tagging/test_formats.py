"""Formats of tagged sentences: what stands where, in texts with and without spaces."""

from __future__ import annotations

import html
import re

from pos_tagging.formats import WRITERS
from pos_tagging.sentences import Layout, TaggedSentence

DOGS = TaggedSentence(
    ["Dogs", "bark", "<loudly>", "!"], ["NOUN", "VERB", "X", "PUNCT"], [], Layout([True, True, False, True])
)


def test_a_page_marks_every_word_and_the_tag_behind_it():
    page = WRITERS["html"]([DOGS], "")
    marks = re.findall(r"<mark[^>]*>\s*(.*?)\s*<span[^>]*>(.*?)</span>\s*</mark>", page, re.DOTALL)
    assert [(html.unescape(word), tag) for word, tag in marks] == list(DOGS.pairs())


def test_a_page_colours_known_tags_and_leaves_the_others_grey():
    page = WRITERS["html"]([DOGS], "")
    found = re.findall(r"<mark[^>]*background: (#\w+)", page)
    assert found == ["#cfe3f7", "#f7cfcf", "#f6f6f6", "#f6f6f6"]


def test_no_sentences_are_no_page():
    assert WRITERS["html"]([], "") == ""
