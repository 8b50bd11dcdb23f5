"""Answer with Keras: a bundle's model, built and compiled once, and not before there is something to run it on."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from common.bundles.bundle import Bundle
from common.bundles.file_names import MODEL_FILE
from common.errors import InputError, excerpt
from common.inference.keras_start import start_keras
from common.inference.widths import pad_axis, rounded_width, widen

if TYPE_CHECKING:
    import keras


def load_model(bundle: Bundle) -> Any:
    """Build the Keras model of a checked bundle and give it its weights.

    Keras sees neither the file of weights nor a size that was not checked.

    Args:
        bundle: the bundle.
    Returns:
        The model, not compiled.
    Raises:
        InputError: Keras does not accept it.
    """
    started = start_keras()

    # They import Keras, and register our layers with it.
    from common.networks import layers, lstm  # noqa: F401

    architecture = bundle.architecture
    try:
        model = started.models.model_from_json(architecture.for_keras())
        for layer in model.layers:
            layer.set_weights(architecture.layers[layer.name].weights)
    except Exception as error:  # there is no telling how Keras fails on what somebody wrote
        reason = str(error).strip().splitlines()
        raise InputError(
            f"{bundle.path / MODEL_FILE}: Keras cannot build it ({reason[0] if reason else type(error).__name__})"
        ) from None
    return model


class KerasEngine:
    """A functional Keras model as a function from arrays to arrays.

    Args:
        source: a model, whose weights may change later; or a checked bundle, whose model is built, and Keras imported,
            when it is first needed: a wrong row or option is reported without that wait.
        num_threads: processor cores one call may use, for all models of the process; None leaves it to the backend.
    """

    def __init__(self, source: Bundle | keras.Model, num_threads: int | None = None) -> None:
        self.source = source
        self.num_threads = num_threads

    @cached_property
    def model(self) -> Any:
        """The Keras model, to look inside."""
        return load_model(self.source) if isinstance(self.source, Bundle) else self.source

    @cached_property
    def _forward(self) -> Callable[[Mapping[str, np.ndarray]], Any]:
        keras = start_keras()
        if keras.backend.backend() == "jax":
            return _on_jax(self.model)
        if keras.backend.backend() != "tensorflow":
            return self.model.predict_on_batch

        import tensorflow as tf

        if self.num_threads:
            tf.config.threading.set_intra_op_parallelism_threads(self.num_threads)

        # `predict_on_batch` would compile again for batch after batch; here lengths are declared to vary.
        signature = {name: tf.TensorSpec(value.shape, value.dtype, name) for name, value in self.model.input.items()}
        compiled = tf.function(lambda inputs: self.model(inputs, training=False), input_signature=[signature])

        def forward(inputs: Mapping[str, np.ndarray]) -> Any:
            answer = compiled({name: tf.convert_to_tensor(inputs[name]) for name in signature})
            # A model in mixed precision gives states in bfloat16, which NumPy does not have.
            return tf.nest.map_structure(lambda tensor: tf.cast(tensor, tf.float32).numpy(), answer)

        return forward

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> Any:
        """Run the model.

        Args:
            inputs: an array for each of its named inputs; others are ignored.
        Returns:
            A float32 array, or a dict of them for a model with named outputs.
        Raises:
            InputError: the network of a bundle is not made for these inputs.
        """
        if not isinstance(self.source, Bundle):
            return self._forward(inputs)
        try:
            return self._forward(inputs)
        except InputError:
            raise
        except Exception as error:  # Keras and TensorFlow have a class for every kind, and no common one
            reason = excerpt(" ".join(str(error).split()), 200)
            raise InputError(f"{self.source.path}: Keras cannot run its network ({reason}); train it again") from None

    def answers(self, batches: Iterable[Mapping[str, np.ndarray]]) -> Iterator[Any]:
        """Run the model on one batch after the other."""
        return map(self, batches)


def _on_jax(model: Any) -> Callable[[Mapping[str, np.ndarray]], Any]:
    """A compiled call of a model on JAX: on this process' own devices, and in few shapes."""
    jax = importlib.import_module("jax")
    names = list(model.input)
    # The axis of time, which is padded and cut again, is the one whose size the network leaves open.
    is_open = jax.tree.map(lambda output: len(output.shape) > 1 and output.shape[1] is None, model.output)

    @jax.jit
    def compiled(variables, inputs):
        answer, _ = model.stateless_call(*variables, inputs, training=False)
        return jax.tree.map(lambda array: array.astype("float32"), answer)

    def forward(inputs: Mapping[str, np.ndarray]) -> Any:
        given = {name: np.asarray(inputs[name]) for name in names}
        num_rows, num_steps = given["mask"].shape if "mask" in given else (len(given[names[0]]), 0)
        padded = {name: pad_axis(array, 0, rounded_width(len(array))) for name, array in widen(given).items()}
        # Of weights that several processes hold alike, this process' own.
        variables = [
            [variable.value.addressable_data(0) for variable in group]
            for group in (model.trainable_variables, model.non_trainable_variables)
        ]
        answer = compiled(variables, padded)
        return jax.tree.map(
            lambda array, cut: np.asarray(array)[:num_rows, :num_steps] if cut else np.asarray(array)[:num_rows],
            answer,
            is_open,
        )

    return forward
