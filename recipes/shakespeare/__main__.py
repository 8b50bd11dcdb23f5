"""Make the language model `shakespeare`: python -m recipes.shakespeare --data FOLDER --work FOLDER --output-dir DIR"""

from __future__ import annotations

from pathlib import Path

from language_model.config import LanguageModelConfig
from recipes.program import Places, Stage, evaluate, main, train
from recipes.sources import find, once, read_text

SHARE_OF_TRAINING = 0.9
ABOUT = (
    "Tiny Shakespeare (Karpathy 2015), plays of William Shakespeare in the public domain: the first 90% of the "
    "characters. The settings were chosen on the last 5% of these, which the final run then learned from too; the test "
    "file is the other 10%."
)


def prepare(places: Places) -> tuple[Path, Path]:
    """Cut the text: the first nine tenths for training, the rest for the test."""
    text = read_text(find(places.data, "tinyshakespeare/input.txt.gz", "tinyshakespeare/input.txt", "input.txt"))
    end = int(len(text) * SHARE_OF_TRAINING)
    return (
        once(places.work / "tinyshakespeare.train.txt", lambda file: file.write(text[:end])),
        once(places.work / "tinyshakespeare.test.txt", lambda file: file.write(text[end:])),
    )


def make(places: Places) -> None:
    """All of it: 71 minutes on 2 cores."""
    train_file, test_file = prepare(places)
    config = LanguageModelConfig(
        document="file", level="character", min_count=1, stateful=True, units=512, num_layers=2, embedding_dim=128,
        tie_embeddings=False, batch_size=64, num_epochs=32, hidden_dropout=0.5, dropout=0.5, input_dropout=0.05,
        weight_dropout=0.3, weight_decay=0.01, validation_split=0.0, learning_rate=0.003,
        ema_momentum=0.998, patience=3,
    )  # fmt: skip
    train(Stage("language_model", places.output_dir, train_file, config, {"start": "scratch"}, ABOUT), places.trial)
    evaluate("language_model", places.output_dir, test_file, train_file, flags={})


if __name__ == "__main__":
    main("shakespeare", make)
