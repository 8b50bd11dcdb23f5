"""Settings of rating models for tests: all that a run would find out from its data is given."""

from __future__ import annotations

from sentiment.config import SentimentConfig

GIVEN = {
    "min_rating": 1.0, "max_rating": 10.0, "head": "categorical", "ngrams": 0, "batch_size": 64, "num_epochs": 6,
    "learning_rate": 0.002, "ema_momentum": 0.995, "patience": 3,
}  # fmt: skip


def settings(**given) -> SentimentConfig:
    """A rating model without a wide part, on the scale of 1 to 10, unless given otherwise."""
    return SentimentConfig(**{**GIVEN, **given})
