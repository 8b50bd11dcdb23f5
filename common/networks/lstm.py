"""LSTM with a hand-written backward pass, so that a training step takes less time on processor cores than Keras' own.

Left to itself, TensorFlow differentiates the loop over time step by step. Every step then multiplies the inputs by the
kernel, adds a whole matrix to the gradient of each kernel, and keeps what it will need in a stack. But only the state
has to wait for the step before. Here the inputs are multiplied once, for all steps; the loop back through time yields
the gradients of the gates (`dz`) and nothing else; and the gradients of the kernels are one product each over all
steps. The numbers are the same, up to rounding. On JAX, where several processes may share a batch, each would else wait
for the others at every step to add these matrices up.
"""

from __future__ import annotations

import keras
from keras import ops

from common.networks.layer_names import PACKAGE


@keras.saving.register_keras_serializable(package=PACKAGE)
class LSTM(keras.layers.LSTM):
    """Long short-term memory with forget gates; arguments and weights are those of `keras.layers.LSTM`.

        i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)     z = x_t . kernel + h_{t-1} . recurrent_kernel + bias
        c_t = f * c_{t-1} + i * tanh(z_g)                      h_t = o * tanh(c_t)

    Hochreiter & Schmidhuber 1997, "Long Short-Term Memory"; Gers et al. 2000, "Learning to Forget". Whatever is not
    training on TensorFlow or JAX without a GPU is left to Keras.

    `gradient_length` may be set for training, and is not saved: truncated back-propagation through time (Williams &
    Peng 1990), in which the gradient stays within stretches of so many steps while the states go on; 0 is one stretch.
    """

    gradient_length = 0

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if not (training and self._is_covered()):
            if training and self.gradient_length:
                raise ValueError(f"gradient_length is {self.gradient_length}; Keras' loop can do 0 alone")
            return super().inner_loop(sequences, initial_state, mask, training)
        steps = ops.transpose(sequences, (1, 0, 2))  # (time, batch, features)
        if self.go_backwards:
            steps = ops.flip(steps, axis=0)
        real = None if mask is None else ops.cast(ops.transpose(mask)[:, :, None], "float32")  # (time, batch, 1)
        if real is not None and self.go_backwards:
            real = ops.flip(real, axis=0)
        cell, compute = self.cell, self.compute_dtype
        inputs = ops.matmul(steps, ops.cast(cell.kernel, compute)) + ops.cast(cell.bias, compute)
        h, c = (ops.cast(state, "float32") for state in initial_state)
        # The function below must not see the variable, only its value.
        recurrent_kernel = ops.cast(cell.recurrent_kernel, compute) * 1
        linked = None
        if self.gradient_length:
            starts = ops.arange(ops.shape(steps)[0]) % self.gradient_length == 0
            linked = 1 - ops.cast(starts, "float32")[:, None, None]
        outputs, h, c = _scan(inputs, h, c, recurrent_kernel, real, linked)
        if real is not None:  # at padding there is what came before it, and zeros if nothing came
            outputs = outputs * (real if self.zero_output_for_mask else ops.minimum(ops.cumsum(real, axis=0), 1))
        return outputs[-1], ops.transpose(outputs, (1, 0, 2)), [h, c]

    def _is_covered(self) -> bool:
        return (
            keras.backend.backend() in ("tensorflow", "jax")
            and all(device.startswith("cpu") for device in keras.distribution.list_devices())
            and self.activation is keras.activations.tanh
            and self.recurrent_activation is keras.activations.sigmoid
            and self.use_bias
            and not (self.dropout or self.recurrent_dropout or self.unroll)
        )


def _scan(inputs, h_0, c_0, recurrent_kernel, real=None, linked=None):
    """Forward pass over all steps, with the gradient that `_scan_back` computes.

    Args:
        inputs: each step's part of z, (time, batch, 4 * units), in the order i f g o.
        h_0: the states before, float32 (batch, units); so `c_0`.
        recurrent_kernel: (units, 4 * units).
        real: 1 where there is a real step, 0 where there is padding, float32 (time, batch, 1); None: there is no
            padding, and no time is spent on it.
        linked: 1 where the gradient goes on to the step before, else 0, float32 (time, 1, 1); None: everywhere.
    Returns:
        The states h after each step, float32 (time, batch, units), and h and c after the last one.
    """

    @ops.custom_gradient
    def scan(inputs, h_0, c_0, recurrent_kernel):
        h_all, c_all, gates_all, h_last, c_last = _scan_forward(inputs, h_0, c_0, recurrent_kernel, real)

        def gradient(*upstream):
            # TensorFlow gives the gradient of each result, JAX that of all of them.
            dh_all, dh_last, dc_last = upstream if len(upstream) == 3 else upstream[0]
            c_before = ops.concatenate([c_0[None], c_all[:-1]], axis=0)
            dh_0, dc_0, dz_all = _scan_back(
                dh_all, dh_last, dc_last, c_before, gates_all, recurrent_kernel, real, linked
            )
            h_before = ops.cast(ops.concatenate([h_0[None], h_all[:-1]], axis=0), recurrent_kernel.dtype)
            # Over time and batch at once: where processes share a batch, their sums meet once and not at every step.
            return dz_all, dh_0, dc_0, ops.tensordot(h_before, dz_all, axes=([0, 1], [0, 1]))

        return (h_all, h_last, c_last), gradient

    return scan(inputs, h_0, c_0, recurrent_kernel)


def _scan_forward(inputs, h_0, c_0, recurrent_kernel, real):
    """The states h and c and the gates i f g o of each step, (time, batch, …), and the last h and c; see `_scan`."""
    compute = recurrent_kernel.dtype

    def step(carry, t):
        h, c, _ = carry
        z = ops.cast(ops.take(inputs, t, axis=0), "float32")
        z = z + ops.cast(ops.matmul(ops.cast(h, compute), recurrent_kernel), "float32")
        z_i, z_f, z_g, z_o = ops.split(z, 4, axis=-1)
        i, f, g, o = ops.sigmoid(z_i), ops.sigmoid(z_f), ops.tanh(z_g), ops.sigmoid(z_o)
        c_next = f * c + i * g
        h_next = o * ops.tanh(c_next)
        gates = ops.cast(ops.concatenate([i, f, g, o], axis=-1), compute)
        if real is not None:
            here = ops.take(real, t, axis=0)
            h_next, c_next = h + here * (h_next - h), c + here * (c_next - c)
        carry = (h_next, c_next, gates)
        return carry, carry

    times = ops.arange(ops.shape(inputs)[0])
    no_gates = ops.zeros_like(inputs[0])  # a scan gives back what it carries, so the gates are carried along
    (h_last, c_last, _), (h_all, c_all, gates_all) = ops.scan(step, (h_0, c_0, no_gates), times)
    return h_all, c_all, gates_all, h_last, c_last


def _scan_back(dh_all, dh_last, dc_last, c_before, gates_all, recurrent_kernel, real, linked):
    """Backward pass over all steps, the last one first.

    Args:
        dh_all: the gradient of the output of each step, float32 (time, batch, units).
        dh_last: that of the last state h, float32 (batch, units); so `dc_last`.
        dc_last: that of the last state c.
        c_before: the state c before each step, float32 (time, batch, units).
        gates_all: the gates i f g o of each step (time, batch, 4 * units).
        recurrent_kernel: as in `_scan`.
        real: likewise.
        linked: likewise.
    Returns:
        The gradients of the first states h and c, float32 (batch, units), and of z, (time, batch, 4 * units).
    """
    compute, to_h = recurrent_kernel.dtype, ops.transpose(recurrent_kernel)

    def step_back(carry, t):
        dh, dc, _ = carry
        dh_here, c, gates = (ops.take(array, t, axis=0) for array in (dh_all, c_before, gates_all))
        i, f, g, o = ops.split(ops.cast(gates, "float32"), 4, axis=-1)
        dh = dh + dh_here
        tanh_c = ops.tanh(f * c + i * g)
        if real is None:
            dh_real, dc_real = dh, dc
        else:
            here = ops.take(real, t, axis=0)
            dh_real, dc_real = here * dh, here * dc
            dh_skipped, dc_skipped = dh - dh_real, dc - dc_real
        dc_real = dc_real + dh_real * o * (1 - tanh_c * tanh_c)
        dz = [dc_real * g * i * (1 - i), dc_real * c * f * (1 - f), dc_real * i * (1 - g * g)]
        dz = ops.cast(ops.concatenate([*dz, dh_real * tanh_c * o * (1 - o)], axis=-1), compute)
        dh_before, dc_before = ops.cast(ops.matmul(dz, to_h), "float32"), dc_real * f
        if real is not None:
            dh_before, dc_before = dh_skipped + dh_before, dc_skipped + dc_before
        if linked is not None:
            link = ops.take(linked, t, axis=0)
            dh_before, dc_before = link * dh_before, link * dc_before
        carry = (dh_before, dc_before, dz)
        return carry, carry

    times = ops.arange(ops.shape(gates_all)[0])
    no_gates = ops.zeros_like(gates_all[0])
    (dh_0, dc_0, _), (_, _, dz_all) = ops.scan(step_back, (dh_last, dc_last, no_gates), times, reverse=True)
    return dh_0, dc_0, dz_all
