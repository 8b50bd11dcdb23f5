"""Make the language model `stories`: python -m recipes.stories --data FOLDER --work FOLDER --output-dir DIR"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas

from language_model.config import DynamicConfig, LanguageModelConfig
from recipes.program import Places, Stage, evaluate, main, train_all
from recipes.sources import once, stories, write_table

OWN_STORIES = Path(__file__).resolve().parents[2] / "language_model/dataset/train.csv"
ABOUT = (
    "The story texts of FairytaleQA (Xu et al. 2022, ACL), train split, with the validation split to choose the epoch: "
    "232 + 23 fairy tales and children's stories from Project Gutenberg, cut into sections; Apache License 2.0, the "
    "tales are in the public domain in the USA. And the 166 training stories of language_model/dataset/train.csv, "
    "written for this project; CC0 1.0."
)


def prepare(places: Places) -> Path:
    """`stories.csv.gz`: the training sections of FairytaleQA, and the training stories of this project."""
    tables = [pandas.read_csv(path)[["text"]] for path in (stories(places.data, "train"), OWN_STORIES)]
    return once(places.work / "stories.csv.gz", write_table(pandas.concat(tables)))


def stages(places: Places) -> list[Stage]:
    """Section by section first; then the sections of a tale one after the other, with the state carried on."""
    train_file, validation = prepare(places), stories(places.data, "valid")
    first = LanguageModelConfig(
        document="paragraph",
        num_layers=2, units=400, batch_size=32, tbptt_length=70, num_epochs=20, patience=4, learning_rate=0.002,
        variational_dropout=True, input_dropout=0.35, dropout=0.4, weight_dropout=0.3, embedding_dropout=0.05,
        activation_regularization=1.0, temporal_activation_regularization=1.0, weight_decay=0.01,
        ema_momentum=0.998,
    )  # fmt: skip
    last = replace(first, num_epochs=8, learning_rate=0.001, stateful=True, document="auto", half_precision=True)
    alone = places.work / "stories"
    return [
        Stage("language_model", alone, train_file, first, {"validation": validation}),
        Stage("language_model", places.output_dir, train_file, last, {"validation": validation, "start": alone}, ABOUT),
    ]


def make(places: Places) -> None:
    """All of it: 56 minutes on 2 cores."""
    runs, validation = stages(places), stories(places.data, "valid")
    train_all(runs, places.trial)
    evaluate(
        "language_model",
        places.output_dir,
        stories(places.data, "test"),
        runs[-1].data,
        flags={"cache": validation.name, "dynamic": True},
        cache=validation,  # the settings of the cache are chosen on it
        dynamic=DynamicConfig(),
    )


if __name__ == "__main__":
    main("stories", make)
