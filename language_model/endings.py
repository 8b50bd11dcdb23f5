"""Which ending belongs to a text? Its own last sentence against that of another text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from language_model.loader import split_ending, split_text
from language_model.predict import LanguageModel

# Token lists to the log-probabilities of their tokens and end, for a network and for n-grams alike.
Scorer = Callable[[Sequence[Sequence[str]]], Sequence[np.ndarray]]


def split_endings(texts: Sequence[str], model: LanguageModel) -> tuple[list[list[str]], list[list[str]]]:
    """Part texts of two sentences or more into what comes before the last sentence and the last sentence, as tokens."""
    parts = [(before, last) for before, last in map(split_ending, texts) if before.strip()]
    contexts = [split_text(before, model.config) for before, _ in parts]
    return contexts, [split_text(last, model.config) for _, last in parts]


def compare_endings(
    contexts: Sequence[list[str]], endings: Sequence[list[str]], score: Scorer
) -> dict[str, np.ndarray]:
    """For each text, whether its own ending is preferred to another text's.

    Every ending is used once in its own place and once in another's, so no ending wins by being easy in itself.

    Args:
        contexts: the tokens of each text before its ending.
        endings: the tokens of each ending.
        score: gives log-probabilities.
    Returns:
        Two float arrays (texts,), 1 where the own ending wins. `ending_accuracy`: it is more likely per token.
        `ending_gain_accuracy`: the context makes it likelier by more, log p(ending | context) - log p(ending), its
        pointwise mutual information with the context (Schwartz et al. 2017, "The Effect of Different Writing Tasks on
        Linguistic Style"); that an ending has common words no longer counts for it.
    """
    order = np.random.default_rng(0).permutation(len(endings))
    other = np.empty(len(order), int)
    other[order] = np.roll(order, 1)  # one round through all texts: none meets its own ending
    alone = np.array([row.sum() for row in score(endings)])

    def likelihood_and_gain(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        whole = [[*context, *endings[i]] for context, i in zip(contexts, chosen, strict=True)]
        rows = [row[-len(endings[i]) - 1 :] for row, i in zip(score(whole), chosen, strict=True)]
        return np.array([row.mean() for row in rows]), np.array([row.sum() for row in rows]) - alone[chosen]

    own, others = likelihood_and_gain(np.arange(len(endings))), likelihood_and_gain(other)
    names = ("ending_accuracy", "ending_gain_accuracy")
    return {name: (a > b).astype(float) for name, a, b in zip(names, own, others, strict=True)}
