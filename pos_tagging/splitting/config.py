"""Every setting of the splitter: its network, and how it learns.

The defaults were chosen on the validation split of UD English-EWT; pos_tagging/EXPERIMENTS.md has the log.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from common.settings import TrainingConfig, setting

MODEL, DATA = "model", "data"
FILTER_WIDTH = 5  # characters


@dataclass(frozen=True)
class SplitterConfig(TrainingConfig):
    """Settings of a splitter."""

    character_dim: int = setting(24, "size of a character vector", minimum=1, group=MODEL)
    context_dim: int = setting(8, "size of the vector of a character's case and gaps", minimum=1, group=MODEL)
    filters: int = setting(48, "convolution filters over characters", minimum=1, group=MODEL)
    units: int = setting(40, "size of the hidden state, for each direction", minimum=1, group=MODEL)
    dropout: float = setting(0.2, "dropout rate before and after the recurrent layer", minimum=0, maximum=0.99)
    window: int = setting(150, "characters of a training example", minimum=8, group=DATA)
    lower_case_rate: float = setting(
        0.05, "data augmentation: share of examples in lower case", minimum=0, maximum=1, group=DATA
    )
    apostrophe_dropout: float = setting(
        0.05, "data augmentation: share of apostrophes within tokens left out", minimum=0, maximum=1, group=DATA
    )
    repetition_rate: float = setting(
        0.05, "data augmentation: share of repeated marks repeated more often", minimum=0, maximum=1, group=DATA
    )

    num_epochs: int = setting(0, "passes over the training text; 0 = by its size", minimum=0)
    batch_size: int = setting(0, "examples in a batch; 0 = by the size of the text", minimum=0)
    learning_rate: float = setting(0.003, "peak learning rate of AdamW", minimum=0)
    ema_momentum: float = setting(0.995, "weight averaging (EMA): momentum per step; 0 = off", minimum=0, maximum=1)
    patience: int = setting(100, "early stopping: epochs in a row without a better validation score", minimum=0)

    def sized(self, num_characters: int) -> SplitterConfig:
        """Choose batch size and epochs by the length of the training text: a network needs some 1,900 steps."""
        num_windows = max(num_characters // self.window, 1)
        batch_size = self.batch_size or (64 if num_windows >= 4000 else 32 if num_windows >= 2000 else 16)
        epochs = max(12, min(60, math.ceil(1900 / math.ceil(num_windows / batch_size))))
        return replace(self, batch_size=batch_size, num_epochs=self.num_epochs or epochs)
