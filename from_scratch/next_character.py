"""An Elman network learns to spell: after every letter it says which comes next.

python -m from_scratch.next_character

In "hello" the letter l is followed by l once and by o once; in "namaskar" a is followed by m, s and r. Who sees only
the letter before cannot know; the state can. The picture shows the probability of every letter at every step.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from from_scratch import rnn, through_time
from from_scratch.lesson import run, save_picture, show_table
from from_scratch.losses import softmax, softmax_cross_entropy
from from_scratch.mlp import Array, Params, glorot
from from_scratch.optimizers import Adam, clip_by_norm

WORDS = ("hello", "namaskar")
NUM_UNITS, NUM_STEPS, END = 12, 600, "."


def one_hot(numbers: np.ndarray, num_classes: int) -> Array:
    """Number 2 of 4 as 0 0 1 0; (…) to (…, num_classes)."""
    return np.eye(num_classes)[numbers]


def learn_word(word: str, num_units: int = NUM_UNITS, seed: int = 0) -> tuple[list[str], Params, list[float]]:
    """Learn to spell a word.

    Args:
        word: what to spell; a mark ends it.
        num_units: size of the state; 0 leaves the state out, so that only the letter before is seen.
        seed: of the first weights.
    Returns:
        The letters by number, the parameters, and the nats for a letter after each step.
    """
    letters = sorted(set(word + END))
    numbers = np.array([[letters.index(letter) for letter in word + END]])
    x, targets = one_hot(numbers[:, :-1], len(letters)), numbers[:, 1:]
    rng = np.random.default_rng(seed)
    params = rnn.init_params(len(letters), max(num_units, 1), rng) | {
        "W_hy": glorot(max(num_units, 1), len(letters), rng),
        "W_xy": np.zeros((len(letters), len(letters))),  # what the letter before says by itself
        "b_y": np.zeros(len(letters)),
    }
    optimizer, losses = Adam(0.02), []
    for _ in range(NUM_STEPS):
        walk, logits = spell(x, params, num_units)
        loss, dlogits = softmax_cross_entropy(logits, targets)
        grads = {"W_xy": np.einsum("bti,btj->ij", x, dlogits), "b_y": dlogits.sum(axis=(0, 1))}
        if num_units:
            grads |= {"W_hy": np.einsum("bti,btj->ij", walk.h, dlogits)}
            grads |= through_time.backward(rnn, walk, x, params, dlogits @ params["W_hy"].T)[0]
        optimizer.update(params, clip_by_norm(grads, 5.0))
        losses.append(loss)
    return letters, params, losses


def spell(x: Array, params: Params, num_units: int = NUM_UNITS) -> tuple[through_time.Walk, Array]:
    """Read letters (batch, time, letters); returns the walk, and logits of the next letter of the same shape."""
    walk = through_time.forward(rnn, x, params)
    logits = x @ params["W_xy"] + params["b_y"]
    return walk, logits + walk.h @ params["W_hy"] if num_units else logits


def lesson(folder: Path) -> dict[str, float]:
    """Learn both words, with a state and without one; returns the nats for a letter in the end."""
    nats, rows, pictures = {}, [], []
    for word in WORDS:
        for name, num_units in (("with a state", NUM_UNITS), ("without", 0)):
            letters, params, losses = learn_word(word, num_units)
            numbers = np.array([[letters.index(letter) for letter in word]])
            probabilities = softmax(spell(one_hot(numbers, len(letters)), params, num_units)[1])[0]  # (time, letters)
            guesses = "".join(letters[i] for i in probabilities.argmax(axis=1))
            nats[f"{word} {name}"] = losses[-1]
            rows.append([word, name, losses[0], losses[-1], f"{word[1:]}{END}", guesses])
            pictures.append((f"{word}, {name}", word, letters, probabilities))
    show_table(["word", "network", "nats at first", "in the end", "wanted", "guessed"], rows)

    def draw(figure) -> None:
        for axes, (title, word, letters, probabilities) in zip(figure.subplots(2, 2).flat, pictures, strict=True):
            axes.imshow(probabilities.T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
            axes.set_xticks(range(len(word)), list(word))
            axes.set_yticks(range(len(letters)), letters)
            axes.set(title=title, xlabel="letter read", ylabel="next")

    save_picture(draw, folder, "next_character", 9, 6)
    return nats


if __name__ == "__main__":
    run(lesson, __doc__)
