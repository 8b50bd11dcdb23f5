"""The vocabularies of a tagger: what is collected, what is looked up, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.errors import InputError
from common.text.vocabulary import EOS_ID, UNK_ID, Vocabulary
from pos_tagging.config import TaggingConfig
from pos_tagging.lexicon import EMOTICON, Lexicon, encode_word, read_tags

WORDS = [["So", "good", "So"], ["go"]]


def build(**settings):
    return Lexicon.build(WORDS, ["B", "A", "B"], TaggingConfig(**settings))


def test_what_is_collected():
    lexicon = build()
    assert lexicon.words.tokens[4:] == ["so", "go", "good"]
    assert lexicon.training_words.tokens[4:] == ["So", "go", "good"]
    assert lexicon.characters.tokens[4:] == ["o", "S", "g", "d"]
    assert lexicon.affixes.tokens[4:] == ["-o", "g-", "go-"]  # of two words at least
    assert (lexicon.tags, lexicon.normalization) == (["A", "B"], TaggingConfig().normalization)
    assert lexicon.sizes()["num_shapes"] == 4 + 3
    small = build(shape_dim=0, affix_dim=0, max_vocab_size=5, lowercase=False)
    assert (small.shapes, small.affixes, small.words.tokens[4:]) == (None, None, ["So"])
    assert list(small.sizes().values()) == [5, 8, 2, 0, 0, 0]
    with pytest.raises(InputError, match=r"tag .* holds a character that cannot be printed"):
        Lexicon.build(WORDS, ["A\n"], TaggingConfig())


def test_which_words_are_known():
    plain = Lexicon(Vocabulary(["so"], lowercase=True), Vocabulary(""), Vocabulary([]), [])
    given = Lexicon(Vocabulary([]), Vocabulary(""), Vocabulary([]), [], vector_words=Vocabulary(["so", "Go"]))
    assert [plain.knows(word) for word in ("so", "SO", "s\u00ado", "go")] == [True, True, True, False]
    assert [given.knows(word) for word in ("so", "SO", "Go", "go", "GO")] == [True, True, True, False, False]
    assert given.encode(["so", "SO", "Go", "go"])["vector_ids"].tolist() == [4, 4, 5, UNK_ID]


def test_an_emoji_is_one_if_nothing_else_stands_there():
    words = Vocabulary([EMOTICON, "x"])
    lexicon = Lexicon(words, Vocabulary(""), Vocabulary(["\u2603"]), [])
    assert lexicon.encode(["\U0001f600\ufe0f", "\u2603", "\u2602", "x"])["token_ids"].tolist() == [4, UNK_ID, 4, 5]


def test_a_word_of_fourteen_letters_is_read_whole():
    letters = Vocabulary("abcdefghijklmno")
    whole, cut = (encode_word("abcdefghijklmno"[:number], letters) for number in (14, 15))
    assert whole == [2, *range(4, 18), EOS_ID]
    assert cut == [2, *range(4, 11), *range(12, 19), EOS_ID]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ("A", "holds no list of tags"),
        ([1], "holds no list of tags"),
        ([""], "holds no list of tags"),
        (["A\n"], "holds no list of tags"),
        (["B", "A"], "its tags are not in order, each once"),
        (["A", "A"], "its tags are not in order, each once"),
    ],
)
def test_tags_that_are_none(tags, message):
    def bundle_of(tags):
        return SimpleNamespace(path=Path("bundle"), read_bytes=lambda name: json.dumps(tags).encode())

    assert read_tags(bundle_of(["A", "B"])) == ["A", "B"]
    with pytest.raises(InputError, match=rf"bundle/tags\.json: {message}"):
        read_tags(bundle_of(tags))
