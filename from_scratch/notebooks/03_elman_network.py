# %% [markdown]
# # From scratch 2: a state that goes round
#
# A perceptron sees everything at once and remembers nothing. A text comes one word after the other, and what a word
# means depends on those before. The Elman network has a *state*: numbers that it passes on to itself.
#
# ```
# h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h)
# y_t = W_hy h_t + b_y
# ```
#
# Unrolled over time it is a deep network, with an input at every layer, and the same weights in all of them:
#
# ```
# h_0 ---> h_1 ---> h_2 ---> h_3
#           ^        ^        ^
#          x_1      x_2      x_3
# ```
#
# ## One step, and back
#
# The functions `step` and `step_back` are all there is to a cell. Look at them:

# %%
import inspect
from pathlib import Path

import numpy as np
from IPython.display import Image

from from_scratch import four_shapes, next_character, rnn, through_time
from from_scratch.gradient_check import largest_errors

folder = Path("runs/from_scratch")
for function in (rnn.step, rnn.step_back):
    print(inspect.getsource(function))

# %% [markdown]
# `through_time.forward` calls the first for each step, `through_time.backward` the second, from the last step to the
# first. On the way back the derivative by a state comes from two sides: from what was read off it, and from the step
# after it. Since the weights are the same at every step, their derivatives are added up.
#
# A check against differences of the loss, with two texts of which one is shorter. At padding the state stays as it
# was, so that the length of the longest text in a batch changes nothing for the others.

# %%
rng = np.random.default_rng(0)
params = rnn.init_params(3, 4, rng)
x, weights = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 4))
mask = np.array([[True] * 5, [True, True, True, False, False]])
walk = through_time.forward(rnn, x, params, mask=mask)
grads, _, _ = through_time.backward(rnn, walk, x, params, weights, mask=mask)
print("the second text's state after its last word and at the padding behind it:")
print(walk.h[1, 2:].round(3))
largest_errors(lambda: (weights * through_time.forward(rnn, x, params, mask=mask).h).sum(), params, grads)

# %% [markdown]
# ## Spelling
#
# The network reads a letter and says which comes next. In "hello" the first l is followed by l, the second by o; in
# "namaskar" the letter a is followed by m, by s and by r. Without a state there is no telling. With one, the network
# learns where in the word it is. Each column of the picture holds the probabilities of all letters after the letter
# below it.

# %%
_ = next_character.lesson(folder)
Image(folder / "next_character.png", width=750)

# %% [markdown]
# ## One or many, in and out
#
# The same network answers once at the end, at every step, or goes on speaking after a single input; all that changes
# is at which steps there are inputs and targets. The state before the first step can be zeros, or learned like a
# weight: the way back ends in its derivative.
#
# The last row cuts the gradient every two steps (*truncated* back-propagation through time). The targets there depend
# on bits two and three steps back, and what lies behind a cut is never learned.

# %%
_ = four_shapes.lesson(folder)
Image(folder / "four_shapes.png", width=500)

# %% [markdown]
# ## Exercises
#
# 1. How few units still spell "namaskar"? (`next_character.learn_word(word, num_units)`)
# 2. Truncate at 3 and at 4 steps. Which of the two bits of the target is learned first?
# 3. The loss of the truncated network falls at first and then rises again. Truncation makes the gradient wrong, not
#    only short: what does the network trade for what?
