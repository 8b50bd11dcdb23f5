"""The page's scripts answer as Python does for models of every kind that can be trained."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from common.errors import InputError
from serving import build_page
from tests.conftest import ROOT
from tests.serving.page import needs_node

FIXTURES = ROOT / "tests" / "fixtures"
RUNTIME_IS_HERE = (build_page.RUNTIME / build_page.RUNTIME_FILES[0]).is_file()

pytestmark = [
    pytest.mark.slow,
    needs_node,
    pytest.mark.skipif(not RUNTIME_IS_HERE, reason="run npm ci in serving/page"),
]

KINDS = {
    "sentiment": (
        "--head ordinal --directions backward --architecture gru --truncation head",
        "--head regression --ngrams 2 --no-lowercase --truncation both --normalization none",
    ),
    "pos_tagging": (
        "--head crf --architecture gru --affix-dim 4",
        "--shape-dim 0 --directions forward --splitter rules",
        "--architecture previous-tag --affix-dim 4 --num-beams 3",
    ),
    "language_model": (
        "--architecture fixed-window --lowercase",
        "--level character --architecture gru --num-layers 1",
        "--level spaced --architecture simple-rnn --tie-embeddings",
    ),
}


@pytest.mark.parametrize(("task", "flags"), [(task, flags) for task, kinds in KINDS.items() for flags in kinds])
def test_a_model_of_this_kind_is_answered_as_by_python(run, small_runs, tmp_path, task, flags):
    small = small_runs[task]
    trained = run(
        f"{task}.train", "--train", small.train, "--output-dir", tmp_path / "model", *small.flags, *flags.split()
    )
    assert trained.returncode == 0, trained.stderr
    built = run("serving.build_page", "--output", tmp_path / "site", "--model", tmp_path / "model")
    assert built.returncode == 0, built.stderr
    assert "texts answered as in Python" in built.stderr


def test_models_that_were_saved_long_ago(tmp_path, capsys):
    build_page.build(tmp_path / "site", [str(FIXTURES / "format_1" / task) for task in KINDS])
    assert capsys.readouterr().err.count("texts answered as in Python") == 3


def test_wrong_answers_are_found_out(tmp_path, monkeypatch):
    right = build_page.small_graph

    def wrong(architecture):
        model = right(architecture)
        for tensor in model.graph.initializer:
            if tensor.name == "logits.bias":
                values = onnx.numpy_helper.to_array(tensor)
                tensor.CopyFrom(
                    onnx.numpy_helper.from_array(np.flip(values + np.arange(len(values), dtype="f")), tensor.name)
                )
        return model

    monkeypatch.setattr(build_page, "small_graph", wrong)
    with pytest.raises(InputError, match=r"the page answers .* Python with"):
        build_page.build(tmp_path / "site", [str(FIXTURES / "format_2/pos_tagging")])
    assert not (tmp_path / "site").exists()
