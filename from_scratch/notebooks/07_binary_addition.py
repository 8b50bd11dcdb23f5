# %% [markdown]
# # Lesson 7: binary addition
#
# *One hour. You need lessons 1, 3 and 4.*
#
# Two binary numbers are added column by column, with a carry. A recurrent network with three hidden units can do it
# for numbers of any length. Here you first write its weights down by hand and see why three units suffice; then you
# let it learn from sums of eight bits, and find in the trained network the same machine: a *finite automaton*. A
# feed-forward network learns the same sums beside it, and learns something else.
#
# After this lesson you can say why three units suffice, and why two of the same kind do not; you can read the states of
# a small trained network; and you know what a recurrent network learns that a feed-forward one cannot.

# %%
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from from_scratch import binary_addition, rnn, through_time
from from_scratch.binary_addition import add, automaton, learn_feed_forward, learn_to_add, sums, wrong_bits
from from_scratch.lesson import COLORS, exercise, use_style

use_style()

# %% [markdown]
# ## 1. One column at a time
#
# In column $t$, counted from the right, stand the bits $a_t$ and $b_t$; the column before hands on a carry $k_{t-1}$.
# Count how many of the three are one:
#
# $$n_t = a_t + b_t + k_{t-1}$$
#
# The bit of the sum is one if $n_t$ is odd, and there is a carry if $n_t$ is at least two:
#
# $$s_t = n_t \bmod 2, \qquad k_t = [\,n_t \ge 2\,]$$
#
# ($[\dots]$ is 1 if the condition is true, else 0.) So all that a network must remember of the columns before is *one
# bit*, the carry. Nobody tells it the carry: it sees $a_t$ and $b_t$ and is told $s_t$.

# %%
x, total = sums(1, 6, np.random.default_rng(3))  # (cases, columns, 2), (cases, columns); column 0 is the rightmost
carry, counts = 0, []
for a, b in x[0]:
    counts.append(int(a + b + carry))
    carry = counts[-1] >= 2

assert [n % 2 for n in counts] == total[0].tolist()
place = 2 ** np.arange(7)
assert x[0, :, 0] @ place + x[0, :, 1] @ place == total[0] @ place  # it is the sum indeed
rows = {"first": x[0, :, 0], "second": x[0, :, 1], "count n": counts, "sum": total[0]}
pd.DataFrame(rows).astype(int).T.iloc[:, ::-1].rename_axis("column", axis=1)

# %% [markdown]
# ## 2. Three units by hand
#
# A unit with a large weight is nearly a *threshold unit*: $\tanh$ of a large number is 1 or -1. Let three units see
# the same count $n_t$ and differ in the bias alone. They answer three questions: is *at least one* of the two bits and
# the carry set, are *at least two*, are *all three*?
#
# $$h_{t,j} = \tanh\!\big(\beta\,(n_t - \theta_j)\big), \qquad j = 1, 2, 3$$
#
# Each threshold $\theta_j$ lies between $j - 1$ and $j$. Where does a unit get the carry from? From the second unit one
# step before, since "at least two" *is* the carry: $k_{t-1} = (h_{t-1,2} + 1) / 2$. And the sum is odd if there is at
# least one, but not two, or else all three:
#
# $$\text{logit of } s_t = h_{t,1} - h_{t,2} + h_{t,3}$$
#
# Before the first column all states are 0, and 0 is read as half a carry. The thresholds are put at $j - 0.25$, so that
# a half changes nothing.

# %%
beta, thetas = 20.0, np.array([0.75, 1.75, 2.75])
carry_weight = np.array([0.0, 0.5, 0.0])  # the carry is (h_2 + 1) / 2, or half of h_2, and 1/2 in the bias
by_hand = {
    "W_xh": beta * np.ones((2, 3)),  # both bits count the same for all three units
    "W_hh": beta * np.outer(carry_weight, np.ones(3)),  # all three get the carry, from unit 2
    "b_h": beta * (0.5 - thetas),
    "W_hy": np.array([[1.0], [-1.0], [1.0]]),
    "b_y": np.zeros(1),
}
assert wrong_bits(by_hand, 10_000, 64) == 0  # 650,000 bits
assert wrong_bits(by_hand, 20, 5_000) == 0

# %% [markdown]
# **Why do three units suffice to add binary numbers of any length?** Because a column asks for one number only, the
# count $n_t$ from 0 to 3, and three thresholds tell four values apart. The second of them is the carry, so it is at the
# same time the memory. How long the numbers are does not matter: the network goes through the same four situations
# again and again.
#
# The picture shows the three units over the count, and the output, which goes up and down: no single unit can do that.

# %%
n_line = np.linspace(-0.4, 3.4, 400)
units = np.tanh(beta * (n_line[:, None] - thetas))  # (counts, 3)
figure, (top, bottom) = plt.subplots(2, 1, figsize=(5, 5), sharex=True)
names = ("at least one", "at least two: carry", "all three")
for unit, name, style in zip(units.T, names, ("-", "--", ":"), strict=True):
    top.plot(n_line, unit, style, label=name)
bottom.plot(n_line, units @ by_hand["W_hy"][:, 0], color="black")
bottom.plot(range(4), [-1, 1, -1, 1], "o", color=COLORS[1], markersize=9)
bottom.axhline(0, color="grey", linewidth=0.8)
top.set(ylabel="state of the unit", title="Three thresholds")
bottom.set(xlabel="count $n$ = two bits and the carry", ylabel="logit of the sum's bit", xticks=range(4))
bottom.legend(*top.get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=3)
plt.show()
assert np.array_equal(np.tanh(beta * (np.arange(4)[:, None] - thetas)) @ by_hand["W_hy"][:, 0] > 0, [0, 1, 0, 1])

# %% [markdown]
# ## 3. Would two units do?
#
# Not if they are threshold units. There is no need to believe it: of two bits and two states of 0 or 1 there are only
# 1,882 different threshold functions, so there are $1882^2$ networks with two units, times 14 ways to read the sum off
# two units, times 4 first states. We try them all. In the first column the sum must be "exclusive or" of the bits;
# after $1 + 1$ there is a carry, and it must be the opposite; and the state with a carry must differ from the states
# without. (Another first state would not help: after a column of zeros the state is one of these four.)


# %%
def threshold_functions(num_inputs, largest_weight):
    """All functions [w · x > θ] of bits, as rows of their values for all inputs (functions, 2 ** inputs)."""
    inputs = np.array(list(product((0, 1), repeat=num_inputs)))
    weights = np.array(list(product(range(-largest_weight, largest_weight + 1), repeat=num_inputs)))
    thetas = np.arange(-num_inputs * largest_weight, num_inputs * largest_weight + 2) - 0.5
    values = (weights @ inputs.T)[:, None, :] > thetas[None, :, None]
    return np.unique(values.reshape(-1, len(inputs)), axis=0)


units = threshold_functions(4, 3).reshape(-1, 2, 2, 2, 2)  # of the bits a and b, and the states of the two units
readouts = threshold_functions(2, 1).reshape(-1, 2, 2)
assert len(units) == 1882  # a number known from theory: https://oeis.org/A000609
assert len(readouts) == 14
exclusive_or = np.array([[False, True], [True, False]])


def networks_that_add(readout, first_state):
    """How many pairs of units add the first two columns right, among those that get the first column right."""
    first = units[:, :, :, *first_state].astype(int)  # (functions, 2, 2): the first column alone
    codes = first.reshape(-1, 4) @ [8, 4, 2, 1]
    tried, right = 0, 0
    for one, two in product(np.unique(codes), repeat=2):
        ones, twos = np.flatnonzero(codes == one), np.flatnonzero(codes == two)
        after = np.stack([first[ones[0]], first[twos[0]]], axis=-1)  # (2, 2, 2): the state after the first column
        if (readout[after[..., 0], after[..., 1]] != exclusive_or).any():
            continue
        tried += len(ones) * len(twos)
        with_carry, without = after[1, 1], after[[0, 0, 1], [0, 1, 0]]
        if (without == with_carry).all(axis=1).any():
            continue
        next_one, next_two = (units[which][:, :, :, *with_carry].astype(int) for which in (ones, twos))
        sum_bit = readout[next_one[:, None], next_two[None]]  # (ones, twos, 2, 2)
        right += (sum_bit == ~exclusive_or).all(axis=(2, 3)).sum()
    return tried, right


counted = np.array([networks_that_add(*case) for case in product(readouts, product((0, 1), repeat=2))]).sum(axis=0)
assert counted[0] > 500_000  # so many get the first column right
assert counted[1] == 0  # and none of them the second
print(f"{len(units) ** 2 * 14 * 4:,} networks of two threshold units; {counted[0]:,} add one column, {counted[1]} two")

# %% [markdown]
# And one unit could only rise or fall with $n$, while the sum goes up and down. So three is the smallest number of
# threshold units. (A unit that is *not* saturated holds more than a bit; exercise 1 adds with two.)
#
# ## 4. What training finds
#
# Now the network learns from pairs of numbers of one to eight bits, from random weights, with back-propagation through
# time (lesson 3). Twenty starts with three units, and twenty with more:

# %%
runs = {num_units: [learn_to_add(seed, num_units) for seed in range(20)] for num_units in (2, 3, 4, 8)}
solved = {num: [wrong_bits(params, 100, 64) == 0 for params, _ in found] for num, found in runs.items()}
assert sum(solved[2]) == 0
assert sum(solved[3]) >= 3
assert sum(solved[8]) > sum(solved[4]) > sum(solved[3])
pd.DataFrame({"of 20 starts add 64 bits without a mistake": {f"{num} units": sum(s) for num, s in solved.items()}})

# %% [markdown]
# Three units are enough to *do* it, and too few to *find* it surely: from most starts the descent gets stuck. With four
# or eight units there are more ways down. Where do the others get stuck? Sort the columns by their count $n$:

# %%
x, total = sums(500, 16, np.random.default_rng(5))
n, carry = np.zeros(total.shape, int), np.zeros(len(x))
for t in range(x.shape[1]):
    n[:, t] = x[:, t].sum(axis=1) + carry
    carry = n[:, t] >= 2
wrong = [[((add(x, params)[1] > 0) != (total > 0.5))[n == k].mean() for k in range(4)] for params, _ in runs[3]]

figure, axes = plt.subplots(figsize=(5, 5))
picture = axes.imshow(100 * np.array(wrong), vmin=0, vmax=100, aspect="auto")
figure.colorbar(picture, label="wrong bits, percent")
axes.set(xticks=range(4), xlabel="count $n$ of the column", yticks=range(0, 20, 2), ylabel="start")
axes.set_title("Three units: where each start fails")
axes.grid(visible=False)
plt.show()
only_three = [row[3] > 0.99 and max(row[:3]) < 0.05 for row in wrong]
mostly_two = [row[2] > 0.25 and max(row[0], row[1]) < 0.05 for row in wrong]
assert sum(only_three) >= 5
print(f"{sum(only_three)} of 20 starts fail at n = 3 alone, and always; {sum(mostly_two)} at a part of n = 2")

# %% [markdown]
# The failures are of two kinds, and each has learned most of the task. One answers every column with $n = 3$ wrong and
# no other: it has learned "is it exactly one?", which is right for three of the four counts. The other confuses some of
# the columns with $n = 2$. Both stay there: the descent is stuck.
#
# Now look at a start that succeeded. A column is in one of eight situations: two bits and a carry. The state of each
# unit in each of them, by hand and learned:

# %%
best = solved[3].index(True)
params, losses = runs[3][best]
assert wrong_bits(params, 10_000, 64) == 0
carry_in = np.zeros(n.shape, int)
carry_in[:, 1:] = n[:, :-1] >= 2
situations = list(product((0, 1), repeat=3))


def state_in_situations(weights):
    """The mean state of each unit in each situation (situations, units), over all columns but the first."""
    h = add(x, weights)[0].h[:, 1:]
    column = np.concatenate([x, carry_in[:, :, None]], axis=-1)[:, 1:]  # (cases, columns, 3)
    return np.array([h[(column == situation).all(axis=-1)].mean(axis=0) for situation in situations])


figure, all_axes = plt.subplots(1, 2, figsize=(5, 4.6), sharey=True)
for axes, (title, weights) in zip(all_axes, {"by hand": by_hand, "learned": params}.items(), strict=True):
    means = state_in_situations(weights)
    picture = axes.imshow(means, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
    for (row, unit), value in np.ndenumerate(means):
        axes.annotate(f"{value:.1f}", (unit, row), ha="center", va="center", color="w" if abs(value) > 0.6 else "k")
    axes.set(xticks=range(3), xlabel="hidden unit", title=title)
    axes.set_xticklabels([1, 2, 3])
    axes.grid(visible=False)
labels = [f"{a} {b}  {k}" for a, b, k in situations]
all_axes[0].set(yticks=range(8), yticklabels=labels, ylabel="two bits, and the carry that comes in")
figure.colorbar(picture, ax=all_axes, label="mean state", location="bottom", shrink=0.8)
plt.show()

# %% [markdown]
# The network has found *another* solution than ours. One of its units, whose weights from both bits are alike, counts,
# and it tells whether there is a carry. The other two have weights of *opposite* signs: they compare the bits. For $(0,
# 1)$ and $(1, 0)$ they take opposite sides, for equal bits the same side. "Exactly one" is what we computed as "at
# least one, but not two"; here it is "the first alone, or the second alone". All starts that succeeded found this:

# %%
for (weights, _), right in zip(runs[3], solved[3], strict=True):
    if right:
        same_sign = weights["W_xh"].prod(axis=0) > 0
        assert same_sign.sum() == 1  # one unit counts, two compare
        [counter] = np.flatnonzero(same_sign)
        means = state_in_situations(weights)[:, counter]
        carry_out = np.array([sum(situation) >= 2 for situation in situations])
        assert len(set(np.sign(means[carry_out]))) == len(set(np.sign(means[~carry_out]))) == 1  # it tells the carry
        assert np.sign(means[0]) != np.sign(means[-1])
        print(f"unit {counter + 1} counts, its weights from the bits are {weights['W_xh'][:, counter].round(1)}")

# %% [markdown]
# A construction by hand shows that something *can* be computed. What a network *does* compute must be looked up.
#
# ## 5. The automaton
#
# A *finite automaton* has a few states; the next state depends on the present one and on what is read, and on nothing
# else. Is the trained network one? Name each hidden state by what it means, carry or not and which bit is printed, and
# see whether state and bits decide the next state, every time:

# %%
follows, states, names = automaton(params)
assert len({state for state, _ in follows}) == 4
assert all(len(after) == 1 for after in follows.values())  # what follows is certain, each of 3,200 times
table = {}
for (state, bits), after in sorted(follows.items()):
    table.setdefault(state, {})[f"read {bits[0]} and {bits[1]}"] = next(iter(after))
pd.DataFrame(table).T

# %% [markdown]
# Drawn as a machine: a circle is a state, an arrow says which bits lead where (01 stands for 01 and 10). The two states
# on the left have no carry, those on the right have one.

# %%
places = {"no carry, print 0": (0, 1), "no carry, print 1": (0, 0), "carry, print 0": (2, 1), "carry, print 1": (2, 0)}
figure, axes = plt.subplots(figsize=(5, 4.4))
for (state, bits), after in follows.items():
    start, end = np.array(places[state]), np.array(places[next(iter(after))])
    if (start == end).all():
        outside = np.array([-0.62 if start[0] == 0 else 0.62, 0.0])
        axes.annotate(f"{bits} ↺", start + outside, ha="center", va="center")
        continue
    arrow = {"arrowstyle": "-|>", "shrinkA": 33, "shrinkB": 33, "connectionstyle": "arc3,rad=0.18", "color": "grey"}
    axes.annotate("", end, start, arrowprops=arrow)
    across = np.array([end[1] - start[1], start[0] - end[0]]) / np.linalg.norm(end - start)
    axes.annotate(bits, start + 0.36 * (end - start) + 0.17 * across, ha="center", va="center", color=COLORS[0])
for state, place in places.items():
    color = COLORS[5] if state.startswith("no") else COLORS[4]
    axes.plot(*place, "o", markersize=52, color=color)
    axes.annotate(state.replace(", ", "\n"), place, ha="center", va="center", fontsize=9)
axes.set(xlim=(-0.9, 2.9), ylim=(-0.45, 1.45), xticks=[0, 2], yticks=[0, 1])
axes.set_xticklabels(["no carry", "carry"])
axes.set_yticklabels(["print 1", "print 0"], rotation=90, va="center")
axes.set(xlabel="what is remembered", ylabel="what is written", title="The automaton inside the network")
axes.grid(visible=False)
plt.show()

# %% [markdown]
# The automaton is why the network adds numbers of any length: after a thousand columns it is in one of the same four
# states. The hidden states themselves are not four points, but small clouds, which stay on their sides: of the
# upright line, if there is a carry; of the level line, if a one is printed.

# %%
counter = int(np.flatnonzero(params["W_xh"].prod(axis=0) > 0)[0])
counted, printed = states[:, counter], states @ params["W_hy"][:, 0] + params["b_y"]
carries = np.array([name.startswith("carry") for name in names])
low, high = sorted((counted[carries], counted[~carries]), key=np.mean)
assert low.max() < high.min()  # no state with a carry among those without
boundary = (low.max() + high.min()) / 2

figure, axes = plt.subplots(figsize=(5, 4.6))
for name, marker, color in zip(places, "o^sD", (5, 0, 4, 1), strict=True):
    chosen = [name == other for other in names]
    axes.plot(counted[chosen], printed[chosen], marker, color=COLORS[color], alpha=0.5, markersize=6, label=name)
axes.axhline(0, color="grey", linewidth=0.8)
axes.axvline(boundary, color="grey", linewidth=0.8)
axes.set(xlabel=f"state of unit {counter + 1}, which counts", ylabel="logit of the sum's bit")
axes.set(title="All 3,400 hidden states of 200 sums", xticks=(-1, -0.5, 0, 0.5, 1))
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
plt.show()

# %% [markdown]
# ## 6. A feed-forward network beside it
#
# A perceptron with 64 hidden units gets all columns at once: nine columns of two bits, right-aligned, zeros where a
# number is shorter. It learns from the same sums. Which share of new sums is right in every bit?

# %%
perceptron, activations = learn_feed_forward()
lengths = (2, 4, 6, 8, 9, 12, 16, 32, 64)
shares = {"recurrent, 3 units": [], "feed-forward, 64 units": []}
for num_bits in lengths:
    x, total = sums(2000, num_bits, np.random.default_rng(12345))
    shares["recurrent, 3 units"].append(((add(x, params)[1] > 0) == (total > 0.5)).all(axis=1).mean())
    right = binary_addition.feed_forward_right(perceptron, activations, num_bits)
    shares["feed-forward, 64 units"].append(right)

figure, axes = plt.subplots(figsize=(5, 4))
for (name, share), style in zip(shares.items(), ("o-", "s--"), strict=True):
    axes.plot(lengths, 100 * np.array(share), style, label=name)
axes.axvline(8, color="grey", linewidth=0.8)
axes.set(xlabel="bits of the numbers (grey: longest in training)", ylabel="sums without a mistake, percent")
axes.set(xscale="log", title="New sums")
axes.set_xticks(lengths, lengths)
axes.minorticks_off()
axes.legend(loc="center right")
plt.show()

num_weights = {name: sum(v.size for v in w.values()) for name, w in (("rnn", params), ("mlp", perceptron))}
assert shares["recurrent, 3 units"] == [1.0] * len(lengths)
assert max(shares["feed-forward, 64 units"][lengths.index(9) :]) < 0.5
assert num_weights["rnn"] == 2 * 3 + 3 * 3 + 3 + 3 + 1
print(f"{num_weights['rnn']} weights in the recurrent network, {num_weights['mlp']:,} in the feed-forward network")

# %% [markdown]
# The perceptron has weights of its own for every column. What it learns about one column says nothing about the next,
# and of columns that were always zero in training it has learned nothing at all. The recurrent network uses the *same*
# weights in every column, as the arithmetic does. That is what tied weights buy (lesson 4): what holds at every place
# is learned once.
#
# In Hinton's lectures (course on neural networks, lecture 7), every connection takes one tick of a clock, so the bit of
# a column comes out two ticks after it went in: one tick to the hidden units, one to the output. Here a step does both,
# and the bit comes out at once. The network is the same.
#
# ## 7. The same in Keras

# %%
from common.inference.keras_start import start_keras

keras = start_keras()

layers = [keras.layers.SimpleRNN(3, return_sequences=True), keras.layers.Dense(1, activation="sigmoid")]
model = keras.Sequential([keras.Input((None, 2)), *layers])
model.set_weights([by_hand[name] for name in ("W_xh", "W_hh", "b_h", "W_hy", "b_y")])
x, total = sums(100, 200, np.random.default_rng(0))
probability = model.predict(x, verbose=0)[:, :, 0]

assert ((probability > 0.5) == (total > 0.5)).all()
walk = through_time.forward(rnn, x, by_hand)
assert np.allclose(np.log(probability / (1 - probability)), (walk.h @ by_hand["W_hy"])[:, :, 0], atol=1e-3)

# %% [markdown]
# To train it, add `model.compile(optimizer="adam", loss="binary_crossentropy")` and `model.fit(x, total)`.
#
# ## Exercises
#
# ### Exercise 1: two units
#
# The sum's bit is also $s_t = n_t - 2 k_t$. So one threshold unit for the carry is enough, if the other unit holds the
# count itself: small weights keep $\tanh$ on its straight middle, $\tanh(\varepsilon z) \approx \varepsilon z$. Write
# the weights of a network with two hidden units. The first column sees a state of zeros.


# %% tags=["exercise"]
def two_units():
    raise NotImplementedError("Return W_xh (2, 2), W_hh (2, 2), b_h (2,), W_hy (2, 1) and b_y (1,) in a dict.")


# %% tags=["check"]
with exercise(1):
    found = two_units()
    shapes = {name: np.shape(value) for name, value in found.items()}
    assert shapes["W_hh"] == (2, 2), f"W_hh has shape {shapes['W_hh']}, wanted (2, 2)"
    for num_bits in (1, 2, 64):
        count = wrong_bits(found, 2000, num_bits)
        assert count == 0, f"{count} wrong bits in 2,000 sums of {num_bits} bits"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 1</summary>
#
# Unit 1 is the carry, at the threshold 1.75 as before. Unit 2 is $\varepsilon\,(n_t - 1.75)$ with $\varepsilon = 0.1$.
# The logit $n_t - 1.75 - h_{t,1}$ is $-0.75, 0.25, -0.75, 0.25$ for the four counts. In the first column the count
# looks half too large, and the logit is $-0.25, 0.75, -0.25$ for counts of 0, 1 and 2.
#
# ```python
# def two_units():
#     beta, epsilon = 20.0, 0.1
#     scale = np.array([beta, epsilon])
#     return {
#         "W_xh": np.ones((2, 2)) * scale,
#         "W_hh": np.array([[0.5, 0.5], [0.0, 0.0]]) * scale,
#         "b_h": np.array([0.5 - 1.75, 0.5 - 1.75]) * scale,
#         "W_hy": np.array([[-1.0], [1 / epsilon]]),
#         "b_y": np.zeros(1),
#     }
# ```
#
# A unit that is not saturated holds a number, not a bit. Training did not find this from any of twenty starts.
#
# </details>

# %% [markdown]
# ### Exercise 2: subtraction
#
# Change the weights so that the network *subtracts*: the bit is that of $a_t - b_t - r_{t-1}$, where $r$ is the borrow:
# $r_t = 1$ if $a_t - b_t - r_{t-1} < 0$. (The first number is the larger one.) Hint: let the units count $b_t$, the
# borrow, and *one minus* $a_t$.


# %% tags=["exercise"]
def subtracting():
    raise NotImplementedError("Return the five arrays of `by_hand` for a network that subtracts.")


# %% tags=["check"]
with exercise(2):
    found = subtracting()
    addends, larger = sums(2000, 32, np.random.default_rng(1))
    minuend_first = np.stack([larger, addends[:, :, 1]], axis=-1)  # the sum, less the second, is the first
    bits = add(minuend_first, found)[1] > 0
    share = (bits == (addends[:, :, 0] > 0.5)).all(axis=1).mean()
    assert share == 1, f"{share:.1%} of the differences are right"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 2</summary>
#
# Let $m_t = (1 - a_t) + b_t + r_{t-1}$. There is a borrow if $m_t \ge 2$, so unit 2 is the memory again. The bit is one
# if $a_t - b_t - r_{t-1} = 1 - m_t$ is odd, which is when $m_t$ is even: the sign of the output turns.
#
# ```python
# def subtracting():
#     signs = np.array([[-1.0], [1.0]])
#     return {
#         **by_hand,
#         "W_xh": beta * signs * np.ones((2, 3)),
#         "b_h": beta * (1 + 0.5 - thetas),
#         "W_hy": -by_hand["W_hy"],
#     }
# ```
#
# </details>

# %% [markdown]
# ### Exercise 3: more numbers at once
#
# $k$ numbers are added column by column at once. The carry can then be larger than one. How many threshold units, each
# for one more in the count, does the construction of section 2 need?


# %% tags=["exercise"]
def units_needed(k):
    raise NotImplementedError("Return the largest count of a column: k bits and the largest carry.")


# %% tags=["check"]
with exercise(3):
    for k in (2, 3, 5, 8):
        carry = largest = 0
        for _ in range(100):  # all bits are one, for a hundred columns
            largest = max(largest, k + carry)
            carry = (k + carry) // 2
        assert units_needed(k) == largest, f"{k} numbers: {units_needed(k)}, wanted {largest}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 3</summary>
#
# The carry is at most $k - 1$: from a count of $k + (k - 1) = 2k - 1$ comes a carry of $k - 1$ again.
#
# ```python
# def units_needed(k):
#     return 2 * k - 1
# ```
#
# The carry is $\lfloor n / 2 \rfloor$: the number of the thresholds at 2, 4, 6, … that are reached, so every second
# unit is fed back.
#
# </details>

# %% [markdown] tags=["quiz"]
# ## Ten questions
#
# <details><summary>1. What must an adder remember of the columns before?</summary>
#
# One bit, the carry.
#
# </details>
# <details><summary>2. Why do three hidden units suffice?</summary>
#
# A column depends on the count of its two bits and the carry, from 0 to 3. Three thresholds, at least one, at least
# two, all three, tell these four values apart; "at least two" is the carry that is handed on. (The trained network
# uses its three units otherwise: one counts, two compare the bits.)
#
# </details>
# <details><summary>3. How is the sum's bit read off the three units?</summary>
#
# As the first minus the second plus the third: it goes up at one, down at two, up at three.
#
# </details>
# <details><summary>4. Why can two threshold units not do it?</summary>
#
# None of the $1882^2 \cdot 14 \cdot 4$ networks gets two columns right. With a fixed carry, two units must already
# compute "exclusive or"; with the other carry they would have to compute its opposite by a shift of their thresholds
# alone.
#
# </details>
# <details><summary>5. And two tanh units?</summary>
#
# They can, if one is not saturated and holds the count as a number: $s = n - 2k$.
#
# </details>
# <details><summary>6. What does "three units suffice" not say?</summary>
#
# That training finds the weights. With three units it does from a quarter of the starts, with eight from nearly all.
#
# </details>
# <details><summary>7. What do most networks that failed get wrong?</summary>
#
# All columns with $n = 3$, or a part of those with $n = 2$. What they compute is right for the other counts.
#
# </details>
# <details><summary>8. What is a finite automaton, and how do we know that the network is one?</summary>
#
# A machine with finitely many states whose next state depends on the state and the input alone. Sorted by carry and
# printed bit, the hidden states fall into four classes, and class and bits led to the same class every time.
#
# </details>
# <details><summary>9. Why does training on eight bits carry over to a thousand?</summary>
#
# The weights are the same in every column, and no new states appear in longer numbers.
#
# </details>
# <details><summary>10. What would the feed-forward network need to add sixteen bits?</summary>
#
# Inputs and outputs for sixteen columns, and training sums that use them all. Nothing that it learned about one column
# helps with another.
#
# </details>
#
# **Next:** [lesson 8](08_dynamics.ipynb), what a network does when nothing comes in.
