# %% [markdown]
# # From scratch 5: a network that adds
#
# Two binary numbers are added as on paper: column by column from the right, with a carry. The network has three hidden
# units. It sees two bits at a time and must say the bit of the sum; about the carry it has to find out by itself. It
# learns from numbers of at most eight bits.

# %%
from pathlib import Path

import numpy as np
from IPython.display import Image

from from_scratch import binary_addition

x, total = binary_addition.sums(1, 6, np.random.default_rng(3))
for name, bits in (("first", x[0, :, 0]), ("second", x[0, :, 1]), ("sum", total[0])):
    print(f"{name:>7}", *(int(bit) for bit in bits[::-1]))

# %% [markdown]
# Beside it, a feed-forward network gets all columns at once.

# %%
folder = Path("runs/from_scratch")
_ = binary_addition.lesson(folder)

# %% [markdown]
# From a quarter of the beginnings the network learns it, and then it has learned it for good: ten thousand sums of 64
# bits, or numbers of a thousand bits, and no bit is wrong. The feed-forward network does not even get all numbers of
# the length it was trained on, and knows nothing about columns that were always zero in training.
#
# The last table says why. Name each hidden state by what it means: is there a carry, and what is printed? Then the next
# state depends on the state and the two bits, every time: it is a *finite automaton* with four states. The picture
# shows all hidden states there were; each of the four is a few small clouds.

# %%
Image(folder / "binary_addition.png", width=800)

# %% [markdown]
# ## Exercises
#
# 1. Can two hidden units do it? Three can by counting: at least one of the two bits and the carry, at least two, all
#    three. Which weights would you write down?
# 2. Train on numbers of exactly eight bits. Does it still generalise? What of two bits?
# 3. Let the network learn subtraction.
