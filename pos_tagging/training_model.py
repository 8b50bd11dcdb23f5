"""Loss of a tagger: negative log-likelihood (nats) of the tags, each by itself or of a whole sentence under a CRF.

    -log P(tags)  =  log Z - sum over the words of scores[word, tag before, tag]

Z is the sum over all sequences of tags, which the forward algorithm computes word by word, with one number a tag.
`from_scratch/crf.py` has the same in NumPy, with the gradient written out.
"""

from __future__ import annotations

import keras
from keras import ops

from common.networks import layer_names

FURTHER_WEIGHT = 0.5  # of the further tags in the loss


def chain_nats(scores, tags, mask):
    """Negative log-likelihood of the tags of each sentence under a CRF: -log P(tags).

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


class TaggingLearner(keras.Model):
    """A tagger in training; its loss is the mean negative log-likelihood of a word, in nats.

    Args:
        model: of `pos_tagging.model.build_model`.
        num_further: multi-task learning (Caruana 1997, "Multitask Learning"): number of tags of another kind, predicted
            from the same features while training; 0 = off. Their output layer is not part of the model.
    """

    def __init__(self, model: keras.Model, num_further: int = 0) -> None:
        # A model with a state gives it beside the answer; the loss looks at the answer alone.
        answers = dict(model.output) if isinstance(model.output, dict) else {"logits": model.output}
        answers.pop("state", None)
        if num_further:
            features = model.get_layer(layer_names.LOGITS).input
            answers["further"] = keras.layers.Dense(num_further, name="further", dtype="float32")(features)
        super().__init__(model.input, answers, name="training")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        tags = ops.cast(y, "int32")
        further = None
        if "further" in y_pred:
            tags, further = tags[..., 0], tags[..., 1]
        if "scores" in y_pred:
            nats = ops.sum(chain_nats(y_pred["scores"], tags, sample_weight > 0))
        else:
            nats = ops.sum(_nats(y_pred["logits"], tags) * sample_weight)
        if further is not None:
            nats += FURTHER_WEIGHT * ops.sum(_nats(y_pred["further"], further) * sample_weight)
        return nats / ops.sum(sample_weight)


def _nats(logits, tags):
    """-log P of each tag by itself, (batch, time)."""
    return keras.losses.sparse_categorical_crossentropy(tags, logits, from_logits=True)
