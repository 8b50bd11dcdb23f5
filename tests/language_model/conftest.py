"""What tests of the commands share: a toy in place of the model that a command would load."""

from __future__ import annotations

import pytest

import language_model
from tests.language_model.toy_model import build_reader


@pytest.fixture
def toy(monkeypatch):
    """The model that every command loads, whatever it names."""
    model = build_reader()
    monkeypatch.setattr(language_model, "load", lambda *_: model)
    return model
