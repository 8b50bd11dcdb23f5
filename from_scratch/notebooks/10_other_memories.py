# %% [markdown]
# # Lesson 10: other memories
#
# *One hour. You need lessons 1, 3 and 8.*
#
# Recurrent networks were not the first to predict what comes next. Each older model remembers in its own way, and for
# each there is a sequence that it was made for. Here you build the most important of them, the Kalman filter, step by
# step, and compare six models on six sequences.
#
# After this lesson you can choose between delay taps, a Kalman filter, a hidden Markov model and a recurrent network,
# and you know of each where it is optimal.
#
# | model | what it remembers |
# | --- | --- |
# | last value | the value before |
# | autoregressive | a few values, weighted |
# | time-delay network | the same values, under a hidden layer |
# | linear dynamical system | numbers that move linearly, seen through noise (Kalman filter) |
# | hidden Markov model | which of a few hidden states it is probably in |
# | Elman network | numbers that move nonlinearly |

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from from_scratch import mlp, other_memories
from from_scratch.lesson import COLORS, exercise, use_style
from from_scratch.other_memories import MODELS, SEQUENCES, relative_error, taps

use_style()

# %% [markdown]
# ## 1. Six sequences

# %%
made = {name: make(np.random.default_rng(1)) for name, make in SEQUENCES.items()}
figure, all_axes = plt.subplots(6, 1, figsize=(5, 9.5), sharex=True)
for axes, (name, x) in zip(all_axes, made.items(), strict=True):
    axes.plot(x[:120], ".-", linewidth=0.5, markersize=3)
    axes.set(title=name, ylabel="$x_t$")
all_axes[-1].set(xlabel="time step $t$")
plt.show()

num_train = 800
assert all(len(x) == 1200 for x in made.values())

# %% [markdown]
# - *random walk*: each value is the one before, and a random step.
# - *two back*: $x_t = 1.6\,x_{t-1} - 0.9\,x_{t-2}$, and noise.
# - *noisy turn*: a point goes slowly round in a circle; we see one coordinate, through much noise.
# - *logistic map*: $x_t = 3.9\,x_{t-1}(1 - x_{t-1})$, chaos without any noise (lesson 8).
# - *regimes*: a hidden switch between -1 and 1, seldom changed, seen through noise.
# - *echo after ten*: now and then a -1 or 1, which comes again exactly ten steps later.
#
# Every model learns from the first 800 values and predicts the last 400, one step ahead. The score is the mean squared
# error as a share of the variance: 0 is perfect, 1 is no better than always predicting the mean.
#
# ## 2. Delay taps
#
# The simplest memory is a window over the last $p$ values (*delay taps*). An *autoregressive* model weighs them:
#
# $$\hat{x}_t = a_1 x_{t-1} + \dots + a_p x_{t-p} + b$$
#
# The weights are found in one step by least squares. On "two back" they must come out as 1.6 and -0.9:

# %%
x = made["two back"]
design = np.column_stack([taps(x), np.ones(len(x))])  # (time, 4 taps and 1)
weights, *_ = np.linalg.lstsq(design[4:num_train], x[4:num_train], rcond=None)
predicted = design @ weights

assert np.allclose(weights[:2], [1.6, -0.9], atol=0.1)
assert np.allclose(weights[2:], 0, atol=0.1)
assert np.allclose(predicted, other_memories.autoregressive(x, num_train))
# What is left is the noise, with a standard deviation of 0.1: nobody can predict that.
assert np.isclose(np.std((x - predicted)[num_train:]), 0.1, atol=0.01)
weights.round(3)

# %% [markdown]
# A *time-delay network* (Waibel et al. 1989) puts a hidden layer over the same taps: a perceptron with a window. On the
# logistic map the rule is a parabola, which no weighted sum can follow:

# %%
x = made["logistic map"]
straight, bent = other_memories.autoregressive(x, num_train), other_memories.time_delay(x, num_train)
figure, axes = plt.subplots(figsize=(5, 4))
axes.plot(x[num_train:-1], x[num_train + 1 :], "o", color="grey", markersize=5, alpha=0.4, label="what came")
axes.plot(x[num_train:-1], bent[num_train + 1 :], ".", color=COLORS[0], markersize=5, label="time-delay network")
axes.plot(x[num_train:-1], straight[num_train + 1 :], "x", color=COLORS[1], markersize=3, label="autoregressive")
axes.set(xlabel="value before, $x_{t-1}$", ylabel="next value $x_t$", title="Logistic map")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
plt.show()
assert relative_error(x, bent, num_train) < 0.05 < 0.5 < relative_error(x, straight, num_train)

# %% [markdown]
# Both have the same limit: what lies before the window does not exist for them. All other models here have a *hidden
# state*.
#
# ## 3. A linear dynamical system and the Kalman filter
#
# A hidden state $h_t$ of a few numbers moves linearly, with some noise, and we see it through more noise:
#
# $$h_t = A h_{t-1} + \varepsilon_t, \quad \varepsilon_t \sim \mathcal{N}(0, Q)$$
#
# $$x_t = C h_t + \eta_t, \quad \eta_t \sim \mathcal{N}(0, r)$$
#
# We never see $h_t$. But everything is Gaussian, so what we know of it is a Gaussian, too: a mean $m$ and a covariance
# $P$. The *Kalman filter* (Kalman 1960) keeps both up to date in two moves. **Predict**: let the state move; the
# uncertainty grows.
#
# $$m \leftarrow A m, \qquad P \leftarrow A P A^\top + Q$$
#
# **Correct**: compare the prediction $C m$ with what is seen. How far to follow is the *gain* $K$: near 1 if the state
# is less certain than the measurement, near 0 if the measurement is mostly noise.
#
# $$K = \frac{P C^\top}{C P C^\top + r}$$
#
# $$m \leftarrow m + K\,(x_t - C m)$$
#
# $$P \leftarrow P - K C P$$
#
# For the noisy turn, $A$ is a rotation by 0.1 radian, and we see the first coordinate:

# %%
angle, drift, noise = 0.1, 0.02, 0.5  # as the sequence was made
A = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
Q, C, r = drift**2 * np.eye(2), np.array([1.0, 0.0]), noise**2


def kalman_filter(x):
    """The prediction of each value, its variance, and the gain, (time,), (time,), (time, 2)."""
    m, P, found = np.zeros(2), np.eye(2), []
    for value in x:
        m, P = A @ m, A @ P @ A.T + Q  # predict
        seen, variance = C @ m, C @ P @ C + r
        K = P @ C / variance
        found.append((seen, variance, K))
        m, P = m + K * (value - seen), P - np.outer(K, C @ P)  # correct
    return tuple(np.array(part) for part in zip(*found, strict=True))


x = made["noisy turn"]
predicted, variance, gain = kalman_filter(x)
assert np.allclose(predicted, other_memories.kalman_predictions(x, angle, 1.0, drift, noise))

# %% [markdown]
# Is that the *best* prediction? The first $n$ values are jointly Gaussian, and the conditional mean of the last one
# given the others is known in closed form: $\Sigma_{n,\cdot} \Sigma^{-1}_{\cdot,\cdot}\, x$. It needs a matrix of size
# $n$; the filter needs two numbers and a 2 by 2 matrix at any time. They must agree:

# %%
n = 40
state_covariance = [A @ np.eye(2) @ A.T + Q]  # of h_1, h_2, …
for _ in range(n - 1):
    state_covariance.append(A @ state_covariance[-1] @ A.T + Q)
sigma = np.empty((n, n))
for s in range(n):
    moved = np.eye(2)
    for t in range(s, n):
        sigma[s, t] = sigma[t, s] = C @ moved @ state_covariance[s] @ C  # covariance of x_t and x_s
        moved = A @ moved
sigma += r * np.eye(n)
solved = np.linalg.solve(sigma[:-1, :-1], sigma[:-1, -1])
assert np.isclose(solved @ x[: n - 1], predicted[n - 1], atol=1e-10)
assert np.isclose(sigma[-1, -1] - solved @ sigma[:-1, -1], variance[n - 1], atol=1e-10)

# %%
part = slice(0, 130)
figure, (top, bottom) = plt.subplots(2, 1, figsize=(5, 6), sharex=True, height_ratios=(2, 1))
steps, spread = np.arange(130), 2 * np.sqrt(variance[part] - r)
top.plot(steps, x[part], ".", color="grey", markersize=4, label="seen")
top.plot(steps, predicted[part], label="predicted")
low, high = predicted[part] - spread, predicted[part] + spread
top.fill_between(steps, low, high, alpha=0.25, label="two standard deviations of the state")
top.set(ylabel="$x_t$", title="The Kalman filter on the noisy turn", ylim=(-2.6, 3.4))
top.legend(loc="upper right", ncols=1)
bottom.plot(steps, gain[part, 0])
bottom.set(xlabel="time step $t$", ylabel="gain $K$ of the\nfirst coordinate", ylim=(0, 1))
plt.show()

inside = np.abs(x - predicted) < 2 * np.sqrt(variance)
assert 0.93 < inside.mean() < 0.98  # 95.4 percent in theory
assert np.allclose(gain[-1], gain[-100], atol=1e-6)  # it has settled
print(f"{inside.mean():.1%} of the values are within two standard deviations")

# %% [markdown]
# The first gains are large: little is known, so each value is believed. Then the gain settles at a small number that
# does not depend on the data, and the filter averages over many steps while it turns its estimate along. From then on
# it is a linear recurrent network: $m_t = (A - K C A)\, m_{t-1} + K x_t$.
#
# ## 4. A hidden Markov model
#
# In "regimes" the hidden state is not a number but a *choice*: low or high. What we know of it is a probability for
# each. Move on with the matrix of changes, then weigh by how well each state explains the value (lesson 11 builds it):

# %%
x = made["regimes"]
means, spreads = np.array([-1.0, 1.0]), np.array([0.8, 0.8])  # as the sequence was made
change = np.array([[0.98, 0.02], [0.02, 0.98]])
probabilities, best = other_memories.filter_states(x, means, spreads, change)  # of each state before its value is seen

assert np.allclose(probabilities.sum(axis=1), 1)
assert np.allclose(best, probabilities @ means)
learned = other_memories.hidden_markov(x, num_train)
errors = {"true parameters": relative_error(x, best, num_train), "learned": relative_error(x, learned, num_train)}
assert errors["learned"] < errors["true parameters"] + 0.03

figure, (top, bottom) = plt.subplots(2, 1, figsize=(5, 5), sharex=True)
part = slice(800, 1000)
top.plot(np.arange(800, 1000), x[part], ".", color="grey", markersize=4, label="seen")
top.plot(np.arange(800, 1000), learned[part], label="predicted, learned")
bottom.plot(np.arange(800, 1000), probabilities[part, 1])
top.set(ylabel="$x_t$", title="A hidden Markov model on the regimes", ylim=(-3.4, 5))
bottom.set(xlabel="time step $t$", ylabel="probability of high")
top.legend(loc="upper right", ncols=2)
plt.show()
pd.Series(errors, name="error").round(3)

# %% [markdown]
# ## 5. All models on all sequences

# %%
predictions = {name: {model: predict(x, num_train) for model, predict in MODELS.items()} for name, x in made.items()}
errors = {
    name: {model: relative_error(made[name], given, num_train) for model, given in by_model.items()}
    for name, by_model in predictions.items()
}
table = pd.DataFrame(errors).T
assert (table.loc["random walk"] >= table.loc["random walk", "last value"] - 0.003).all()
assert table.loc["noisy turn"].idxmin() == "linear dynamical"
assert table.loc["regimes"].idxmin() == "hidden Markov"
assert table.loc["logistic map"].idxmin() == "Elman network"
table.round(3)

# %%
figure, axes = plt.subplots(figsize=(5, 5))
rows = np.arange(len(table))
for (model, column), marker in zip(table.items(), "ov^sDP", strict=True):
    shift = 0.11 * (list(table).index(model) - 2.5)
    axes.plot(np.clip(column, 1e-3, 10), rows + shift, marker, label=model, markersize=6)
axes.axvline(1, color="grey", linewidth=0.8)
axes.set(yticks=rows, yticklabels=list(table.index), ylabel="sequence", ylim=(5.5, -0.5), xscale="log")
axes.set(xlabel="error, share of the variance (grey: the mean)", title="Each model has its sequence")
axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.13), ncols=2)
plt.show()

# %% [markdown]
# - *random walk*: nobody beats the last value, because the next step is pure chance. The HMM does worst: its states are
#   levels that it has seen in training, and the walk goes elsewhere.
# - *two back*: two taps hold all there is to know.
# - *noisy turn*: the Kalman filter averages over a long time; four taps see too little.
# - *logistic map*: everything linear fails, the networks find the parabola.
# - *regimes*: the HMM weighs the evidence as one should.
# - *echo after ten*: four taps never see it. Of the models here only the Elman network can, and it removes a quarter of
#   the error. (Half of the signals are echoes, so nobody could remove more than half.)
#
# **When is which one better?** A model that knows the *form* of the rule needs little data for the rest. Where form and
# parameters are right, Kalman filter and HMM are optimal, and a network at best equals them. The Elman network could
# represent all of these, and does badly where there is little but noise to learn from. It is worth its data where
# nobody knows the form: where the rule is nonlinear, or the memory must hold several things at once, as in language.
#
# | choose | if |
# | --- | --- |
# | delay taps | all that matters lies in a window of known length |
# | Kalman filter | the state moves linearly, and noise is the problem; you need error bars |
# | hidden Markov model | there are few hidden states; you need their probabilities |
# | recurrent network | the rule is unknown and nonlinear, and there is much data |
#
# ## 6. The same in Keras
#
# A time-delay network is a *convolution* over time that looks back only (`padding="causal"`). Its kernel is the matrix
# of the first layer, oldest tap first:

# %%
from common.inference.keras_start import start_keras

keras = start_keras()

params = mlp.init_params([4, 16, 1], np.random.default_rng(0))
x = made["logistic map"][:200]
ours = mlp.forward(taps(x), params, ["tanh", "linear"])[-1][:, 0]

window = keras.layers.Conv1D(16, kernel_size=4, padding="causal", activation="tanh")
model = keras.Sequential([keras.Input((None, 1)), window, keras.layers.Dense(1)])
kernel = params["W_1"][::-1, None]  # (4 taps, 1 input, 16 units)
model.set_weights([kernel, params["b_1"], params["W_2"], params["b_2"]])
theirs = model.predict(x[None, :, None], verbose=0)[0, :, 0]  # after x_t it predicts x_{t+1}
assert np.allclose(theirs[:-1], ours[1:], atol=1e-5)

# The settled Kalman filter is a linear recurrent network.
K = gain[-1]
layer = keras.layers.SimpleRNN(2, activation="linear", return_sequences=True)
layer.build((None, None, 1))
layer.set_weights([K[None], (A - np.outer(K, C @ A)).T, np.zeros(2)])
states = np.array(layer(made["noisy turn"][None, :, None]))[0]  # (time, 2): the mean after each value
assert np.allclose((states @ A.T @ C)[400:-1], predicted[401:], atol=1e-4)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: a longer window
#
# Write an autoregressive model with any number of taps. Then see in the check what twelve do for the echo.


# %% tags=["exercise"]
def predict_with_taps(x, num_taps, num_train):
    raise NotImplementedError("Return the prediction of every value (time,), and the weights of the taps.")


# %% tags=["check"]
with exercise(1):
    found, weights = predict_with_taps(made["two back"], 4, num_train)
    wanted = other_memories.autoregressive(made["two back"], num_train)
    assert np.allclose(found, wanted), f"four taps are off by up to {np.abs(found - wanted).max():.3f}"
    echo = made["echo after ten"]
    found, weights = predict_with_taps(echo, 12, num_train)
    assert relative_error(echo, found, num_train) < 0.8, f"the echo has {relative_error(echo, found, num_train):.2f}"
    assert np.argmax(np.abs(weights[:12])) == 9, "the tenth tap should be the largest"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 1</summary>
#
# ```python
# def predict_with_taps(x, num_taps, num_train):
#     padded = np.concatenate([np.zeros(num_taps), x])
#     window = [padded[num_taps - lag : len(padded) - lag] for lag in range(1, num_taps + 1)]
#     design = np.column_stack([*window, np.ones(len(x))])
#     weights = np.linalg.lstsq(design[num_taps:num_train], x[num_taps:num_train], rcond=None)[0]
#     return design @ weights, weights
# ```
#
# The tenth tap gets the weight one half: ten steps after a signal its echo comes, ten steps after an echo nothing. To
# tell the two apart one must look back twenty steps. With twelve taps the error is 0.74, a little better than the Elman
# network, because here the window is just as long as it must be.
#
# </details>

# %% [markdown]
# ### Exercise 2: a Kalman filter for one number
#
# A random walk seen through noise: $h_t = h_{t-1} + \varepsilon_t$ and $x_t = h_t + \eta_t$ with variances $q$ and $r$.
# Write one step: from the mean and the variance after $x_{t-1}$ to those after $x_t$, and the gain. With $q = r$ the
# gain settles at a famous number.


# %% tags=["exercise"]
def kalman_step(mean, variance, x, q, r):
    raise NotImplementedError("Return the new mean, the new variance and the gain.")


# %% tags=["check"]
with exercise(2):
    # predicted variance 2 + 1 = 3; gain 3 / (3 + 3) = 1/2
    mean, variance, K = kalman_step(10.0, 2.0, 16.0, 1.0, 3.0)
    assert np.allclose([mean, variance, K], [13, 1.5, 0.5]), f"got {mean}, {variance}, {K}; wanted 13, 1.5, 0.5"
    mean, variance = 0.0, 100.0
    for value in np.random.default_rng(0).normal(size=50):
        mean, variance, K = kalman_step(mean, variance, value, 1.0, 1.0)
    golden = (np.sqrt(5) - 1) / 2
    assert np.isclose(K, golden), f"the gain settles at {K:.4f}, wanted {golden:.4f}, the golden ratio"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 2</summary>
#
# ```python
# def kalman_step(mean, variance, x, q, r):
#     variance = variance + q
#     gain = variance / (variance + r)
#     return mean + gain * (x - mean), variance - gain * variance, gain
# ```
#
# With the gain settled this is *exponential smoothing*, $m \leftarrow (1 - K)\,m + K x$: half a century of sales
# forecasts.
#
# </details>

# %% [markdown]
# ### Exercise 3: a linear recurrent network
#
# Write the settled Kalman filter of section 3 as a recurrent network without tanh: $m_t = m_{t-1} W_{hh} + x_t W_{xh}$
# (rows are cases, so matrices stand on the right). Return $W_{xh}$ (1, 2) and $W_{hh}$ (2, 2), given $A$, $C$ and $K$.


# %% tags=["exercise"]
def as_recurrent(A, C, K):
    raise NotImplementedError("Return W_xh (1, 2) and W_hh (2, 2).")


# %% tags=["check"]
with exercise(3):
    W_xh, W_hh = as_recurrent(A, C, gain[-1])
    state, x = np.zeros((1, 2)), made["noisy turn"]
    one_step_ahead = []
    for value in x:
        one_step_ahead.append((state @ A.T @ C).item())
        state = state @ W_hh + value * W_xh
    off = np.abs(np.array(one_step_ahead) - predicted)[400:].max()
    assert off < 1e-4, f"after the beginning, predictions differ by up to {off:.4f} from those of the filter"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 3</summary>
#
# $m_t = A m_{t-1} + K (x_t - C A m_{t-1})$, transposed:
#
# ```python
# def as_recurrent(A, C, K):
#     return K[None], (A - np.outer(K, C @ A)).T
# ```
#
# What the network lacks is the changing gain of the first steps, and the variance.
#
# </details>

# %% [markdown] tags=["quiz"]
# ## Ten questions
#
# <details><summary>1. What does a model with delay taps not know?</summary>
#
# Anything that lies before its window.
#
# </details>
# <details><summary>2. In what does a time-delay network differ from an autoregressive model?</summary>
#
# A hidden layer: its prediction may be any function of the window, not only a weighted sum.
#
# </details>
# <details><summary>3. What does a Kalman filter keep from one step to the next?</summary>
#
# The mean and the covariance of the hidden state, given all that was seen.
#
# </details>
# <details><summary>4. What does the gain decide?</summary>
#
# How far the estimate follows a new measurement: all the way if the state is uncertain, hardly if the measurement is.
#
# </details>
# <details><summary>5. For which sequences is the Kalman filter optimal?</summary>
#
# Those of a state that moves linearly, with Gaussian noise, whose parameters are known.
#
# </details>
# <details><summary>6. Does the gain depend on the data?</summary>
#
# No. Variance and gain are the same whatever is seen, and settle; only the mean follows the data.
#
# </details>
# <details><summary>7. In what is a hidden Markov model like a Kalman filter, and in what not?</summary>
#
# Both keep a distribution over a hidden state, and update it by predicting and correcting. One over a few choices, the
# other over numbers.
#
# </details>
# <details><summary>8. Why can nobody beat the last value on a random walk?</summary>
#
# The next step is independent of all before it, with mean zero.
#
# </details>
# <details><summary>9. Why is the Elman network worse than the Kalman filter on the noisy turn?</summary>
#
# It has to find out from 800 noisy values that the rule is linear, and fits some of the noise on the way.
#
# </details>
# <details><summary>10. When is a recurrent network the right choice?</summary>
#
# When the form of the rule is unknown and nonlinear, or several things must be remembered at once, and data is plenty.
#
# </details>
#
# **Next:** [lesson 11](11_hidden_markov_limits.ipynb), what a hidden Markov model cannot carry.
