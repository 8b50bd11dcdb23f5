"""The page reads texts as the Python modules do: normalization, tokens, sentences."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from common.text.normalization import STEPS, normalize_with_offsets, normalize_word
from common.text.sentences import ends_sentence
from common.text.tokenization import load_pipeline, split_sentences, tokenize_all
from serving.page_check import open_page
from serving.page_rules import make_rules, make_tokenizer, translate
from tests.conftest import ROOT
from tests.serving.page import FRAGMENTS, make_texts, needs_node

DATA = ROOT.parent / "shared" / "data"
BLOCK = 5000


@pytest.fixture(scope="module")
def page_scripts(tmp_path_factory):
    """The page's scripts over the rules of English, German and Chinese, without models."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "data").mkdir()
    (folder / "data/rules.json").write_text(json.dumps(make_rules()), encoding="utf-8")
    for language in ("en", "de", "zh"):
        text = json.dumps(make_tokenizer(language))
        (folder / f"data/tokenizer-{language}.json").write_text(text, encoding="utf-8")
    with open_page(folder) as page:
        yield page


def own_texts():
    return [*make_texts(150), *FRAGMENTS, "", " ", "\n", "x" * 2500, "…" * 1200]


def units(text):
    """How many units of UTF-16 stand before each character, and behind the last."""
    places = [0]
    for character in text:
        places.append(places[-1] + 1 + (ord(character) > 0xFFFF))
    return places


@needs_node
@pytest.mark.parametrize("steps", [STEPS, "html,typography", ""])
def test_normalization_is_that_of_python(page_scripts, steps):
    texts = own_texts()
    for text, [found, *places] in zip(
        texts, page_scripts.ask("normalize", language="en", steps=steps, texts=texts), strict=True
    ):
        wanted = normalize_with_offsets(text, steps)
        assert found == wanted.text, text
        assert bool(places) == (wanted.starts is not None)
        if places:  # each character stands for the same part of the original
            own, original = units(wanted.text), units(text)
            assert [places[0][i] for i in own[:-1]] == [original[start] for start in wanted.starts], text
            assert [places[1][i - 1] for i in own[1:]] == [original[end] for end in wanted.ends], text


@needs_node
@pytest.mark.parametrize("language", ["en", "de", "zh"])
def test_tokens_and_sentences_are_those_of_python(page_scripts, language):
    texts, pipeline = own_texts(), load_pipeline(language)
    assert page_scripts.ask("tokenize", language=language, texts=texts) == list(tokenize_all(texts, pipeline))
    wanted = [[[token.text for token in sentence] for sentence in split_sentences(text, pipeline)] for text in texts]
    for text, one, other in zip(
        texts, wanted, page_scripts.ask("sentences", language=language, texts=texts), strict=True
    ):
        assert one == other, text


@needs_node
def test_words_and_sentence_ends_are_those_of_python(page_scripts):
    texts = own_texts()
    words = [text.strip() for text in texts]
    found = page_scripts.ask("normalize_words", language="en", steps=STEPS, texts=words)
    assert found == [normalize_word(word, STEPS) for word in words]
    assert page_scripts.ask("sentence_ends", language="en", texts=texts) == [
        ends_sentence(text, "en") for text in texts
    ]


@pytest.mark.parametrize("pattern", [r"[^\W\d]", r"a\Z", r"(?x) a b"])
def test_a_pattern_that_javascript_has_not_is_refused(pattern):
    with pytest.raises(ValueError, match="no page can have the pattern"):
        translate(re.compile(pattern))


def read_lines():
    """All lines of the full data sets that are text."""
    for file in sorted(DATA.rglob("*")):
        if file.is_file() and file.name.removesuffix(".gz").rpartition(".")[2] in (
            "csv",
            "tsv",
            "txt",
            "conllu",
            "jsonl",
            "md",
        ):
            with (gzip.open if file.suffix == ".gz" else open)(
                file, "rt", encoding="utf-8", errors="replace", newline="\n"
            ) as lines:
                yield from lines


@pytest.mark.slow
@needs_node
@pytest.mark.skipif(not DATA.is_dir(), reason="the full data sets are not here")
def test_all_pieces_of_the_data_sets_are_split_as_in_python(page_scripts):
    pieces = sorted({piece for line in read_lines() for piece in line.split()})
    assert len(pieces) > 500_000
    pipeline, wrong = load_pipeline(), []
    for start in range(0, len(pieces), BLOCK):
        block = pieces[start : start + BLOCK]
        found = page_scripts.ask("tokenize", language="en", texts=block)
        wrong += [
            piece for piece, one, other in zip(block, tokenize_all(block, pipeline), found, strict=True) if one != other
        ]
    assert not wrong[:20]


@pytest.mark.slow
@needs_node
@pytest.mark.skipif(not DATA.is_dir(), reason="the full data sets are not here")
def test_lines_of_the_data_sets_are_normalized_as_in_python(page_scripts):
    lines = sorted({line[:5000] for line in read_lines() if not line.isascii() or re.search(r"[&<\\]", line)})[::5]
    assert len(lines) > 20_000
    for start in range(0, len(lines), 1000):
        block = lines[start : start + 1000]
        found = page_scripts.ask("normalize", language="en", steps=STEPS, texts=block)
        assert [text for text, *_ in found] == [normalize_with_offsets(line, STEPS).text for line in block]
