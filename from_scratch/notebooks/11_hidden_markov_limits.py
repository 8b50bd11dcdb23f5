# %% [markdown]
# # Lesson 11: what a hidden Markov model cannot carry
#
# *One hour. You need lessons 3, 8 and 10.*
#
# A hidden Markov model (HMM) and a recurrent network both have a hidden state that carries what is known of the past.
# The HMM is in *one* of $K$ states. The network has $N$ units, each with a number of its own. This lesson measures what
# the difference is worth, on a task that asks for nothing but memory: copy $N$ bits. An HMM needs $2^N$ states, a
# network $N$ units.
#
# After this lesson you can prove that bound, measure how many bits a model carries, and say when each of three kinds of
# hidden state is the right one: discrete, linear, and nonlinear.

# %%
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from from_scratch import copy_task, rnn, through_time
from from_scratch.copy_task import all_words, bits_carried, copied, hmm_by_hand, learn_copy, register_by_hand, twice
from from_scratch.lesson import exercise, use_style
from from_scratch.losses import sigmoid_cross_entropy
from from_scratch.mlp import glorot
from from_scratch.optimizers import Adam, clip_by_norm

use_style()

# %% [markdown]
# ## 1. The copy task
#
# $N$ random bits come, then the same $N$ bits once more. In the first half nothing can be predicted. In the second half
# everything can, by a model that has carried all $N$ bits across the middle. All sequences for $N = 3$:

# %%
sequences = twice(all_words(3))  # (words, 2 N)
assert sequences.shape == (8, 6)
for first, second in zip(sequences[:, :3], sequences[:, 3:], strict=True):
    print(*first, "|", *second)

# %% [markdown]
# ## 2. A hidden Markov model
#
# At time $t$ the model is in one hidden state $s_t$ out of $K$. It emits a bit with a probability that depends on the
# state alone, and moves on with a probability that depends on the state alone:
#
# $$p(s_t \mid s_{t-1}) = A_{s_{t-1} s_t}$$
#
# $$p(x_t \mid s_t) = B_{s_t x_t}$$
#
# We do not see the state, but can compute how probable each one is, given what was seen so far. The *forward pass*,
# from $\alpha_{t-1}$ to $\alpha_t$: move on, weigh by how well each state explains the bit, divide by the sum. That sum
# is the probability of the bit given all before it:
#
# $$p(x_t \mid x_1 \dots x_{t-1}) = \sum_s (\alpha_{t-1} A)_s\, B_{s x_t}$$
#
# $$\alpha_t = \frac{(\alpha_{t-1} A) \odot B_{\cdot\, x_t}}{p(x_t \mid x_1 \dots x_{t-1})}$$
#
# To make it easy for the model, $A$ and $B$ may differ from step to step, so that no state is wasted on counting the
# time. Check: the product of these probabilities is the sum over *all* paths through the hidden states.

# %%
hmm = copy_task.random_hmm(num_states=3, num_steps=6, rng=np.random.default_rng(0))
x = sequences[5]

alpha, chances = hmm.start, []
for t, bit in enumerate(x):
    ahead = alpha if t == 0 else alpha @ hmm.change[t - 1]  # (states,)
    joint = ahead * hmm.emit[t][:, bit]
    chances.append(joint.sum())
    alpha = joint / joint.sum()

all_paths = 0.0
for path in product(range(3), repeat=6):
    p = hmm.start[path[0]] * np.prod([hmm.change[t][path[t], path[t + 1]] for t in range(5)])
    all_paths += p * np.prod([hmm.emit[t][path[t], x[t]] for t in range(6)])
assert np.isclose(np.prod(chances), all_paths)
assert np.allclose(copy_task.walk_forward(hmm, sequences)[1][:, 5], chances)  # copy_task.py has the same lines

# %% [markdown]
# ## 3. The bound
#
# Let $w$ be the first half. When the second half begins, the model is in state $s$ with probability $p(s \mid w)$, and
# from there it produces the copy with probability $r(w \mid s)$. What is left of the past is $s$, and nothing else:
#
# $$p(\text{copy} \mid w) = \sum_s p(s \mid w)\, r(w \mid s) \le \sum_s r(w \mid s)$$
#
# Sum over all words $w$: for each state the $r(w \mid s)$ add up to at most 1, so the whole is at most $K$. **On
# average over the $2^N$ words, the copy has at most the probability $K / 2^N$.** In bits (the logarithm of a mean is at
# least the mean of the logarithms), the copy must surprise the model by at least $N - \log_2 K$ bits. We call the rest
# the bits *carried*:
#
# $$\text{carried} = N + \frac{1}{2^N} \sum_w \log_2 p(\text{copy} \mid w) \;\le\; \log_2 K$$
#
# So all $N$ bits need $K \ge 2^N$ states. With that many it is easy: one state for each word.

# %%
for num_bits in range(1, 7):
    by_hand = hmm_by_hand(num_bits)
    assert len(by_hand.start) == 2**num_bits
    assert np.isclose(bits_carried(by_hand, num_bits), num_bits)

rng = np.random.default_rng(1)
for num_states in (1, 2, 3, 5):  # any model whatever keeps the bound
    for _ in range(50):
        assert bits_carried(copy_task.random_hmm(num_states, 8, rng), 4) <= np.log2(num_states) + 1e-9

# %% [markdown]
# ## 4. What is learned
#
# *Expectation maximisation* (Baum et al. 1970) learns an HMM: compute how probable each state is at each step given the
# whole sequence, then set all probabilities to the shares expected from that; repeat (`copy_task.improve`). It is given
# all $2^4$ sequences of four bits, ten random starts for each number of states:

# %%
num_states_tried = (1, 2, 3, 4, 6, 8, 12, 16)
carried = {K: [bits_carried(learn_copy(4, K, seed), 4) for seed in range(10)] for K in num_states_tried}
for K, bits in carried.items():
    assert max(bits) <= np.log2(K) + 1e-9
assert np.isclose(max(carried[4]), 2, atol=0.01)  # as much as four states can carry

figure, axes = plt.subplots(figsize=(5, 4))
line = np.linspace(1, 16, 100)
axes.plot(line, np.log2(line), color="black", linewidth=0.8, label=r"bound, $\log_2 K$")
for K, bits in carried.items():
    axes.plot(np.full(len(bits), K), bits, "o", color="C0", alpha=0.35, label="learned, ten starts" if K == 1 else None)
axes.plot(16, bits_carried(hmm_by_hand(4), 4), "*", color="C1", markersize=13, label="by hand, 16 states")
axes.set(xlabel="hidden states $K$", ylabel="bits carried, of four", xscale="log", ylim=(-0.1, 4.2))
axes.set_xticks(num_states_tried, num_states_tried)
axes.minorticks_off()
axes.set_title("A hidden Markov model copies four bits")
axes.legend(loc="lower right")
plt.show()
{K: round(max(bits), 2) for K, bits in carried.items()}

# %% [markdown]
# No point is above the line, and every further *bit* costs twice as many *states*. With 16 states learning finds most
# of the way, the last half bit only by hand.
#
# ## 5. N units
#
# A recurrent network with $N$ units has $2^N$ corners, $(\pm 1, \dots, \pm 1)$: it is in one of exponentially many
# states, and each unit stores a bit of its own (a *distributed* state). A *shift register* does it. Each unit takes
# over what the one before it held, the first takes the input (-1, 1, or 0 while nothing comes in), and the last one is
# the output:
#
# $$h_{t,1} = \tanh(\gamma\, x_t)$$
#
# $$h_{t,j} = \tanh(\gamma\, h_{t-1,j-1})$$

# %%
num_bits, gain = 8, 3.0
params = {"W_xh": gain * np.eye(1, num_bits), "W_hh": gain * np.eye(num_bits, k=1), "b_h": np.zeros(num_bits)}
words = all_words(num_bits)  # (256, 8)
x = np.zeros((len(words), 2 * num_bits - 1, 1))
x[:, :num_bits, 0] = 2 * words - 1
walk = through_time.forward(rnn, x, params)
assert ((walk.h[:, num_bits - 1 :, -1] > 0) == words).all()  # all 256 words are copied without a mistake

assert all(np.array_equal(params[name], register_by_hand(num_bits)[name]) for name in params)
for n in range(1, 13):
    assert (copied(register_by_hand(n), all_words(n)) == all_words(n)).all()

figure, axes = plt.subplots(figsize=(5, 3.6))
picture = axes.imshow(walk.h[0b10110010].T, cmap="PuOr", vmin=-1, vmax=1, aspect="auto", extent=(0.5, 15.5, 8.5, 0.5))
figure.colorbar(picture, label="state of the unit")
axes.axvline(8.5, color="black", linewidth=0.8)
axes.set(xlabel="time step (line: no more input)", ylabel="unit", title="10110010 in a register")
axes.set(xticks=range(1, 16, 2), yticks=range(1, 9))
axes.grid(visible=False)
plt.show()

# %% [markdown]
# The picture that this lesson is about: what it costs to carry $N$ bits.

# %%
bits = np.arange(1, 21)
figure, axes = plt.subplots(figsize=(5, 4))
axes.semilogy(bits, 4.0**bits, "--", color="C0", label="HMM: probabilities of a step")
axes.semilogy(bits, 2.0**bits, "o-", color="C0", markersize=4, label="HMM: states")
axes.semilogy(bits, bits * (bits + 2), "--", color="C1", label="network: weights")
axes.semilogy(bits, bits, "s-", color="C1", markersize=4, label="network: units")
axes.set(xlabel="bits to carry, $N$", ylabel="how many", title="What memory costs", xticks=range(0, 21, 4))
axes.legend()
plt.show()

# %% [markdown]
# ## 6. And what a network learns
#
# An Elman network with 1 to 8 units learns to copy four bits, and networks with $N$ units learn to copy $N$ bits. The
# bits carried are measured as for the HMM: $N$ less the bits by which the copy surprises the network.


# %%
def learn_to_copy(num_bits, num_units, seed, num_updates=1500):
    """The bits carried, and the share of words without a mistake."""
    rng, words = np.random.default_rng(seed), all_words(num_bits)
    x = np.zeros((len(words), 2 * num_bits - 1, 1))
    x[:, :num_bits, 0] = 2 * words - 1
    params = rnn.init_params(1, num_units, rng) | {"W_hy": glorot(num_units, 1, rng), "b_y": np.zeros(1)}
    optimizer = Adam()
    for update in range(num_updates):
        walk = through_time.forward(rnn, x, params)
        h = walk.h[:, num_bits - 1 :]  # the copy begins when the last bit has been read
        logits = (h @ params["W_hy"] + params["b_y"])[:, :, 0]
        loss, dlogits = sigmoid_cross_entropy(logits, words.astype(float))
        dh = np.zeros_like(walk.h)
        dh[:, num_bits - 1 :] = dlogits[:, :, None] @ params["W_hy"].T
        grads, _, _ = through_time.backward(rnn, walk, x, params, dh)
        grads |= {"W_hy": np.einsum("bti,bt->i", h, dlogits)[:, None], "b_y": dlogits.sum(keepdims=True)[0]}
        optimizer.learning_rate = 0.02 * (1 - update / num_updates)
        optimizer.update(params, clip_by_norm(grads, 1.0))
    return num_bits - num_bits * loss / np.log(2), ((logits > 0) == words).all(axis=1).mean()


units_tried = (1, 2, 3, 4, 6, 8)
by_units = {U: [learn_to_copy(4, U, seed)[0] for seed in range(3)] for U in units_tried}
figure, axes = plt.subplots(figsize=(5, 4))
axes.plot(units_tried, [np.mean(by_units[U]) for U in units_tried], "s-", color="C1", label="Elman network, units")
best = [max(carried[K]) for K in num_states_tried]
axes.plot(num_states_tried, best, "o-", color="C0", label="HMM, states (best of ten)")
axes.set(xlabel="units or states", ylabel="bits carried, of four", title="Copying four bits", ylim=(-0.1, 4.2))
axes.legend(loc="lower right")
plt.show()
assert min(by_units[4]) > 3.9
assert max(by_units[3]) > 3  # more than a bit for each unit

as_many = {N: learn_to_copy(N, N, seed=0) for N in (2, 4, 6, 8)}
assert all(share == 1 for _, share in as_many.values())
columns = ["bits carried", "words copied without a mistake"]
pd.DataFrame(as_many, index=columns).T.rename_axis("N bits, N units").round(3)

# %% [markdown]
# About one bit for each unit, and $N$ units learn to copy $N$ bits. Is a unit limited to one bit? No: three units carry
# more than three. A unit holds a real number, and one with many digits could hold many bits. But a bit that hides in
# the third digit is lost with a little noise, and hard to learn; the next section shows why a bit in the *sign* of a
# unit is safe.
#
# ## 7. A linear dynamical system beside it
#
# The third kind of hidden state: numbers that move *linearly*, $h_t = A h_{t-1} + B x_t$, the model of the Kalman
# filter (lesson 10). Numbers they are, so a linear shift register carries $N$ bits with $N$ numbers just as well. The
# difference shows when a little noise is added to each unit in each step:
#
# $$h_t = A h_{t-1} + B x_t + \varepsilon_t$$
#
# $$\varepsilon_t \sim \mathcal{N}(0, \sigma^2)$$
#
# Every bit is shifted $N$ times in all, and the linear register adds up the noise: its output is $\pm 1$ with variance
# $N \sigma^2$, so the sign is wrong with probability $\Phi(-1 / (\sigma \sqrt N))$, and no filter can do better, since
# the bit is seen once only. $\tanh$ with a gain above 1 pulls each unit back to its attractor at every step (lesson 8).

# %%
from statistics import NormalDist


def wrong_share(num_bits, nonlinear, sigma, num_words=4000):
    rng = np.random.default_rng(num_bits)
    words = rng.choice([-1.0, 1.0], (num_words, num_bits))
    h, wrong = np.zeros((num_words, num_bits)), 0
    for t in range(2 * num_bits - 1):
        into = words[:, t] if t < num_bits else np.zeros(num_words)
        moved = np.column_stack([into, h[:, :-1]])
        h = (np.tanh(3 * moved) if nonlinear else moved) + sigma * rng.normal(size=h.shape)
        if t >= num_bits - 1:
            wrong += (np.sign(h[:, -1]) != words[:, t - num_bits + 1]).mean()
    return wrong / num_bits


lengths, sigma = np.array([1, 2, 4, 8, 16, 32]), 0.3
linear, sharpened = (np.array([wrong_share(n, kind, sigma) for n in lengths]) for kind in (False, True))
in_theory = np.array([NormalDist().cdf(-1 / (sigma * np.sqrt(n))) for n in lengths])
assert np.allclose(linear[2:], in_theory[2:], atol=0.01)
assert sharpened[-1] < linear[-1] / 5

figure, axes = plt.subplots(figsize=(5, 3.8))
axes.plot(lengths, 100 * in_theory, color="grey", linewidth=0.8, label=r"$\Phi(-1/(\sigma \sqrt{N}))$")
axes.plot(lengths, 100 * linear, "o--", label="linear")
axes.plot(lengths, 100 * sharpened, "s-", label="tanh, gain 3")
axes.set(xlabel="bits $N$ = units of the register", ylabel="wrong bits, percent", xscale="log")
axes.set_xticks(lengths, lengths)
axes.minorticks_off()
axes.set_title(r"A noisy register, $\sigma = 0.3$")
axes.legend(loc="upper left")
plt.show()

# %% [markdown]
# | hidden state | carries | what it cannot do |
# | --- | --- | --- |
# | HMM: one of $K$ states | at most $\log_2 K$ bits | several independent things at once |
# | Kalman filter: $N$ numbers, moved linearly | $N$ numbers | decide, multiply, stop noise from adding up |
# | network: $N$ numbers, moved nonlinearly | $N$ bits, safe from noise | say exactly how probable a state is |
#
# The HMM pays for its weakness with a strength: all its probabilities are exact sums over all states, and each step of
# learning improves the likelihood. A *factorial* HMM (Ghahramani and Jordan 1997) has $N$ chains of two states each and
# carries $N$ bits; but exact inference in it goes through $2^N$ states again.
#
# Speech recognition used HMMs for decades: what a sound depends on was limited to what some thousand states can hold. A
# sentence has subject, number, tense, open brackets and a topic, all at once and independent of each other: twenty such
# bits are a million states, or twenty units.
#
# ## 8. The same in Keras

# %%
from common.inference.keras_start import start_keras

keras = start_keras()

model = keras.Sequential([keras.Input((None, 1)), keras.layers.SimpleRNN(num_bits, return_sequences=True)])
model.set_weights([params["W_xh"], params["W_hh"], params["b_h"]])
states = model.predict(x, verbose=0)  # (256, time, 8)

assert np.allclose(states, walk.h, atol=1e-5)
assert ((states[:, num_bits - 1 :, -1] > 0) == words).all()

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: how many states?
#
# Words of $L$ letters from an alphabet of $A$ letters are to be copied. How many states does an HMM need, and how many
# units a register in which each unit holds one bit? (Letters are coded in as few bits as possible.)


# %% tags=["exercise"]
def states_and_units(L, A):
    raise NotImplementedError("Return the number of states and the number of units.")


# %% tags=["check"]
with exercise(1):
    for L, A in ((3, 2), (16, 10), (5, 26), (4, 64)):
        states_needed, units_needed = states_and_units(L, A)
        assert states_needed == len(range(A)) ** L, f"L = {L}, A = {A}: {states_needed} states"
        bits_of_letter = len(bin(A - 1)) - 2
        assert units_needed == L * bits_of_letter, (
            f"L = {L}, A = {A}: {units_needed} units, wanted {L * bits_of_letter}"
        )

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 1</summary>
#
# ```python
# def states_and_units(L, A):
#     return A**L, L * int(np.ceil(np.log2(A)))
# ```
#
# Sixteen letters of ten (lesson 9) are ten quadrillion states, or 64 units.
#
# </details>

# %% [markdown]
# ### Exercise 2: as good as the bound
#
# Make an HMM with $K = 2^k$ states that carries exactly $k$ bits of $N$: it remembers the first $k$ bits and predicts
# the others with probability one half. (`copy_task.StepwiseHmm(start, change, emit)`; look at `hmm_by_hand`.)


# %% tags=["exercise"]
def first_bits_hmm(num_bits, k):
    raise NotImplementedError("Return a StepwiseHmm with 2 ** k states for 2 * num_bits steps.")


# %% tags=["check"]
with exercise(2):
    for N, k in ((3, 1), (4, 2), (5, 4)):
        found = first_bits_hmm(N, k)
        assert len(found.start) == 2**k, f"{len(found.start)} states, wanted {2**k}"
        assert found.emit.shape == (2 * N, 2**k, 2), f"emit has shape {found.emit.shape}, wanted {(2 * N, 2**k, 2)}"
        assert np.allclose(found.emit.sum(axis=2), 1), "the probabilities of 0 and 1 must add up to one"
        assert np.isclose(bits_carried(found, N), k), f"N = {N}: {bits_carried(found, N):.2f} bits carried, wanted {k}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 2</summary>
#
# ```python
# def first_bits_hmm(num_bits, k):
#     small, emit = hmm_by_hand(k), np.full((2 * num_bits, 2**k, 2), 0.5)
#     emit[:k] = small.emit[:k]
#     emit[num_bits : num_bits + k] = small.emit[k:]
#     change = np.repeat(np.eye(2**k)[None], 2 * num_bits - 1, axis=0)
#     return copy_task.StepwiseHmm(small.start, change, emit)
# ```
#
# The bound is met with equality for every power of two.
#
# </details>

# %% [markdown]
# ### Exercise 3: one step forward
#
# Write one step of the forward pass of section 2 for a model with the same $A$ and $B$ at all steps.


# %% tags=["exercise"]
def forward_step(alpha, A, B, bit):
    raise NotImplementedError("Return the probability of each state after the bit (states,), and that of the bit.")


# %% tags=["check"]
with exercise(3):
    A, B = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.7, 0.3], [0.1, 0.9]])
    new, chance = forward_step(np.array([0.5, 0.5]), A, B, 1)
    # ahead 0.55, 0.45; with the bit 0.55 * 0.3 = 0.165 and 0.45 * 0.9 = 0.405, together 0.57
    assert np.isclose(chance, 0.57), f"the probability of the bit is {chance:.3f}, wanted 0.570"
    assert np.allclose(new, [0.165 / 0.57, 0.405 / 0.57]), f"the states are {np.round(new, 3)}, wanted 0.289 and 0.711"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 3</summary>
#
# ```python
# def forward_step(alpha, A, B, bit):
#     joint = (alpha @ A) * B[:, bit]
#     return joint / joint.sum(), joint.sum()
# ```
#
# Compare it with a recurrent network: $\alpha_t$ is a state that is computed from the one before and the input. But its
# numbers are probabilities that add up to one: together they say *which* of $K$ states it is.
#
# </details>

# %% [markdown] tags=["quiz"]
# ## Ten questions
#
# <details><summary>1. How many bits can the hidden state of an HMM with K states carry?</summary>
#
# At most $\log_2 K$.
#
# </details>
# <details><summary>2. How many states are needed to copy 20 bits? How many units?</summary>
#
# $2^{20}$, about a million states; 20 units.
#
# </details>
# <details><summary>3. The vector of state probabilities holds K numbers. Why does it not carry K bits?</summary>
#
# The model's future depends on *which* state it is in. The probabilities describe our uncertainty about that one choice
# among $K$.
#
# </details>
# <details><summary>4. What is the highest mean probability of a right copy with K states?</summary>
#
# $K / 2^N$.
#
# </details>
# <details><summary>5. Why do learned models stay below the bound at first with many states?</summary>
#
# Expectation maximisation climbs to the nearest local maximum of the likelihood; the best one, one state for each word,
# is there, but is not found from random starts.
#
# </details>
# <details><summary>6. How does a shift register copy?</summary>
#
# Every unit takes over the state of the one before it. After $N$ steps without input all bits have come out in order.
#
# </details>
# <details><summary>7. What is a distributed state?</summary>
#
# One in which independent facts are held by different units at the same time, so that $N$ units have $2^N$
# combinations.
#
# </details>
# <details><summary>8. Why is a linear register worse under noise?</summary>
#
# Noise adds up over the steps. tanh with a gain above one pulls each unit back to its attractor in every step.
#
# </details>
# <details><summary>9. What can an HMM do that a recurrent network cannot?</summary>
#
# Say exactly how probable each hidden state is, given all that was seen, and improve its likelihood in every step of
# learning.
#
# </details>
# <details><summary>10. Which fact about language speaks against the HMM?</summary>
#
# A sentence has many properties at once, subject, number, tense, open brackets, and every further yes or no doubles the
# number of states.
#
# </details>
#
# **This was the last lesson.** Trained networks for texts are in the other rooms of this project:
# [`sentiment`](../../sentiment/README.md), [`language_model`](../../language_model/README.md) and
# [`pos_tagging`](../../pos_tagging/README.md).
