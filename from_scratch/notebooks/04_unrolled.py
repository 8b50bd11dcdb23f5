# %% [markdown]
# # Lesson 4: feed-forward and recurrent are one
#
# *One hour. You need lessons 1 and 3.*
#
# A recurrent network looks like something new: its units feed each other in a circle. *Unrolled* over time it is an
# ordinary feed-forward network, one layer for each time step, with the same weights in all layers (*tied* weights).
# Everything known about feed-forward networks therefore holds, back-propagation first of all.
#
# After this lesson you can unroll any recurrent network, say where its inputs and its targets stand in time, and choose
# after how many steps its weights change.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from from_scratch import mlp, rnn, through_time
from from_scratch.lesson import COLORS, exercise, use_style
from from_scratch.optimizers import Adam, clip_by_norm

use_style()

# %% [markdown]
# ## 1. The unrolled network
#
# Take a network of units that all feed each other, without any input from outside. Its states at time $t$ are
#
# $$h_t = \tanh(h_{t-1} W + b)$$
#
# Give it a first state $h_0$ and let it run for $T$ steps. That is a perceptron with $T$ layers: its input is $h_0$,
# the activations of layer $t$ are $h_t$, and every layer has the weights $W$ and $b$. So the functions of lesson 1 can
# run it, if we hand them the same matrix $T$ times:

# %%
num_steps, num_units, num_cases = 12, 5, 3
rng = np.random.default_rng(0)
W, b = 0.7 * rnn.orthogonal(num_units, rng), 0.1 * rng.normal(size=num_units)
h_0 = rng.normal(size=(num_cases, num_units))

copies = {f"W_{t}": W for t in range(1, num_steps + 1)} | {f"b_{t}": b for t in range(1, num_steps + 1)}
layers = mlp.forward(h_0, copies, ["tanh"] * num_steps)

# The recurrent network of lesson 3, with inputs of no numbers at all: (cases, time, 0).
x = np.zeros((num_cases, num_steps, 0))
params = {"W_xh": np.zeros((0, num_units)), "W_hh": W, "b_h": b}
walk = through_time.forward(rnn, x, params, {"h": h_0})

assert np.abs(walk.h - np.stack(layers[1:], axis=1)).max() < 1e-12

# %% [markdown]
# ## 2. The gradient of tied weights
#
# Back-propagation through the perceptron gives a derivative for the weights of every layer, $\mathrm{d}W^{(t)}$. But
# there is only one $W$: changing it changes all layers at once, and to first order the effects add up:
#
# $$\mathrm{d}W = \sum_{t=1}^{T} \mathrm{d}W^{(t)}$$
#
# That is all of *back-propagation through time*. The two gradients agree to twelve digits:

# %%
dh_last = rng.normal(size=(num_cases, num_units))  # derivative of some loss by the last state
layer_grads, dh_0 = mlp.backward(dh_last, layers, copies, ["tanh"] * num_steps)
tied = {
    "W_hh": sum(layer_grads[f"W_{t}"] for t in range(1, num_steps + 1)),
    "b_h": sum(layer_grads[f"b_{t}"] for t in range(1, num_steps + 1)),
}

dh = np.zeros_like(walk.h)
dh[:, -1] = dh_last
grads, _, dbefore = through_time.backward(rnn, walk, x, params, dh)

assert np.abs(tied["W_hh"] - grads["W_hh"]).max() < 1e-12
assert np.abs(tied["b_h"] - grads["b_h"]).max() < 1e-12
assert np.abs(dh_0 - dbefore["h"]).max() < 1e-12

# %% [markdown]
# The same rule keeps weights equal that shall be equal: start $W^{(1)} = W^{(2)}$, and change both by the *sum* of
# their derivatives; they stay equal. In the picture, how much each layer adds to that sum. Layers far from the loss add
# less: that is the *vanishing gradient*, the subject of lesson 5.

# %%
sizes = [np.linalg.norm(layer_grads[f"W_{t}"]) for t in range(1, num_steps + 1)]
figure, axes = plt.subplots()
axes.bar(range(1, num_steps + 1), sizes)
axes.set(xlabel="layer = time step $t$ (the loss is at step 12)", ylabel=r"norm of $\mathrm{d}W^{(t)}$")
axes.set_title("What each copy of the weights adds to the gradient")
plt.show()

# %% [markdown]
# ## 3. Where the inputs stand
#
# Nothing in the equation says what the input is. There are three choices:
#
# - the first states of **all** units, as above;
# - the first states of **some** units; the others start at zero (or at a learned value);
# - the states of some units at **every** step: these units are held at given values.
#
# One formula covers them. For every unit, let $m_t$ be 1 if its state at time $t$ is given as $v_t$, and 0 if not:
#
# $$h_t = m_t v_t + (1 - m_t) \tanh(h_{t-1} W + b)$$
#
# On the way back nothing flows through a state that was given: whatever came before, it would have been the same.


# %%
def run(W, b, given, values):
    """States (cases, time, units): those that are given, of `given` (time, units), are taken from `values`."""
    h = [np.where(given[0], values[:, 0], 0.0)]
    for t in range(1, len(given)):
        h.append(np.where(given[t], values[:, t], np.tanh(h[-1] @ W + b)))
    return np.stack(h, axis=1)


def run_back(W, h, given, dh):
    """Derivatives by W and b; `dh` (cases, time, units) are those of the loss by the states."""
    dW, db, dh_t = np.zeros_like(W), np.zeros(len(W)), dh[:, -1]
    for t in range(h.shape[1] - 1, 0, -1):
        dz = np.where(given[t], 0.0, dh_t * (1 - h[:, t] ** 2))
        dW += h[:, t - 1].T @ dz  # the sum over the copies
        db += dz.sum(axis=0)
        dh_t = dh[:, t - 1] + dz @ W.T
    return dW, db


given = np.zeros((num_steps + 1, num_units), bool)
given[0] = True
values = np.zeros((num_cases, num_steps + 1, num_units))
values[:, 0] = h_0
h = run(W, b, given, values)
dW, db = run_back(W, h, given, np.concatenate([np.zeros((num_cases, 1, num_units)), dh], axis=1))

assert np.abs(h[:, 1:] - walk.h).max() < 1e-12
assert np.abs(dW - grads["W_hh"]).max() < 1e-12
assert np.abs(db - grads["b_h"]).max() < 1e-12

# %% [markdown]
# ### The Elman network is a special case
#
# Let the first three units be held at the inputs at every step, and let nothing lead to them. With $W$ in blocks,
#
# $$W = \begin{pmatrix} 0 & W_{xh} \\ 0 & W_{hh} \end{pmatrix}$$
#
# the other units compute $\tanh(x_{t-1} W_{xh} + h_{t-1} W_{hh} + b)$: the Elman network, one step later.

# %%
elman = rnn.init_params(3, num_units, rng)
x = rng.normal(size=(num_cases, num_steps, 3))
W_all = np.block([[np.zeros((3, 3)), elman["W_xh"]], [np.zeros((num_units, 3)), elman["W_hh"]]])
b_all = np.concatenate([np.zeros(3), elman["b_h"]])
given = np.zeros((num_steps + 1, 3 + num_units), bool)
given[:, :3] = True  # inputs at every step
given[0] = True  # and the first state of all units, zero
values = np.zeros((num_cases, num_steps + 1, 3 + num_units))
values[:, :-1, :3] = x

h = run(W_all, b_all, given, values)
assert np.abs(h[:, 1:, 3:] - through_time.forward(rnn, x, elman).h).max() < 1e-12

# %% [markdown]
# ## 4. Where the targets stand
#
# Targets, too, can stand anywhere: at the last step, at the last few steps, at every step; for all units or for some.
# The units without a target are the *hidden* units. Let $n_t$ be 1 where there is a target $y_t$:
#
# $$L = \tfrac12 \sum_t \big\lVert n_t \odot (h_t - y_t) \big\rVert^2$$
#
# Its derivative by the states is $n_t \odot (h_t - y_t)$, wherever that is: `run_back` picks it up on its way. Five
# tasks for a network of eight units, in which only `given` and `wanted` differ. Bits are -0.8 and 0.8.

# %%
NUM_UNITS, NUM_TIMES = 8, 9
times, units = np.arange(NUM_TIMES)[:, None], np.arange(NUM_UNITS)
first, last = times == 0, times == NUM_TIMES - 1
all_bits = np.array(np.meshgrid(*[[-0.8, 0.8]] * NUM_UNITS)).reshape(NUM_UNITS, -1).T  # (256, units)
PATTERNS = 0.8 * np.array(
    [
        [1, 1, 1, 1, -1, -1, -1, -1],
        [1, 1, -1, -1, 1, 1, -1, -1],
        [1, -1, 1, -1, 1, -1, 1, -1],
        [-1, 1, 1, -1, -1, 1, 1, -1],
    ]
)


def same_at_all_times(states):
    return np.repeat(states[:, None], NUM_TIMES, axis=1)  # (cases, time, units)


def make_tasks():
    """For each task: what is given, the values, what is wanted, the targets."""
    everywhere, nowhere = np.ones((NUM_TIMES, NUM_UNITS), bool), np.zeros((NUM_TIMES, NUM_UNITS), bool)
    clean = np.repeat(PATTERNS, NUM_UNITS, axis=0)  # each pattern eight times, with another bit turned each time
    spoiled = clean * (1 - 2 * np.tile(np.eye(NUM_UNITS), (len(PATTERNS), 1)))
    differ = same_at_all_times(np.repeat(-np.sign(all_bits[:, :1] * all_bits[:, 1:2]) * 0.8, NUM_UNITS, axis=1))
    stream = np.repeat(np.random.default_rng(1).choice([-0.8, 0.8], (256, NUM_TIMES, 1)), NUM_UNITS, axis=2)
    echo = np.roll(stream, 3, axis=1)
    start, answer = first & (units >= 0), nowhere | (units == NUM_UNITS - 1)
    return {
        "all first → all last": (start, same_at_all_times(spoiled), last & everywhere, same_at_all_times(clean)),
        "two first → one last": (start, same_at_all_times(all_bits * (units < 2)), last & answer, differ),
        "two first → one, last 3": (start, same_at_all_times(all_bits * (units < 2)), (times > 5) & answer, differ),
        "one, every → one, last": (start | (units == 0), stream * (units == 0), last & answer, echo),
        "one, every → one, every": (start | (units == 0), stream * (units == 0), (times > 2) & answer, echo),
    }


# %% [markdown]
# The first task restores one of four patterns of eight bits, of which one bit was turned. The second and third compute
# "exclusive or" of two bits. The last two repeat a bit that went in three steps before. In the picture each mark is a
# unit at a time step:

# %%
tasks = make_tasks()
figure, all_axes = plt.subplots(5, 1, figsize=(5, 10), sharex=True)
for axes, (name, (given, values, wanted, _)) in zip(all_axes, tasks.items(), strict=True):
    informative = given & (values != 0).any(axis=0)
    for mask, marker, color, label in ((informative, "s", 0, "input"), (wanted, "o", 1, "target")):
        t, unit = np.nonzero(mask)
        axes.scatter(t, unit + 1, marker=marker, s=45, color=COLORS[color], label=label)
    axes.set(title=name, ylabel="unit", ylim=(0.2, NUM_UNITS + 0.8), yticks=(1, 4, 8), xlim=(-0.5, NUM_TIMES - 0.5))
axes.set(xlabel="time step $t$")
all_axes[0].legend(loc="center")
plt.show()


# %%
def learn(given, values, wanted, targets, num_updates=600):
    rng = np.random.default_rng(0)
    params = {"W": rnn.orthogonal(NUM_UNITS, rng), "b": np.zeros(NUM_UNITS)}
    optimizer, losses = Adam(0.02), []
    for _ in range(num_updates):
        h = run(params["W"], params["b"], given, values)
        dh = wanted * (h - targets) / len(h)
        losses.append((dh * (h - targets)).sum() / 2 / wanted.sum())
        dW, db = run_back(params["W"], h, given, dh)
        optimizer.update(params, clip_by_norm({"W": dW, "b": db}, 1.0))
    right = (np.sign(h) == np.sign(targets)) | ~wanted
    return params, losses, right.all(axis=(1, 2)).mean()


figure, axes = plt.subplots(figsize=(5, 4.6))
found = {}
for (name, task), style in zip(tasks.items(), ("-", "--", "-.", ":", "-"), strict=True):
    found[name], losses, right = learn(*task)
    axes.plot(losses, style, label=f"{name}: {right:.0%} right")
    assert right > 0.99
axes.set(
    xlabel="update of the weights",
    ylabel="loss for one target",
    yscale="log",
    ylim=(1e-8, 1),
    title="Five placements, one program",
)
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18))
plt.show()

# %% [markdown]
# Does it matter whether the target stands at the last step or at the last few? Let both networks that learned
# "exclusive or" run on, far beyond their last target:

# %%
longer = np.zeros((40, NUM_UNITS), bool)
longer[0] = True
figure, (top, bottom) = plt.subplots(2, 1, figsize=(5, 5), sharex=True)
for axes, name in ((top, "two first → one last"), (bottom, "two first → one, last 3")):
    start = np.repeat(tasks[name][1][:, :1], 40, axis=1)
    h = run(found[name]["W"], found[name]["b"], longer, start)
    kinds = np.unique(np.sign(start[:, 0, :2]), axis=0)
    for kind, style in zip(kinds, ("-", "--", "-.", ":"), strict=True):
        case = np.flatnonzero((np.sign(start[:, 0, :2]) == kind).all(axis=1))[0]
        axes.plot(h[case, :, -1], style, label=f"bits {(kind > 0).astype(int)}")
    axes.axvline(NUM_TIMES - 1, color="grey", linewidth=0.8)
    axes.set(ylabel="state of unit 8", title=name, ylim=(-1.1, 1.1))
bottom.set(xlabel="time step $t$ (grey: the last target)")
bottom.legend(loc="center right", ncols=2)
plt.show()

# %% [markdown]
# What happens beyond the last target is not in the loss. Targets at the last few steps ask the network to arrive *and
# stay*, at least for a while. Where a network goes when it is left alone is the subject of lesson 8.
#
# ## 5. Weights that change after M steps
#
# A feed-forward network changes its weights after each case, after a batch of them or after an epoch. A sequence may be
# long, or never end: then its weights change after every $M$ steps. The state is carried on, but the gradient stops at
# the last change (*truncated back-propagation through time*):
#
# 1. go $M$ steps forward from the state that the last piece left;
# 2. go $M$ steps back and change the weights; the state before the piece is treated as a constant;
# 3. read the next piece.
#
# A stream of bits comes in, and the target is the bit eight steps before. Small $M$ changes the weights more often for
# the same work, but the gradient cannot reach further back than the piece.


# %%
LAG, NUM_STEPS = 8, 24_000


def learn_stream(steps_per_update, fixed=(), seed=0):
    """The mean loss of each 1,000 steps; parameters named in `fixed` stay as they are."""
    rng = np.random.default_rng(seed)
    bits = rng.choice([-1.0, 1.0], (8, NUM_STEPS, 1))  # 8 streams at once
    params = rnn.init_params(1, 12, rng) | {"W_hy": mlp.glorot(12, 1, rng)}
    state, optimizer, losses = None, Adam(0.005), []
    for start in range(LAG, NUM_STEPS - steps_per_update + 1, steps_per_update):
        x = bits[:, start : start + steps_per_update]
        target = bits[:, start - LAG : start - LAG + steps_per_update]
        walk = through_time.forward(rnn, x, params, state)
        difference = walk.h @ params["W_hy"] - target
        losses += [(difference**2).mean() / 2] * steps_per_update
        dy = difference / difference.size
        grads, _, _ = through_time.backward(rnn, walk, x, params, dy @ params["W_hy"].T)
        grads["W_hy"] = np.einsum("bti,btj->ij", walk.h, dy)
        grads = {name: grad for name, grad in grads.items() if name not in fixed}
        optimizer.update(params, clip_by_norm(grads, 1.0))
        state = walk.last  # carried on; its derivative is not
    return np.array(losses[: len(losses) // 1000 * 1000]).reshape(-1, 1000).mean(axis=1)


curves = {f"M = {M}": learn_stream(M) for M in (2, 8, 12, 32, 128)}
curves["M = 8, output weights alone"] = learn_stream(8, fixed=("W_xh", "W_hh", "b_h"))
figure, axes = plt.subplots(figsize=(5, 4.6))
for (name, curve), style in zip(curves.items(), ("-", "--", "-.", ":", "-", "--"), strict=True):
    axes.plot(np.arange(1, len(curve) + 1), curve, style, label=name)
axes.axhline(0.5, color="grey", linewidth=0.8)
axes.set(xlabel="thousand steps read", ylabel="loss (grey: always predicting 0)", title="The bit eight steps before")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
plt.show()

# %%
table = pd.DataFrame({name: curve[[0, 4, -1]] for name, curve in curves.items()}, index=["1,000", "5,000", "last"]).T
assert table.loc[["M = 2", "M = 8"], "last"].min() > 0.4
assert table.loc[["M = 12", "M = 32", "M = 128"], "last"].max() < 0.02
assert table.loc["M = 8, output weights alone", "last"] < table.loc["M = 8", "last"] - 0.1
table.round(3)

# %% [markdown]
# - **What truncation costs: what depends on inputs further back than the piece is not learned.** With $M = 2$ and
#   $M = 8$ no gradient ever reaches the bit eight steps back, however long the training.
# - With $M = 8$ the loss falls at first and then rises again. The random recurrent weights keep an echo of old inputs,
#   which the output weights learn to read (alone they reach 0.32: an *echo state network*, Jaeger 2001). The truncated
#   gradient helps at first and then does harm: it is not only short, it is *wrong*, the gradient of no loss at all, and
#   a step against it need not lower anything.
# - With $M = 128$ the gradient is nearly complete, but there are only 187 updates in 24,000 steps: learning is slow.
# - In between, a piece somewhat longer than the lag learns fastest for the same number of steps read.

# %% [markdown]
# ## 6. The same in Keras
#
# `unroll=True` builds the feed-forward network, `unroll=False` the loop. They compute the same. A first state is given
# as `initial_state`.

# %%
from common.inference.keras_start import start_keras

keras = start_keras()
x, start = rng.normal(size=(num_cases, num_steps, 3)), rng.normal(size=(num_cases, num_units))

loop, unrolled = (keras.layers.SimpleRNN(num_units, unroll=flag) for flag in (False, True))
for layer in (loop, unrolled):
    layer.build(x.shape)
    layer.set_weights([elman["W_xh"], elman["W_hh"], elman["b_h"]])
last_state = np.array(loop(x, initial_state=start))

assert np.allclose(last_state, unrolled(x, initial_state=start), atol=1e-6)
assert np.allclose(last_state, through_time.forward(rnn, x, elman, {"h": start}).h[:, -1], atol=1e-5)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: weights tied in pairs
#
# A perceptron of four layers has weights $W_1, \dots, W_4$, where $W_1 = W_3 = A$ and $W_2 = W_4 = B$: a recurrent
# network that uses two matrices in turn. Given the derivatives of all layers, return those by $A$ and $B$.


# %% tags=["exercise"]
def tied_in_pairs(layer_grads):
    raise NotImplementedError("Return the derivatives by A and by B, from layer_grads['W_1'] to ['W_4'].")


# %% tags=["check"]
with exercise(1):
    from from_scratch.gradient_check import largest_errors

    pair = {"A": rnn.orthogonal(4, rng), "B": rnn.orthogonal(4, rng)}
    state = np.random.default_rng(1).normal(size=(2, 4))

    def four_layers():
        weights = {f"W_{number}": pair["AB"[(number - 1) % 2]] for number in range(1, 5)}
        return mlp.forward(state, weights, ["tanh"] * 4), weights

    reached, weights = four_layers()
    found_pair = tied_in_pairs(mlp.backward(np.ones((2, 4)), reached, weights, ["tanh"] * 4)[0])
    errors = largest_errors(lambda: four_layers()[0][-1].sum(), pair, dict(zip("AB", found_pair, strict=True)))
    assert max(errors.values()) < 1e-7, f"off by {max(errors.values()):.1%} of the largest derivative"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 1</summary>
#
# ```python
# def tied_in_pairs(layer_grads):
#     return layer_grads["W_1"] + layer_grads["W_3"], layer_grads["W_2"] + layer_grads["W_4"]
# ```
#
# A weight that is used twice gets the sum of two derivatives, whatever else is tied.
#
# </details>

# %% [markdown]
# ### Exercise 2: place inputs and targets
#
# Ten time steps, six units. Units 0 and 1 are held at an input during the first four steps (times 0 to 3), all other
# units start at zero, and unit 5 has a target at the last two steps. Make `given` and `wanted`, both (10, 6).


# %% tags=["exercise"]
def place():
    raise NotImplementedError("Return given and wanted, arrays of bool of shape (10, 6).")


# %% tags=["check"]
with exercise(2):
    given, wanted = place()
    assert np.shape(given) == np.shape(wanted) == (10, 6), f"shapes {np.shape(given)}, {np.shape(wanted)}"
    assert given[0].all(), "at time 0 the states of all units must be given, else they are computed from nothing"
    assert given.sum() == 6 + 3 * 2, f"{given.sum()} states are given, wanted 12"
    assert given[1:4, :2].all(), "units 0 and 1 are given at times 0 to 3"
    assert wanted.sum() == 2, f"there are {wanted.sum()} targets, wanted 2"
    assert wanted[8:, 5].all(), "unit 5 has its targets at times 8 and 9"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 2</summary>
#
# ```python
# def place():
#     given, wanted = np.zeros((10, 6), bool), np.zeros((10, 6), bool)
#     given[0] = True
#     given[:4, :2] = True
#     wanted[-2:, 5] = True
#     return given, wanted
# ```
#
# </details>

# %% [markdown]
# ### Exercise 3: how far does truncation reach?
#
# The weights change after every $M$ steps, and the gradient goes back to the beginning of the piece. At which share of
# the steps of a piece can the network learn from an input $k$ steps before?


# %% tags=["exercise"]
def share_of_steps(M, k):
    raise NotImplementedError("Return the share of the M steps of a piece that see k steps back within the piece.")


# %% tags=["check"]
with exercise(3):
    for M, k in ((4, 0), (8, 8), (12, 8), (32, 8), (2, 5)):
        reached = sum(t - k >= 0 for t in range(M)) / M
        share = share_of_steps(M, k)
        assert np.isclose(share, reached), f"M = {M}, k = {k}: got {share}, wanted {reached}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 3</summary>
#
# The step at place $t$ of the piece sees $t$ steps back, so $k$ steps are seen from places $k$ to $M - 1$:
#
# ```python
# def share_of_steps(M, k):
#     return max(M - k, 0) / M
# ```
#
# For $M = 8$ and $k = 8$ it is nothing at all, and the picture of section 5 shows it.
#
# </details>

# %% [markdown] tags=["quiz"]
# ## Ten questions
#
# <details><summary>1. What is an unrolled network?</summary>
#
# The feed-forward network with one layer for each time step that computes the same as the recurrent network.
#
# </details>
# <details><summary>2. In what does it differ from any other deep network?</summary>
#
# Its layers share one set of weights, and each layer may have inputs and targets of its own.
#
# </details>
# <details><summary>3. How does one get the derivative by a tied weight?</summary>
#
# Compute the derivative for each copy as if the copies were independent, and add them up.
#
# </details>
# <details><summary>4. How can back-propagation keep two weights equal?</summary>
#
# They start equal and are both changed by the sum of their derivatives.
#
# </details>
# <details><summary>5. Name three places for the input of a recurrent network.</summary>
#
# The first states of all units, the first states of some units, the states of some units at every step.
#
# </details>
# <details><summary>6. Name three places for targets.</summary>
#
# The last states (of all or some units), the states of the last few steps, the states of some units at every step.
#
# </details>
# <details><summary>7. Why give targets at the last few steps instead of the last one alone?</summary>
#
# The network is asked to reach the answer and stay there; and the gradient enters at several steps.
#
# </details>
# <details><summary>8. How is the Elman network a network without inputs from outside?</summary>
#
# Its inputs are units that are held at given states at every step, and no weights lead to them.
#
# </details>
# <details><summary>9. What does truncation after M steps cost?</summary>
#
# The gradient of everything that lies before the piece: what depends on inputs further back is not learned, though the
# carried state may still hold them.
#
# </details>
# <details><summary>10. And what does it save?</summary>
#
# Memory, which grows with the steps of a piece alone, and time until the next update: the weights change more often
# for the same number of steps read.
#
# </details>
#
# **Next:** [lesson 5](05_gradients.ipynb), why the gradient vanishes or explodes.
