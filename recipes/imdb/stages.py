"""The training runs of the rating model, in order, with all their settings.

1. Pretraining          `reviews`, `backwards`: language models of 512 units (Dai & Le 2015, Howard & Ruder 2018)
2. Self-training        `imdb_1` to `imdb_4`, `imdb_b`: rating models that teach each other (Xie et al. 2020)
3. Teachers             larger networks, one a direction: language model, fine-tuning, distillation from both
4. Student              `imdb_512`: `imdb_4` and a backward LSTM, distilled from the teachers (Hinton et al. 2015)
5. Structured pruning   `imdb_384`, and distillation once more, from `imdb_512`: the pretrained model
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from language_model.config import LanguageModelConfig
from recipes.imdb.prepare import Files
from recipes.program import Stage
from sentiment.config import SentimentConfig

DIRECTIONS = ("forward", "backward")
PRUNED_UNITS, PRUNED_UNITS_TRIAL = 384, 6

# Whole reviews, regularization that suits a network that starts from a language model.
FINE_TUNING = SentimentConfig(
    head="categorical", ngrams=0, min_rating=1.0, max_rating=10.0, batch_size=64, learning_rate=0.002, patience=3,
    max_length=0, tbptt_length=400, mixed_precision=True, num_epochs=2, layerwise_lr_decay=1.6, word_dropout=0.1,
    word_vector_dropout=0.2, dropout=0.4, ema_momentum=0.998,
)  # fmt: skip
FIRST = replace(FINE_TUNING, num_epochs=4, learning_rate=0.001, unfreeze_epochs=0.3, adversarial_epsilon=5.0)
FROM_LANGUAGE_MODEL = replace(FINE_TUNING, learning_rate=0.001, unfreeze_epochs=0.1)
FROM_RATING_MODEL = replace(FINE_TUNING, learning_rate=0.0007)

TEACHER_RATINGS = replace(
    FINE_TUNING, num_epochs=4, learning_rate=0.0015, unfreeze_epochs=0.08, max_gradient_norm=1.0, ema_momentum=0.0
)
TEACHER_AGAIN = replace(
    FINE_TUNING, learning_rate=0.0007, layerwise_lr_decay=1.3, nbsvm_weight=1.0, max_gradient_norm=1.0, ema_momentum=0.0
)
STUDENT = replace(
    FINE_TUNING, directions="asymmetric", backward_units=96, direction_dropout=0.2, nbsvm_weight=1.0, num_epochs=8,
    batch_size=128, learning_rate=0.0012, layerwise_lr_decay=1.25, max_gradient_norm=1.0, temperature_scaling=True,
)  # fmt: skip
FINAL = replace(
    FINE_TUNING, directions="asymmetric", backward_units=96, num_epochs=1, learning_rate=0.0004, layerwise_lr_decay=1.3,
    direction_dropout=0.1, ema_momentum=0.99,
    temperature_scaling=True,
)  # fmt: skip

ABOUT = (
    "Large Movie Review Dataset 1.0 (Maas et al. 2011, ACL): 25,000 film reviews from IMDb rated 1-4 and 7-10, the "
    "training half; a tenth of the films held out for validation. It is imdb_512 with a quarter of the units of one "
    "direction pruned (imdb_384), distilled again from the whole one. imdb_512 began as imdb_4, which began as the "
    "language model reviews, and was distilled from two larger networks on the training half, without the held-out "
    "films, and on 48,887 of the 50,000 unlabelled reviews, each once and none that is also a training or a test "
    "review; those networks were trained on nothing else. The language model reviews had read the whole training half "
    "and the unlabelled reviews, but for texts that are also test reviews. Neither these models nor the vocabulary "
    "have read the test file, but 123 of its reviews also stand in the training file; the scores without them are in a "
    "column of their own. No model was trained on the rating of a held-out review. The data set has no formal licence: "
    "research use, cite the paper; the reviews remain those of their authors."
)


def rate(path: Path, config: SentimentConfig, files: Files, start: Path, *teachers: Path, **options: Any) -> Stage:
    """A rating model that starts from another model; with teachers, it is distilled from them on unlabelled reviews."""
    about = options.pop("about_data", "")
    if teachers:
        options = {"teachers": teachers, "unlabelled": files.unlabelled, **options}
    return Stage("sentiment", path, files.train, config, {"groups": files.films, "start": start, **options}, about)


def self_training(files: Files, work: Path) -> list[Stage]:
    """Steps 1 and 2 but for `reviews`: rating models of one size that learn from the ratings and from each other."""
    reading_backwards = LanguageModelConfig(
        text_column="review", level="spaced", validation_split=0.01, lowercase=True, max_vocab_size=20_000,
        stateful=True, units=512, batch_size=64, tbptt_length=128, sampled_softmax_size=2000, num_epochs=3,
        learning_rate=0.002, warmup_ratio=0.02, input_dropout=0.1, hidden_dropout=0.1, dropout=0.2, weight_dropout=0.1,
        ema_momentum=0.998, patience=3,
    )  # fmt: skip
    reviews, backwards = work / "reviews", work / "backwards"
    first, second, third, fourth, other = (work / f"imdb_{name}" for name in "1234b")
    return [
        rate(first, FIRST, files, reviews),
        rate(second, replace(FROM_LANGUAGE_MODEL, nbsvm_weight=2.5), files, reviews, first),
        rate(third, replace(FROM_RATING_MODEL, nbsvm_weight=2.0), files, second, first, second),
        Stage("language_model", backwards, files.backwards, reading_backwards, {"start": "scratch"}),
        rate(
            other,
            replace(FROM_LANGUAGE_MODEL, directions="backward", nbsvm_weight=2.0),
            files, backwards, third,
        ),
        rate(
            fourth,
            replace(FROM_RATING_MODEL, nbsvm_weight=1.5, temperature_scaling=True),
            files, second, third, other,
        ),
    ]  # fmt: skip


def teachers(files: Files, work: Path) -> list[Stage]:
    """Step 3: for each direction a language model, its fine-tuning on the ratings, distillation from both of these."""
    reading = LanguageModelConfig(
        text_column="review", validation_split=0.01, lowercase=True, max_vocab_size=40_000, min_count=4, stateful=True,
        num_layers=3, units=1024, embedding_dim=512, batch_size=128, tbptt_length=64, num_epochs=4, learning_rate=0.002,
        warmup_ratio=0.05, input_dropout=0.15, hidden_dropout=0.15, dropout=0.2, ema_momentum=0.998, patience=3,
    )  # fmt: skip
    texts = {"forward": files.teacher_texts, "backward": files.teacher_texts_backwards}
    levels = {"forward": "word", "backward": "spaced"}
    rated = {direction: work / f"teacher_{direction}_rated" for direction in DIRECTIONS}
    stages = []
    for direction in DIRECTIONS:
        start = work / f"teacher_{direction}_reading"
        stages += [
            Stage(
                "language_model",
                start,
                texts[direction],
                replace(reading, level=levels[direction]),
                {"start": "scratch"},
            ),
            rate(rated[direction], replace(TEACHER_RATINGS, directions=direction), files, start),
        ]
    for direction in DIRECTIONS:
        stages.append(
            rate(work / f"teacher_{direction}", TEACHER_AGAIN, files, rated[direction], *rated.values())
        )  # fmt: skip
    return stages


def student(files: Files, work: Path) -> Stage:
    """Step 4: on whole texts and on windows of them; with true ratings, and with the soft targets of all texts."""
    both = [work / f"teacher_{direction}" for direction in DIRECTIONS]
    return rate(work / "imdb_512", STUDENT, files, work / "imdb_4", *both, unlabelled=files.student_texts)


def last(files: Files, work: Path, output_dir: Path) -> Stage:
    """Step 5, after pruning: an epoch of distillation, half an hour on 2 cores."""
    texts = {"unlabelled": files.some_unlabelled, "about_data": ABOUT}
    return rate(output_dir, FINAL, files, work / "imdb_384", work / "imdb_512", **texts)
