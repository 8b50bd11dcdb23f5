"""The copy task: how many bits does a hidden state carry? A hidden Markov model of K states, and N tanh units.

python -m from_scratch.copy_task

N random bits are read, then the same N bits come once more. Whoever predicts the second half must carry the first half
across the middle. A hidden Markov model is then in one of its K states, so it carries at most log2 K bits, and needs
2^N states. In a recurrent network every unit carries a bit of its own: N units, connected as a shift register, do it.

    h_t = tanh(gain (S h_{t-1} + x_t e_1))      S moves each unit's state to the next unit; x_t is -1, 1 or 0 (no input)

The hidden Markov model has other probabilities at every step, so it is spared counting the steps, and is learned from
all 2^N sequences by expectation maximisation: Baum et al. 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from from_scratch import rnn, through_time
from from_scratch.lesson import run, save_picture, show_table
from from_scratch.mlp import Array, Params

Bits = NDArray[np.integer]
NUM_STARTS, NUM_UPDATES, GAIN = 10, 200, 3.0


@dataclass(frozen=True)
class StepwiseHmm:
    """A hidden Markov model with other probabilities at every step.

    Args:
        start: of each state at the first step, (states,).
        change: from each state to each at the next step, (time - 1, states, states).
        emit: of a 0 and of a 1 in each state, (time, states, 2).
    """

    start: Array
    change: Array
    emit: Array


def all_words(num_bits: int) -> Bits:
    """All words of some bits, (2 ** num_bits, num_bits)."""
    return np.array(list(product((0, 1), repeat=num_bits)))


def twice(words: Bits) -> Bits:
    """Each word two times, (words, 2 bits): what the copy task shows."""
    return np.concatenate([words, words], axis=1)


def random_hmm(num_states: int, num_steps: int, rng: np.random.Generator) -> StepwiseHmm:
    """A model to begin with; all its probabilities are random."""
    return StepwiseHmm(
        rng.dirichlet(np.ones(num_states)),
        rng.dirichlet(np.ones(num_states), (num_steps - 1, num_states)),
        rng.dirichlet(np.ones(2), (num_steps, num_states)),
    )


def walk_forward(hmm: StepwiseHmm, sequences: Bits) -> tuple[Array, Array]:
    """The forward pass.

    Returns:
        The probability of each state given what was seen up to each step, (time, sequences, states), and the
        probability of each bit given those before it, (time, sequences).
    """
    states: list[Array] = []
    chances: list[Array] = []
    for t, bits in enumerate(sequences.T):
        ahead = hmm.start if t == 0 else states[-1] @ hmm.change[t - 1]
        joint = ahead * hmm.emit[t][:, bits].T  # (sequences, states)
        chances.append(joint.sum(axis=1))
        states.append(joint / chances[-1][:, None])
    return np.array(states), np.array(chances)


def improve(hmm: StepwiseHmm, sequences: Bits) -> StepwiseHmm:
    """One step of expectation maximisation: the likelihood of the sequences does not fall."""
    states, chances = walk_forward(hmm, sequences)
    after = np.ones_like(states)  # how much likelier what follows is from each state, (time, sequences, states)
    change = np.empty_like(hmm.change)
    for t in range(len(states) - 2, -1, -1):
        weight = hmm.emit[t + 1][:, sequences[:, t + 1]].T * after[t + 1] / chances[t + 1][:, None]
        after[t] = weight @ hmm.change[t].T
        change[t] = hmm.change[t] * (states[t].T @ weight)
    both = states * after  # the probability of each state given the whole sequence
    emit = np.stack([[both[t][bits == bit].sum(axis=0) for bit in (0, 1)] for t, bits in enumerate(sequences.T)])
    return StepwiseHmm(both[0].mean(axis=0), shares(change), shares(emit.transpose(0, 2, 1)))


def shares(counts: Array) -> Array:
    """Counts as shares of their sum over the last axis; where all are zero they stay so."""
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1e-300)


def learn_copy(num_bits: int, num_states: int, seed: int, num_updates: int = NUM_UPDATES) -> StepwiseHmm:
    """Learn the copy task from all its sequences."""
    sequences = twice(all_words(num_bits))
    hmm = random_hmm(num_states, 2 * num_bits, np.random.default_rng(seed))
    for _ in range(num_updates):
        hmm = improve(hmm, sequences)
    return hmm


def bits_carried(hmm: StepwiseHmm, num_bits: int) -> float:
    """How many bits of the first half the model carries into the second: N, less the bits of surprise at the copy.

    At most log2 of the number of states. A model that carries nothing has 0, or less if it is wrong and sure.
    """
    _, chances = walk_forward(hmm, twice(all_words(num_bits)))
    return float(num_bits + np.log2(chances[num_bits:]).sum(axis=0).mean())


def hmm_by_hand(num_bits: int) -> StepwiseHmm:
    """The model that copies: 2^N states, at each step one for each of the words."""
    words = all_words(num_bits)
    num_states = len(words)
    emit = np.stack([np.eye(2)[bits] for bits in twice(words).T])  # (time, states, 2): each state knows its word
    change = np.repeat(np.eye(num_states)[None], 2 * num_bits - 1, axis=0)  # and stays what it is
    return StepwiseHmm(np.full(num_states, 1 / num_states), change, emit)


def register_by_hand(num_bits: int, gain: float = GAIN) -> Params:
    """Weights of an Elman network of N units that is a shift register; its last unit is the output."""
    return {
        "W_xh": gain * np.eye(1, num_bits),
        "W_hh": gain * np.eye(num_bits, k=1),  # unit j to unit j + 1
        "b_h": np.zeros(num_bits),
    }


def copied(params: Params, words: Bits) -> Bits:
    """Let a network of `register_by_hand` read words, then go on without input: the bits that its last unit gives out.

    Returns:
        (words, bits): the state of the last unit after the last bit was read, and after each step without input.
    """
    num_bits = words.shape[1]
    x = np.zeros((len(words), 2 * num_bits - 1, 1))
    x[:, :num_bits, 0] = 2 * words - 1
    walk = through_time.forward(rnn, x, params)
    return (walk.h[:, num_bits - 1 :, -1] > 0).astype(int)


def lesson(folder: Path) -> dict[tuple[int, int], float]:
    """Learn the copy of 1 to 4 bits with more and more states; returns the bits carried, the best of all starts."""
    found: dict[tuple[int, int], float] = {}
    for num_bits in (1, 2, 3, 4):
        for num_states in (1, 2, 3, 4, 6, 8, 12, 16):
            if num_states <= 2**num_bits:
                starts = (bits_carried(learn_copy(num_bits, num_states, seed), num_bits) for seed in range(NUM_STARTS))
                found[num_bits, num_states] = max(starts)
    rows = [[*key, f"{np.log2(key[1]):.2f}", f"{bits:.2f}"] for key, bits in found.items()]
    show_table(["bits to copy", "states of the HMM", "at most carried", "carried"], rows)
    wrong = {n: int((copied(register_by_hand(n), all_words(n)) != all_words(n)).sum()) for n in range(1, 13)}
    print()
    show_table(
        ["bits", "states of an HMM", "units", "wrong bits in all words"], [[n, 2**n, n, wrong[n]] for n in wrong]
    )

    def draw(figure) -> None:
        axes = figure.subplots()
        for num_bits in (1, 2, 3, 4):
            states = [k for n, k in found if n == num_bits]
            axes.plot(states, [found[num_bits, k] for k in states], "o-", label=f"{num_bits} bits to copy")
        axes.plot(states, np.log2(states), "k--", linewidth=1, label="log2 of the states")
        axes.set(xlabel="states of the hidden Markov model", ylabel="bits carried across the middle", xscale="log")
        axes.legend(frameon=False, fontsize=8)

    save_picture(draw, folder, "copy_task", 6, 4)
    return found


if __name__ == "__main__":
    run(lesson, __doc__)
