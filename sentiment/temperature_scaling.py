"""Temperature scaling: calibrate the predicted probabilities on validation data.

Guo et al. 2017, "On Calibration of Modern Neural Networks": networks are often overconfident, and one number corrects
most of that, the *temperature*, by which all logits are divided. It is fitted on reviews that the network was not
trained on. The most likely rating stays the same; the mean of the ratings, which is the answer, moves towards the
middle where the probabilities are spread out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from common.networks import layer_names

HOTTEST = 10.0  # and the coldest is 1 / HOTTEST


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """Find the temperature under which the true ratings are most likely.

    Args:
        logits: of a network with the head `categorical`, (reviews, levels).
        targets: of `sentiment.loader.make_targets` for the same reviews, (reviews, levels).
    Returns:
        From 0.1 to 10; above 1 if the network is overconfident.
    """

    def loss(log_temperature: float) -> float:
        return -float((targets * log_softmax(logits / np.exp(log_temperature), axis=1)).sum(axis=1).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-np.log(HOTTEST), np.log(HOTTEST)), method="bounded").x))


def divide_logits(model: Any, temperature: float) -> None:
    """Make a network's logits smaller by a factor, in the weights of the layer that they come from."""
    layer = model.get_layer(layer_names.LOGITS)
    layer.set_weights([weight / temperature for weight in layer.get_weights()])
