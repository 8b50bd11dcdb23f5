# %% [markdown]
# # Lesson 1: the neuron and the perceptron
#
# *One hour. You need: Python, NumPy, and what a derivative is.*
#
# A neuron weighs its inputs, adds a bias and applies an *activation function*. Layers of neurons make a *multilayer
# perceptron*, and what makes it useful is that it learns: from the error of its output, *back-propagation* computes
# for every weight in which direction to change it.
#
# After this lesson you can write the forward and the backward pass of a network in NumPy, prove that your derivatives
# are right, and say what a hidden layer is for.
#
# All lessons are made in the same way: an equation, the same lines in NumPy, a check, a picture, the same in Keras,
# exercises that tell you whether you have solved them, and ten questions. The finished lines stand in modules of
# `from_scratch/`, which later lessons import; here you see them grow.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from from_scratch import mlp, xor, xor_by_hand
from from_scratch.gradient_check import largest_errors, numeric_gradient
from from_scratch.lesson import exercise, use_style
from from_scratch.losses import squared_error

use_style()

# %% [markdown]
# ## 1. One neuron
#
# The inputs $x_1, \dots, x_n$ are multiplied by weights and added up. The bias $b$ moves the sum, and the activation
# function $f$ decides what comes out:
#
# $$z = \sum_i x_i W_i + b, \qquad a = f(z)$$
#
# A common $f$ is the *logistic sigmoid*, which maps every number to one between 0 and 1:
#
# $$\sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# We compute many cases at once: each row of $x$ is a case, so the sum becomes a matrix product, $z = xW + b$. The
# neuron below computes "or". Its weights are chosen by hand: one true input is enough to make $z$ positive.


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # (cases, inputs)
W, b = np.array([[20.0], [20.0]]), np.array([-10.0])  # (inputs, units), (units,)

z = x @ W + b  # (cases, units)
a = sigmoid(z)

assert (a.round() == x.max(axis=1, keepdims=True)).all()  # "or" is the larger of the two inputs
assert np.allclose(a, mlp.forward(x, {"W_1": W, "b_1": b}, ["sigmoid"])[-1])  # mlp.py has the same lines
pd.DataFrame({"x1": x[:, 0], "x2": x[:, 1], "z": z[:, 0], "a": a[:, 0].round(5)})

# %% [markdown]
# Learning multiplies by the *slope* $f'(z)$, so it matters how steep $f$ is. Both slopes below can be computed from
# the output alone: $\sigma' = a\,(1 - a)$ and $\tanh' = 1 - a^2$. The sigmoid is never steeper than $\frac14$: keep
# this number in mind for lesson 5. Far from zero both functions are flat, and a neuron there (it is *saturated*)
# hardly learns.

# %%
z_line = np.linspace(-5, 5, 201)
figure, (top, bottom) = plt.subplots(2, 1, figsize=(5, 5), sharex=True)
for (name, (function, slope)), style in zip(mlp.ACTIVATIONS.items(), (":", "-", "--"), strict=True):
    top.plot(z_line, function(z_line), style, label=name)
    bottom.plot(z_line, slope(function(z_line)), style, label=name)
top.set(ylabel="activation $a = f(z)$", ylim=(-1.5, 1.5), title="Three activation functions and their slopes")
bottom.set(xlabel="weighted sum $z$", ylabel="slope $f'(z)$", ylim=(0, 1.1))
top.legend()
plt.show()

assert np.isclose((sigmoid(z_line) * (1 - sigmoid(z_line))).max(), 1 / 4)

# %% [markdown]
# ## 2. The forward pass
#
# A layer is many neurons side by side: the columns of its $W$. A network is one layer after the other; the activations
# of layer $l-1$ are the inputs of layer $l$, and $a^{(0)} = x$:
#
# $$z^{(l)} = a^{(l-1)} W^{(l)} + b^{(l)}, \qquad a^{(l)} = f^{(l)}(z^{(l)})$$
#
# Five cases, two inputs, three hidden units with tanh, one linear output. Always check the shapes first.

# %%
rng = np.random.default_rng(0)
params = mlp.init_params([2, 3, 1], rng)
x, target = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))

hidden = np.tanh(x @ params["W_1"] + params["b_1"])  # (cases, 3)
y = hidden @ params["W_2"] + params["b_2"]  # (cases, 1)
loss = ((y - target) ** 2).sum() / 2 / len(x)  # half the squared error, mean over the cases

assert hidden.shape == (5, 3)
assert y.shape == (5, 1)
activations = mlp.forward(x, params, ["tanh", "linear"])
assert np.allclose(y, activations[-1])
assert np.isclose(loss, squared_error(y, target)[0])

# %% [markdown]
# ## 3. The backward pass
#
# Which change of which weight makes the loss $L$ smaller? The chain rule answers, from the output back to the input.
# Write $\mathrm{d}a$ for $\partial L / \partial a$. One layer needs three lines. Through the activation function:
#
# $$\mathrm{d}z = \mathrm{d}a \odot f'(z)$$
#
# To the parameters of the layer ($\top$ is the transpose; the sum runs over the cases):
#
# $$\mathrm{d}W = a_{\text{in}}^\top\, \mathrm{d}z, \qquad \mathrm{d}b = \sum \mathrm{d}z$$
#
# And to the input of the layer, which is the output of the layer below:
#
# $$\mathrm{d}a_{\text{in}} = \mathrm{d}z\, W^\top$$

# %%
dy = (y - target) / len(x)  # derivative of the loss by the output, (cases, 1)

dW_2 = hidden.T @ dy  # the output is linear: its slope is 1
db_2 = dy.sum(axis=0)
dhidden = dy @ params["W_2"].T  # (cases, 3)

dz = dhidden * (1 - hidden**2)  # through tanh
dW_1 = x.T @ dz
db_1 = dz.sum(axis=0)

grads = {"W_2": dW_2, "b_2": db_2, "W_1": dW_1, "b_1": db_1}
module_grads, _ = mlp.backward(dy, activations, params, ["tanh", "linear"])
assert all(np.allclose(grads[name], module_grads[name]) for name in params)

# %% [markdown]
# ### Are the derivatives right?
#
# A derivative is a prediction: if this weight grows by a little $h$, the loss grows by $h$ times the derivative. So
# change each weight a little, both ways, and compare (a *gradient check*):
#
# $$\frac{\partial L}{\partial w} \approx \frac{L(w+h) - L(w-h)}{2h}$$
#
# How small should $h$ be? Too large, and the curve bends within the step; too small, and the difference of two nearly
# equal numbers is lost in rounding. `gradient_check.py` uses four points instead of two and $h = 2 \cdot 10^{-4}$.


# %%
def loss_of(weight):
    changed = {**params, "W_1": params["W_1"].copy()}
    changed["W_1"][0, 0] = weight
    return squared_error(mlp.forward(x, changed, ["tanh", "linear"])[-1], target)[0]


w, steps = params["W_1"][0, 0], 10.0 ** np.arange(-12, 0.1, 0.5)
two = [(loss_of(w + h) - loss_of(w - h)) / (2 * h) for h in steps]
four = [(loss_of(w - 2 * h) - 8 * loss_of(w - h) + 8 * loss_of(w + h) - loss_of(w + 2 * h)) / (12 * h) for h in steps]

figure, axes = plt.subplots()
axes.loglog(steps, np.abs(np.array(two) / dW_1[0, 0] - 1), "o-", markersize=3, label="two points")
axes.loglog(steps, np.abs(np.array(four) / dW_1[0, 0] - 1), "s--", markersize=3, label="four points")
axes.axvline(2e-4, color="grey", linestyle=":", label="step of gradient_check.py")
axes.set(xlabel="step $h$", ylabel="relative error", title="A numerical derivative against ours")
axes.legend()
plt.show()

# %%
errors = largest_errors(lambda: squared_error(mlp.forward(x, params, ["tanh", "linear"])[-1], target)[0], params, grads)
assert max(errors.values()) < 1e-9
errors

# %% [markdown]
# ## 4. Learning
#
# *Gradient descent* takes a step against the derivative, of a size that you choose, the *learning rate* $\eta$:
#
# $$W \leftarrow W - \eta\, \frac{\partial L}{\partial W}$$
#
# One neuron, random weights, the four cases of "or". The neuron answers true on one side of the line
# $x_1 W_1 + x_2 W_2 + b = 0$. Learning turns and moves this line.

# %%
x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
target = x.max(axis=1, keepdims=True)  # "or"
rng = np.random.default_rng(3)
W, b, learning_rate = rng.normal(size=(2, 1)), np.zeros(1), 0.5

losses, lines = [], {}
for epoch in range(1001):
    a = sigmoid(x @ W + b)
    losses.append(((a - target) ** 2).sum() / 2 / len(x))
    if epoch in (0, 10, 100, 1000):
        lines[epoch] = W.copy(), b.copy()
    dz = (a - target) / len(x) * a * (1 - a)
    W -= learning_rate * x.T @ dz
    b -= learning_rate * dz.sum(axis=0)

assert losses[-1] < losses[0] / 10
assert (a.round() == target).all()

# %%
figure, axes = plt.subplots()
axes.plot(losses)
axes.set(xlabel="epoch (all four cases seen once)", ylabel="loss", yscale="log", title='One neuron learns "or"')
plt.show()

# %%
figure, axes = plt.subplots(figsize=(5, 5))
for (epoch, (W_then, b_then)), style in zip(lines.items(), (":", "-.", "--", "-"), strict=True):
    x_1 = np.linspace(-0.5, 1.5, 2)
    axes.plot(x_1, -(b_then + x_1 * W_then[0]) / W_then[1], style, label=f"epoch {epoch}")
axes.scatter(*x[target[:, 0] == 1].T, marker="o", s=60, color="black", label="true")
axes.scatter(*x[target[:, 0] == 0].T, marker="x", s=60, color="black", label="false")
axes.set(xlabel="first input $x_1$", ylabel="second input $x_2$", xlim=(-0.5, 1.5), ylim=(-0.5, 1.5))
axes.set_title("Where the neuron changes its answer")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3)
plt.show()

# %% [markdown]
# ## 5. One step with pencil and paper
#
# Take a network with two inputs, three hidden units and one output, all sigmoid, without biases; the input is $(1, 1)$
# and the target 0. The numbers come from a tutorial that has been copied many times. Follow them with a calculator:
# the sums of the hidden units are $0.8 + 0.2 = 1$, $0.4 + 0.9 = 1.3$ and $0.3 + 0.5 = 0.8$, and the output is
#
# $$y = \sigma(0.3\,\sigma(1) + 0.5\,\sigma(1.3) + 0.9\,\sigma(0.8))$$
#
# How should the output weights change? With $\delta = \mathrm{d}z^{(2)}$, the chain rule *multiplies* by the hidden
# activation: $\mathrm{d}W^{(2)}_i = h_i\, \delta$. The tutorial *divides* by it.

# %%
start = xor_by_hand.first_params()
hidden = sigmoid(xor_by_hand.X @ start["W_1"])[0]
output = sigmoid(hidden @ start["W_2"]).item()
delta = (output - 0) * output * (1 - output)

assert np.allclose(hidden, [0.7311, 0.7858, 0.6900], atol=1e-4)
assert np.isclose(output, 0.7744, atol=1e-4)
numeric = numeric_gradient(lambda: xor_by_hand.error_of(start), start["W_2"])[:, 0]
assert np.allclose(delta * hidden, numeric)
pd.DataFrame({"hidden": hidden, "multiply": delta * hidden, "divide": delta / hidden, "numerical": numeric}).round(4)

# %% [markdown]
# Both lower the loss of this one case, since their signs agree. But the gradient changes the weights most that matter
# most, and the division those that matter least. When the first hidden unit is nearly off for this input, its output
# weight hardly matters, and the division changes it by more than 150. The loss over all four cases of "exclusive or"
# rises:

# %%
quiet = {**start, "W_1": start["W_1"] - np.array([[8.0, 0, 0], [0, 0, 0]])}
hidden = sigmoid(xor_by_hand.X @ quiet["W_1"])[0]
output = sigmoid(hidden @ quiet["W_2"]).item()
delta = output * output * (1 - output)
rows = []
for name, step in (("none", 0 * hidden), ("multiply", -delta * hidden), ("divide", -delta / hidden)):
    after = xor_by_hand.changed(quiet, step[:, None])
    this, every = (xor_by_hand.error_of(after, *data) for data in ((), (xor_by_hand.ALL_X, xor_by_hand.ALL_TARGETS)))
    rows.append({"step": name, "change of the first weight": step[0], "loss of (1, 1)": this, "of all four": every})
assert rows[1]["of all four"] < rows[0]["of all four"] < rows[2]["of all four"]
pd.DataFrame(rows).round(4)

# %% [markdown]
# ## 6. What a hidden layer is for
#
# "Exclusive or" is true where exactly one input is. No line divides the true corners of the square from the false ones
# (Minsky and Papert 1969), so one neuron gets at most three of the four cases right. A hidden layer computes new
# features of the input, and these *can* be divided by a line.
#
# Two hidden units are enough in principle. Whether gradient descent finds the right weights depends on where it
# starts; with more units there are more ways down. Each setting of `xor.py` from 50 random starts:

# %%
shares = {setting: np.mean([xor.learn_xor(setting, seed)[2] for seed in range(50)], axis=0) for setting in xor.SETTINGS}
figure, axes = plt.subplots(figsize=(5, 4.6))
for (setting, share), style in zip(shares.items(), ("-", "--", "-.", ":", "-", "--"), strict=True):
    axes.plot(np.linspace(0, 100, len(share)), 100 * share, style, label=setting)
axes.set(xlabel="epochs, percent of the training", ylabel="starts that solve it, percent", title='"Exclusive or"')
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
plt.show()

assert shares["no hidden layer"][-1] == 0
assert shares["8 tanh, cross-entropy, Adam"][-1] >= 0.95

# %% [markdown]
# What a network with eight hidden units computes over the whole square:

# %%
params, names, _ = xor.learn_xor("8 tanh, cross-entropy, Adam", seed=0)
grid = np.linspace(-0.3, 1.3, 81)
points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)  # (81 * 81, 2)
probability = xor.answer(points, params, names).reshape(81, 81)

figure, axes = plt.subplots(figsize=(5, 4))
filled = axes.contourf(grid, grid, probability, levels=np.linspace(0, 1, 11))
figure.colorbar(filled, label="probability of true")
axes.scatter(*xor.X[[1, 2]].T, marker="o", s=60, color="black", label="true")
axes.scatter(*xor.X[[0, 3]].T, marker="x", s=60, color="white", label="false")
axes.set(xlabel="first input $x_1$", ylabel="second input $x_2$", title="Two bent lines instead of one straight one")
plt.show()

# %% [markdown]
# ## 7. The same in Keras
#
# Keras writes the backward pass for you. Given the same weights it computes the same output. (`start_keras` imports it
# without its messages.)

# %%
from common.inference.keras_start import start_keras

keras = start_keras()
params = mlp.init_params([2, 3, 1], np.random.default_rng(0))

model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(1)])
model.set_weights([params["W_1"], params["b_1"], params["W_2"], params["b_2"]])
in_keras = model.predict(x, verbose=0)

assert np.allclose(in_keras, mlp.forward(x, params, ["tanh", "linear"])[-1], atol=1e-6)

# %% [markdown]
# To train it, add `model.compile(optimizer="adam", loss="mse")` and `model.fit(x, target)`.
#
# ## Exercises
#
# Replace the line that raises an error, run the cell, and run the check below it. Solutions are folded.
#
# ### Exercise 1: a neuron for "and"
#
# Choose weights (2, 1) and a bias (1,) by hand so that a sigmoid neuron computes "and": above 0.9 for $(1, 1)$, below
# 0.1 for the other three.


# %% tags=["exercise"]
def and_weights():
    raise NotImplementedError("Return W of shape (2, 1) and b of shape (1,).")


# %% tags=["check"]
with exercise(1):
    W, b = and_weights()
    assert np.shape(W) == (2, 1), f"W has shape {np.shape(W)}, wanted (2, 1)"
    found = sigmoid(xor.X @ W + b)[:, 0]
    assert (found[:3] < 0.1).all(), f"for the first three inputs the output is {found[:3].round(2)}, wanted below 0.1"
    assert found[3] > 0.9, f"for (1, 1) the output is {found[3]:.2f}, wanted above 0.9"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 1</summary>
#
# Both inputs together must outweigh the bias, one alone must not:
#
# ```python
# def and_weights():
#     return np.array([[10.0], [10.0]]), np.array([-15.0])
# ```
#
# The sums are -15, -5, -5 and 5, and $\sigma(5) = 0.993$.
#
# </details>

# %% [markdown]
# ### Exercise 2: the rectifier
#
# The *rectified linear unit* is $f(z) = \max(0, z)$. Write it, and its slope as a function of its *output* $a$, as
# `mlp.ACTIVATIONS` wants them. The check puts them into a network and compares derivatives with numerical ones.


# %% tags=["exercise"]
def rectifier(z):
    raise NotImplementedError("Return max(0, z) of every number.")


def rectifier_slope(a):
    raise NotImplementedError("Return the slope, given the output a of the rectifier.")


# %% tags=["check"]
with exercise(2):
    mlp.ACTIVATIONS["relu"] = rectifier, rectifier_slope
    rng, names = np.random.default_rng(1), ["relu", "linear"]
    params, cases = mlp.init_params([2, 6, 1], rng), rng.normal(size=(5, 2))
    layers = mlp.forward(cases, params, names)
    grads, _ = mlp.backward(squared_error(layers[-1], 1.0)[1], layers, params, names)
    errors = largest_errors(lambda: squared_error(mlp.forward(cases, params, names)[-1], 1.0)[0], params, grads)
    assert max(errors.values()) < 1e-7, f"a derivative is off by {max(errors.values()):.2%} of the largest"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 2</summary>
#
# ```python
# def rectifier(z):
#     return np.maximum(0, z)
#
#
# def rectifier_slope(a):
#     return (a > 0) * 1.0
# ```
#
# At $z = 0$ there is a corner and no derivative. A numerical check whose steps cross the corner fails, although the
# lines are right.
#
# </details>

# %% [markdown]
# ### Exercise 3: "exclusive or" by hand
#
# Choose all weights of a network with two sigmoid hidden units and a sigmoid output that computes "exclusive or".
# Hint: let one hidden unit compute "or" and the other "and".


# %% tags=["exercise"]
def xor_weights():
    raise NotImplementedError("Return a dict of W_1 (2, 2), b_1 (2,), W_2 (2, 1) and b_2 (1,).")


# %% tags=["check"]
with exercise(3):
    found = mlp.forward(xor.X, xor_weights(), ["sigmoid", "sigmoid"])
    assert found[1].shape == (4, 2), f"there are {found[1].shape[1]} hidden units, wanted 2"
    assert (np.abs(found[-1] - xor.TARGET) < 0.1).all(), f"the outputs are {found[-1][:, 0].round(2)}, wanted 0 1 1 0"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 3</summary>
#
# "Or" but not "and":
#
# ```python
# def xor_weights():
#     return {
#         "W_1": np.array([[20.0, 20.0], [20.0, 20.0]]),
#         "b_1": np.array([-10.0, -30.0]),
#         "W_2": np.array([[20.0], [-20.0]]),
#         "b_2": np.array([-10.0]),
#     }
# ```
#
# </details>

# %% [markdown] tags=["quiz"]
# ## Ten questions
#
# Answer before you open the fold.
#
# <details><summary>1. What are the three operations of a neuron?</summary>
#
# It multiplies its inputs by weights and adds them up, adds a bias, and applies an activation function.
#
# </details>
# <details><summary>2. Why does a network of linear layers need an activation function between them?</summary>
#
# Without one, two layers are a single one: $(xW_1)W_2 = x(W_1W_2)$. No number of them could compute "exclusive or".
#
# </details>
# <details><summary>3. A layer has 4 inputs and 3 units. How many parameters?</summary>
#
# $4 \cdot 3$ weights and 3 biases: 15.
#
# </details>
# <details><summary>4. What is the steepest slope of the sigmoid, and where?</summary>
#
# $\frac14$, at $z = 0$, where the output is $\frac12$.
#
# </details>
# <details><summary>5. Which shape has the derivative of the loss by W?</summary>
#
# That of $W$: there is one derivative for every weight. Here $x^\top\,\mathrm{d}z$ is (inputs, cases) times (cases,
# units).
#
# </details>
# <details><summary>6. Why is the derivative by the bias a sum over the cases?</summary>
#
# The same bias is added in every case, so the effects of changing it add up. A weight that is used several times gets
# the sum of its derivatives; recurrent networks live on this rule.
#
# </details>
# <details><summary>7. Why must forward keep the activations?</summary>
#
# The backward pass needs them twice: for the slope $f'$, and as the input in $\mathrm{d}W = a_{\text{in}}^\top\,
# \mathrm{d}z$.
#
# </details>
# <details><summary>8. All weights start at zero. What do the hidden units learn?</summary>
#
# Nothing at first, because $\mathrm{d}a_{\text{in}} = \mathrm{d}z\,W^\top$ is zero. And with any equal values all
# hidden units get the same derivative and stay equal for ever: random weights break the symmetry.
#
# </details>
# <details><summary>9. What does a gradient check compare, and why not with a step of 1e-12?</summary>
#
# The derivative of back-propagation with the change of the loss when one weight is changed a little. With a step of
# $10^{-12}$ the difference of two losses has lost nearly all its digits to rounding.
#
# </details>
# <details><summary>10. What can two hidden units do for "exclusive or" that one neuron cannot?</summary>
#
# They move the four corners to places that a line can divide: "or" and "and" as coordinates put the two true cases on
# one point.
#
# </details>
#
# **Next:** [lesson 2](02_training.ipynb), how to train: when to change the weights, when to stop, and what to decide
# before.
