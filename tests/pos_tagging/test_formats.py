"""Formats of tagged sentences: what stands where, in texts with and without spaces."""

from __future__ import annotations

import html
import re

from pos_tagging.conllu import ConlluSentence
from pos_tagging.formats import WRITERS, ConlluWriter, document_of, new_paragraphs_of, write_conllu
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


def test_conllu_to_the_last_field():
    sentence = TaggedSentence(
        ["I", "do", "n't", "go", "!"], ["P", "A", "T", "V", "."], [0.5, 1, 0.12345, 0.25, 1],
        Layout([True, False, True, False, False], [(2, 3, "don't")]),
    )  # fmt: skip
    own = "\t".join
    assert write_conllu([sentence], "", comments=[["# newpar"]]).split("\n") == [
        "# newpar",
        "# text = I don't go!",
        own(["1", "I", "_", "P", *"_____", "TagProbability=0.5000"]),
        own(["2-3", "don't", *"_______", "_"]),
        own(["2", "do", "_", "A", *"_____", "TagProbability=1.0000"]),
        own(["3", "n't", "_", "T", *"_____", "TagProbability=0.1235"]),
        own(["4", "go", "_", "V", *"_____", "SpaceAfter=No|TagProbability=0.2500"]),
        own(["5", "!", "_", ".", *"_____", "SpaceAfter=No|TagProbability=1.0000"]),
        "",
        "",
    ]
    plain = TaggedSentence(["wo", "n't", "x"], ["A", "B", "C"], layout=Layout([False, False, True], [(1, 2, "won't")]))
    lines = write_conllu([plain], "", "xpos").splitlines()
    assert lines[1] == own(["1-2", "won't", *"_______", "SpaceAfter=No"])
    assert lines[3:5] == [own(["2", "n't", "_", "_", "B", *"_____"]), own(["3", "x", "_", "_", "C", *"_____"])]


def test_a_page_has_spaces_where_the_text_has_them():
    text = html.unescape(re.sub(r"<span.*?</span>|<[^>]*>", "", WRITERS["html"]([DOGS], ""), flags=re.DOTALL))
    assert " ".join(text.split()) == "Dogs bark <loudly> !"
    assert re.search(r"<loudly>\s*!", text)


def test_ids_of_documents():
    places = ("a b/c  d.txt, line 3", "x, y.csv, row 2", "text 7", "a.csv, sheet 2", "row 3")
    assert [document_of(place) for place in places] == ["c_d.txt", "x,_y.csv-row2", "text-7", "a.csv", "row-3"]


def test_where_paragraphs_begin():
    def begins(text, *sentences):
        return new_paragraphs_of(text, [TaggedSentence(words.split(), []) for words in sentences])

    assert begins("A b. C.\n \t\nD.\nE.", "A b .", "C .", "D .", "E .") == {0, 2}
    assert begins("A\nB", "A", "B") == {0}
    assert begins("A\n\n\nB\n\nC", "A", "B", "C") == {0, 1, 2}
    assert begins("A b\n\nc", "A b c") == {0}


def test_documents_of_a_file_of_words_are_numbered():
    write, answer = ConlluWriter(), [TaggedSentence(["a"], ["X"])]
    comments = (["# newpar"], [], ["# newdoc id = x"], ["# newdoc", "# newpar"], ["# newpar"])
    found = [write(answer, f"d/a.txt, line {i}", ConlluSentence(["a"], comments=own)) for i, own in enumerate(comments)]
    assert [[line for line in text.splitlines() if line.startswith("# ") and "text" not in line] for text in found] == [
        ["# newdoc id = a.txt", "# newpar", "# sent_id = a.txt-s1", "# source = a.txt, line 0"],
        ["# sent_id = a.txt-s2", "# source = a.txt, line 1"],
        ["# newdoc id = a.txt-2", "# newpar", "# sent_id = a.txt-2-s1", "# source = a.txt, line 2"],
        ["# newdoc id = a.txt-3", "# newpar", "# sent_id = a.txt-3-s1", "# source = a.txt, line 3"],
        ["# newpar", "# sent_id = a.txt-3-s2", "# source = a.txt, line 4"],
    ]  # fmt: skip
