# %% [markdown]
# # From scratch 4: cells with gates
#
# A gate is a layer of sigmoid units whose numbers, between 0 and 1, say how much of something gets through. The LSTM
# has three of them around a *cell*, the GRU two around its state.

# %%
import inspect
from pathlib import Path

from IPython.display import Image

from from_scratch import agreement, character_model, gru, lstm

folder = Path("runs/from_scratch")
for function in (lstm.step, lstm.step_back, gru.step):
    print(inspect.getsource(function))

# %% [markdown]
# ## What the gates do over a sentence
#
# Sentences of a small grammar: "the dogs that the cat near the boats sees run ." The verb agrees with a noun that may
# stand many words before, with other nouns and a whole inner sentence between them. The network only learns to say the
# next word; nobody tells it about subjects. A verb counts as right if its form with the right number is likelier than
# the other.

# %%
_ = agreement.lesson(folder)
Image(folder / "agreement.png", width=950)

# %% [markdown]
# Read the picture from top to bottom, a row for each word, a column for each unit. Most gates are nearly open or
# nearly shut. Columns of the cell that change colour at a noun and keep it until its verb has come may hold its number.
# Which ones do is easily found out: read the sentence again with "dog" for "dogs", and see which unit differs all the
# way to "run"; then with "cats" for "cat", to "sees". The second table shows by how much: the two numbers are kept in
# two places, so that "sees" agrees with the cat while the dogs wait.
#
# ## A language model over characters
#
# The same cell reads a long text piece by piece, its state carried on, its gradient cut at the end of each piece; and
# it writes a few lines after every epoch. One minute, on some short stories, is enough for the shape of words, not for
# words.

# %%
text = character_model.SAMPLE_TEXT.read_text(encoding="utf-8")
model = character_model.learn_text(text, minutes=1, num_units=128, batch_size=32, learning_rate=0.01, dropout=0.1)

# %% [markdown]
# ## Exercises
#
# 1. Which unit of the cell holds the number of the first noun? Change "dogs" to "dog" and compare the two cells.
# 2. A GRU has fewer weights for the same state. Give both the same number of *weights*; which is better at the verbs?
# 3. Let the character model write with the probabilities squared and divided by their sum (that is, at temperature
#    one half). What gets better, what gets worse?
