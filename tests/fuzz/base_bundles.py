"""Tiny whole bundles of every task and architecture: what the mutations start from.

python -m tests.fuzz.base_bundles FOLDER
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "format_1"
MANIFEST = "manifest.json"
WORDS = [
    "the", "a", "soup", "ferry", "view", "was", "is", "late", "cold", "old", "again", "but", "I", "we", "loved",
    "liked", "it", "very", "so", "and", ".", ",", "!",
]  # fmt: skip
TAGS = ("ADJ", "DET", "NOUN", "PRON", "PUNCT", "VERB")
VECTOR_DIM = 6

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "sentiment": [
        {"architecture": "gru", "pooling": "attention", "head": "categorical"},
        {"architecture": "simple-rnn", "directions": "forward", "pooling": "last", "head": "ordinal", "num_layers": 2},
        {
            "architecture": "lstm",
            "directions": "asymmetric",
            "backward_units": 2,
            "head": "categorical",
            "max_rating": 5.0,
        },
        {"architecture": "bow", "head": "regression"},
        {"architecture": "gru", "pooling": "mean", "head": "regression", "ngrams": 2},
        {"architecture": "cbow", "head": "categorical"},
    ],
    "language_model": [
        {"architecture": "gru", "tie_embeddings": False, "num_layers": 2},
        {"architecture": "simple-rnn", "level": "character"},
        {"architecture": "fixed-window", "window": 3},
        {"architecture": "lstm", "lowercase": True, "units": 4},
    ],
    "pos_tagging": [
        {"architecture": "gru", "head": "crf", "character_dim": 0, "shape_dim": 0, "affix_dim": 0},
        {"architecture": "previous-tag", "directions": "forward", "shape_dim": 2, "affix_dim": 2},
        {"architecture": "lstm", "character_network": "lstm", "num_layers": 2, "vectors": True},
        {"architecture": "simple-rnn", "directions": "forward", "lowercase": False},
    ],
}
SMALL = {
    "sentiment": {"units": 3, "embedding_dim": 4, "max_vocab_size": 50, "max_length": 30},
    "language_model": {
        "units": 5,
        "embedding_dim": 4,
        "batch_size": 32,
        "max_vocab_size": 50,
        "mixed_precision": False,
    },
    "pos_tagging": {
        "units": 3,
        "embedding_dim": 4,
        "batch_size": 32,
        "max_vocab_size": 50,
        "character_dim": 3,
        "character_filters": 2,
    }
    | {"character_units": 2, "shape_dim": 2, "affix_dim": 2, "num_layers": 1, "tag_dim": 2},
}


def task_of(folder: Path) -> str:
    """The task of a base bundle, from its name."""
    return folder.name.rsplit("-", 1)[0]


def rehash(folder: Path) -> None:
    """Write the sizes and hashes of the files there into the manifest, so that a change passes them."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for name in manifest["files"]:
        file = folder / name
        if file.is_file() and not file.is_symlink():
            manifest["files"][name] = entry(file)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def entry(file: Path) -> dict[str, Any]:
    """A file's entry in the manifest."""
    with open(file, "rb") as handle:
        return {"size": file.stat().st_size, "sha256": hashlib.file_digest(handle, "sha256").hexdigest()}


def build_all(folder: Path) -> None:
    """Copy the fixtures and build the other bundles, each in a folder TASK-NUMBER."""
    from common.inference.keras_start import start_keras

    keras = start_keras()
    folder.mkdir(parents=True, exist_ok=True)
    for task, variants in VARIANTS.items():
        shutil.copytree(FIXTURES / task, folder / f"{task}-0")
        facts = json.loads((FIXTURES / task / MANIFEST).read_text(encoding="utf-8"))
        for number, settings in enumerate(variants, 1):
            keras.utils.set_random_seed(number)
            path = folder / f"{task}-{number}"
            path.mkdir()
            model, config = BUILDERS[task](path, {**SMALL[task], **settings})
            (path / "model.json").write_text(json.dumps(json.loads(model.to_json()), indent=1), encoding="utf-8")
            model.save_weights(path / "model.weights.h5")
            (path / "config.json").write_text(json.dumps(asdict(config), indent=1), encoding="utf-8")
            for name in ("metrics.json", "README.md", "history.csv"):
                shutil.copy(FIXTURES / task / name, path / name)
            files = {file.name: entry(file) for file in sorted(path.iterdir())}
            (path / MANIFEST).write_text(json.dumps({**facts, "files": files}, indent=1), encoding="utf-8")


def _build_sentiment(path: Path, settings: dict[str, Any]) -> tuple[Any, Any]:
    from common.text.vocabulary import Vocabulary
    from sentiment.config import SentimentConfig
    from sentiment.model import build_model
    from sentiment.ngrams import Ngrams

    config = SentimentConfig(**{"min_rating": 1.0, "max_rating": 10.0, "ngrams": 0, "batch_size": 64, **settings})
    vocabulary = Vocabulary(dict.fromkeys(map(str.lower, WORDS)), lowercase=True)
    vocabulary.save(path / "vocabulary.json")
    if not config.ngrams:
        return build_model(config, len(vocabulary)), config
    ngrams = Ngrams.build([list(map(str.lower, WORDS)), ["so", "good"]], config.ngrams, 30)
    ngrams.save(path / "ngrams.json")
    return build_model(config, len(vocabulary), len(ngrams)), config


def _build_language_model(path: Path, settings: dict[str, Any]) -> tuple[Any, Any]:
    from common.text.vocabulary import Vocabulary
    from language_model.config import LanguageModelConfig
    from language_model.model import build_model

    config = LanguageModelConfig(**settings)
    tokens = sorted(set(" ".join(WORDS))) if config.level == "character" else WORDS
    if config.lowercase:
        tokens = list(dict.fromkeys(map(str.lower, tokens)))
    vocabulary = Vocabulary(tokens, config.lowercase)
    vocabulary.save(path / "vocabulary.json")
    return build_model(config, len(vocabulary)), config


def _build_pos_tagging(path: Path, settings: dict[str, Any]) -> tuple[Any, Any]:
    import numpy as np

    from common.text.vocabulary import Vocabulary
    from pos_tagging.config import TaggingConfig
    from pos_tagging.lexicon import Lexicon
    from pos_tagging.model import build_model, give_vectors

    with_vectors = settings.pop("vectors", False)
    config = TaggingConfig(**settings)
    lexicon = Lexicon.build([WORDS, WORDS], TAGS, config, Vocabulary(WORDS) if with_vectors else None)
    lexicon.save(path)
    sizes = lexicon.sizes()
    model = build_model(config, **sizes, vector_dim=VECTOR_DIM if with_vectors else 0)
    if with_vectors:
        give_vectors(model, np.random.default_rng(0).normal(size=(sizes["num_vectors"], VECTOR_DIM)))
    return model, config


BUILDERS = {"sentiment": _build_sentiment, "language_model": _build_language_model, "pos_tagging": _build_pos_tagging}


if __name__ == "__main__":
    build_all(Path(sys.argv[1]))
