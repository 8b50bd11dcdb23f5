# %% [markdown]
# # Three questions to a trained network
#
# A recurrent network answers, and does not say why. This lesson puts three questions to models that are trained
# already, each with another instrument:
#
# | question | instrument | model |
# | --- | --- | --- |
# | Which words does an answer rest on? | attribution | ratings of reviews |
# | Does a unit know that a quotation is open? | units, with controls | language model of stories |
# | How far back does the state remember a word? | linear probes | the same |
#
# Each question ends with a check. An explanation that nothing could contradict is no explanation; so what would we see
# if it were wrong? The last section turns the second instrument on a network of 24 units, where all of them fit into
# one picture.
#
# Run the cells from the top; it takes two minutes on two processor cores. Everything is offline.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import interpretability
import language_model
import sentiment
from interpretability.controls import random_basis
from interpretability.gates import NAMES
from interpretability.reading import load_pieces, open_model, read_states
from interpretability.units import as_score, associate, associate_all

pd.set_option("display.max_colwidth", 100, "display.precision", 3)
DATA = Path(language_model.__file__).parent / "dataset"

# %% [markdown]
# ## Which words does an answer rest on?
#
# **Attribution** gives every word a weight: how much it does for the answer. The simplest method is *occlusion*: hide
# a word, and see how far the rating falls.

# %%
ratings = sentiment.load()
review = "The plot is thin and the music far too loud, but I laughed from start to end. A wonderful evening!"
explanation = sentiment.explain(ratings, review)
explanation

# %% [markdown]
# Blue words raise the rating, orange ones lower it. Do you agree?
#
# **The check.** If the weights say something about the model, then the review must suffer more when the three words
# of the largest positive weight are hidden than when any three others are.

# %%
tokens, weights = explanation.tokens, np.array(explanation.weights)


def rating_without(places):
    """The rating of the review when the words at these places are hidden."""
    hidden = ["<unk>" if place in places else token for place, token in enumerate(tokens)]
    return float(ratings.predict_tokens([hidden]).ratings[0])


strongest = np.argsort(-weights)[:3]
rng = np.random.default_rng(0)
others = [rating_without(rng.choice(len(tokens), 3, replace=False)) for _ in range(200)]
print("hidden:", ", ".join(tokens[place] for place in strongest))
print(f"whole review {rating_without([]):.2f}, without these three words {rating_without(strongest):.2f},")
print(f"without three words at random {np.mean(others):.2f}; the lowest of 200 draws {min(others):.2f}")
assert rating_without(strongest) < np.mean(others)

# %% [markdown]
# One review proves nothing. `python -m sentiment.explain --faithfulness` does the same for 500 of them, with intervals,
# for several methods, and with a second test: weights that stay the same when the network is randomized explain the
# words and not the network.
#
# ## Does a unit know that a quotation is open?
#
# The language model has read fairy tales. To guess the next word it would help to know whether somebody is speaking.
# If it knows, then it must be written somewhere in its *hidden state*, the numbers that it carries from word to word.
# First the raw material: for every token a number from each of its units.

# %%
stories = open_model("stories")
[(tokens, states)] = interpretability.hidden_states(stories, 'The fox looked up. "What a fine voice!" he said.')
for layer, values in states.items():
    print(layer, values.shape, "(tokens, units)")

# %% [markdown]
# 800 numbers at each of the tokens. Which of them has to do with quotations? Nobody needs to look at 800 pictures: the
# marks in the text say where a quotation is open, so every unit can be scored. The score is the **AUC**: take a token
# inside a quotation and one outside; how often is the unit higher inside? 0.5 is chance, 1 is always.
#
# But the best of 800 is good at anything, by luck alone. So the unit is **chosen on one half of the stories and scored
# on the other**, and beside it stand three **controls**:
#
# - *random bases*: the same states, turned at random. If the best of 800 random directions does as well, then the
#   network knows it, but no unit is special.
# - *untrained*: the same network before it learned anything.
# - *shuffled labels*: the labels of other places.

# %%
choosing = load_pieces(DATA / "train.csv", stories.reader, max_tokens=1000)
reporting = load_pieces(DATA / "test.csv", stories.reader, max_tokens=1000)
config = interpretability.UnitsConfig(concepts="quotation,capital,sentence", num_tokens=4000, num_controls=10)
found = interpretability.rank_units(stories, choosing, reporting, config)
pd.DataFrame(found.rows()[1:], columns=found.rows()[0]).set_index("concept")

# %% [markdown]
# Read it row by row. Is the interval of the unit above the largest of every control? Then it is *a unit of its own*.
# Compare the column *all units*, too: a regression that may use all 800. Where it is much better than the best unit,
# the network spreads what it knows.
#
# A picture of the unit over a story, with the gates that make it so (Karpathy, Johnson & Fei-Fei 2015 drew such
# pictures of networks that read programs):

# %%
best = next(result for result in found.results if result.concept.name == "quotation").units[0]
piece = next(piece for piece in reporting if piece.tokens[5:35].count('"') == 2)
shown = piece.tokens[:45]
states = next(read_states(stories, [shown], with_gates=True))
gates = states.gates[best.layer]
rows = {
    "state": best.sign * states.states[best.layer][:, best.unit],
    "cell (tanh)": best.sign * np.tanh(gates["c"][:, best.unit]),
    **{NAMES[name]: gates[name][:, best.unit] for name in ("i", "f", "o")},
}

figure, axes = plt.subplots(figsize=(13, 3.2), layout="constrained")
image = axes.imshow(np.stack(list(rows.values())), cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
axes.set_yticks(range(len(rows)), list(rows))
axes.set_xticks(range(len(shown)), shown, rotation=70, ha="right", rotation_mode="anchor")
axes.set(title=f"{best.layer}, unit {best.unit}{', upside down' * (best.sign < 0)}", xlabel="token read")
figure.colorbar(image, label="value")
plt.show()

# %% [markdown]
# Look for the quotation marks: at the opening one the cell turns. The gates below say how: an open input gate writes
# something new, a shut forget gate lets go of what the cell held.
#
# **The check.** The unit was found with stories. What does it do in a sentence that you make up, and when nothing but
# the marks is taken away?

# %%
figure, axes = plt.subplots(figsize=(11, 3.4), layout="constrained")
means = []
for text, color in (
    ('The fox looked up. "What a fine voice you have, and how well you sing!" he said.', "#0072b2"),
    ("The fox looked up. What a fine voice you have, and how well you sing! he said.", "#d55e00"),
):
    [(tokens, states)] = interpretability.hidden_states(stories, text)
    values = best.sign * states[best.layer][:, best.unit]
    kept = [place for place, token in enumerate(tokens) if token != '"']
    axes.plot(values[kept], color=color, marker="o", label="with marks" if '"' in text else "without marks")
    means.append(values[kept][5:9].mean())  # What a fine voice
axes.set_xticks(range(len(kept)), [tokens[place] for place in kept], rotation=45)
axes.set(xlabel="token read", ylabel=f"{best.layer}, unit {best.unit}")
axes.legend()
plt.show()
print("mean over “What a fine voice”: with marks {:+.2f}, without {:+.2f}".format(*means))
assert means[0] > means[1]

# %% [markdown]
# With the marks the unit is up from the first word on. Without them it is down, until *you*: who says *you* in a
# fairy tale is speaking. So the marks were only our label. What the unit follows is direct speech, and it finds that
# without any mark. A check can do more than confirm.
#
# `python -m interpretability.units --model stories --input FILE --output microscope.html` makes a page in which you
# choose any unit, see the text coloured by it, its gates, and the places where it is highest. It works on a phone.
#
# ## How far back does the state remember a word?
#
# A unit is one direction. A **linear probe** may use all of them: a logistic regression that is given the state and
# has to name the word that was read k steps before. If it can, the state still holds that word.
#
# A probe has its own way to deceive. Language helps: to say *once* before *upon* takes no memory. So beside it stands a
# guess from the current word alone, without any state. And a network with random weights remembers too, as an echo
# does; what was *learned* is what is above that.

# %%
config = interpretability.ProbeConfig(max_lag=6, num_tokens=4000, num_words=12, inverse_penalty=0.1)
probes = interpretability.train_probes(stories, choosing, reporting, config)
words = [result for result in probes.results if result.task.lag is not None]

figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
lags = [result.task.lag for result in words]
for number, color in ((0, "#0072b2"), (1, "#d55e00")):
    scores = [result.scores[number] for result in words]
    axes.plot(lags, [score.accuracy for score in scores], color=color, marker="o", label=scores[0].layer)
    axes.plot(lags, [score.untrained for score in scores], color=color, alpha=0.5, linestyle="--",
              label=f"{scores[0].layer}, untrained")  # fmt: skip
axes.plot(lags, [result.word_alone for result in words], color="grey", marker="x", label="current word alone")
axes.plot(lags, [result.most_frequent for result in words], color="grey", linestyle=":", label="most frequent word")
axes.set(xlabel="steps back", ylabel="held-out accuracy, among 12 words", ylim=(0, 1.02))
axes.legend()
plt.show()

# %%
for line in probes.memory():
    print(line)
assert words[1].scores[0].accuracy > words[1].word_alone

# %% [markdown]
# Two things surprise most people. Random weights remember well, as a reservoir does (Jaeger 2001). And training does
# not make the memory longer: from three words back the untrained network tells more. What was learned is to hold the
# last words better, and to forget the others sooner: they hardly help to guess the next one.
#
# **The check** is the control task (Hewitt & Liang 2019): give every word a label at random, and see whether the probe
# learns that as well. Where it does, the probe has told the words apart, and nothing more. The difference is called
# *selectivity*. Here it is below 0: these states name the word at hand so well that labels at random are easier than
# the question. A better accuracy than that of the word alone is then no proof of much.

# %%
table = pd.DataFrame(probes.rows()[1:], columns=probes.rows()[0])
table[table["control task"] != ""].set_index("task")

# %% [markdown]
# ## All units of a small network
#
# The lesson `from_scratch/agreement.py` trains an LSTM of 24 units, in NumPy, on sentences such as *the dogs that the
# cat near the boats sees run*. The last verb agrees with the first noun, however much stands between. So something
# must hold the number of that noun. Is it a unit?

# %%
from from_scratch import agreement, lstm

params, nats = agreement.learn_grammar(lstm)
print(f"{nats:.3f} nats for a word; right verbs by others between: {agreement.verbs_right(lstm, params)}")


def read_sentences(seed, num_sentences=300):
    """The cells of the LSTM (words, units) from the first noun to its verb, and whether that noun is plural."""
    rng, cells, labels = np.random.default_rng(seed), [], []
    for _ in range(num_sentences):
        words = agreement.sentence(rng)
        walk, _ = agreement.read(lstm, words, params)
        held = np.stack([kept["tanh_c"][0] for kept in walk.kept])[1:-1]  # the noun, …, the word before its verb
        cells.append(held)
        labels += [float(any(words[1] == plural for _, plural in agreement.NOUNS))] * len(held)
    return np.concatenate(cells), np.array(labels)


choosing_cells, choosing_labels = read_sentences(1)
cells, labels = read_sentences(2)
scores = associate_all(choosing_cells, [choosing_labels], [True])[0]
unit = int(np.abs(scores).argmax())
sign = np.sign(scores[unit])
own = as_score(sign * associate(cells[:, unit], labels, True), True)


def best_of_random(rng):
    """The held-out AUC of the best of 24 random directions."""
    basis = random_basis(cells.shape[1], rng)
    found = associate_all(choosing_cells @ basis, [choosing_labels], [True])[0]
    place = int(np.abs(found).argmax())
    return as_score(np.sign(found[place]) * associate((cells @ basis)[:, place], labels, True), True)


rng = np.random.default_rng(0)
random = [best_of_random(rng) for _ in range(100)]
print(f"unit {unit}: AUC {own:.3f} on sentences that it was not chosen on")
print(f"best of 24 random directions, 100 times: median {np.median(random):.3f}, largest {max(random):.3f}")

# %%
words = agreement.SENTENCE.split()
figure, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
for form, color in (("dog", "#d55e00"), ("dogs", "#0072b2")):
    walk, _ = agreement.read(lstm, [words[0], form, *words[2:]], params)
    values = np.stack([kept["tanh_c"][0] for kept in walk.kept])[:, unit]
    axes.plot(sign * values, color=color, marker="o", label=f"the {form} …")
axes.set_xticks(range(len(words)), words)
axes.set(xlabel="word read", ylabel=f"tanh of cell {unit}", ylim=(-1.1, 1.1))
axes.legend()
plt.show()

# %% [markdown]
# ## Exercises
#
# 1. Choose the unit on 20 stories instead of all (`load_pieces(..., num_texts=20)`). How far do the score on the half
#    that it was chosen on (`best.chosen`) and the held-out one drift apart? Why?
# 2. Take the concept `negation` instead. Is it a unit of its own? What does the column *all units* say?
# 3. Give the probes 200 words instead of 12. What happens to the curves, and to the guess from the current word?
# 4. Write a concept of your own: a function from a `Piece` to a label for each token, in a
#    `interpretability.concepts.Concept`. Numbers? Names? Words of more than eight letters?
#
# Figures for all pretrained models, with the commands, are in [README.md](README.md).
