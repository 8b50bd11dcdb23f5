"""spaCy starts without its command line, which can be imported afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

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


@pytest.mark.slow
def test_the_command_line_of_spacy_comes_when_it_is_wanted():
    subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, check=True)
