"""What each score means, and which way is better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple


class Meaning(NamedTuple):
    """A score in words; `best` is the value of a perfect model."""

    text: str
    best: float = math.inf

    def __str__(self) -> str:
        better = {math.inf: "higher is better", -math.inf: "lower is better"}
        return f"{self.text}; {better.get(self.best, f'{self.best:g} is best')}"


HIGHER, LOWER = math.inf, -math.inf
MEANINGS: Mapping[str, Meaning] = {
    "r2": Meaning("share of the variance that is explained"),
    "r2_rounded": Meaning("the same, predictions rounded to whole ratings"),
    "rmse": Meaning("root mean squared error, in ratings", LOWER),
    "mae": Meaning("mean absolute error, in ratings", LOWER),
    "spearman": Meaning("rank correlation"),
    "qwk": Meaning("agreement beyond chance (quadratic weighted kappa)"),
    "binary_accuracy": Meaning("share put on the right side of the middle"),
    "error_in_spreads": Meaning("typical error, in predicted spreads", 1.0),
    "accuracy": Meaning("share of the words with the right tag"),
    "accuracy_known": Meaning("the same, of words that training saw"),
    "accuracy_unknown": Meaning("the same, of words that it did not see"),
    "accuracy_without_punctuation": Meaning("the same, of words with a letter or digit"),
    "sentence_accuracy": Meaning("share of the sentences without an error"),
    "macro_f1": Meaning("mean F1 over the tags"),
    "raw_words_f1": Meaning("F1 of the words found in raw text"),
    "raw_tags_f1": Meaning("F1 of words and tags found in raw text"),
    "raw_sentences_f1": Meaning("F1 of the sentences found in raw text"),
    "perplexity": Meaning("equally likely next tokens", LOWER),
    "nats_per_token": Meaning("surprise of a token, in nats", LOWER),
    "bits_per_character": Meaning("surprise of a character, in bits", LOWER),
    "ending_accuracy": Meaning("share of the given endings preferred to those of other texts"),
    "ending_gain_accuracy": Meaning("the same, by how much the context helps"),
}


def winners(name: str, systems: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The systems with the best value of a score; none if only one has it, or if it is undefined.

    >>> winners("rmse", {"model": {"rmse": 1.2}, "baseline": {"rmse": 1.4}})
    ['model']
    """
    values = {
        system: scores[name]
        for system, scores in systems.items()
        if isinstance(scores.get(name), int | float) and not math.isnan(scores[name])
    }
    if len(values) < 2 or name not in MEANINGS:
        return []
    best = MEANINGS[name].best
    distance = {HIGHER: lambda value: -value, LOWER: lambda value: value}.get(best, lambda value: abs(value - best))
    nearest = min(map(distance, values.values()))
    return [system for system, value in values.items() if distance(value) == nearest]
