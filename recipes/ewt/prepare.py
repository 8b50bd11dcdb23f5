"""Plain text for the word vectors: reviews, an encyclopedia, fairy tales, the training sentences of both tag sets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas

from recipes.brown.prepare import split
from recipes.program import Places
from recipes.reviews.prepare import known_texts
from recipes.sources import find, gum, once, read_text, stories, treebank, write_table

NEW_DOCUMENT = "# newdoc id"
# Genres whose texts are CC BY, CC BY-SA or in the public domain; essay, fiction, letter, podcast and whow are not.
FREE_GENRES = (
    "academic", "bio", "conversation", "court", "interview", "news", "speech", "textbook", "vlog", "voyage",
)  # fmt: skip
JOINED = re.compile(r" @([-,.])@ ")  # WikiText-2 writes "sixty @-@ four", "1 @,@ 000"


def plain_text(places: Places) -> Path:
    """`all.csv`: a text a row; no test text is in it."""

    def write(file):
        texts = [*reviews(places), *encyclopedia(places), *tales(places), *brown_sentences(places)]
        write_table(pandas.DataFrame({"text": [*texts, *treebank_sentences(places)]}))(file)

    return once(places.work / "all.csv", write)


def reviews(places: Places) -> list[str]:
    """The training and unlabelled film reviews."""
    return list(pandas.read_csv(known_texts(places)).review)


def encyclopedia(places: Places) -> Iterator[str]:
    """The training paragraphs of WikiText-2, without the mark of its unknown words and without headings."""
    path = find(places.data, "wikitext2/wiki.train.tokens.gz", "wikitext-2/wiki.train.tokens")
    for line in read_text(path).splitlines():
        if line.strip() and not line.startswith(" ="):
            yield " ".join(JOINED.sub(r"\1", line).replace("<unk>", " ").split())


def tales(places: Places) -> list[str]:
    """The training sections of FairytaleQA."""
    return list(pandas.read_csv(stories(places.data, "train")).text)


def brown_sentences(places: Places) -> list[str]:
    """The training sentences of the Brown Corpus."""
    return [tokens.replace("\t", " ") for tokens in pandas.read_csv(split(places)["train"]).tokens]


def treebank_sentences(places: Places) -> list[str]:
    """The training sentences of English-EWT, as they were written."""
    lines = read_text(treebank(places.data, "train")).splitlines()
    return [line.removeprefix("# text = ") for line in lines if line.startswith("# text = ")]


def web_and_gum(places: Places) -> Path:
    """`ewt_gum.conllu.gz`: the training sentences of English-EWT, and those of the `FREE_GENRES` of English-GUM."""

    def write(file):
        file.write(read_text(treebank(places.data, "train")).rstrip("\n") + "\n\n")
        documents = read_text(gum(places.data, "train")).split(NEW_DOCUMENT)[1:]
        file.writelines(NEW_DOCUMENT + document for document in documents if genre_of(document) in FREE_GENRES)

    return once(places.work / "ewt_gum.conllu.gz", write)


def genre_of(document: str) -> str:
    """The genre of a document of GUM, from its comments; "" if they tell none."""
    found = re.search(r"^# meta::genre = (\w+)$", document, re.MULTILINE)
    return found[1] if found else ""
