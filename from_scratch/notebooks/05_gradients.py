# %% [markdown]
# # Lesson 5: gradients that vanish and explode
#
# *One hour. You need lessons 1, 3 and 4.*
#
# In theory an Elman network can use what it read a hundred steps ago. In practice it does not learn to. This lesson
# shows why, with numbers, and what helps: clipping against gradients that explode, gates against gradients that vanish.
#
# After this lesson you can predict how far back a network can learn, say what truncation costs, and clip a gradient
# without turning it.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from from_scratch import adding_problem, gru, lstm, rnn, through_time
from from_scratch.lesson import exercise, use_style
from from_scratch.optimizers import clip_by_norm, clip_by_value, global_norm
from from_scratch.vanishing_gradients import gradient_norms

use_style()

# %% [markdown]
# ## 1. One linear unit
#
# $h_t = w\,h_{t-1}$. How much does the state now depend on the state $k$ steps before?
#
# $$\frac{\partial h_t}{\partial h_{t-k}} = w^k$$
#
# A product of $k$ equal factors. It has only three fates: if $|w| < 1$ it *vanishes*, if $|w| > 1$ it *explodes*, and
# only at exactly 1 it stays. After 100 steps, 0.9 has become 0.00003 and 1.1 has become 14,000.

# %%
lags = np.arange(101)
figure, axes = plt.subplots()
for w, style in ((1.1, "--"), (1.0, "-"), (0.9, "-."), (0.5, ":")):
    axes.semilogy(lags, w**lags, style, label=f"$w = {w}$")
axes.set(xlabel="steps back $k$", ylabel=r"derivative $w^k$", ylim=(1e-10, 1e6), title="One linear unit")
axes.legend()
plt.show()

assert np.isclose(0.9**100, 2.656e-5, rtol=1e-3)
assert np.isclose(1.1**100, 13_780, rtol=1e-3)

# %% [markdown]
# ## 2. Many units: a product of matrices
#
# In the Elman network, $h_t = \tanh(h_{t-1} W_{hh} + x_t W_{xh} + b_h)$, one step back is a product with the slope of
# tanh and with the recurrent weights:
#
# $$\mathrm{d}h_{t-1} = \big(\mathrm{d}h_t \odot (1 - h_t^2)\big)\, W_{hh}^\top$$
#
# $k$ steps back are $k$ such products. The largest *singular value* $s$ of $W_{hh}$ says by how much a matrix can
# stretch a vector, and the slope is never above a number $\gamma$ ($1$ for tanh, $\frac14$ for the sigmoid). So
#
# $$\lVert \mathrm{d}h_{t-k} \rVert \le (\gamma\, s)^k\, \lVert \mathrm{d}h_t \rVert$$
#
# **Why does the gradient vanish? Because going back $k$ steps multiplies it $k$ times by about the same matrix, and by
# slopes that are below one.** Below, $s = 1$: the recurrent weights begin as a rotation, which changes no length. The
# slopes alone shrink the gradient by more than a quarter in each step.

# %%
num_inputs, num_units, num_steps, num_cases = 8, 32, 100, 16  # as in vanishing_gradients.py


def walk_back(scale):
    """The norm of the derivative by the state k steps before the last, for every k."""
    rng = np.random.default_rng(0)
    params = rnn.init_params(num_inputs, num_units, rng)
    params["W_hh"] *= scale
    x = rng.normal(size=(num_cases, num_steps, num_inputs))
    h = through_time.forward(rnn, x, params).h
    dh = rng.normal(size=(num_cases, num_units))
    norms = [np.linalg.norm(dh)]
    for t in reversed(range(1, num_steps)):
        dh = (dh * (1 - h[:, t] ** 2)) @ params["W_hh"].T
        norms.append(np.linalg.norm(dh))
    return np.array(norms) / norms[0], np.linalg.svd(params["W_hh"])[1].max()


elman, largest = walk_back(1.0)
assert np.isclose(largest, 1)
assert np.allclose(elman, gradient_norms(rnn))  # vanishing_gradients.py has the same lines, for every cell
print(f"the gradient shrinks to {elman[99] ** (1 / 99):.2f} in each step, to {elman[99]:.0e} in 99")

# %%
lags = np.arange(num_steps)
figure, axes = plt.subplots(figsize=(5, 4))
for (scale, style), color in zip(((0.5, ":"), (1.0, "-"), (1.8, "--")), ("C0", "C1", "C2"), strict=True):
    norms, largest = walk_back(scale)
    assert (norms <= largest**lags * (1 + 1e-9)).all()  # the bound holds
    axes.semilogy(lags, np.maximum(norms, 1e-18), style, color=color, label=f"$s = {scale}$")
    axes.semilogy(lags, np.clip(largest**lags, 1e-18, 1e6), linewidth=0.6, color=color)
axes.set(xlabel="steps back $k$", ylabel="norm of the derivative", ylim=(1e-17, 1e5))
axes.set_title("An Elman network (thin: the bound $s^k$)")
axes.legend()
plt.show()

# %% [markdown]
# With larger weights ($s = 1.8$) it explodes instead. There is no good value in between: one that keeps the gradient
# for some directions and some inputs lets it vanish or explode for others. And with a sigmoid instead of tanh, the
# slope of at most $\frac14$ would need $s > 4$ to keep anything at all.
#
# Vanishing is worse than it looks. The gradient is a *sum* over all lags (lesson 4), and near ones dominate it: the
# network learns, but only from what is near, and nothing in the loss tells you what it misses.
#
# ## 3. Explosion, and clipping
#
# A linear unit starts at 1 and shall be at 1 after 50 steps: $h_{50} = w^{50}$. The loss over $w$ is flat, and then a
# *cliff* (Pascanu, Mikolov and Bengio 2013):
#
# $$L(w) = \tfrac12 (w^{50} - 1)^2$$
#
# $$\frac{\mathrm{d}L}{\mathrm{d}w} = (w^{50} - 1)\,50\,w^{49}$$
#
# On the cliff one step of gradient descent throws the weight out of all reason. *Clipping* shortens a gradient that is
# longer than a limit $c$, and leaves its direction:
#
# $$g \leftarrow g \cdot \min\!\left(1, \frac{c}{\lVert g \rVert}\right)$$


# %%
def slope(w):
    return (w**50 - 1) * 50 * w**49


def descend(clip, w=1.1, learning_rate=0.01, num_updates=60):
    path = [w]
    for _ in range(num_updates):
        gradient = {"w": np.array(slope(path[-1]))}
        path.append(path[-1] - learning_rate * float(clip(gradient)["w"]))
        if abs(path[-1]) > 2:
            break
    return np.array(path)


clipped, not_clipped = descend(lambda g: clip_by_norm(g, 1.0)), descend(lambda g: g)
h = 1e-6
assert np.isclose(slope(1.1), ((1.1 + h) ** 50 - 1) ** 2 / 4 / h - ((1.1 - h) ** 50 - 1) ** 2 / 4 / h, rtol=1e-6)
assert slope(1.1) > 6e5
assert abs(not_clipped[1]) > 1000  # one step, and the weight is lost
assert abs(clipped[-1] - 1) < 0.01

line = np.linspace(0.8, 1.12, 400)
figure, axes = plt.subplots()
axes.semilogy(line, (line**50 - 1) ** 2 / 2 + 1e-9, label="loss")
axes.semilogy(clipped, (clipped**50 - 1) ** 2 / 2 + 1e-9, "o-", markersize=3, label="descent, clipped at 1")
axes.set(xlabel="recurrent weight $w$", ylabel="loss", ylim=(1e-4, 1e5), title="A cliff, and a descent with clipping")
axes.legend(loc="upper left")
plt.show()
print(f"without clipping, the first step goes from {not_clipped[0]} to {not_clipped[1]:,.0f}")

# %% [markdown]
# Cutting each number by itself (*by value*) is simpler, but it turns the gradient: after it, the step no longer goes
# where the loss falls fastest.

# %%
gradient = {"w": np.array([3.0, 0.5])}
ways = {"as it is": gradient, "by norm 1": clip_by_norm(gradient, 1), "by value 1": clip_by_value(gradient, 1)}
figure, axes = plt.subplots(figsize=(5, 3))
for (name, clipped), color, style in zip(ways.items(), ("C0", "C1", "C2"), ("-", "--", ":"), strict=True):
    axes.plot([0, clipped["w"][0]], [0, clipped["w"][1]], style, color=color, linewidth=2.5, label=name)
    axes.plot(*clipped["w"], "o", color=color)
axes.set(xlabel="derivative by the first weight", ylabel="by the second", title="Two ways to clip", ylim=(0, 1.6))
axes.legend()
plt.show()

angle = {name: np.degrees(np.arctan2(*clipped["w"][::-1])) for name, clipped in ways.items()}
assert np.isclose(angle["by norm 1"], angle["as it is"])
assert angle["by value 1"] > angle["as it is"] + 10
assert np.isclose(global_norm(ways["by norm 1"]), 1)

# %% [markdown]
# ## 4. Gates against vanishing
#
# Clipping cannot bring back what has vanished. The LSTM (lesson 6) changes the path instead. Its *cell* is passed on by
# a product with the *forget gate* $f_t$, a number between 0 and 1 for every unit:
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t$$
#
# Along the cell, one step back is a product with $f_t$ alone: no matrix, no slope of tanh. With the bias of the forget
# gate at 5 the gate is open to $\sigma(5) = 0.9933$, and after 99 steps $0.9933^{99} = 0.51$ of the gradient is left.

# %%
curves = {
    "Elman": gradient_norms(rnn),
    "GRU": gradient_norms(gru),
    "LSTM, forget bias 0": gradient_norms(lstm, forget_bias=0.0),
    "LSTM, forget bias 1": gradient_norms(lstm),
    "LSTM, forget bias 5": gradient_norms(lstm, forget_bias=5.0),
}
open_gate = 1 / (1 + np.exp(-5))
assert np.isclose(open_gate**99, 0.51, atol=0.01)
assert curves["LSTM, forget bias 5"][99] > 0.5
assert max(curves[name][99] for name in ("Elman", "GRU")) < 1e-10

figure, axes = plt.subplots(figsize=(5, 4.6))
for (name, norms), style in zip(curves.items(), ("-", "--", ":", "-.", "-"), strict=True):
    axes.semilogy(norms, style, label=name)
axes.semilogy(open_gate**lags, color="grey", linewidth=0.8, label="$0.9933^k$")
axes.set(xlabel="steps back $k$", ylabel="norm of the derivative", ylim=(1e-17, 1e2), title="How far back it reaches")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
plt.show()

# %% [markdown]
# The curve of the open LSTM begins lower, since the loss looks at the state, of which the output gate lets only a part
# through; and it ends above $0.9933^k$, since the gradient also flows through the gates, and at every step a little of
# that joins the cell. Note what is *not* solved: with a forget bias of 0 or 1 the LSTM forgets, too. The gate must be
# open, and how open it begins is your choice.
#
# ## 5. The adding problem
#
# Numbers between 0 and 1 go by, two of them are marked, and after the last step the network shall give the sum of these
# two. Always answering 1 has a mean squared error of $\frac16$. Sixty steps:

# %%
learned = {}
for name, cell, rate in (("LSTM", lstm, 0.01), ("Elman", rnn, 0.001)):
    params, errors = adding_problem.learn_to_add(cell, 60, max_updates=1500, learning_rate=rate)
    learned[name] = errors, adding_problem.error_over_new(cell, params, 60)

figure, axes = plt.subplots()
for (name, (errors, _)), style in zip(learned.items(), ("-", "--"), strict=True):
    axes.semilogy(np.convolve(errors, np.ones(50) / 50, "valid"), style, label=name)
axes.axhline(1 / 6, color="grey", linewidth=0.8, label="always answering 1")
axes.set(xlabel="batch (mean of 50)", ylabel="mean squared error", title="Adding two numbers out of sixty")
axes.legend()
plt.show()

assert learned["LSTM"][1] < 0.002
assert learned["Elman"][1] > 0.14
pd.DataFrame(
    {name: {"batches": len(errors), "error on new rows": error} for name, (errors, error) in learned.items()}
).T

# %% [markdown]
# Over longer rows (`python -m from_scratch.adding_problem`, some minutes; mean squared error over 2,000 new rows after
# about 2,000 batches of the LSTM, half as many again of the Elman network):
#
# | steps | LSTM | Elman network |
# | ---: | ---: | ---: |
# | 100 | 0.0006 | 0.154 |
# | 200 | 0.0003 | 0.161 |
# | 400 | 0.0005 | 0.166 |
#
# ## 6. What truncation costs
#
# *Truncated* back-propagation through time goes back $k$ steps and no further. Lesson 4 showed the consequence: what is
# further back is not learned. How wrong is the truncated gradient? Take a loss at the last of 100 steps, and compare:
#
# $$\text{error} = \frac{\lVert g_{\text{truncated}} - g \rVert}{\lVert g \rVert}$$


# %%
def truncation_error(cell, steps_back, scale=1.0, forget_bias=None):
    rng = np.random.default_rng(0)
    params = cell.init_params(num_inputs, num_units, rng)
    params["W_hh"] *= scale
    if forget_bias is not None:
        params["b_h"][num_units : 2 * num_units] = forget_bias
    x = rng.normal(size=(num_cases, num_steps, num_inputs))
    walk = through_time.forward(cell, x, params)
    dh = np.zeros_like(walk.h)
    dh[:, -1] = rng.normal(size=dh[:, -1].shape)
    whole, cut = (through_time.backward(cell, walk, x, params, dh, truncate=steps)[0] for steps in (0, steps_back))
    return global_norm({name: cut[name] - whole[name] for name in whole}) / global_norm(whole)


steps_back = (1, 2, 4, 5, 10, 20, 25, 50, 100)
figure, axes = plt.subplots(figsize=(5, 4))
kinds = {"Elman": (rnn, 1.0, None), "LSTM, forget bias 1": (lstm, 1.0, 1.0), "LSTM, forget bias 5": (lstm, 1.0, 5.0)}
costs = {
    name: np.array([truncation_error(cell, k, scale, bias) for k in steps_back])
    for name, (cell, scale, bias) in kinds.items()
}
for (name, cost), style in zip(costs.items(), ("o-", "s--", "^:"), strict=True):
    axes.plot(steps_back, 100 * cost, style, markersize=4, label=name)
axes.set(xlabel="steps back $k$ before the cut", ylabel="error of the gradient, percent", xscale="log")
axes.set_title("What truncation costs")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
plt.show()

assert costs["Elman"][steps_back.index(10)] < 0.05
assert costs["LSTM, forget bias 5"][steps_back.index(50)] > 0.1
assert all(cost[-1] == 0 for cost in costs.values())

# %% [markdown]
# **Truncation costs exactly what the gradient still carries at the cut.** In the Elman network ten steps are enough,
# since nothing is left further back: truncation is cheap where the network cannot learn from afar anyway. In an LSTM
# that remembers, every cut takes something away. So choose a $k$ that is longer than the dependencies you hope for.
#
# ## 7. The same in Keras
#
# Keras computes the same derivatives. `clipnorm=1.0` clips every variable by itself; `global_clipnorm=1.0` is our
# `clip_by_norm`.

# %%
from common.inference.keras_start import start_keras

keras = start_keras()
import tensorflow as tf

rng = np.random.default_rng(0)
params, x = rnn.init_params(num_inputs, num_units, rng), rng.normal(size=(num_cases, num_steps, num_inputs))
layer = keras.layers.SimpleRNN(num_units)
layer.build(x.shape)
layer.set_weights([params["W_xh"], params["W_hh"], params["b_h"]])
inputs = tf.constant(x, tf.float32)
with tf.GradientTape() as tape:
    tape.watch(inputs)
    total = tf.reduce_sum(layer(inputs))
by_input = np.linalg.norm(tape.gradient(total, inputs), axis=(0, 2))[::-1]  # by lag

walk = through_time.forward(rnn, x, params)
_, dx, _ = through_time.backward(rnn, walk, x, params, np.zeros_like(walk.h), {"h": np.ones_like(walk.last["h"])})
assert np.allclose(by_input[:20], np.linalg.norm(dx, axis=(0, 2))[::-1][:20], rtol=1e-3)
print(f"by the last input {by_input[0]:.1f}, by the one 50 steps before {by_input[50]:.0e}")
optimizer = keras.optimizers.Adam(0.001, global_clipnorm=1.0)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: how far does it reach?
#
# A gradient shrinks to the share $r$ in each step ($0 < r < 1$). After how many whole steps is less than the share $p$
# left for the first time?


# %% tags=["exercise"]
def steps_until(r, p):
    raise NotImplementedError("Return the smallest whole k with r ** k < p.")


# %% tags=["check"]
with exercise(1):
    for r, p in ((0.9, 0.01), (0.72, 0.5), (0.72, 0.01), (0.993, 0.1)):
        k = steps_until(r, p)
        assert r**k < p <= r ** (k - 1), f"r = {r}, p = {p}: {k} is not the first; {r**k:.4f} are left there"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 1</summary>
#
# $r^k < p$ means $k > \ln p / \ln r$, since both logarithms are negative:
#
# ```python
# def steps_until(r, p):
#     return int(np.floor(np.log(p) / np.log(r))) + 1
# ```
#
# At 0.72, the Elman network above, half is gone after three steps and 99 percent after fifteen.
#
# </details>

# %% [markdown]
# ### Exercise 2: clip by norm
#
# Write the clipping of section 3 for a dict of arrays: all of them together are one vector.


# %% tags=["exercise"]
def clip(grads, limit):
    raise NotImplementedError("Return the dict with all arrays multiplied by the same factor.")


# %% tags=["check"]
with exercise(2):
    rng = np.random.default_rng(0)
    long = {"a": 5 * rng.normal(size=(3, 2)), "b": rng.normal(size=4)}
    short = {name: 0.01 * value for name, value in long.items()}
    assert np.isclose(global_norm(clip(long, 2.0)), 2.0), f"the norm is {global_norm(clip(long, 2.0)):.3f}, wanted 2"
    ratio = np.concatenate([(clip(long, 2.0)[name] / long[name]).ravel() for name in long])
    assert np.allclose(ratio, ratio[0]), "the direction has turned: not all numbers have the same factor"
    assert np.allclose(clip(short, 2.0)["a"], short["a"]), "a gradient that is short enough must stay as it is"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 2</summary>
#
# ```python
# def clip(grads, limit):
#     norm = np.sqrt(sum((grad**2).sum() for grad in grads.values()))
#     return {name: grad * min(1.0, limit / norm) for name, grad in grads.items()}
# ```
#
# </details>

# %% [markdown]
# ### Exercise 3: a forget gate for k steps
#
# Which bias of the forget gate keeps half of the cell after $k$ steps (the other inputs of the gate being zero)?


# %% tags=["exercise"]
def forget_bias(k):
    raise NotImplementedError("Return b with sigmoid(b) ** k = 1/2.")


# %% tags=["check"]
with exercise(3):
    for k in (1, 10, 100):
        left = (1 / (1 + np.exp(-forget_bias(k)))) ** k
        assert np.isclose(left, 0.5), f"k = {k}: {left:.3f} is left, wanted 0.5"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 3</summary>
#
# $f = 0.5^{1/k}$, and the inverse of the sigmoid is $\ln \frac{f}{1-f}$:
#
# ```python
# def forget_bias(k):
#     gate = 0.5 ** (1 / k)
#     return np.log(gate / (1 - gate))
# ```
#
# For 100 steps it is 4.97. For large $k$ it is about $\ln(k / 0.69)$: this is why the adding problem starts its biases
# at $\ln u$ with $u$ from 1 to the length (Tallec and Ollivier 2018).
#
# </details>

# %% [markdown] tags=["quiz"]
# ## Ten questions
#
# <details><summary>1. Why does the gradient vanish?</summary>
#
# Going back $k$ steps multiplies it $k$ times by the recurrent weights and by the slopes of the activation. If that
# shrinks it in one step, it shrinks it exponentially in $k$.
#
# </details>
# <details><summary>2. The recurrent weights are a rotation. Why does it vanish all the same?</summary>
#
# A rotation keeps lengths, but the slopes of tanh are below one wherever the state is not zero.
#
# </details>
# <details><summary>3. How large must the largest singular value be with a sigmoid, to keep anything?</summary>
#
# Above 4, because the slope of the sigmoid is at most $\frac14$. It is necessary, not sufficient.
#
# </details>
# <details><summary>4. Does a vanishing gradient stop the training?</summary>
#
# No. The gradient is a sum over all lags, and the near ones are there. The network learns from what is near and misses
# the rest, without any sign in the loss.
#
# </details>
# <details><summary>5. What does an exploding gradient look like in training?</summary>
#
# The loss jumps up from one batch to the next, or becomes NaN: one step has thrown the weights far away.
#
# </details>
# <details><summary>6. Clip by norm or by value?</summary>
#
# By norm: it keeps the direction. By value turns the gradient.
#
# </details>
# <details><summary>7. Does clipping help against vanishing?</summary>
#
# No. It only shortens.
#
# </details>
# <details><summary>8. What is the path of the gradient through an LSTM cell?</summary>
#
# A product of forget gates, one number for each unit and step, without matrix and without tanh. An open gate is a
# factor near one.
#
# </details>
# <details><summary>9. What does truncation cost?</summary>
#
# The part of the gradient that lies beyond the cut. Where the gradient vanishes before the cut it costs nothing; where
# the network remembers longer it makes learning from there impossible.
#
# </details>
# <details><summary>10. Why begin with an open forget gate?</summary>
#
# With a gate half open (bias 0) half of the cell is lost in each step, so at first no gradient comes from afar that
# could teach the gate to open.
#
# </details>
#
# **Next:** [lesson 6](06_lstm_and_gru.ipynb), the cells with gates.
