"""Layers that learn more slowly, or later."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from common.training.optimizer import make_optimizer, set_precision

CONFIG = SimpleNamespace(
    learning_rate=0.01, schedule="constant", warmup_ratio=0.0, weight_decay=0.0, max_gradient_norm=1.0, adam_beta_2=0.9
)


@pytest.mark.parametrize(
    ("num_steps", "warmup_ratio", "rates"),
    [(0, 0.0, [0.001, 0.01]), (1, 0.0, [0.001, 0.01]), (10, 0.0, [0.001, 0.01]), (10, 0.25, [0.001, 0.0055, 0.01]),
     (10, 1.0, [0.001, *[None] * 9, 0.01])],
)  # fmt: skip
def test_the_warm_up_takes_a_step_at_least(num_steps, warmup_ratio, rates):
    config = SimpleNamespace(**{**vars(CONFIG), "schedule": "cosine", "warmup_ratio": warmup_ratio})
    rate = make_optimizer(config, num_steps)._learning_rate
    for step, wanted in enumerate(rates):
        assert wanted is None or float(rate(step)) == pytest.approx(wanted)
    assert float(rate(99)) == pytest.approx(0.0001)


@pytest.mark.parametrize("eagerly", [False, True])
def test_share_and_first_step_of_a_layer(eagerly):
    names = ("late", "slow", "usual")
    model = keras.Sequential([keras.Input((3,)), *(keras.layers.Dense(3, name=name) for name in names)])
    optimizer = make_optimizer(CONFIG, 10, {"slow": (0.1, 0), "late": (1.0, 2)})
    model.compile(optimizer, "mse", run_eagerly=eagerly)
    rng = np.random.default_rng(0)
    batch = rng.normal(size=(8, 3)), rng.normal(size=(8, 3))
    moves = []
    for _ in range(3):
        before = {name: model.get_layer(name).get_weights()[0] for name in names}
        model.train_on_batch(*batch)
        moves.append({name: np.abs(model.get_layer(name).get_weights()[0] - before[name]).max() for name in names})
    # Adam's first step is the learning rate, whatever the gradient
    assert moves[0] == pytest.approx({"late": 0, "slow": 0.001, "usual": 0.01}, rel=0.01)
    assert moves[1]["late"] == 0
    assert moves[2]["late"] > 0.001


@pytest.mark.parametrize("eagerly", [False, True])
def test_weights_decay_at_the_rate_of_their_layer(eagerly):
    names = ("late", "slow", "usual")
    model = keras.Sequential([keras.Input((3,)), *(keras.layers.Dense(3, name=name) for name in names)])
    for weight in model.trainable_variables:
        weight.assign(np.ones(weight.shape))
    config = SimpleNamespace(**{**vars(CONFIG), "weight_decay": 0.1})
    model.compile(make_optimizer(config, 10, {"slow": (0.1, 0), "late": (1.0, 2)}), "mse", run_eagerly=eagerly)
    nothing = np.zeros((8, 3))
    found = []
    for _ in range(3):
        # no weight has a gradient: each one is multiplied by 1 - rate * 0.1
        model.train_on_batch(nothing, nothing, sample_weight=np.zeros(8))
        found.append([float(model.get_layer(name).get_weights()[0][0, 0]) for name in names])
    assert found == [
        pytest.approx([1, 1 - 0.0001, 1 - 0.001], rel=1e-6),
        pytest.approx([1, (1 - 0.0001) ** 2, (1 - 0.001) ** 2], rel=1e-6),
        pytest.approx([1 - 0.001, (1 - 0.0001) ** 3, (1 - 0.001) ** 3], rel=1e-6),
    ]


@pytest.mark.parametrize(("flags", "warned"), [("fpu avx512f", True), ("fpu avx512_bf16", False), (None, False)])
def test_a_processor_without_bfloat16_is_told(flags, warned, monkeypatch, tmp_path, capsys):
    (tmp_path / "cpuinfo").write_text(flags or "")
    monkeypatch.setattr("common.training.optimizer.CPU_INFO", tmp_path / ("cpuinfo" if flags else "none"))
    try:
        set_precision(True)
        assert ("--no-mixed-precision" in capsys.readouterr().err) == warned
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        set_precision(False)
        assert keras.config.dtype_policy().name == "float32"
    finally:
        keras.config.set_dtype_policy("float32")
