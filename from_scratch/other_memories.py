"""Models without a memory, and with other ones, beside the recurrent network.

python -m from_scratch.other_memories

                          what it remembers
    last value            the value before, as it was
    autoregressive        a fixed number of values, weighted: a linear neuron over delay taps (Yule 1927)
    time-delay network    the same taps under a hidden layer (Waibel et al. 1989)
    linear dynamical      a hidden state of numbers that turns linearly and is seen through noise: Kalman 1960
    hidden Markov         one of a few hidden states, at random: Baum et al. 1970
    Elman network         a hidden state of numbers that may turn in any way

Each predicts the next value of six sequences, scored by the mean squared error as a share of the variance: 1 is no
better than the mean. For every model there is one that it predicts well and one that it cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from from_scratch import mlp, rnn, through_time
from from_scratch.lesson import run, save_picture, show_table
from from_scratch.losses import squared_error
from from_scratch.mlp import Array, glorot
from from_scratch.optimizers import Adam, clip_by_norm

NUM_TAPS, NUM_VALUES = 4, 1200  # delay taps; values of a sequence, the last third for the test


# -- Sequences ------------------------------------------------------------------------------------------------------


def random_walk(rng: np.random.Generator) -> Array:
    """Each value is the one before and a random step: nobody can do better than the last value."""
    return np.cumsum(rng.normal(0, 0.1, NUM_VALUES))


def two_back(rng: np.random.Generator) -> Array:
    """A noisy oscillation, x_t = 1.6 x_{t-1} - 0.9 x_{t-2} + noise: two taps hold all there is to know."""
    x = np.zeros(NUM_VALUES)
    for t in range(2, NUM_VALUES):
        x[t] = 1.6 * x[t - 1] - 0.9 * x[t - 2] + rng.normal(0, 0.1)
    return x


def seen_through_noise(rng: np.random.Generator) -> Array:
    """A slow turn that is seen through much noise: the more values are averaged, the better."""
    state, values = np.array([1.0, 0.0]), []
    turn = np.array([[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]])
    for _ in range(NUM_VALUES):
        state = turn @ state + rng.normal(0, 0.02, 2)
        values.append(state[0] + rng.normal(0, 0.5))
    return np.array(values)


def logistic_map(rng: np.random.Generator) -> Array:
    """x_t = 3.9 x_{t-1} (1 - x_{t-1}): chaos, without any noise; the rule is a curve, no line."""
    x = np.empty(NUM_VALUES)
    x[0] = rng.uniform(0.2, 0.8)
    for t in range(1, NUM_VALUES):
        x[t] = 3.9 * x[t - 1] * (1 - x[t - 1])
    return x


def regimes(rng: np.random.Generator) -> Array:
    """Two hidden states with means -1 and 1, seldom changed, seen through noise."""
    state, values = 1.0, []
    for _ in range(NUM_VALUES):
        state = -state if rng.random() < 0.02 else state
        values.append(state + rng.normal(0, 0.8))
    return np.array(values)


def rare_signal(rng: np.random.Generator) -> Array:
    """Zeros, and now and then a 1 or a -1 that comes again exactly ten steps later: further back than the taps."""
    x, t = np.zeros(NUM_VALUES), 3
    while t + 10 < NUM_VALUES:
        x[t] = x[t + 10] = rng.choice([-1.0, 1.0])
        t += int(rng.integers(13, 18))
    return x


SEQUENCES: dict[str, Callable[[np.random.Generator], Array]] = {
    "random walk": random_walk,
    "two back": two_back,
    "noisy turn": seen_through_noise,
    "logistic map": logistic_map,
    "regimes": regimes,
    "echo after ten": rare_signal,
}

# -- Models: each takes a whole sequence, learns from its first values, and predicts every value from those before -----


def last_value(x: Array, num_train: int) -> Array:
    """Say what was there before."""
    return np.concatenate([[0.0], x[:-1]])


def taps(x: Array) -> Array:
    """The values before each, newest first, zeros before the beginning (time, NUM_TAPS).

    >>> taps(np.array([1.0, 2.0, 3.0]))[2].tolist()
    [2.0, 1.0, 0.0, 0.0]
    """
    padded = np.concatenate([np.zeros(NUM_TAPS), x])
    return np.stack([padded[NUM_TAPS - lag : len(padded) - lag] for lag in range(1, NUM_TAPS + 1)], axis=1)


def autoregressive(x: Array, num_train: int) -> Array:
    """Weigh the taps by least squares."""
    design = np.c_[taps(x), np.ones(len(x))]
    weights = np.linalg.lstsq(design[NUM_TAPS:num_train], x[NUM_TAPS:num_train], rcond=None)[0]
    return design @ weights


def time_delay(x: Array, num_train: int) -> Array:
    """Read the taps with a perceptron."""
    rng, activations = np.random.default_rng(0), ["tanh", "linear"]
    params, optimizer = mlp.init_params([NUM_TAPS, 16, 1], rng), Adam(0.01)
    inputs, targets = taps(x), x[:, None]
    for _ in range(1500):
        chosen = rng.integers(NUM_TAPS, num_train, 64)
        said = mlp.forward(inputs[chosen], params, activations)
        optimizer.update(
            params, mlp.backward(squared_error(said[-1], targets[chosen])[1], said, params, activations)[0]
        )
    return mlp.forward(inputs, params, activations)[-1][:, 0]


def kalman_predictions(x: Array, angle: float, decay: float, drift: float, noise: float) -> Array:
    """Predict with the Kalman filter of a state in the plane that turns and shrinks, and is seen from one side.

        state_t = decay * turn(angle) state_{t-1} + drift noise        x_t = state_t[0] + seeing noise

    Args:
        x: (time,).
        angle: of the turn in a step, radians.
        decay: of the state in a step.
        drift: standard deviation of what moves the state at random.
        noise: standard deviation of what is seen beside it.
    Returns:
        The mean of each value given those before it, (time,).
    """
    turn = decay * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mean, covariance, predictions = np.zeros(2), np.eye(2), np.empty(len(x))
    for t, value in enumerate(x):
        mean, covariance = turn @ mean, turn @ covariance @ turn.T + drift**2 * np.eye(2)
        predictions[t] = mean[0]
        gain = covariance[:, 0] / (covariance[0, 0] + noise**2)
        mean = mean + gain * (value - mean[0])
        covariance = covariance - np.outer(gain, covariance[0])
    return predictions


def linear_dynamical(x: Array, num_train: int) -> Array:
    """The Kalman filter whose four numbers predict the training values best: first anywhere, then around the best."""
    rng = np.random.default_rng(0)
    middle, spread = x[:num_train].mean(), x[:num_train].std()
    scaled = (x - middle) / spread
    low, high = np.array([0, 0.8, -2, -2]), np.array([np.pi, 1, 0, 0])  # angle, decay, log10 of drift and of noise

    def predict(numbers: Array, values: Array) -> Array:
        return kalman_predictions(values, numbers[0], numbers[1], 10 ** numbers[2], 10 ** numbers[3])

    best, best_error = low, np.inf
    for trial in range(400):
        tried = rng.uniform(low, high) if trial < 200 else best + rng.normal(0, [0.03, 0.01, 0.1, 0.1])
        tried = np.clip(tried, low, high)
        error = np.mean((predict(tried, scaled[:num_train]) - scaled[:num_train]) ** 2)
        if error < best_error:
            best, best_error = tried, error
    return predict(best, scaled) * spread + middle


def hidden_markov(x: Array, num_train: int, num_states: int = 4) -> Array:
    """A hidden Markov model with a normal distribution in each state, learned by expectation maximisation."""
    train = x[:num_train]
    means = np.quantile(train, (np.arange(num_states) + 0.5) / num_states)
    spreads = np.full(num_states, train.std())
    change = np.full((num_states, num_states), 0.1 / num_states) + 0.9 * np.eye(num_states)
    change /= change.sum(axis=1, keepdims=True)
    for _ in range(40):
        ahead, _ = filter_states(train, means, spreads, change)
        likelihoods = densities(train, means, spreads)
        here = ahead * likelihoods
        here /= here.sum(axis=1, keepdims=True)
        after, pairs = np.ones(num_states), np.zeros_like(change)
        both = np.empty_like(here)
        both[-1] = here[-1]
        for t in range(len(train) - 2, -1, -1):  # back: what came later says more about where it was
            joint = here[t][:, None] * change * (likelihoods[t + 1] * after)
            joint /= joint.sum()
            pairs += joint
            both[t] = joint.sum(axis=1)
            after = change @ (likelihoods[t + 1] * after)
            after /= after.sum()
        weights = both / both.sum(axis=0)
        means = weights.T @ train
        spreads = np.sqrt((weights * (train[:, None] - means) ** 2).sum(axis=0)) + 1e-2 * train.std()
        change = (pairs + 1e-3) / (pairs + 1e-3).sum(axis=1, keepdims=True)
    return filter_states(x, means, spreads, change)[1]


def densities(x: Array, means: Array, spreads: Array) -> Array:
    """Of each value in each state, up to a factor: (time, states)."""
    return np.exp(-0.5 * ((x[:, None] - means) / spreads) ** 2) / spreads + 1e-12


def filter_states(x: Array, means: Array, spreads: Array, change: Array) -> tuple[Array, Array]:
    """Walk forward: the probability of each state before its value is seen (time, states), and the value expected."""
    likelihoods, ahead = densities(x, means, spreads), np.empty((len(x), len(means)))
    state = np.full(len(means), 1 / len(means))
    for t in range(len(x)):
        ahead[t] = state
        seen = state * likelihoods[t]
        state = seen / seen.sum() @ change
    return ahead, ahead @ means


def elman(x: Array, num_train: int) -> Array:
    """An Elman network, trained on stretches of the training values."""
    rng, length, num_units = np.random.default_rng(0), 60, 24
    middle, spread = x[:num_train].mean(), x[:num_train].std()
    scaled = ((x - middle) / spread)[:, None]
    params = rnn.init_params(1, num_units, rng) | {"W_hy": glorot(num_units, 1, rng), "b_y": np.zeros(1)}
    optimizer, num_updates = Adam(0.005), 1500
    for update in range(num_updates):
        optimizer.learning_rate = 0.005 * (1 - update / num_updates)
        starts = rng.integers(0, num_train - length - 1, 32)
        stretches = np.stack([scaled[start : start + length + 1] for start in starts])  # (batch, length + 1, 1)
        walk = through_time.forward(rnn, stretches[:, :-1], params)
        answer = walk.h @ params["W_hy"] + params["b_y"]
        danswer = squared_error(answer, stretches[:, 1:])[1]
        danswer[:, :12] = 0  # the state has to find its feet first
        grads, _, _ = through_time.backward(rnn, walk, stretches[:, :-1], params, danswer @ params["W_hy"].T)
        grads |= {"W_hy": np.einsum("bti,btj->ij", walk.h, danswer), "b_y": danswer.sum(axis=(0, 1))}
        optimizer.update(params, clip_by_norm(grads, 1.0))
    walk = through_time.forward(rnn, np.concatenate([[[0.0]], scaled[:-1]])[None], params)
    return (walk.h @ params["W_hy"] + params["b_y"])[0, :, 0] * spread + middle


MODELS: dict[str, Callable[[Array, int], Array]] = {
    "last value": last_value,
    "autoregressive": autoregressive,
    "time-delay network": time_delay,
    "linear dynamical": linear_dynamical,
    "hidden Markov": hidden_markov,
    "Elman network": elman,
}


def relative_error(x: Array, predictions: Array, num_train: int) -> float:
    """The mean squared error over the test values, as a share of their variance."""
    return float(((predictions - x)[num_train:] ** 2).mean() / x[num_train:].var())


def lesson(folder: Path) -> dict[str, dict[str, float]]:
    """Let every model predict every sequence; returns the errors as shares of the variance."""
    num_train, errors, drawn = NUM_VALUES * 2 // 3, {}, {}
    for name, make in SEQUENCES.items():
        x = make(np.random.default_rng(1))
        predictions = {model: predict(x, num_train) for model, predict in MODELS.items()}
        errors[name] = {model: relative_error(x, given, num_train) for model, given in predictions.items()}
        drawn[name] = x, predictions
    show_table(
        ["sequence", *MODELS], [[name, *(f"{error:.3f}" for error in row.values())] for name, row in errors.items()]
    )

    def draw(figure) -> None:
        for axes, (name, (x, predictions)) in zip(figure.subplots(3, 2).flat, drawn.items(), strict=True):
            part = slice(num_train, num_train + 60)
            axes.plot(x[part], "k.-", linewidth=0.5, label="sequence")
            for model in ("autoregressive", "linear dynamical", "hidden Markov", "Elman network"):
                axes.plot(predictions[model][part], linewidth=1, label=model)
            axes.set_title(name)
        axes.legend(frameon=False, fontsize=6, ncols=2)

    save_picture(draw, folder, "other_memories", 11, 8)
    return errors


if __name__ == "__main__":
    run(lesson, __doc__)
