"""Random inputs that a saved network accepts, to try it out: for comparing engines and for timing."""

from __future__ import annotations

import numpy as np

from common.bundles.architecture import Architecture, sources


def random_inputs(
    architecture: Architecture, batch_size: int, num_steps: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Make random inputs for a network.

    Args:
        architecture: of the network.
        batch_size: rows.
        num_steps: of the longest row, the first; the others end at random.
        rng: random generator.
    Returns:
        An array for each input: ids below the number of rows that they choose from, masks padded on the right, states
        between -1 and 1.
    """
    num_ids = {
        source: layer.config.get("input_dim", batch_size)
        for layer in architecture.layers.values()
        if "input_dim" in layer.config or layer.class_name == "TakeRows"
        for source, _ in sources(layer.calls[0])
    }
    lengths = rng.integers(1, num_steps + 1, batch_size)
    lengths[0] = num_steps
    inputs: dict[str, np.ndarray] = {}
    for name in architecture.inputs:
        config = architecture.layers[name].config
        shape = [batch_size, *(size or num_steps for size in config["batch_shape"][1:])]
        if config["dtype"] == "bool":
            inputs[name] = np.arange(num_steps) < lengths[:, None]
        elif config["dtype"] == "int32":
            inputs[name] = rng.integers(0, num_ids.get(name, 1), shape, dtype=np.int32)
        else:
            inputs[name] = rng.uniform(-1, 1, shape).astype(np.float32)
    return inputs
