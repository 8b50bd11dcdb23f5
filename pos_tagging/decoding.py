"""Decoding: from what the network gives to the tags of a sentence.

softmax head    the most probable tag of each word
crf head        the most probable sequence of tags (`pos_tagging.crf`)
previous-tag    beam search: tags are chosen word by word, the tag of a word is an input at the next; with one beam
                it is greedy (Ratnaparkhi 1996, "A Maximum Entropy Model for Part-of-Speech Tagging")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.inference.engine import Engine
from pos_tagging.crf import best_paths, tag_probabilities

OF_A_BATCH = ("previous_tags", "state", "spellings")  # inputs that no slice of one time step has


def decode(
    answer: NDArray | dict[str, NDArray], mask: NDArray[np.bool_], probabilities: bool
) -> tuple[NDArray, NDArray]:
    """Choose the best tags of a batch.

    Args:
        answer: of the network: logits (batch, time, tags), or with the head `crf` `{"scores": …}`.
        mask: (batch, time).
        probabilities: whether those of the tags are wanted.
    Returns:
        Tag ids (batch, time); their probabilities (batch, time), if wanted.
    """
    if isinstance(answer, dict):
        best = best_paths(answer["scores"], mask)
        shares = tag_probabilities(answer["scores"], mask) if probabilities else None
    else:
        best = answer.argmax(axis=-1)
        shares = softmax(answer) if probabilities else None
    if shares is None:
        return best, np.zeros((0, 0))
    return best, np.take_along_axis(shares, best[:, :, None], axis=-1)[:, :, 0]


def softmax(logits: NDArray) -> NDArray:
    """Probabilities of logits, over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Beams:
    """The beams of a batch after some words: `num_beams` rows for each sentence, the best first.

    `tags` and `log_probabilities` (rows, time) are those chosen so far, `totals` (rows,) the sums of the latter;
    `state` (rows, units) and `previous` (rows, 1), the last tag plus one, are the inputs at the next word.
    """

    tags: NDArray[np.int64]
    log_probabilities: NDArray[np.float64]
    totals: NDArray[np.float64]
    state: NDArray[np.float32]
    previous: NDArray[np.int32]


def beam_search(
    network: Engine, inputs: Mapping[str, NDArray], num_beams: int, num_tags: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the most probable tags of each sentence, as far as the beams reach.

    Args:
        network: a `previous-tag` tagger.
        inputs: a batch of `pos_tagging.loader.make_batches`.
        num_beams: beams of a sentence.
        num_tags: number of tags.
    Returns:
        Tag ids (batch, time), and the probability of each given those before it (batch, time).
    """
    batch_size, num_steps = inputs["mask"].shape
    rows = np.repeat(np.arange(batch_size), num_beams)  # the sentence of each beam
    words = {name: value[rows] for name, value in inputs.items() if name not in OF_A_BATCH}
    beams = start_beams(inputs["state"][rows], num_steps, num_beams)
    for t in range(num_steps):
        step = {name: value[:, t : t + 1] for name, value in words.items()}
        step |= {"spellings": inputs["spellings"], "previous_tags": beams.previous, "state": beams.state}
        answer = network(step)
        log_probabilities = tag_log_probabilities(answer["logits"][:, 0], words["mask"][:, t])
        beams = extend(beams, t, log_probabilities, answer["state"], num_beams, num_tags)
    best = slice(None, None, num_beams)
    return beams.tags[best], np.exp(beams.log_probabilities[best])


def start_beams(state: NDArray[np.float32], num_steps: int, num_beams: int) -> Beams:
    """The beams before the first word: all but the first of a sentence are impossible, so that no two are alike."""
    num_rows = len(state)
    return Beams(
        tags=np.zeros((num_rows, num_steps), np.int64),
        log_probabilities=np.zeros((num_rows, num_steps)),
        totals=np.where(np.arange(num_rows) % num_beams == 0, 0.0, -np.inf),
        state=state,
        previous=np.zeros((num_rows, 1), np.int32),
    )


def tag_log_probabilities(logits: NDArray[np.float32], is_word: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Log-probabilities of the tags of a word (rows, tags); at padding the first tag is certain."""
    log_probabilities = np.log(softmax(logits.astype(float)))
    log_probabilities[~is_word] = np.where(np.arange(logits.shape[1]) == 0, 0.0, -np.inf)
    return log_probabilities


def extend(
    beams: Beams,
    t: int,
    log_probabilities: NDArray[np.float64],
    state: NDArray[np.float32],
    num_beams: int,
    num_tags: int,
) -> Beams:
    """Extend every beam by every tag, and keep the best of each sentence.

    Args:
        beams: before the word.
        t: index of the word.
        log_probabilities: of its tags after each beam, (rows, tags).
        state: of the network after the word, (rows, units).
        num_beams: beams of a sentence.
        num_tags: number of tags.
    """
    batch_size = len(beams.totals) // num_beams
    totals = (beams.totals[:, None] + log_probabilities).reshape(batch_size, num_beams * num_tags)
    chosen = np.argsort(-totals, axis=1, kind="stable")[:, :num_beams]  # (batch, beams)
    origins = (np.arange(batch_size)[:, None] * num_beams + chosen // num_tags).ravel()
    here = (chosen % num_tags).ravel()
    tags, steps = beams.tags[origins], beams.log_probabilities[origins]
    tags[:, t], steps[:, t] = here, log_probabilities[origins, here]
    return Beams(
        tags=tags,
        log_probabilities=steps,
        totals=np.take_along_axis(totals, chosen, axis=1).ravel(),
        state=state[origins],
        previous=here[:, None].astype(np.int32) + 1,
    )
