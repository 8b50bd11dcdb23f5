"""Make the tagger `brown`: python -m recipes.brown --data FOLDER --work FOLDER --output-dir DIR"""

from __future__ import annotations

from dataclasses import replace

from pos_tagging.config import TaggingConfig
from recipes.brown.prepare import split
from recipes.program import OPTIMIZATION_OF_TAGGERS as OPTIMIZATION
from recipes.program import Places, Stage, evaluate, main, train_all

ABOUT = (
    "Brown Corpus (Francis & Kucera 1964, revised 1979; form C): American prose printed in 1961, 400 of its 500 "
    "documents; non-commercial use, and so of this model. Its tags were turned into 12 universal ones by the table of "
    "Petrov, Das & McDonald 2012 (CC BY-SA 4.0); the 472 tags of the corpus were learned beside them. In the order of "
    "their names every tenth document is for the test, the one after it for validation. 66 of the 5,642 test "
    "sentences, all of at most 8 words, also stand in the training file."
)


def make(places: Places) -> None:
    """All of it: 61 minutes on 1 core."""
    files = split(places)
    shared = TaggingConfig(
        tags_column="tags_universal", auxiliary_column="tags_brown", max_vocab_size=14_000, embedding_dim=64,
        affix_dim=0, learning_rate=0.003, **OPTIMIZATION,
    )  # fmt: skip
    first, second = replace(shared, num_epochs=5, rare_word_dropout=2.0), replace(shared, num_epochs=4)
    second = replace(second, rare_word_dropout=0.5, learning_rate=0.0015)
    start, validation = places.work / "brown_b", {"validation": files["validation"]}
    train_all(
        [
            Stage("pos_tagging", start, files["train"], first, {**validation, "start": "scratch"}),
            Stage(
                "pos_tagging",
                places.output_dir,
                files["train"],
                second,
                {**validation, "start": start},
                ABOUT,
            ),
        ],
        places.trial,
    )
    evaluate("pos_tagging", places.output_dir, files["test"], files["train"], flags={})


if __name__ == "__main__":
    main("brown", make)
