"""Scores on raw text, where the tagger has to find sentences and words before it tags them.

Words are the same if they cover the same characters, white space left aside. Of a token that is written in another way
than its words ("gonna" for "going to"), they are the same if the token covers the same characters and the word has the
same form, upper or lower case. The scores are the F1 of the CoNLL 2018 shared task: the harmonic mean of the share of
the words given that are right, and of the share of the true ones that were found; of sentences likewise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

import numpy as np

from common.errors import InputError
from pos_tagging.conllu import NEW_DOCUMENT, NEW_PARAGRAPH, TEXT, ConlluSentence
from pos_tagging.sentences import Sentence, TaggedSentence

Span = tuple[int, int]
LEAST_UNITS = 20  # of fewer, a bootstrap interval says little
Place = tuple[int, int, str]  # of a word: where it begins and ends; its form, if it is not what is written there


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


def find_words(sentences: Iterable[Sentence | TaggedSentence]) -> list[tuple[Place, str]]:
    """Where each word stands, in characters that are no white space, and its tag."""
    return list(chain.from_iterable(_words_of_each(sentences)))


def _words_of_each(sentences: Iterable[Sentence | TaggedSentence]) -> Iterator[list[tuple[Place, str]]]:
    """The words of each sentence of a document; see `find_words`."""
    start = 0
    for sentence in sentences:
        words: list[tuple[Place, str]] = []
        for form, places in sentence.layout.written(sentence.tokens):
            written = "".join(form.split())
            forms = ["".join(sentence.tokens[place].split()) for place in places]
            end = start + len(written)
            if "".join(forms) == written:
                bounds = (np.cumsum([0, *map(len, forms)]) + start).tolist()
                found = [(low, high, "") for low, high in pairwise(bounds)]
            else:
                found = [(start, end, word.lower()) for word in forms]
            words += zip(found, [sentence.tags[place] for place in places], strict=True)
            start = end
        yield words


def find_sentences(sentences: Iterable[Sentence | TaggedSentence]) -> list[Span]:
    """Where each sentence begins and ends, in characters that are no white space."""
    lengths = [
        sum(len("".join(form.split())) for form, _ in sentence.layout.written(sentence.tokens))
        for sentence in sentences
    ]
    return list(pairwise(np.cumsum([0, *lengths]).tolist()))


def count_words(true: Sequence[Sentence], given: Sequence[Sentence | TaggedSentence]) -> list[list[int]]:
    """Count in each sentence of a document what there is, what was given, and what is right in that.

    What was given belongs to the sentence in which it begins.

    Returns:
        For each sentence: true words, words given, those that are the same, and those with the same tag; true
        sentences, sentences given, and those that are the same.
    """
    found, answers = find_words(given), find_sentences(given)
    tags = dict(found)
    word_starts, sentence_starts = [place[0] for place, _ in found], [start for start, _ in answers]
    counts = []
    for span, wanted in zip(find_sentences(true), _words_of_each(true), strict=True):
        same = [tag == tags[place] for place, tag in wanted if place in tags]
        words = [len(wanted), _number_in(word_starts, span), len(same), sum(same)]
        counts.append([*words, 1, _number_in(sentence_starts, span), int(span in answers)])
    return counts


def _number_in(starts: Sequence[int], span: Span) -> int:
    """How many of these places, in their order, lie within a span."""
    return bisect_left(starts, span[1]) - bisect_left(starts, span[0])


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
    """F1 of words, of tags and of sentences, from the counts of units (units, 7)."""
    num_true, num_given, num_words, num_tags, true_sentences, given_sentences, num_sentences = counts.sum(axis=0)
    return {
        "raw_words_f1": float(2 * num_words / (num_true + num_given)),
        "raw_tags_f1": float(2 * num_tags / (num_true + num_given)),
        "raw_sentences_f1": float(2 * num_sentences / (true_sentences + given_sentences)),
    }
