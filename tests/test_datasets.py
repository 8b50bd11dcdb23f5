"""The samples in the repository are what their READMEs say, and no text of a test file is in training too."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from common.text.tokenization import load_pipeline, split_sentences, tokenize

ROOT = Path(__file__).resolve().parent.parent
TAGS = {"ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
        "SYM", "VERB", "X"}  # fmt: skip


def read_csv(task, split):
    with open(ROOT / task / "dataset" / f"{split}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_conllu(split):
    """The sentences of a file: each its comments and its words, a word being its ten columns."""
    content = (ROOT / "pos_tagging" / "dataset" / f"{split}.conllu").read_text(encoding="utf-8")
    assert content.endswith("\n\n")
    blocks = [block.split("\n") for block in content.rstrip("\n").split("\n\n")]
    return [
        (
            dict(line[2:].split(" = ", 1) for line in block if line.startswith("#")),
            [line.split("\t") for line in block if not line.startswith("#")],
        )
        for block in blocks
    ]


@pytest.mark.parametrize(("split", "at_least"), [("train", 240), ("test", 80)])
def test_reviews(split, at_least):
    rows = read_csv("sentiment", split)
    assert list(rows[0]) == ["rating", "subject", "review"]
    assert len(rows) >= at_least
    counts = Counter(row["rating"] for row in rows)
    assert set(counts) == {str(rating) for rating in range(1, 11)}
    assert len(set(counts.values())) == 1, "the split is stratified by rating"
    assert len({row["subject"] for row in rows}) >= 10
    assert all(row["review"].strip() == row["review"] != "" for row in rows)


@pytest.mark.parametrize(("split", "at_least"), [("train", 160), ("test", 60)])
def test_stories_have_five_sentences(split, at_least):
    rows = read_csv("language_model", split)
    assert list(rows[0]) == ["title", "text"]
    assert len(rows) >= at_least
    lengths = {row["title"]: len(split_sentences(row["text"], load_pipeline())) for row in rows}
    assert len(lengths) == len(rows), "two stories have one title"
    assert [title for title, length in lengths.items() if length != 5] == []


@pytest.mark.parametrize(("split", "at_least"), [("train", 260), ("test", 80)])
def test_tagged_sentences(split, at_least):
    sentences = read_conllu(split)
    assert len(sentences) >= at_least
    assert {word[3] for _, words in sentences for word in words} == TAGS
    assert len({comments["sent_id"] for comments, _ in sentences}) == len(sentences)
    for comments, words in sentences:
        assert all(len(word) == 10 for word in words), comments
        assert [word[0] for word in words] == [str(number) for number in range(1, len(words) + 1)], comments
        assert {word[9] for word in words} <= {"_", "SpaceAfter=No"}, comments
        forms = [word[1] for word in words]
        text = "".join(word[1] + " " * (word[9] == "_") for word in words).rstrip(" ")
        assert text == comments["text"]
        assert forms == tokenize(text, load_pipeline())


def texts_of(task):
    if task == "sentiment":
        return [row["review"] for split in ("train", "test") for row in read_csv(task, split)]
    if task == "language_model":
        return [row["text"] for split in ("train", "test") for row in read_csv(task, split)]
    return [comments["text"] for split in ("train", "test") for comments, _ in read_conllu(split)]


def near_duplicates(texts, size=5):
    """Pairs of texts of which one has more than half of its 5-word sequences in the other."""
    holders = defaultdict(set)
    num_sequences = []
    for number, text in enumerate(texts):
        words = re.findall(r"\w+", text.lower())
        sequences = {tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1))}
        num_sequences.append(len(sequences))
        for sequence in sequences:
            holders[sequence].add(number)
    shared = Counter((a, b) for numbers in holders.values() for a in numbers for b in numbers if a < b)
    return [
        (texts[a], texts[b]) for (a, b), count in shared.items() if 2 * count > min(num_sequences[a], num_sequences[b])
    ]


@pytest.mark.parametrize("task", ["sentiment", "language_model", "pos_tagging"])
def test_no_text_comes_twice(task):
    texts = texts_of(task)
    assert len(set(texts)) == len(texts)
    assert near_duplicates(texts) == []


def test_near_duplicates_are_found():
    text = "the cat sat on the old mat and slept"  # 5 sequences; 3 of them are in the second text
    assert near_duplicates([text, "the cat sat on the old mat today", "a dog ran over the old mat and slept"]) == [
        (text, "the cat sat on the old mat today")
    ]


@pytest.mark.parametrize("task", ["sentiment", "language_model", "pos_tagging"])
def test_readme_gives_the_right_counts(task):
    readme = (ROOT / task / "dataset" / "README.md").read_text(encoding="utf-8")
    for split in ("train", "test"):
        if task == "pos_tagging":
            token_lists = [[word[1] for word in words] for _, words in read_conllu(split)]
        else:
            column = "review" if task == "sentiment" else "text"
            token_lists = [tokenize(row[column], load_pipeline()) for row in read_csv(task, split)]
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{split}."))
        assert f" {len(token_lists)} |" in row
        assert f" {sum(map(len, token_lists)):,} |" in row
