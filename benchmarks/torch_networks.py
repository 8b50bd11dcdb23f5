"""The same networks in PyTorch, under the same weights.

The weights are copied by hand. What differs:

    kernels   Keras multiplies from the right, (features, gates * units); PyTorch from the left, transposed
    LSTM      gates i f c o in Keras, the same in PyTorch, which calls c g; PyTorch has a second bias, here zero
    GRU       gates z r h in Keras, r z n in PyTorch; two biases in both, as `reset_after` is Keras' default
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from benchmarks.networks import Batch, Network
from common.networks import layer_names

# PyTorch's optimizers look for Triton, a compiler for GPUs. It and TensorFlow both bring LLVM, and two of them in one
# process abort it; here Triton has nothing to do.
sys.modules.setdefault("triton", None)  # type: ignore[arg-type]

import torch
from torch import Tensor, nn
from torch.nn import functional

with warnings.catch_warnings():
    # Where TensorFlow was imported before, PyTorch takes its functions for those of a GPU, and warns of their answer.
    warnings.simplefilter("ignore")
    torch.cuda.is_available()


class Tagger(nn.Module):
    """token_ids (batch, time) to logits (batch, time, tags)."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.embedding = copy_embedding(model.get_layer(layer_names.EMBEDDING))
        self.lstm = copy_lstm(model.get_layer(layer_names.recurrent(0)))
        self.to_logits = copy_dense(model.get_layer(layer_names.LOGITS))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        states, _ = self.lstm(self.embedding(inputs["token_ids"]))  # (batch, time, 2 * units)
        return self.to_logits(states)


class RatingModel(nn.Module):
    """token_ids (batch, time) to ratings (batch, 1): mean and largest state pooled, or the last one."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.embedding = copy_embedding(model.get_layer(layer_names.EMBEDDING))
        self.lstm = copy_lstm(model.get_layer(layer_names.recurrent(0)))
        self.to_score = copy_dense(model.get_layer(layer_names.SCORE))
        scale = model.get_layer(layer_names.RATING)
        self.scale, self.offset = scale.scale, scale.offset

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        states, _ = self.lstm(self.embedding(inputs["token_ids"]))  # (batch, time, 2 * units), or units
        if self.lstm.bidirectional:
            features = torch.cat([states.mean(dim=1), states.amax(dim=1)], dim=-1)  # (batch, 4 * units)
        else:
            features = states[:, -1]  # (batch, units)
        return self.to_score(features) * self.scale + self.offset


class LanguageModelStep(nn.Module):
    """One token and the states before it to logits, features and the next states; with cells, as is fastest there."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.embedding = copy_embedding(model.get_layer(layer_names.EMBEDDING))
        self.names = [name for name in model.output if name.startswith("state_")]
        self.cells = nn.ModuleList(
            copy_gru_cell(model.get_layer(layer_names.recurrent(i))) for i in range(len(self.names))
        )
        self.to_logits = copy_dense(model.get_layer(layer_names.TO_LOGITS))

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        hidden, states = self.embedding(inputs["token_ids"][:, 0]), {}  # (batch, embedding_dim)
        for name, cell in zip(self.names, self.cells, strict=True):
            hidden = states[name] = cell(hidden, inputs[name])  # (batch, units)
        steps = hidden[:, None]  # (batch, 1, units)
        return {"logits": self.to_logits(steps), "hidden": steps, **states}


class LanguageModel(nn.Module):
    """token_ids (batch, time) and the states before them to logits (batch, time, vocab_size), for training: LSTMs."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.embedding = copy_embedding(model.get_layer(layer_names.EMBEDDING))
        self.lstm = copy_lstm(*(layer for layer in model.layers if layer.name.startswith(layer_names.RECURRENT)))
        self.to_logits = copy_dense(model.get_layer(layer_names.TO_LOGITS))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        before = [
            torch.stack([inputs[f"state_{number}_{kind}"] for number in range(self.lstm.num_layers)]) for kind in "hc"
        ]  # each (layers, batch, units)
        states, _ = self.lstm(self.embedding(inputs["token_ids"]), before)  # (batch, time, units)
        return self.to_logits(states)


class TorchEngine:
    """A module as a function from named arrays to arrays, as `common.inference.engine.OnnxEngine` is one."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module.eval()

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> Any:
        with torch.inference_mode():
            answer = self.module(to_tensors(inputs))
        return {name: tensor.numpy() for name, tensor in answer.items()} if isinstance(answer, dict) else answer.numpy()


def to_tensors(inputs: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Arrays as tensors, which share their memory."""
    return {name: torch.from_numpy(array) for name, array in inputs.items()}


# -- Weights --------------------------------------------------------------------------------------------------------


def copy_embedding(layer: keras.layers.Layer) -> nn.Embedding:
    """An embedding under Keras' weights."""
    (table,) = layer.get_weights()
    return _fill(nn.Embedding(*table.shape), {"weight": table})


def copy_dense(layer: keras.layers.Layer) -> nn.Linear:
    """A dense layer under Keras' weights."""
    kernel, bias = layer.get_weights()
    return _fill(nn.Linear(*kernel.shape), {"weight": kernel.T, "bias": bias})


def copy_lstm(*layers: keras.layers.Layer) -> nn.LSTM:
    """LSTMs on top of each other, in one direction or both, under Keras' weights."""
    bidirectional = isinstance(layers[0], keras.layers.Bidirectional)
    weights: dict[str, np.ndarray] = {}
    for number, layer in enumerate(layers):
        arrays = layer.get_weights()  # kernel, recurrent kernel, bias; of both directions one after the other
        for suffix, (kernel, recurrent_kernel, bias) in zip(("", "_reverse"), _threes(arrays), strict=False):
            weights |= {
                f"weight_ih_l{number}{suffix}": kernel.T,
                f"weight_hh_l{number}{suffix}": recurrent_kernel.T,
                f"bias_ih_l{number}{suffix}": bias,
                f"bias_hh_l{number}{suffix}": np.zeros_like(bias),
            }
    units, features = weights["weight_hh_l0"].shape[1], weights["weight_ih_l0"].shape[1]
    lstm = nn.LSTM(features, units, len(layers), bidirectional=bidirectional, batch_first=True)
    return _fill(lstm, weights)


def copy_gru_cell(layer: keras.layers.Layer) -> nn.GRUCell:
    """One step of a GRU under Keras' weights."""
    kernel, recurrent_kernel, bias = layer.get_weights()

    def reorder(weight: np.ndarray) -> np.ndarray:
        z, r, h = np.split(weight, 3, axis=-1)
        return np.concatenate([r, z, h], axis=-1)

    weights = {
        "weight_ih": reorder(kernel).T,
        "weight_hh": reorder(recurrent_kernel).T,
        "bias_ih": reorder(bias[0]),
        "bias_hh": reorder(bias[1]),
    }
    return _fill(nn.GRUCell(kernel.shape[0], recurrent_kernel.shape[0]), weights)


def _threes(arrays: Sequence[np.ndarray]) -> list[Sequence[np.ndarray]]:
    return [arrays[start : start + 3] for start in range(0, len(arrays), 3)]


def _fill(module: nn.Module, weights: Mapping[str, np.ndarray]) -> Any:
    """Load weights by name; every parameter must be there, in its shape."""
    module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
    return module


# What a network of `benchmarks.networks` is in PyTorch, by its name.
KINDS: dict[str, Any] = {"tagger": Tagger, "language model": LanguageModel, "rating model": RatingModel}


def training_step(network: Network, batch: Batch, learning_rate: float, mixed: bool) -> Callable[[], float]:
    """Make a training step with Adam, from the network's present weights; it returns the loss.

    Args:
        network: gives the weights.
        batch: what the step learns from.
        learning_rate: of Adam.
        mixed: bfloat16 in the forward pass (`torch.autocast`), and so in the backward pass; the loss is float32.
    """
    module = KINDS[network.name](network.model).train()
    optimizer = torch.optim.Adam(module.parameters(), learning_rate, fused=True)
    inputs, targets = to_tensors(batch[0]), torch.from_numpy(batch[1])

    def step() -> float:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            answer = module(inputs)
        answer = answer.float()
        if network.name == "rating model":
            loss = functional.mse_loss(answer, targets)
        else:
            loss = functional.cross_entropy(answer.flatten(0, 1), targets.flatten().long())
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
