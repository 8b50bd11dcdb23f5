"""Scores on raw text, where the tagger has to find sentences and words before it tags them.

Words are the same if they cover the same characters, white space left aside. Where the file has two words for one that
is written in another way ("going to" for "gonna"), they cannot be found and count as missed. The scores are the F1 of
the CoNLL 2018 shared task: the harmonic mean of the share of the words given that are right, and of the share of the
true ones that were found.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from common.errors import InputError
from pos_tagging.conllu import NEW_DOCUMENT, NEW_PARAGRAPH, TEXT, ConlluSentence
from pos_tagging.sentences import Sentence, TaggedSentence

Span = tuple[int, int]
LEAST_UNITS = 20  # of fewer, a bootstrap interval says little


def read_documents(sentences: Sequence[Sentence]) -> list[tuple[str, list[Sentence]]]:
    """Put the sentences of a CoNLL-U file back together; returns each document's text and its sentences.

    Raises:
        InputError: a sentence whose words are not those of its text.
    """
    documents: list[tuple[str, list[Sentence]]] = []
    for sentence in sentences:
        comments = sentence.comments if isinstance(sentence, ConlluSentence) else ()
        text = next((line[len(TEXT) :] for line in comments if line.startswith(TEXT)), sentence.text())
        if "".join(text.split()) != "".join(
            "".join(form.split()) for form, _ in sentence.layout.written(sentence.tokens)
        ):
            raise InputError(f"{sentence.place}: its words are not those of its text; correct the file")
        if not documents or any(line.startswith(NEW_DOCUMENT) for line in comments):
            documents.append((text, [sentence]))
            continue
        gap = "\n\n" if any(line.startswith(NEW_PARAGRAPH) for line in comments) else " "
        before, gathered = documents[-1]
        documents[-1] = (before + gap + text, [*gathered, sentence])
    return documents


def true_words(sentences: Sequence[Sentence]) -> list[tuple[Span | None, str]]:
    """Where each word stands, in characters that are no white space, and its tag; None: written in another way."""
    return [word for words in _words_of_each(sentences) for word in words]


def _words_of_each(sentences: Sequence[Sentence]) -> Iterator[list[tuple[Span | None, str]]]:
    """The words of each sentence of a document; see `true_words`."""
    start = 0
    for sentence in sentences:
        words: list[tuple[Span | None, str]] = []
        for form, places in sentence.layout.written(sentence.tokens):
            written = "".join(form.split())
            forms = ["".join(sentence.tokens[place].split()) for place in places]
            ends = np.cumsum([0, *map(len, forms)]) + start
            same = "".join(forms) == written
            for place, low, high in zip(places, ends, ends[1:], strict=False):
                words.append(((int(low), int(high)) if same else None, sentence.tags[place]))
            start += len(written)
        yield words


def given_words(sentences: Iterable[TaggedSentence]) -> list[tuple[Span, str]]:
    """The same of what a tagger gave."""
    words, start = [], 0
    for sentence in sentences:
        for token, tag in sentence.pairs():
            length = len("".join(token.split()))
            words.append(((start, start + length), tag))
            start += length
    return words


def count_words(true: Sequence[Sentence], given: Iterable[TaggedSentence]) -> list[list[int]]:
    """Count in each sentence of a document: true words, words given, those that are the same, those with the same tag.

    A word that was given belongs to the sentence in which it begins.
    """
    found = given_words(given)
    tags = dict(found)
    starts = [start for (start, _), _ in found]
    counts, end = [], 0
    for sentence, wanted in zip(true, _words_of_each(true), strict=True):
        start, end = end, end + sum(len("".join(form.split())) for form, _ in sentence.layout.written(sentence.tokens))
        same = [tag == tags[span] for span, tag in wanted if span in tags]
        counts.append([len(wanted), bisect_left(starts, end) - bisect_left(starts, start), len(same), sum(same)])
    return counts


def units_of(documents: Sequence[tuple[str, Sequence[Sentence]]]) -> tuple[str, list[int]]:
    """What the bootstrap draws: documents, or paragraphs, or sentences, the largest of which there are enough.

    Returns:
        Their name, and the number of the unit of each sentence.
    """
    begins: dict[str, list[bool]] = {"documents": [], "paragraphs": [], "sentences": []}
    for _, sentences in documents:
        for place, sentence in enumerate(sentences):
            comments = sentence.comments if isinstance(sentence, ConlluSentence) else ()
            begins["documents"].append(not place)
            begins["paragraphs"].append(not place or any(line.startswith(NEW_PARAGRAPH) for line in comments))
            begins["sentences"].append(True)
    name = next((name for name, firsts in begins.items() if sum(firsts) >= LEAST_UNITS), "sentences")
    return name, (np.cumsum(begins[name]) - 1).tolist()


def raw_scores(counts: np.ndarray) -> dict[str, float]:
    """F1 of words and of tags, from the counts of units (units, 4)."""
    num_true, num_given, num_words, num_tags = counts.sum(axis=0)
    return {
        "raw_words_f1": float(2 * num_words / (num_true + num_given)),
        "raw_tags_f1": float(2 * num_tags / (num_true + num_given)),
    }
