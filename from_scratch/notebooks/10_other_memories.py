# %% [markdown]
# # From scratch 6: models without a memory, and with other ones
#
# Recurrent networks were not the first to predict what comes next. Each older model remembers in its own way, and for
# each there is a sequence that it was made for:
#
# | model | what it remembers |
# | --- | --- |
# | last value | the value before |
# | autoregressive | a few values, weighted |
# | time-delay network | the same values, under a hidden layer |
# | linear dynamical system, with a Kalman filter | a state of numbers that turns linearly, seen through noise |
# | hidden Markov model | which of a few hidden states it is probably in |
# | Elman network | a state of numbers that may turn in any way |

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image

from from_scratch import other_memories

figure, axes_of = plt.subplots(3, 2, figsize=(10, 5), layout="constrained")
for axes, (name, make) in zip(axes_of.flat, other_memories.SEQUENCES.items(), strict=True):
    axes.plot(make(np.random.default_rng(1))[:120], ".-", linewidth=0.5)
    axes.set_title(name)
plt.show()

# %% [markdown]
# Every model learns from the first 800 values of a sequence and predicts the last 400, one step ahead. The table shows
# the mean squared error as a share of the variance: 1 is no better than always saying the mean.

# %%
folder = Path("runs/from_scratch")
_ = other_memories.lesson(folder)

# %% [markdown]
# - *random walk*: nobody beats the last value, because the next step is pure chance.
# - *two back*: two delay taps hold all there is to know; one, the last value, does not.
# - *noisy turn*: a Kalman filter averages over a long time while it turns its estimate along; four taps see too little.
# - *logistic map*: no noise at all, but the rule is a parabola. Everything linear fails, the networks find it.
# - *regimes*: two hidden states, seldom changed. The hidden Markov model weighs the evidence as one should.
# - *echo after ten*: what happened ten steps ago comes again. Four taps never see it; of all models here only the
#   Elman network can, and it gets a quarter of it.
#
# The Elman network could do all of this in principle, and does badly where there is little but noise to learn from:
# what can represent everything needs more data to find out what is there.

# %%
Image(folder / "other_memories.png", width=900)

# %% [markdown]
# ## Exercises
#
# 1. Give the autoregressive model 12 taps. What happens to the echo, and what to the regimes?
# 2. Replace the Elman network by the LSTM of `from_scratch.lstm`.
# 3. The Kalman filter is told its state has two numbers. On which of the sequences is one enough?
