"""The command that makes word vectors: it reads what a language model reads, and its output is read by the others."""

from __future__ import annotations

import numpy as np
import pytest

from common.bundles.word_vectors import load_all_vectors
from common.errors import InputError
from language_model import WordVectorConfig, build_word_vectors

SENTENCES = ["The cat sleeps .", "A cat runs .", "The dog sleeps .", "A dog runs ."]


def test_from_text_to_vectors(tmp_path, run_here):
    (tmp_path / "a.txt").write_text("\n\n".join(SENTENCES * 3))
    output = tmp_path / "new" / "vectors.txt.gz"
    done = run_here("language_model.word_vectors", "--train", tmp_path / "a.txt", "--output", output, "--dim", 5)
    assert done.stdout == f"7 words, 5 numbers each, in {output}\n"
    words, vectors = load_all_vectors(output, 100)
    assert sorted(words.tokens[4:]) == [".", "a", "cat", "dog", "runs", "sleeps", "the"]
    cat, dog, sleeps = (vectors[words.encode([word])[0]] for word in ("cat", "dog", "sleeps"))
    cosines = np.corrcoef([cat, dog, sleeps])
    assert cosines[0, 1] > 0.99 > cosines[0, 2]


def test_the_same_text_gives_the_same_file(tmp_path, run_here):
    (tmp_path / "a.txt").write_text("\n\n".join(SENTENCES * 3))
    for name in ("first", "again"):
        options = ["--train", tmp_path / "a.txt", "--output", tmp_path / name, "--dim", 3]
        assert run_here("language_model.word_vectors", *options).returncode == 0
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--train nothing.txt", "nothing.txt: no such file"),
        ("--dim 0", "--dim: found 0, wanted at least 1"),
        ("--window 11", "--window: found 11, wanted from 1 to 10"),
        ("--text-column review --train {folder}/a.csv", "no column 'review'"),
    ],
)
def test_what_is_refused(flags, message, tmp_path, run_here):
    (tmp_path / "a.txt").write_text("a b a b")
    (tmp_path / "a.csv").write_text("text\na b\n")
    output = tmp_path / "vectors.txt"
    given = ["--train", tmp_path / "a.txt", "--output", output, *flags.format(folder=tmp_path).split()]
    done = run_here("language_model.word_vectors", *given)
    assert done.returncode == 2
    assert message in done.stderr
    assert not output.exists()


def test_settings_are_checked():
    with pytest.raises(InputError, match="dim: found 0"):
        build_word_vectors(SENTENCES, WordVectorConfig(dim=0))


def test_vectors_of_a_list():
    vocabulary, vectors = build_word_vectors(SENTENCES * 3, WordVectorConfig(dim=5))
    assert vectors.shape == (len(vocabulary), 5)
    assert np.abs(vectors[vocabulary.encode(["cat"])[0]]).sum() > 0
