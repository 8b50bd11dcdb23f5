"""Every setting of the sentiment task: its default, its meaning, its unit.

The defaults were chosen on the IMDb training reviews, validation cut by film; sentiment/EXPERIMENTS.md has the log.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from common.errors import InputError
from common.networks.rating_levels import MAX_LEVELS
from common.settings import ReadingConfig, TrainingConfig, flag_of, setting
from sentiment.scale import LARGEST

TASK, DEFAULT_NAME = "sentiment", "reviews"
RECURRENT = ("lstm", "gru", "simple-rnn")
ARCHITECTURES = (*RECURRENT, "bow", "cbow")
HEADS = ("categorical", "ordinal", "regression")
POOLINGS = ("last", "mean", "max", "mean-max", "attention")
DIRECTIONS = ("forward", "backward", "both", "asymmetric")
MODEL, REGULARIZATION, DISTILLATION, FINE_TUNING, VOCABULARY, DATA = (
    "model", "regularization", "distillation", "fine-tuning", "vocabulary and length", "data",
)  # fmt: skip


@dataclass(frozen=True)
class SentimentConfig(TrainingConfig, ReadingConfig):
    """Settings of a rating model."""

    OLD_NAMES: ClassVar[Mapping[str, str]] = {
        **TrainingConfig.OLD_NAMES,
        "linear_teacher": "nbsvm_weight",
        "adversarial_size": "adversarial_epsilon",
        "gradient_length": "tbptt_length",
        "calibrate": "temperature_scaling",
        "layer_rate_decay": "layerwise_lr_decay",
    }

    OLD_FLAGS: ClassVar[Mapping[str, str]] = {
        "bidirectional": "--directions both or --directions forward",
        "reverse": "--directions backward",
    }

    architecture: str = setting("lstm", "network", ARCHITECTURES, group=MODEL, basic=True)
    directions: str = setting(
        "both",
        "reading direction",
        DIRECTIONS,
        group=MODEL,
        basic=True,
    )
    num_layers: int = setting(1, "stacked recurrent layers", minimum=1, maximum=8, group=MODEL)
    units: int = setting(96, "size of the hidden state, for each direction", minimum=1, group=MODEL, basic=True)
    backward_units: int = setting(
        0, "hidden state of the backward direction, with --directions asymmetric", minimum=0, group=MODEL
    )
    pooling: str = setting("mean-max", "pooling of the hidden states", POOLINGS, group=MODEL)
    head: str = setting(
        "regression",
        "output layer",
        HEADS,
        group=MODEL,
        basic=True,
    )
    ngrams: int = setting(
        -1,
        "wide part: linear model of TF-IDF of n-grams up to this length (Cheng et al. 2016), with --head regression; "
        "0 = off; -1 = 2, or 3 of characters, where it can be",
        minimum=-1,
        maximum=5,
        group=MODEL,
    )
    max_ngrams: int = setting(100_000, "n-grams of the wide part, at most", minimum=1, group=MODEL)
    embedding_dim: int = setting(100, "size of a word vector", minimum=1, group=MODEL)
    word_vectors: str = setting(
        "cooccurrence",
        "initial word vectors: SVD of co-occurrences, random, or those of another option",
        ("cooccurrence", "random", "given"),
        group=MODEL,
    )
    word_vector_dropout: float = setting(
        0.4, "variational dropout of the word vectors' dimensions", minimum=0, maximum=0.99, group=REGULARIZATION
    )
    dropout: float = setting(
        0.5, "dropout rate between layers", minimum=0, maximum=0.99, group=REGULARIZATION, basic=True
    )
    word_dropout: float = setting(
        0.3, "share of training words replaced by <unk>", minimum=0, maximum=0.99, group=REGULARIZATION
    )
    direction_dropout: float = setting(
        0.0,
        "probability of zeroing one direction's states for a whole text, each independently (asymmetric)",
        minimum=0,
        maximum=0.99,
        group=REGULARIZATION,
    )
    adversarial_epsilon: float = setting(
        0.0,
        "adversarial training: L2 norm of the perturbation of the word vectors (3 to 10); 0 = off",
        minimum=0,
        group=REGULARIZATION,
    )
    nbsvm_weight: float = setting(
        0.0,
        "shift of the --teachers' log-odds of a good text, in margins of an NB-SVM (2 to 3); 0 = off",
        minimum=0,
        group=DISTILLATION,
    )
    temperature_scaling: bool = setting(
        False, "calibrate the probabilities on the validation split (Guo et al. 2017)", group=DISTILLATION
    )
    layerwise_lr_decay: float = setting(
        1.0, "factor by which the learning rate falls from layer to layer, downwards", minimum=1, group=FINE_TUNING
    )
    unfreeze_epochs: float = setting(
        0.0,
        "gradual unfreezing: epochs until the next lower layer is trained too; --num-epochs: never",
        minimum=0,
        group=FINE_TUNING,
    )
    new_words: int = setting(
        0, "words that the pretrained model lacks put behind its vocabulary, at most", minimum=0, group=FINE_TUNING
    )

    max_vocab_size: int = setting(20_000, "size of the vocabulary, at most", minimum=5, group=VOCABULARY)
    min_count: int = setting(2, "smallest count in training of a word in the vocabulary", minimum=1, group=VOCABULARY)
    lowercase: bool = setting(True, "lower-case the words", group=VOCABULARY)
    max_length: int = setting(
        4000, "longest text, in tokens; longer ones are truncated; 0 = no limit", minimum=0, group=VOCABULARY
    )
    truncation: str = setting(
        "both",
        "part of a longer text that is kept; both: a quarter from the head",
        ("head", "tail", "both"),
        group=VOCABULARY,
    )
    tbptt_length: int = setting(
        0, "truncated back-propagation through time: tokens, at most (lstm); 0 = all", minimum=0, group=VOCABULARY
    )

    text_column: str = setting("review", "column of the text", group=DATA, basic=True)
    rating_column: str = setting("rating", "column of the rating", group=DATA, basic=True)
    group_column: str | None = setting(
        None, "column of what a review is about: a group is not split between training and validation", group=DATA
    )
    # None until a run has found them out.
    min_rating: float = setting(
        None, "worst rating of the scale; none: found out from the data", minimum=-LARGEST, maximum=LARGEST, group=DATA,
        basic=True,
    )  # fmt: skip
    max_rating: float = setting(
        None, "best rating of the scale; none: found out from the data", minimum=-LARGEST, maximum=LARGEST, group=DATA,
        basic=True,
    )  # fmt: skip
    labels: str = setting("", "what words in the rating column mean: bad=1,good=5", group=DATA, basic=True)
    skip_bad_rows: bool = setting(
        False, "leave out rows without a text or a rating, and say how many", group=DATA, basic=True
    )

    batch_size: int = setting(0, "reviews in a batch; 0 = by the size of the data", minimum=0)
    num_epochs: int = setting(0, "most passes over the training split; 0 = by data size", minimum=0)
    learning_rate: float = setting(0.0, "peak learning rate of AdamW; 0 = by the size of the data", minimum=0)
    ema_momentum: float = setting(
        -1, "weight averaging (EMA): momentum per step; 0 = off; -1 = by the size of the data", minimum=-1, maximum=1
    )
    patience: int = setting(
        -1,
        "early stopping: epochs in a row without a better validation score; -1 = by the size of the data",
        minimum=-1,
    )

    @classmethod
    def upgrade(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Give the settings of an older bundle the names and words that they have now.

        >>> SentimentConfig.upgrade({"bidirectional": False, "backward_units": 96, "head": "class"})
        {'backward_units': 96, 'head': 'categorical', 'directions': 'asymmetric'}
        """
        values = super().upgrade(values)
        if values.get("head") == "class":
            values["head"] = "categorical"
        if "bidirectional" in values:
            both, reverse = values.pop("bidirectional"), values.pop("reverse", False)
            if reverse and (both or values.get("backward_units")):
                raise InputError("--reverse with two directions, of an older version; train the model again")
            one = "backward" if reverse else "forward"
            values["directions"] = "asymmetric" if values.get("backward_units") else "both" if both else one
        return values

    def sized(self, num_reviews: int, fine_tuning: bool) -> SentimentConfig:
        """Choose the settings of optimization that are left to the size of the data.

        Few reviews are read more often and in smaller batches: a network needs some hundred steps, however small
        the file. sentiment/EXPERIMENTS.md has the trials.

        Args:
            num_reviews: in the training split.
            fine_tuning: whether the run starts from a pretrained model.
        """
        batch_size = self.batch_size or (
            64 if num_reviews >= 8000 else 32 if fine_tuning or num_reviews >= 2000 else 16
        )
        steps = math.ceil(num_reviews / batch_size)
        if fine_tuning:
            epochs, rate = (4 if num_reviews < 8000 else 2), 8e-4 * min(1.0, math.sqrt(num_reviews / 1000))
            patience, momentum = 4, 0.0
        else:
            epochs, rate = max(6, min(30, math.ceil(1000 / steps))), 0.002
            patience, momentum = max(3, epochs // 4), 0.995 if steps >= 100 else 0.98
        epochs = self.num_epochs or epochs
        return replace(
            self,
            batch_size=batch_size,
            num_epochs=epochs,
            learning_rate=self.learning_rate or round(rate, 6),
            patience=patience if self.patience < 0 else self.patience,
            ema_momentum=momentum if self.ema_momentum < 0 else self.ema_momentum,
        )

    def validate(self) -> None:
        """Check every setting by itself, and those that exclude each other.

        Raises:
            InputError: the setting, and what would do.
        """
        super().validate()
        needs = {"tbptt_length": ("lstm",), "adversarial_epsilon": RECURRENT, "backward_units": RECURRENT}
        for name, able in needs.items():
            if getattr(self, name) and self.architecture not in able:
                others = " or ".join(able)
                raise InputError(
                    f"{flag_of(name)}: not with --architecture {self.architecture}; leave it out, or take {others}"
                )
        asymmetric = self.directions == "asymmetric"
        for name in ("backward_units", "direction_dropout"):
            if getattr(self, name) and not asymmetric:
                raise InputError(f"{flag_of(name)}: only with --directions asymmetric; leave it out, or add that")
        if asymmetric and not self.backward_units:
            raise InputError("--directions asymmetric: add --backward-units, the size of the backward direction")
        if self.ngrams > 0 and self.head != "regression":
            raise InputError(f"--ngrams: not with --head {self.head}; leave it out, or take regression")
        if self.temperature_scaling and self.head != "categorical":
            raise InputError(f"--temperature-scaling: not with --head {self.head}; leave it out, or take categorical")
        if self.nbsvm_weight and self.head != "categorical":
            raise InputError(f"--nbsvm-weight: not with --head {self.head}; leave it out, or take categorical")
        if self.min_rating is None or self.max_rating is None:
            return  # found out from the data, and checked again then
        if not self.min_rating < self.max_rating:
            raise InputError(
                f"--min-rating {self.min_rating:g} is not below --max-rating {self.max_rating:g}; "
                "give the ends of the scale"
            )
        if self.head != "regression" and self.max_rating - self.min_rating >= MAX_LEVELS:
            raise InputError(
                f"--head {self.head}: a rating for each step from {self.min_rating:g} to {self.max_rating:g} is too "
                f"many, the most is {MAX_LEVELS:,}; take --head regression"
            )
