# %% [markdown]
# # From scratch 3: gradients that vanish and explode
#
# Going back through time, the gradient is multiplied by the recurrent weights at every step, and by the slopes of the
# activations. Whatever is multiplied a hundred times by about the same number becomes nothing, or everything.
#
# ## How far back does it reach?
#
# The loss looks at the last state only. The curves show how much it would change with the state k steps before.

# %%
from pathlib import Path

from IPython.display import Image

from from_scratch import adding_problem, lstm, rnn, vanishing_gradients
from from_scratch.lesson import show_table

folder = Path("runs/from_scratch")
_ = vanishing_gradients.lesson(folder)
Image(folder / "vanishing_gradients.png", width=550)

# %% [markdown]
# - The Elman network's gradient shrinks by a third with every step, though its weights begin as a rotation, which
#   changes no length: the slope of tanh is below one.
# - With larger weights it grows instead, and one batch can throw all weights far away.
# - In an LSTM the cell is passed on by multiplication with the forget gate alone. With a bias of 5 the gate is open to
#   99.3%, and what comes along the cell has lost half of its size after a hundred steps. (The curve even rises: the
#   gradient also goes through the gates, and at every step a little of that joins the cell.)
#
# Against explosion there is a simple cure: shorten a gradient that is too long. Cutting each number by itself is
# simpler still, but the direction turns.
#
# ## The adding problem
#
# Numbers go by, two of them are marked, and at the end the network says their sum. Who always answers 1 has a mean
# squared error of 1/6. Here over 60 steps; `python -m from_scratch.adding_problem` takes 100, 200 and 400, for some
# minutes.

# %%
rows = []
for name, cell, rate in (("LSTM", lstm, 0.01), ("Elman", rnn, 0.001)):
    params, errors = adding_problem.learn_to_add(cell, 60, max_updates=1500, learning_rate=rate)
    rows.append([name, len(errors), errors[0], adding_problem.error_over_new(cell, params, 60)])
show_table(["network", "batches", "error at first", "over new rows"], rows)

# %% [markdown]
# ## Exercises
#
# 1. Start the LSTM of the adding problem with a forget bias of 1 for all units (`adding_problem.make_params`). How
#    long does it take now?
# 2. Scale the recurrent weights of the GRU. Can you make its gradient explode?
# 3. Plot the norm of the gradient over the batches of a training, with and without clipping.
