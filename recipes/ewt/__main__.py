"""Make the tagger `ewt`: python -m recipes.ewt --data FOLDER --work FOLDER --output-dir DIR

1. word vectors     counted over 20 million words of plain text
2. `brown_a`        a tagger of the Brown Corpus with these vectors, both tag sets at once (multi-task learning)
3. `e_case`         fine-tuned on English-EWT, with case augmentation
4. `e_web`          and once more, with less of it
5. `ewt`            and on more kinds of text: EWT and ten genres of English-GUM together
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pos_tagging
from common.evaluation.scores import Scores
from common.text.vector_files import write_word_vectors
from language_model.word_vectors import build_word_vectors
from pos_tagging.config import TaggingConfig
from pos_tagging.loader import load_sentences
from pos_tagging.predict import Tagger
from recipes.brown.prepare import split
from recipes.ewt.prepare import FREE_GENRES, genre_of, plain_text, web_and_gum
from recipes.program import OPTIMIZATION_OF_TAGGERS as OPTIMIZATION
from recipes.program import Places, Stage, evaluate, evaluate_elsewhere, main, train_all
from recipes.sources import gum, once, treebank

ABOUT = (
    "Universal Dependencies English-EWT 2.16 (Silveira et al. 2014), train and dev split: annotated web text "
    "(weblogs, newsgroups, e-mail, reviews, answers; CC BY-SA 4.0); and of English-GUM 2.16 (Zeldes 2017), train "
    "split, the ten genres whose texts are CC BY, CC BY-SA or in the public domain (academic, bio, conversation, "
    "court, interview, news, speech, textbook, vlog, voyage; annotations CC BY 4.0; as a whole the treebank is CC "
    "BY-NC-SA 4.0). It began as a tagger of 400 documents of the Brown Corpus (Francis & Kucera 1964; form C; "
    "non-commercial use), with word vectors counted over these, the training sentences of EWT, the training text of "
    "WikiText-2 (Merity et al. 2016; CC BY-SA 3.0) and of FairytaleQA (Xu et al. 2022; Apache License 2.0), and the "
    "training and unlabelled reviews of the Large Movie Review Dataset (Maas et al. 2011; research use). Neither has "
    "read the test file, but 94 of its 2,077 sentences, all of at most 7 words, also stand in the training file."
)

SHOWN = ("accuracy", "accuracy_unknown")
NOT_FOR = (
    "other languages than English.",
    "words that training never saw in headings and lists of names: PROPN and NOUN are what it confuses most.",
)


def word_vectors(places: Places) -> Path:
    """`vectors.txt.gz`, of the 50,000 most frequent words, 64 numbers each."""
    return once(
        places.work / "vectors.txt.gz", lambda file: write_word_vectors(file, *build_word_vectors(plain_text(places)))
    )


def stages(places: Places) -> list[Stage]:
    """The four training runs."""
    brown, vectors = split(places), word_vectors(places)
    brown_a, e_case, e_web = (places.work / name for name in ("brown_a", "e_case", "e_web"))
    first = TaggingConfig(
        tags_column="tags_universal", auxiliary_column="tags_brown", max_vectors=45_000, max_vocab_size=16_000,
        embedding_dim=64, affix_dim=0, rare_word_dropout=0.5, num_epochs=7, learning_rate=0.003, **OPTIMIZATION,
    )  # fmt: skip
    second = TaggingConfig(
        auxiliary_column="xpos", max_vectors=33_000, rare_word_dropout=0.5, num_epochs=12, learning_rate=0.002,
        case_augmentation=0.15, **OPTIMIZATION,
    )  # fmt: skip
    third = replace(second, num_epochs=6, learning_rate=0.001, case_augmentation=0.08)
    last = replace(third, num_epochs=10, learning_rate=0.002, case_augmentation=0.1, half_precision=True)
    web, validation = treebank(places.data, "train"), treebank(places.data, "validation")

    def fine_tune(path: Path, config: TaggingConfig, start: Path, data: Path = web, about_data: str = "") -> Stage:
        options = {"validation": validation, "start": start}
        return Stage("pos_tagging", path, data, config, options, about_data)

    options = {"validation": brown["validation"], "word_vectors_from": vectors, "start": "scratch"}
    return [
        Stage("pos_tagging", brown_a, brown["train"], first, options),
        fine_tune(e_case, second, brown_a),
        fine_tune(e_web, third, e_case),
        fine_tune(places.output_dir, last, e_web, web_and_gum(places), ABOUT),
    ]


def score_elsewhere(places: Places, model: Tagger) -> dict[str, Scores]:
    """Score the tagger on the validation documents of GUM, of which it has learned none, together and by genre."""
    sentences = load_sentences(gum(places.data, "validation"), model.config)
    genre, parts = "", {"English-GUM, validation": sentences}
    for sentence in sentences:
        genre = genre_of("\n".join(getattr(sentence, "comments", ()))) or genre  # a document names it once
        parts.setdefault(genre if genre in FREE_GENRES else f"{genre} (a genre not learned)", []).append(sentence)
    return {name: pos_tagging.evaluate(model, rows) for name, rows in parts.items()}


def make(places: Places) -> None:
    """All of it: 71 minutes on 1 core."""
    runs = stages(places)
    train_all(runs, places.trial)
    test = treebank(places.data, "test")
    evaluate("pos_tagging", places.output_dir, test, runs[-1].data, flags={"raw": True}, raw=True)
    evaluate_elsewhere("pos_tagging", places.output_dir, partial(score_elsewhere, places), SHOWN, NOT_FOR)


if __name__ == "__main__":
    main("ewt", make)
