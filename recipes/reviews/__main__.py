"""Make the language model `reviews`: python -m recipes.reviews --data FOLDER --work FOLDER --output-dir DIR"""

from __future__ import annotations

from pathlib import Path

from language_model.config import LanguageModelConfig
from recipes.program import Places, Stage, evaluate, main, train
from recipes.reviews.prepare import known_texts, scored_texts

ABOUT = (
    "Large Movie Review Dataset 1.0 (Maas et al. 2011): the texts of the training reviews and of the unlabelled ones, "
    "without line-break marks, each once, and none that is also a test review; 1% of them chose the epoch. Research "
    "use, cite the paper; the texts remain those of their authors."
)


def stage(places: Places, bundle: Path) -> Stage:
    """The one training run; the recipe of the rating model takes it too."""
    config = LanguageModelConfig(
        document="paragraph",
        text_column="review", validation_split=0.01, lowercase=True, max_vocab_size=20_000, stateful=True, units=512,
        batch_size=64, tbptt_length=128, sampled_softmax_size=2000, num_epochs=6, learning_rate=0.002,
        warmup_ratio=0.02, input_dropout=0.1, hidden_dropout=0.1, dropout=0.2, weight_dropout=0.1,
        ema_momentum=0.998, patience=3,
    )  # fmt: skip
    return Stage("language_model", bundle, known_texts(places), config, {"start": "scratch"}, ABOUT)


def make(places: Places) -> None:
    """All of it: 98 minutes on 2 cores."""
    run = stage(places, places.output_dir)
    train(run, places.trial)
    # As in training, the state goes on from each review to the next.
    evaluate("language_model", run.path, scored_texts(places), run.data, flags={"ngram_order": 4}, ngram_order=4)


if __name__ == "__main__":
    main("reviews", make)
