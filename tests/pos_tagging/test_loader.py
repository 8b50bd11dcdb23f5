"""Tagged sentences from files: what is read, what is refused, how words and spelling become ids."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from common.bundles.bundle import Bundle
from common.errors import InputError
from common.text.vocabulary import BOS_ID, EOS_ID, PAD_ID, UNK_ID, Vocabulary
from pos_tagging.config import TaggingConfig
from pos_tagging.conllu import read_conllu
from pos_tagging.lexicon import WORD_LENGTH, Lexicon, encode_word
from pos_tagging.loader import (
    load_sentences,
    make_batches,
    split_validation,
    tell_of_new_tags,
    word_drop_rates,
)
from pos_tagging.sentences import Sentence

CONFIG = TaggingConfig()
CONLLU = """# sent_id = 1
# text = vámonos al mar!
1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tvamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
3\tmar\tmar\tNOUN\t_\t_\t1\tobl\t_\tSpaceAfter=No
3.1\tghost\t_\tX\t_\t_\t_\t_\t_\t_
4\t!\t!\tPUNCT\t_\t_\t1\tpunct\t_\tGloss=x|SpaceAfter=No


# text = Ja
1\tJa\tja\tINTJ\t_\t_\t0\troot\t_\t_

"""


def word(number, form="w", tag="X", misc="_"):
    return "\t".join([str(number), form, "_", tag, *["_"] * 5, misc]) + "\n"


@pytest.mark.parametrize("name", ["a.conllu", "a.conllu.gz", "crlf.conllu"])
def test_words_are_the_lines_with_a_whole_number(tmp_path, name):
    path = tmp_path / name
    text = CONLLU.replace("\n", "\r\n") if name.startswith("crlf") else CONLLU
    with gzip.open(path, "wb") if name.endswith(".gz") else open(path, "wb") as file:
        file.write(text.encode())
    first, second = load_sentences(path, CONFIG)
    assert first.pairs() == [("vamos", "VERB"), ("nos", "PRON"), ("mar", "NOUN"), ("!", "PUNCT")]
    assert first.layout.space_after == [False, True, False, False]  # the first two are written as one
    assert first.text() == "vámonos mar!"
    assert second.pairs() == [("Ja", "INTJ")]
    assert (first.place, second.place) == (f"{path}, line 1", f"{path}, line 11")


def test_a_table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('words,pos\n"No\tmore\t,","DET\tNOUN\tPUNCT"\n"Go","VERB"\n')
    first, second = load_sentences(path, TaggingConfig(tokens_column="words", tags_column="pos"))
    assert first.pairs() == [("No", "DET"), ("more", "NOUN"), (",", "PUNCT")]
    assert second.pairs() == [("Go", "VERB")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\tw\t_\tX\n\n", "line 1: 4 fields, CoNLL-U has 10"),
        (word(1) + word(3) + "\n", "line 2: id '3' where 2 is due"),
        (word(2) + "\n", "line 1: id '2' where 1 is due"),
        (word("one") + "\n", "line 1: id 'one' is no number"),
        (word(1, form="") + "\n", "line 1: empty word form"),
        (word(1) + word(2, tag="_") + "\n", "line 2: word 'w' has no tag"),
        (word(1) + "\n" + word(1)[:-1], "line 3: no line end after the last word"),
        ("# a comment\n", "no sentences"),
        ("", "no sentences"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, text, message):
    path = tmp_path / "a.conllu"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        load_sentences(path, CONFIG)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('"a\tb",X', "row 1: 2 tokens and 1 tags"),
        ('" ",X', "row 1: empty sentence"),
        ('"a\t\tb","X\tX\tX"', "row 1: an empty token or tag"),
        ('"a\tb","X\t"', "row 1: an empty token or tag"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, message):
    path = tmp_path / "a.csv"
    path.write_text(f"tokens,tags\n{row}\n")
    with pytest.raises(InputError, match=rf"a\.csv, {message}"):
        load_sentences(path, CONFIG)


def test_tags_are_not_asked_for_where_they_are_to_be_found(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(word(1, tag="_") + "\n")
    assert next(read_conllu(path, tagged=False)).tokens == ["w"]


def test_tags_that_the_model_does_not_have_are_named_and_their_words_counted(monkeypatch):
    said = []
    monkeypatch.setattr("pos_tagging.loader.say", said.append)
    sentences = [Sentence(["a", "b", "c"], ["NEW", "X", "RARE"]), Sentence(["d"], ["NEW"])]
    tell_of_new_tags(sentences, ["NEW", "RARE", "X", "Y"], "here")
    assert not said
    tell_of_new_tags(sentences, ["X"], "a.conllu")
    tell_of_new_tags(sentences[:1], ["NEW", "X"], "b.conllu")
    assert said == [
        "a.conllu: 3 words with tags that the model does not have, which count as wrong: 'NEW', 'RARE'",
        "b.conllu: 1 word with tags that the model does not have, which count as wrong: 'RARE'",
    ]
    many = Sentence(["w"] * 12, [f"T{i:02}" for i in range(12)])
    tell_of_new_tags([many], [], "c.conllu")
    assert said[2].endswith(": 'T00', 'T01', 'T02', 'T03', 'T04', 'T05', 'T06', 'T07', 'T08', 'T09' and 2 more")


def test_the_validation_split():
    sentences = [Sentence([f"w{i}"], ["X"]) for i in range(40)]
    train, validation = split_validation(sentences, TaggingConfig(validation_split=0.1))
    assert len(validation) == 4
    assert sorted(s.tokens for s in train + validation) == sorted(s.tokens for s in sentences)
    assert split_validation(sentences, TaggingConfig(validation_split=0.1))[1] == validation
    assert split_validation(sentences, TaggingConfig(validation_split=0.1, seed=2))[1] != validation
    with pytest.raises(InputError, match="nothing is left to train on"):
        split_validation(sentences[:1], CONFIG)


@pytest.mark.parametrize("seed", range(5))
def test_a_tag_is_never_held_out_whole(seed):
    """Of 20 sentences four have a tag of their own, and two share one: half of all is held out all the same."""
    sentences = [Sentence([f"w{i}"], ["X"]) for i in range(14)]
    sentences += [Sentence([f"rare{i}", "w"], [f"R{i}", "X"]) for i in range(4)]
    sentences += [Sentence([f"pair{i}", "w"], ["P", "X"]) for i in range(2)]
    train, validation = split_validation(sentences, TaggingConfig(validation_split=0.5, seed=seed))
    assert len(validation) == 10
    assert {tag for s in validation for tag in s.tags} <= {tag for s in train for tag in s.tags} == {
        "P", "R0", "R1", "R2", "R3", "X",
    }  # fmt: skip
    assert sorted(s.tokens for s in train + validation) == sorted(s.tokens for s in sentences)


def test_sentences_that_all_have_a_tag_of_their_own_are_split_too():
    train, validation = split_validation([Sentence(["a"], ["A"]), Sentence(["b"], ["B"])], CONFIG)
    assert (len(train), len(validation)) == (1, 1)


# -- Ids and batches ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 13, 14, 15, 40])
def test_spelling(length):
    alphabet = [chr(97 + i) for i in range(26)] + [chr(65 + i) for i in range(26)]
    characters = Vocabulary(alphabet)
    ids = encode_word("".join(alphabet[:length]), characters)
    kept = alphabet[:length] if length <= 14 else alphabet[:7] + alphabet[length - 7 : length]
    expected = [BOS_ID, *characters.encode(kept), EOS_ID]
    assert len(ids) == WORD_LENGTH
    assert ids == expected + [PAD_ID] * (WORD_LENGTH - len(expected))


SENTENCES = [
    Sentence(["so", "good", "so"], ["ADV", "ADJ", "ADV"]),
    Sentence(["Go"], ["VERB"]),
    Sentence(["new", "thing"], ["ADJ", "NOUN"]),
]
TAGS = ["ADJ", "ADV", "NOUN", "VERB"]
VOCABULARY = Vocabulary(["so", "go", "good", "thing"], lowercase=True)
CHARACTERS = Vocabulary("Gdghinost")
LEXICON = Lexicon(VOCABULARY, CHARACTERS, VOCABULARY, TAGS)


def batches_of(shuffle=False, sentences=SENTENCES, lexicon=LEXICON, **settings):
    return make_batches(sentences, lexicon, TaggingConfig(**{"batch_size": 32, **settings}), shuffle)


def test_a_batch():
    (inputs, targets, weights), *rest = batches_of(architecture="previous-tag", units=5)
    assert not rest
    # one batch, the shortest sentence first: Go; new thing; so good so
    assert inputs["token_ids"].tolist() == [[5, 0, 0], [UNK_ID, 7, 0], [4, 6, 4]]
    assert inputs["mask"].tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert inputs["spellings"].shape == (6, WORD_LENGTH)  # of five words, and of none
    spelled = inputs["spellings"][inputs["spelling_ids"]]
    assert spelled[0, 0].tolist() == encode_word("Go", CHARACTERS)  # with its capital
    assert spelled[2, 0].tolist() == spelled[2, 2].tolist() == encode_word("so", CHARACTERS)
    assert not spelled[0, 1:].any()
    assert (targets * weights).tolist() == [[3, 0, 0], [0, 2, 0], [1, 0, 1]]
    assert weights.tolist() == inputs["mask"].astype(float).tolist()
    previous = inputs["previous_tags"] * inputs["mask"]  # one more than the tag before; 0 at the first word
    assert previous.tolist() == [[0, 0, 0], [0, 1, 0], [0, 2, 1]]
    assert inputs["state"].shape == (3, 5)
    assert not inputs["state"].any()


def test_further_tags_of_a_treebank_and_of_a_table(tmp_path):
    lines = ["1\tgo\t_\tVERB\tVB\tMood=Imp\t_\t_\t_\t_\n", "2\t!\t_\tPUNCT\t.\t_\t_\t_\t_\t_\n\n"]
    (tmp_path / "a.conllu").write_text("".join(lines))
    (tmp_path / "a.csv").write_text("tokens,tags,fine\ngo\t!,VERB\tPUNCT,VB\t.\n")
    for name, column, expected in (
        ("a.conllu", "xpos", ["VB", "."]),
        ("a.conllu", "feats", ["Mood=Imp", "_"]),
        ("a.csv", "fine", ["VB", "."]),
        ("a.csv", None, []),
    ):
        config = TaggingConfig(auxiliary_column=column)
        [sentence] = load_sentences(tmp_path / name, config, with_further=True)
        assert (sentence.tags, list(sentence.further)) == (["VERB", "PUNCT"], expected)
        assert not load_sentences(tmp_path / name, config)[0].further  # to evaluate a model they are not needed
    (tmp_path / "short.csv").write_text("tokens,tags,fine\ngo\t!,VERB\tPUNCT,VB\n")
    with pytest.raises(InputError, match=r"row 1: 2 tokens and 1 tags"):
        load_sentences(tmp_path / "short.csv", TaggingConfig(auxiliary_column="fine"), with_further=True)


def test_further_tags_stand_beside_the_tags():
    sentences = [replace(sentence, further=[tag.lower() for tag in sentence.tags]) for sentence in SENTENCES]
    config = CONFIG.sized(len(sentences), fine_tuning=False)
    _, targets, weights = make_batches(sentences, LEXICON, config, False, ["verb", "noun", "adv", "adj"])[0]
    assert targets.shape == (3, 3, 2)
    assert (targets[..., 0] * weights).tolist() == [[3, 0, 0], [0, 2, 0], [1, 0, 1]]
    assert (targets[..., 1] * weights).tolist() == [[0, 0, 0], [3, 1, 0], [2, 3, 2]]


def test_sentences_without_tags_make_the_same_inputs():
    bare = [Sentence(sentence.tokens) for sentence in SENTENCES]
    (inputs, _, _), (expected, _, _) = batches_of(sentences=bare)[0], batches_of()[0]
    for name, value in expected.items():
        np.testing.assert_array_equal(inputs[name], value)


def test_rare_words_are_dropped_more_often():
    rows = [[1] * 6, [2], [3] * 3]  # three words, and 1 and 3 share an id: the nine times of "The" and "the"
    token_ids = np.array([PAD_ID, 4, 5, 4])
    rates = word_drop_rates(rows, token_ids, TaggingConfig(word_dropout=0.2, rare_word_dropout=0.5))
    # 0.2, and of the rest a / (a + n): 0.2 + 0.8 * 0.5 / 9.5 and 0.2 + 0.8 * 0.5 / 1.5
    assert rates[[1, 3]] == pytest.approx(0.2 + 0.8 * 0.5 / 9.5)
    assert rates[2] == pytest.approx(0.2 + 0.8 * 0.5 / 1.5)
    none = TaggingConfig(word_dropout=0.0, rare_word_dropout=0.0)
    assert word_drop_rates(rows, token_ids, none)[1:].tolist() == [0] * 3


def test_words_are_dropped_in_training_alone():
    sentences = [Sentence(["so"] * 100, ["ADV"] * 100) for _ in range(20)]

    def ids(shuffle):
        batches = batches_of(shuffle, sentences, word_dropout=0.3, rare_word_dropout=0.0, batch_size=20)
        return batches[0][0]["token_ids"]

    assert (ids(False) == 4).all()
    assert (ids(True) == UNK_ID).mean() == pytest.approx(0.3, abs=0.05)  # 2,000 words: sigma 0.01


def test_some_sentences_are_read_in_another_case_in_training_alone():
    lexicon = replace(LEXICON, words=Vocabulary(["so", "So", "SO"]))
    sentences = [Sentence(["so", "So"], ["ADV", "ADV"]) for _ in range(400)]
    settings = {"word_dropout": 0.0, "rare_word_dropout": 0.0, "batch_size": 400}

    def read(shuffle, case_augmentation):
        inputs, _, _ = batches_of(shuffle, sentences, lexicon, case_augmentation=case_augmentation, **settings)[0]
        spelled = inputs["spellings"][inputs["spelling_ids"]][:, :, 1:3]  # two letters of two words
        assert (
            spelled == np.array([encode_word(w, CHARACTERS)[1:3] for w in ("so", "So", "SO")])[inputs["token_ids"] - 4]
        ).all()
        return Counter(map(tuple, inputs["token_ids"].tolist()))

    assert read(False, 0.6) == read(True, 0.0) == {(4, 5): 400}
    found = read(True, 0.6)
    assert set(found) == {(4, 5), (4, 4), (6, 6), (5, 5)}  # as written; so so, SO SO, So So
    assert found[4, 5] == pytest.approx(160, abs=40)  # of 400: sigma 10
    assert min(found.values()) > 40  # 80 each, sigma 8


def test_an_emoji_is_read_as_an_emoticon_unless_training_had_it():
    characters = Vocabulary("😀:)")
    for training_words, same in ((Vocabulary([":)"]), True), (Vocabulary([":)", "😀"]), False)):
        lexicon = Lexicon(training_words, characters, training_words, TAGS)
        for ids in lexicon.encode(["😀", ":)"]).values():
            assert (ids[0].tolist() == ids[1].tolist()) is same
    flag, smile, word = lexicon.encode(["🇫🇷", ":)", "a😀"])["spellings"].tolist()
    assert flag == smile != word


def test_shapes_and_given_vectors_are_read_too():
    lexicon = Lexicon(
        VOCABULARY,
        CHARACTERS,
        VOCABULARY,
        TAGS,
        shapes=Vocabulary(["xx", "Xx"]),
        vector_words=Vocabulary(["new", "go", "Thing", "thing"]),
    )
    sentences = [*SENTENCES, Sentence(["THING"], ["NOUN"])]
    (inputs, _, _) = batches_of(sentences=sentences, lexicon=lexicon)[0]
    rows = {tuple(row) for row in inputs["token_ids"].tolist()}
    assert (5, 0, 0) in rows  # Go
    place = inputs["token_ids"].tolist().index([5, 0, 0])
    assert inputs["shape_ids"][place].tolist() == [5, PAD_ID, PAD_ID]
    assert inputs["vector_ids"][place].tolist() == [5, PAD_ID, PAD_ID]  # "Go" has none, "go" has
    place = inputs["mask"].sum(axis=1).tolist().index(2)  # new thing
    assert inputs["shape_ids"][place].tolist() == [UNK_ID, UNK_ID, PAD_ID]
    assert inputs["vector_ids"][place].tolist() == [4, 7, PAD_ID]
    assert lexicon.encode(["Thing", "THING", "gone"])["vector_ids"].tolist() == [6, 7, UNK_ID]


def test_each_beginning_and_ending_has_its_number():
    lexicon = Lexicon(VOCABULARY, CHARACTERS, VOCABULARY, TAGS, affixes=Vocabulary(["g-", "-oing", "-g"]))
    found = lexicon.encode(["GOING", "go"])["affix_ids"]
    assert found.tolist() == [[4, *[UNK_ID] * 3, 6, UNK_ID, UNK_ID, 5], [4, *[UNK_ID] * 7]]


def test_beginnings_and_endings_are_dropped_one_by_one_in_training_alone():
    sentences = [Sentence(["so"] * 100, ["ADV"] * 100), Sentence(["so"], ["ADV"])]
    lexicon = Lexicon(VOCABULARY, CHARACTERS, VOCABULARY, TAGS, affixes=Vocabulary(["s-", "so-", "-o", "-so"]))

    def read(shuffle):
        inputs, _, weights = batches_of(shuffle, sentences, lexicon, affix_dropout=0.3, batch_size=2)[0]
        assert (inputs["affix_ids"][weights == 0] == PAD_ID).all()
        return inputs["affix_ids"][weights > 0] == UNK_ID  # (words, affixes)

    assert not read(False).any()
    dropped = read(True)
    assert dropped.mean() == pytest.approx(0.3, abs=0.06)  # 808: sigma 0.016
    assert 0 < (dropped.sum(axis=1) == 1).sum() < len(dropped)


def test_given_vectors_are_dropped_apart_from_words():
    sentences = [Sentence(["so"] * 100, ["ADV"] * 100) for _ in range(20)]
    lexicon = Lexicon(VOCABULARY, CHARACTERS, VOCABULARY, TAGS, vector_words=Vocabulary(["so"]))
    batches = batches_of(True, sentences, lexicon, word_dropout=0.3, rare_word_dropout=0.0, batch_size=20)
    words, vectors = (batches[0][0][name] == UNK_ID for name in ("token_ids", "vector_ids"))
    assert vectors.mean() == pytest.approx(0.3, abs=0.05)
    assert (words & vectors).mean() == pytest.approx(0.09, abs=0.03)


def test_a_lexicon_is_saved_and_read_again(tmp_path):
    lexicon = Lexicon.build([["So", "good"], ["so", "sod"]], ["ADV", "ADJ", "ADV", "NOUN"], TaggingConfig(shape_dim=3))
    assert lexicon.words.tokens[4:] == ["so", "good", "sod"]
    assert lexicon.training_words.tokens[4:] == ["So", "good", "so", "sod"]
    assert lexicon.affixes.tokens[4:] == ["-d", "-od", "s-", "so-"]  # of so, good and sod
    assert lexicon.shapes.tokens[4:] == ["Xx", "xx", "xxx", "xxxx"]
    assert lexicon.tags == ["ADJ", "ADV", "NOUN"]
    assert lexicon.sizes() == {
        "vocab_size": 7, "num_characters": 9, "num_tags": 3, "num_shapes": 8, "num_affixes": 8, "num_vectors": 0,
    }  # fmt: skip
    lexicon.save(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    loaded = Lexicon.load(Bundle(tmp_path, {}, {file.name: file.read_bytes() for file in tmp_path.iterdir()}))
    assert loaded.sizes() == lexicon.sizes()
    for word in ("So", "better"):
        for name, ids in lexicon.encode([word]).items():
            np.testing.assert_array_equal(loaded.encode([word])[name], ids)
