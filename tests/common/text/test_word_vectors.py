"""Vectors from company: words used alike are alike."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import spacy

from common.bundles.word_vectors import load_all_vectors, load_word_vectors
from common.errors import InputError
from common.text.vector_files import SPREAD, write_word_vectors
from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from common.text.word_vectors import cooccurrence_vectors, induced_vectors, place_vectors

CAT, DOG, RED, BLUE, PURRS, SHINES = range(4, 10)


def similarity(vectors, a, b):
    return vectors[a] @ vectors[b] / np.linalg.norm(vectors[a]) / np.linalg.norm(vectors[b])


def test_words_in_the_same_company_are_similar():
    # cats and dogs never meet, but both purr; so with colours, which shine
    texts = [[CAT, PURRS], [DOG, PURRS], [RED, SHINES], [SHINES, BLUE]] * 10
    vectors = cooccurrence_vectors(texts, vocab_size=10, dim=3)
    assert vectors.shape == (10, 3)
    assert vectors.dtype == np.float32
    assert similarity(vectors, CAT, DOG) == pytest.approx(1, abs=0.01)
    assert similarity(vectors, RED, BLUE) == pytest.approx(1, abs=0.01)
    assert similarity(vectors, CAT, RED) == pytest.approx(0, abs=0.01)
    assert vectors.std() == pytest.approx(SPREAD, rel=0.01)


def test_texts_are_no_neighbours_of_each_other():
    texts = [[CAT, PURRS], [DOG, PURRS], [RED, SHINES, DOG], [SHINES, BLUE]]
    vectors = cooccurrence_vectors(texts, vocab_size=10, dim=6)
    other_order = cooccurrence_vectors([texts[i] for i in (2, 0, 3, 1)], vocab_size=10, dim=6)
    np.testing.assert_allclose(other_order @ other_order.T, vectors @ vectors.T, atol=1e-5)  # alike but for a rotation


def test_special_tokens_and_lonely_words_have_zeros():
    texts = [[*range(len(SPECIAL_TOKENS)), CAT, DOG, 1, CAT], [RED]]
    vectors = cooccurrence_vectors(texts, vocab_size=10, dim=3)
    assert (vectors[: len(SPECIAL_TOKENS)] == 0).all()
    assert (vectors[[RED, SHINES]] == 0).all()
    assert np.abs(vectors[[CAT, DOG]]).sum(axis=1).min() > 0


@pytest.mark.parametrize("texts", [[], [[]], [[CAT], [DOG]]])
def test_without_any_company_all_is_zero(texts):
    vectors = cooccurrence_vectors(texts, vocab_size=10, dim=20)
    assert vectors.shape == (10, 20)
    assert (vectors == 0).all()


def test_the_same_text_gives_the_same_vectors():
    texts = [[CAT, DOG, PURRS, RED], [RED, BLUE, CAT]]
    np.random.seed(0)  # noqa: NPY002  the global state must not matter
    first = cooccurrence_vectors(texts, 10, 3)
    np.testing.assert_array_equal(cooccurrence_vectors(texts, 10, 3), first)


def test_a_new_word_gets_the_vector_of_known_words_in_the_same_company():
    # red and blue are known, and shine; so does the new colour; the cat purrs, and so does the new animal
    texts = [[CAT, PURRS], [DOG, PURRS], [RED, SHINES], [BLUE, SHINES]] * 30
    known = np.zeros((10, 3), np.float32)
    known[[CAT, DOG, PURRS]] = [1, 0, 0.1]
    known[[RED, BLUE, SHINES]] = [0, 1, 0.1]
    animal, colour, lonely = 10, 11, 12
    new = induced_vectors([*texts, [animal, PURRS], [SHINES, colour], [lonely]], known, vocab_size=13)
    assert new.dtype == np.float32
    np.testing.assert_allclose(new[:2], [[1, 0, 0.1], [0, 1, 0.1]], atol=0.02)
    np.testing.assert_allclose(new[2], known[4:].mean(axis=0), atol=1e-6)


def test_words_in_the_same_places_are_similar():
    # What purrs and shines stands before it; what is red and blue stands between. All of them keep the same company.
    texts = [[CAT, PURRS, RED], [DOG, PURRS, BLUE], [RED, CAT, SHINES], [BLUE, DOG, SHINES]] * 10
    vectors = place_vectors(texts, vocab_size=10, dim=4, window=1)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors[4:], axis=1), 1, atol=1e-5)
    assert not vectors[:4].any()
    assert similarity(vectors, PURRS, SHINES) > 0.9  # after a cat or a dog
    assert similarity(vectors, CAT, PURRS) < 0.1


def test_before_is_another_place_than_after():
    texts = [[CAT, PURRS]] * 3 + [[PURRS, DOG]] * 3
    assert similarity(cooccurrence_vectors(texts, 10, 3, window=1), CAT, DOG) == pytest.approx(1, abs=0.01)
    assert similarity(place_vectors(texts, 10, 3, window=1), CAT, DOG) == pytest.approx(0, abs=0.01)


def test_rare_neighbours_do_not_count():
    texts = [[CAT, RED, DOG], [CAT, BLUE, DOG], [SHINES, PURRS]]
    vectors = place_vectors(texts, vocab_size=10, dim=3, window=1, num_neighbors=PURRS)  # neither PURRS nor SHINES
    assert not vectors[[PURRS, SHINES]].any()
    assert similarity(vectors, RED, BLUE) == pytest.approx(1, abs=0.01)


def count(texts, shape, window, weight, sides=(-1, 1)):
    """How often a word stands beside another, by going over all pairs."""
    found = np.zeros(shape)
    for text in texts:
        for place, word in enumerate(text):
            for distance in range(1, window + 1):
                for other in (place + side * distance for side in sides):
                    if 0 <= other < len(text) and min(word, text[other]) >= 4 and text[other] < shape[1]:
                        found[word, text[other]] += weight(distance)
    return found


def squeezed(counts, dim):
    """The products of the vectors of all words: they do not depend on the signs of a decomposition."""
    contexts = counts.sum(axis=0) ** 0.75
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(counts / (counts.sum(axis=1, keepdims=True) * contexts / contexts.sum()))
    left, values, _ = np.linalg.svd(np.where(np.isfinite(information), np.maximum(information, 0), 0))
    left, values = left[:, :dim], values[:dim]
    return left * values @ left.T


LONG_TEXTS = [np.random.default_rng(number).integers(3, 11, 12).tolist() for number in range(6)]


def test_vectors_are_those_of_the_formula():
    counts = count(LONG_TEXTS, (11, 11), 5, lambda distance: 1 / distance)
    vectors = cooccurrence_vectors(LONG_TEXTS, 11, 4)
    products = squeezed(counts, 4)
    assert vectors.std() == pytest.approx(SPREAD, rel=1e-4)
    found = vectors @ vectors.T
    np.testing.assert_allclose(found / np.trace(found), products / np.trace(products), atol=1e-4)


def test_vectors_of_places_are_those_of_the_formula():
    one = lambda distance: 1  # noqa: E731
    blocks = []
    for distance in (1, 2):
        for side in (-1, 1):
            far = count(LONG_TEXTS, (11, 9), distance, one, (side,))
            blocks.append(far - count(LONG_TEXTS, (11, 9), distance - 1, one, (side,)))
    products = squeezed(np.hstack(blocks), 4)
    lengths = np.maximum(np.sqrt(np.diag(products)), 1e-9)
    vectors = place_vectors(LONG_TEXTS, 11, 4, num_neighbors=9)
    np.testing.assert_allclose(vectors @ vectors.T, products / np.outer(lengths, lengths), atol=1e-4)


def test_induced_vectors_are_those_of_the_formula():
    known = np.random.default_rng(0).normal(size=(9, 2))
    counts = count(LONG_TEXTS, (11, 9), 5, lambda distance: 1)
    mean, totals = known[4:].mean(axis=0), counts.sum(axis=1, keepdims=True)
    contexts = counts @ (known - mean) / np.maximum(totals, 1)
    weights = np.log(1 + totals[4:9])
    gram = contexts[4:9].T @ (weights * contexts[4:9])
    gram += 0.001 * np.eye(2) * np.trace(gram) / 2
    transform = np.linalg.inv(gram) @ contexts[4:9].T @ (weights * (known[4:] - mean))
    found = induced_vectors(LONG_TEXTS, known.astype("float32"), 11)
    np.testing.assert_allclose(found, mean + contexts[9:] @ transform, atol=1e-4)


# -- Vectors that others have trained -------------------------------------------------------------------------------

WORDS = Vocabulary(["the", "cat", "new york", "dog"], lowercase=True)
GLOVE = "the 1 2 3\nThe 9 9 9\nnew york 4 5 6\nwhale 7 8 9\ncat -1 0 1\n"


def write(tmp_path, text, name="vectors.txt"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def assert_vectors_of_words(path):
    vectors, num_found = load_word_vectors(path, WORDS, 3)
    assert num_found == 3
    assert vectors.dtype == np.float32
    known = np.array([[1, 2, 3], [-1, 0, 1], [4, 5, 6]])
    np.testing.assert_allclose(vectors[4:], np.vstack([known, np.zeros((1, 3))]) * SPREAD / known.std(), rtol=1e-5)
    assert not vectors[:4].any()


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.vec.gz"])
@pytest.mark.parametrize("header", ["", "5 3\n"])
def test_vectors_of_a_text_file(name, header, tmp_path):
    assert_vectors_of_words(write(tmp_path, header + GLOVE, name))


def test_vectors_of_a_spacy_package(tmp_path):
    pipeline = spacy.blank("en")
    for line in GLOVE.splitlines():
        word, *numbers = line.rsplit(" ", 3)
        pipeline.vocab.set_vector(word, np.array(numbers, np.float32))
    pipeline.to_disk(tmp_path / "package")
    assert_vectors_of_words(tmp_path / "package")


def test_vectors_of_a_bundle(small_bundle):
    folder = small_bundle("language_model")
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    vectors, num_found = load_word_vectors(folder, Vocabulary(["nobody-says-this", *vocabulary.tokens[10:14]]), 9)
    assert num_found == 4
    theirs = load_word_vectors(folder, vocabulary, 9)[0][10:14]
    np.testing.assert_allclose(vectors[5:] / vectors[5:].std(), theirs / theirs.std(), rtol=1e-4)
    assert not vectors[4].any()


@pytest.mark.parametrize("header", ["", "5 3\n"])
def test_all_vectors_of_a_text_file(header, tmp_path):
    words, vectors = load_all_vectors(write(tmp_path, header + GLOVE), max_words=4)
    assert words.tokens[4:] == ["the", "The", "new york", "whale"]
    known = np.array([[1, 2, 3], [9, 9, 9], [4, 5, 6], [7, 8, 9]])
    np.testing.assert_allclose(vectors[4:], known * SPREAD / known.std(), rtol=1e-5)
    assert not vectors[:4].any()
    assert vectors.dtype == np.float32


def test_all_vectors_of_a_spacy_package_and_of_a_bundle(small_bundle, tmp_path):
    pipeline = spacy.blank("en")
    pipeline.vocab.set_vector("the", np.array([1, 2, 3], np.float32))
    pipeline.vocab.set_vector("cat", np.array([-1, 0, 1], np.float32))
    pipeline.to_disk(tmp_path / "package")
    words, vectors = load_all_vectors(tmp_path / "package", max_words=10)
    assert sorted(words.tokens[4:]) == ["cat", "the"]
    assert vectors[words.encode(["the"])[0]] / vectors[words.encode(["cat"])[0]][2] == pytest.approx([1, 2, 3])
    folder = small_bundle("language_model")
    words, vectors = load_all_vectors(folder, max_words=7)
    assert words.tokens[4:] == Vocabulary.load(folder / "vocabulary.json").tokens[4:11]
    assert vectors.shape == (11, 9)


def test_written_vectors_are_read_again(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(len(WORDS), 3)).astype("float32")
    with open(tmp_path / "v.txt", "w") as file:
        write_word_vectors(file, WORDS, vectors)
    words, read = load_all_vectors(tmp_path / "v.txt", max_words=100)
    assert words.tokens == WORDS.tokens
    np.testing.assert_allclose(read[4:] / read[4, 0], vectors[4:] / vectors[4, 0], rtol=0.01, atol=1e-3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("the 1 2\n", r"vectors of 2 numbers, wanted 3; give --embedding-dim 2"),
        ("4 300\n", r"vectors of 300 numbers, wanted 3; give --embedding-dim 300"),
        (GLOVE + "dog 1 2", r"line 6: 'dog 1 2' is no word with 3 numbers; the file is damaged or cut"),
        (GLOVE + "dog 1 2 x\n", r"line 6: 'dog 1 2 x' is no word with 3 numbers"),
        (GLOVE + "dog 1 2 nan\n", r"line 6: 'dog 1 2 nan' is no word with 3 numbers"),
        ("6 3\n" + GLOVE, r"5 vectors, and its first line promises 6; the file is cut"),
        ("whale 1 2 3\n", r"a vector for none of the 8 words"),
        ("the\n", r"line 1: 'the' is no word with its vector"),
        ("", r"no vectors in the file"),
        ("0 3\n", r"no vectors in the file"),
    ],
)
def test_files_that_are_refused(text, message, tmp_path):
    with pytest.raises(InputError, match=message):
        load_word_vectors(write(tmp_path, text), WORDS, 3)


def test_folders_that_are_refused(tmp_path):
    with pytest.raises(InputError, match="neither a bundle nor a spaCy package"):
        load_word_vectors(tmp_path, WORDS, 3)
    spacy.blank("en").to_disk(tmp_path / "package")
    with pytest.raises(InputError, match="a spaCy package without vectors"):
        load_word_vectors(tmp_path / "package", WORDS, 3)
    with pytest.raises(InputError, match="no such file"):
        load_word_vectors(tmp_path / "nothing", WORDS, 3)
