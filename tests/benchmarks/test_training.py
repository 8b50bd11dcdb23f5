"""The benchmark of training in tiny sizes: both train the same network, and `fit` is what is timed."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from benchmarks import timing, training
from benchmarks.networks import language_model, rating_model, tagger
from common.networks.lstm import LSTM

NETWORKS = {
    "tagger": lambda: tagger(embedding_dim=5, units=7, num_tags=3, vocab_size=11, num_steps=4),
    "language model": lambda: language_model("lstm", embedding_dim=5, units=7, vocab_size=11, num_steps=6),
    "rating model": lambda: rating_model(
        embedding_dim=5, units=7, directions="forward", pooling="last", vocab_size=11, num_steps=8
    ),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]()


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    monkeypatch.setattr(timing, "REST_SECONDS", 0)


@pytest.mark.parametrize(("mixed", "largest"), [(False, 1e-5), (True, 1e-2)])
def test_pytorch_starts_with_the_loss_of_keras_and_learns(mixed, largest, network):
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install -r requirements-bench.txt")
    batch = training.make_batch(network, 2)
    wanted = float(training.compile_keras(network).test_on_batch(*batch))
    step = training.torch_steps(network, batch)["PyTorch bfloat16" if mixed else "PyTorch float32"]
    losses = [step() for _ in range(30)]
    assert training.check_loss(wanted, losses[0], largest) < largest
    assert losses[-1] < 0.99 * losses[0]


@pytest.mark.parametrize(
    "name", [name if name == "rating model" else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS]
)
def test_the_two_lstms_learn_alike(name):
    kinds, losses = [], []
    for own_lstm in (True, False):
        network = NETWORKS[name]()
        batch, model = training.make_batch(network, 2), training.compile_keras(network, own_lstm)
        kinds.append({type(layer) for layer in model._flatten_layers() if isinstance(layer, keras.layers.LSTM)})
        losses.append([float(model.train_on_batch(*batch)) for _ in range(5)])
    assert kinds == [{LSTM}, {keras.layers.LSTM}]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


def test_another_loss_is_noticed():
    with pytest.raises(ValueError, match="another network"):
        training.check_loss(2.0, 2.001)
    with pytest.raises(ValueError, match="another network"):
        training.check_loss(2.0, float("nan"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rating model", "tagger", "language model"])
def test_fit_is_timed_between_the_ends_of_its_steps(name, monkeypatch):
    network = NETWORKS[name]()
    batch = training.make_batch(network, 2)
    model = training.compile_keras(network)
    before = [np.copy(weight) for weight in model.get_weights()]
    loss = model.test_on_batch(*batch)
    fitted, fit = [], keras.Model.fit
    monkeypatch.setattr(
        keras.Model, "fit", lambda model, data, **kw: fitted.append(len(data)) or fit(model, data, **kw)
    )
    clock = iter(range(1000))  # the end of every step comes three seconds after the last one
    turn = training.fit_turn(model, batch, seconds=12, clock=lambda: 3 * next(clock))
    assert turn() == 3000
    assert fitted == [2, 2, 5]  # each with a step to count from
    assert all((new != old).any() for new, old in zip(model.get_weights(), before, strict=True))
    assert model.test_on_batch(*batch) < loss


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(training, "build_networks", lambda: [(NETWORKS["tagger"], 2)])
    monkeypatch.setattr(training, "SECONDS", 0.001)
    monkeypatch.setattr(timing, "set_threads", lambda num_threads: None)
    monkeypatch.setattr(timing, "has_torch", lambda: False)


@pytest.mark.slow
def test_results_have_a_figure_for_each_system(tiny, tmp_path, capsys):
    training.main(["--repeats", "3", "--threads", "1", "--output-dir", str(tmp_path)])
    shown = capsys.readouterr()
    assert "PyTorch is not installed and is left out" in shown.err
    results = json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))
    assert results["command"] == "python -m benchmarks.training --repeats 3 --threads 1"
    assert [figure["system"] for figure in results["figures"]] == list(training.SYSTEMS)
    for figure in results["figures"]:
        assert (figure["network"], figure["batch_size"], figure["num_steps"]) == ("tagger", 2, 4)
        assert figure["median_ms"] == sorted(figure["times_ms"])[1]
        assert len(figure["times_ms"]) == 3
        assert figure["tokens_per_second"] == pytest.approx(1000 * 8 / figure["median_ms"], abs=0.06)
        assert f"tagger   2 x 4         {figure['system']}" in shown.out
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")
    assert keras.config.dtype_policy().name == "float32"  # put back
