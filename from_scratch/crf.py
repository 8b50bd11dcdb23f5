"""A linear-chain conditional random field: the likeliest sequence of tags, not a sequence of likeliest tags.

    score(tags)  =  start[tag_1] + sum of emissions[t, tag_t] + sum of transitions[tag_{t-1}, tag_t]
    P(tags)      =  exp score(tags) / Z           Z: the sum of exp score over all sequences there are

There are tags^time of them; walking over time with one number for each tag, `log_alpha`, adds them all up. The
derivative of log Z by a score is the probability that the tag, or the pair, occurs: what the forward-backward algorithm
finds. Lafferty, McCallum & Pereira 2001, "Conditional Random Fields".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from from_scratch.mlp import Array, Params
from from_scratch.rnn import Mask


def init_params(num_tags: int, rng: np.random.Generator) -> Params:
    """Make the parameters: `transitions` (tag before, tag) and `start` (tag,)."""
    return {"transitions": rng.normal(0, 0.1, (num_tags, num_tags)), "start": np.zeros(num_tags)}


def log_sum_exp(values: Array, axis: int) -> Array:
    """log of the sum of exp, without overflow."""
    largest = values.max(axis=axis, keepdims=True)
    return np.squeeze(largest, axis) + np.log(np.exp(values - largest).sum(axis=axis))


def log_partition(emissions: Array, params: Params, mask: Mask) -> tuple[Array, list[Array]]:
    """Add up all sequences of tags.

    Args:
        emissions: the score of each tag at each step, (batch, time, tags).
        params: of `init_params`.
        mask: (batch, time), right-padded; the first step is real.
    Returns:
        log Z (batch,), and `log_alpha` of each step (batch, tags): of all beginnings that end in a tag.
    """
    alphas = [params["start"] + emissions[:, 0]]
    for t in range(1, emissions.shape[1]):
        pairs = alphas[-1][:, :, None] + params["transitions"] + emissions[:, t, None, :]  # (batch, tag before, tag)
        alphas.append(np.where(mask[:, t, None], log_sum_exp(pairs, axis=1), alphas[-1]))
    return log_sum_exp(alphas[-1], axis=1), alphas


def score(emissions: Array, params: Params, tags: NDArray[np.integer], mask: Mask) -> Array:
    """The score of one sequence of tags (batch, time) in each row; (batch,)."""
    rows = np.arange(len(tags))
    total = params["start"][tags[:, 0]] + emissions[rows, 0, tags[:, 0]]
    for t in range(1, tags.shape[1]):
        here = params["transitions"][tags[:, t - 1], tags[:, t]] + emissions[rows, t, tags[:, t]]
        total = total + here * mask[:, t]
    return total


def loss_and_grads(
    emissions: Array, params: Params, tags: NDArray[np.integer], mask: Mask
) -> tuple[float, Params, Array]:
    """Nats for the true tags, mean over the rows: log Z - score; and its derivatives.

    Returns:
        The loss, its derivatives by the parameters, and by the emissions (batch, time, tags): the probability of each
        tag, less one where it is the true one.
    """
    log_z, alphas = log_partition(emissions, params, mask)
    batch_size, num_steps, num_tags = emissions.shape
    rows, identity = np.arange(batch_size), np.eye(num_tags)
    demissions = np.zeros_like(emissions)
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    log_beta = np.zeros((batch_size, num_tags))  # of all ends that may follow a tag
    for t in reversed(range(num_steps)):
        real = mask[:, t, None]
        demissions[:, t] = real * (np.exp(alphas[t] + log_beta - log_z[:, None]) - identity[tags[:, t]])
        if t == 0:
            grads["start"] = demissions[:, 0].sum(axis=0)
            break
        ends = params["transitions"] + (emissions[:, t] + log_beta)[:, None, :]  # (batch, tag before, tag)
        pairs = np.exp(alphas[t - 1][:, :, None] + ends - log_z[:, None, None])
        pairs[rows, tags[:, t - 1], tags[:, t]] -= 1
        grads["transitions"] += (pairs * real[:, :, None]).sum(axis=0)
        log_beta = np.where(real, log_sum_exp(ends, axis=2), log_beta)
    loss = (log_z - score(emissions, params, tags, mask)).mean()
    return float(loss), {name: grad / batch_size for name, grad in grads.items()}, demissions / batch_size


def viterbi(emissions: Array, params: Params) -> tuple[list[int], float]:
    """Find the best sequence of tags of one text, and its score.

    Args:
        emissions: (time, tags).
        params: of `init_params`.
    """
    best = params["start"] + emissions[0]  # the best score of a beginning that ends in each tag
    origins = []
    for here in emissions[1:]:
        pairs = best[:, None] + params["transitions"]  # (tag before, tag)
        origins.append(pairs.argmax(axis=0))
        best = pairs.max(axis=0) + here
    tags = [int(best.argmax())]
    for origin in reversed(origins):
        tags.insert(0, int(origin[tags[0]]))
    return tags, float(best.max())
