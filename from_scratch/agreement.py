"""What the gates of an LSTM do over a sentence.

python -m from_scratch.agreement

Sentences of a small grammar: "the dogs that the cat near the boats sees run ." The verb at the end agrees in number
with a noun that may be many words back, with other nouns between them. The LSTM learns to say the next word; to get the
verbs right it must keep the number of every open noun, and the picture shows it doing so: gates that open at nouns,
cells that hold until the verb comes, and a GRU's update gate for comparison.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from from_scratch import gru, lstm, rnn, through_time
from from_scratch.lesson import run, save_picture, show_table
from from_scratch.losses import softmax_cross_entropy
from from_scratch.mlp import Array, Params, glorot
from from_scratch.next_character import one_hot
from from_scratch.optimizers import Adam, clip_by_norm
from from_scratch.rnn import Mask

NOUNS = (("dog", "dogs"), ("cat", "cats"), ("boat", "boats"), ("girl", "girls"))
VERBS = (("runs", "run"), ("sings", "sing"), ("waits", "wait"))
SEEING = (("sees", "see"), ("likes", "like"))
WORDS = sorted(
    {word for pairs in (NOUNS, VERBS, SEEING) for pair in pairs for word in pair} | {"the", "that", "near", "."}
)
NUM_UNITS, NUM_UPDATES, BATCH_SIZE = 24, 1500, 32
SENTENCE = "the dogs that the cat near the boats sees run ."


def sentence(rng: np.random.Generator, depth: int = 0) -> list[str]:
    """Make a sentence without its full stop: a noun, perhaps something about it, and a verb that agrees with it."""
    number = int(rng.integers(2))
    words = ["the", NOUNS[rng.integers(len(NOUNS))][number]]
    chance = rng.random()
    if chance < 0.35:
        words += ["near", "the", NOUNS[rng.integers(len(NOUNS))][rng.integers(2)]]
    elif chance < 0.7 and depth < 2:
        words += ["that", *sentence(rng, depth + 1)]
    verbs = SEEING if depth else VERBS
    return [*words, verbs[rng.integers(len(verbs))][number]]


def batch(num_cases: int, rng: np.random.Generator) -> tuple[np.ndarray, Mask]:
    """Sentences as numbers of words, right-padded: (cases, time), and where there is a word."""
    made = [[WORDS.index(word) for word in [*sentence(rng), "."]] for _ in range(num_cases)]
    width = max(map(len, made))
    mask = np.arange(width) < np.array([len(words) for words in made])[:, None]
    return np.array([words + [0] * (width - len(words)) for words in made]), mask


def learn_grammar(cell: Any, seed: int = 0, num_updates: int = NUM_UPDATES) -> tuple[Params, float]:
    """Learn to say the next word; returns the parameters, and the nats for a word of the last hundred batches."""
    rng = np.random.default_rng(seed)
    params = cell.init_params(len(WORDS), NUM_UNITS, rng)
    params |= {"W_hy": glorot(NUM_UNITS, len(WORDS), rng), "b_y": np.zeros(len(WORDS))}
    optimizer, losses = Adam(0.01), []
    for _ in range(num_updates):
        numbers, mask = batch(BATCH_SIZE, rng)
        x, targets, real = one_hot(numbers[:, :-1], len(WORDS)), numbers[:, 1:], mask[:, 1:]
        walk = through_time.forward(cell, x, params, mask=real)
        loss, dlogits = softmax_cross_entropy(walk.h @ params["W_hy"] + params["b_y"], targets, real)
        losses.append(loss)
        grads, _, _ = through_time.backward(cell, walk, x, params, dlogits @ params["W_hy"].T, mask=real)
        grads |= {"W_hy": np.einsum("bti,btj->ij", walk.h, dlogits), "b_y": dlogits.sum(axis=(0, 1))}
        optimizer.update(params, clip_by_norm(grads, 1.0))
    return params, float(np.mean(losses[-100:]))


def verbs_right(cell: Any, params: Params, num_cases: int = 1000) -> dict[int, float]:
    """How often the verb with the right number is likelier than that with the wrong one, by verbs that stand before it.

    Returns:
        The share for 0, 1 or 2 verbs of inner sentences, which stand between it and its noun.
    """
    rng = np.random.default_rng(12345)
    found: dict[int, list[bool]] = {0: [], 1: [], 2: []}
    pairs = {word: pair for group in (VERBS, SEEING) for pair in group for word in pair}
    for _ in range(num_cases):
        words = [*sentence(rng), "."]
        logits = read(cell, words[:-1], params)[1]
        verbs = [place for place, word in enumerate(words) if word in pairs]
        for between, place in enumerate(verbs):
            singular, plural = (logits[place - 1, WORDS.index(word)] for word in pairs[words[place]])
            found[between].append((plural > singular) == (words[place] == pairs[words[place]][1]))
    return {between: float(np.mean(right)) for between, right in found.items()}


def read(cell: Any, words: list[str], params: Params) -> tuple[through_time.Walk, Array]:
    """Read a sentence; returns the walk, and the logits of the next word after each (words, vocabulary)."""
    x = one_hot(np.array([[WORDS.index(word) for word in words]]), len(WORDS))
    walk = through_time.forward(cell, x, params)
    return walk, walk.h[0] @ params["W_hy"] + params["b_y"]


def keeper(params: Params, noun: int, until: int) -> tuple[int, Array]:
    """Find the unit of an LSTM's cell that holds whether a noun of the sentence is one or many.

    Args:
        params: of `learn_grammar`.
        noun: its place in `SENTENCE`.
        until: the place of its verb.
    Returns:
        The unit whose cell differs most, all the way from the noun to the verb, between the sentence with the noun in
        the one form and in the other; and by how much it differs after each word, tanh of the cell (words,).
    """
    words = SENTENCE.split()
    one, many = next(pair for pair in NOUNS if words[noun] in pair)
    cells = []
    for form in (one, many):
        walk, _ = read(lstm, [*words[:noun], form, *words[noun + 1 :]], params)
        cells.append(np.stack([kept["tanh_c"][0] for kept in walk.kept]))  # (words, units)
    difference = cells[1] - cells[0]
    unit = int(np.abs(difference[noun:until]).min(axis=0).argmax())
    return unit, difference[:, unit]


def lesson(folder: Path, num_updates: int = NUM_UPDATES) -> dict[str, float]:
    """Learn the grammar with each cell; returns the share of right verbs with two others between."""
    learned, rows, shares = {}, [], {}
    for name, cell in (("Elman", rnn), ("LSTM", lstm), ("GRU", gru)):
        params, nats = learn_grammar(cell, num_updates=num_updates)
        right = verbs_right(cell, params)
        learned[name], shares[name] = params, right[2]
        rows.append([name, nats, *(f"{share:.1%}" for share in right.values())])
    show_table(["cell", "nats for a word", "verbs right, none between", "one", "two"], rows)
    words = SENTENCE.split()
    outer, inner = (keeper(learned["LSTM"], noun, verb) for noun, verb in ((1, 9), (4, 8)))
    print()
    show_table(
        ["after", f"dog or dogs: unit {outer[0]}", f"cat or cats: unit {inner[0]}"],
        [[word, f"{a:.2f}", f"{b:.2f}"] for word, a, b in zip(words, outer[1], inner[1], strict=True)],
    )
    walk, _ = read(lstm, words, learned["LSTM"])
    gates = {name: np.stack([kept[name][0] for kept in walk.kept]) for name in ("i", "f", "o", "tanh_c")}
    update = np.stack([kept["z"][0] for kept in read(gru, words, learned["GRU"])[0].kept])
    titles = {"i": "input gate", "f": "forget gate", "o": "output gate", "tanh_c": "tanh of the cell"}

    def draw(figure) -> None:
        axes_of = figure.subplots(1, 5, sharey=True)
        pictures = [*((titles[name], values) for name, values in gates.items()), ("GRU: update gate", update)]
        for axes, (title, values) in zip(axes_of, pictures, strict=True):
            low = -1 if "tanh" in title else 0
            axes.imshow(values, aspect="auto", cmap="RdBu" if low else "Greys", vmin=low, vmax=1)
            axes.set(title=title, xlabel="unit")
        axes_of[0].set_yticks(range(len(words)), words)

    save_picture(draw, folder, "agreement", 13, 4)
    return shares


if __name__ == "__main__":
    run(lesson, __doc__)
