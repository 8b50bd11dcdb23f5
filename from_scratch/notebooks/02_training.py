# %% [markdown]
# # Lesson 2: training, and the decisions before it
#
# *One hour. You need lesson 1.*
#
# Back-propagation says in which direction to change the weights. It does not say when, how far, or when to stop; and
# somebody has to decide how many layers and units there are and which activation they have. These are the decisions of
# the *analyst*. Each of them is a picture in this lesson.
#
# After this lesson you can choose a batch size and a learning rate, stop a training by a rule, read a learning curve,
# and see overfitting when it is there.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from from_scratch import mlp, neuron, saving
from from_scratch.lesson import exercise, use_style
from from_scratch.losses import squared_error
from from_scratch.optimizers import Adam, Sgd

use_style()

# %% [markdown]
# ## 1. When do the weights change?
#
# The loss is a mean over all $n$ cases, and so is its gradient. One may compute it from all cases, or estimate it from
# a few, a *batch* $B$ of them:
#
# $$W \leftarrow W - \eta\, \frac{1}{|B|} \sum_{i \in B} \frac{\partial L_i}{\partial W}$$
#
# - **after each case** ($|B| = 1$, *stochastic gradient descent*): many cheap, noisy steps;
# - **after each batch**: fewer steps, less noise;
# - **after all cases** ($|B| = n$, once an *epoch*): the exact gradient, one step for a whole pass over the data.
#
# (In a recurrent network there is a fourth way, after $M$ time steps: lesson 4.) A linear neuron, $y = xW + b$, learns
# a line from 20 points:


# %%
def descend(x, target, cases_per_update, learning_rate, num_epochs, seed=0):
    """Learn a line; returns weight and bias after every update (updates + 1, 2)."""
    rng = np.random.default_rng(seed)
    W, b = np.array([[-1.0]]), np.array([-0.5])
    path = [(W.item(), b.item())]
    for _ in range(num_epochs):
        order = rng.permutation(len(x))  # every epoch sees every case once, in a new order
        for start in range(0, len(x), cases_per_update):
            chosen = order[start : start + cases_per_update]
            y = x[chosen] @ W + b
            dy = (y - target[chosen]) / len(chosen)
            W = W - learning_rate * x[chosen].T @ dy
            b = b - learning_rate * dy.sum(axis=0)
            path.append((W.item(), b.item()))
    return np.array(path)


rng = np.random.default_rng(5)
x = rng.uniform(-1, 1, (20, 1))
target = 0.8 * x + 0.3 + 0.3 * rng.normal(size=(20, 1))
paths = {
    "after each case": descend(x, target, 1, 0.1, 20),
    "after each batch of 5": descend(x, target, 5, 0.1, 20),
    "after all 20 (an epoch)": descend(x, target, 20, 0.1, 20),
}

# neuron.py has the same lines, for any perceptron and optimizer:
params = {"W_1": np.array([[-1.0]]), "b_1": np.array([-0.5])}
rng, stop = np.random.default_rng(0), neuron.Stop(max_epochs=20)
neuron.learn(x, target, params, ["linear"], Sgd(0.1), 5, stop, rng)
assert np.allclose(paths["after each batch of 5"][-1], [params["W_1"].item(), params["b_1"].item()])


# %%
def losses_of(path):
    return ((path[:, 0] * x + path[:, 1] - target) ** 2).mean(axis=0) / 2  # x (20, 1) against (updates,)


best = np.linalg.lstsq(np.hstack([x, np.ones_like(x)]), target, rcond=None)[0][:, 0]  # known from theory
W_line, b_line = np.linspace(-1.2, 1.6, 80), np.linspace(-0.8, 1, 80)
grid = np.stack(np.meshgrid(W_line, b_line), axis=-1).reshape(-1, 2)

figure, axes = plt.subplots(figsize=(5, 5))
axes.contour(W_line, b_line, losses_of(grid).reshape(80, 80), levels=15, colors="grey", linewidths=0.4)
for (name, path), style in zip(paths.items(), ("-", ".-", "o-"), strict=True):
    axes.plot(*path.T, style, linewidth=0.9, markersize=3, label=name)
axes.plot(*best, "*", color="black", markersize=14, label="the best line")
axes.set(xlabel="weight $W$", ylabel="bias $b$", title="The way through the loss, 20 epochs each")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13))
plt.show()

# %%
figure, axes = plt.subplots()
for (name, path), style in zip(paths.items(), ("-", "--", ":"), strict=True):
    axes.plot(np.linspace(0, 20, len(path)), losses_of(path), style, label=name)
axes.axhline(losses_of(best[None])[0], color="grey", linewidth=0.8, label="the best line")
axes.set(
    xlabel="epochs (cases seen / 20)", ylabel="loss over all cases", yscale="log", title="The same work, three ways"
)
axes.legend()
plt.show()

assert losses_of(paths["after each case"])[40] < losses_of(paths["after all 20 (an epoch)"])[2]  # both saw 40 cases

# %% [markdown]
# For the same work (cases seen) many small steps come down faster. But with a fixed learning rate they never arrive:
# each case pulls towards its own line, and the weights keep moving around the best one. The remedies: batches, or a
# learning rate that falls.
#
# ### How large may the learning rate be?
#
# Here theory has an exact answer. The loss of a linear neuron is a bowl with the curvature
# $H = \frac1n X^\top X$ ($X$ with a column of ones for the bias). With the exact gradient, the distance from the best
# weights is multiplied in each step by $I - \eta H$, so it shrinks if and only if
#
# $$\eta < \frac{2}{\lambda_{\max}(H)}$$

# %%
X = np.hstack([x, np.ones_like(x)])
limit = 2 / np.linalg.eigvalsh(X.T @ X / len(x)).max()
rates = np.linspace(0.05, 1.1, 40) * limit
ends = [losses_of(descend(x, target, 20, rate, 100)[-1:])[0] - losses_of(best[None])[0] for rate in rates]

figure, axes = plt.subplots()
axes.semilogy(rates, np.maximum(ends, 1e-16))
axes.axvline(limit, color="grey", linestyle="--", label=r"$2 / \lambda_{\max}$")
axes.set(xlabel=r"learning rate $\eta$", ylabel="loss above the best, 100 epochs", title="Too small, right, too large")
axes.legend()
plt.show()

assert losses_of(descend(x, target, 20, 0.98 * limit, 500)[-1:])[0] < losses_of(best[None])[0] + 1e-3
assert losses_of(descend(x, target, 20, 1.02 * limit, 500)[-1:])[0] > 1

# %% [markdown]
# ## 2. A problem on which one can fail
#
# For all other decisions we need a problem with noise. 20 training cases of a sine, with noise of standard deviation
# 0.3; and 500 more, the *validation* cases, which change no weight: they only measure. No network can have a mean
# squared error below $0.3^2 = 0.09$ on them, but by luck.


# %%
def sine(num_cases, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (num_cases, 1))
    return x, np.sin(4 * x) + 0.3 * rng.normal(size=(num_cases, 1))


TRAIN, VALIDATION = sine(20, 1), sine(500, 99)


def mean_squared_error(params, names, data):
    return 2 * squared_error(mlp.forward(data[0], params, names)[-1], data[1])[0]


def fit(sizes, activation="tanh", train=TRAIN, num_epochs=3000, seed=0, weight_decay=0.0, keep_at=()):
    """Train with Adam; returns training and validation error every ten epochs (…, 2), and weights at some epochs."""
    params = mlp.init_params(sizes, np.random.default_rng(seed))
    names = [activation] * (len(sizes) - 2) + ["linear"]
    optimizer, errors, kept = Adam(0.01), [], {}
    for epoch in range(num_epochs + 1):
        if epoch % 10 == 0:
            errors.append([mean_squared_error(params, names, data) for data in (train, VALIDATION)])
        if epoch in keep_at:
            kept[epoch] = {name: value.copy() for name, value in params.items()}
        layers = mlp.forward(train[0], params, names)
        grads, _ = mlp.backward(squared_error(layers[-1], train[1])[1], layers, params, names)
        grads = {n: g + weight_decay * params[n] if n.startswith("W") else g for n, g in grads.items()}
        optimizer.update(params, grads)
    return np.array(errors), kept


# %% [markdown]
# ## 3. When to stop?
#
# Four rules are in use. Training stops
#
# 1. after a fixed number of epochs;
# 2. when the training error is small enough;
# 3. when the weights, or the error, hardly change;
# 4. when the *validation* error has not become better for some time, the *patience*; the best weights are kept. This is
#    *early stopping*.

# %%
errors, kept = fit([1, 30, 1], keep_at=(20, 3000))
epochs = 10 * np.arange(len(errors))
best_epoch = int(epochs[errors[:, 1].argmin()])
changes = np.abs(np.diff(errors[:, 0]))
stops = {
    "3,000 epochs": 3000,
    "training error < 0.06": int(epochs[np.argmax(errors[:, 0] < 0.06)]),
    "change < 0.0001 in 10 epochs": int(epochs[np.argmax(changes < 1e-4) + 1]),
    "best on validation": best_epoch,
}
figure, axes = plt.subplots(figsize=(5, 5))
axes.plot(epochs, errors[:, 0], label="training")
axes.plot(epochs, errors[:, 1], "--", label="validation")
axes.axhline(0.09, color="grey", linewidth=0.8, label="noise: nothing is better")
for (name, epoch), marker in zip(stops.items(), "sv^o", strict=True):
    axes.plot(epoch, errors[epoch // 10, 1], marker, color="black", markersize=8, label=f"{name}: epoch {epoch}")
axes.set(xlabel="epoch", ylabel="mean squared error", ylim=(0.03, 0.3), title="Four rules of when to stop")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13))
plt.show()

assert errors[-1, 0] < 0.06
assert errors[-1, 1] > 1.3 * errors[:, 1].min()  # overfitting
pd.DataFrame({"epoch": stops, "validation error": {n: errors[e // 10, 1] for n, e in stops.items()}}).round(3)

# %% [markdown]
# The training error falls as long as you wait. The validation error falls, reaches its minimum, and rises: from there
# on the network learns the noise of these twenty cases (*overfitting*). Only the last rule looks at what matters.
#
# What the network has learned, too early, at the best time, and too late:

# %%
_, kept = fit([1, 30, 1], keep_at=(20, best_epoch, 3000))
line = np.linspace(-1, 1, 200)[:, None]
figure, axes = plt.subplots(figsize=(5, 4.4))
axes.plot(*TRAIN, "o", color="black", markersize=4, label="training cases")
axes.plot(line, np.sin(4 * line), color="grey", linewidth=3, alpha=0.5, label="the sine behind them")
for (epoch, params), style in zip(kept.items(), (":", "-", "--"), strict=True):
    axes.plot(line, mlp.forward(line, params, ["tanh", "linear"])[-1], style, label=f"epoch {epoch}")
axes.set(xlabel="input", ylabel="output", title="Underfitting, right, overfitting", ylim=(-2, 2))
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
plt.show()

# %% [markdown]
# ## 4. How many units?
#
# Too few cannot bend enough; too many can bend to every point. With early stopping, too many hardly hurt.

# %%
sizes = (1, 2, 3, 5, 10, 30)
runs = {units: np.array([fit([1, units, 1], seed=seed)[0] for seed in range(3)]) for units in sizes}
figure, axes = plt.subplots()
axes.plot(sizes, [runs[units][:, -1, 0].mean() for units in sizes], "s-", label="training, after 3,000 epochs")
axes.plot(sizes, [runs[units][:, -1, 1].mean() for units in sizes], "o--", label="validation, after 3,000 epochs")
axes.plot(
    sizes, [runs[units][:, :, 1].min(axis=1).mean() for units in sizes], "^-.", label="validation, early stopping"
)
axes.axhline(0.09, color="grey", linewidth=0.8)
axes.set(xlabel="hidden units", ylabel="mean squared error", xscale="log", title="Units (mean of three starts)")
axes.set_xticks(sizes, sizes)
axes.legend()
plt.show()

assert runs[1][:, -1, 0].mean() > 0.3  # one unit underfits
assert runs[30][:, -1, 0].mean() < runs[2][:, -1, 0].mean()
assert runs[30][:, :, 1].min(axis=1).mean() < runs[2][:, :, 1].min(axis=1).mean()

# %% [markdown]
# ## 5. Which activation, how many layers?
#
# 200 training cases, ten units a layer. A network of linear layers is a line, however deep it is. Sigmoid layers learn
# more slowly than tanh layers, and the more of them the slower: each layer multiplies the gradient by a slope of at
# most $\frac14$ (lesson 5 shows the same over time steps).

# %%
many = sine(200, 2)
figure, axes = plt.subplots(figsize=(5, 4.4))
curves = {
    (name, depth): fit([1] + [10] * depth + [1], name, many, 1000)[0]
    for name in ("linear", "sigmoid", "tanh")
    for depth in (1, 6)
}
for ((name, depth), errors), style in zip(curves.items(), ("-", "--", "-", "--", "-", "--"), strict=True):
    color = {"linear": "C0", "sigmoid": "C1", "tanh": "C2"}[name]
    axes.plot(10 * np.arange(len(errors)), errors[:, 1], style, color=color, label=f"{name}, {depth} hidden")
axes.axhline(0.09, color="grey", linewidth=0.8)
axes.set(xlabel="epoch", ylabel="validation error", yscale="log", title="Activation and layers")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
plt.show()

assert curves["linear", 6][-1, 1] > 0.4  # still a line
until = {key: int(10 * np.argmax(errors[:, 1] < 0.12)) for key, errors in curves.items() if key[0] != "linear"}
assert until["tanh", 6] < until["tanh", 1] < until["sigmoid", 1] < until["sigmoid", 6]
pd.Series(until, name="epochs until the validation error is below 0.12").to_frame()

# %% [markdown]
# For tanh, more layers learned *faster* here; for the sigmoid, slower. Depth is no gift by itself.
#
# ## 6. What helps against overfitting
#
# More data help most. Where there are none, *weight decay* adds $\frac{\alpha}{2} \lVert W \rVert^2$ to the loss, so
# that each step of gradient descent also shrinks the weights by $\eta\,\alpha\,W$. Large weights, which bend the curve
# sharply, stay only where they lower the loss by more than they cost.

# %%
counts, decays = (10, 20, 40, 80, 160, 320), (0, 1e-4, 1e-3, 1e-2, 1e-1)
by_count = [fit([1, 30, 1], train=sine(count, 3))[0][-1] for count in counts]
by_decay = [fit([1, 30, 1], weight_decay=decay)[0][-1] for decay in decays]
figure, (top, bottom) = plt.subplots(2, 1, figsize=(5, 6))
for axes, values, results in ((top, counts, by_count), (bottom, decays, by_decay)):
    positions = np.arange(len(values))
    axes.plot(positions, np.array(results)[:, 0], "s-", label="training")
    axes.plot(positions, np.array(results)[:, 1], "o--", label="validation")
    axes.axhline(0.09, color="grey", linewidth=0.8)
    axes.set_xticks(positions, values)
    axes.set(ylabel="mean squared error", ylim=(0, 0.65))
top.set(xlabel="training cases", title="30 units, 3,000 epochs")
bottom.set(xlabel=r"weight decay $\alpha$, 20 training cases")
top.legend()
plt.show()

assert by_count[0][1] > 2 * by_count[-1][1]
assert by_decay[3][1] < by_decay[0][1]  # some decay helps
assert by_decay[4][1] > by_decay[0][1]  # too much of it underfits

# %% [markdown]
# Every one of these values was chosen by looking at validation cases. So the validation error of the winner is too
# good: it is the best of many. What you report comes from a third set, the *test* set, opened once at the end.
#
# ## 7. Keeping the network
#
# What the network is goes into a JSON file that a person can read, its weights into an HDF5 file. No code is in them,
# so opening the files of a stranger runs nothing.

# %%
with tempfile.TemporaryDirectory() as folder:
    saving.save(Path(folder), kept[best_epoch], ["tanh", "linear"])
    print((Path(folder) / "model.json").read_text())
    params, names = saving.load(Path(folder))
assert np.array_equal(mlp.forward(line, params, names)[-1], mlp.forward(line, kept[best_epoch], ["tanh", "linear"])[-1])

# %% [markdown]
# ## 8. The same in Keras
#
# Batch size, epochs and early stopping are arguments:

# %%
from common.inference.keras_start import start_keras

keras = start_keras()
keras.utils.set_random_seed(0)

model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(30, activation="tanh"), keras.layers.Dense(1)])
model.compile(keras.optimizers.Adam(0.05), loss="mse")
stopping = keras.callbacks.EarlyStopping(patience=50, restore_best_weights=True)
history = model.fit(*TRAIN, batch_size=20, epochs=300, validation_data=VALIDATION, callbacks=[stopping], verbose=0)

reached = model.evaluate(*VALIDATION, verbose=0)
assert np.isclose(reached, min(history.history["val_loss"]), rtol=1e-3)  # the best weights were restored
assert reached < 0.2
print(f"{len(history.epoch)} epochs, validation error {reached:.3f}")

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: batches
#
# Return the batches of one epoch: a list of arrays of case numbers. Each number from 0 to $n - 1$ stands in one batch,
# in random order; the last batch may be smaller.


# %% tags=["exercise"]
def batches(num_cases, batch_size, rng):
    raise NotImplementedError("Return a list of arrays of case numbers.")


# %% tags=["check"]
with exercise(1):
    made = batches(23, 5, np.random.default_rng(0))
    assert [len(batch) for batch in made] == [5, 5, 5, 5, 3], f"the sizes are {[len(batch) for batch in made]}"
    numbers = np.concatenate(made)
    assert sorted(numbers) == list(range(23)), "a case is missing, or there twice"
    assert list(numbers) != list(range(23)), "the order is not random"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 1</summary>
#
# ```python
# def batches(num_cases, batch_size, rng):
#     order = rng.permutation(num_cases)
#     return [order[start : start + batch_size] for start in range(0, num_cases, batch_size)]
# ```
#
# </details>

# %% [markdown]
# ### Exercise 2: early stopping
#
# Given the validation error after every epoch (epochs count from 0), return the epoch at which training stops, and the
# epoch whose weights are kept. It stops at the first epoch that is `patience` epochs after the best so far, or at the
# last one.


# %% tags=["exercise"]
def stop_early(errors, patience):
    raise NotImplementedError("Return the epoch of the stop, and the best epoch up to it.")


# %% tags=["check"]
with exercise(2):
    cases = {((3, 2, 1, 2, 3, 0), 2): (4, 2), ((3, 2, 1, 2, 3, 0), 4): (5, 5), ((1, 2, 2), 1): (1, 0)}
    for (errors, patience), wanted in cases.items():
        got = tuple(stop_early(list(errors), patience))
        assert got == wanted, f"errors {errors}, patience {patience}: got {got}, wanted {wanted}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 2</summary>
#
# ```python
# def stop_early(errors, patience):
#     best = 0
#     for epoch, error in enumerate(errors):
#         if error < errors[best]:
#             best = epoch
#         if epoch - best >= patience:
#             break
#     return epoch, best
# ```
#
# With a patience of 2 the first example misses the zero at the end: patience is a bet, too.
#
# </details>

# %% [markdown]
# ### Exercise 3: the largest learning rate
#
# Return the limit of the learning rate for a linear neuron *with bias*, inputs $x$ (cases, inputs), exact gradient.


# %% tags=["exercise"]
def largest_learning_rate(x):
    raise NotImplementedError("Return 2 divided by the largest eigenvalue of the curvature.")


# %% tags=["check"]
with exercise(3):
    inputs = np.random.default_rng(0).normal(1, 2, (50, 3))
    ends = []
    for factor in (0.95, 1.05):
        params = {"W_1": np.ones((3, 1)), "b_1": np.ones(1)}
        optimizer, stop = Sgd(factor * largest_learning_rate(inputs)), neuron.Stop(max_epochs=400)
        neuron.learn(inputs, np.zeros((50, 1)), params, ["linear"], optimizer, 50, stop, np.random.default_rng(0))
        ends.append(np.abs(params["W_1"]).max())
    assert ends[0] < 1, "with 0.95 times your limit it diverges: the limit is too large"
    assert ends[1] > 1, "with 1.05 times your limit it still converges: the limit is too small"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 3</summary>
#
# ```python
# def largest_learning_rate(x):
#     X = np.hstack([x, np.ones((len(x), 1))])
#     return 2 / np.linalg.eigvalsh(X.T @ X / len(x)).max()
# ```
#
# Inputs with a large mean or spread make the limit small. That is why one scales inputs to mean 0 and variance 1.
#
# </details>

# %% [markdown] tags=["quiz"]
# ## Ten questions
#
# <details><summary>1. What is an epoch?</summary>
#
# One pass over all training cases.
#
# </details>
# <details><summary>2. 1,000 cases, batches of 50: how many updates in 3 epochs?</summary>
#
# $3 \cdot 20 = 60$.
#
# </details>
# <details><summary>3. Why does learning after each case never quite arrive?</summary>
#
# The gradient of one case is not zero at the best weights, only the mean over all is. With a fixed learning rate the
# weights keep moving.
#
# </details>
# <details><summary>4. What happens above the largest learning rate?</summary>
#
# Each step overshoots by more than the distance from the minimum: the loss grows without end.
#
# </details>
# <details><summary>5. What is the weakness of the rule "stop when the weights hardly change"?</summary>
#
# It stops on every plateau, and the sooner the smaller the learning rate is. It says nothing about the error.
#
# </details>
# <details><summary>6. How do you see overfitting in a learning curve?</summary>
#
# The validation error rises while the training error still falls.
#
# </details>
# <details><summary>7. And underfitting?</summary>
#
# Both errors are high, and close together.
#
# </details>
# <details><summary>8. A network of five linear layers: what can it learn?</summary>
#
# What one linear layer can, no more.
#
# </details>
# <details><summary>9. Name three remedies against overfitting.</summary>
#
# More data; early stopping; weight decay (or fewer units, dropout).
#
# </details>
# <details><summary>10. Why a test set beside the validation set?</summary>
#
# Decisions were made on the validation set, so its error is the best of many and too good. The test set decided
# nothing.
#
# </details>
#
# **Next:** [lesson 3](03_elman_network.ipynb), a network with a memory.
