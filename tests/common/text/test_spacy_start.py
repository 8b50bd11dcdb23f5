"""spaCy starts without its command line, which can be imported afterwards."""

from __future__ import annotations

import gc
import subprocess
import sys
import types

import pytest

from common.text import spacy_start
from tests.conftest import ROOT

SCRIPT = """
import gc, sys
from common.text.spacy_start import start_spacy
spacy = start_spacy()
assert spacy.blank("en")("No.").text == "No." and gc.isenabled()
assert not any(name.startswith(("spacy.cli", "typer", "httpx")) for name in sys.modules)
assert spacy.info(silent=True)["spacy_version"] == spacy.__version__
import spacy.cli
assert callable(spacy.cli.download) and start_spacy() is spacy
"""


def test_meanwhile_an_empty_module_stands_in_for_the_command_line(monkeypatch):
    seen = []

    def start(name):
        seen.append((name, gc.isenabled(), spacy_start.COMMAND_LINE in sys.modules, sys.modules["spacy.cli"].__path__))
        monkeypatch.setitem(sys.modules, "spacy.cli.info", "the real one")
        return "spaCy"

    for name in ("spacy", "spacy.cli", "spacy.cli.info"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(spacy_start.importlib, "import_module", start)
    assert spacy_start.start_spacy() == "spaCy"
    assert seen == [("spacy", False, True, [])]
    assert gc.isenabled()
    assert "spacy.cli" not in sys.modules
    assert sys.modules["spacy.cli.info"] == "the real one"
    gc.disable()
    try:
        spacy_start.start_spacy()
        assert not gc.isenabled()
    finally:
        gc.enable()
    monkeypatch.setitem(sys.modules, "spacy", "there already")
    assert spacy_start.start_spacy() == "there already"
    assert len(seen) == 2


def test_what_the_stand_in_offers_is_the_real_function_when_it_is_called(monkeypatch):
    real = types.SimpleNamespace(info=lambda *given, **named: (given, named))
    monkeypatch.setattr(spacy_start.importlib, "import_module", lambda name: {"spacy.cli.info": real}[name])
    assert spacy_start._info("a", silent=True) == (("a",), {"silent": True})


@pytest.mark.slow
def test_the_command_line_of_spacy_comes_when_it_is_wanted():
    subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, check=True)
