# %% [markdown]
# # Lesson 8: dynamics: settling, oscillation, chaos
#
# *One hour. You need lessons 1 to 5.*
#
# A feed-forward network maps an input to an output and is done. A recurrent network goes on: leave it alone, and its
# state moves for ever by its own rule, $h_{t+1} = \tanh(h_t W + b)$. It is a *dynamical system*, and there are three
# things it can do in the long run: settle at a point (a *point attractor*), go round in a cycle (*oscillation*), or
# wander without ever repeating itself (*chaos*). A memory is an attractor, a rhythm is a cycle, and chaos is what makes
# gradients explode.
#
# After this lesson you can find out which of them a network does, predict when it changes, and say what training does
# to it. Networks of one, two and three units are enough to see everything.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from from_scratch import rnn, through_time
from from_scratch.lesson import COLORS, exercise, use_style
from from_scratch.optimizers import Adam, clip_by_norm

use_style()

# %% [markdown]
# ## 1. One unit: fixed points and the cobweb
#
# The smallest recurrent network is one unit that feeds itself with the weight $w$:
#
# $$h_{t+1} = \tanh(w\,h_t + b)$$
#
# A *fixed point* $h^*$ stays where it is: $h^* = \tanh(w h^* + b)$. Does a state nearby come back to it? A small
# distance $\varepsilon$ is multiplied by the slope of the map in each step:
#
# $$\varepsilon_{t+1} \approx f'(h^*)\,\varepsilon_t$$
#
# $$f'(h^*) = w\,(1 - h^{*2})$$
#
# If $|f'(h^*)| < 1$ the fixed point is *stable*, an attractor; else the state leaves it. With $b = 0$ zero is always a
# fixed point, and its slope is $w$: it loses its stability at $w = 1$ and at $w = -1$.


# %%
def orbit(w, b, h, num_steps):
    """The states of one unit, the first included."""
    states = [h]
    for _ in range(num_steps):
        states.append(np.tanh(w * states[-1] + b))
    return np.array(states)


settled = {w: orbit(w, 0, 0.3, 1000)[-2:] for w in (0.5, 2, -2)}
assert np.allclose(settled[0.5], 0)  # forgets where it began
assert np.allclose(settled[2], 0.9575, atol=1e-4)  # the positive solution of h = tanh(2 h)
assert np.allclose(np.tanh(2 * settled[2][0]), settled[2][0])
assert np.allclose(settled[-2][0], -settled[-2][1])  # alternates between two states
assert np.isclose(abs(settled[-2][0]), 0.9575, atol=1e-4)

# %% [markdown]
# A *cobweb* shows an orbit without any calculation: go from the state up to the curve (that is the next state), then
# across to the diagonal (make it the present state), then up to the curve again. Fixed points are where the curve
# crosses the diagonal; whether the web closes in on one depends on the slope there.


# %%
def draw_cobweb(axes, function, states, low=-1.0, high=1.0):
    line = np.linspace(low, high, 201)
    axes.plot(line, function(line), label="next state")
    axes.plot(line, line, color="grey", linewidth=0.8, label="same state")
    corners = np.repeat(states, 2)
    axes.plot(corners[:-1], corners[1:], "-", linewidth=1, color=COLORS[1], label="orbit")
    axes.plot(states[0], states[0], "o", color=COLORS[1], label="start")
    axes.set(xlabel="state $h_t$", ylabel="next state $h_{t+1}$", aspect="equal")


figure, all_axes = plt.subplots(3, 1, figsize=(4.2, 11.4))
for axes, (w, title) in zip(all_axes, {0.5: "forgets", 2: "remembers the sign", -2: "oscillates"}.items(), strict=True):
    draw_cobweb(axes, lambda h, w=w: np.tanh(w * h), orbit(w, 0, 0.3, 12))
    axes.set_title(f"$w = {w}$: {title}")
all_axes[0].legend()
plt.show()

# %% [markdown]
# - $w = 0.5$: every state decays to zero. Such a unit forgets, at the rate $w$.
# - $w = 2$: two attractors, at $\pm 0.9575$, and zero pushes away. The unit keeps *one bit* for ever: on which side it
#   began. **This is how a plain recurrent network stores something: in which attractor it is.**
# - $w = -2$: the state changes its sign at every step, a cycle of period two.
#
# ## 2. The bifurcation diagram
#
# Vary $w$, let the unit run until it has settled, and draw the states that it still visits. Where their number changes
# there is a *bifurcation*: a *pitchfork* at $w = 1$ (one attractor becomes two), a *period doubling* at $w = -1$.

# %%
weights = np.linspace(-3, 3, 601)
figure, axes = plt.subplots()
for start, color, marker, label in ((0.5, 0, ".", "from $h_0 = 0.5$"), (-0.5, 1, "x", "from $h_0 = -0.5$")):
    states = orbit(weights, 0, np.full(weights.shape, start), 2000)[-2:]  # (2, weights)
    for late in states:
        axes.plot(weights[::6], late[::6], marker, markersize=3, linestyle="none", color=COLORS[color], label=label)
        label = None
axes.set(xlabel="recurrent weight $w$", ylabel="states visited in the end", title="One unit: bifurcations at -1 and 1")
axes.legend(loc="lower center")
plt.show()

# %% [markdown]
# ## 3. The Lyapunov exponent
#
# One number tells the three kinds of behaviour apart. Two states that begin a tiny distance apart are, after $T$ steps,
# apart by about $e^{\lambda T}$ times as much. The *Lyapunov exponent* $\lambda$ is the mean logarithm of the slopes
# along the orbit:
#
# $$\lambda = \lim_{T\to\infty} \frac1T \sum_{t=1}^{T} \ln \left| f'(h_t) \right|$$
#
# With several units, a small *vector* $v$ is carried along by the matrix of derivatives, $v \leftarrow v J_t$ with
# $J_t = W\,\mathrm{diag}(1 - h_{t+1}^2)$, and we measure how much longer it becomes. That is the matrix by which
# back-propagation multiplies, too: **the Lyapunov exponent is the rate at which the gradient vanishes or explodes**.
#
# | | $\lambda$ | the gradient |
# | --- | --- | --- |
# | point attractor, stable cycle | negative | vanishes |
# | a rotation that drifts | zero | keeps its size |
# | chaos | positive | explodes |


# %%
def lyapunov(W, b, h, num_steps=4000, num_first=500):
    """The largest Lyapunov exponent of h -> tanh(h W + b), and the last state; the first steps do not count."""
    v, total = np.arange(1.0, len(h) + 1), 0.0  # any small difference will do
    for t in range(num_steps):
        h = np.tanh(h @ W + b)
        v = (v @ W) * (1 - h**2)
        length = np.linalg.norm(v) + 1e-300
        v /= length
        total += np.log(length) if t >= num_first else 0.0
    return total / (num_steps - num_first), h


# A number known from theory: near the attractor at zero every distance is multiplied by w.
assert np.isclose(lyapunov(np.array([[0.5]]), 0, np.array([0.3]))[0], np.log(0.5), atol=1e-6)
# For w = 2 the slope at the attractor is w (1 - h*^2).
assert np.isclose(lyapunov(np.array([[2.0]]), 0, np.array([0.3]))[0], np.log(2 * (1 - 0.957504**2)), atol=1e-4)

exponents = [lyapunov(np.array([[w]]), 0, np.array([0.3]), 1000)[0] for w in weights[::10]]
figure, axes = plt.subplots(figsize=(5, 3))
axes.plot(weights[::10], np.maximum(exponents, -4))
axes.axhline(0, color="grey", linewidth=0.8)
axes.set(xlabel="recurrent weight $w$", ylabel=r"Lyapunov exponent $\lambda$", title="One unit is never chaotic")
plt.show()
assert max(exponents) < 0.01

# %% [markdown]
# The exponent touches zero at the bifurcations and is negative elsewhere. One unit cannot be chaotic: its curve always
# rises, or always falls, and chaos needs a curve that folds.
#
# ## 4. Two units: phase portraits
#
# With two units the state is a point in a plane, and its orbits make a *phase portrait*. Let $W$ be a rotation by an
# angle $\theta$, times a gain $g$. Near zero the network is linear, and its *eigenvalues*, $g e^{\pm i\theta}$, tell
# everything: the state turns by $\theta$ in each step and becomes $g$ times as long.

# %%
theta = 0.5
rotation = np.array([[np.cos(theta), np.sin(theta)], [-np.sin(theta), np.cos(theta)]])


def trajectory(W, h, num_steps):
    states = [np.array(h)]
    for _ in range(num_steps):
        states.append(np.tanh(states[-1] @ W))
    return np.array(states)


def mean_period(states):
    """Steps for one turn around zero."""
    angles = np.unwrap(np.arctan2(states[:, 1], states[:, 0]))
    return 2 * np.pi * (len(states) - 1) / abs(angles[-1] - angles[0])


assert np.allclose(np.abs(np.linalg.eigvals(1.3 * rotation)), 1.3)
cycle = trajectory(1.05 * rotation, [0.1, 0], 4000)[1000:]
assert np.isclose(mean_period(cycle), 2 * np.pi / theta, rtol=0.01)  # 12.6 steps
assert abs(lyapunov(1.05 * rotation, 0, np.array([0.1, 0]))[0]) < 0.005  # it drifts round: zero
assert np.isclose(lyapunov(0.9 * rotation, 0, np.array([0.1, 0]))[0], np.log(0.9), atol=1e-3)

# %%
networks = {
    "gain 0.9: spirals into a point": 0.9 * rotation,
    "gain 1.3: settles on a cycle": 1.3 * rotation,
    "two units with $w = 2$: four attractors": 2 * np.eye(2),
}
figure, all_axes = plt.subplots(3, 1, figsize=(4.2, 12))
for axes, (name, W) in zip(all_axes, networks.items(), strict=True):
    for number, angle in enumerate(np.linspace(0.2, 2 * np.pi + 0.2, 9)[:-1]):
        for radius in (0.1, 0.95):
            states = trajectory(W, [radius * np.cos(angle), radius * np.sin(angle)], 40)
            axes.plot(*states.T, "-", linewidth=0.8, color=COLORS[number % 6])
            axes.plot(*states[0], ".", markersize=4, color=COLORS[number % 6])
            axes.plot(
                *states[-1],
                "*",
                markersize=10,
                color="black",
                label="after 40 steps" if number + radius < 0.2 else None,
            )
    axes.set(xlabel="unit 1", ylabel="unit 2", title=name, xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
all_axes[0].legend(loc="upper right")
plt.show()

# %% [markdown]
# The last network has $2 \cdot 2 = 4$ attractors. $N$ such units have $2^N$ of them: a state of $N$ numbers can hold
# $N$ bits (lesson 11 compares this with a hidden Markov model). Which attractor is reached depends on the quadrant in
# which the state begins; the set of states that end in an attractor is its *basin*.
#
# ## 5. Three units: a ring that oscillates
#
# Three units, each inhibiting the next: $h^{(1)} \dashv h^{(2)} \dashv h^{(3)} \dashv h^{(1)}$. The eigenvalues of the
# ring are $-g$ times the three cube roots of one, so two of them are at an angle of 60 degrees: if $g > 1$, a cycle of
# six steps.

# %%
ring = -1.2 * np.roll(np.eye(3), 1, axis=1)
states = trajectory(ring, [0.1, -0.05, 0.02], 60)

assert np.allclose(sorted(np.abs(np.angle(np.linalg.eigvals(ring), deg=True))), [60, 60, 180])
assert np.allclose(states[-1], states[-7], atol=1e-3)  # the same again six steps later

figure, axes = plt.subplots(figsize=(5, 3.2))
for unit, style in enumerate(("-", "--", ":")):
    axes.plot(states[:, unit], style, label=f"unit {unit + 1}")
axes.set(
    xlabel="time step $t$", ylabel="state", title="A ring of three units that inhibit each other", ylim=(-1.1, 1.1)
)
axes.legend(ncols=3, loc="lower right")
plt.show()

# %% [markdown]
# ## 6. Chaos in two units
#
# Chaos needs stretching and folding. Two units with the right weights do it (Wang 1991 gives such networks). Both read
# the difference $u = h^{(2)} - h^{(1)}$, one with weight $g$, the other with weight $5g$:
#
# $$h^{(1)}_{t+1} = \tanh(g\,u_t)$$
#
# $$h^{(2)}_{t+1} = \tanh(5g\,u_t)$$
#
# Then the difference follows a map of its own, $u_{t+1} = \tanh(5g\,u_t) - \tanh(g\,u_t)$: for small $u$ it rises
# steeply, for large $u$ both units are saturated and it falls. It is a hump, and it folds.


# %%
def two_units(g):
    return g * np.array([[-1.0, -5.0], [1.0, 5.0]])


def difference_map(u, g):
    return np.tanh(5 * g * u) - np.tanh(g * u)


states = trajectory(two_units(4.0), [0.0, 0.1], 12)
u = states[:, 1] - states[:, 0]
assert np.allclose(u[1:], difference_map(u[:-1], 4.0), atol=1e-9)

orbit_of_u = trajectory(two_units(4.0), [0.0, 0.1], 40) @ [-1, 1]
figure, axes = plt.subplots(figsize=(4.4, 4.4))
draw_cobweb(axes, lambda u: difference_map(u, 4.0), orbit_of_u, 0.0, 0.7)
axes.set(xlabel="difference $u_t$", ylabel="next difference $u_{t+1}$", title="The hump at $g = 4$, and 40 steps")
axes.legend(loc="upper right", frameon=True)
plt.show()

# %% [markdown]
# Now the same for every gain. Above, the differences that are still visited after 1,900 steps; below, the exponent.

# %%
gains = np.linspace(0.1, 5, 700)
u, exponents = np.full(gains.shape, 0.1), np.zeros(gains.shape)
visited = []
for t in range(2000):
    slopes = 5 * gains * (1 - np.tanh(5 * gains * u) ** 2) - gains * (1 - np.tanh(gains * u) ** 2)
    exponents += np.log(np.abs(slopes) + 1e-300) / 1500 * (t >= 500)
    u = difference_map(u, gains)
    if t >= 1900:
        visited.append(u)

figure, (top, bottom) = plt.subplots(2, 1, figsize=(5, 6), sharex=True)
top.plot(np.tile(gains, 100), np.ravel(visited), ",", color=COLORS[0])
top.set(ylabel="differences $u$ visited in the end", title="The road to chaos: periods double, then no period is left")
bottom.plot(gains, np.maximum(exponents, -3), linewidth=0.8)
bottom.axhline(0, color="grey", linewidth=0.8)
bottom.set(xlabel="gain $g$ of the recurrent weights", ylabel=r"Lyapunov exponent $\lambda$")
plt.show()

assert (exponents > 0.2).any()
exponent, _ = lyapunov(two_units(4.0), 0, np.array([0.0, 0.1]))
assert np.isclose(exponent, exponents[np.argmin(np.abs(gains - 4))], atol=0.1)  # two units, and their difference
print(f"Lyapunov exponent at g = 4: {exponent:.2f}")

# %% [markdown]
# As the gain grows, a point attractor becomes a cycle of two states, of four, eight, …, and then chaos, with windows of
# order in between. Where $\lambda > 0$, a difference too small to be seen grows until it is as large as everything
# else:

# %%
one, other = (trajectory(two_units(4.0), [0.0, 0.1 + tiny], 60) for tiny in (0, 1e-10))
distance = np.linalg.norm(one - other, axis=1)
figure, (top, bottom) = plt.subplots(2, 1, figsize=(5, 5), sharex=True)
top.plot(one[:, 1] - one[:, 0], label="one")
top.plot(other[:, 1] - other[:, 0], "--", label=r"other, began $10^{-10}$ away")
top.set(ylabel="difference $u$", title="Two orbits that begin nearly equal", ylim=(-0.1, 0.9))
top.legend(loc="upper left", ncols=2)
bottom.semilogy(distance, label="distance of the two")
bottom.semilogy(distance[0] * np.exp(exponent * np.arange(61)), "--", label=r"$10^{-10}\, e^{\lambda t}$")
bottom.set(xlabel="time step $t$", ylabel="distance", ylim=(1e-11, 10))
bottom.legend()
plt.show()

# %% [markdown]
# ### How common is it?
#
# Random networks of one, two, three and ten units, 400 of each, with recurrent weights of standard deviation
# $g / \sqrt{N}$: what do they do in the end?


# %%
def shares(num_units, gain, num_networks=400, num_steps=1500, num_first=500):
    """The shares of random networks that settle at a point, oscillate, and are chaotic."""
    rng = np.random.default_rng(0)
    W = gain * rng.normal(size=(num_networks, num_units, num_units)) / np.sqrt(num_units)
    b = 0.5 * rng.normal(size=(num_networks, 1, num_units))
    h, v = rng.uniform(-1, 1, b.shape), rng.normal(size=b.shape)
    total = np.zeros(num_networks)
    for t in range(num_steps):
        before, h = h, np.tanh(h @ W + b)
        v = (v @ W) * (1 - h**2)
        length = np.linalg.norm(v, axis=(1, 2), keepdims=True) + 1e-300
        v = v / length
        total += np.log(length[:, 0, 0]) * (t >= num_first)
    point = np.abs(h - before).max(axis=(1, 2)) < 1e-6
    chaos = total / (num_steps - num_first) > 0.01
    return point.mean(), (~point & ~chaos).mean(), chaos.mean()


sizes, gains = (1, 2, 3, 10), (0.5, 1, 2, 4, 8)
found = {size: np.array([shares(size, gain) for gain in gains]) for size in sizes}  # (gains, kinds)
figure, all_axes = plt.subplots(4, 1, figsize=(5, 8), sharex=True)
for axes, size in zip(all_axes, sizes, strict=True):
    bottoms = np.zeros(len(gains))
    for kind, label, hatch in zip(range(3), ("point", "cycle", "chaos"), ("", "//", ".."), strict=True):
        heights = 100 * found[size][:, kind]
        axes.bar([str(gain) for gain in gains], heights, bottom=bottoms, color=COLORS[kind], hatch=hatch, label=label)
        bottoms += heights
    axes.set(ylabel="percent", title=f"{size} unit{'s' if size > 1 else ''}")
all_axes[0].legend(loc="lower left", ncols=3, frameon=True)
axes.set(xlabel="gain $g$ of the recurrent weights")
plt.show()
assert found[1][:, 2].max() == 0
assert found[10][:, 2].max() > found[2][:, 2].max()

# %% [markdown]
# Small weights settle; larger ones oscillate; chaos needs some units and a gain that is neither small nor so large that
# all units are saturated. An initialization with gain 1 or less begins on the quiet side.
#
# ## 7. What training does to it
#
# Teach one unit to keep a bit: at the first step the input is $\pm 1$, afterwards only noise, and the state shall have
# the sign of the bit. It begins with $w = 0.4$: one attractor, nothing can be kept. To solve the task the weight must
# cross 1, where the attractor splits in two (Doya 1992: learning goes through bifurcations).


# %%
def learn_to_keep(targets_at, num_updates=1500, num_steps=20):
    """Train one unit; returns the loss, the recurrent weight and the bias over the updates."""
    rng = np.random.default_rng(0)
    params = {"W_xh": np.array([[0.5]]), "W_hh": np.array([[0.4]]), "b_h": np.zeros(1)}
    optimizer, history = Adam(0.01), []
    for _ in range(num_updates):
        bits = rng.choice([-1.0, 1.0], 32)
        x = 0.3 * rng.normal(size=(32, num_steps, 1))
        x[:, 0, 0] = bits
        walk = through_time.forward(rnn, x, params)
        dh = np.zeros_like(walk.h)
        dh[:, targets_at] = (walk.h - 0.8 * bits[:, None, None])[:, targets_at]
        history.append([(walk.h[:, -1, 0] - 0.8 * bits) @ (walk.h[:, -1, 0] - 0.8 * bits) / 64, params["W_hh"].item()])
        grads, _, _ = through_time.backward(rnn, walk, x, params, dh / dh[:, targets_at].size)
        optimizer.update(params, clip_by_norm(grads, 1.0))
    return np.array(history)


taught = {
    "targets at every step": learn_to_keep(slice(None)),
    "target at the last step": learn_to_keep(slice(-1, None)),
}
figure, (top, middle, bottom) = plt.subplots(3, 1, figsize=(5, 7.5), sharex=True)
for (name, history), style in zip(taught.items(), ("-", "--"), strict=True):
    top.plot(np.convolve(history[:, 0], np.ones(20) / 20, "same")[10:-10], style, label=name)
    middle.plot(history[:, 1], style, label=name)
top.set(ylabel="loss at the last step", title="One unit learns to keep a bit, or does not", ylim=(0, None))
middle.axhline(1, color="grey", linewidth=0.8)
middle.set(ylabel="recurrent weight $w$")
middle.legend()
w_over_time = taught["targets at every step"][:, 1]
for start in (-0.5, 0.5):
    bottom.plot(orbit(w_over_time, 0, np.full(w_over_time.shape, start), 2000)[-1], color=COLORS[0])
bottom.set(
    xlabel="update of the weights", ylabel="attractors", title="targets at every step: one attractor becomes two"
)
plt.show()

assert taught["targets at every step"][-1, 1] > 1
assert taught["target at the last step"][-1, 1] < 1

# %% [markdown]
# With targets at every step the near ones pull the weight up to the bifurcation, and past it the far ones are reached,
# too. With the target at the last step alone nothing happens: while $w < 1$ the gradient over 19 steps is at most
# $w^{19}$ times the error (at $w = 0.4$, $3 \cdot 10^{-8}$). **The unit would need the memory to learn the memory.**
#
# That is the dilemma of the plain recurrent network (Bengio, Simard and Frasconi 1994): to keep a bit safe from noise
# it must sit in an attractor, and in an attractor $|f'| < 1$, so the gradient vanishes. The LSTM of lesson 6 gets out
# of it with a cell whose slope is *one*.

# %%
slope = 2 * (1 - 0.957504**2)
pd.DataFrame(
    {
        "w": [0.4, 1.0, 2.0],
        "keeps a bit": ["no", "hardly", "yes"],
        "slope at the attractor": [0.4, 1.0, slope],
        "gradient after 19 steps": [0.4**19, 1.0, slope**19],
    }
)

# %% [markdown]
# ### Teaching an oscillation
#
# Two units without input start at $(0.8, 0)$ and shall go round a circle, once in ten steps; targets stand at the first
# twenty steps. The untrained network dies out. Training turns its point attractor into a cycle:

# %%
num_taught, start = 20, np.array([[0.8, 0.0]])
angles = 2 * np.pi * np.arange(1, num_taught + 1) / 10
circle = 0.8 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)[None]  # (1, time, 2)

params = {"W_xh": np.zeros((0, 2)), "W_hh": 0.5 * rotation, "b_h": np.zeros(2)}
before = params["W_hh"].copy()
optimizer, nothing, losses = Adam(0.01), np.zeros((1, num_taught, 0)), []
for _ in range(600):
    walk = through_time.forward(rnn, nothing, params, {"h": start})
    losses.append(((walk.h - circle) ** 2).mean() / 2)
    grads, _, _ = through_time.backward(rnn, walk, nothing, params, (walk.h - circle) / circle.size)
    optimizer.update(params, clip_by_norm({name: grads[name] for name in ("W_hh", "b_h")}, 1.0))
after, bias = params["W_hh"], params["b_h"]

figure, axes = plt.subplots(figsize=(4.4, 4.8))
for W, b, name, style in ((before, 0, "before", "-"), (after, bias, "after training", ".-")):
    states = [start[0]]
    for _ in range(200):
        states.append(np.tanh(states[-1] @ W + b))
    axes.plot(*np.array(states).T, style, linewidth=0.8, markersize=3, label=name)
axes.plot(*circle[0].T, "x", color="black", label="targets")
axes.set(xlabel="unit 1", ylabel="unit 2", title="A point becomes a cycle", aspect="equal")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)
plt.show()

late = np.array(states)[100:]
dynamics = pd.DataFrame(
    {
        "size of the eigenvalues": [np.abs(np.linalg.eigvals(W)).max() for W in (before, after)],
        "Lyapunov exponent": [lyapunov(W, b, start[0])[0] for W, b in ((before, 0), (after, bias))],
    },
    index=["before", "after training"],
)
assert losses[-1] < losses[0] / 100
assert abs(mean_period(late) - 10) < 0.2  # it goes on long after the last target
assert dynamics.loc["before", "Lyapunov exponent"] < -0.5
assert abs(dynamics.loc["after training", "Lyapunov exponent"]) < 0.05
dynamics.round(3)

# %% [markdown]
# ## 8. The same in Keras
#
# A `SimpleRNN` without input runs the chaotic network. Keras computes with 32 bits. The rounding, about $10^{-7}$,
# grows like any other difference: after some thirty steps its orbit has nothing to do with ours, though both are right.

# %%
from common.inference.keras_start import start_keras

keras = start_keras()
layer = keras.layers.SimpleRNN(2, return_sequences=True)
layer.build((1, 60, 1))
layer.set_weights([np.zeros((1, 2)), two_units(4.0), np.zeros(2)])
in_keras = np.array(layer(np.zeros((1, 60, 1)), initial_state=np.array([[0.0, 0.1]])))[0]
ours = trajectory(two_units(4.0), [0.0, 0.1], 60)[1:]

apart = np.abs(in_keras - ours).max(axis=1)
assert apart[:5].max() < 1e-4
assert apart[30:].max() > 0.1

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: where does a unit settle?
#
# Return the state at which a unit with $|w| < 1$ settles, whatever its bias.


# %% tags=["exercise"]
def settled_state(w, b):
    raise NotImplementedError("Return the h for which h = tanh(w h + b).")


# %% tags=["check"]
with exercise(1):
    for w, b in ((0.5, 0.0), (0.9, 0.3), (-0.7, 1.0)):
        h = settled_state(w, b)
        assert abs(np.tanh(w * h + b) - h) < 1e-6, f"w = {w}, b = {b}: {h} goes to {np.tanh(w * h + b)}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 1</summary>
#
# Let it run. The distance shrinks at least by the factor $|w|$ in each step, so it must arrive:
#
# ```python
# def settled_state(w, b):
#     return orbit(w, b, 0.0, 1000)[-1]
# ```
#
# </details>

# %% [markdown]
# ### Exercise 2: is the cycle stable?
#
# For $w < -1$ a unit without bias alternates between $h$ and $-h$. A small distance is multiplied, in two steps, by the
# product of the two slopes (the *multiplier* of the cycle). Return it for a given $w$.


# %% tags=["exercise"]
def multiplier(w):
    raise NotImplementedError("Find h on the cycle, and return the product of the slopes at h and at -h.")


# %% tags=["check"]
with exercise(2):
    for w in (-1.5, -2.0, -3.0):
        h = orbit(w, 0, 0.3, 1000)[-1]
        moved = (orbit(w, 0, h + 1e-5, 2)[-1] - orbit(w, 0, h - 1e-5, 2)[-1]) / 2e-5
        assert np.isclose(multiplier(w), moved, rtol=1e-3), f"w = {w}: got {multiplier(w):.4f}, measured {moved:.4f}"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 2</summary>
#
# Both slopes are $w(1 - h^2)$:
#
# ```python
# def multiplier(w):
#     h = orbit(w, 0, 0.3, 1000)[-1]
#     return (w * (1 - h**2)) ** 2
# ```
#
# It is below 1 for every $w < -1$: the cycle is an attractor.
#
# </details>

# %% [markdown]
# ### Exercise 3: an oscillator to order
#
# Choose the weights (2, 2) of a network of two units that goes round once in eight steps, and does not die out.


# %% tags=["exercise"]
def oscillator():
    raise NotImplementedError("Return W of shape (2, 2).")


# %% tags=["check"]
with exercise(3):
    states = trajectory(np.array(oscillator()), [0.3, 0.1], 2000)[1000:]
    size = np.linalg.norm(states, axis=1).min()
    assert size > 0.1, f"after 1,000 steps the state has the length {size:.1e}: it dies out"
    assert abs(mean_period(states) - 8) < 0.1, f"a turn takes {mean_period(states):.2f} steps, wanted 8"

# %% [markdown] tags=["solution"]
# <details><summary>Solution of exercise 3</summary>
#
# A rotation by $2\pi/8$ in each step, with a gain above one:
#
# ```python
# def oscillator():
#     angle = 2 * np.pi / 8
#     return 1.2 * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
# ```
#
# </details>

# %% [markdown] tags=["quiz"]
# ## Ten questions
#
# <details><summary>1. Name the three kinds of long-run behaviour.</summary>
#
# Settling at a point attractor, oscillation, chaos.
#
# </details>
# <details><summary>2. When is a fixed point of one unit stable?</summary>
#
# When the slope of the map there is smaller than one in size: $|w(1 - h^{*2})| < 1$.
#
# </details>
# <details><summary>3. What does a unit with w = 2 remember, and where?</summary>
#
# One bit: whether it is near $0.9575$ or near $-0.9575$. Noise that does not carry it over zero is corrected.
#
# </details>
# <details><summary>4. What happens at w = 1, and what at w = -1?</summary>
#
# At 1 a pitchfork bifurcation: one attractor becomes two. At -1 a period doubling: the attractor becomes a cycle of two
# states.
#
# </details>
# <details><summary>5. What does a positive Lyapunov exponent mean?</summary>
#
# Nearby states move apart exponentially: chaos. Prediction fails after a time that grows only with the logarithm of the
# precision.
#
# </details>
# <details><summary>6. Why is one tanh unit never chaotic?</summary>
#
# Its map only rises or only falls. Chaos needs a map that stretches and folds.
#
# </details>
# <details><summary>7. What do the eigenvalues of W tell you?</summary>
#
# Near zero, how much the state grows in each step (their size) and by how much it turns (their angle).
#
# </details>
# <details><summary>8. How are the gradient and the Lyapunov exponent connected?</summary>
#
# Both come from products of the same matrices. If $\lambda < 0$ the gradient vanishes like $e^{\lambda k}$ over $k$
# steps, if $\lambda > 0$ it explodes.
#
# </details>
# <details><summary>9. Why is it hard for a plain network to learn to keep a bit?</summary>
#
# To keep it against noise the state must sit in an attractor, where slopes are below one and the gradient vanishes; and
# before there is an attractor, nothing of the bit reaches the end.
#
# </details>
# <details><summary>10. What did training do to the unit of section 7?</summary>
#
# It moved the recurrent weight through a bifurcation at $w = 1$: one attractor became two.
#
# </details>
#
# **Next:** [lesson 9](09_many_to_many.ipynb), many to many of two kinds.
