"""Two numbers are added column by column, as on paper; the network must find out about the carry.

python -m from_scratch.binary_addition

Two bits go in at a time, from the right, and the bit of the sum comes out two steps later: one step brings the bits to
the three hidden units, one brings what they found to the output, as in Hinton's course on neural networks (lecture 7).
All hidden units see all of them at the step before. Trained on numbers of at most eight bits, it has to add numbers of
any length, as what it learned is a finite automaton: its hidden units say whether there is a carry, and what to print.

A feed-forward network gets all columns at once. It has other weights for every column, so what it learns in one says
nothing about the next, and for columns that it has never seen it has learned nothing at all.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from from_scratch import mlp, rnn, through_time
from from_scratch.lesson import run, save_picture, show_table
from from_scratch.losses import sigmoid_cross_entropy
from from_scratch.mlp import Array, Params, glorot
from from_scratch.optimizers import Adam, clip_by_norm

NUM_UNITS, TRAINING_BITS, BATCH_SIZE = 3, 8, 64
MAX_UPDATES, LEARNING_RATE = 2000, 0.05
PERCEPTRON_UPDATES = 6000


def sums(num_cases: int, num_bits: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Pairs of numbers, column by column from the right, and their sums.

    Returns:
        The pairs (cases, num_bits + 1, 2), with a column of zeros on the left, and the bits of the sum of the same
        length.
    """
    bits = rng.integers(0, 2, (2, num_cases, num_bits)).astype(float)
    x = np.concatenate([bits, np.zeros((2, num_cases, 1))], axis=2).transpose(1, 2, 0)
    total, carry = np.zeros((num_cases, num_bits + 1)), np.zeros(num_cases)
    for column in range(num_bits + 1):
        count = x[:, column].sum(axis=1) + carry
        total[:, column], carry = count % 2, count >= 2
    return x, total


def add(x: Array, params: Params) -> tuple[through_time.Walk, Array]:
    """Add numbers.

    Args:
        x: columns of bits from the right, (cases, time, 2).
        params: of the hidden units, and of the output.
    Returns:
        The walk, and logits of the sum's bits (cases, time): those of column t are said at step t + 2 of a clock by
        which every connection takes one step.
    """
    walk = through_time.forward(rnn, x, params)
    return walk, (walk.h @ params["W_hy"] + params["b_y"])[:, :, 0]


def learn_to_add(seed: int, num_units: int = NUM_UNITS) -> tuple[Params, list[float]]:
    """Learn from pairs of numbers of one to eight bits; stops when a thousand new sums in a row were right."""
    rng = np.random.default_rng(seed)
    params = rnn.init_params(2, num_units, rng) | {"W_hy": glorot(num_units, 1, rng), "b_y": np.zeros(1)}
    optimizer, losses, num_right = Adam(LEARNING_RATE), [], 0
    for _ in range(MAX_UPDATES):
        x, total = sums(BATCH_SIZE, int(rng.integers(1, TRAINING_BITS + 1)), rng)
        walk, logits = add(x, params)
        loss, dlogits = sigmoid_cross_entropy(logits, total)
        losses.append(loss)
        num_right = num_right + BATCH_SIZE if loss < 0.005 else 0
        if num_right >= 1000:
            break
        dlogits = dlogits[:, :, None]
        grads, _, _ = through_time.backward(rnn, walk, x, params, dlogits @ params["W_hy"].T)
        grads |= {"W_hy": np.einsum("bti,btj->ij", walk.h, dlogits), "b_y": dlogits.sum(axis=(0, 1))}
        optimizer.update(params, clip_by_norm(grads, 1.0))
    return params, losses


def wrong_bits(params: Params, num_cases: int, num_bits: int, seed: int = 12345) -> int:
    """Count the wrong bits in sums of new numbers."""
    x, total = sums(num_cases, num_bits, np.random.default_rng(seed))
    return int(((add(x, params)[1] > 0) != (total > 0.5)).sum())


def automaton(params: Params, num_bits: int = 16) -> tuple[dict[tuple[str, str], Counter], Array, list[str]]:
    """Read the hidden states as those of a finite automaton.

    Returns:
        For each state and pair of bits the states that follow, counted; all hidden states (…, units), and the name of
        each: whether there is a carry, and the bit to print.
    """
    x, _ = sums(200, num_bits, np.random.default_rng(0))
    walk, logits = add(x, params)
    carries = np.zeros(logits.shape, bool)
    carry = np.zeros(len(x))
    for column in range(x.shape[1]):
        carry = x[:, column].sum(axis=1) + carry >= 2
        carries[:, column] = carry
    names = np.where(carries, "carry", "no carry").astype("U20")
    names = np.char.add(np.char.add(names, ", print "), (logits > 0).astype(int).astype(str))
    follows: dict[tuple[str, str], Counter] = {}
    for case in range(len(x)):
        for t in range(1, x.shape[1]):
            bits = "".join(str(int(bit)) for bit in sorted(x[case, t]))
            follows.setdefault((str(names[case, t - 1]), bits), Counter())[str(names[case, t])] += 1
    return follows, walk.h.reshape(-1, NUM_UNITS), [str(name) for name in names.ravel()]


def learn_feed_forward(seed: int = 0) -> tuple[Params, list[str]]:
    """The same sums, all columns at once, by a perceptron with 64 hidden units."""
    rng, activations = np.random.default_rng(seed), ["tanh", "linear"]
    num_columns = TRAINING_BITS + 1
    params, optimizer = mlp.init_params([2 * num_columns, 64, num_columns], rng), Adam(0.003)
    for _ in range(PERCEPTRON_UPDATES):
        x, total = padded_sums(BATCH_SIZE, int(rng.integers(1, TRAINING_BITS + 1)), num_columns, rng)
        said = mlp.forward(x, params, activations)
        grads, _ = mlp.backward(sigmoid_cross_entropy(said[-1], total)[1], said, params, activations)
        optimizer.update(params, grads)
    return params, activations


def padded_sums(num_cases: int, num_bits: int, num_columns: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Sums for a perceptron: all bits in one row (cases, 2 * num_columns), zeros on the left, and those of the sum."""
    x, total = sums(num_cases, num_bits, rng)
    missing = num_columns - num_bits - 1
    x = np.pad(x, ((0, 0), (0, missing), (0, 0))).reshape(num_cases, -1)
    return x, np.pad(total, ((0, 0), (0, missing)))


def feed_forward_right(params: Params, activations: list[str], num_bits: int, num_cases: int = 2000) -> float:
    """The share of sums without a wrong bit; of numbers that are too long it sees the first nine columns."""
    rng, num_columns = np.random.default_rng(12345), TRAINING_BITS + 1
    if num_bits < num_columns:
        x, total = padded_sums(num_cases, num_bits, num_columns, rng)
        return float((((mlp.forward(x, params, activations)[-1] > 0) == (total > 0.5)).all(axis=1)).mean())
    x, total = sums(num_cases, num_bits, rng)
    said = mlp.forward(x[:, :num_columns].reshape(num_cases, -1), params, activations)[-1] > 0
    said = np.pad(said, ((0, 0), (0, num_bits + 1 - num_columns)))
    return float((said == (total > 0.5)).all(axis=1).mean())


def lesson(folder: Path, num_seeds: int = 20) -> dict[str, float]:
    """Learn from some seeds, test on long numbers, read the automaton; returns the figures."""
    runs = [learn_to_add(seed) for seed in range(num_seeds)]
    wrong = [wrong_bits(params, 200, 64) for params, _ in runs]
    best = int(np.argmin(wrong))
    params, losses = runs[best]
    num_wrong = wrong_bits(params, 10_000, 64)
    perceptron, activations = learn_feed_forward()
    show_table(
        ["", ""],
        [
            [f"seeds of {num_seeds} that learn it", sum(count == 0 for count in wrong)],
            ["the best one: updates until then", len(losses)],
            ["wrong bits in 10,000 sums of 64-bit numbers", num_wrong],
            ["wrong bits in 100 sums of 1000-bit numbers", wrong_bits(params, 100, 1000)],
        ],
    )
    rows = []
    for num_bits in (4, 8, 9, 16, 64):
        x, total = sums(2000, num_bits, np.random.default_rng(12345))
        right = ((add(x, params)[1] > 0) == (total > 0.5)).all(axis=1).mean()
        rows.append([num_bits, f"{right:.1%}", f"{feed_forward_right(perceptron, activations, num_bits):.1%}"])
    print()
    show_table(["bits", "sums right, recurrent", "feed-forward"], rows)
    follows, states, names = automaton(params)
    print()
    show_table(
        ["state", "bits", "next state", "of all times"],
        [
            [state, bits, *(f(counts) for f in (lambda c: c.most_common(1)[0][0],
                                                lambda c: f"{c.most_common(1)[0][1] / c.total():.0%}"))]
            for (state, bits), counts in sorted(follows.items())
        ],
    )  # fmt: skip

    def draw(figure) -> None:
        left, right = figure.subplots(1, 2)
        for name in sorted(set(names)):
            chosen = states[[name == other for other in names]]
            left.plot(chosen[:, 0], chosen[:, 1], "o", alpha=0.4, markersize=4, label=name)
            right.plot(chosen[:, 1], chosen[:, 2], "o", alpha=0.4, markersize=4)
        left.set(xlabel="hidden unit 1", ylabel="hidden unit 2", title="every hidden state, by what it means")
        right.set(xlabel="hidden unit 2", ylabel="hidden unit 3")
        left.legend(frameon=False, fontsize=8)

    save_picture(draw, folder, "binary_addition", 9, 4)
    return {"wrong bits": float(num_wrong), "share of seeds": float(np.mean([count == 0 for count in wrong]))}


if __name__ == "__main__":
    run(lesson, __doc__)
