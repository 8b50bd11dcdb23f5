"""Recurrent networks for ratings, with regression, ordinal or categorical output; wide-and-deep; bag-of-words.

lstm, gru, simple-rnn:   words -> vectors -> recurrent layers, one or both directions -> pooled states -> rating
bow:                     a bag of words under a hidden layer, rating = w . sigmoid(W counts + b)
cbow:                    the mean word vector under a hidden layer

regression:   features -> rating; with a wide part: score of the features + score of n-grams -> rating, spread
ordinal:      features -> one score -> is it above level 1? 2? … -> mean, spread
categorical:  features -> is it at level 1? 2? …                 -> mean, spread
"""

from __future__ import annotations

import keras

from common.networks import layer_names
from common.networks.layers import (
    AttentionPooling,
    ExpectedLevel,
    FlipTime,
    MaskedPooling,
    ScoreSpread,
    SparseLinear,
)
from common.networks.lstm import LSTM
from sentiment.config import SentimentConfig
from sentiment.loader import rating_levels

WEIGHTED = "mean_with_sample_weight"  # a review of weight 0 does not count
RECURRENT_LAYERS = {"lstm": LSTM, "gru": keras.layers.GRU, "simple-rnn": keras.layers.SimpleRNN}


def build_model(config: SentimentConfig, vocab_size: int, num_ngrams: int = 0) -> keras.Model:
    """Build an uncompiled rating model.

    Args:
        config: the settings.
        vocab_size: number of token ids.
        num_ngrams: rows of the table of the wide part; 0: there is none.
    Returns:
        `{"token_ids": int32 (batch, time), "mask": bool (batch, time)}` to `{"rating": (batch, 1)}`; from the heads
        `ordinal` and `categorical` also `"spread"` (batch, 1), the standard deviation of the rating, and `"logits"`
        (batch, levels - 1 or levels). With a wide part it also takes `ngram_ids` int32 (batch, terms) and
        `ngram_values` float32 (batch, terms), and has a `"spread"` too.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")  # (batch, time)
    mask = keras.Input((None,), dtype="bool", name="mask")  # (batch, time)
    if config.architecture == "bow":
        features = _bag_of_words(token_ids, mask, config, vocab_size)
    elif config.architecture == "cbow":
        features = _continuous_bag_of_words(token_ids, mask, config, vocab_size)
    else:
        features = _recurrent_encoder(token_ids, mask, config, vocab_size)
    inputs = {"token_ids": token_ids, "mask": mask}
    if num_ngrams:
        inputs["ngram_ids"] = keras.Input((None,), dtype="int32", name="ngram_ids")  # (batch, terms)
        inputs["ngram_values"] = keras.Input((None,), dtype="float32", name="ngram_values")  # (batch, terms)
        wide = SparseLinear(num_ngrams, name=layer_names.WIDE, dtype="float32")
        answers = _wide_and_deep(features, wide(inputs["ngram_ids"], inputs["ngram_values"]), config)
    else:
        answers = _head(features, config)
    return keras.Model(inputs, answers, name=f"sentiment_{config.architecture}")


def learner_and_loss(model: keras.Model, config: SentimentConfig) -> tuple[keras.Model, keras.losses.Loss]:
    """The part of a model that learns from the targets of `sentiment.loader.make_targets`, and by what."""
    losses = keras.losses
    output, loss = {
        "regression": ("rating", losses.MeanSquaredError(reduction=WEIGHTED)),
        "ordinal": ("logits", losses.BinaryCrossentropy(from_logits=True, reduction=WEIGHTED)),
        "categorical": ("logits", losses.CategoricalCrossentropy(from_logits=True, reduction=WEIGHTED)),
    }[config.head]
    for layer in model.layers:
        for part in (layer, getattr(layer, "forward_layer", layer), getattr(layer, "backward_layer", layer)):
            if isinstance(part, LSTM):
                part.gradient_length = config.tbptt_length
    if config.adversarial_epsilon:
        from sentiment.adversarial import AdversarialLearner  # needs TensorFlow, which the rest does not

        return AdversarialLearner(model, output, config.adversarial_epsilon), loss
    if config.ngrams:
        return deep_part(model, layer_names.SCORE), loss
    return keras.Model(model.input, model.output[output], name="training"), loss


def deep_part(model: keras.Model, layer: str) -> keras.Model:
    """The part of a wide-and-deep network that reads the words in order, up to a layer: `SCORE` or `FEATURES`."""
    inputs = {name: model.input[name] for name in ("token_ids", "mask")}
    return keras.Model(inputs, model.get_layer(layer).output, name="deep")


def _wide_and_deep(features, wide, config: SentimentConfig) -> dict:
    """Add the scores of both parts; Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems"."""
    deep = keras.layers.Dense(1, kernel_initializer="zeros", name=layer_names.SCORE, dtype="float32")
    total = keras.layers.Add(name=layer_names.TOTAL, dtype="float32")([deep(features), wide])  # (batch, 1), -1 to 1
    middle, half = (config.max_rating + config.min_rating) / 2, (config.max_rating - config.min_rating) / 2
    spread = ScoreSpread(name=layer_names.SPREAD, dtype="float32")(total)
    return {
        "rating": keras.layers.Rescaling(half, offset=middle, name=layer_names.RATING, dtype="float32")(total),
        "spread": keras.layers.Rescaling(half, name="spread_of_rating", dtype="float32")(spread),
    }


def _head(features, config: SentimentConfig) -> dict:
    """Turn the features of a text (batch, features) into the answers of the model."""
    if config.head == "regression":
        score = keras.layers.Dense(1, name=layer_names.SCORE, dtype="float32")(features)  # (batch, 1), about -1 to 1
        middle, half = (config.max_rating + config.min_rating) / 2, (config.max_rating - config.min_rating) / 2
        return {"rating": keras.layers.Rescaling(half, offset=middle, name=layer_names.RATING, dtype="float32")(score)}
    levels = rating_levels(config)
    if config.head == "categorical":
        logits = keras.layers.Dense(len(levels), name="logits", dtype="float32")(features)  # (batch, levels)
    else:
        # One score for all levels, each with a place and a steepness of its own: McCullagh 1980, "Regression Models
        # for Ordinal Data", where all are equally steep.
        score = keras.layers.Dense(1, use_bias=False, name=layer_names.SCORE, dtype="float32")(features)  # (batch, 1)
        logits = keras.layers.Dense(
            len(levels) - 1, kernel_initializer="ones", name=layer_names.LOGITS, dtype="float32"
        )(score)
    mean_and_spread = ExpectedLevel(levels.tolist(), config.head == "ordinal", name="expected_level", dtype="float32")
    rating, spread = mean_and_spread(logits)  # (batch, 1)
    return {"logits": logits, "rating": rating, "spread": spread}


def _recurrent_encoder(token_ids, mask, config: SentimentConfig, vocab_size: int):
    """Word vectors through recurrent layers; Hochreiter & Schmidhuber 1997, Cho et al. 2014, Elman 1990."""
    states = keras.layers.Embedding(vocab_size, config.embedding_dim, name=layer_names.EMBEDDING)(token_ids)
    # The same dimensions at every word of a text: Gal & Ghahramani 2016, "A Theoretically Grounded Application of
    # Dropout in Recurrent Neural Networks". It keeps 2 million numbers in word vectors from learning films by heart.
    dropout = keras.layers.SpatialDropout1D(config.word_vector_dropout, name=layer_names.WORD_VECTOR_DROPOUT)
    states = dropout(states)  # (batch, time, features)
    for number in range(config.num_layers):
        if number:
            states = keras.layers.Dropout(config.dropout)(states)
        # "last" is the state after the last word; from the other end, the state after the first.
        ends_here = config.pooling == "last" and number == config.num_layers - 1
        states = _read(states, mask, number, not ends_here, config)  # (batch, time, states); (batch, states) for "last"
    if config.pooling == "last":
        return keras.layers.Dropout(config.dropout, name=layer_names.FEATURES)(states)  # (batch, features)
    if config.pooling == "attention":
        pooled = [AttentionPooling(config.units, name="attention")(states, mask=mask)]
    else:
        pooled = [MaskedPooling(mode)(states, mask=mask) for mode in config.pooling.split("-")]
    features = keras.layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]
    return keras.layers.Dropout(config.dropout, name=layer_names.FEATURES)(features)  # (batch, features)


def _read(inputs, mask, number: int, every_step: bool, config: SentimentConfig):
    """A recurrent layer in one direction or in both: its states at every step, or the last ones."""
    recurrent, name = RECURRENT_LAYERS[config.architecture], layer_names.recurrent(number)
    # Zeros at padding, which nobody reads, save the work of repeating the state before it.
    settings = {"return_sequences": True, "zero_output_for_mask": True} if every_step else {}
    layer = recurrent(config.units, **settings, name=name)
    if config.directions != "asymmetric":
        return (keras.layers.Bidirectional(layer, name=name) if config.directions == "both" else layer)(
            inputs, mask=mask
        )
    # Keras' Bidirectional layer wants two directions of one size.
    backward = recurrent(config.backward_units, **settings, go_backwards=True, name=layer_names.backward(number))
    forward_states, backward_states = layer(inputs, mask=mask), backward(inputs, mask=mask)
    if every_step:
        backward_states = FlipTime()(backward_states)
    # All states of a direction or none: Neverova et al. 2016, "ModDrop: Adaptive Multi-modal Gesture Recognition".
    # One that knows enough already would leave the other nothing to learn.
    one_for_all = (None, 1, 1) if every_step else (None, 1)
    both = [keras.layers.Dropout(config.direction_dropout, one_for_all)(x) for x in (forward_states, backward_states)]
    return keras.layers.Concatenate()(both)


def _bag_of_words(token_ids, mask, config: SentimentConfig, vocab_size: int):
    """The first layer of an MLP over word counts, W counts, is the sum of the columns of W of the words there are.

    So it is an embedding, summed: the same numbers without a vector of `vocab_size` counts for each review. Every text
    begins with the same token; its column is the bias b.
    """
    columns = keras.layers.Embedding(vocab_size, config.units, name=layer_names.EMBEDDING)(
        token_ids
    )  # (batch, time, units)
    hidden = keras.layers.Activation("sigmoid")(MaskedPooling("sum")(columns, mask=mask))  # (batch, units)
    return keras.layers.Dropout(config.dropout, name=layer_names.FEATURES)(hidden)


def _continuous_bag_of_words(token_ids, mask, config: SentimentConfig, vocab_size: int):
    """The mean word vector under a hidden layer, as in Iyyer et al. 2015's deep averaging network."""
    vectors = keras.layers.Embedding(vocab_size, config.embedding_dim, name=layer_names.EMBEDDING)(token_ids)
    mean = MaskedPooling("mean")(vectors, mask=mask)  # (batch, features)
    hidden = keras.layers.Dense(config.units, activation="tanh", name="hidden")(mean)  # (batch, units)
    return keras.layers.Dropout(config.dropout, name=layer_names.FEATURES)(hidden)
