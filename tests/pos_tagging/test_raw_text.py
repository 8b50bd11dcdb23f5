"""Raw text: documents put together, words compared by the characters they cover."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import InputError
from common.text.readers import BadRow
from pos_tagging.conllu import ConlluSentence, read_conllu
from pos_tagging.formats import write_conllu
from pos_tagging.raw_text import count_words, find_sentences, find_words, raw_scores, read_documents, units_of
from pos_tagging.sentences import Layout, Sentence, TaggedSentence

FILE = """# newdoc id = a
# newpar
# text = I won't, gonna!
1\tI\t_\tPRON\tPRP\t_\t_\t_\t_\t_
2-3\twon't\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
2\two\t_\tAUX\tMD\t_\t_\t_\t_\t_
3\tn't\t_\tPART\tRB\t_\t_\t_\t_\t_
4\t,\t_\tPUNCT\t,\t_\t_\t_\t_\t_
5-6\tgonna\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
5\tgoing\t_\tVERB\tVBG\t_\t_\t_\t_\t_
6\tto\t_\tPART\tTO\t_\t_\t_\t_\t_
7\t!\t_\tPUNCT\t.\t_\t_\t_\t_\t_

# text = No.
1\tNo\t_\tINTJ\tUH\t_\t_\t_\t_\tSpaceAfter=No
2\t.\t_\tPUNCT\t.\t_\t_\t_\t_\t_

# newpar
# text = Yes
1\tYes\t_\tINTJ\tUH\t_\t_\t_\t_\t_

# newdoc id = b
# text = It is
1\tIt\t_\tPRON\tPRP\t_\t_\t_\t_\t_
2\tis\t_\tAUX\tVBZ\t_\t_\t_\t_\t_

"""


@pytest.fixture
def documents(tmp_path):
    (tmp_path / "a.conllu").write_text(FILE)
    return read_documents(list(read_conllu(tmp_path / "a.conllu")))


def test_documents_are_put_together(documents):
    assert [text for text, _ in documents] == ["I won't, gonna! No.\n\nYes", "It is"]
    assert [len(sentences) for _, sentences in documents] == [3, 1]


def test_words_that_are_written_together_have_no_space_between(documents):
    sentence = documents[0][1][0]
    assert sentence.layout.ranges == [(2, 3, "won't"), (5, 6, "gonna")]
    assert sentence.layout.space_after == [True, False, False, True, False, False, True]
    assert sentence.text() == "I won't, gonna!"


def test_a_file_with_ranges_is_written_as_it_was_read(documents):
    sentences = [
        TaggedSentence(sentence.tokens, sentence.tags, layout=sentence.layout)
        for _, sentences in documents
        for sentence in sentences
    ]
    lines = [line for line in FILE.splitlines() if not line.startswith(("# newdoc", "# newpar"))]
    upos = ["\t".join([*line.split("\t")[:4], "_", *line.split("\t")[5:]]) if "\t" in line else line for line in lines]
    assert write_conllu(sentences, "").splitlines() == upos


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2-3", "line 1: range '2-3' where 1-… is due"),
        ("1-0", "line 1: range '1-0' where 1-… is due"),
        ("1-999999999999", "line 1: range '1-999999999999' where 1-… is due"),
        ("1-3", "line 3: the sentence ends within a range of words"),
    ],
)
def test_ranges_that_do_not_fit_their_words(name, message, tmp_path):
    rows = [[name, "x", *["_"] * 8], ["1", "x", "_", "X", *["_"] * 6]]
    (tmp_path / "a.conllu").write_text("".join("\t".join(row) + "\n" for row in rows) + "\n")
    [found] = read_conllu(tmp_path / "a.conllu")
    assert isinstance(found, BadRow)
    assert message in found.message


def test_treebank_tags(tmp_path):
    (tmp_path / "a.conllu").write_text(FILE)
    tags = next(iter(read_conllu(tmp_path / "a.conllu", tag_column="xpos"))).tags
    assert tags == ["PRP", "MD", "RB", ",", "VBG", "TO", "."]


def test_words_stand_where_their_characters_are(documents):
    words = find_words(documents[0][1])
    # I wo n't , (gonna) ! No . Yes: characters 0-1 1-3 3-6 6-7 (7-12) 12-13 13-15 15-16 16-19
    spans = [(0, 1), (1, 3), (3, 6), (6, 7), (7, 12), (7, 12), (12, 13), (13, 15), (15, 16), (16, 19)]
    assert [(start, end) for (start, end, _), _ in words] == spans
    assert words[3:6] == [((6, 7, ""), "PUNCT"), ((7, 12, "going"), "VERB"), ((7, 12, "to"), "PART")]
    assert find_sentences(documents[0][1]) == [(0, 13), (13, 16), (16, 19)]


def test_counts_and_f1_by_hand(documents):
    given = [
        TaggedSentence(["I", "won't", ","], ["PRON", "AUX", "PUNCT"]),
        TaggedSentence(["gonna", "!", "No", ".", "Yes"], ["VERB", "PUNCT", "DET", "PUNCT", "INTJ"]),
    ]
    assert find_words(given)[1] == ((1, 6, ""), "AUX")
    counts = count_words(documents[0][1], given)
    # ten true words, eight given; the same are I , ! No . Yes, and but for No their tags; three sentences, two given
    # won't belongs to the first sentence, which has all but No . and Yes
    assert counts == [[7, 5, 3, 3, 1, 2, 0], [2, 2, 2, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0, 0]]
    scores = {"raw_words_f1": 12 / 18, "raw_tags_f1": 10 / 18, "raw_sentences_f1": 0.0}
    assert raw_scores(np.array(counts)) == scores
    perfect = count_words(documents[1][1], documents[1][1])
    scores = {"raw_words_f1": 16 / 22, "raw_tags_f1": 14 / 22, "raw_sentences_f1": 2 / 7}
    assert raw_scores(np.array([*counts, *perfect])) == scores


def test_intervals_are_over_documents_paragraphs_or_sentences(documents, monkeypatch):
    names = []
    for number in (2, 3, 4, 20):
        monkeypatch.setattr("pos_tagging.raw_text.LEAST_UNITS", number)
        names.append(units_of(documents))
    assert names == [("documents", [0, 0, 0, 1]), ("paragraphs", [0, 0, 1, 2]), *[("sentences", [0, 1, 2, 3])] * 2]


def test_words_that_are_written_otherwise_count_if_their_forms_are_the_same(documents):
    layout = Layout([False] * 3, [(1, 2, "gonna")])
    true = [Sentence(["going", "to", "!"], ["VERB", "PART", "PUNCT"], layout=layout)]
    given = [TaggedSentence(["Going", "ta", "!"], ["VERB", "PART", "PUNCT"], layout=layout)]
    assert count_words(true, given) == [[3, 3, 2, 2, 1, 1, 1]]


def test_a_text_that_is_not_that_of_its_words():
    with pytest.raises(InputError, match="its words are not those of its text"):
        read_documents([ConlluSentence(["No"], ["INTJ"], comments=["# text = Now"])])
