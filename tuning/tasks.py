"""The tasks whose settings can be searched and compared: their settings, and the validation score that chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from common.evaluation.meanings import HIGHER, MEANINGS
from common.settings import TrainingConfig
from language_model.config import LanguageModelConfig
from pos_tagging.config import TaggingConfig
from sentiment.config import SentimentConfig


class Task(NamedTuple):
    """The class of a task's settings, and the name of the score that its `train` watches."""

    config_class: type[TrainingConfig]
    score: str

    @property
    def maximize(self) -> bool:
        """Whether a higher score is better."""
        return MEANINGS[self.score].best == HIGHER


TASKS: Mapping[str, Task] = {
    "sentiment": Task(SentimentConfig, "r2"),
    "language_model": Task(LanguageModelConfig, "perplexity"),
    "pos_tagging": Task(TaggingConfig, "accuracy"),
}
