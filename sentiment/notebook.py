# %% [markdown]
# # How many stars? Rating reviews with a recurrent network
#
# A customer writes a few lines and then picks a number of stars. Given the lines alone, can a program guess the
# number?
#
# The answer is a number on a scale, here 1 to 10, so this is a *regression* problem: being off by one star is a
# smaller mistake than being off by five. What makes it harder than other regressions is the input. Reviews have
# different lengths, they are made of words rather than numbers, and the order of the words matters: "not good, but
# short" and "short, but not good" leave a reader with different hopes.
#
# This lesson goes from the raw text to a trained network and then opens the network up. Every step uses the functions
# that the project's own commands use, so whatever you see here you can also do with `python -m sentiment.train` and
# its neighbours. Run the cells from the top; all of them together take a minute or two on two processor cores.
#
# It runs in the repository, and wherever the project is installed, on a hosted notebook service, say: `pip install` it
# with the extra `train`, and its folder `pretrained_model/sentiment`;
# README.md says how. The sample data come with it.

# %%
import tempfile
from pathlib import Path

from common.inference.keras_start import start_keras

keras = start_keras()

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import sentiment
from common.training.seeds import set_seed

set_seed(1)
pd.set_option("display.max_colwidth", 110, "display.precision", 3)
DATA = Path(sentiment.__file__).parent / "dataset"

# %% [markdown]
# ## The data
#
# The repository carries 340 reviews written for it: of films and books, but also of dentists, trains and hiking
# boots. They are already split in two files. The model learns from `train.csv`. `test.csv` is kept for one question
# only: how well does the finished model do on reviews it has never seen?

# %%
train_table = pd.read_csv(DATA / "train.csv")
test_table = pd.read_csv(DATA / "test.csv")
print(len(train_table), "reviews to train on,", len(test_table), "to test on")
train_table.head(6)

# %% [markdown]
# Before any counting, read some. Here is the shortest review of each second rating. Notice how you know: sometimes a
# single word gives it away, sometimes the verdict hides in a comparison or in what is *not* said.

# %%
for rating in (1, 3, 5, 7, 9):
    reviews = train_table.review[train_table.rating == rating]
    print(rating, " ", min(reviews, key=len), "\n")

# %% [markdown]
# Two pictures of the whole sample: how often each rating occurs, and how long the reviews are.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
train_table.rating.value_counts().sort_index().plot.bar(ax=left, color="tab:blue", rot=0)
left.set(title="Reviews of each rating, training file", xlabel="rating", ylabel="reviews")
right.hist(train_table.review.str.split().str.len(), bins=20, color="tab:orange")
right.set(title="Length of the reviews", xlabel="words", ylabel="reviews")
plt.show()

# %% [markdown]
# Each rating occurs equally often. Real review sites look nothing like that: they are full of tens and ones. An even
# spread is fairer for a lesson, because a model cannot score well by always saying the most common number.
#
# ## From text to numbers
#
# A network computes with numbers, so the text must become numbers. It happens in four steps, and we follow one short
# review through all of them.
#
# **Step 1: tokens.** A *token* is a unit of text: a word, a number, a punctuation mark. spaCy's rules cut the text.
# They do more than split at spaces: punctuation comes off, and "isn't" becomes "is" and "n't", so that the negation
# is a token of its own wherever it occurs.

# %%
from common.text.tokenization import load_pipeline, tokenize, tokenize_all

text = "The soup wasn't bad, but ninety-five minutes for it?"
tokens = tokenize(text, load_pipeline())
print(text)
print(tokens)

# %% [markdown]
# **Step 2: ids.** A *vocabulary* gives every known token a number, its *id*. It is built from the training reviews
# alone; otherwise the test would no longer be a test. The first four ids are reserved: padding, unknown words, and
# the beginning and end of a text. After them come the words, the most frequent first. Upper and lower case are
# merged, and a word that occurs only once is left out, since there is little to learn from one occurrence.

# %%
from common.text.vocabulary import Vocabulary

train_tokens = list(tokenize_all(train_table.review, load_pipeline()))
test_tokens = list(tokenize_all(test_table.review, load_pipeline()))
vocabulary = Vocabulary.build(train_tokens, min_count=2, lowercase=True)
print(len(vocabulary), "ids. The first 14:", vocabulary.tokens[:14])
ids = vocabulary.encode(tokens)
pd.DataFrame({"token": tokens, "id": ids, "read as": vocabulary.decode(ids)}).T

# %% [markdown]
# Tokens that the vocabulary lacks all become `<unk>`, "unknown". That loses information, and in a small sample it
# happens often:

# %%
unknown = [sum(token not in vocabulary for token in row) for row in test_tokens]
share = sum(unknown) / sum(map(len, test_tokens))
print(f"{share:.1%} of the tokens in the test reviews are unknown to the vocabulary of the training reviews")

# %% [markdown]
# **Step 3: cutting.** Long reviews are shortened to `max_length` ids, so that one enormous review cannot slow
# everything down. What should stay? People tend to give their verdict at the end, so a quarter of the room goes to
# the start of the review and three quarters to its end. To see the cut we ask for 8 ids; the default, 4,000, cuts
# hardly any review. Every review also gets `<bos>`, "beginning of sequence", in front.

# %%
from sentiment.config import SentimentConfig
from sentiment.loader import encode_review

for max_length in (4000, 8):
    row = encode_review(tokens, vocabulary, SentimentConfig(max_length=max_length))
    print(f"max_length {max_length}:", row)
    print("   ", " ".join(vocabulary.decode(row)))

# %% [markdown]
# **Step 4: a batch.** Networks are trained on several reviews at once, a *batch*, stored as one rectangular array. As
# reviews differ in length, shorter rows are filled up with the padding id 0. A second array of the same shape, the
# *mask*, says which positions hold real tokens. The model looks at it wherever padding could leak into the answer.

# %%
from common.text.batching import make_mask, pad

reviews = [text, "Lovely.", "Too long and not funny."]
rows = [encode_review(tokenize(review, load_pipeline()), vocabulary, SentimentConfig()) for review in reviews]
example = {"token_ids": pad(rows), "mask": make_mask([len(row) for row in rows])}
print("token_ids, shape (reviews, time) =", example["token_ids"].shape)
print(example["token_ids"])
print("mask")
print(example["mask"].astype(int))

# %% [markdown]
# Padding costs time: the network computes there too, for nothing. Therefore a batch is filled with reviews of similar
# length. The picture compares a batch taken in file order with a batch as the project's `make_batches` builds it;
# white is padding.

# %%
from sentiment.loader import make_batches, make_targets

config = SentimentConfig(batch_size=16, ngrams=0, min_rating=1, max_rating=10)
ratings = train_table.rating.to_numpy(np.float32)
batches = make_batches(train_tokens, make_targets(ratings, config), vocabulary, config, shuffle=True)
unsorted = make_mask([len(row) + 1 for row in train_tokens[:16]])
grouped = batches[5][0]["mask"]
figure, axes = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
for axis, mask, title in zip(axes, (unsorted, grouped), ("In file order", "Grouped by length"), strict=True):
    axis.imshow(mask, aspect="auto", cmap="Blues", vmin=0, vmax=1.4, interpolation="nearest")
    axis.set(title=f"{title}: {1 - mask.mean():.0%} padding", xlabel="position (time)", ylabel="review")
    axis.set_yticks(range(0, 16, 5))
plt.show()

# %% [markdown]
# ## A baseline
#
# Before training anything deep, find out what a simple method achieves. A network that cannot beat it is not worth
# its electricity.
#
# Ours is *TF-IDF with ridge regression*. Each review becomes a long row of numbers, one for every word and every two
# or three neighbouring words: how often it occurs in this review (*term frequency*), weighted up if few reviews
# contain it (*inverse document frequency*). Ridge regression then gives each column a weight, and keeps the weights
# small so that rare words cannot take over. Word order beyond triples is lost.

# %%
from sentiment.tfidf_linear import LinearModels

baseline = LinearModels(list(train_table.review), ratings, middle=5.5)
names, weights = baseline.counter.get_feature_names_out(), baseline.ridge.coef_
order = np.argsort(weights)
print(f"{len(names):,} columns")
pd.DataFrame({"pulls down": names[order[:10]], "pulls up": names[order[:-11:-1]]}).T

# %% [markdown]
# Some of these are what you would expect, and some are accidents of a small sample. The model cannot tell one from
# the other.
#
# How good is it? We use several scores, because each one sees something else:
#
# - **R²** compares the squared errors with those of always answering the mean: 1 is perfect, 0 is no better than the
#   mean, and negative is worse.
# - **mean absolute error** (mae): by how many stars the answer is off on average.
# - **Spearman correlation**: does it at least put the reviews in the right order?
# - **quadratic weighted kappa** (qwk): agreement of whole stars beyond what chance would give.
# - **binary accuracy**: the share of reviews on the right side of the middle.

# %%
from sentiment.evaluate import rating_scores

truth = test_table.rating.to_numpy(float)
answers = {
    "always the mean": np.full(len(truth), ratings.mean()),
    "TF-IDF + ridge": np.clip(baseline.predict(test_table.review)["TF-IDF + ridge"], 1, 10),
}
SHOWN = ["r2", "mae", "spearman", "qwk", "binary_accuracy"]
pd.DataFrame({name: rating_scores(truth, given, config) for name, given in answers.items()}).T[SHOWN]

# %% [markdown]
# ## The model
#
# A *recurrent network* reads a text as we do, one word after the other, and keeps a *state*: a vector that sums up
# what it has read so far. At each word the old state and the new word together give the next state.
#
# ```
#              not         bad         at          all
#               |           |           |           |
#            [vector]    [vector]    [vector]    [vector]       embedding: one trained vector for each word
#               |           |           |           |
#   h0 ------> LSTM -----> LSTM -----> LSTM -----> LSTM         reading forward, and the same again backward
#               |           |           |           |
#               h1          h2          h3          h4          one state for each word
#                \____ mean and maximum over time ___/          pooling: one vector for the review
#                              |
#                        one number  ->  stars                  dense layer, then moved to the scale 1 to 10
# ```
#
# The box is an *LSTM*, a long short-term memory. It keeps a second vector, the cell `c`, and three *gates*: vectors
# of numbers between 0 and 1 that say how much gets through. With `x` the word vector and `h` the state before,
#
# ```
# input gate   i = sigmoid(W_i x + U_i h + b_i)         how much new content is written
# forget gate  f = sigmoid(W_f x + U_f h + b_f)         how much of the old cell is kept
# candidate    g = tanh(W_g x + U_g h + b_g)            the new content
# output gate  o = sigmoid(W_o x + U_o h + b_o)         how much of the cell is shown
#              c' = f * c + i * g          h' = o * tanh(c')
# ```
#
# Since the cell is carried over by multiplication with a gate that can stay near 1, a word can matter many words
# later.
#
# `build_model` puts this together in Keras. To keep the summary short we build it for the small vocabulary above.

# %%
from sentiment.model import build_model

model = build_model(config, len(vocabulary))
model.summary(line_length=100)

# %% [markdown]
# Send the three example reviews through and look at what comes out of each layer. The first axis is the review, the
# second is time, and the last holds the features. Pooling is where time disappears.

# %%
probe = keras.Model(model.input, {layer.name: layer.output for layer in model.layers})
outputs = probe(example)
pd.DataFrame({"layer": outputs.keys(), "shape of its output": [str(tuple(value.shape)) for value in outputs.values()]})

# %% [markdown]
# A promise to check: padding changes nothing. Adding ten more columns of padding must leave the ratings as they are.
# An untrained model says nothing sensible yet, but the promise holds already.

# %%
longer = {name: np.pad(value, [[0, 0], [0, 10]]) for name, value in example.items()}
print("ratings as they are:   ", np.asarray(model(example)["rating"])[:, 0].round(5))
print("with ten more paddings:", np.asarray(model(longer)["rating"])[:, 0].round(5))

# %% [markdown]
# ## Training
#
# Training shows the network batch after batch and moves all weights a little in the direction that makes the squared
# error smaller. One pass over the training data is an *epoch*. A part of the training reviews is held back for
# *validation*: after each epoch they are scored, and the weights of the best epoch are the ones that are kept.
#
# 260 reviews are very few for a network, which could simply learn them by heart. Three settings work against that.
# *Dropout* switches random features off during training; *word dropout* turns random words into `<unk>`; and the word
# vectors do not start at random, but from counts of which words stand near each other in the training text.
#
# `sentiment.train` does what `python -m sentiment.train` does; the data may be a file, a DataFrame or a list. Left to
# itself it would start from the pretrained model and add a linear part. To see what a network learns from these reviews
# alone, the next cell asks for neither.

# %%
workshop = tempfile.TemporaryDirectory()
bundle = Path(workshop.name) / "sentiment"
config = SentimentConfig(num_epochs=16, batch_size=16, patience=16, learning_rate=0.002, ema_momentum=0.995, ngrams=0)
result = sentiment.train(train_table, bundle, config, start="scratch")
config = result.model.config
print(result.verdict)
print("\n".join(sorted(path.name for path in bundle.iterdir())))

# %% [markdown]
# The result is a *bundle*: a folder with the architecture, the weights, the vocabulary and the settings, which is all
# that predicting needs. It also holds the history of the run:

# %%
history = pd.DataFrame(result.history).drop(columns="seconds").set_index("epoch")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
history.loss.plot(ax=left, marker="o", title="Training loss (squared error, with dropout)", ylabel="stars²")
history.r2.plot(ax=right, marker="o", color="tab:orange", title="Validation R²", ylabel="R²")
right.axhline(0, color="grey", linewidth=1, label="always the mean")
right.legend(frameon=False)
plt.show()
history.iloc[[0, 3, 7, 11, 15]]

# %% [markdown]
# On the training reviews, more than half of the squared error is gone at the end. On the validation reviews, R² says
# that much less is gone. Such a gap is called *overfitting*: part of what the network learns is true of the training
# reviews only. The usual cure is more data.
#
# ## A larger model, trained on more
#
# The repository also holds a *pretrained* model. It differs in six ways:
#
# - It learned from film reviews of IMDb, 25,000 of them less those held back for validation; and after that from 43,000
#   reviews of 47 other kinds of things, 21,000 single sentences that people have rated, and some thousand more in which
#   a negation or a fact decides. Words that film reviews do not have joined its vocabulary then.
# - Before that, it had been a *language model*: it had read 74,000 reviews, most of them without a rating, and had
#   guessed every next word. What it learned about words and sentences there is where it started from.
# - Two *teachers*, rating models with ten times as many weights in their recurrent layers, rated 49,000 of those that
#   have none, and pieces of them. It learned from these answers too. One teacher read a review from its last word to
#   its first, the other from the first to the last; they err in different places, and so know more together.
# - It reads with 384 units from the first word, as a language model must, and with 96 units of their own from the last.
#   The 384 were 512 while it learned; those that mattered least were left out in the end, so that it answers sooner.
# - Its *head* does not say one number but how likely it is that each of the ten ratings was given. Their mean is its
#   answer, and their standard deviation, the *spread*, says how sure it is.
#
# `sentiment.load()` opens it. (The sample's vocabulary is smaller here than above because a tenth of the reviews was
# held back in training.)

# %%
rater = sentiment.load()
sample_rater = sentiment.load(bundle)
facts = {
    name: {
        "ids": f"{len(r.vocabulary):,}",
        "weights": f"{r.network.model.count_params():,}",
        "unknown in the test sample": f"{np.mean([t not in r.vocabulary for row in test_tokens for t in row]):.1%}",
    }
    for name, r in {"pretrained": rater, "trained on the sample": sample_rater}.items()
}
pd.DataFrame(facts).T

# %% [markdown]
# Give it sentences of your own. Change the list and run the cell again.

# %%
sentences = [
    "A joy from start to end.",
    "Not bad.",
    "Not bad at all, in fact one of the best films of the year.",
    "The actors do what they can, but the script lets them down.",
    "I expected to hate it, and I was wrong.",
    "I expected to love it, and I was wrong.",
    "If you liked being stuck in a lift, you will adore this film.",
    "The dentist was gentle and it did not hurt.",
]
for sentence, answer in zip(sentences, rater.predict(sentences), strict=True):
    print(f"{answer.rating:4.1f} ± {answer.spread:.1f}  {sentence}")

# %% [markdown]
# The first comes out as it should, and so do the second and the third: a "not" turns what it stands before. The
# difficult ones are a different matter. In the pair about expectations, the ratings are the wrong way round, because
# the model goes by "love" and "hate" and does not see what "I was wrong" does to them. The lift is taken at its word.
# And the dentist gets no more than a six: that it does not hurt is praise for a dentist only. At least the model says
# that it is not sure: a single sentence is little to go by, and where it errs the spread is above two stars.
#
# ## Scores
#
# All systems on the same 80 test reviews. Keep in mind what is compared: the pretrained model has read far more, but
# none of the reviews that were written for this project. The others have seen reviews of the very kinds that are
# tested here.

# %%
answers["LSTM, trained on the sample"] = sample_rater.predict_tokens(test_tokens).ratings
answers["LSTM, pretrained"] = rater.predict_tokens(test_tokens).ratings
pd.DataFrame({name: rating_scores(truth, given, config) for name, given in answers.items()}).T[SHOWN]

# %% [markdown]
# ## What you would type
#
# Neither is what the command does if you only give it a file. It starts from the pretrained model (*fine-tuning*), puts
# a linear model of words and pairs of words beside it (the *wide* part of a *wide-and-deep* network), fits both at once
# in closed form, and then trains the network a little further on what the linear part leaves over. At the end it says
# how far that is ahead of the baseline.

# %%
tuned = sentiment.train(train_table, Path(workshop.name) / "fine-tuned")
print(tuned.verdict)
answers["LSTM, fine-tuned on the sample"] = tuned.model.predict_tokens(test_tokens).ratings
pd.DataFrame({name: rating_scores(truth, given, config) for name, given in answers.items()}).T[SHOWN]

# %% [markdown]
# Eighty reviews are a small test. How far could these scores be off by luck? The *bootstrap* gives an idea: draw 80
# reviews from the 80, some twice and some not at all, score again, and repeat that 500 times. The middle 95% of the
# results is the interval that `python -m sentiment.evaluate` prints behind each score.

# %%
from common.evaluation.metrics import with_intervals

names = list(answers)[1:]
intervals = []
for name in names:
    rated = answers[name]
    score = with_intervals(lambda i, rated=rated: rating_scores(truth[i], rated[i], config), len(truth), 500)
    intervals.append(score)
middle = np.array([row["r2"] for row in intervals])
spread = np.abs(np.array([row["r2_interval"] for row in intervals]).T - middle)
figure, axis = plt.subplots(figsize=(8, 2.2), layout="constrained")
axis.errorbar(middle, names, xerr=spread, fmt="o", capsize=4)
axis.set(title="R² on the test reviews, with 95% bootstrap intervals", xlabel="R²", ylim=(-0.5, len(names) - 0.5))
plt.show()

# %% [markdown]
# Where do the answers of the pretrained model lie? On the left, each dot is a review, and the line is where a perfect
# model would put them. On the right are the answers rounded to whole stars and counted: rows are the true rating,
# columns the answer.

# %%
from sklearn.metrics import confusion_matrix

given = answers["LSTM, pretrained"]
matrix = confusion_matrix(truth, np.rint(given), labels=range(1, 11))
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.scatter(truth + np.random.default_rng(0).uniform(-0.2, 0.2, len(truth)), given, alpha=0.6)
left.plot([1, 10], [1, 10], color="grey", linewidth=1)
left.set(title="True and predicted rating", xlabel="true rating (spread a little)", ylabel="predicted rating")
right.imshow(matrix, cmap="Blues", extent=(0.5, 10.5, 10.5, 0.5))
for row, column in np.argwhere(matrix):
    right.text(column + 1, row + 1, matrix[row, column], ha="center", va="center", fontsize=8,
               color="white" if matrix[row, column] > matrix.max() / 2 else "black")  # fmt: skip
right.set(
    title="Confusion matrix", xlabel="predicted, rounded", ylabel="true", xticks=range(1, 11), yticks=range(1, 11)
)
plt.show()

# %% [markdown]
# First scikit-learn's report for the simpler question of good or bad, then the answers by true rating. *Precision* is
# the share of reviews called good that are good; *recall* is the share of good reviews that are called good; *F1*
# combines both.

# %%
from sklearn.metrics import classification_report

from sentiment.report import by_rating

header, *body = by_rating(truth, given)
print(classification_report(truth > 5.5, given > 5.5, target_names=["bad (1 to 5)", "good (6 to 10)"]))
pd.DataFrame(body, columns=header).set_index("true rating").T

# %% [markdown]
# ## The mistakes it makes
#
# A score says how often a model is wrong; only reading says why. Here are the six reviews it missed by most.

# %%
import textwrap

from sentiment.report import worst_mistakes

for true, predicted, review in worst_mistakes(truth, given, list(test_table.review), 6)[1:]:
    print(f"true {true:.0f}, predicted {predicted:.1f}")
    print(textwrap.fill(review, 110), "\n")

# %% [markdown]
# What kinds of mistakes are these?
#
# **The sound of the words.** "My late wife", "argue", "never agreed", "wasted", "didn't want to be anywhere else": the
# warmest review of a film uses words that sound like trouble. "Adored", "open heart" and "well done" mislead in the
# other direction: they are said of the series of the seventies, of the evening and of the costumes.
#
# **Facts that weigh.** A forgotten order and burnt toast outweigh an "excellent!" for whoever was hungry, a chef who
# "plugged his cookbook" taught nothing, and a kettle with a puddle is no kettle to buy again. No word there says so;
# one has to know what a brunch, a course and a kettle are for.
#
# **Half-hearted praise.** "Well enough", "fine for the office", "worth having on a shelf in a guest room": such
# reviews get seven or eight stars where their writers gave five or six. In what the model learned from, most who are
# not angry are delighted, and few say that something is so-so.
#
# ## A look inside: word vectors
#
# The *embedding* layer is a table with one row, a *word vector*, for each id. Looking a word up is all it does. Here
# is the embedding output for a short review: one row for each token, one column for each of the first 40 dimensions.

# %%
review = "A dull start, but the last hour is wonderful, funny and moving; I loved it."
review_tokens = tokenize(review, load_pipeline())
inputs, _, _ = make_batches([review_tokens], None, rater.vocabulary, rater.config, shuffle=False)[0]
labels = rater.vocabulary.decode(inputs["token_ids"][0])
network = rater.network.model
vectors = np.asarray(network.get_layer("embedding")(inputs["token_ids"]))[0]  # (time, embedding_dim)
print("(time, embedding_dim) =", vectors.shape)
figure, axis = plt.subplots(figsize=(10, 4.2), layout="constrained")
picture = axis.imshow(vectors[:, :40], cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
axis.set_yticks(range(len(labels)), labels)
axis.set(title="Word vectors of one review", xlabel="dimension")
figure.colorbar(picture, ax=axis, label="value")
plt.show()

# %% [markdown]
# A single number in it means nothing to us. Distances do: words used alike should have vectors that point in the same
# direction. The *cosine* of the angle between two vectors measures that; 1 is the same direction, 0 a right angle.

# %%
table = network.get_layer("embedding").get_weights()[0][:5000]  # the most frequent words
table = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)


def neighbours(word, number=7):
    """The words whose vectors have the largest cosine with that of `word`."""
    cosines = table @ table[rater.vocabulary.encode([word])[0]]
    ranked = [i for i in np.argsort(-cosines) if i >= 4]  # without the special tokens
    return [f"{rater.vocabulary.tokens[i]} {cosines[i]:.2f}" for i in ranked[1 : number + 1]]


words = ["wonderful", "boring", "actor", "not", "ten", "dialogue"]
pd.DataFrame({word: neighbours(word) for word in words})

# %% [markdown]
# These neighbours are of two kinds. Some are synonyms, and some are words that fill the same place in a sentence, as
# numbers do. Both come from the same source: to a language model, words that keep similar company are alike. Training
# on ratings then moves them further, above all the words that judge.
#
# ## A look inside: the weights
#
# The LSTM has a *recurrent kernel*: the matrices `U` of the equations above, side by side. They say how the
# state before influences each gate. Below it are the *biases*, what a gate does when everything else is silent.

# %%
recurrent = network.get_layer("recurrent_0")
kernel, recurrent_kernel, bias = recurrent.get_weights()
GATES = ["input gate", "forget gate", "candidate", "output gate"]
print("kernel", kernel.shape, " recurrent kernel", recurrent_kernel.shape, " bias", bias.shape)
figure, axes = plt.subplots(2, 4, figsize=(11, 4.8), layout="constrained", height_ratios=(3, 1.2))
for gate, weights, values, (upper, lower) in zip(
    GATES, np.split(recurrent_kernel, 4, axis=1), np.split(bias, 4), axes.T, strict=True
):
    picture = upper.imshow(weights, cmap="RdBu", vmin=-0.4, vmax=0.4)
    upper.set(title=f"{gate}, U", xlabel="unit it influences", ylabel="unit of the state before")
    lower.hist(values, bins=np.linspace(-1, 2, 31))
    lower.set(xlabel="bias", ylabel="units")
figure.colorbar(picture, ax=axes[0], label="weight")
plt.show()

# %% [markdown]
# No single weight has a meaning that we could name, but there are patterns. The gates have horizontal stripes: such a
# unit of the state pushes a gate in the same direction for nearly all units, so it opens or closes the gate as a
# whole. The candidate has a diagonal instead, as each unit writes mostly about itself. The biases of the forget gate
# lie above 0 (Keras starts them at 1): unless something speaks against it, an LSTM keeps what it has. Nearly all of
# those of the input and output gates lie below 0: unless something asks for it, little is written and little is shown.
#
# To learn what a network does, it is better to watch it work.
#
# ## A look inside: the states
#
# What do the states do while the network reads? For each unit we ask how well its mean over a review goes together
# with the rating that the model gives to the test reviews. Then we watch the most telling units, word by word, in the
# review from above.

# %%
states_of = keras.Model(network.input, recurrent.output)
batches = make_batches(test_tokens, None, rater.vocabulary, rater.config, shuffle=False)
means = np.zeros((len(test_tokens), recurrent.output.shape[-1]))
for indices, (arrays, _, _) in zip(batches.indices, batches, strict=True):
    mask = arrays["mask"][:, :, None]
    means[indices] = (np.asarray(states_of(arrays)) * mask).sum(axis=1) / mask.sum(axis=1)  # (reviews, units)
correlation = np.array([np.corrcoef(column, given)[0, 1] for column in means.T])
telling = np.concatenate([np.argsort(-correlation)[:6], np.argsort(correlation)[:6]])
states = np.asarray(states_of(inputs))[0][:, telling]  # (time, 12)
print("correlation with the rating:", correlation[telling].round(2))

# %%
names = [f"unit {unit}" for unit in telling]
figure, axis = plt.subplots(figsize=(10, 4), layout="constrained")
picture = axis.imshow(states.T, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
axis.set_xticks(range(len(labels)), labels, rotation=60, ha="right")
axis.set_yticks(range(len(names)), names)
axis.axhline(5.5, color="black", linewidth=1)
axis.set(title="States while reading: six units that go with high ratings, six that go with low ones", ylabel="unit")
figure.colorbar(picture, ax=axis, label="state")
plt.show()

# %% [markdown]
# Read from left to right, as the network does. At "dull" three of the upper units turn negative and unit 140 of the
# lower ones positive. They keep it for two words, until "but" lets them forget: that is the memory at work, and the
# forget gate. From "wonderful" on units 255 and 27 fill with praise and hold it until the end. Nobody told the network
# to have units for praise and blame. They came about because they are useful.
#
# We can also ask for the rating itself along the way: give the model the first word, the first two, the first three,
# and so on, as if the review ended there.

# %%
prefixes = [review_tokens[:end] for end in range(1, len(review_tokens) + 1)]
path = rater.predict_tokens(prefixes).ratings
figure, axis = plt.subplots(figsize=(10, 3.4), layout="constrained")
axis.plot(range(len(path)), path, "o-")
axis.axhline(5.5, color="grey", linewidth=1)
axis.set_xticks(range(len(path)), review_tokens, rotation=60, ha="right")
axis.set(title="Rating after each word", ylabel="rating", ylim=(1, 10))
plt.show()

# %% [markdown]
# "Dull" pulls the rating down, and then it stays there: "but" alone promises little to this model, although a human
# reader would already wait for the turn. "Wonderful" lifts it beyond the middle, "funny" and "moving" carry it on, and
# with "loved" it rises further.
#
# Which words did it, all in all? `explain` leaves out one word after the other, as if it were unknown, and takes the
# difference.

# %%
explanation = sentiment.explain(rater, review)
figure, axis = plt.subplots(figsize=(10, 2.6), layout="constrained")
colours = ["tab:blue" if weight > 0 else "tab:red" for weight in explanation.weights]
axis.bar(range(len(explanation.weights)), explanation.weights, color=colours)
axis.axhline(0, color="grey", linewidth=1)
axis.set_xticks(range(len(explanation.tokens)), explanation.tokens, rotation=60, ha="right")
axis.set(title="What each word adds to the rating", ylabel="stars")
plt.show()

# %% [markdown]
# "Loved" and "wonderful" do most, "dull" takes something away, and so does "but". Yet none of them is worth half a
# star, although "wonderful" alone lifted the rating by almost three when it was read. That is no contradiction: the
# last picture asks what a word adds to those before it, this one what it adds to all the others, and praise is said
# four times here. A verdict that hangs on no single word has small weights everywhere.
#
# ## Exercises
#
# 1. **Fool it.** Write a review that any person would take for praise and that the pretrained model rates below 3.
#    Then write the opposite. Which trick worked: irony, negation, rare words? (`rater.predict`)
# 2. **Which pairs of words matter?** `explain` leaves out one word. Leave out two neighbours instead, for every pair
#    of a long review, and find pairs that do more together than each for itself. (`rater.predict_tokens`)
# 3. **Does order matter?** Shuffle the tokens of each test review and score the shuffled ones with `rating_scores`.
#    How much is lost, and what does this say about the task?
# 4. **No recurrence.** Train `--architecture cbow`, the mean word vector under a hidden layer, and `--architecture
#    gru` on the sample. Use several `--seed` values before you believe a difference. (`python -m sentiment.train
#    --help`)
# 5. **Head or tail?** Train and evaluate with `--max-length 30` and each choice of `--truncation`. Where in a review
#    does the verdict stand?
# 6. **Your own data.** Take a CSV file of texts with ratings, such as 1 to 5 stars, and train on it with
#    `--text-column` and `--rating-column`; the scale is found out. Score it beside the baseline with `python
#    -m sentiment.evaluate --train … --report …` and read the fifty worst mistakes on the report's page.
