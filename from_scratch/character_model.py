"""A language model over characters in NumPy, which writes as it learns.

python -m from_scratch.character_model --text input.txt --minutes 60

An LSTM reads a long text in some columns, piece by piece: the state goes on from one piece to the next, the gradient
stays within (truncated back-propagation through time). After every epoch it is scored on the last tenth of the text,
which it has not learned from, in nats a character: e to that power is among how many characters it hesitates. And it
writes a few lines, each character drawn from what it says and fed back to it.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from from_scratch import lstm, through_time
from from_scratch.lesson import save_picture, show_table
from from_scratch.losses import softmax, softmax_cross_entropy
from from_scratch.mlp import Array, Params, glorot
from from_scratch.optimizers import Adam, clip_by_norm

SAMPLE_TEXT = Path(__file__).resolve().parent.parent / "language_model/dataset/train.csv"
NUM_STEPS, NUM_SAMPLED = 64, 300  # characters of a piece; characters written after an epoch


@dataclass
class CharacterModel:
    """An LSTM over characters: which there are, the parameters, and the nats a character after each epoch."""

    characters: list[str]
    params: Params
    history: list[tuple[float, float, float]] = field(default_factory=list)  # minutes, training nats, validation nats

    def encode(self, text: str) -> NDArray[np.integer]:
        """Turn a text into numbers of characters."""
        return np.array([self.characters.index(character) for character in text])

    def read(
        self, numbers: NDArray[np.integer], state: dict[str, Array] | None
    ) -> tuple[Array, through_time.Walk, Array]:
        """Read characters (batch, time); returns them one-hot, the walk, and the logits of the next ones."""
        x = np.eye(len(self.characters), dtype=np.float32)[numbers]  # (batch, time, characters)
        walk = through_time.forward(lstm, x, self.params, state)
        return x, walk, walk.h @ self.params["W_hy"] + self.params["b_y"]


def make_model(characters: list[str], num_units: int, seed: int = 0) -> CharacterModel:
    """A model that has learned nothing yet."""
    rng = np.random.default_rng(seed)
    params = lstm.init_params(len(characters), num_units, rng)
    params |= {"W_hy": glorot(num_units, len(characters), rng), "b_y": np.zeros(len(characters))}
    return CharacterModel(characters, {name: value.astype(np.float32) for name, value in params.items()})


def learn_epoch(
    model: CharacterModel, columns: NDArray[np.integer], optimizer: Adam, dropout: float, rng: np.random.Generator
) -> float:
    """Read all columns (batch, length) once and learn from them; returns the mean nats.

    Args:
        model: its parameters change in place.
        columns: the text, cut into as many columns as are read at once.
        optimizer: takes the steps.
        dropout: share of the state's numbers that the output does not see, so that it relies on no single one.
        rng: random generator.
    """
    state, losses = None, []
    begin = int(rng.integers(NUM_STEPS))  # other pieces each epoch
    for start in range(begin, columns.shape[1] - NUM_STEPS, NUM_STEPS):
        piece = columns[:, start : start + NUM_STEPS + 1]
        x, walk, _ = model.read(piece[:, :-1], state)
        kept = (rng.random(walk.h.shape, dtype=np.float32) >= dropout) / np.float32(1 - dropout)
        seen = walk.h * kept
        loss, dlogits = softmax_cross_entropy(seen @ model.params["W_hy"] + model.params["b_y"], piece[:, 1:])
        dlogits = dlogits.astype(np.float32)
        dh = dlogits @ model.params["W_hy"].T * kept
        grads, _, _ = through_time.backward(lstm, walk, x, model.params, dh)
        flat = dlogits.reshape(-1, dlogits.shape[-1])
        grads |= {"W_hy": seen.reshape(len(flat), -1).T @ flat, "b_y": flat.sum(axis=0)}
        optimizer.update(model.params, clip_by_norm({name: grads[name] for name in model.params}, 1.0))
        losses.append(loss)
        state = walk.last  # goes on; its gradient does not
    return float(np.mean(losses))


def score(model: CharacterModel, numbers: NDArray[np.integer], num_columns: int = 64) -> float:
    """The nats a character of a text; it is read in columns, each but the first beginning within the text."""
    length = (len(numbers) - 1) // num_columns
    total, count, state = 0.0, 0, None
    columns = numbers[np.arange(num_columns)[:, None] * length + np.arange(length + 1)]
    for start in range(0, length, 256):
        piece = columns[:, start : start + 257]
        _, walk, logits = model.read(piece[:, :-1], state)
        total += softmax_cross_entropy(logits, piece[:, 1:])[0] * piece[:, 1:].size
        count, state = count + piece[:, 1:].size, walk.last
    return total / count


def write(model: CharacterModel, num_characters: int, rng: np.random.Generator, beginning: str) -> str:
    """Go on with a text, each character drawn from what the model says.

    It needs some lines to begin with: in training its state was hardly ever the zeros before a first character.
    """
    state, written = None, beginning
    numbers = model.encode(beginning)[None]
    for _ in range(num_characters):
        _, walk, logits = model.read(numbers, state)
        state = walk.last
        probabilities = softmax(logits[0, -1].astype(float))
        numbers = np.array([[rng.choice(len(probabilities), p=probabilities)]])
        written += model.characters[int(numbers[0, 0])]
    return written[len(beginning) :]


def learn_text(
    text: str, minutes: float, num_units: int, batch_size: int, learning_rate: float, dropout: float, seed: int = 0
) -> CharacterModel:
    """Learn from the first nine tenths of a text until the time is over; prints a row and some lines each epoch.

    The learning rate falls in a straight line to nothing by the end of the time.
    """
    rng = np.random.default_rng(seed)
    model = make_model(sorted(set(text)), num_units, seed)
    numbers = model.encode(text)
    train, validation = np.split(numbers, [len(numbers) * 9 // 10])
    length = len(train) // batch_size
    columns = train[: length * batch_size].reshape(batch_size, length)
    optimizer, start, epoch = Adam(learning_rate), time.monotonic(), 0
    while True:
        used = (time.monotonic() - start) / 60 / minutes
        if used >= 1 or (epoch and used * (1 + 1 / epoch) > 1.05):
            return model
        optimizer.learning_rate = learning_rate * max(1 - used, 0.02)
        nats = learn_epoch(model, columns, optimizer, dropout, rng)
        epoch += 1
        model.history.append(((time.monotonic() - start) / 60, nats, score(model, validation)))
        print(f"\nepoch {epoch}, {model.history[-1][0]:.1f} minutes: {nats:.3f} nats a character in training, ", end="")
        print(f"{model.history[-1][2]:.3f} on the last tenth")
        print(
            "    "
            + write(model, NUM_SAMPLED, rng, text[len(train) - 200 : len(train)]).strip().replace("\n", "\n    "),
            flush=True,
        )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, default=SAMPLE_TEXT, metavar="FILE", help="(default: some short stories)")
    parser.add_argument("--minutes", type=float, default=2.0, help="of learning (default: 2)")
    parser.add_argument("--units", type=int, default=256, help="size of the state (default: 256)")
    parser.add_argument("--batch-size", type=int, default=32, help="columns read at once (default: 32)")
    parser.add_argument("--learning-rate", type=float, default=0.004, help="of Adam, at first (default: 0.004)")
    parser.add_argument("--dropout", type=float, default=0.3, help="share of the state not seen (default: 0.3)")
    parser.add_argument("--output-dir", type=Path, default=Path("runs/from_scratch"), metavar="DIR")
    given = parser.parse_args(argv)
    try:
        with (gzip.open if given.text.suffix == ".gz" else open)(given.text, "rt", encoding="utf-8") as file:
            text = file.read()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        parser.exit(2, f"error: {given.text}: cannot be read as UTF-8 text ({error}); give a text file\n")
    shortest = 3 * NUM_STEPS * given.batch_size
    if len(text) < shortest:
        parser.exit(2, f"error: {given.text}: {len(text):,} characters, wanted at least {shortest:,}\n")
    model = learn_text(text, given.minutes, given.units, given.batch_size, given.learning_rate, given.dropout)
    minutes, training, validation = zip(*model.history, strict=True)
    print()
    show_table(["epochs", "minutes", "training nats", "nats on the last tenth"],
               [[len(minutes), minutes[-1], training[-1], validation[-1]]])  # fmt: skip

    def draw(figure) -> None:
        axes = figure.subplots()
        axes.plot(minutes, training, ".-", label="training")
        axes.plot(minutes, validation, ".-", label="last tenth")
        axes.set(xlabel="minutes", ylabel="nats a character")
        axes.legend(frameon=False)

    save_picture(draw, given.output_dir, "character_model", 5)


if __name__ == "__main__":
    main()
