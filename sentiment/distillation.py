"""Knowledge distillation: a student learns the soft targets that teachers predict for unlabelled texts.

Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network": how likely several teachers find each
answer tells a student more than one right answer would. Xie et al. 2020, "Self-training with Noisy Student Improves
ImageNet Classification": a student of its teachers' size gets better than they are, for it reads more texts, with words
dropped that the teachers saw. A linear model over word pairs and triples makes other mistakes than a recurrent network
does (Mesnil et al. 2015, "Ensemble of Generative and Discriminative Techniques for Sentiment Analysis of Movie
Reviews"), so it may correct the teachers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from common.errors import InputError
from common.settings import flag_of
from sentiment.config import SentimentConfig
from sentiment.loader import Reviews, normal_texts, rating_levels
from sentiment.predict import RatingModel
from sentiment.tfidf_linear import LinearModels


def open_teachers(paths: Sequence[str | Path], config: SentimentConfig) -> list[RatingModel]:
    """Open the bundles of teachers.

    Args:
        paths: of bundles.
        config: the settings of the student.
    Raises:
        InputError: a bundle is damaged, or its answers are of another kind than those of the student.
    """
    teachers = [RatingModel.load(path) for path in paths]
    for path, teacher in zip(paths, teachers, strict=True):
        for name in ("head", "min_rating", "max_rating"):
            theirs, own = getattr(teacher.config, name), getattr(config, name)
            if theirs != own:
                flag = flag_of(name)
                raise InputError(f"--teachers {path}: its {flag} is {theirs}, that of this run {own}; make them agree")
    return teachers


def soft_targets(teachers: Sequence[RatingModel], token_lists: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    """Soft targets: the mean of the teachers' predictions.

    Args:
        teachers: of `open_teachers`.
        token_lists: the tokens of each text.
    Returns:
        In the form of `sentiment.loader.make_targets`, (texts, 1), (texts, levels - 1) or (texts, levels).
    """
    return np.mean([_probabilities(teacher, token_lists) for teacher in teachers], axis=0).astype(np.float32)


def shift_by_nbsvm(
    targets: NDArray[np.float32], texts: Sequence[str], train_split: Reviews, config: SentimentConfig
) -> NDArray[np.float32]:
    """Shift the teachers' log-odds of a good text by the margin of an NB-SVM; within good and bad nothing changes.

    Args:
        targets: of `soft_targets` for the head `categorical`, (texts, levels).
        texts: what they are about.
        train_split: the rated reviews, from which the NB-SVM learns.
        config: `nbsvm_weight` times its margin is added to the log-odds of a good text.
    Raises:
        InputError: the training split has no good reviews, or no bad ones.
    """
    middle = (config.min_rating + config.max_rating) / 2
    linear = LinearModels(normal_texts(train_split.texts, config), train_split.ratings, middle)
    if not linear.knows_sides:
        raise InputError("--nbsvm-weight: the training split has good reviews only, or bad ones only; leave it out")
    margins = linear.bayes.margins(linear.counter.transform(normal_texts(texts, config)))
    sides = np.sign(rating_levels(config) - middle)  # (levels,): -1 bad, 1 good
    corrected = targets * np.exp(sides * config.nbsvm_weight * margins[:, None] / 2)
    return (corrected / corrected.sum(axis=1, keepdims=True)).astype(np.float32)


def _probabilities(teacher: RatingModel, token_lists: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    if teacher.config.head == "regression":
        return teacher.predict_tokens(token_lists).ratings[:, None]
    logits = teacher.answer_tokens(token_lists)["logits"]
    return expit(logits) if teacher.config.head == "ordinal" else softmax(logits, axis=1)
