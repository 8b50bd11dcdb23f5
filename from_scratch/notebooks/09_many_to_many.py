# %% [markdown]
# # Lesson 9: many to many of two kinds
#
# *One hour. You need lessons 3 to 6.*
#
# A sequence goes in and a sequence comes out. There are two kinds. In the *aligned* kind every input has its output, at
# once: a tag for each word, the next letter after each letter. In the other kind the whole input is read first, and
# then the output is written, which may have another length and another order: a translation, an answer, a word spelled
# backwards.
#
# After this lesson you can tell which kind a task needs, build both, write back-propagation through an
# *encoder-decoder*, and say where the plain network fails in it and why.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from from_scratch import encoder_decoder, lstm, through_time
from from_scratch.encoder_decoder import LETTERS, as_input, random_words, read_before, reversed_words
from from_scratch.gradient_check import largest_errors
from from_scratch.lesson import COLORS, exercise, use_style
from from_scratch.losses import softmax_cross_entropy
from from_scratch.mlp import glorot
from from_scratch.optimizers import Adam, clip_by_norm

use_style()

# %% [markdown]
# ## 1. Where inputs and outputs stand
#
# Three ways to spell "stop" backwards. A square is a letter that is read, a circle a letter that is written. An arrow
# leads from each letter to the place where it is needed, and no arrow may point back in time.

# %%
word = "stop"
figure, all_axes = plt.subplots(3, 1, figsize=(5, 6.6), sharex=True)
kinds = {"aligned: impossible": 0, "aligned, three steps late": 3, "after the whole input": 4}
for axes, (name, delay) in zip(all_axes, kinds.items(), strict=True):
    for t, letter in enumerate(word, 1):
        written = len(word) + 1 - t + delay  # where this letter comes out
        back = written < t
        axes.plot(t, 1, "s", markersize=21, color=COLORS[5])
        axes.plot(written, 0, "o", markersize=21, color=COLORS[4])
        axes.annotate(letter, (t, 1), ha="center", va="center")
        axes.annotate(letter, (written, 0), ha="center", va="center")
        line = {"color": COLORS[1] if back else "grey", "linestyle": ":" if back else "-", "arrowstyle": "-|>"}
        axes.annotate("", (written, 0.22), (t, 0.78), arrowprops=line)
    axes.set(title=name, ylim=(-0.4, 1.4), yticks=[0, 1], xlim=(0.4, 8.6), xticks=range(1, 9), ylabel="")
    axes.set_yticklabels(["write", "read"])
    axes.set(ylabel="network")
all_axes[-1].set(xlabel="time step (dotted: back in time)")
plt.show()

# %% [markdown]
# ## 2. Aligned
#
# One output at each step, read off the state at that step:
#
# $$y_t = h_t W_{hy} + b_y$$
#
# $h_t$ knows $x_1, \dots, x_t$ and nothing else. So an aligned network can do what depends on the past alone. Reversing
# a word of $T$ letters is not like that: at place $t$ the letter $x_{T+1-t}$ is wanted, and it has been read only if
# $T + 1 - t \le t$. In the first half of the word the network can but guess, one letter of ten.
#
# A *bidirectional* network (lesson 3) reads from both ends; at each place one of its two states has seen the letter.


# %%
def learn_aligned(both, num_letters=6, num_units=48, num_updates=1500, learning_rate=0.01):
    """Learn to reverse words of one length, a letter at each step; the share right at each place of new words."""
    rng, num_classes = np.random.default_rng(0), len(LETTERS)
    layers = [lstm.init_params(num_classes, num_units, rng) for _ in range(2 if both else 1)]
    output = {"W_hy": glorot(num_units * len(layers), num_classes, rng), "b_y": np.zeros(num_classes)}
    optimizers = [Adam() for _ in [*layers, output]]

    def read(x):
        if both:
            return through_time.both_ways_forward(lstm, x, layers)
        walk = through_time.forward(lstm, x, layers[0])
        return walk.h, walk

    for update in range(num_updates):
        words, _ = random_words(32, (num_letters, num_letters), rng)
        x = as_input(words, num_classes)
        h, walk = read(x)
        _, dlogits = softmax_cross_entropy(h @ output["W_hy"] + output["b_y"], words[:, ::-1])
        dh = dlogits @ output["W_hy"].T
        if both:
            grads = through_time.both_ways_backward(lstm, walk, x, layers, dh)[0]
        else:
            grads = through_time.backward(lstm, walk, x, layers[0], dh)[:1]
        output_grads = {"W_hy": np.einsum("bti,btj->ij", h, dlogits), "b_y": dlogits.sum(axis=(0, 1))}
        for optimizer, params, grad in zip(optimizers, [*layers, output], [*grads, output_grads], strict=True):
            optimizer.learning_rate = learning_rate * (1 - update / num_updates)
            optimizer.update(params, clip_by_norm(grad, 1.0))
    words, _ = random_words(2000, (num_letters, num_letters), np.random.default_rng(1))
    h, _ = read(as_input(words, num_classes))
    return ((h @ output["W_hy"] + output["b_y"]).argmax(axis=-1) == words[:, ::-1]).mean(axis=0)


one_way, both_ways = learn_aligned(both=False), learn_aligned(both=True)
places = np.arange(1, 7)
in_theory = np.where(7 - places <= places, 1.0, 1 / len(LETTERS))

assert (one_way < in_theory + 0.03).all()  # 0.03 is more than four standard errors of 2,000 guesses
assert (one_way[:3] < 0.15).all()
assert (one_way[3:] > 0.9).all()
assert (both_ways > 0.9).all()

figure, axes = plt.subplots()
axes.plot(places, 100 * in_theory, "k_", markersize=24, label="the most that is possible one way")
axes.plot(places, 100 * one_way, "o-", label="one direction")
axes.plot(places, 100 * both_ways, "s--", label="both directions")
axes.set(xlabel="place $t$ in the output", ylabel="right letters, percent", title="Reversing six letters, aligned")
axes.legend(loc="center left")
plt.show()

# %% [markdown]
# **Must the answer wait for the whole input?** Whenever its first part depends on the last part of the input. Reading
# from both ends avoids the wait only if the output is as long as the input, place by place. Otherwise: read first, then
# write.
#
# ## 3. Encoder and decoder
#
# The *encoder* reads the word, and all its states but the last are thrown away. The *decoder* is a second network that
# begins in that state $g_0$. At each step it reads the letter before, $y_{k-1}$, and computes the probabilities of the
# next:
#
# $$h_t = \mathrm{cell}_{\text{enc}}(x_t, h_{t-1})$$
#
# $$g_0 = h_T$$
#
# $$g_k = \mathrm{cell}_{\text{dec}}(y_{k-1}, g_{k-1})$$
#
# $$p(y_k) = \mathrm{softmax}(g_k W_{hy} + b_y)$$
#
# The first $y_0$ is an end mark, and the word is finished when the decoder writes the end mark. In training the decoder
# reads the *right* letter before, whatever it has written (*teacher forcing*). With the functions of lesson 3 the
# forward pass takes three lines:

# %%
rng = np.random.default_rng(0)
words, mask = random_words(3, (2, 5), rng)  # (words, time)
targets, counted = reversed_words(words, mask)  # (words, time + 1)
x, before = np.eye(len(LETTERS))[words], np.eye(len(LETTERS) + 1)[read_before(targets)]
small = encoder_decoder.init_params(lstm, 4, rng)
small = {part: {name: value.astype(float) for name, value in named.items()} for part, named in small.items()}
output = small["output"]

encoder = through_time.forward(lstm, x, small["encoder"], mask=mask)
decoder = through_time.forward(lstm, before, small["decoder"], state=encoder.last)
logits = decoder.h @ output["W_hy"] + output["b_y"]  # (words, time + 1, classes)

assert logits.shape == (3, words.shape[1] + 1, 11)
found = encoder_decoder.forward(lstm, x, before, small, mask)
assert np.allclose(logits, found.logits)  # encoder_decoder.py has the same lines
marked = LETTERS + "."
shown = [["".join(marked[i] for i in row) for row in rows] for rows in (words, read_before(targets), targets)]
shown[0] = [text[:n] for text, n in zip(shown[0], mask.sum(axis=1), strict=True)]
pd.DataFrame(shown, index=["encoder reads", "decoder reads", "decoder shall write"]).T

# %% [markdown]
# On the way back the derivative comes through the decoder first. What arrives at its first state is the derivative by
# the *last state of the encoder*, and there is no other way into the encoder:
#
# $$\frac{\partial L}{\partial h_T} = \frac{\partial L}{\partial g_0}$$

# %%
loss, dlogits = softmax_cross_entropy(logits, targets, counted)
decoder_grads, _, dbetween = through_time.backward(lstm, decoder, before, small["decoder"], dlogits @ output["W_hy"].T)
nothing = np.zeros_like(encoder.h)  # no state of the encoder is read off, but the last
encoder_grads, _, _ = through_time.backward(lstm, encoder, x, small["encoder"], nothing, dbetween, mask)

grads = encoder_decoder.backward(lstm, found, x, before, small, dlogits, mask)
assert all(np.allclose(encoder_grads[name], grads["encoder"][name]) for name in encoder_grads)


def loss_now():
    return softmax_cross_entropy(encoder_decoder.forward(lstm, x, before, small, mask).logits, targets, counted)[0]


errors = {part: max(largest_errors(loss_now, small[part], grads[part]).values()) for part in small}
assert max(errors.values()) < 1e-7
errors

# %% [markdown]
# ## 4. Learning to reverse
#
# Words of 1 to 16 random letters, ever new ones, so that nothing can be learned by heart. Both networks have 64 units
# in encoder and decoder, and see the same 2,000 batches of 64 words; each has a learning rate that suits it. What
# counts is the share of new words that are reversed without any mistake, when the decoder reads its own letters.

# %%
learned = {}
for name in ("Elman", "LSTM"):
    cell, learning_rate = encoder_decoder.CELLS[name]
    learned[name] = cell, *encoder_decoder.learn_to_reverse(cell, num_updates=2000, learning_rate=learning_rate)

for text in ("stop", "parted", "stressed"):
    answers = {name: encoder_decoder.reverse_word(cell, params, text) for name, (cell, params, _) in learned.items()}
    print(text, answers)
    assert set(answers.values()) == {text[::-1]}

# %% [markdown]
# ## 5. Where the plain network fails

# %%
lengths = np.arange(2, 23, 2)
shares, by_place = {}, {}
for name, (cell, params, _) in learned.items():
    found = {n: encoder_decoder.shares_right(cell, params, n, 400) for n in lengths}
    shares[name], by_place[name] = np.array([found[n][0] for n in lengths]), found[16][1]

figure, (top, bottom) = plt.subplots(2, 1, figsize=(5, 7))
for (name, share), style in zip(shares.items(), ("o-", "s--"), strict=True):
    top.plot(lengths, 100 * share, style, label=name)
    bottom.plot(np.arange(1, 17), 100 * by_place[name], style, label=name)
top.axvline(16, color="grey", linewidth=0.8)
top.set(xlabel="letters of the word (grey: longest in training)", ylabel="words without a mistake, percent")
top.set(title="Reversing words", xticks=lengths)
bottom.set(xlabel="place in the output", ylabel="right letters, percent", title="Words of 16 letters, place by place")
bottom.set(ylim=(0, 103))
top.legend(loc="lower left")
plt.show()

assert shares["Elman"][lengths == 6].item() > 0.95  # short words are no problem
assert shares["LSTM"][lengths == 16].item() > shares["Elman"][lengths == 16].item() + 0.2
assert shares["Elman"][lengths == 20].item() < 0.1

# %% [markdown]
# Both networks have 64 units and the same task, and on short words both are perfect. On long words the plain network
# fails first. Why?
#
# - **Distance.** The letter at place $k$ of the output was read at step $T + 1 - k$ and is written at step $T + k$: it
#   must be kept for $2k - 1$ steps. The first letters are fresh; the last one of 16 is 31 steps old, and in the Elman
#   network every step is a product with the matrix and a squeeze through tanh (lesson 5). The lower picture shows it:
#   the mistakes grow with the place.
# - **No protection.** Every letter that is read, and every letter that is written, changes the whole state. The gates
#   of an LSTM can close (lesson 6).
# - **One state for everything.** Sixteen letters of ten are $16 \log_2 10 = 53$ bits, and all must pass through $g_0$.
#   This bottleneck the LSTM has, too.
#
# And beyond the longest words of the training *both* fail: neither has learned "backwards" as such, but words of
# certain lengths. Compare lesson 7, where the task needed one bit of memory, and training on eight bits was enough for
# a thousand.
#
# Half as much training again helps both, and moves the limit by a letter or two: 3,000 batches, all three cells, the
# share of 500 new words of each length that are reversed without a mistake (`python -m from_scratch.encoder_decoder`):
#
# | letters | Elman | GRU | LSTM |
# | ---: | ---: | ---: | ---: |
# | 8 | 100.0% | 100.0% | 100.0% |
# | 12 | 96.4% | 98.8% | 99.8% |
# | 14 | 89.6% | 95.2% | 98.6% |
# | 16 | 58.4% | 77.0% | 92.2% |
# | 20 | 0.0% | 7.2% | 16.4% |
#
# What helps in the end is to give up the bottleneck. With *attention* (Bahdanau, Cho and Bengio 2015) the encoder's
# states are all kept, and at each step the decoder looks at those that it needs.
#
# ## 6. The same in Keras
#
# `return_state` gives out the last state of the encoder, and `initial_state` puts it into the decoder.

# %%
from common.inference.keras_start import start_keras

keras = start_keras()

read, spoken = keras.Input((None, len(LETTERS))), keras.Input((None, len(LETTERS) + 1))
_, *last = keras.layers.LSTM(4, return_state=True)(read)
states = keras.layers.LSTM(4, return_sequences=True)(spoken, initial_state=last)
model = keras.Model([read, spoken], keras.layers.Dense(len(LETTERS) + 1)(states))
model.set_weights([value for part in ("encoder", "decoder", "output") for value in small[part].values()])

words, _ = random_words(5, (6, 6), np.random.default_rng(1))
x, before = as_input(words, len(LETTERS)), as_input(read_before(reversed_words(words, words >= 0)[0]), len(LETTERS) + 1)
ours = encoder_decoder.forward(lstm, x, before, small).logits
assert np.allclose(model.predict([x, before], verbose=0), ours, atol=1e-5)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: how long to wait
#
# An aligned network may be allowed to answer $d$ steps late: output $k$ is written at step $k + d$, after the input of
# that step was read. How large must $d$ be to reverse a word of $T$ letters? How long is each letter kept?


# %% tags=["exercise"]
def delay_and_age(num_letters, place):
    raise NotImplementedError("Return the smallest d, and for how many steps the letter of output `place` is kept.")


# %% tags=["check"]
with exercise(1):
    for T in (1, 4, 9):
        possible = [d for d in range(20) if all(T + 1 - k <= k + d for k in range(1, T + 1))]
        for k in range(1, T + 1):
            delay, age = delay_and_age(T, k)
            assert delay == min(possible), f"{T} letters: a delay of {delay}, wanted {min(possible)}"
            written, was_read = k + delay, T + 1 - k
            assert age == written - was_read, f"output {k} of {T}: {age} steps, wanted {written - was_read}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 1</summary>
#
# The first output is the last letter, which is read at step $T$. So $1 + d \ge T$. Output $k$ is written at step
# $k + T - 1$ and was read at $T + 1 - k$:
#
# ```python
# def delay_and_age(num_letters, place):
#     return num_letters - 1, 2 * place - 2
# ```
#
# An encoder-decoder begins one step later and reads nothing new while it writes.
#
# </details>

# %% [markdown]
# ### Exercise 2: write
#
# Let the decoder write: begin with the end mark, take the likeliest class at each step, and read it at the next.


# %% tags=["exercise"]
def write(cell, state, params, num_steps):
    raise NotImplementedError("Return the numbers of the classes that were written, (words, num_steps).")


# %% tags=["check"]
with exercise(2):
    cell, trained, _ = learned["LSTM"]
    words, _ = random_words(20, (5, 5), np.random.default_rng(2))
    last = through_time.forward(cell, as_input(words, len(LETTERS)), trained["encoder"]).last
    found = write(cell, last, trained, 6)
    assert np.shape(found) == (20, 6), f"shape {np.shape(found)}, wanted (20, 6)"
    wanted = encoder_decoder.write(cell, words, trained)
    assert (found == wanted).all(), f"{(np.array(found) == wanted).mean():.0%} of the letters are as they should be"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 2</summary>
#
# ```python
# def write(cell, state, params, num_steps):
#     letter, written = np.full(len(state["h"]), len(LETTERS)), []
#     for _ in range(num_steps):
#         state, _ = cell.step(as_input(letter, len(LETTERS) + 1), state, params["decoder"])
#         letter = (state["h"] @ params["output"]["W_hy"] + params["output"]["b_y"]).argmax(axis=-1)
#         written.append(letter)
#     return np.stack(written, axis=1)
# ```
#
# Each word is written greedily. Keeping several beginnings at once (*beam search*) can find likelier ones.
#
# </details>

# %% [markdown]
# ### Exercise 3: the best that an aligned network can do
#
# What share of the letters can an aligned network (one direction, no delay) get right on average, if it reverses words
# of $T$ random letters from an alphabet of $A$? Mind odd lengths.


# %% tags=["exercise"]
def best_share(T, A):
    raise NotImplementedError("Return the expected share of right letters of the best possible aligned network.")


# %% tags=["check"]
with exercise(3):
    assert abs(best_share(6, 10) - in_theory.mean()) < 1e-12, f"T = 6, A = 10: {best_share(6, 10)}, see the picture"
    for T, A in ((1, 10), (5, 2), (8, 26)):
        seen = np.array([T + 1 - t <= t for t in range(1, T + 1)])
        wanted = np.where(seen, 1, 1 / A).mean()
        assert np.isclose(best_share(T, A), wanted), f"T = {T}, A = {A}: {best_share(T, A):.3f}, wanted {wanted:.3f}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 3</summary>
#
# The later half is known, with the middle letter of an odd word; the other places are guessed:
#
# ```python
# def best_share(T, A):
#     guessed = T // 2
#     return (T - guessed + guessed / A) / T
# ```
#
# </details>

# %% [markdown] tags=["quiz"]
# ## Ten questions
#
# <details><summary>1. Which two kinds of many-to-many are there?</summary>
#
# Aligned: an output for every input, at once. And outputs that are written after the whole input has been read.
#
# </details>
# <details><summary>2. What can an aligned network of one direction not do?</summary>
#
# Give an output that depends on inputs that come later.
#
# </details>
# <details><summary>3. Part-of-speech tagging: which kind?</summary>
#
# Aligned, a tag for each word. Since the words behind help too, one reads from both ends.
#
# </details>
# <details><summary>4. Translation: which kind?</summary>
#
# The second: another length, another order.
#
# </details>
# <details><summary>5. What does the decoder know of the input?</summary>
#
# The last state of the encoder, in which it begins, and nothing else.
#
# </details>
# <details><summary>6. How does the gradient get into the encoder?</summary>
#
# Through the first state of the decoder: the derivative by it is that by the last state of the encoder.
#
# </details>
# <details><summary>7. What is teacher forcing?</summary>
#
# In training the decoder reads the right letter before, not the one that it has written.
#
# </details>
# <details><summary>8. How does the decoder stop?</summary>
#
# It writes an end mark, which it has learned like a letter.
#
# </details>
# <details><summary>9. Why does the plain network fail on long words?</summary>
#
# The letter written last was read first, $2T - 1$ steps before. On the way every step squeezes the whole state through
# the matrix and tanh, so the gradient fades and the letter is overwritten. Gates protect it for longer.
#
# </details>
# <details><summary>10. Which limit does the LSTM have as well?</summary>
#
# The whole word must pass through one state of a fixed size, and lengths that training never showed are not mastered.
#
# </details>
#
# **Next:** [lesson 10](10_other_memories.ipynb), what was there before, and when it is better.
