# %% [markdown]
# # From scratch 1: the neuron and the perceptron
#
# A neuron weighs what arrives, adds a bias, and passes the sum on through an *activation*. That is all. What makes
# networks of them useful is that they *learn*: from the error of the answer one can compute, for every weight, in
# which direction to change it. This notebook goes from one neuron to a layer of them, with nothing but NumPy, and ends
# with a network saved in two files.
#
# ## What a neuron says
#
# Below, each activation (line) and its slope (dashes). The slope matters because learning multiplies with it: a
# sigmoid far from zero is flat, and hardly learns.

# %%
from pathlib import Path

import numpy as np
from IPython.display import Image

from from_scratch import mlp, neuron, saving, xor, xor_by_hand
from from_scratch.gradient_check import largest_errors
from from_scratch.lesson import save_picture
from from_scratch.losses import squared_error

folder = Path("runs/from_scratch")
_ = save_picture(neuron.draw_activations, folder, "activations")
Image(folder / "activations.png", width=700)

# %% [markdown]
# ## The way forward and the way back
#
# One layer, for a batch of cases at once, with a row for each case:
#
# ```
# z = x W + b        a = f(z)
# ```
#
# The way back starts from `da`, how much the loss changes with what the layer said, and uses the chain rule once for
# each operation: through the activation, then through the product.
#
# ```
# dz = da f'(z)      dW = x^T dz      db = sum of dz      dx = dz W^T
# ```
#
# `dx` is what the layer below gets as its `da`. Here are three cases, two inputs, three hidden units and an output.

# %%
rng = np.random.default_rng(0)
params = mlp.init_params([2, 3, 1], rng)
x, target = rng.normal(size=(3, 2)), rng.normal(size=(3, 1))
said = mlp.forward(x, params, ["tanh", "linear"])
print("shapes of what each layer says:", [layer.shape for layer in said])
loss, danswer = squared_error(said[-1], target)
grads, dx = mlp.backward(danswer, said, params, ["tanh", "linear"])
print({name: grad.shape for name, grad in grads.items()})

# %% [markdown]
# Is it right? A derivative says what happens to the loss if a weight is changed a little. So change every weight a
# little, both ways, and look. The numbers are the largest difference, as a share of the largest derivative.

# %%
largest_errors(lambda: squared_error(mlp.forward(x, params, ["tanh", "linear"])[-1], target)[0], params, grads)

# %% [markdown]
# ## Learning "or"
#
# One sigmoid neuron learns when at least one of two inputs is true. Its weights can be changed after every case, after
# every two, or after all four; and learning can stop when the error is small, when the weights hardly change any more,
# or after a fixed number of epochs. "Hardly change" stops earliest where the steps are smallest, which says nothing
# about the error.

# %%
_ = neuron.lesson(folder)
Image(folder / "neuron.png", width=450)

# %% [markdown]
# ## One step with pencil and paper
#
# Two inputs, three hidden units, one output; the input is (1, 1), the wanted output 0. The example comes from a
# tutorial that has been copied many times, with its weights. Two things in it deserve a second look. Its intermediate
# results are rounded to two digits, so its output is right to three. And where the chain rule says that an output
# weight should change by delta *times* what its hidden unit says, the tutorial *divides* by it.

# %%
_ = xor_by_hand.lesson(folder)
Image(folder / "xor_by_hand.png", width=450)

# %% [markdown]
# For this one case both steps lower the error, because their signs agree. But the gradient changes most the weights
# that matter most, and the division those that matter least. In the second half of the last table the first hidden
# unit is nearly silent: the division changes its output weight by more than 150, and the error over all four cases of
# exclusive or goes up.
#
# ## Exclusive or
#
# No single neuron can learn it: no straight line separates (0, 1) and (1, 0) from (0, 0) and (1, 1). With a hidden
# layer it can be done, but whether gradient descent gets there depends on where the weights begin. With two hidden
# units, which is all one needs, it gets stuck from many beginnings. With more units there are more ways down.

# %%
_ = xor.lesson(folder)
Image(folder / "xor.png", width=750)

# %% [markdown]
# ## Keeping a network
#
# What the network is goes into a JSON file that a person can read; its numbers go into an HDF5 file. No code is in
# them, so opening the files of a stranger runs nothing.

# %%
_ = saving.lesson(folder)
Image(folder / "saving.png", width=650)

# %% [markdown]
# ## Exercises
#
# 1. Start all weights of the exclusive-or network at zero. What happens, and why does the bias not help?
# 2. Give the perceptron a *rectified linear* activation, max(0, z), in `ACTIVATIONS`. Does the gradient check still
#    pass? At which z may it fail?
# 3. Learn "or" with a learning rate of 50. Watch the error, and the slope of the sigmoid.
