"""Names of layers: those of the saved models, so that a bundle is understood whenever it was made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.networks import layer_names

SHIPPED = Path(__file__).resolve().parents[3] / "pretrained_model"


def names_of(bundle: str) -> set[str]:
    layers = json.loads((SHIPPED / bundle / "model.json").read_text(encoding="utf-8"))["config"]["layers"]
    return {layer["config"]["name"] for layer in layers}


@pytest.mark.parametrize("bundle", ["language_model/shakespeare", "language_model/stories", "pos_tagging/ewt"])
def test_recurrent_layers_are_numbered_from_the_bottom(bundle):
    assert {layer_names.recurrent(0), layer_names.recurrent(1)} <= names_of(bundle)
    assert layer_names.recurrent(2) not in names_of(bundle)
    assert all(name.startswith(layer_names.RECURRENT) for name in map(layer_names.recurrent, range(3)))


def test_the_layer_that_reads_backwards_is_named_beside_the_other():
    assert {layer_names.recurrent(0), layer_names.backward(0)} <= names_of("sentiment/reviews")


def test_dropout_follows_each_hidden_layer_of_a_language_model():
    assert {layer_names.dropout(0), layer_names.dropout(1)} <= names_of("language_model/stories")


def test_other_layers_have_the_names_of_saved_ones():
    tagger = {layer_names.EMBEDDING, layer_names.CHARACTER_EMBEDDING, layer_names.SHAPE_EMBEDDING}
    assert tagger | {layer_names.GIVEN_VECTORS, layer_names.LOGITS} <= names_of("pos_tagging/ewt")
    assert {layer_names.PROJECTION, layer_names.LOGITS} <= names_of("language_model/reviews")
    assert layer_names.TO_LOGITS in names_of("language_model/shakespeare")
    assert layer_names.WORD_VECTOR_DROPOUT in names_of("sentiment/reviews")
