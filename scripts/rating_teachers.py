"""Train the pretrained rating model on a GPU: two large teachers, one for each direction of reading, and their student.

    python scripts/rating_teachers.py FOLDER --language 130 --rate 35 --again 35 --student 170

    language   a teacher reads all reviews, to guess the next word          each direction, seconds
    rate       and learns the ratings                                       each direction
    again      and learns what both say of the reviews without ratings      each direction
    student    the network that ships learns from both, on whole reviews and on windows of them

Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification", for the teachers; Hinton et al.
2015, "Distilling the Knowledge in a Neural Network", for the student; Beyer et al. 2022, "Knowledge Distillation: A
Good Teacher Is Patient and Consistent", for the windows: whatever piece of a review the student sees, they rate.

FOLDER is made by `python -m scripts.build_rating_model prepare`, and its `finish` turns the result into a bundle. In
between this file needs nothing of the project, only NumPy and PyTorch: it can be taken to a machine that has a GPU.
A step goes on for so many seconds, and its learning rate falls to zero meanwhile. What it leaves in FOLDER stays: a
second run goes on behind it. The figures above suit an H200, ten minutes in all.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

UNK_ID, BOS_ID, NUM_SPECIAL = 1, 2, 4  # as in common/text/vocabulary.py
NUM_STEPS = 64  # words of a row in a batch of the language model
DIRECTIONS = ("forward", "backward")
DIRECTION_DROPOUT, WORD_VECTOR_DROPOUT, DROPOUT, WORD_DROPOUT = 0.2, 0.2, 0.4, 0.1  # of the student
CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")


class Reviews:
    """The reviews of FOLDER, on the GPU, and batches of them.

    Args:
        path: an NPZ file: `flat`, the ids of all reviews in a row, each with `BOS_ID` first; `lengths` of them, with
            it; `ratings`, 0 if unknown; `split`, 0 to learn from, 1 for validation, 2 without rating; `levels`, the
            ratings there can be; `margins`, what an NB-SVM says, above 0 for good.
        seed: of the shuffling and the windows.
    """

    def __init__(self, path: Path, seed: int = 1) -> None:
        with np.load(path) as arrays:
            self.lengths, self.ratings, self.levels = arrays["lengths"].astype(int), arrays["ratings"], arrays["levels"]
            self.flat = torch.tensor(arrays["flat"].astype(np.int32), device=DEVICE)
            self.margins = torch.tensor(arrays["margins"].astype(np.float32), device=DEVICE)
            self.labelled, self.validation, unlabelled = (np.flatnonzero(arrays["split"] == i) for i in range(3))
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.everything = np.concatenate([self.labelled, unlabelled])
        self.vocab_size = int(self.flat.max()) + 1
        self.rng = np.random.default_rng(seed)

    def true_targets(self) -> Tensor:
        """1 at the true level of each labelled review, (reviews, levels)."""
        places = np.searchsorted(self.levels, self.ratings[self.labelled])
        return F.one_hot(torch.tensor(places, device=DEVICE), len(self.levels)).float()

    def windows(self, indices: NDArray[np.int_], rate: float = 0.0) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """Where the words of each review begin, and how many; a share of the reviews is cut to a window."""
        starts, numbers = self.starts[indices] + 1, self.lengths[indices] - 1
        if rate:
            kept = (numbers * self.rng.uniform(0.3, 1, len(indices))).astype(int)
            kept = np.maximum(kept, np.minimum(numbers, 20))
            kept = np.where(self.rng.random(len(indices)) < rate, kept, numbers)
            starts = starts + (self.rng.random(len(indices)) * (numbers - kept + 1)).astype(int)
            numbers = kept
        return starts, numbers

    def batch(self, starts: NDArray[np.int_], numbers: NDArray[np.int_], direction: str) -> tuple[Tensor, Tensor]:
        """Stack windows, the mark of the start first; ids (time, batch) and lengths (batch,)."""
        first, number = torch.tensor(starts, device=DEVICE), torch.tensor(numbers, device=DEVICE)
        step = torch.arange(int(number.max()), device=DEVICE)[:, None]
        places = first + (number - 1 - step if direction == "backward" else step)
        ids = torch.where(step < number, self.flat[places.clamp(0, len(self.flat) - 1)].long(), 0)
        return torch.cat([torch.full_like(ids[:1], BOS_ID), ids]), number + 1

    def streams(self, direction: str, num_rows: int) -> Tensor:
        """All reviews but those for validation, one after the other in a new order, in rows; ids (time, rows)."""
        order = self.everything[self.rng.permutation(len(self.everything))]
        starts, lengths = (torch.tensor(array[order], device=DEVICE) for array in (self.starts, self.lengths))
        which = torch.repeat_interleave(torch.arange(len(order), device=DEVICE), lengths)
        step = torch.arange(len(which), device=DEVICE) - (torch.cumsum(lengths, 0) - lengths)[which]
        if direction == "backward":
            step = torch.where(step == 0, 0, lengths[which] - step)
        ids = self.flat[starts[which] + step].long()
        return ids[: len(ids) // num_rows * num_rows].view(num_rows, -1).T.contiguous()

    def group(self, numbers: NDArray[np.int_], most_words: int, most: int, shuffle: bool) -> Iterator[NDArray[np.int_]]:
        """Places in `numbers`, in batches of similar length; of 16, 32, … texts, which cuDNN is fast with."""
        order = self.rng.permutation(len(numbers)) if shuffle else np.arange(len(numbers))
        batches, stretch = [], 4096 if shuffle else len(order)
        for begin in range(0, len(order), stretch):
            piece = order[begin : begin + stretch]
            piece = piece[np.argsort(-numbers[piece], kind="stable")]
            while len(piece):
                size = max(16, min(most, most_words // int(numbers[piece[0]] + 1) // 16 * 16))
                batches.append(piece[:size])
                piece = piece[size:]
        if shuffle:
            self.rng.shuffle(batches)
        yield from batches

    def score(self, probabilities: Tensor) -> dict[str, float]:
        """R² and the accuracy of good against bad of what is said of the validation reviews, (reviews, levels)."""
        true = self.ratings[self.validation].astype(float)
        said = (probabilities.double().cpu().numpy() * self.levels).sum(axis=1)
        middle = (self.levels[0] + self.levels[-1]) / 2
        r2 = 1 - ((true - said) ** 2).sum() / ((true - true.mean()) ** 2).sum()
        return {"r2": float(r2), "binary_accuracy": float(((said > middle) == (true > middle)).mean())}

    def correct(self, probabilities: Tensor, indices: NDArray[np.int_], strength: float) -> Tensor:
        """Let the NB-SVM have its say in good or bad, as `sentiment.distillation.shift_by_nbsvm` does."""
        sides = torch.tensor(np.sign(self.levels - (self.levels[0] + self.levels[-1]) / 2), device=DEVICE).float()
        changed = probabilities * torch.exp(sides * strength * self.margins[indices][:, None] / 2)
        return changed / changed.sum(1, keepdim=True)


# -- Networks --------------------------------------------------------------------------------------------------------


def in_half() -> torch.autocast:
    """LSTMs and the words' scores in float16, which needs the `GradScaler` of `Learner`."""
    return torch.autocast("cuda", torch.float16, enabled=CUDA)


def drop_features(inputs: Tensor, rate: float, training: bool) -> Tensor:
    """Drop the same features at every step of (time, batch, features): Gal & Ghahramani 2016."""
    return inputs * F.dropout(torch.ones_like(inputs[:1]), rate) if training else inputs


def drop_words(ids: Tensor, rate: float) -> Tensor:
    """Replace a share of the words by `UNK_ID`."""
    return torch.where((torch.rand(ids.shape, device=ids.device) < rate) & (ids >= NUM_SPECIAL), UNK_ID, ids)


def pool(states: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and maximum over the real steps of (time, batch, features), float32 (batch, features)."""
    real = (torch.arange(len(states), device=states.device)[:, None] < lengths)[:, :, None]
    mean = (states.float() * real).sum(0) / lengths[:, None]
    return mean, states.masked_fill(~real, -6e4).amax(0).float()


class Reader(nn.Module):
    """Ids (time, batch) to the states of the last of some LSTMs, (time, batch, features).

    Args:
        vocab_size: number of ids.
        sizes: of the word vectors, and of each LSTM; the last is as the first, whose vectors stand for words there too.
    """

    def __init__(self, vocab_size: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, sizes[0])
        nn.init.normal_(self.embedding.weight, std=0.2)
        self.layers = nn.ModuleList(nn.LSTM(*pair) for pair in pairwise(sizes))
        for layer in self.layers:
            start_recurrent(layer)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, ids: Tensor, carry: Sequence | None = None, dropout: float = 0.0) -> tuple[Tensor, list]:
        states, after = self.embedding(ids), []
        for number, layer in enumerate(self.layers):
            states = drop_features(states, dropout, self.training)
            states, (h, c) = layer(states, None if carry is None else carry[number])
            after.append((h.detach(), c.detach()))
        return states, after

    def word_scores(self, states: Tensor) -> Tensor:
        """The logits of all words, (time * batch, words): their vectors are those that are read."""
        return states.flatten(0, 1) @ self.embedding.weight.T + self.bias


def start_recurrent(layer: nn.LSTM) -> None:
    """Orthogonal from state to state, and forget gates that are open: Jozefowicz et al. 2015."""
    nn.init.orthogonal_(layer.weight_hh_l0)
    with torch.no_grad():
        layer.bias_ih_l0[layer.hidden_size : 2 * layer.hidden_size] = 1


class Teacher(nn.Module):
    """Windows of reviews to logits (batch, levels): last state, mean and maximum of a reader's states."""

    def __init__(self, reviews: Reviews, direction: str, sizes: Sequence[int]) -> None:
        super().__init__()
        self.reviews, self.direction = reviews, direction
        self.reader = Reader(reviews.vocab_size, sizes)
        self.head = nn.Linear(3 * sizes[-1], len(reviews.levels))
        nn.init.zeros_(self.head.weight)

    def forward(self, starts: NDArray[np.int_], numbers: NDArray[np.int_]) -> Tensor:
        ids, lengths = self.reviews.batch(starts, numbers, self.direction)
        ids = drop_words(ids, 0.1) if self.training else ids
        with in_half():
            states, _ = self.reader(ids, dropout=0.2)
        last = states[lengths - 1, torch.arange(len(starts), device=DEVICE)].float()
        return self.head(F.dropout(torch.cat([last, *pool(states, lengths)], 1), 0.4, self.training))

    def groups(self, learning_rate: float, decay: float, delay: float) -> list[tuple[list[nn.Parameter], float, float]]:
        """Weights from the top, with a rate that is smaller, and a start that is later, for each layer further down."""
        layers = [self.head, *reversed(self.reader.layers), self.reader.embedding]
        return [(list(x.parameters()), learning_rate * decay**-depth, depth * delay) for depth, x in enumerate(layers)]


class Student(nn.Module):
    """The network that ships, with the weights of `student.npz`: see `sentiment.model`, `--backward-units`."""

    def __init__(self, reviews: Reviews, weights: dict[str, NDArray]) -> None:
        super().__init__()
        self.reviews = reviews
        self.num_words, embedding_dim = weights["embedding"].shape
        self.embedding = nn.Embedding(self.num_words, embedding_dim)
        sizes = [len(weights[f"{direction}.recurrent_kernel"]) for direction in DIRECTIONS]
        self.readers = nn.ModuleList(nn.LSTM(embedding_dim, size) for size in sizes)  # in the order of DIRECTIONS
        self.head = nn.Linear(2 * sum(sizes), len(reviews.levels))
        with torch.no_grad():
            for name, parameter in self.named_weights():
                parameter.copy_(torch.tensor(weights[name].T if "kernel" in name else weights[name]))
            for layer in self.readers:
                layer.bias_hh_l0.zero_()

    def named_weights(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The weights under their names in `student.npz`; a kernel there is transposed here."""
        yield "embedding", self.embedding.weight
        for name, layer in zip(DIRECTIONS, self.readers, strict=True):
            yield f"{name}.kernel", layer.weight_ih_l0
            yield f"{name}.recurrent_kernel", layer.weight_hh_l0
            yield f"{name}.bias", layer.bias_ih_l0
        yield "head.kernel", self.head.weight
        yield "head.bias", self.head.bias

    def to_arrays(self) -> dict[str, NDArray]:
        """The weights as `student.npz` has them; PyTorch's second bias is added to the first."""
        arrays = {}
        for name, parameter in self.named_weights():
            value = parameter.detach().float().cpu().numpy()
            arrays[name] = value.T.copy() if "kernel" in name else value
        for name, layer in zip(DIRECTIONS, self.readers, strict=True):
            arrays[f"{name}.bias"] = arrays[f"{name}.bias"] + layer.bias_hh_l0.detach().float().cpu().numpy()
        return arrays

    def forward(self, starts: NDArray[np.int_], numbers: NDArray[np.int_]) -> Tensor:
        heard = torch.ones(2, len(starts), 1, device=DEVICE)
        kept = torch.ones(1, len(starts), self.embedding.embedding_dim, device=DEVICE)
        if self.training:  # each direction is silent in some texts; both read the same dimensions
            heard, kept = F.dropout(heard, DIRECTION_DROPOUT), F.dropout(kept, WORD_VECTOR_DROPOUT)
        pooled = []
        for loudness, direction, layer in zip(heard, DIRECTIONS, self.readers, strict=True):
            ids, lengths = self.reviews.batch(starts, numbers, direction)
            if direction == "backward":  # here the mark of the start is read last, as by a layer that goes backwards
                ids = torch.cat([ids[1:], torch.zeros_like(ids[:1])])
                ids[lengths - 1, torch.arange(len(starts), device=DEVICE)] = BOS_ID
            ids = torch.where(ids < self.num_words, ids, UNK_ID)
            vectors = self.embedding(drop_words(ids, WORD_DROPOUT) if self.training else ids) * kept
            with in_half():
                states, _ = layer(vectors)
            pooled.append([part * loudness for part in pool(states, lengths)])
        features = torch.cat([part for parts in zip(*pooled, strict=True) for part in parts], 1)
        return self.head(F.dropout(features, DROPOUT, self.training))


# -- Learning --------------------------------------------------------------------------------------------------------


class Learner:
    """Adam for so many seconds: each group of weights warms up after its delay, then all rates fall as a cosine.

    Args:
        groups: weights, their learning rate, and the share of the time after which they begin.
        seconds: how long.
        average: the weights whose running mean is kept, in `average`.
    """

    def __init__(self, groups: Sequence[tuple[list, float, float]], seconds: float, average: Iterable = ()) -> None:
        self.begin, self.seconds, self.num_steps = time.monotonic(), seconds, 0
        self.groups, self.weights = groups, list(average)
        self.average = [weight.detach().clone() for weight in self.weights]
        settings = [{"params": weights, "lr": 0.0} for weights, _, _ in groups]
        self.optimizer = torch.optim.Adam(settings, betas=(0.9, 0.99), eps=1e-7, fused=CUDA)
        # A mean over thousands of words leaves gradients that float16 takes for zero: with a scale of 1024 three layers
        # learned nothing but how frequent each word is.
        self.scaler = torch.amp.GradScaler("cuda", init_scale=2.0**18, growth_interval=200, enabled=CUDA)

    @property
    def progress(self) -> float:
        """The share of the time that is over."""
        return (time.monotonic() - self.begin) / self.seconds

    def step(self, loss: Tensor) -> None:
        """Follow the gradient of a loss."""
        now = self.progress
        falling = 0.5 + 0.5 * math.cos(math.pi * min(now, 1.0))
        for settings, (_, rate, delay) in zip(self.optimizer.param_groups, self.groups, strict=True):
            settings["lr"] = rate * falling * min(1.0, max(0.0, now - delay) / 0.05)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_([weight for weights, _, _ in self.groups for weight in weights], 1.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.num_steps += 1
        if self.average:
            share = 1 - min(0.998, self.num_steps / (self.num_steps + 10))
            with torch.no_grad():
                torch._foreach_lerp_(self.average, self.weights, share)


def learn_language(reader: Reader, reviews: Reviews, direction: str, seconds: float, num_rows: int) -> None:
    """Guess the next word of all reviews, or the one before it."""
    reader.train()
    learner, epoch = Learner([(list(reader.parameters()), 2e-3, 0.0)], seconds), 0
    while learner.progress < 1:
        stream, carry, losses = reviews.streams(direction, num_rows), None, []
        for begin in range(0, len(stream) - 1, NUM_STEPS):
            wanted = stream[begin + 1 : begin + 1 + NUM_STEPS]
            with in_half():
                states, carry = reader(stream[begin : begin + len(wanted)], carry, dropout=0.15)
                scores = reader.word_scores(drop_features(states, 0.2, training=True))
                loss = F.cross_entropy(scores, wanted.flatten())
            learner.step(loss)
            losses.append(loss.detach())
            if learner.progress >= 1:
                break
        epoch += 1
        say(
            f"language {direction}: {learner.progress:.0%}, epoch {epoch}, loss {float(torch.stack(losses).mean()):.3f}"
        )


def learn_ratings(
    model: Teacher | Student,
    learner: Learner,
    indices: NDArray[np.int_],
    targets: Tensor,
    name: str,
    most: int = 64,
    window_rate: float = 0.0,
    teachers: Sequence[Teacher] = (),
) -> list[dict[str, float]]:
    """Learn what is said of reviews.

    Args:
        model: learns.
        learner: its optimizer.
        indices: of the reviews.
        targets: of the whole reviews, (reviews, levels).
        name: of the step.
        most: texts in a batch; words in one are at most 256 times as many.
        window_rate: share of the reviews that are cut to a window.
        teachers: rate the windows.
    Returns:
        A row for each epoch: loss, scores on the validation reviews.
    """
    history: list[dict[str, float]] = []
    while learner.progress < 1:
        starts, numbers = model.reviews.windows(indices, window_rate)
        whole = torch.tensor(numbers == model.reviews.lengths[indices] - 1, device=DEVICE)[:, None]
        losses = []
        model.train()
        for places in model.reviews.group(numbers, 256 * most, most, shuffle=True):
            wanted = targets[places]
            if not whole[places].all():
                wanted = torch.where(whole[places], wanted, say_together(teachers, starts[places], numbers[places]))
            scores = F.log_softmax(model(starts[places], numbers[places]).float(), 1)
            loss = -(wanted * scores).sum(1).mean()
            learner.step(loss)
            losses.append(loss.detach())
            if learner.progress >= 1:
                break
        scores_now = model.reviews.score(rate(model, model.reviews.validation))
        history.append({"epoch": len(history) + 1, "loss": float(torch.stack(losses).mean()), **scores_now})
        say(f"{name}: {learner.progress:.0%}", show(history[-1]))
    return history


@torch.no_grad()
def say_together(teachers: Sequence[Teacher], starts: NDArray[np.int_], numbers: NDArray[np.int_]) -> Tensor:
    """The mean of what teachers say of windows, (windows, levels)."""
    return torch.stack([F.softmax(teacher(starts, numbers).float(), 1) for teacher in teachers]).mean(0)


@torch.no_grad()
def rate(model: Teacher | Student, indices: NDArray[np.int_]) -> Tensor:
    """What a model says of whole reviews, (reviews, levels)."""
    model.eval()
    starts, numbers = model.reviews.windows(indices)
    said = torch.zeros(len(indices), len(model.reviews.levels), device=DEVICE)
    for places in model.reviews.group(numbers, 65_536, 512, shuffle=False):
        said[places] = F.softmax(model(starts[places], numbers[places]).float(), 1)
    return said


def soft_targets(teachers: Sequence[Teacher], reviews: Reviews, share_true: float) -> Tensor:
    """The mean of what teachers say of all reviews to learn from, corrected; where a rating is known, partly that."""
    together = torch.stack([rate(teacher, reviews.validation) for teacher in teachers]).mean(0)
    for strength in (0.0, 0.5, 1.0, 2.0):
        corrected = reviews.correct(together, reviews.validation, strength)
        say(f"together, an NB-SVM's say {strength:g}:", show(reviews.score(corrected)))
    said = torch.stack([rate(teacher, reviews.everything) for teacher in teachers]).mean(0)
    targets = reviews.correct(said, reviews.everything, 1.0)
    number = len(reviews.labelled)
    targets[:number] = share_true * reviews.true_targets() + (1 - share_true) * targets[:number]
    return targets


# -- Steps -----------------------------------------------------------------------------------------------------------


def train_teachers(reviews: Reviews, folder: Path, arguments: argparse.Namespace) -> list[Teacher]:
    """Take the steps of both teachers that are not behind them yet."""
    teachers = [Teacher(reviews, direction, arguments.teacher_sizes).to(DEVICE) for direction in DIRECTIONS]
    for teacher in teachers:
        name = teacher.direction
        with step_once(teacher.reader, folder / f"language_{name}.pt") as is_new:
            if is_new:
                learn_language(teacher.reader, reviews, name, arguments.language, arguments.rows)
        with step_once(teacher, folder / f"rate_{name}.pt") as is_new:
            if is_new:
                learner = Learner(teacher.groups(1.5e-3, 1.6, 0.02), arguments.rate)
                learn_ratings(teacher, learner, reviews.labelled, reviews.true_targets(), f"rate {name}")
    targets = soft_targets(teachers, reviews, share_true=1.0)
    for teacher in teachers:
        name = teacher.direction
        with step_once(teacher, folder / f"again_{name}.pt") as is_new:
            if is_new:
                learner = Learner(teacher.groups(7e-4, 1.3, 0.0), arguments.again)
                learn_ratings(teacher, learner, reviews.everything, targets, f"again {name}")
    return teachers


@contextmanager
def step_once(model: nn.Module, path: Path) -> Iterator[bool]:
    """Give whether a step is still to be taken, and keep the model it leaves; or take the one that was kept."""
    is_new = not path.exists()
    if not is_new:
        model.load_state_dict(torch.load(path, map_location=DEVICE))
    yield is_new
    if is_new:
        torch.save(model.state_dict(), path.with_suffix(".partial"))
        path.with_suffix(".partial").rename(path)


def train_student(reviews: Reviews, teachers: Sequence[Teacher], folder: Path, seconds: float) -> dict[str, float]:
    """Teach the network that ships; its averaged weights and its history stay in the folder. Returns its scores."""
    targets = soft_targets(teachers, reviews, share_true=0.5)
    with np.load(folder / "student.npz") as arrays:
        student = Student(reviews, dict(arrays)).to(DEVICE)
    say("student before:", show(reviews.score(rate(student, reviews.validation))))
    above = [weight for layer in (student.head, *student.readers) for weight in layer.parameters()]
    groups = [(above, 1.2e-3, 0.0), ([student.embedding.weight], 1.2e-3 / 1.6, 0.0)]
    learner = Learner(groups, seconds, student.parameters())
    history = learn_ratings(student, learner, reviews.everything, targets, "student", 128, 0.4, teachers)
    with torch.no_grad():
        torch._foreach_copy_(learner.weights, learner.average)
    scores = reviews.score(rate(student, reviews.validation))
    say("student, averaged:", show(scores))
    np.savez(folder / "taught_student.npz", **student.to_arrays())
    with open(folder / "history.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(history[0]))
        writer.writeheader()
        writer.writerows(history)
    return scores


def show(scores: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in scores.items())


def say(*words: str) -> None:
    print(f"[{time.monotonic() - STARTED:4.0f}]", *words, flush=True)


STARTED = time.monotonic()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    for step, seconds in {"language": 130, "rate": 35, "again": 35, "student": 170}.items():
        parser.add_argument(f"--{step}", type=float, default=seconds, metavar="SECONDS")
    parser.add_argument(
        "--teacher-sizes", type=int, nargs="+", default=[512, 1024, 1024, 512], help="word vectors, then LSTMs"
    )
    parser.add_argument("--rows", type=int, default=128, help="rows of a batch of the language model")
    arguments = parser.parse_args(argv)
    torch.manual_seed(1)
    reviews = Reviews(arguments.folder / "reviews.npz")
    teachers = train_teachers(reviews, arguments.folder, arguments)
    scores = train_student(reviews, teachers, arguments.folder, arguments.student)
    machine = {"cores": os.cpu_count(), "accelerator": torch.cuda.get_device_name() if CUDA else None}
    facts = {
        "seconds": round(time.monotonic() - STARTED),
        "torch": torch.__version__.split("+")[0],
        **machine,
        **scores,
    }
    (arguments.folder / "facts.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
