"""The likelihood of a sequence of tags under a conditional random field: how a tagger with that head learns.

    -log P(tags)  =  log Z - sum over the words of scores[word, tag before, tag]

Z is the sum over all sequences of tags; walking from word to word with one number for each tag adds them all up.
`from_scratch/crf.py` has the same in NumPy, with the gradient written out.
"""

from __future__ import annotations

import keras
from keras import ops


def chain_nats(scores, tags, mask):
    """-log P(tags) of each sentence.

    Args:
        scores: float32 (batch, time, tag before, tag); the first word has no tag before, all its rows are the same.
        tags: int (batch, time).
        mask: bool (batch, time), True where there is a real word; right-padded, the first is real.
    Returns:
        Nats (batch,).
    """
    num_tags = scores.shape[-1]
    before = ops.pad(tags[:, :-1], [[0, 0], [1, 0]])  # (batch, time)
    chosen = ops.take_along_axis(
        ops.reshape(scores, (-1, ops.shape(scores)[1], num_tags * num_tags)),
        (before * num_tags + tags)[:, :, None],
        axis=-1,
    )[:, :, 0]
    real = ops.cast(mask, scores.dtype)
    steps, here = ops.transpose(scores, (1, 0, 2, 3)), ops.transpose(real)[:, :, None]  # time first

    def step(log_alpha, t):
        """log_alpha (batch, tags): of all beginnings that end in a tag."""
        longer = ops.logsumexp(log_alpha[:, :, None] + ops.take(steps, t, axis=0), axis=1)
        log_alpha = log_alpha + ops.take(here, t, axis=0) * (longer - log_alpha)
        return log_alpha, log_alpha

    log_alpha, _ = ops.scan(step, steps[0, :, 0, :], ops.arange(1, ops.shape(scores)[1]))
    return ops.logsumexp(log_alpha, axis=-1) - ops.sum(chosen * real, axis=1)


class ChainLearner(keras.Model):
    """A tagger as it is trained: inputs to scores, with the nats for a word as its loss."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        nats = chain_nats(ops.cast(y_pred, "float32"), ops.cast(y, "int32"), sample_weight > 0)
        return ops.sum(nats) / ops.sum(sample_weight) + sum(self.losses)
