"""Make the language model `reviews`: python -m recipes.reviews --data FOLDER --work FOLDER --output-dir DIR"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from language_model.config import LanguageModelConfig
from recipes.program import Places, Stage, evaluate, is_made, main, train
from recipes.reviews.capitals import add_capitals
from recipes.reviews.prepare import known_texts, scored_texts

ABOUT = (
    "Large Movie Review Dataset 1.0 (Maas et al. 2011): the texts of the training reviews and of the unlabelled ones, "
    "without line-break marks, each once, and none that is also a test review; 1% of them chose the epoch. Research "
    "use, cite the paper; the texts remain those of their authors."
)


FIRST = LanguageModelConfig(
    document="paragraph",
    text_column="review", validation_split=0.01, lowercase=True, max_vocab_size=20_000, stateful=True, units=512,
    batch_size=64, tbptt_length=128, sampled_softmax_size=2000, num_epochs=6, learning_rate=0.002,
    warmup_ratio=0.02, input_dropout=0.1, hidden_dropout=0.1, dropout=0.2, weight_dropout=0.1,
    ema_momentum=0.998, patience=3,
)  # fmt: skip
# The first run ended with equal losses on training and validation texts: it needs more epochs, and less dropout.
LAST = replace(
    FIRST, lowercase=False, max_vocab_size=30_000, num_epochs=4, learning_rate=0.0015, input_dropout=0.05,
    hidden_dropout=0.05, dropout=0.1, weight_dropout=0.05, half_precision=True,
)  # fmt: skip


def stage(places: Places, bundle: Path) -> Stage:
    """The first training run, in lower case; the recipe of the rating model takes it too."""
    return Stage("language_model", bundle, known_texts(places), FIRST, {"start": "scratch"}, ABOUT)


def make(places: Places) -> None:
    """All of it: lower-case words first, then words as they are written."""
    small, capitals = places.work / "reviews_lowercase", places.work / "reviews_capitals"
    first = stage(places, small)
    train(first, places.trial)
    if not is_made(capitals):
        add_capitals(small, first.data, LAST.max_vocab_size, capitals)
    train(Stage("language_model", places.output_dir, first.data, LAST, {"start": capitals}, ABOUT), places.trial)
    # As in training, the state goes on from each review to the next.
    evaluate(
        "language_model", places.output_dir, scored_texts(places), first.data, flags={"ngram_order": 4}, ngram_order=4
    )


if __name__ == "__main__":
    main("reviews", make)
