# %% [markdown]
# # What comes next? A language model that scores and writes stories
#
# > Once upon a time there was a …
#
# You have a guess already. "king" would not surprise you, "princess" neither; "tax" would, and "of" is hardly
# possible. A *language model* puts such expectations in numbers: given the words so far, it gives each word that it
# knows a probability of being the next.
#
# That is all it does, and two things follow from it. It can **score** a text: multiply the probabilities of its
# words, each given the words before, and you have the probability of the whole. Speech recognisers and spelling
# correctors use that to choose among candidates. And it can **write**: draw a word from the probabilities, add it to
# the text, and ask again.
#
# No labels are needed. The text itself says what came next.
#
# Every step below uses the functions behind `python -m language_model.train`, `evaluate`, `score` and `generate`. Run
# the cells from the top; it takes a minute or two on two processor cores.
#
# It runs in the repository, and wherever the project is installed, on a hosted notebook service, say: `pip install` it
# with the extra `train`, and its folder `pretrained_model/language_model`;
# README.md says how. The sample data come with it.

# %%
import tempfile
import textwrap
from collections import Counter
from dataclasses import replace
from pathlib import Path

from common.inference.keras_start import start_keras

keras = start_keras()

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import language_model
from common.training.seeds import set_seed

set_seed(1)
pd.set_option("display.max_colwidth", 100, "display.precision", 3)
DATA = Path(language_model.__file__).parent / "dataset"

# %% [markdown]
# ## The data
#
# The repository carries 230 little stories written for it. Each has exactly five sentences, and the fifth is the
# ending.

# %%
train_table = pd.read_csv(DATA / "train.csv")
test_table = pd.read_csv(DATA / "test.csv")
print(len(train_table), "stories to train on,", len(test_table), "to test on\n")
print(textwrap.fill(train_table.text[0], 110))
train_table.head(4)

# %% [markdown]
# A text is cut into *tokens*: words, numbers and punctuation marks. Count them, and you meet the most reliable law of
# language, *Zipf's law*. A few words are very frequent, and most words are rare; drawn with logarithmic axes, count
# against rank is close to a straight line.

# %%
from language_model.config import LanguageModelConfig
from language_model.loader import load_texts, split_tokens

config = LanguageModelConfig(units=200, embedding_dim=128, batch_size=8, learning_rate=0.005)
texts = load_texts(DATA / "train.csv", config)
counts = Counter(token for tokens in split_tokens(texts, config) for token in tokens)
values = np.array([count for _, count in counts.most_common()])
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
left.barh([token for token, _ in counts.most_common(15)][::-1], values[:15][::-1], color="tab:blue")
left.set(title="The most frequent tokens", xlabel="count")
right.loglog(np.arange(1, len(values) + 1), values, ".", color="tab:orange")
right.set(title="Zipf's law", xlabel="rank of the token", ylabel="count")
plt.show()
print(f"{values.sum():,} tokens, {len(values):,} different; {np.mean(values == 1):.0%} of those occur once")

# %% [markdown]
# The long tail is what makes language modelling hard: half of the words would have to be learned from a single
# occurrence.
#
# ## From stories to numbers
#
# We follow one short story. First it becomes tokens. Then a *vocabulary* gives every known token a number, its *id*.
# It is built from the training stories, less the tenth that is held back for validation, and it leaves out words that
# occur once; those are read as `<unk>`, "unknown". Two marks are added: `<bos>` at the beginning, so that there is
# something to predict the first word from, and `<eos>` at the end, so that the model learns to stop. In the example,
# *n't* is unknown: these stories write "did not".

# %%
from common.text.vocabulary import Vocabulary
from language_model.loader import encode_text, split_text, split_validation

train_texts, validation_texts = split_validation(texts, config)
train_tokens = split_tokens(train_texts, config)
vocabulary = Vocabulary.build(train_tokens, config.max_vocab_size, config.min_count)
story = "The wolf didn't laugh."
tokens = split_text(story, config)
ids = encode_text(tokens, vocabulary)
print(len(vocabulary), "ids, the first 12:", vocabulary.tokens[:12])
print(story, "->", tokens)
print(ids, "->", vocabulary.decode(ids))

# %% [markdown]
# Now the trick that turns text into a training set. The **inputs** are all ids but the last, and the **targets** are
# all ids but the first. Read each column from top to bottom: having read the token above (and all those to its left),
# the model should predict the token below.

# %%
pd.DataFrame({"reads": vocabulary.decode(ids[:-1]), "should predict": vocabulary.decode(ids[1:])}).T

# %% [markdown]
# Training works on several texts at once, a *batch*. The arrays are rectangular, so the shorter text is padded with
# zeros on the right; the *mask* says which positions hold real tokens, and the weights make sure that padding is
# never scored.
#
# There is one more input. A recurrent network carries a *state* from word to word, and here it is an explicit input,
# zero at the start of a text. So the same model can read a text in pieces, or one word at a time, and go on where it
# stopped.

# %%
from language_model.loader import make_batches

pair = [split_text(text, config) for text in ("The wolf didn't laugh.", "Nobody came.")]
example, targets, weights = make_batches(pair, vocabulary, config, shuffle=False)[0]
for name, array in {**example, "targets": targets, "weights": weights}.items():
    print(f"{name:10} {array.dtype!s:8} {array.shape}")
print("token_ids", example["token_ids"].tolist())
print("mask     ", example["mask"].astype(int).tolist())
print("targets  ", targets.tolist())

# %% [markdown]
# ## How to measure
#
# A model that gives the word that really came a probability of 1/8 is as surprised as one that has to guess among 8
# equal choices. Three measures say that in different ways:
#
# - **surprisal** of a token: minus the logarithm of its probability. With logarithms to the base 2 the unit is the
#   *bit* (1/8 is 3 bits), with natural logarithms the *nat*.
# - **nats per token**: the mean surprisal over a whole text, the end mark included. This is also the loss in
#   training.
# - **perplexity**: e to the power of that mean. It is the number of equal choices that would be as hard, here 8.
#
# Lower is better in all of them. One warning: they compare models only if these know the same words. Whoever reads
# every hard word as `<unk>` finds texts easy to predict.
#
# ## A baseline
#
# Long before neural networks, language models counted. After "once upon" nearly always comes "a", so "a" is likely
# there. An *n-gram* model looks at the last n - 1 tokens and at what followed them in training. Long contexts are
# exact but rarely seen before, short ones are vague but well known, so the *Kneser-Ney* method mixes all lengths.

# %%
from language_model.evaluate import text_scores
from language_model.ngram import NgramModel

test_texts = load_texts(DATA / "test.csv", config)
test_tokens = split_tokens(test_texts, config)
all_ids = [vocabulary.encode(tokens) for tokens in split_tokens(texts, config)]
ngrams = {order: NgramModel(all_ids, len(vocabulary), order) for order in (1, 2, 3, 5)}
nats = {
    order: [np.array(model.log_probabilities(vocabulary.encode(tokens))) for tokens in test_tokens]
    for order, model in ngrams.items()
}
scores = pd.DataFrame({f"{order}-gram": text_scores(test_texts, rows) for order, rows in nats.items()}).T
unknown = np.mean([token not in vocabulary for tokens in test_tokens for token in tokens])
print(f"{unknown:.1%} of the test tokens are unknown and count as <unk>")
scores

# %% [markdown]
# One word of context helps a lot, two help a little more, and longer contexts add next to nothing: with this little
# text, three words in a row have rarely been seen before. That is the limit of counting. The model does not know that
# "wolf" and "fox" are alike, so what it has seen about one says nothing about the other.
#
# ## The model
#
# ```
#   token ids      <bos>        The         wolf        did
#                    |           |           |           |
#                [vector]    [vector]    [vector]    [vector]      embedding: one trained vector for each token
#                    |           |           |           |
#   state 0 -----> LSTM -----> LSTM -----> LSTM -----> LSTM -----> state, for the next piece of text
#                    |           |           |           |
#                [hidden]    [hidden]    [hidden]    [hidden]      what matters of all that was read so far
#                    |           |           |           |
#                compare with the vectors of all the tokens        the same embedding, used backward
#                    |           |           |           |
#                 logits      logits      logits      logits       one score for each token that could come next
#   should be       The         wolf         did         n't
# ```
#
# The *LSTM*, a long short-term memory, reads from left to right. It keeps two vectors: the hidden state `h`, which it
# shows to the layers above, and the cell `c`, its memory. Three *gates*, numbers between 0 and 1, decide for each
# unit how much is written to the cell, how much of it is kept, and how much is shown. (The sentiment lesson has the
# equations.)
#
# The last step scores each token by the dot product of its vector with the hidden state, brought to the same length
# by a layer called *projection*, plus a number for how frequent the token is. Because the same table of vectors
# serves at both ends, words that are alike are both read alike and predicted alike. The *softmax* turns scores,
# called *logits*, into probabilities: take the exponential of each, and divide by their sum.

# %%
from language_model.model import build_model

model = build_model(config, len(vocabulary))
model.summary(line_length=100)

# %% [markdown]
# Here is what comes out of each layer for the batch of two stories: first the text, then time, then features. The
# LSTM gives a list: its hidden state at each position, and `h` and `c` after the last real token of each text.

# %%
probe = keras.Model(model.input, {layer.name: layer.output for layer in model.layers})
outputs = probe(example)
rows = []
for name, value in outputs.items():
    parts = value if isinstance(value, list | tuple) else [value]
    rows.append((name, "  ".join(str(tuple(part.shape)) for part in parts)))
pd.DataFrame(rows, columns=["layer", "shape of its output"])

# %% [markdown]
# An untrained model should be as surprised as somebody who guesses among all tokens with equal chance. That is a
# useful check before any training: the two numbers must be close.

# %%
logits = np.asarray(model(example)["logits"])  # (texts, time, vocab_size)
probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
at_target = np.take_along_axis(probabilities, targets[:, :, None], axis=-1)[:, :, 0]  # (texts, time)
print(f"untrained model: {-np.log(at_target[example['mask']]).mean():.3f} nats per token")
print(f"guessing evenly: {np.log(len(vocabulary)):.3f} nats per token")

# %% [markdown]
# ## Training
#
# The next cell trains with `language_model.train` and the settings of `make example`. One pass over the stories is an
# *epoch*; after each one, the held-back stories are scored, and the weights of the best epoch are kept.

# %%
workshop = tempfile.TemporaryDirectory()


def train_on_sample(name, **settings):
    """Train with the settings of `make example`, and more; returns the folder of the bundle."""
    sample_config = replace(config, num_epochs=16, patience=16, **settings)
    return language_model.train(DATA / "train.csv", Path(workshop.name) / name, sample_config, start="scratch").path


bundle = train_on_sample("lstm")
history = pd.read_csv(bundle / "history.csv").drop(columns="seconds").set_index("epoch")
history.iloc[[0, 3, 7, 11, 15]]

# %%
figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
history.loss.plot(ax=axis, marker="o", label="training, with dropout")
history.nats_per_token.plot(ax=axis, marker="s", label="validation")
axis.set(title="Learning curve", ylabel="nats per token")
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# Training looks worse than validation here, and that is no mistake: while training, *dropout* switches a good part of
# the features off, so that no unit can rely on another one; in validation all of them work. Besides, the training
# loss is a mean over an epoch in which the model still improves.
#
# ## A network without memory
#
# How much of this is owed to the recurrence? Before recurrent networks came into use, Bengio and others (2003) gave a
# plain network the vectors of the last few words, side by side: a *fixed window*. Like the n-grams it forgets all that
# is further back; like the LSTM it knows that words can be alike. Everything else stays the same, so the difference
# to the LSTM is what memory is worth. The window is five tokens long, like that of a 6-gram.

# %%
window_bundle = train_on_sample("window", architecture="fixed-window", window=5)
window_history = pd.read_csv(window_bundle / "history.csv").set_index("epoch")
best = pd.DataFrame({"LSTM": history.perplexity, "fixed window": window_history.perplexity}).min()
best.to_frame("best validation perplexity")

# %% [markdown]
# ## The same model, trained on more
#
# Twelve thousand words teach nobody English. The repository also holds a *pretrained* model, trained on some 230
# fairy tales of half a million words. `language_model.load()` opens it.

# %%
reader = language_model.load()
sample_reader, window_reader = language_model.load(bundle), language_model.load(window_bundle)
for name, one in (("pretrained", reader), ("trained on the sample", sample_reader)):
    share = np.mean([token not in one.vocabulary for tokens in test_tokens for token in tokens])
    weights = one.network.model.count_params()
    print(f"{name:22} {len(one.vocabulary):6,} ids, {weights:9,} weights, {share:.1%} of the test tokens unknown")

# %% [markdown]
# ## Scores
#
# The network trained on the sample has the same vocabulary as the n-grams, so their perplexities compare. The
# pretrained model has another one, and its perplexity stands in no relation to theirs. A fair question to all of them
# is how well they predict the tokens that *both* vocabularies have. That is the last column.


# %%
def shared_nats(rows):
    """Mean surprisal, in nats, over the tokens that both vocabularies know."""
    values = [
        value
        for tokens, row in zip(test_tokens, rows, strict=True)
        for token, value in zip(tokens, row, strict=False)
        if token in reader.vocabulary and token in sample_reader.vocabulary
    ]
    return -float(np.mean(values))


all_nats = {
    "Kneser-Ney 5-gram": nats[5],
    "fixed window, trained on the sample": window_reader.score_tokens(test_tokens),
    "LSTM, trained on the sample": sample_reader.score_tokens(test_tokens),
    "LSTM, pretrained": reader.score_tokens(test_tokens),
}
scores = {name: text_scores(test_texts, rows) for name, rows in all_nats.items()}
for name, rows in all_nats.items():
    scores[name]["nats per shared token"] = shared_nats(rows)
pd.DataFrame(scores).T

# %% [markdown]
# First compare the three that share a vocabulary. The fixed window is about as good as the 5-gram model, which has read
# the held-back stories, too: what it learns about one word helps with all the words that have similar vectors. The
# LSTM is clearly better than both. That difference is memory: its state reaches further back than five tokens.
#
# The perplexity of the pretrained model belongs to a larger vocabulary: where the others only have to say "some
# unknown word", it must name the word. The last column tells what its reading was worth. It has read old fairy tales,
# and the test stories also have gas bills, substitute teachers and swimming lessons in them.
#
# ## What was said lately
#
# A story about a heron says "heron" again. None of the n-grams know that, and the LSTM knows it only as far as its
# state can carry a word. A *cache* is told: it takes part of the probability and gives it to the tokens of the last
# few sentences. The *unigram cache* (Kuhn and De Mori 1990) gives each the same. The *continuous cache* (Grave and
# others 2017) asks in which state the network was before each of those tokens; what came in a similar state gets
# more. How much the cache is trusted, and how far it looks back, is chosen on the held-back stories.

# %%
from language_model import cache
from language_model.loader import Streams

validation_tokens = split_tokens(validation_texts, config)
streams = {
    name: Streams([encode_text(tokens, vocabulary) for tokens in lists])
    for name, lists in (("validation", validation_tokens), ("test", test_tokens))
}
setting = cache.choose_continuous_cache(sample_reader, streams["validation"])
print(setting)
scores = {
    "LSTM, trained on the sample": all_nats["LSTM, trained on the sample"],
    "the same with a continuous cache": cache.score_with_cache(sample_reader, streams["test"], setting),
}
pd.DataFrame({name: text_scores(test_texts, found) for name, found in scores.items()}).T[["perplexity"]]

# %% [markdown]
# A cache reads the test text as it goes along, so its figures are given apart from those of the models themselves. In
# stories of five sentences there is little to repeat. In long texts, where names come again and again, caches help
# much more.
#
# ## Learning while reading
#
# A cache changes the probabilities and leaves the network as it is. *Dynamic evaluation* (Krause and others 2018)
# changes the network. After every few tokens of the text it takes a step of gradient descent on what it has just read,
# and the weights decay a little towards the trained ones. Each piece is scored before anything is learned from it, so
# these are still predictions. How far a weight moves depends on how large its gradients were in training: the step is
# divided by their root mean square (*RMS*). We let it read the held-back stories.

# %%
from language_model.config import DynamicConfig

learner = language_model.DynamicEvaluation(sample_reader, DynamicConfig())
learner.gather(train_tokens)  # the mean squares of the gradients
scores = {
    "LSTM, trained on the sample": sample_reader.score_tokens(validation_tokens),
    "the same, learning while it reads": learner.score_tokens(validation_tokens),
}
pd.DataFrame({name: text_scores(validation_texts, found) for name, found in scores.items()}).T[["perplexity"]]

# %% [markdown]
# A few stories of five sentences, each about something else, are little to learn from. Whole books are more: on the
# fairy tales held back for the test, 62,226 tokens in their order, the pretrained model goes from a perplexity of
# 54.00 to 43.18. That is `python -m language_model.evaluate --test test.csv.gz --train stories.csv.gz --dynamic`,
# which takes three minutes and more. These figures, too, are given apart.
#
# ## Surprisal, word by word
#
# The surprisal of each word shows what the model expects and what it does not. Here are two sentences with the same
# words in another order.

# %%
pair = ["The king went into the forest.", "The forest went into the king."]
figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained", sharey=True)
for axis, score in zip(axes, reader.score(pair), strict=True):
    bits = -np.array(score.log_probabilities) / np.log(2)
    axis.bar(range(len(bits)), bits, color="tab:blue")
    axis.set_xticks(range(len(bits)), score.tokens, rotation=45)
    axis.set_title(f"{score.text}  {bits.sum():.1f} bits")
axes[0].set_ylabel("surprisal, bits")
plt.show()

# %% [markdown]
# A high bar marks the place where an expectation was let down, or where the sentence simply says something new. "The"
# after "into" is nearly free, since grammar calls for something of the kind. Nouns often cost most: a sentence could
# be about anything. Compare the same noun in both places to see how much the words before it matter.
#
# The other side of the same coin: which words does it expect? Here are the ten most likely ones after three
# beginnings.

# %%
from common.text.vocabulary import BOS_ID
from language_model.loader import initial_states


def next_probabilities(text):
    """The probability of each token to be the next; float (vocab_size,)."""
    ids = np.array([[BOS_ID, *reader.vocabulary.encode(split_text(text, reader.config))]], np.int32)
    answer, _ = reader.step(ids, np.ones(ids.shape, bool), initial_states(reader.config, 1))
    exponentials = np.exp(answer["logits"][0, -1] - answer["logits"][0, -1].max())
    return exponentials / exponentials.sum()


figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained", sharex=True)
beginnings = ("Once upon a time there was a", "Then the king said to his", "She gave him a loaf of")
for axis, text in zip(axes, beginnings, strict=True):
    chances = next_probabilities(text)
    best = np.argsort(-chances)[:10][::-1]
    axis.barh([reader.vocabulary.tokens[i] for i in best], chances[best], color="tab:green")
    axis.set(title=f"{text} …", xlabel="probability")
plt.show()

# %% [markdown]
# Grammar is there: after an article come adjectives and nouns, and no verbs. `<unk>` stands for all the words that
# the model does not know, taken together, so it can rank high. Where one word has most of the probability, the
# beginning leaves little choice; where the bars are all short, the story could go anywhere.
#
# ## How far back it remembers
#
# The state goes in and comes out, so we can take it away: put it back to zero after every few tokens and see how much
# worse the model reads. With a reset after every token the model sees one word and nothing else; where the curve is
# flat, more memory would not help this model.

# %%
distances = (1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 0)
found = [text_scores(test_texts, reader.score_tokens(test_tokens, reset_every=n))["perplexity"] for n in distances]
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
axis.plot(distances[:-1], found[:-1], marker="o")
axis.axhline(found[-1], color="black", linewidth=1, linestyle="--")
axis.set(xscale="log", xlabel="tokens between two resets (dashed: never)", ylabel="perplexity")
axis.set_xticks(distances[:-1], distances[:-1])
plt.show()

# %% [markdown]
# Most is gained by the first few words, as with n-grams. But the curve goes on falling where n-grams see nothing
# more: that is the topic, who is in the story, and whether it is told of yesterday or of now.
#
# ## Writing
#
# To write, draw from these probabilities, append what was drawn, and repeat. The *temperature* divides the logits
# before the softmax. Below 1, likely words become even more likely; at 0 the likeliest is always taken; above 1,
# unlikely words get a chance. A text that has reached `max_tokens` goes on to the end of its sentence.

# %%
for temperature in (0.5, 1.0, 1.5):
    print(f"temperature {temperature}")
    for text in reader.generate(
        "Once upon a time", num_samples=2, max_tokens=60, temperature=temperature, num_sentences=2, seed=3
    ):
        print(textwrap.fill(text, 110, initial_indent="  - ", subsequent_indent="    "))

# %% [markdown]
# At 0.5 the sentences are the safest and the dullest. At 1.5 rare words come in everywhere, one unlikely word is
# followed by the next, and the sentences fall apart. Between the two lies what people like best.
#
# There are other ways to keep the unlikely out. *Top-k* draws among the k likeliest tokens; *top-p* among the
# likeliest that together hold the share p; *min-p* among those at least p times as likely as the likeliest. A
# *repetition penalty* makes what has been said less likely, and `no_repeat_ngram` forbids saying the same three words
# twice. *Beam search* does not draw at all: it looks for the text with the highest mean log-probability per token.
#
# What do they do to a text? We let the model that was trained on the sample write twenty texts in each way, and measure
# three things: how likely the model itself finds them, how varied they are (the share of different ones among all
# pairs of words), and the longest span that stands word for word in the stories it has learned from.

# %%
from language_model.originality import distinct_ngrams, join_all, longest_copied_span

ways = {
    "temperature 1": {"temperature": 1.0},
    "temperature 0.5": {"temperature": 0.5},
    "top-k 10": {"temperature": 1.0, "top_k": 10},
    "top-p 0.8": {"temperature": 1.0, "top_p": 0.8},
    "min-p 0.1": {"temperature": 1.0, "min_p": 0.1},
    "min-p 0.1, repetition penalty 1.2": {"temperature": 1.0, "min_p": 0.1, "repetition_penalty": 1.2},
    "temperature 0": {"temperature": 0.0},
    "20 beams": {"num_beams": 20},
    "20 beams, no 3 words twice": {"num_beams": 20, "no_repeat_ngram": 3},
}
training = join_all(train_tokens)
table = {}
for name, way in ways.items():
    written = sample_reader.generate("The old woman", num_samples=20, max_tokens=60, seed=2, **way)
    lists = [split_text(text, config) for text in written]
    spans = [longest_copied_span(tokens, training) for tokens in lists]
    table[name] = {
        "perplexity": text_scores(written, sample_reader.score_tokens(lists))["perplexity"],
        "different pairs": distinct_ngrams(lists, 2),
        "longest copied span": max(end - start for start, end in spans),
    }
    print(textwrap.fill(f"{name}: {written[0]}", 110, subsequent_indent="    "))
pd.DataFrame(table).T

# %% [markdown]
# The likeliest text is not the best text. Search finds what the model is surest of, and taking the likeliest word each
# time gives twenty times the same. People do not write that way: they would bore each other. What limits the draw
# keeps the texts likely and still varied; where the limit should be is a matter of taste. And a low share of
# different pairs, or a long copied span, is a warning that no perplexity gives.
#
# Now the model ends a story of the test file. It reads the first four sentences and writes the fifth, three times.

# %%
from language_model.loader import split_ending

context, ending = split_ending(test_texts[10], reader.config)
print(textwrap.fill(context, 110))
print("\nthe author:  ", ending)
for text in reader.generate(context, num_samples=3, max_tokens=40, temperature=0.7, num_sentences=1, seed=1):
    print("the model:   ", text[len(context) :])

# %% [markdown]
# Ask yourself three questions about each of its endings. Is it a sentence? Does it take up the persons and things of
# the story? Does it end anything? The answers mostly get worse in this order.
#
# ## The given ending or another one?
#
# Can the model at least tell which ending belongs? For every test story we take its own last sentence and the last
# sentence of another story, and ask in two ways. First: which of them is more likely, per token, after the first four
# sentences? Second: which of them do the four sentences *help* more? That is the log-probability of the ending after
# them, less that of the ending by itself, with nothing before it. Tossing a coin would get half of the stories right.

# %%
from language_model.endings import compare_endings, split_endings


def ngram_score(token_lists):
    return [np.array(ngrams[5].log_probabilities(vocabulary.encode(tokens))) for tokens in token_lists]


scorers = {
    "Kneser-Ney 5-gram": ngram_score,
    "LSTM, trained on the sample": sample_reader.score_tokens,
    "LSTM, pretrained": reader.score_tokens,
}
contexts, endings = split_endings(test_texts, reader)
won = {name: compare_endings(contexts, endings, score) for name, score in scorers.items()}
luck = 1.96 * np.sqrt(0.25 / len(endings))
print(f"{len(endings)} stories; tossing coins gives {0.5 - luck:.2f} to {0.5 + luck:.2f} in 95 of 100 tries")
columns = {"ending_accuracy": "more likely", "ending_gain_accuracy": "helped more"}
pd.DataFrame({name: {columns[kind]: w.mean() for kind, w in wins.items()} for name, wins in won.items()}).T

# %% [markdown]
# With so few stories, a share inside the printed range may be luck. The first question is hard for all these models:
# an ending of common words is likely after any story, and that outweighs what the story says. The second question
# takes the ending's own likelihood away, and what is left is whether the words of the story and those of the ending
# have anything to do with each other.
#
# ## The mistakes it makes
#
# Where is the pretrained model surprised most? First by the place in the text, then the single words that surprised
# it most, among those it knows.

# %%
from language_model.report import by_position, hardest_tokens

header, *body = by_position(all_nats["LSTM, pretrained"])
pd.DataFrame(body, columns=header).set_index(header[0])

# %%
header, *body = hardest_tokens(test_tokens, all_nats["LSTM, pretrained"], reader.vocabulary, 12)
pd.DataFrame(body, columns=header)

# %% [markdown]
# Each of these words is unlikely only as long as one does not follow the story. A reader who knows what it is about,
# and how the world goes, expects many of them. The model has met most of the words before it, but never all this
# together.
#
# The model prefers the wrong ending for some stories. Here is one of them.

# %%
lost = int(np.flatnonzero(won["LSTM, pretrained"]["ending_gain_accuracy"] == 0)[0])
print(textwrap.fill(test_texts[lost], 110))

# %% [markdown]
# Can you tell what ties this ending to its story? Often it is a single thing that both speak of in other words, or a
# reversal that one must understand to expect it. A model that counts on familiar sequences of words misses it.
#
# ## A look inside: the cells
#
# The cell `c` of each layer is a vector of numbers that the network carries from word to word. What do they keep? We
# step through the test stories one token at a time and note the cells of all layers, one layer after the other. Then
# we look for the unit that goes together best with two things that a writer must keep in mind: how far the sentence
# has come, and whether somebody is speaking.

# %%
from common.text.batching import make_mask, pad

rows = [encode_text(tokens, reader.vocabulary)[:-1] for tokens in test_tokens]
ids, mask = pad(rows), make_mask([len(row) for row in rows])
states, cells = initial_states(reader.config, len(rows)), []
for t in range(ids.shape[1]):
    _, states = reader.step(ids[:, t : t + 1], mask[:, t : t + 1], states)
    cells.append(np.concatenate([states[name] for name in sorted(states) if name.endswith("_c")], axis=1))
cells = np.stack(cells, axis=1)  # (texts, time, units of all layers)
print("(texts, time, units) =", cells.shape)

# %%


def features_of(tokens):
    """After each token: tokens since the last full stop, and whether a quotation is open."""
    since, inside = [0], [0]
    for token in tokens:
        since.append(0 if token in (".", "!", "?") else since[-1] + 1)
        inside.append(1 - inside[-1] if token == '"' else inside[-1])
    return since, inside


known = np.concatenate([np.array(features_of(tokens)).T for tokens in test_tokens])  # (all tokens, 2)
seen = cells[mask]  # (all tokens, units)
correlation = [[np.corrcoef(seen[:, unit], column)[0, 1] for unit in range(seen.shape[1])] for column in known.T]
units = np.abs(np.nan_to_num(correlation)).argmax(axis=1)
for name, row, unit in zip(("place in the sentence", "inside a quotation"), correlation, units, strict=True):
    print(f"{name}: unit {unit}, correlation {row[unit]:.2f}")

# %%
number = next(i for i, tokens in enumerate(test_tokens) if tokens.count('"') == 2)
length = int(mask[number].sum())
labels = ["<bos>", *test_tokens[number]]
figure, axes = plt.subplots(2, 1, figsize=(13, 4.6), layout="constrained", sharex=True)
for axis, unit, feature, name in zip(
    axes, units, features_of(test_tokens[number]), ("tokens since the last full stop", "quotation open"), strict=True
):
    values = cells[number, :length, unit]
    axis.bar(range(length), values, color=np.where(values > 0, "tab:blue", "tab:red"))
    axis.set(ylabel=f"cell {unit}", title=f"Cell {unit} (bars) and: {name} (line)")
    right = axis.twinx()
    right.plot(range(length), feature, color="black", linewidth=1)
axes[-1].set_xticks(range(length), labels, rotation=90, fontsize=7)
plt.show()

# %% [markdown]
# The first unit works as a counter. It moves in one direction through a sentence and falls back at each full stop.
# Nobody asked for it: the network keeps count because it helps to know when a sentence is due to end. How far a single
# cell does the book-keeping, the correlations printed above say: near 1 or -1, all of it; a smaller number means that
# the rest of what the network knows about it is spread over many cells.
#
# And here are many cells at once: the forty units that change most over the same story, one row each.

# %%
shown = np.tanh(cells[number, :length])  # what the output gate gets to see, (time, units)
busiest = np.argsort(-shown.std(axis=0))[:40]
figure, axis = plt.subplots(figsize=(13, 5), layout="constrained")
picture = axis.imshow(shown[:, busiest].T, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
axis.set_xticks(range(length), labels, rotation=90, fontsize=7)
axis.set(title="Forty cells while reading a story", ylabel="unit (the busiest first)")
figure.colorbar(picture, ax=axis, label="tanh(c)")
plt.show()

# %% [markdown]
# Some rows change at every full stop, some flicker from word to word, and some take a colour and keep it for a long
# time. Short memory and long memory work side by side, as the forget gate of each unit decides.
#
# ## A look inside: word vectors
#
# The model was only asked to predict. Which words has it put close together on the way? We measure the *cosine* of
# the angle between two vectors: 1 is the same direction, 0 a right angle.

# %%
table = reader.network.model.get_layer("embedding").get_weights()[0][:3000]  # the most frequent tokens
table = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)


def neighbours(word, number=7):
    """The tokens whose vectors have the largest cosine with that of `word`."""
    cosines = table @ table[reader.vocabulary.encode([word])[0]]
    ranked = [i for i in np.argsort(-cosines) if i >= 4]  # without the special tokens
    return [f"{reader.vocabulary.tokens[i]} {cosines[i]:.2f}" for i in ranked[1 : number + 1]]


words = ["king", "wolf", "said", "went", "could", "he", "three", "beautiful"]
pd.DataFrame({word: neighbours(word) for word in words})

# %% [markdown]
# To predict the next word, it is enough to know in which places a word can stand. So words that can replace each
# other become neighbours: verbs in the same form, persons of the same kind, numbers. Opposites often do, too.
#
# ## Letters instead of words
#
# Nothing in the model knows what a token is. The bundle `language_model/shakespeare` learned a million letters of
# Shakespeare, one after the other, with the state carried through the whole text. It has no unknown words, it must
# learn to spell, and a state that lasted twenty words now has to last a hundred letters.

# %%
shakespeare = language_model.load("shakespeare")
print(shakespeare.generate("KING HENRY:\n", max_tokens=400, temperature=0.7, seed=1)[0])

# %%
(line,) = shakespeare.score(["Good morrow, gentle cousin."])
letters = line.tokens[:-1]  # without the end: this model has read one text, and that went on and on
bits = -np.array(line.log_probabilities[:-1]) / np.log(2)
figure, axis = plt.subplots(figsize=(10, 2.8), layout="constrained")
axis.bar(range(len(bits)), bits, color=["tab:orange" if letter in " .," else "tab:blue" for letter in letters])
axis.set_xticks(range(len(bits)), [letter.replace(" ", "_") for letter in letters])
axis.set(ylabel="surprisal, bits", title=f"{bits.mean():.2f} bits a character")
plt.show()

# %% [markdown]
# The first letters of a word cost most, and the last ones nearly nothing: once "mor" stands there, few words are
# left. A model of letters finds the borders of words by itself, as the places where its surprise goes up.
#
# Bits a character compare models of letters with models of words, as both have to account for the same text. That is
# why `evaluate` prints them.
#
# ## Exercises
#
# 1. **Write with it.** Let the pretrained model end the test stories: `python -m language_model.generate --endings
#    language_model/dataset/test.csv`. Which way of drawing gives the endings you like best?
# 2. **Grammar.** Collect pairs such as "The keys is lost." and "The keys are lost.", and see how often the right one
#    is more likely. How far may verb and noun be apart? (`reader.score`)
# 3. **More n-grams.** Plot the test perplexity of the n-gram model for every order from 1 to 8, and for a tenth, a
#    third and all of the training stories. What does more text do to the best order? (`NgramModel`)
# 4. **Letters.** Train a model of characters on the sample with `--level character --tbptt-length 300`. Compare it with
#    the word model in bits per character. Why not in perplexity? How far back does it remember?
# 5. **Mix.** Average the probabilities of the 5-gram model and the network, token by token, and find the best weight
#    on the validation stories. Why is the mixture better than both?
# 6. **Your own author.** Take a long text in a plain file, hold some of it back as a test file, and train on the rest
#    with `--document paragraph`. Read what the model writes after one epoch, after three, after ten. What does it
#    learn first?
