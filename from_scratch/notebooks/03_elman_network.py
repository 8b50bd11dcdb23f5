# %% [markdown]
# # Lesson 3: the Elman network, a state that is passed on
#
# *One hour. You need lessons 1 and 2.*
#
# A perceptron sees everything at once and remembers nothing. A text comes one word after the other, and what a word
# means depends on those before. The *Elman network* (Elman 1990; also called simple or plain recurrent network) has a
# *state*: numbers that it passes on from each step to the next.
#
# After this lesson you can write the forward pass and *back-propagation through time*, deal with texts of different
# lengths, and say where inputs and outputs stand in a task.

# %%
import matplotlib.pyplot as plt
import numpy as np

from from_scratch import four_shapes, next_character, rnn, through_time
from from_scratch.gradient_check import largest_errors
from from_scratch.lesson import exercise, use_style
from from_scratch.losses import softmax, softmax_cross_entropy
from from_scratch.mlp import glorot
from from_scratch.optimizers import Adam, clip_by_norm

use_style()

# %% [markdown]
# ## 1. One step, again and again
#
# The new state is computed from the input and from the state before; the output is read off the state:
#
# $$h_t = \tanh(h_{t-1} W_{hh} + x_t W_{xh} + b_h)$$
#
# $$y_t = h_t W_{hy} + b_y$$
#
# The same three matrices serve all steps, so a text may be of any length. Drawn over time:

# %%
figure, axes = plt.subplots(figsize=(5, 3.2))
axes.set(xlim=(-0.6, 3.6), ylim=(-0.5, 2.5))
axes.axis("off")
for t in range(4):
    for row, name in enumerate(("x", "h", "y")):
        if t or name == "h":
            axes.text(t, row, f"${name}_{t}$", ha="center", va="center", bbox={"boxstyle": "circle", "fc": "white"})
    if t:
        for start, end, label in (
            ((t, 0), (t, 1), "$W_{xh}$"),
            ((t, 1), (t, 2), "$W_{hy}$"),
            ((t - 1, 1), (t, 1), "$W_{hh}$"),
        ):
            arrow = {"arrowstyle": "->", "shrinkA": 14, "shrinkB": 14}
            axes.annotate("", end, start, arrowprops=arrow)
            shift = (0, 0.12) if start[1] == end[1] else (0.18, 0)
            axes.text(
                (start[0] + end[0]) / 2 + shift[0], (start[1] + end[1]) / 2 + shift[1], label, ha="center", fontsize=9
            )
plt.show()

# %% [markdown]
# Two texts of five steps, three inputs, four units. A loop over time is all there is:

# %%
rng = np.random.default_rng(0)
num_cases, num_steps, num_inputs, num_units = 2, 5, 3, 4
params = rnn.init_params(num_inputs, num_units, rng)
W_xh, W_hh, b_h = params["W_xh"], params["W_hh"], params["b_h"]
x = rng.normal(size=(num_cases, num_steps, num_inputs))

h = np.zeros((num_cases, num_steps + 1, num_units))  # h[:, 0] is the state before the first step
for t in range(num_steps):
    h[:, t + 1] = np.tanh(h[:, t] @ W_hh + x[:, t] @ W_xh + b_h)

assert W_xh.shape == (3, 4)
assert W_hh.shape == (4, 4)
walk = through_time.forward(rnn, x, params)
assert np.allclose(h[:, 1:], walk.h)  # rnn.step and through_time.forward have the same lines

# %% [markdown]
# ### What is left of an input?
#
# The last state depends on all inputs. How much? Change the input of one step, and see how much the last state changes.
# In an untrained network the memory fades with every step; training must do better where it matters.

# %%
rng = np.random.default_rng(1)
untrained, long = rnn.init_params(3, 16, rng), rng.normal(size=(50, 20, 3))
last = through_time.forward(rnn, long, untrained).h[:, -1]
changes = []
for t in range(20):
    other = long.copy()
    other[:, t] += 0.1
    changes.append(np.abs(through_time.forward(rnn, other, untrained).h[:, -1] - last).mean())

figure, axes = plt.subplots(figsize=(5, 3))
axes.semilogy(np.arange(20)[::-1], changes, "o-", markersize=4)
axes.set(xlabel="steps between the changed input and the last state", ylabel="mean change of a unit")
axes.set_title("Memory of an untrained network")
plt.show()
assert changes[-1] > 10 * changes[0]

# %% [markdown]
# ## 2. Back-propagation through time
#
# Go back from the last step to the first. The loss depends on a state in two ways: through the output read off it, and
# through the next state. The two derivatives add up:
#
# $$\mathrm{d}h_t = \mathrm{d}y_t\, W_{hy}^\top + \mathrm{d}z_{t+1}\, W_{hh}^\top$$
#
# $$\mathrm{d}z_t = \mathrm{d}h_t \odot (1 - h_t^2)$$
#
# The weights are the same at every step, so their derivatives are *sums over time* (Werbos 1990):
#
# $$\mathrm{d}W_{hh} = \sum_t h_{t-1}^\top\, \mathrm{d}z_t$$
#
# $$\mathrm{d}W_{xh} = \sum_t x_t^\top\, \mathrm{d}z_t$$

# %%
dy_to_h = rng.normal(size=(num_cases, num_steps, num_units))  # dy_t W_hy^T of some loss, at every step

grads = {name: np.zeros_like(value) for name, value in params.items()}
from_next = np.zeros((num_cases, num_units))  # dz_{t+1} W_hh^T: nothing comes after the last step
for t in reversed(range(num_steps)):
    dh = dy_to_h[:, t] + from_next
    dz = dh * (1 - h[:, t + 1] ** 2)
    grads["W_hh"] += h[:, t].T @ dz  # h[:, t] is the state before step t
    grads["W_xh"] += x[:, t].T @ dz
    grads["b_h"] += dz.sum(axis=0)
    from_next = dz @ W_hh.T

module_grads, _, _ = through_time.backward(rnn, walk, x, params, dy_to_h)
assert all(np.allclose(grads[name], module_grads[name]) for name in params)

# A gradient check, as in lesson 1: the loss whose derivative by the states is dy_to_h.
errors = largest_errors(lambda: (dy_to_h * through_time.forward(rnn, x, params).h).sum(), params, grads)
assert max(errors.values()) < 1e-9
errors

# %% [markdown]
# A frequent mistake is to be off by one: in $\mathrm{d}W_{hh}$ stands the state *before* the step. The check finds it.
#
# ## 3. Texts of different lengths
#
# A batch is a rectangle, texts are not. Short ones are filled up with *padding*, and a *mask* $m_t$ says which steps
# are real (1) and which are padding (0). At padding the state stays as it was:
#
# $$h_t = m_t\, \tilde h_t + (1 - m_t)\, h_{t-1}$$
#
# where $\tilde h_t$ is the state that the step would give. On the way back the derivative passes padding unchanged. So
# the result must not depend on how much padding there is:

# %%
mask = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], bool)  # the second text has three steps
padded = through_time.forward(rnn, x, params, mask=mask)
alone = through_time.forward(rnn, x[1:, :3], params)
more = np.concatenate([x, rng.normal(size=(2, 7, 3))], axis=1)
more_mask = np.concatenate([mask, np.zeros((2, 7), bool)], axis=1)

assert np.allclose(padded.h[1, -1], alone.h[0, -1])
assert np.allclose(through_time.forward(rnn, more, params, mask=more_mask).h[:, -1], padded.h[:, -1])

# %% [markdown]
# ## 4. Spelling
#
# The network reads a letter and predicts the next: a *language model* over characters. In "hello" the first l is
# followed by l, the second by o. The outputs become probabilities, $p_t = \mathrm{softmax}(y_t)$; the loss is the
# *cross-entropy*, in nats for a letter:
#
# $$L = -\frac1T \sum_t \ln p_t(\text{next letter})$$
#
# Its derivative by $y_t$ is simple: $p_t$ less 1 at the true letter, divided by $T$. All parts are there; here they
# make a training:

# %%
letters = sorted(set("hello."))  # the point ends the word
numbers = np.array([[letters.index(letter) for letter in "hello."]])  # (1, 6)
x_hello, targets = np.eye(len(letters))[numbers[:, :-1]], numbers[:, 1:]  # (1, 5, letters), (1, 5)

rng = np.random.default_rng(0)
speller = rnn.init_params(len(letters), 12, rng) | {
    "W_hy": glorot(12, len(letters), rng),
    "b_y": np.zeros(len(letters)),
}
optimizer, losses = Adam(0.02), []
for _ in range(200):
    walk = through_time.forward(rnn, x_hello, speller)
    y = walk.h @ speller["W_hy"] + speller["b_y"]  # (1, 5, letters)
    loss, dy = softmax_cross_entropy(y, targets)
    spell_grads, _, _ = through_time.backward(rnn, walk, x_hello, speller, dy @ speller["W_hy"].T)
    spell_grads |= {"W_hy": np.einsum("bti,btj->ij", walk.h, dy), "b_y": dy.sum(axis=(0, 1))}
    optimizer.update(speller, clip_by_norm(spell_grads, 5.0))
    losses.append(loss)

expected_dy = softmax(y) - np.eye(len(letters))[targets]
assert np.allclose(dy, expected_dy / targets.size)
assert "".join(letters[i] for i in y[0].argmax(axis=-1)) == "ello."
assert losses[-1] < 0.02

# %% [markdown]
# Is it the state that does it? In "namaskar" the letter a is followed by m, by s and by r: without a state there is no
# telling. `next_character.py` has the loop above, and a way from the input to the output, so that the state can be left
# out.

# %%
WORD = "namaskar"
spelled, curves = {}, {}
for name, units in (("with a state", next_character.NUM_UNITS), ("without", 0)):
    letters, learned, losses = next_character.learn_word(WORD, units)
    numbers = np.array([[letters.index(letter) for letter in WORD]])
    one_hot = next_character.one_hot(numbers, len(letters))
    spelled[name] = softmax(next_character.spell(one_hot, learned, units)[1])[0]  # (time, letters)
    curves[name] = losses

guesses = {name: "".join(letters[i] for i in p.argmax(axis=1)) for name, p in spelled.items()}
assert guesses["with a state"] == "amaskar."
assert guesses["without"] != "amaskar."
# Known from theory: without a state, after "a" (3 of 8 places) nothing beats a third for each of m, s and r.
assert np.isclose(curves["without"][-1], 3 * np.log(3) / 8, atol=0.05)

figure, axes = plt.subplots(figsize=(5, 3))
for (name, losses), style in zip(curves.items(), ("-", "--"), strict=True):
    axes.plot(losses, style, label=name)
axes.axhline(3 * np.log(3) / 8, color="grey", linewidth=0.8, label=r"$\frac{3}{8}\ln 3$")
axes.set(xlabel="step of training", ylabel="nats for a letter", title='Learning to spell "namaskar"')
axes.legend()
plt.show()

# %% [markdown]
# Each column of the picture is one step: the letter below was read, and the colours are the probabilities of the next.

# %%
figure, all_axes = plt.subplots(2, 1, figsize=(5, 6.6))
for axes, (name, probabilities) in zip(all_axes, spelled.items(), strict=True):
    image = axes.imshow(probabilities.T, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(WORD)), list(WORD))
    axes.set_yticks(range(len(letters)), ["end" if letter == "." else letter for letter in letters])
    axes.set(xlabel="letter read", ylabel="next letter", title=name)
    axes.grid(False)
figure.colorbar(image, ax=all_axes, label="probability", shrink=0.6)
plt.show()

# %% [markdown]
# What does the state look like? Twelve numbers at every step; the two directions in which they differ most (*principal
# components*) can be drawn. The three a's have the same input and different states: the state tells them apart.

# %%
letters, learned, _ = next_character.learn_word(WORD)
numbers = np.array([[letters.index(letter) for letter in WORD]])
states = next_character.spell(next_character.one_hot(numbers, len(letters)), learned)[0].h[0]  # (time, units)
centred = states - states.mean(axis=0)
plane = centred @ np.linalg.svd(centred)[2][:2].T  # (time, 2)

figure, axes = plt.subplots(figsize=(5, 4.4))
axes.plot(*plane.T, color="grey", linewidth=0.7)
for t, letter in enumerate(WORD):
    axes.plot(*plane[t], "o", markersize=16, color="C1" if letter == "a" else "C5")
    axes.annotate(letter, plane[t], ha="center", va="center")
axes.set(xlabel="first principal component", ylabel="second principal component", title="The state after each letter")
axes.margins(0.15)
plt.show()

a_states = states[[1, 3, 6]]
assert min(np.linalg.norm(a_states[i] - a_states[j]) for i, j in ((0, 1), (0, 2), (1, 2))) > 0.5

# %% [markdown]
# ## 5. One or many, in and out
#
# The same network solves tasks of several shapes. All that changes is at which steps there are inputs and targets:
#
# | shape | example | inputs | targets |
# | --- | --- | --- | --- |
# | one to many | a digit → its name | first step | every step |
# | many to one | bits → odd or even? | every step | last step |
# | many to many | bits → the bits before | every step | every step |
#
# The state before the first step can be zeros, or a parameter like any other: the way back ends in its derivative.
# Lesson 4 takes this further, lesson 9 deals with answers that come after the whole input.

# %%
shapes = {
    "one to many": (four_shapes.digit_names(), four_shapes.digit_names(), False),
    "many to one": (four_shapes.odd_number(1), four_shapes.odd_number(2), False),
    "many to many": (four_shapes.bits_before(1), four_shapes.bits_before(2), False),
    "many to many, first state learned": (four_shapes.bits_before(1), four_shapes.bits_before(2), True),
}
figure, axes = plt.subplots(figsize=(5, 4.2))
right = {}
for (name, (train, test, first_state)), style in zip(shapes.items(), ("-", "--", "-.", ":"), strict=True):
    learned, losses = four_shapes.learn_task(train, first_state)
    right[name] = four_shapes.share_right(test, learned)
    axes.semilogy(np.convolve(losses, np.ones(20) / 20, "valid"), style, label=f"{name}: {right[name]:.0%} right")
axes.set(xlabel="step of training", ylabel="nats for a target", title="Three shapes, one network")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18))
plt.show()
assert min(right.values()) > 0.9

# %% [markdown]
# ## 6. The same in Keras
#
# The layer is called `SimpleRNN`; a mask says which steps are real.

# %%
from common.inference.keras_start import start_keras

keras = start_keras()
params = rnn.init_params(num_inputs, num_units, np.random.default_rng(2))

layer = keras.layers.SimpleRNN(num_units, return_sequences=True)
layer.build(x.shape)
layer.set_weights([params["W_xh"], params["W_hh"], params["b_h"]])
in_keras = np.array(layer(x, mask=mask))

ours = through_time.forward(rnn, x, params, mask=mask).h
assert np.allclose(in_keras[mask], ours[mask], atol=1e-5)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: count the parameters
#
# How many parameters has an Elman network with an output layer, biases included? Does the length of the text matter?


# %% tags=["exercise"]
def count_parameters(num_inputs, num_units, num_outputs):
    raise NotImplementedError("Return the number of weights and biases.")


# %% tags=["check"]
with exercise(1):
    for sizes in ((3, 4, 2), (10, 100, 10)):
        made = rnn.init_params(*sizes[:2], np.random.default_rng(0))
        wanted = sum(value.size for value in made.values()) + sizes[1] * sizes[2] + sizes[2]
        got = count_parameters(*sizes)
        assert got == wanted, f"inputs, units, outputs {sizes}: got {got}, wanted {wanted}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 1</summary>
#
# ```python
# def count_parameters(num_inputs, num_units, num_outputs):
#     return (num_inputs + num_units + 1) * num_units + (num_units + 1) * num_outputs
# ```
#
# The length does not appear: the weights are shared over time.
#
# </details>

# %% [markdown]
# ### Exercise 2: one step back
#
# Given the derivative `dh` by the state after a step, return the derivatives by $W_{xh}$, by $x_t$, and by the state
# before. The network here has *no* tanh: $h_t = h_{t-1} W_{hh} + x_t W_{xh}$.


# %% tags=["exercise"]
def linear_step_back(dh, x_t, W_xh, W_hh):
    raise NotImplementedError("Return dW_xh, dx_t and the derivative by the state before.")


# %% tags=["check"]
with exercise(2):
    rng = np.random.default_rng(3)
    parts = {"W_xh": rng.normal(size=(3, 4)), "x_t": rng.normal(size=(2, 3)), "before": rng.normal(size=(2, 4))}
    W, dh = rng.normal(size=(4, 4)), rng.normal(size=(2, 4))
    derivatives = linear_step_back(dh, parts["x_t"], parts["W_xh"], W)
    errors = largest_errors(
        lambda: (dh * (parts["before"] @ W + parts["x_t"] @ parts["W_xh"])).sum(),
        parts,
        dict(zip(parts, derivatives, strict=True)),
    )
    for name, error in errors.items():
        assert error < 1e-7, f"the derivative by {name} is off by {error:.1%} of the largest"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 2</summary>
#
# ```python
# def linear_step_back(dh, x_t, W_xh, W_hh):
#     return x_t.T @ dh, dh @ W_xh.T, dh @ W_hh.T
# ```
#
# </details>

# %% [markdown]
# ### Exercise 3: a memory by hand
#
# One unit reads bits, 0 or 1. Choose $w$, $u$ and $b$ so that its state is above 0.5 if there has been *any* 1 so far,
# however long ago, and below -0.5 if not: $h_t = \tanh(w h_{t-1} + u x_t + b)$, $h_0 = 0$.


# %% tags=["exercise"]
def memory():
    raise NotImplementedError("Return the numbers w, u and b.")


# %% tags=["check"]
with exercise(3):
    w, u, b = memory()
    bits = np.random.default_rng(0).random((200, 50)) < 0.03
    state = np.zeros(200)
    for t in range(50):
        state = np.tanh(w * state + u * bits[:, t] + b)
        seen = bits[:, : t + 1].any(axis=1)
        assert (state[seen] > 0.5).all(), (
            f"step {t + 1}: the unit has forgotten a 1, its state is {state[seen].min():.2f}"
        )
        assert (state[~seen] < -0.5).all(), f"step {t + 1}: no 1 yet, but the state is {state[~seen].max():.2f}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 3</summary>
#
# A large $w$ makes the state stay where it is; the bias pulls it down at the start, and a 1 lifts it over:
#
# ```python
# def memory():
#     return 5.0, 12.0, -1.0
# ```
#
# With $w = 5$ and $b = -1$ there are two states that stay: near $1$, $\tanh(5 - 1) = 0.999$, and near $-1$. Lesson 8
# calls them point attractors.
#
# </details>

# %% [markdown] tags=["quiz"]
# ## Ten questions
#
# <details><summary>1. What does the state of a recurrent network hold?</summary>
#
# Whatever the network has kept of all inputs so far; its size does not depend on how many there were.
#
# </details>
# <details><summary>2. Which matrices has an Elman network, and which shapes?</summary>
#
# $W_{xh}$ (inputs, units), $W_{hh}$ (units, units), $W_{hy}$ (units, outputs).
#
# </details>
# <details><summary>3. Why can it read texts of any length?</summary>
#
# The same weights are used at every step.
#
# </details>
# <details><summary>4. From which two sides does the derivative by a state come?</summary>
#
# From the output that is read off it, and from the state after it.
#
# </details>
# <details><summary>5. Why is the derivative by the recurrent weights a sum over time?</summary>
#
# The same weights are used at every step, so a change acts at all of them and the effects add up.
#
# </details>
# <details><summary>6. Which state stands in the derivative by the recurrent weights at step t?</summary>
#
# The one before the step, $h_{t-1}$: it is what $W_{hh}$ was multiplied with.
#
# </details>
# <details><summary>7. What happens to the state at padding, and to the derivative?</summary>
#
# Both pass unchanged.
#
# </details>
# <details><summary>8. Without a state, what is the best loss on "namaskar"?</summary>
#
# $\frac38 \ln 3 = 0.41$ nats a letter: after a, at three of eight places, three letters are equally likely; elsewhere
# the next letter is certain.
#
# </details>
# <details><summary>9. Give an example each of one to many, many to one, many to many.</summary>
#
# A picture and its caption; a review and its rating; the words of a sentence and their parts of speech.
#
# </details>
# <details><summary>10. How many numbers must be kept for back-propagation through time?</summary>
#
# All states of all steps: memory grows with the length. Truncation (lesson 4) limits it.
#
# </details>
#
# **Next:** [lesson 4](04_unrolled.ipynb), feed-forward and recurrent are one.
