"""Targets of a scale, and the moments that lead back from them."""

from __future__ import annotations

import numpy as np
import pytest

from common.networks.rating_levels import level_moments, level_targets
from common.networks.specs.outputs import EXPECTED_LEVEL

LEVELS = np.array([1.0, 2, 4, 10])
VALUES = np.array([1, 1.5, 2, 3, 4, 7, 9.4, 10])


@pytest.mark.parametrize("ordinal", [False, True])
def test_the_mean_of_a_target_is_its_value(ordinal):
    targets = level_targets(VALUES, LEVELS, ordinal)
    assert targets.shape == (len(VALUES), 3 if ordinal else 4)
    assert targets.dtype == np.float32
    assert targets.min() >= 0
    middle, weights, start = level_moments(LEVELS, ordinal)
    np.testing.assert_allclose((targets @ weights + start)[:, 0] + middle, VALUES, rtol=1e-6)


def test_targets_by_hand():
    np.testing.assert_allclose(level_targets(np.array([9.4]), LEVELS, False), [[0, 0, 0.1, 0.9]], atol=1e-6)
    np.testing.assert_allclose(level_targets(np.array([9.4]), LEVELS, True), [[1, 1, 0.9]], atol=1e-6)


def test_mean_squares_about_the_middle():
    """Of 1 and of 10, as likely as not: both are 4.5 from the middle."""
    for ordinal, probabilities in ((False, [0.5, 0, 0, 0.5]), (True, [0.5, 0.5, 0.5])):
        middle, weights, start = level_moments(LEVELS, ordinal)
        assert middle == 5.5
        np.testing.assert_allclose(np.array(probabilities) @ weights + start, [0, 4.5**2], atol=1e-6)


def test_a_scale_has_two_levels_at_least():
    are_levels = EXPECTED_LEVEL.needed["levels"]
    assert are_levels([0.0, 1.0])
    assert are_levels([1.0, 2.0, 3.0])
    for wrong in ([], [1.0], [1.0, "2"], [1.0, 1e10], "12", (1.0, 2.0)):
        assert not are_levels(wrong), wrong
