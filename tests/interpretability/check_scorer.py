"""What must hold of every scorer of a task, for its own tests."""

from __future__ import annotations

import numpy as np
import pytest

from interpretability.attribution import attribute
from interpretability.config import AttributionConfig


def check_scorer(scorer, token=1, step=0.003):
    """Vectors in, the same score out; gradients as finite differences say; complete from unknown words.

    Args:
        scorer: the scorer.
        token: index of the token whose strongest feature is moved.
        step: how far.
    """
    x, unknown = scorer.vectors(False), scorer.vectors(True)
    assert x.shape == unknown.shape
    assert len(x) == len(scorer.tokens)
    scores, gradients = scorer.differentiate(np.stack([x, unknown]))
    kept = np.stack([np.ones(len(x), bool), np.zeros(len(x), bool)])
    np.testing.assert_allclose(scores, scorer.score(kept, "unk"), atol=1e-5)

    feature = int(np.abs(gradients[0, token]).argmax())
    moved = np.repeat(x[None], 2, axis=0)
    moved[0, token, feature] += step
    moved[1, token, feature] -= step
    high, low = scorer.differentiate(moved)[0]
    assert abs(gradients[0, token, feature]) > 1e-4
    assert (high - low) / (2 * step) == pytest.approx(gradients[0, token, feature], rel=0.05, abs=2e-4)

    found = attribute(scorer, AttributionConfig("integrated-gradients"))
    assert np.abs(found.weights).max() > 1e-4
    assert found.relative_gap < 0.02  # tiny probabilities have the largest: 1.3%
