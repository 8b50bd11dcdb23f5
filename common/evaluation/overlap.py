"""Test examples that are also training examples: the scores without them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from common.evaluation.metrics import format_score


def score_without_known(
    examples: Sequence[Hashable],
    known: Sequence[Hashable],
    score: Callable[[NDArray[np.intp]], Mapping[str, float]],
    where: str,
    names: Sequence[str],
) -> tuple[dict[str, float], list[str]]:
    """Score the test examples that are not also training examples.

    Args:
        examples: the test examples: texts, or tuples of tokens.
        known: the training examples.
        score: indices of test examples to named scores.
        where: what the examples are, and where they are too, in words.
        names: the scores to show.
    Returns:
        The scores and `num_examples`, and a line that says them; both empty if all examples are new, or none.
    """
    seen = set(known)
    new = np.flatnonzero([example not in seen for example in examples])
    if not 0 < len(new) < len(examples):
        return {}, []
    scores = {"num_examples": len(new), **score(new)}
    shown = ", ".join(f"{name} {format_score(name, scores)}" for name in names)
    return scores, [f"{len(examples) - len(new):,} of the {where}; without them {shown}"]
