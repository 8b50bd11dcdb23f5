"""Which layers the settings of a splitter ask for, and what is refused by one who has changed a part and its mark."""

from __future__ import annotations

import json
import shutil

import pytest

from common.bundles.bundle import Bundle
from common.bundles.file_names import SPLITTER_FOLDER, WEIGHTS_FILE
from common.bundles.weights_file import bind_parts
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.text.vocabulary import Vocabulary
from pos_tagging.splitting.agreement import check_splitter, expected_layers
from pos_tagging.splitting.config import SplitterConfig
from pos_tagging.splitting.model import build_splitter
from pos_tagging.splitting.splitter import Splitter
from pos_tagging.splitting.train import save_splitter

SIZES = {"character_dim": 2, "context_dim": 3, "filters": 4, "units": 5}


def test_the_layers_that_settings_ask_for():
    assert expected_layers(SplitterConfig(**SIZES), 6) == [
        "Embedding(6, 2)", "Embedding(19, 3)", "Concatenate()", "Conv1D(4, [5], relu, padding=valid)",
        "Bidirectional(LSTM(5))", "Dense(6, linear)",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("splitter")
    config = SplitterConfig(**SIZES, batch_size=1, num_epochs=1)
    network = build_splitter(config, 6)
    save_splitter(Splitter(KerasEngine(network), config, Vocabulary("ab"), {"du": ["de", "le"]}), folder)
    return folder


def characters(*tokens, lowercase=False):
    return lambda _: {"lowercase": lowercase, "tokens": list(tokens)}


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("config.json", lambda content: {key: content[key] for key in content if key != "filters"}, "setting filters"),
        ("config.json", lambda content: {**content, "units": 4}, "the network has Bidirectional"),
        ("characters.json", characters("a", "bc"), "it has tokens of several characters"),
        ("characters.json", characters("a", "b", lowercase=True), "lowercase is True, not False"),
        ("characters.json", characters("a"), "characters.json"),
        ("expansions.json", lambda _: {"du": [" "]}, "a token has no list of words"),
        ("expansions.json", lambda _: {"du": []}, "a token has no list of words"),
        ("expansions.json", lambda _: {"du": "de"}, "a token has no list of words"),
        ("pieces.json", lambda _: ["A"], "a piece is there twice or in upper case"),
    ],
)
def test_what_does_not_belong_together(name, change, message, saved, tmp_path):
    def check():
        contents = {file.relative_to(folder).as_posix(): file.read_bytes() for file in part.iterdir()}
        check_splitter(Bundle(folder, {}, contents).part(SPLITTER_FOLDER))

    folder = shutil.copytree(saved, tmp_path / "copy")
    part = folder / SPLITTER_FOLDER
    check()
    (part / name).write_text(json.dumps(change(json.loads((part / name).read_text()))))
    bind_parts(part / WEIGHTS_FILE, {file.name: file.read_bytes() for file in part.glob("*.json")})
    with pytest.raises(InputError, match=message):
        check()
