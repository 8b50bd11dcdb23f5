"""The splitter as a part of a bundle: saved, checked, loaded; the same answers whatever stands beside a text."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from common.bundles.bundle import open_bundle, save_bundle, write_manifest
from common.bundles.file_names import SPLITTER_FOLDER
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.text.vocabulary import Vocabulary
from pos_tagging.config import TaggingConfig
from pos_tagging.lexicon import Lexicon
from pos_tagging.model import build_model
from pos_tagging.predict import Tagger
from pos_tagging.splitting.config import SplitterConfig
from pos_tagging.splitting.model import build_splitter
from pos_tagging.splitting.pieces import PieceTable
from pos_tagging.splitting.splitter import Splitter
from pos_tagging.splitting.train import save_splitter
from tests.conftest import RUN_FACTS

LEXICON = Lexicon(Vocabulary(["birds"], lowercase=True), Vocabulary("abc"), Vocabulary(["birds"]), ["NOUN", "VERB"])
TEXTS = ["Du sing, birds! " * 60, "", "No.\n\nYes: a@b.org", "du", "x" * 700]


@pytest.fixture(scope="module")
def splitter():
    config = SplitterConfig(character_dim=5, context_dim=3, filters=7, units=4, batch_size=1, num_epochs=1)
    network = build_splitter(config, 8 + 4)
    rng = np.random.default_rng(3)
    network.set_weights([rng.normal(0, 1, weight.shape) for weight in network.get_weights()])
    return Splitter(KerasEngine(network), config, Vocabulary("birdsnu."), {"du": ["de", "le"]}, PieceTable(["sing ,"]))


@pytest.fixture(scope="module")
def saved(splitter, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "tagger"
    sizes = {"units": 2, "num_layers": 1, "embedding_dim": 2, "character_dim": 2, "character_filters": 2}
    config = TaggingConfig(**sizes, batch_size=1, shape_dim=0, affix_dim=0)
    model = build_model(config, **LEXICON.sizes())

    def save_extras(target):
        LEXICON.save(target)
        save_splitter(splitter, target)

    save_bundle(folder, model, config, {}, {"task": "pos_tagging", **RUN_FACTS}, "", save_extras)
    return folder


def shown(documents):
    return [[(list(s.tokens), list(s.layout.ranges), list(s.layout.space_after)) for s in found] for found in documents]


def test_company_changes_nothing_and_no_character_is_lost(splitter):
    together = shown(splitter.split(TEXTS))
    assert [shown(splitter.split([text]))[0] for text in TEXTS] == together
    assert len({len(words) for document in together for words, _, _ in document}) > 1
    for text, document in zip(TEXTS, splitter.split(TEXTS), strict=True):
        assert "".join("".join(s.text().split()) for s in document) == "".join(text.split())
    assert together[1] == []


def test_a_bundle_keeps_its_splitter(splitter, saved):
    tagger = Tagger.load(saved)
    assert shown(tagger.splitter.split(TEXTS)) == shown(splitter.split(TEXTS))
    assert tagger.with_settings(tagger.config).splitter is tagger.splitter
    words = [sentence.tokens for sentence in tagger.tag(TEXTS[0])[0]]
    assert words == [list(sentence.tokens) for sentence in splitter.split(TEXTS[:1])[0]]


SPOILED = [
    ("characters.json", {"lowercase": False, "tokens": list("birdsnux"[:4]) + list("wnux")}, "belong to other weights"),
    ("characters.json", {"lowercase": False, "tokens": list("bird")}, "not a vocabulary|belong"),
    ("pieces.json", ["A"], "pieces.json|belong"),
    ("expansions.json", {"du": []}, "expansions.json|belong"),
    ("config.json", {"units": 4}, "belong"),
    ("model.json", {}, "not a functional Keras model"),
    ("model.weights.h5", None, "missing"),
]


@pytest.mark.parametrize(("name", "content", "message"), SPOILED)
def test_a_spoiled_splitter_is_refused(saved, tmp_path, name, content, message):
    folder = shutil.copytree(saved, tmp_path / "copy")
    file = folder / SPLITTER_FOLDER / name
    if content is None:
        file.unlink()
    else:
        file.write_text(json.dumps(content))
    write_manifest(folder, open_bundle(saved).facts)
    with pytest.raises(InputError, match=message):
        open_bundle(folder)
