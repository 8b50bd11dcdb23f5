"""A server over small models that answer at once, or as slowly as a test wants."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from pathlib import Path

from starlette.testclient import TestClient

from language_model.predict import LanguageModel
from pos_tagging.sentences import TaggedSentence, TaggedText
from sentiment.predict import Rating
from serving.app import Access, make_app
from serving.limits import ServerConfig
from serving.models import Models, Served
from serving.places import Place


class ToyRater:
    """Rates a text by its length; `calls` are the texts that were rated together."""

    def __init__(self):
        self.calls = []
        self.gate = threading.Event()
        self.gate.set()
        self.seconds = 0.0

    def predict(self, texts, scale=None):
        self.gate.wait(10)
        time.sleep(self.seconds)
        self.calls.append(list(texts))
        if any("fault" in text for text in texts):
            raise RuntimeError("a secret of the server")
        return [Rating(len(text) * (scale[1] if scale else 1.0), 0.5, len(text.split()), 0) for text in texts]


class ToyTagger:
    """Tags every word as X."""

    def tag(self, texts, probabilities=False):
        sentences = [
            TaggedSentence(t.split(), ["X"] * len(t.split()), [1.0] * len(t.split()) * probabilities) for t in texts
        ]
        return [TaggedText([sentence]) for sentence in sentences]


def toy_models(config, writer: LanguageModel | None = None):
    """A rating model `toy`, a tagger `toy`, and a language model `toy` if there is one."""
    models = {"sentiment": ToyRater(), "pos_tagging": ToyTagger()}
    models |= {"language_model": writer} if writer else {}
    served = [Served(Place(task, "toy", Path("/secret/toy")), model, config) for task, model in models.items()]
    return Models({each.place.id: each for each in served}, config)


@contextmanager
def toy_client(writer=None, token=None, origins=(), site=None, **limits):
    """A client of a server over toy models; `client.rater` is the rating model."""
    config = ServerConfig(**limits)
    models = toy_models(config, writer)
    app = make_app(lambda: models, config, Access(token, origins), site)
    with TestClient(app, raise_server_exceptions=False) as client:
        client.rater = models.by_id["sentiment/toy"].model
        client.models = models
        yield client


def completion_text(response):
    """The texts of the choices of a completion."""
    return [choice["text"] for choice in response.json()["choices"]]
