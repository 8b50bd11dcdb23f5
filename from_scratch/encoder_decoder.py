"""Encoder-decoder: read a whole sequence, then write another one. Reverse a word.

python -m from_scratch.encoder_decoder

    encoder   h_0 -> h_1 -> h_2 -> h_3 = g_0                reads a letter at each step; nothing is read off its states
                      ^      ^      ^
                      t      o      p

    decoder                            g_0 -> g_1 -> g_2 -> g_3 -> g_4     begins in the last state of the encoder,
                                               |^     |^     |^     |      writes a letter at each step, and reads
                                               p '--> o '--> t '--> .      what it has written

All that the decoder knows of the word is one state of a fixed size. Both are trained as one network: the derivative by
the first state of the decoder is that by the last state of the encoder. Sutskever, Vinyals & Le 2014, "Sequence to
Sequence Learning with Neural Networks"; Cho et al. 2014.

An aligned network says a letter at each step at once, so the first half of a reversed word comes before it can know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from from_scratch import gru, lstm, rnn, through_time
from from_scratch.lesson import run, save_picture, show_table
from from_scratch.losses import softmax_cross_entropy
from from_scratch.mlp import Array, Params, glorot
from from_scratch.next_character import one_hot
from from_scratch.optimizers import Adam, clip_by_norm
from from_scratch.rnn import Mask

LETTERS = "adeiloprst"
END = len(LETTERS)  # the mark after a word; the decoder reads it first
NUM_CLASSES = END + 1
NUM_UNITS, BATCH_SIZE, MAX_LENGTH, NUM_UPDATES = 64, 64, 16, 3000
CELLS = {"Elman": (rnn, 0.003), "GRU": (gru, 0.01), "LSTM": (lstm, 0.01)}  # with the first learning rate
Numbers = NDArray[np.integer]


class Pass(NamedTuple):
    """What a pass through encoder and decoder found: both walks, and logits (batch, time of the decoder, classes)."""

    encoder: through_time.Walk
    decoder: through_time.Walk
    logits: Array


def random_words(num_words: int, lengths: tuple[int, int], rng: np.random.Generator) -> tuple[Numbers, Mask]:
    """Words of random letters, as numbers of letters (words, time), and where there is a letter.

    Args:
        num_words: how many.
        lengths: the shortest and the longest.
        rng: random generator.
    """
    length = rng.integers(lengths[0], lengths[1] + 1, num_words)
    mask = np.arange(length.max()) < length[:, None]
    return rng.integers(0, len(LETTERS), mask.shape) * mask, mask


def reversed_words(words: Numbers, mask: Mask) -> tuple[Numbers, Mask]:
    """The words backwards, each with a mark behind it; one step longer than the words, and where there is a target.

    >>> reversed_words(np.array([[1, 2, 3], [4, 0, 0]]), np.array([[True, True, True], [True, False, False]]))[0]
    array([[ 3,  2,  1, 10],
           [ 4, 10, 10, 10]])
    """
    targets = np.full((len(words), words.shape[1] + 1), END)
    targets[:, :-1][mask] = through_time.reverse(words[:, :, None], mask)[:, :, 0][mask]
    return targets, np.concatenate([np.ones((len(words), 1), bool), mask], axis=1)


def read_before(targets: Numbers) -> Numbers:
    """What the decoder reads while it learns: the mark, then the right letters, each one step late (teacher forcing).

    >>> read_before(np.array([[3, 2, 1, 10]]))
    array([[10,  3,  2,  1]])
    """
    return np.concatenate([np.full((len(targets), 1), END), targets[:, :-1]], axis=1)


def init_params(cell: Any, num_units: int, rng: np.random.Generator) -> dict[str, Params]:
    """Parameters of the `encoder`, of the `decoder`, and of the `output` that is read off the decoder; float32."""
    params = {
        "encoder": cell.init_params(len(LETTERS), num_units, rng),
        "decoder": cell.init_params(NUM_CLASSES, num_units, rng),
        "output": {"W_hy": glorot(num_units, NUM_CLASSES, rng), "b_y": np.zeros(NUM_CLASSES)},
    }
    return {part: {name: value.astype(np.float32) for name, value in named.items()} for part, named in params.items()}


def forward(cell: Any, x: Array, before: Array, params: dict[str, Params], mask: Mask | None = None) -> Pass:
    """Read, then write.

    Args:
        cell: `rnn`, `lstm` or `gru`.
        x: what the encoder reads, (batch, time, inputs).
        before: what the decoder reads, (batch, time of the decoder, classes).
        params: of `init_params`.
        mask: (batch, time), True where the encoder has something to read.
    """
    encoder = through_time.forward(cell, x, params["encoder"], mask=mask)
    decoder = through_time.forward(cell, before, params["decoder"], encoder.last)
    return Pass(encoder, decoder, decoder.h @ params["output"]["W_hy"] + params["output"]["b_y"])


def backward(
    cell: Any, found: Pass, x: Array, before: Array, params: dict[str, Params], dlogits: Array, mask: Mask | None = None
) -> dict[str, Params]:
    """Go back through the decoder, and through the encoder from its last state on; derivatives in the form of `params`.

    Args:
        cell: as in `forward`, like `x`, `before`, `params` and `mask`.
        found: of `forward`.
        x: as in `forward`.
        before: as in `forward`.
        params: the parameters.
        dlogits: derivative of the loss by the logits.
        mask: as in `forward`.
    """
    dh = dlogits @ params["output"]["W_hy"].T
    decoder, _, dbetween = through_time.backward(cell, found.decoder, before, params["decoder"], dh)
    nothing = np.zeros_like(found.encoder.h)  # no state of the encoder but the last is read off
    encoder, _, _ = through_time.backward(cell, found.encoder, x, params["encoder"], nothing, dbetween, mask)
    output = {"W_hy": np.einsum("bti,btj->ij", found.decoder.h, dlogits), "b_y": dlogits.sum(axis=(0, 1))}
    return {"encoder": encoder, "decoder": decoder, "output": output}


def learn_to_reverse(
    cell: Any,
    max_length: int = MAX_LENGTH,
    num_updates: int = NUM_UPDATES,
    learning_rate: float = 0.01,
    num_units: int = NUM_UNITS,
    seed: int = 0,
) -> tuple[dict[str, Params], list[float]]:
    """Learn from ever new words of 1 to `max_length` letters; returns the parameters, and the nats for a letter.

    The learning rate falls to zero in a line.
    """
    rng = np.random.default_rng(seed)
    params, losses = init_params(cell, num_units, rng), []
    optimizers = {part: Adam() for part in params}
    for update in range(num_updates):
        words, mask = random_words(BATCH_SIZE, (1, max_length), rng)
        targets, counted = reversed_words(words, mask)
        x, before = (as_input(words, len(LETTERS)), as_input(read_before(targets), NUM_CLASSES))
        found = forward(cell, x, before, params, mask)
        loss, dlogits = softmax_cross_entropy(found.logits, targets, counted)
        losses.append(loss)
        grads = backward(cell, found, x, before, params, dlogits.astype(np.float32), mask)
        for part, optimizer in optimizers.items():
            optimizer.learning_rate = learning_rate * (1 - update / num_updates)
            optimizer.update(params[part], clip_by_norm(grads[part], 1.0))
    return params, losses


def as_input(numbers: Numbers, num_classes: int) -> Array:
    """One-hot float32, (…, classes)."""
    return one_hot(numbers, num_classes).astype(np.float32)


def write(cell: Any, words: Numbers, params: dict[str, Params], mask: Mask | None = None) -> Numbers:
    """Write the likeliest letter at each step and read it at the next: (words, time + 1), with marks after the end."""
    state = through_time.forward(cell, as_input(words, len(LETTERS)), params["encoder"], mask=mask).last
    written = [np.full(len(words), END)]
    for _ in range(words.shape[1] + 1):
        state, _ = cell.step(as_input(written[-1], NUM_CLASSES), state, params["decoder"])
        written.append((state["h"] @ params["output"]["W_hy"] + params["output"]["b_y"]).argmax(axis=1))
    return np.stack(written[1:], axis=1)


def shares_right(cell: Any, params: dict[str, Params], length: int, num_words: int = 500) -> tuple[float, Array]:
    """How well new words of one length are reversed.

    Returns:
        The share of words without a mistake, the mark at their end included, and the share of right letters at each
        place of what was written, (length,).
    """
    words, mask = random_words(num_words, (length, length), np.random.default_rng(12345))
    right = write(cell, words, params) == reversed_words(words, mask)[0]
    return float(right.all(axis=1).mean()), right[:, :-1].mean(axis=0)


def reverse_word(cell: Any, params: dict[str, Params], word: str) -> str:
    """What is written after a word of `LETTERS` has been read."""
    written = write(cell, np.array([[LETTERS.index(letter) for letter in word]]), params)[0].tolist()
    return "".join(LETTERS[number] for number in written[: [*written, END].index(END)])


def lesson(folder: Path) -> dict[str, Array]:
    """Learn to reverse with each cell; returns the shares of words without a mistake by length."""
    lengths = (2, 4, 6, 8, 10, 12, 14, 16, 20)
    shares = {}
    for name, (cell, learning_rate) in CELLS.items():
        params, _ = learn_to_reverse(cell, learning_rate=learning_rate)
        shares[name] = np.array([shares_right(cell, params, length)[0] for length in lengths])
    header = ["letters", *shares]
    show_table(header, [[n, *(f"{shares[name][i]:.1%}" for name in shares)] for i, n in enumerate(lengths)])

    def draw(figure) -> None:
        axes = figure.subplots()
        for name, share in shares.items():
            axes.plot(lengths, 100 * share, "o-", label=name)
        axes.axvline(MAX_LENGTH, color="grey", linewidth=1)
        axes.set(xlabel="letters (grey: longest in training)", ylabel="words reversed without a mistake, percent")
        axes.legend(frameon=False)

    save_picture(draw, folder, "encoder_decoder", 6, 4)
    return shares


if __name__ == "__main__":
    run(lesson, __doc__)
