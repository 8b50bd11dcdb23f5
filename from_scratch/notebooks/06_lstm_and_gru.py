# %% [markdown]
# # Lesson 6: LSTM and GRU
#
# *One hour. You need lessons 3 and 5.*
#
# A *gate* is a layer of sigmoid units whose outputs, between 0 and 1, are multiplied with something: 0 shuts it out, 1
# lets it through. The LSTM has three gates around a *cell*, the GRU has two around its state. This lesson builds both,
# shows by measurement what each gate is for (by taking it away), and watches the gates of a trained network over a
# sentence.
#
# After this lesson you can write both cells, set their gates by hand, say what each gate is for, and read a picture of
# gates.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from from_scratch import adding_problem, agreement, gru, lstm, rnn, through_time
from from_scratch.lesson import COLORS, exercise, use_style
from from_scratch.mlp import glorot, sigmoid
from from_scratch.optimizers import Adam, clip_by_norm

use_style()

# %% [markdown]
# ## 1. The LSTM
#
# Four layers read the input and the state before, each with weights of its own. Three are gates, input, forget and
# output; the fourth is the *candidate* $g_t$:
#
# $$i_t, f_t, o_t = \sigma(x_t W_x + h_{t-1} W_h + b)$$
#
# $$g_t = \tanh(x_t W_x + h_{t-1} W_h + b)$$
#
# The *cell* $c_t$ is the memory. The *state* $h_t$ is what the rest of the network gets to see:
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t$$
#
# $$h_t = o_t \odot \tanh(c_t)$$
#
# - **The input gate** $i_t$ decides whether something is written into the cell.
# - **The forget gate** $f_t$ decides how much of the cell is kept.
# - **The output gate** $o_t$ decides whether the cell is shown.
# - The candidate $g_t$ is *what* would be written.
#
# In NumPy the four layers are one matrix product, cut into four:

# %%
num_cases, num_inputs, num_units = 3, 5, 4
rng = np.random.default_rng(0)
params = lstm.init_params(num_inputs, num_units, rng)  # W_xh (5, 16), W_hh (4, 16), b_h (16,)
x_t = rng.normal(size=(num_cases, num_inputs))
before = {"h": rng.normal(size=(num_cases, num_units)), "c": rng.normal(size=(num_cases, num_units))}

z = x_t @ params["W_xh"] + before["h"] @ params["W_hh"] + params["b_h"]  # (cases, 4 units)
z_i, z_f, z_g, z_o = np.split(z, 4, axis=1)  # each (cases, units), in Keras' order
i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
c_t = f * before["c"] + i * g
h_t = o * np.tanh(c_t)

after, kept = lstm.step(x_t, before, params)
assert np.allclose(h_t, after["h"])
assert np.allclose(c_t, after["c"])
assert z.shape == (3, 16)

# %% [markdown]
# The way back is four lines more (`lstm.step_back`). The one that matters is that from $c_t$ to $c_{t-1}$: a product
# with $f_t$ and nothing else (lesson 5).
#
# ## 2. One unit as a register
#
# What a gate is for is seen best where we set it ourselves. A *register* holds a number until another one is written,
# and shows it when asked. Three inputs: a value, a mark to *write* it, and a mark to *read*. One LSTM unit can do it. A
# bias of -10 shuts a gate, unless a mark of weight 20 opens it:
#
# | | value | write | read | bias | |
# | --- | ---: | ---: | ---: | ---: | --- |
# | input gate | 0 | 20 | 0 | -10 | opens at a write mark |
# | forget gate | 0 | -20 | 0 | 10 | keeps, but clears at a write mark |
# | candidate | 1 | 0 | 0 | 0 | the value |
# | output gate | 0 | 0 | 20 | -10 | opens at a read mark |

# %%
register = {
    "W_xh": np.array([[0.0, 0, 1, 0], [20, -20, 0, 0], [0, 0, 0, 20]]),  # (3 inputs, i f g o)
    "W_hh": np.zeros((1, 4)),
    "b_h": np.array([-10.0, 10, 0, -10]),
}


def register_task(num_cases, num_steps, rng):
    """Values at every step, marks at some; wanted: where there is a read mark the last value written, else 0."""
    x = np.zeros((num_cases, num_steps, 3))
    x[:, :, 0] = rng.uniform(-0.8, 0.8, (num_cases, num_steps))
    x[:, :, 1:] = rng.random((num_cases, num_steps, 2)) < 0.2
    target, held = np.zeros((num_cases, num_steps, 1)), np.zeros(num_cases)
    for t in range(num_steps):
        held = np.where(x[:, t, 1] == 1, x[:, t, 0], held)
        target[:, t, 0] = held * x[:, t, 2]
    return x, target


x, target = register_task(200, 30, np.random.default_rng(0))
walk = through_time.forward(lstm, x, register)
squeezed = np.tanh(np.tanh(target))  # the value passes through tanh twice: as candidate, and out of the cell
assert np.abs(walk.h - squeezed).max() < 0.01

# %% [markdown]
# The first thirty steps of one case. Read the four panels from top to bottom: values come in all the time; the input
# gate opens at the write marks; at the same steps the forget gate closes; the cell makes a step there and stays flat
# between; the state is zero but for the read marks.

# %%
case = 1
gates = {name: np.array([kept[name][case, 0] for kept in walk.kept]) for name in ("i", "f", "o", "tanh_c")}
steps = np.arange(1, 31)
figure, all_axes = plt.subplots(4, 1, figsize=(5, 7.6), sharex=True)
all_axes[0].plot(steps, x[case, :, 0], ".-", color="grey", linewidth=0.6)
for number, (name, marker) in enumerate((("write", "v"), ("read", "^")), 1):
    marked = x[case, :, number] == 1
    place = 1.1 if name == "write" else -1.1
    all_axes[0].plot(steps[marked], np.full(marked.sum(), place), marker, color=COLORS[number - 1], label=name)
all_axes[1].step(steps, gates["i"], where="mid", label="input gate $i_t$")
all_axes[1].step(steps, gates["f"], "--", where="mid", label="forget gate $f_t$")
all_axes[2].step(steps, gates["tanh_c"], where="mid", label=r"$\tanh(c_t)$")
all_axes[3].step(steps, gates["o"], ":", where="mid", color=COLORS[2], label="output gate $o_t$")
all_axes[3].step(steps, walk.h[case, :, 0], where="mid", label="state $h_t$")
for axes, label, limits in zip(all_axes, ("value", "gate", "cell", "gate, state"), (1.4, 1.4, 1, 1.4), strict=True):
    axes.set(ylabel=label, ylim=(-limits if label != "gate" else -0.1, limits))
    axes.legend(loc="upper right", ncols=2)
all_axes[0].set(title="One LSTM unit as a register", ylim=(-1.4, 2))
all_axes[3].set(xlabel="time step", ylim=(-1, 1.7))
plt.show()

# %% [markdown]
# ## 3. What each gate is for, by taking it away
#
# Hold one gate open (at 1) for good, and see what goes wrong in the register. The error is the mean squared error,
# separately where the value is read and where nothing is to be shown.


# %%
def hold_open(params, gate):
    """The parameters with a gate that is 1 whatever comes in; all arrays are copies."""
    num_units = len(params["W_hh"])
    columns = slice(lstm.GATES.index(gate) * num_units, (lstm.GATES.index(gate) + 1) * num_units)
    held = {name: value.copy() for name, value in params.items()}
    held["W_xh"][:, columns], held["W_hh"][:, columns], held["b_h"][columns] = 0, 0, 30
    return held


names = {"i": "input gate", "f": "forget gate", "o": "output gate"}
rows = {"all gates": register} | {f"without {names[gate]}": hold_open(register, gate) for gate in names}
found = {}
for name, changed in rows.items():
    errors = (through_time.forward(lstm, x, changed).h - squeezed) ** 2
    found[name] = {"where read": errors[target != 0].mean(), "where silent": errors[x[:, :, 2:] == 0].mean()}
table = pd.DataFrame(found).T
assert table.loc["all gates"].max() < 1e-4
assert table.loc["without input gate", "where read"] > 0.1
assert table.loc["without forget gate", "where read"] > 0.05
assert table.loc["without output gate", "where read"] < 1e-4  # what is read is right
assert table.loc["without output gate", "where silent"] > 0.05  # but it is shown all the time
table.round(4)

# %%
figure, axes = plt.subplots(figsize=(5, 3.6))
for (name, changed), style in zip(rows.items(), ("-", "--", "-.", ":"), strict=True):
    walk = through_time.forward(lstm, x[:1], changed)
    width, alpha = (5, 0.35) if name == "all gates" else (1.5, 1)
    cell = [kept["tanh_c"][0, 0] for kept in walk.kept]
    axes.plot(steps, cell, style, linewidth=width, alpha=alpha, label=name)
axes.set(xlabel="time step", ylabel=r"cell, $\tanh(c_t)$", title="The cell of the register")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
plt.show()

# %% [markdown]
# **What is each gate for?**
#
# - Without the **input gate** every value gets in, wanted or not: the memory is filled with noise. It protects the cell
#   from what is not worth keeping.
# - Without the **forget gate** the new value is added to the old one: nothing can be replaced, and the cell grows. It
#   makes room, and how far it is open says for how long something is kept.
# - Without the **output gate** the memory is right, but shown at every step, and everything that reads the state is
#   disturbed by it: the output, the next layer, and the other gates. It keeps a memory from acting before its time.
#
# ## 4. How much does a trained network need them?
#
# We set these gates. Does a network that *learns* the register need all three? Eight units, 600 batches, a gate held at
# 1 from the beginning to the end; the Elman network beside it. Three starts each:


# %%
def learn_register(cell, open_gate=None, seed=0, num_units=8, num_updates=600):
    """The mean squared error over new cases, as a share of what always answering 0 gives."""
    rng = np.random.default_rng(seed)
    params = cell.init_params(3, num_units, rng)
    params = hold_open(params, open_gate) if open_gate else params
    params |= {"W_hy": glorot(num_units, 1, rng), "b_y": np.zeros(1)}
    optimizer = Adam()
    for update in range(num_updates + 1):
        x, target = register_task(32 if update < num_updates else 1000, 20, rng)
        walk = through_time.forward(cell, x, params)
        difference = walk.h @ params["W_hy"] + params["b_y"] - target
        dy = difference / difference.size
        grads, _, _ = through_time.backward(cell, walk, x, params, dy @ params["W_hy"].T)
        grads |= {"W_hy": np.einsum("bti,btj->ij", walk.h, dy), "b_y": dy.sum(axis=(0, 1))}
        optimizer.learning_rate = 0.02 * (1 - update / (num_updates + 1))
        if update < num_updates:
            optimizer.update(params, clip_by_norm(grads, 1.0))
        params = {**params, **hold_open(params, open_gate)} if open_gate else params
    return (difference**2).mean() / (target**2).mean()


kinds = {"LSTM": (lstm, None), **{f"LSTM without {names[g]}": (lstm, g) for g in names}, "GRU": (gru, None)}
kinds["Elman"] = rnn, None
learned = {name: [learn_register(*kind, seed=seed) for seed in range(3)] for name, kind in kinds.items()}

figure, axes = plt.subplots(figsize=(5, 3.8))
for row, errors in enumerate(learned.values()):
    axes.plot(100 * np.array(errors), np.full(3, row), "o", alpha=0.7)
axes.set(yticks=range(len(learned)), yticklabels=list(learned), ylabel="network", ylim=(len(learned) - 0.5, -0.5))
axes.set(xlabel="error, percent of always answering 0", xlim=(0, 100), title="Learning the register, three starts each")
plt.show()
assert max(learned["LSTM"]) < 0.05
for gate in names.values():
    assert min(learned[f"LSTM without {gate}"]) > 2 * max(learned["LSTM"])
assert min(learned["Elman"]) > 0.4

# %% [markdown]
# Whichever gate is missing, the error is several times as large, although eight units could help each other out. The
# network without any gates learns little in this time: to write *at a mark* is to multiply, and an Elman unit can only
# add. (Other tasks may do without one or the other. Over three large tasks Greff et al. 2017 found the forget gate and
# the tanh at the output of the cell to matter most.)
#
# ## 5. A cell can count
#
# With all gates open and a saturated candidate, the cell adds 1 or -1 in each step, for ever and exactly. So one LSTM
# unit can check whether as many *b* come as *a*, $a^n b^n$, which no finite automaton can for all $n$ (Weiss, Goldberg
# and Yahav 2018).

# %%
counter = {
    "W_xh": np.array([[0.0, 0, 40, 0], [0, 0, -40, 0]]),
    "W_hh": np.zeros((1, 4)),
    "b_h": np.array([40.0, 40, 0, 40]),
}
letters = np.eye(2)[[0] * 50 + [1] * 50]  # a 50 times, b 50 times
walk = through_time.forward(lstm, letters[None], counter)
count = np.array([0.0] + [state["c"].item() for state in walk.before[1:]] + [walk.last["c"].item()])

assert count.max() == 50
assert count[-1] == 0

gru_params = gru.init_params(2, 20, np.random.default_rng(0))
states = through_time.forward(gru, letters[None], {name: 5 * value for name, value in gru_params.items()}).h
assert np.abs(states).max() <= 1  # whatever the weights

figure, axes = plt.subplots(figsize=(5, 3))
axes.plot(count, label="cell of one LSTM unit")
axes.plot(np.arange(1, 101), states[0, :, 0], "--", label="state of a GRU unit")
axes.set(xlabel="letters read: 50 a, then 50 b", ylabel="number held", title="Counting")
axes.legend()
plt.show()

# %% [markdown]
# ## 6. The GRU
#
# The *gated recurrent unit* (Cho et al. 2014) has no cell and two gates. The *update gate* $z_t$ mixes the old state
# with a new one; the *reset gate* $r_t$ decides how much of the old state the new one sees:
#
# $$z_t, r_t = \sigma(x_t W_x + h_{t-1} W_h + b)$$
#
# $$n_t = \tanh\!\big(x_t W_{xn} + b_{xn} + r_t \odot (h_{t-1} W_{hn} + b_{hn})\big)$$
#
# $$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot n_t$$

# %%
params = gru.init_params(num_inputs, num_units, rng)
from_x = np.split(x_t @ params["W_xh"] + params["b_x"], 3, axis=1)  # each (cases, units), in the order z r n
from_h = np.split(before["h"] @ params["W_hh"] + params["b_h"], 3, axis=1)
z, r = sigmoid(from_x[0] + from_h[0]), sigmoid(from_x[1] + from_h[1])
n = np.tanh(from_x[2] + r * from_h[2])
h_t = z * before["h"] + (1 - z) * n

assert np.allclose(h_t, gru.step(x_t, before, params)[0]["h"])

# %% [markdown]
# **What is each gate of the GRU for?**
#
# - **The update gate** is input and forget gate in one: what is let in is taken from what is kept, $1 - z$ and $z$. So
#   the state is an average of numbers between -1 and 1 and stays there: a GRU cannot count without bound.
# - **The reset gate** lets a unit begin anew: with $r_t = 0$ the new state comes from the input alone.
# - There is no output gate: the state is always shown.
#
# The reset gate in one unit: it adds up small numbers, $n_t = \tanh(x_t + r_t h_{t-1})$ with $z_t = 0$, and begins anew
# at a mark.

# %%
adder = {
    "W_xh": np.array([[0.0, 0, 1], [0, -60, 0]]),  # number and mark; z r n
    "W_hh": np.array([[0.0, 0, 1]]),
    "b_x": np.array([-30.0, 30, 0]),
    "b_h": np.zeros(3),
}
numbers, marks = np.full(40, 0.005), np.isin(np.arange(40), (14, 30))
inputs = np.stack([numbers, marks], axis=1)[None]
always_open = {**adder, "W_xh": adder["W_xh"] * np.array([1, 0, 1])}
wanted = 0.005 * (np.arange(40) - np.maximum.accumulate(np.where(marks, np.arange(40), 0)) + 1)
with_reset, without = (through_time.forward(gru, inputs, p).h[0, :, 0] for p in (adder, always_open))
assert np.abs(with_reset - wanted).max() < 0.002

figure, axes = plt.subplots(figsize=(5, 3))
axes.plot(np.arange(1, 41), with_reset, label="reset gate closes at the marks")
axes.plot(np.arange(1, 41), without, "--", label="reset gate always open")
axes.set(xlabel="time step (marks at 15 and 31)", ylabel="state $h_t$", title="Sum since the last mark")
axes.legend()
plt.show()

# %% [markdown]
# ## 7. Gates over a sentence
#
# Sentences of a small grammar: "the dogs that the cat near the boats sees run." A verb agrees in number with a noun
# that may stand many words before, with other nouns and a whole inner sentence between them. The network learns to
# predict the next word; nobody tells it about subjects or numbers. A verb is right if its form with the right number
# gets the higher probability.

# %%
cells = {"Elman": rnn, "LSTM": lstm, "GRU": gru}
grammar = {name: agreement.learn_grammar(cell, num_updates=1000) for name, cell in cells.items()}
right = {name: agreement.verbs_right(cells[name], params) for name, (params, _) in grammar.items()}
assert min(right["LSTM"].values()) > 0.98
assert min(right["GRU"].values()) > 0.98
table = pd.DataFrame(right).T.map("{:.1%}".format)
table.columns = ["none between", "one verb between", "two between"]
table

# %% [markdown]
# The plain network gets these sentences right, too: ten words are not far enough to need gates. (Over the hundreds of
# steps of lesson 5 it is lost.) But in an LSTM one can *see* how it is done.
#
# Where does the LSTM keep the number of "dogs"? Read the sentence again with "dog", and look for the unit of the cell
# that differs all the way from the noun to its verb; then the same with "cat" and "cats". (`agreement.keeper`)

# %%
words, params = agreement.SENTENCE.split(), grammar["LSTM"][0]
(outer, outer_difference), (inner, inner_difference) = agreement.keeper(params, 1, 9), agreement.keeper(params, 4, 8)
assert outer != inner  # two numbers are kept in two places

figure, axes = plt.subplots(figsize=(5, 4.4))
for unit, difference, style, name in (
    (outer, outer_difference, "o-", "dogs / dog"),
    (inner, inner_difference, "s--", "cats / cat"),
):
    axes.plot(difference, range(len(words)), style, label=f"{name}: unit {unit}")
axes.axvline(0, color="grey", linewidth=0.8)
axes.set(yticks=range(len(words)), yticklabels=words, ylabel="after the word", ylim=(len(words) - 0.5, -0.5))
axes.set(xlabel=r"difference of $\tanh(c_t)$, plural less singular", title="Where the numbers are kept")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
plt.show()

# %% [markdown]
# And what do the gates do? First the unit that keeps the number of "dogs", then all units.

# %%
walk, _ = agreement.read(lstm, words, params)
gates = {name: np.array([kept[name][0] for kept in walk.kept]) for name in ("f", "o", "tanh_c")}  # (words, units)
gates["written"] = np.array([kept["i"][0] * kept["g"][0] for kept in walk.kept])
figure, axes = plt.subplots(figsize=(5, 4.6))
lines = {"f": "forget gate", "o": "output gate", "written": "written, $i_t g_t$"}
for (name, label), style in zip(lines.items(), ("o-", "^--", "s:"), strict=True):
    axes.plot(gates[name][:, outer], range(len(words)), style, label=label)
axes.set(yticks=range(len(words)), yticklabels=words, ylabel="at the word", ylim=(len(words) - 0.5, -0.5))
axes.set(xlabel="gate, or number written", xlim=(-1.05, 1.05), title=f"Unit {outer}: the number of the first noun")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3)
plt.show()
assert gates["f"][2:10, outer].min() > 0.9  # open from behind the noun to its verb

# %% [markdown]
# From the word after the noun to its verb the forget gate of this unit is open, and at the noun itself it is half shut:
# it makes room. The network does not keep the cell flat, as we did by hand. At every word something is added; but the
# open gate keeps the sum, and what "dogs" has added is still in it when the verb comes. That is why the *difference* in
# the picture above stays, while the cell itself moves. All units, at all words:

# %%
figure, all_axes = plt.subplots(2, 1, figsize=(5, 7), sharex=True)
for axes, (name, title, low) in zip(all_axes, (("f", "forget gate", 0), ("tanh_c", "cell, tanh", -1)), strict=True):
    picture = axes.imshow(gates[name], aspect="auto", cmap="PuOr" if low else "cividis", vmin=low, vmax=1)
    axes.set(yticks=range(len(words)), yticklabels=words, ylabel="at the word", title=title)
    axes.grid(visible=False)
    figure.colorbar(picture, ax=axes, label=title)
all_axes[1].set(xlabel="unit")
plt.show()

# %% [markdown]
# Is it this unit that decides the verb, or does it only go along? Change *one* number: read "the dogs that", set the
# cell of one unit to what it is after "the dog that", read on, and see whether "runs" is now preferred to "run". Each
# of the 24 units in turn:


# %%
def margin_after_change(unit):
    """The log-odds of "run" against "runs", if the cell of a unit is that of the singular after the third word."""
    plural, singular = (agreement.read(lstm, ["the", noun, "that"], params)[0].last for noun in ("dogs", "dog"))
    state = {name: value.copy() for name, value in plural.items()}
    if unit is not None:
        state["c"][0, unit], state["h"][0, unit] = singular["c"][0, unit], singular["h"][0, unit]
    x = np.eye(len(agreement.WORDS))[[[agreement.WORDS.index(word) for word in words[3:9]]]]
    logits = through_time.forward(lstm, x, params, state).h[0, -1] @ params["W_hy"] + params["b_y"]
    return logits[agreement.WORDS.index("run")] - logits[agreement.WORDS.index("runs")]


unchanged, changed = margin_after_change(None), np.array([margin_after_change(unit) for unit in range(24)])
assert unchanged > 0
figure, axes = plt.subplots(figsize=(5, 3.4))
axes.bar(range(24), changed, color=[COLORS[1] if unit == outer else COLORS[0] for unit in range(24)])
axes.axhline(unchanged, color="grey", linestyle="--", linewidth=0.8)
axes.axhline(0, color="black", linewidth=0.8)
axes.set(xlabel=f"unit that was changed (orange: unit {outer})", ylabel='log-odds of "run" against "runs"')
axes.set_title("One number of the cell is changed (dashed: none)")
plt.show()
assert changed[outer] < 0 < changed[np.arange(24) != outer].min()

# %% [markdown]
# One number out of twenty-four decides, and no other can turn the verb. The forget gate does what it did in section 2:
# it keeps what was written until it is needed.
#
# ## 8. Gates over the adding problem
#
# In the adding problem (lesson 5) a number comes in at every step, two of them are marked, and their sum is wanted at
# the end. When does a trained network write into its cells? Thirty steps:

# %%
params, errors = adding_problem.learn_to_add(lstm, 30, max_updates=1500, learning_rate=0.01)
assert adding_problem.error_over_new(lstm, params, 30) < 0.002
x, _ = adding_problem.sequences(500, 30, np.random.default_rng(5))
walk = through_time.forward(lstm, x, params)
kept = {name: np.stack([step[name] for step in walk.kept], axis=1) for name in lstm.GATES}  # each (cases, time, units)
written, marked = np.abs(kept["i"] * kept["g"]), x[:, :, 1] == 1

figure, axes = plt.subplots(figsize=(5, 4.4))
axes.plot([0, 0.04], [0, 0.04], color="grey", linewidth=0.8, label="the same")
axes.plot(written[~marked].mean(axis=0), written[marked].mean(axis=0), "o", alpha=0.7, label="one of 32 units")
axes.set(xlabel="written at steps without a mark, mean of $|i_t g_t|$", ylabel="written at marked steps")
axes.set(title="Adding: when the cells are written", xlim=(-0.002, 0.04), ylim=(-0.01, 0.25))
axes.legend(loc="upper right")
plt.show()
assert written[marked].mean() > 4 * written[~marked].mean()
assert kept["f"].mean() > 0.85
where = {"marked": marked, "not marked": ~marked}
pd.DataFrame(
    {
        "input gate": {name: kept["i"][steps].mean() for name, steps in where.items()},
        "written": {name: written[steps].mean() for name, steps in where.items()},
        "forget gate": {name: kept["f"][steps].mean() for name, steps in where.items()},
    }
).round(3)

# %% [markdown]
# At a mark the network writes about five times as much as elsewhere: the input gate opens wider, and the candidate is
# farther from zero, so gate and candidate share the work. The forget gates stay nearly open all the time, since both
# numbers must be kept to the end. Over 100, 200 and 400 steps the same network has errors of 0.0006, 0.0003 and 0.0005,
# while the Elman network is no better than always answering 1: the table stands in
# [lesson 5](05_gradients.ipynb), and `python -m from_scratch.adding_problem` makes it.
#
# ## 9. The same in Keras
#
# Keras has the gates in the same order (it calls the candidate's columns those of the cell), so the weights can be set
# as they are. Keras' GRU has both biases in one array.

# %%
from common.inference.keras_start import start_keras

keras = start_keras()

rng = np.random.default_rng(0)
x, both = rng.normal(size=(3, 20, 5)), {"lstm": lstm.init_params(5, 4, rng), "gru": gru.init_params(5, 4, rng)}
for name, layer in (("lstm", keras.layers.LSTM(4)), ("gru", keras.layers.GRU(4))):
    layer.build(x.shape)
    biases = [np.stack([both[name][b] for b in ("b_x", "b_h")])] if name == "gru" else [both[name]["b_h"]]
    layer.set_weights([both[name]["W_xh"], both[name]["W_hh"], *biases])
    ours = through_time.forward({"lstm": lstm, "gru": gru}[name], x, both[name]).last["h"]
    assert np.allclose(layer(x), ours, atol=1e-5)

# %% [markdown]
# How large are they? An LSTM layer has four times the weights of an Elman layer, a GRU three times (and one bias more
# for each gate in Keras' form):

# %%
sizes = {name: sum(v.size for v in cell.init_params(5, 4, rng).values()) for name, cell in cells.items()}
assert sizes == {"Elman": 4 * (5 + 4 + 1), "LSTM": 4 * 4 * (5 + 4 + 1), "GRU": 3 * 4 * (5 + 4 + 2)}
sizes

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: a stopwatch
#
# Set one LSTM unit: the cell counts the steps since the last mark, and is 0 at the mark itself. The only input is the
# mark (0 or 1). Order of the gates: `i f g o`. The output gate does not matter.


# %% tags=["exercise"]
def stopwatch():
    raise NotImplementedError("Return W_xh (1, 4), W_hh (1, 4) and b_h (4,) in a dict.")


# %% tags=["check"]
with exercise(1):
    marks = np.isin(np.arange(40), (0, 7, 25))
    found = through_time.forward(lstm, marks[None, :, None] * 1.0, stopwatch())
    count = np.array([state["c"].item() for state in found.before[1:]] + [found.last["c"].item()])
    wanted = np.arange(40) - np.maximum.accumulate(np.where(marks, np.arange(40), 0))
    worst = np.abs(count - wanted).argmax()
    assert np.abs(count - wanted).max() < 0.01, f"step {worst}: {count[worst]:.2f}, wanted {wanted[worst]}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 1</summary>
#
# The candidate is always 1; at a mark both input and forget gate are shut.
#
# ```python
# def stopwatch():
#     return {
#         "W_xh": np.array([[-40.0, -40.0, 0.0, 0.0]]),
#         "W_hh": np.zeros((1, 4)),
#         "b_h": np.array([20.0, 20.0, 20.0, 0.0]),
#     }
# ```
#
# </details>

# %% [markdown]
# ### Exercise 2: a register in a GRU
#
# Set one GRU unit so that it holds the last value written. Inputs are value and write mark; the state shall be
# $\tanh$ of the value that came with the last mark. Order: `z r n`.


# %% tags=["exercise"]
def gru_register():
    raise NotImplementedError("Return W_xh (2, 3), W_hh (1, 3), b_x (3,) and b_h (3,) in a dict.")


# %% tags=["check"]
with exercise(2):
    x, _ = register_task(50, 30, np.random.default_rng(3))
    x[:, 0, 1] = 1  # a value is written at the first step
    held = x[:, 0, 0]
    states = through_time.forward(gru, x[:, :, :2], gru_register()).h[:, :, 0]
    for t in range(30):
        held = np.where(x[:, t, 1] == 1, x[:, t, 0], held)
        off = np.abs(states[:, t] - np.tanh(held)).max()
        assert off < 0.02, f"step {t}: off by {off:.3f}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 2</summary>
#
# The update gate keeps, unless there is a mark:
#
# ```python
# def gru_register():
#     return {
#         "W_xh": np.array([[0.0, 0.0, 1.0], [-20.0, 0.0, 0.0]]),
#         "W_hh": np.zeros((1, 3)),
#         "b_x": np.array([10.0, 0.0, 0.0]),
#         "b_h": np.zeros(3),
#     }
# ```
#
# One number does what input and forget gate do together in the LSTM.
#
# </details>

# %% [markdown]
# ### Exercise 3: the derivative by the forget gate
#
# Write the derivative of the loss by the sums $z_f$ that go into the forget gate, from the derivative by the cell,
# $\mathrm{d}c_t$.


# %% tags=["exercise"]
def dz_forget(dc_t, c_before, f):
    raise NotImplementedError("Return the derivative by z_f, all arrays (cases, units).")


# %% tags=["check"]
with exercise(3):
    rng = np.random.default_rng(0)
    dc, c, z_f = rng.normal(size=(3, 2, 4))
    found, step = dz_forget(dc, c, sigmoid(z_f)), 1e-5
    numeric = (dc * sigmoid(z_f + step) * c - dc * sigmoid(z_f - step) * c) / (2 * step)
    assert np.shape(found) == (2, 4), f"shape {np.shape(found)}, wanted (2, 4)"
    assert np.allclose(found, numeric, atol=1e-8), f"off by up to {np.abs(found - numeric).max():.4f}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 3</summary>
#
# Through the product with $c_{t-1}$, and through the slope of the sigmoid:
#
# ```python
# def dz_forget(dc_t, c_before, f):
#     return dc_t * c_before * f * (1 - f)
# ```
#
# A gate that is wide open or shut, $f (1 - f) \approx 0$, hardly learns: a bias of 5 is a strong opinion.
#
# </details>

# %% [markdown] tags=["quiz"]
# ## Ten questions
#
# <details><summary>1. What is a gate?</summary>
#
# A layer of sigmoid units whose outputs are multiplied with something else: 0 shuts it out, 1 lets it through.
#
# </details>
# <details><summary>2. What is the input gate for?</summary>
#
# It decides whether the candidate is written into the cell, and so protects the memory from what is not worth keeping.
#
# </details>
# <details><summary>3. What is the forget gate for?</summary>
#
# It decides how much of the cell is kept: it makes room for something new, and open it carries cell and gradient over
# many steps.
#
# </details>
# <details><summary>4. What is the output gate for?</summary>
#
# It decides whether the cell is shown in the state, so that a memory does not disturb others before its time.
#
# </details>
# <details><summary>5. What does the candidate do that the input gate does not?</summary>
#
# It is *what* is written, between -1 and 1; the gate is *whether*.
#
# </details>
# <details><summary>6. What is the update gate of a GRU for?</summary>
#
# It mixes old state and new: keeping and writing are one decision.
#
# </details>
# <details><summary>7. And the reset gate?</summary>
#
# It decides how much of the old state the new one sees; closed, the unit begins anew.
#
# </details>
# <details><summary>8. Why can an LSTM count and a GRU not?</summary>
#
# The cell is a sum that may grow; the state of a GRU is an average of numbers between -1 and 1.
#
# </details>
# <details><summary>9. Why could the Elman network not learn the register?</summary>
#
# To write at a mark one must multiply value and mark. An Elman unit adds them, and its state is overwritten in every
# step.
#
# </details>
# <details><summary>10. How do we know that a unit keeps the number of a noun?</summary>
#
# Its cell differs between singular and plural from the noun to the verb; and exchanging that one number, and no other,
# turns the verb.
#
# </details>
#
# **Next:** [lesson 7](07_binary_addition.ipynb), what a network of three units learns.
