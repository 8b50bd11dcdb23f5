"""Models by hand whose right attribution is known: a linear bag of words, and one with a curve on top."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from interpretability.attribution import delete

UNKNOWN = "<unk>"


@dataclass
class Layer:
    """A layer with one weight, as Keras has it."""

    name: str
    weight: np.ndarray

    def get_weights(self):
        return [self.weight]

    def set_weights(self, weights):
        self.weight = weights[0]


@dataclass
class Network:
    """Vectors of words, and the direction that their sum is projected on."""

    vectors: Layer
    direction: Layer

    @property
    def layers(self):
        return [self.vectors, self.direction]

    def get_weights(self):
        return [layer.weight for layer in self.layers]

    def set_weights(self, weights):
        for layer, weight in zip(self.layers, weights, strict=True):
            layer.weight = weight


def build_network(words, size=5, seed=0):
    """Random vectors for the words, and zeros for unknown ones."""
    rng = np.random.default_rng(seed)
    vectors = np.vstack([np.zeros(size), rng.normal(size=(len(words), size))])
    return Network(Layer("vectors", vectors), Layer("direction", rng.normal(size=size)))


@dataclass
class BagScorer:
    """f(text) = curve(sum of vector . direction); linear without a curve. An `interpretability.Scorer`."""

    network: Network
    words: list
    tokens: list
    curve: callable = lambda sums: sums
    slope: callable = np.ones_like
    calls: list = field(default_factory=list)

    def score(self, kept, deletion):
        self.calls.append((kept, deletion))
        rows = [self._look_up(tokens) for tokens in delete(self.tokens, kept, deletion, UNKNOWN)]
        return self.curve(np.array([row.sum(axis=0) @ self.network.direction.weight for row in rows]))

    def vectors(self, hidden):
        return self._look_up([UNKNOWN] * len(self.tokens) if hidden else self.tokens)

    def differentiate(self, points):
        sums = points.astype(float).sum(axis=1) @ self.network.direction.weight  # (versions,)
        gradient = np.broadcast_to(self.network.direction.weight, points.shape)
        return self.curve(sums), self.slope(sums)[:, None, None] * gradient

    def _look_up(self, tokens):
        ids = [self.words.index(token) + 1 if token in self.words else 0 for token in tokens]
        return self.network.vectors.weight[np.array(ids, int)].reshape(len(ids), len(self.network.direction.weight))
