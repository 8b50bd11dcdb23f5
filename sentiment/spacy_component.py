"""spaCy component: the rating of a text, as `doc._.rating` and `doc._.rating_spread`.

nlp = spacy.blank("en")
nlp.add_pipe("rnn_rating", config={"model": "reviews"})
nlp("A joy from start to end.")._.rating
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spacy.tokens import Doc

from common.bundles.bundle import Bundle
from common.inference.spacy_component import BundleComponent
from sentiment.config import DEFAULT_NAME, TASK
from sentiment.predict import RatingModel

EXTENSIONS = ("rating", "rating_spread")  # the second is None if the model knows no spread


class RatingComponent(BundleComponent[RatingModel]):
    """Rate texts, on the scale of the model; see `BundleComponent`."""

    task, default_model = TASK, DEFAULT_NAME

    def __init__(self, model: str | None, name: str) -> None:
        super().__init__(model, name)
        add_extensions()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        add_extensions()

    def open(self, bundle: Bundle, num_threads: int | None) -> RatingModel:
        """The model of a bundle."""
        return RatingModel.from_bundle(bundle, num_threads=num_threads)

    def annotate(self, docs: Sequence[Doc]) -> None:
        """Set the rating of texts; it is that of `RatingModel.predict`, which splits them in its own way."""
        for doc, answer in zip(docs, self.loaded().predict([doc.text for doc in docs]), strict=True):
            doc._.rating, doc._.rating_spread = answer.rating, answer.spread


def add_extensions() -> None:
    """Give documents the attributes that the component sets."""
    for name in EXTENSIONS:
        if not Doc.has_extension(name):
            Doc.set_extension(name, default=None)
