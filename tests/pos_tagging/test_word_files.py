"""Files of words: recognised whatever they are called, and written again with nothing changed but the tags."""

from __future__ import annotations

import gzip
import io
import re
import sys
from pathlib import Path

import pytest

import pos_tagging
from common.errors import InputError
from common.text.vocabulary import Vocabulary
from pos_tagging import cli
from pos_tagging.config import TaggingConfig
from pos_tagging.conllu import BadSentence, ConlluSentence
from pos_tagging.formats import ConlluWriter
from pos_tagging.lexicon import Lexicon
from pos_tagging.loader import load_sentences
from pos_tagging.predict import Tagger, Tags
from pos_tagging.recognition import CONLLU, TOKENS, Columns, WordFormat, recognise
from pos_tagging.sentences import Layout, TaggedSentence, TaggedText
from pos_tagging.word_files import Unread, _with_field, keeps_file, make_writer, open_words, retagged

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
DATA = CASES.parent / "data"

EVERYTHING = """# global comment
# newdoc id = letter <7>
# newpar
# sent_id = letter-7-s1
# meta = <p type="x" n='1'>\t&amp;
# text = We'll  call   20 000 plumbers, they _.
1-2\tWe'll\t_\t_\t_\t_\t_\t_\t_\t_
1\tWe\twe\tPRON\tPRP\tCase=Nom|Number=Plur\t3\tnsubj\t3:nsubj\t_
2\t'll\twill\tAUX\tMD\tVerbForm=Fin\t3\taux\t3:aux\tSpacesAfter=\\s\\s
3\tcall\tcall\tVERB\tVB\tVerbForm=Inf\t0\troot\t0:root\tSpacesAfter=\\s\\s\\s
4\t20 000\t20 000\tNUM\tCD\t_\t5\tnummod\t5:nummod\t_
5\tplumbers\tplumber\tNOUN\tNNS\t_\t3\tobj\t3:obj\tSpaceAfter=No|Entity=(3-person)
6\t,\t,\tPUNCT\t,\t_\t7\tpunct\t7.1:punct\t_
7\tthey\tthey\tPRON\tPRP\t_\t3\tconj\t7.1:nsubj|3:conj:and\t_
7.1\tcall\tcall\tVERB\tVB\t_\t_\t_\t0:root|3:conj:and\tCopyOf=3
8\t_\t_\tSYM\t_\t_\t7\torphan\t7.1:obj\tSpaceAfter=No
9\t.\t.\tPUNCT\t.\t_\t3\tpunct\t3:punct\t_



# a comment of nobody

# sent_id = s2
0.1\tnothing\t_\tX\t_\t_\t_\t_\t0:root\t_
1\t日本語\t_\t_\t_\t_\t_\t_\t_\t_

# sent_id = bad
1\tone\t_\tX\t_\t_\t_\t_\t_\t_
3\tthree\t_\tX\t_\t_\t_\t_\t_\t_

# sent_id = s4
1\tGo\tgo\tVERB\tVB\t_\t0\troot\t_\t_

# the end

"""


class Constant(Tagger):
    """A tagger that finds one tag for all words."""

    def __init__(self, **settings):
        super().__init__(
            None, Lexicon(Vocabulary([]), Vocabulary(""), Vocabulary([]), ["T"]), TaggingConfig(**settings)
        )

    def tag_tokens(self, token_lists, probabilities=False):
        return [Tags(["T"] * len(tokens), [0.5] * len(tokens) * probabilities) for tokens in token_lists]

    def with_settings(self, config):
        return Constant(tag_column=config.tag_column)


@pytest.fixture
def predict(monkeypatch, capsys):
    """What the command writes on standard output, and on standard error."""
    monkeypatch.setattr(pos_tagging, "load", lambda *_: Constant())

    def predict(*options):
        cli.predict([str(option) for option in options])
        return capsys.readouterr()

    return predict


def with_tag(text, field=3):
    """The tag column of all readable words set to T."""
    before = r"[^\t\n]*\t" * (field - 1)
    return re.sub(rf"^(\d+\t(?!one|three){before})[^\t\n]*", r"\1T", text, flags=re.MULTILINE)


WAYS = {
    "as it is": lambda text: text.encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "blank lines": lambda text: b"\n\n" + text.encode() + b"\n \n\n",
    "no blank line at the end": lambda text: text.partition("\n# the end")[0].encode(),
    "no line end": lambda text: text.partition("\n\n# the end")[0].encode(),
    "gzip": lambda text: text.encode(),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_changes_but_the_tag_column(way, predict, tmp_path):
    path, output = tmp_path / ("a.conllu.gz" if way == "gzip" else "a.conllu"), tmp_path / "out"
    path.write_bytes(gzip.compress(WAYS[way](EVERYTHING)) if way == "gzip" else WAYS[way](EVERYTHING))
    said = predict("--input", path, "--format", "conllu", "--output", output).err
    assert output.read_bytes() == WAYS[way](with_tag(EVERYTHING))
    assert "unchanged: " in said
    assert "id '3' where 2 is due" in said
    assert "1 of 4 sentences could not be read and are unchanged" in said


def test_the_other_tag_column_and_probabilities(predict, tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(EVERYTHING)
    assert predict("--input", path, "--format", "conllu", "--tag-column", "xpos").out == with_tag(EVERYTHING, 4)
    found = predict("--input", path, "--format", "same", "--probabilities").out
    assert "\tSpaceAfter=No|Entity=(3-person)|TagProbability=0.5000\n" in found
    assert re.sub(r"\|?TagProbability=0.5000", "", found).replace("\t\n", "\t_\n") == with_tag(EVERYTHING)


def test_bytes_that_are_no_utf8_stay(predict, tmp_path):
    path, output = tmp_path / "a.conllu", tmp_path / "out"
    path.write_bytes(EVERYTHING.replace("three", "caf\udce9").encode("utf-8", "surrogateescape"))
    predict("--input", path, "--format", "conllu", "--output", output)
    assert output.read_bytes().replace(b"caf\xe9", b"three") == with_tag(EVERYTHING).encode()


def test_strict_stops_and_a_file_without_a_sentence_is_an_error(predict, tmp_path):
    path, output = tmp_path / "a.conllu", tmp_path / "out"
    path.write_text(EVERYTHING)
    with pytest.raises(InputError, match="id '3' where 2 is due"):
        predict("--input", path, "--format", "conllu", "--output", output, "--strict")
    path.write_text("# only\n\n3\tthree\t_\tX\t_\t_\t_\t_\t_\t_\n\n")
    with pytest.raises(InputError, match="no sentence could be read"):
        predict("--input", path, "--format", "conllu", "--output", output)
    assert not output.exists()


def test_conllu_from_a_pipe(predict, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(EVERYTHING.encode()))))
    assert predict("--format", "conllu").out == with_tag(EVERYTHING)


def test_from_python(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_bytes(WAYS["CRLF"](EVERYTHING))
    found = Constant().tag_file(path)
    assert [sentence.tokens for sentence in found][1:] == [["日本語"], ["Go"]]
    assert len(found.notes) == 1
    found.write(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == WAYS["CRLF"](with_tag(EVERYTHING))
    (tmp_path / "words.txt").write_text("Birds\nsing\n.\n\nFish\nswim\n")
    lines = Constant().tag_file(tmp_path / "words.txt", input_format="words").text.splitlines()
    assert [line.split("\t")[1:4] for line in lines if line[:1].isdecimal()][3:] == [
        ["Fish", "_", "T"],
        ["swim", "_", "T"],
    ]


def test_the_file_with_all_that_conllu_has(predict):
    path = CASES / "02-conllu-in-conllu-out-loses-everything" / "annotated.conllu"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    assert predict("--input", path, "--format", "conllu").out == with_tag(path.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(DATA.glob("ud_*/*.conllu.gz")), ids=lambda path: "/".join(path.parts[-2:]))
def test_whole_treebanks(path, predict, tmp_path):
    predict("--input", path, "--format", "conllu", "--output", tmp_path / "out")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        assert (tmp_path / "out").read_text(encoding="utf-8") == re.sub(
            r"^(\d+(?:\t[^\t\n]*){2}\t)[^\t\n]*", r"\1T", file.read(), flags=re.MULTILINE
        )


# -- Formats --------------------------------------------------------------------------------------------------------

TAGGED = {
    "CoNLL-U": (
        "1\tBirds\t_\tNOUN\tX\t_\t_\t_\t_\t_\n2\tsing\t_\tVERB\tX\t_\t_\t_\t_\t_\n\n"
        "1\tFish\t_\tNOUN\tX\t_\t_\t_\t_\t_\n2\tswim\t_\tVERB\tX\t_\t_\t_\t_\t_\n\n"
    ),
    "CoNLL-U with spaces for tabs": (
        "# text = x\n1 Birds _ NOUN X _ _ _ _ _\n2 sing _  VERB X _ _ _ _ _\n\n1 Fish _ NOUN X _ _ _ _ _\n"
        "2 swim _ VERB X _ _ _ _ _\n"
    ),
    "CoNLL-U Plus": (
        "# global.columns = ID FORM UPOS ROLE\n1\tBirds\tNOUN\ta\n2\tsing\tVERB\tb\n\n"
        "1\tFish\tNOUN\t_\n2\tswim\tVERB\t_\n"
    ),
    "CoNLL-2009": "".join(
        f"{i}\t{word}\tl\tl\t{tag}\tP\t_\t_\t0\t0\tR\tR\tY\tp.01\tA0\n" + "\n" * (i == 2)
        for i, word, tag in ((1, "Birds", "NOUN"), (2, "sing", "VERB"), (1, "Fish", "NOUN"), (2, "swim", "VERB"))
    ),
    "CoNLL-2000": "Birds NOUN B-NP\nsing VERB B-VP\n\nFish NOUN B-NP\nswim VERB B-VP\n",
    "CoNLL-2003": "-DOCSTART- -X- O O\n\nBirds NOUN B-NP O\nsing VERB B-VP O\n\nFish NOUN B-NP O\nswim VERB B-VP O\n",
    "CoNLL-2012": (
        "#begin document (bc/x); part 000\nbc/x 0 0 Birds NOUN (S* - -\nbc/x 0 1 sing VERB *) - -\n\n"
        "bc/x 0 0 Fish NOUN (S* - -\nbc/x 0 1 swim VERB *) - -\n\n#end document\n"
    ),
    "word-tab-tag": "Birds\tNOUN\nsing\tVERB\n\n\nFish\tNOUN\nswim\tVERB",
    "word-tab-tag with a heading": "word\tpos\nBirds\tNOUN\nsing\tVERB\n\nFish\tNOUN\nswim\tVERB\n",
    "TreeTagger": "Birds\tNOUN\tbird\nsing\tVERB\tsing\n\nFish\tNOUN\t<unknown>\nswim\tVERB\tswim\n",
    "a corpus in markup": (
        '<doc id="1">\n<s>\nBirds\tNOUN\nsing\tVERB\n</s>\n<s>\nFish\tNOUN\n<g/>\nswim\tVERB\n</s>\n</doc>\n'
    ),
    "the Brown corpus": "Birds/NOUN sing/VERB\n\nFish/NOUN  swim/VERB\n",
    "the Stanford tagger": "Birds_NOUN sing_VERB\nFish_NOUN swim_VERB\n",
}


@pytest.mark.parametrize("name", TAGGED)
def test_tagged_words_are_read_and_written_again(name, predict, tmp_path):
    path = tmp_path / "given.txt"
    path.write_text(TAGGED[name])
    sentences = load_sentences(path, TaggingConfig())
    assert [sentence.tokens for sentence in sentences] == [["Birds", "sing"], ["Fish", "swim"]]
    assert [sentence.tags for sentence in sentences] == [["NOUN", "VERB"]] * 2
    found = predict("--input", path, "--format", "same")
    assert found.out == re.sub("NOUN|VERB", "T", TAGGED[name])
    assert f"{path}: read as " in found.err
    assert predict("--input", path).out == "Birds/T sing/T\nFish/T swim/T\n"


def test_the_mark_of_utf8_comes_back(predict, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfBirds/NOUN sing/VERB\nFish/NOUN swim/VERB\n")
    assert predict("--input", path, "--format", "same").out == "\ufeffBirds/T sing/T\nFish/T swim/T\n"
    assert predict("--input", path).out == "Birds/T sing/T\nFish/T swim/T\n"


def test_tagged_words_are_text_when_that_is_asked_for(predict, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Birds/NOUN sing/VERB\nFish/NOUN swim/VERB\n")
    assert "NOUN/T" in predict("--input", path, "--input-format", "text").out


TEXTS = {
    "prose": "Birds sing.\nFish swim.\n\nWe go home, and they stay.\n",
    "names": "John Smith\nJane Doe\n\nAnn Lee\n",
    "words": "good\nbad\nugly\n",
    "a dash and a slash": "and/or he/she\n",
    "rows with tabs": "1\tGreat film\n2\tNo good\n",
    "markdown": "# Heading\n\nSome text.\n",
    "French": "Ça va ! Oui, bien sûr.\nEt toi ?\n",
    "a list": "1 2 3 4 5 6 7 8 9 10\n",
    "nothing": "",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_stays_text(name):
    assert recognise(TEXTS[name].split("\n"), Columns(), "a.txt").name == "text"


def test_words_without_tags(predict, tmp_path):
    path = tmp_path / "a.txt"
    for text, name in (
        ("I do n't know .\nWe 'll see .\n", "a sentence a line"),
        ("I\ndo\nn't\nknow\n.\n\nWe\n'll\nsee\n.\n", "a word a line"),
        ("I\ndo\nn't\nknow\n.\nWe\n'll\nsee\n.\n", "sentences end at"),
    ):
        path.write_text(text)
        found = predict("--input", path)
        assert found.out == "I/T do/T n't/T know/T ./T\nWe/T 'll/T see/T ./T\n"
        assert f"{path}: read as " in found.err
        assert name in found.err
        with pytest.raises(InputError, match="wanted words with tags"):
            load_sentences(path, TaggingConfig())
        with pytest.raises(InputError, match="the input is none"):
            predict("--input", path, "--format", "same")


LEMMAS = "".join(f"{word}\t{word}\tNOUN\n" + "\n" * (i % 3 == 2) for i, word in enumerate("ABCDEFGHIJ"))


def test_what_is_not_clear_is_refused_and_the_option_named(predict, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(LEMMAS)
    with pytest.raises(InputError, match=r"3 columns, and it is not clear .* --tags-column N"):
        load_sentences(path, TaggingConfig())
    [first, *_] = load_sentences(path, TaggingConfig(tags_column="3"))
    assert first.pairs() == [("A", "NOUN"), ("B", "NOUN"), ("C", "NOUN")]
    assert predict("--input", path, "--tags-column", 3, "--format", "same").out == LEMMAS.replace("NOUN", "T")
    with pytest.raises(InputError, match=r"--tags-column 4: .* has 3 columns"):
        load_sentences(path, TaggingConfig(tags_column="4"))
    path.write_text("Birds\tNOUN\nsing\n\n")
    with pytest.raises(InputError, match="line 2: 1 fields, wanted 2 separated by tabs"):
        load_sentences(path, TaggingConfig(input_format="columns"))


def test_further_tags_of_columns(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("Birds\tNOUN\tNNS\nsing\tVERB\tVBP\n")
    [sentence] = load_sentences(path, TaggingConfig(auxiliary_column="3"), with_further=True)
    assert sentence.further == ["NNS", "VBP"]
    with pytest.raises(InputError, match="no 'xpos'; the columns have numbers"):
        load_sentences(path, TaggingConfig(auxiliary_column="xpos"), with_further=True)


def test_a_sentence_that_is_cut_short(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text("1\ta\t_\tX\t_\t_\t3\t_\t_\t_\n")
    with pytest.raises(InputError, match="line 1: the head 3 of a word is missing; the file may be cut short"):
        load_sentences(path, TaggingConfig())


# -- Texts as CoNLL-U -----------------------------------------------------------------------------------------------


def texts_as_conllu(*texts):
    """The comments of texts, each a place, a text and its sentences."""
    write = ConlluWriter()
    found = ""
    for place, text, *sentences in texts:
        tagged = [TaggedSentence(words.split(), ["X"] * len(words.split())) for words in sentences]
        found += write(TaggedText(tagged), place, text)
    return [line for line in found.splitlines() if line.startswith("#")]


def test_lines_are_paragraphs_of_one_document():
    texts = ("x/my letter.txt, line 1", "A b. C.", "A b.", "C."), ("x/my letter.txt, line 4", "D", "D")
    assert texts_as_conllu(*texts) == [
        "# newdoc id = my_letter.txt", "# newpar", "# sent_id = my_letter.txt-s1", "# source = my letter.txt, line 1",
        "# text = A b.", "# sent_id = my_letter.txt-s2", "# source = my letter.txt, line 1", "# text = C.",
        "# newpar", "# sent_id = my_letter.txt-s3", "# source = my letter.txt, line 4", "# text = D",
    ]  # fmt: skip


def test_rows_are_documents_with_paragraphs():
    assert texts_as_conllu(("a.csv, row 3", "A.\n\nB.", "A.", "B."), ("a.csv, row 4", "C", "C"))[1::2] == [
        "# newpar", "# source = a.csv, row 3", "# newpar", "# source = a.csv, row 3",
        "# newdoc id = a.csv-row4", "# sent_id = a.csv-row4-s1", "# text = C",
    ]  # fmt: skip


def test_words_of_a_file_with_several_documents():
    write, answer = ConlluWriter(), TaggedText([TaggedSentence(["a"], ["X"], layout=Layout([True]))])
    items = [ConlluSentence(["a"], comments=comments) for comments in (["# newdoc"], [], ["# newdoc"])]
    found = "".join(write(answer, f"a.txt, line {i}", item) for i, item in enumerate(items, 1))
    ids = [line for line in found.splitlines() if line.startswith(("# newdoc", "# sent_id"))]
    assert ids == [
        "# newdoc id = a.txt", "# sent_id = a.txt-s1", "# sent_id = a.txt-s2",
        "# newdoc id = a.txt-2", "# sent_id = a.txt-2-s1",
    ]  # fmt: skip


def test_one_sentence_again_and_again_is_text():
    assert recognise(["It was so good, so very good."] * 50, Columns(), "a.txt").name == "text"
    assert (
        recognise([f"It was so {word} ." for word in ("good", "bad", "dull")] * 20, Columns(), "a.txt").name == "tokens"
    )
    assert recognise(["Birds\tNOUN"] * 50, Columns(), "a.txt").name == "columns"


# -- Line by line ---------------------------------------------------------------------------------------------------

PAIRS = WordFormat("pairs", separator="/", tag=1)


def read(folder, text, input_format="auto", **options):
    """The sentences of a file, each as words and tags, or as what is wrong with it."""
    path = folder / "a.txt"
    path.write_text(text)
    with open_words(path, Columns(), input_format) as words:
        return [
            item.message.removeprefix(str(path)) if isinstance(item, BadSentence) else (item.tokens, item.tags)
            for item in words.sentences(**options)
        ]


def test_pairs_that_are_none(tmp_path):
    text = "a/X b/c/Y\n\nc d/X\n/X\ne/\nf/Z\n"
    assert read(tmp_path, text, "pairs") == [
        (["a", "b/c"], ["X", "Y"]), ", line 3: 'c' has no tag; write WORD/TAG",
        ", line 4: '/X' has no tag; write WORD/TAG", ", line 5: 'e/' has no tag; write WORD/TAG", (["f"], ["Z"]),
    ]  # fmt: skip
    found = read(tmp_path, text, "pairs", tagged=False)
    assert found[1:4] == [(["c", "d"], ["", "X"]), (["/X"], [""]), (["e/"], [""])]
    assert read(tmp_path, "a b .\n", "tokens") == [", line 1: words without tags; write WORD/TAG"]
    assert read(tmp_path, "a b .\n", "tokens", tagged=False) == [(["a", "b", "."], ["", "", ""])]


def test_lines_of_pairs_are_kept_where_they_are(tmp_path):
    path = tmp_path / "a.txt"
    text = "\ufeff\n\na/X  b/Y\n \nc\n\n"
    path.write_text(text)
    with open_words(path, Columns(), "pairs") as words:
        first, bad, rest = words.sentences(keep_lines=True)
    assert "".join("".join(item.lines) for item in (first, bad, rest)) == text
    assert (first.place, first.rows) == (f"{path}, line 3", [3, 3])
    assert (rest.tokens, rest.place) == ([], f"{path}, line 6")
    assert retagged(first, ["P", "Q"], PAIRS) == "\ufeff\n\na/P  b/Q\n"
    with open_words(path, Columns(), "pairs") as words:
        assert [item.lines for item in words.sentences()] == [[], []]


def test_a_field_gets_another_value_or_one_more():
    assert _with_field("a\tb\tc\r\n", "\t", 2, "X") == "a\tb\tX\r\n"
    assert _with_field("a\tb\tc\n", "\t", 0, "X") == "X\tb\tc\n"
    assert _with_field(" a  b c\n", " ", 1, "X") == " a  X c\n"
    assert _with_field("a\t_\n", "\t", 1, "P=1", is_more=True) == "a\tP=1\n"
    assert _with_field("a\tB=2|P=0|C\n", "\t", 1, "P=1", is_more=True) == "a\tB=2|C|P=1\n"
    sentence = ConlluSentence(["a"], lines=["1\ta" + "\t_" * 8 + "\n"], rows=[0])
    assert retagged(sentence, ["X"], CONLLU, [0.25]) == "1\ta\t_\tX" + "\t_" * 5 + "\tTagProbability=0.2500\n"
    columns = WordFormat("columns", tag=1)
    assert retagged(ConlluSentence(["a"], lines=["a\tN"], rows=[0]), ["X"], columns, [0.5]) == "a\tX"


def test_which_files_are_kept():
    columns = WordFormat("columns", tag=1)
    assert [keeps_file("same", layout) for layout in (CONLLU, columns)] == [True, True]
    assert [keeps_file("conllu", layout) for layout in (CONLLU, columns, TOKENS, None)] == [True, False, False, False]
    assert [keeps_file("tsv", layout) for layout in (CONLLU, None)] == [False, False]
    for layout in (TOKENS, None):
        with pytest.raises(InputError, match="--format same: keeps a file of words and tags, and the input is none"):
            keeps_file("same", layout)
    plus = WordFormat("conllu", named={"xpos": 2}, number=0)
    with pytest.raises(InputError, match="--format same: the file has no column upos; try --tag-column"):
        make_writer("same", TaggingConfig(), plus)
    answer = TaggedText([TaggedSentence(["a"], ["X"])])
    assert (
        make_writer("same", TaggingConfig(tag_column="xpos"), plus)(
            answer, "", ConlluSentence(["a"], lines=["1\ta\t_\n"], rows=[0])
        )
        == "1\ta\tX\n"
    )
    assert make_writer("text", TaggingConfig(), plus)(answer, "", None) == "a/X\n"
    assert make_writer("conllu", TaggingConfig(tag_column="xpos"), None)(answer, "text 1", "a").endswith(
        "1\ta\t_\t_\tX\t_\t_\t_\t_\t_\n\n"
    )


def test_what_could_not_be_read_is_counted(monkeypatch):
    said = []
    monkeypatch.setattr("pos_tagging.word_files.say", said.append)
    monkeypatch.setattr("pos_tagging.word_files.MOST_REPORTED", 2)
    unread = Unread()
    for item in (
        BadSentence("one"),
        ConlluSentence(["a"]),
        ConlluSentence([]),
        BadSentence("two"),
        BadSentence("three"),
    ):
        unread.count(item)
    unread.count("a text")
    unread.conclude()
    assert said == [
        "unchanged: one", "unchanged: two", "3 of 5 sentences could not be read and are unchanged",
    ]  # fmt: skip
    said.clear()
    good = Unread()
    good.count(ConlluSentence(["a"]))
    good.conclude()
    assert said == []
    with pytest.raises(InputError, match="no sentence could be read"):
        Unread().conclude()


def test_names_and_first_lines_tell_the_format(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("pos_tagging.word_files.say", said.append)

    def found(name, text, **options):
        path = tmp_path / name
        path.write_text(text)
        said.clear()
        with open_words(path, Columns(), **options) as words:
            return words.format.name, len(said)

    columns = "Birds\tNOUN\nsing\tVERB\n"
    assert found("a.txt", columns) == ("columns", 1)
    assert found("a.tsv", columns) == ("columns", 1)
    assert found("a.csv", columns.replace("\t", ",")) == ("text", 0)
    assert found("a.txt", columns, input_format="columns") == ("columns", 0)
    assert found("a.txt", columns, input_format="text") == ("text", 0)
    assert found("a.conllu", columns) == ("columns", 1)
    assert found("a.conllu", "a/X b/Y\n") == ("pairs", 1)
    assert found("a.conllu", "So it is.\n") == ("conllu", 0)
    assert found("a.conllu", "# x\n" + columns) == ("conllu", 0)
    assert found("a.txt", "So it is.\nSo.\n") == ("text", 0)
