# %% [markdown]
# # Noun or verb? Tagging words with a recurrent network
#
# > They refuse to permit us to obtain the refuse permit.
#
# "Refuse" and "permit" both occur twice here, and each time they are something else: first a verb, later a noun.
# Nobody who reads English stumbles for long. Can a program give every word its class, its *part of speech*?
#
# The input is a sequence of words and the output is a sequence of the same length, one *tag* for each word. That
# makes it different from rating a review, where a whole text gets one answer. Tags are useful as they are, for
# looking words up in a dictionary or reading a text aloud ("a record", "to record"), and they are a first step of
# parsing.
#
# Two things make the task hard. Many words can be several things, so the words around them must decide. And every
# text has words that the training data lacks, so their *spelling* must help: you have never seen "blorping", and
# still you have a good idea of what it may be.
#
# Every step below uses the functions behind `python -m pos_tagging.train`, `evaluate` and `predict`. Run the cells
# from the top; it takes a minute or two on two processor cores.
#
# It runs in the repository, and wherever the project is installed, on a hosted notebook service, say: `pip install` it
# with the extra `train`, and its folder `pretrained_model/pos_tagging`;
# README.md says how. The sample data come with it.

# %%
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from common.inference.keras_start import start_keras

keras = start_keras()

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import pos_tagging
from common.training.seeds import set_seed

set_seed(1)
pd.set_option("display.max_colwidth", 120, "display.precision", 3, "display.max_columns", 40)
DATA = Path(pos_tagging.__file__).parent / "dataset"

# %% [markdown]
# ## The data
#
# The repository carries 350 sentences, tagged by hand for it. They are stored as *CoNLL-U*, the format of the
# Universal Dependencies project: one word a line in ten columns, a blank line after each sentence. Only four columns
# are used here: the number, the word, its tag, and whether a space follows it.

# %%
lines = (DATA / "train.conllu").read_text(encoding="utf-8").splitlines()
print("\n".join(lines[: lines.index("") + 1]))

# %%
from pos_tagging.config import TaggingConfig
from pos_tagging.loader import load_sentences

train_sentences = load_sentences(DATA / "train.conllu", TaggingConfig())
test_sentences = load_sentences(DATA / "test.conllu", TaggingConfig())
print(len(train_sentences), "sentences to train on,", len(test_sentences), "to test on")
for sentence in train_sentences[:5]:
    print(" ".join(f"{token}/{tag}" for token, tag in sentence.pairs()))

# %% [markdown]
# There are 17 tags. The table gives the meaning of each, how often it occurs in training, and its most frequent
# words.

# %%
MEANINGS = {
    "ADJ": "adjective", "ADP": "preposition", "ADV": "adverb", "AUX": "auxiliary verb",
    "CCONJ": "coordinating conjunction", "DET": "determiner", "INTJ": "interjection", "NOUN": "noun",
    "NUM": "number", "PART": "particle", "PRON": "pronoun",
    "PROPN": "proper noun (name)", "PUNCT": "punctuation", "SCONJ": "subordinating conjunction", "SYM": "symbol",
    "VERB": "verb", "X": "other",
}  # fmt: skip
words_of = defaultdict(Counter)
for sentence in train_sentences:
    for token, tag in sentence.pairs():
        words_of[tag][token.lower()] += 1
rows = [
    (tag, MEANINGS[tag], words.total(), " ".join(word for word, _ in words.most_common(8)))
    for tag, words in sorted(words_of.items(), key=lambda item: -item[1].total())
]
pd.DataFrame(rows, columns=["tag", "meaning", "words", "most frequent"]).set_index("tag")

# %% [markdown]
# How hard is it? On the left, the counts of the tags as a picture. On the right is what a tagger meets in the test
# sentences: words that training saw with one tag only, words that it saw with several, and words it never saw.

# %%
tags_of = defaultdict(set)
for sentence in train_sentences:
    for token, tag in sentence.pairs():
        tags_of[token].add(tag)
number = [len(tags_of.get(token, ())) for sentence in test_sentences for token in sentence.tokens]
kinds = pd.Series(number).map(lambda n: "never seen" if n == 0 else "one tag" if n == 1 else "several tags")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained", width_ratios=(2, 1))
left.bar([row[0] for row in rows], [row[2] for row in rows], color="tab:blue")
left.tick_params(axis="x", rotation=60)
left.set(title="Tags in the training sentences", ylabel="words")
kinds.value_counts(normalize=True).plot.bar(ax=right, color="tab:orange", rot=20)
right.set(title="Words of the test sentences", xlabel="in training", ylabel="share of the words")
plt.show()

# %% [markdown]
# Unknown words are the larger part of the problem in a sample of this size. Here are some words with several tags:

# %%
print("\n".join(f"{word:8} {', '.join(sorted(tags))}" for word, tags in tags_of.items() if len(tags) > 2))

# %% [markdown]
# ## From sentences to numbers
#
# A network computes with numbers. Each word becomes numbers in four ways, and we follow one short sentence.
#
# **The word as a whole.** A *vocabulary* gives every word of the training sentences a number, its *id*. Ids 0 to 3
# are reserved for padding, unknown words, beginning and end. Words are looked up in lower case, so that "The" and
# "the" share what is learned about them. A word that training never saw becomes `<unk>`.

# %%
from pos_tagging.lexicon import Lexicon, encode_word
from pos_tagging.loader import make_batches
from pos_tagging.sentences import Sentence

config = TaggingConfig(units=64, embedding_dim=64, batch_size=8, learning_rate=0.005)
tags = sorted(words_of)
lexicon = Lexicon.build([sentence.tokens for sentence in train_sentences], tags, config)
print(len(lexicon.words), "word ids,", len(lexicon.characters), "character ids")
tokens = ["The", "dog", "is", "blorping", "!"]
ids = lexicon.words.encode(tokens)
pd.DataFrame({"word": tokens, "id": ids, "read as": lexicon.words.decode(ids)}).T

# %% [markdown]
# **The word as letters.** "blorping" is `<unk>` above, and all that could be known about it is lost. So each word is
# also given as 16 character ids: a mark for its beginning, its letters with upper and lower case kept apart, a mark
# for its end, and padding. The marks let the network tell an "ing" at the end of a word from one in the middle. Of
# longer words the two ends stay.

# %%
for word in ("dog", "blorping", "incomprehensibility"):
    ids = encode_word(word, lexicon.characters)
    print(f"{word:20}", ids)
    print(" " * 20, " ".join(lexicon.characters.decode(ids)))

# %% [markdown]
# **The word as a shape.** At a glance: a capital is X, another letter x, a digit d, and of a row of one kind at most
# four are kept. Each shape that training has seen has an id.

# %%
words = ["The", "blorping", "NATO", "iPhone", "1997", "U.S."]
shape_ids = lexicon.encode(words)["shape_ids"]
pd.DataFrame({"word": words, "id": shape_ids, "shape": lexicon.shapes.decode(shape_ids)}).T

# %% [markdown]
# **The word as its ends.** Its first one, two, three and four letters and its last ones, in lower case. Those that two
# words of the training sentences have in common have an id; `<unk>` stands for all others.

# %%
ends = {word: lexicon.affixes.decode(lexicon.encode([word])["affix_ids"][0]) for word in ("blorping", "Unseen")}
pd.DataFrame(ends).T

# %% [markdown]
# **A batch.** Training works on several sentences at once, a *batch*. The arrays are rectangular, so shorter
# sentences are padded with zeros on the right; the *mask* says which positions hold real words. The targets are the
# ids of the tags, and each comes with a weight: 1 for a word, 0 for padding, so that padding is never scored.

# %%
pair = [
    Sentence(tokens, ["DET", "NOUN", "AUX", "VERB", "PUNCT"]),
    Sentence(["Birds", "sing", "."], ["NOUN", "VERB", "PUNCT"]),
]
example, targets, weights = make_batches(pair, lexicon, config, shuffle=False)[0]
for name, array in {**example, "targets": targets, "weights": weights}.items():
    print(f"{name:14} {array.dtype!s:8} {array.shape}")
print("token_ids", example["token_ids"].tolist())
print("mask     ", example["mask"].astype(int).tolist())
print("targets  ", targets.tolist(), "with", tags[targets[0, 0]], "=", targets[0, 0])
print("first word, letters", example["spellings"][example["spelling_ids"][0, 0]].tolist())

# %% [markdown]
# Rows are sorted by length, so the sentence about birds comes first. The axes are (sentences, words), and for the
# spellings (distinct words, letters): a word that stands in a batch many times is spelled once, and `spelling_ids` says
# where it stands. The first spelling is that of padding.
#
# ## A baseline
#
# Give every word the tag it had most often in training, and every unknown word the tag that is most common among
# words seen once. This looks at one word at a time and cannot tell the two "permit"s apart. It is still a serious
# opponent, because most words in a text are used in their usual way.
#
# The scores: *accuracy* is the share of words with the right tag, over all words, over words that training saw
# (known), and over those it did not (unknown). *Sentence accuracy* is the share of sentences without a single
# mistake. For *macro F1*, precision and recall are combined for each tag, and then all tags count the same, however
# rare they are.

# %%
from pos_tagging.evaluate import tagging_scores
from pos_tagging.most_frequent_tag import MostFrequentTag

baseline = MostFrequentTag(train_sentences)
answers = {"most frequent tag": [baseline.tag(sentence.tokens) for sentence in test_sentences]}
training_words = set(tags_of)
print("unknown words get", baseline.unknown)
print(baseline.tag(["They", "refuse", "to", "permit", "a", "permit", "."]))
pd.DataFrame({name: tagging_scores(test_sentences, given, training_words) for name, given in answers.items()}).T

# %% [markdown]
# ## The model
#
# ```
#   "blorping"                                          "blorping"
#       |                                                   |
#   word vector  <- a table with a row for each word    <bos> b l o r p i n g <eos>
#       |                                                   |  a vector for each letter
#       |                                               filters, 2, 3 and 5 letters wide, slide over the word
#       |                                                   |  each reports its best fit only
#       +--- vector of xxxx ----+--- vectors of b-, bl-, … -ng, -ing
#       |                       |                           |
#       +-----------------------+---------------------------+
#                               |
#               features of the word         (and of all the other words of the sentence)
#                               |
#               LSTM reading forward  +  LSTM reading backward     what came before, what comes after
#                               |
#               the same again, on top
#                               |
#               one score for each tag: the logits
# ```
#
# The *filters* are small pattern detectors. One of width 3 compares every three letters in a row with its own
# pattern, and reports how well the best place fits. A filter that has learned "ing and then the end of the word" says
# nothing about where in the word it looked, only that it found it.
#
# An *LSTM* (long short-term memory) is a recurrent network: it reads the words one after the other and carries a
# *state*, a vector of what matters of the words so far. With one network in each direction, every word is seen with
# all that stands before and after it. The sentiment lesson has the LSTM's equations.
#
# The last layer gives each tag a score, a *logit*. The *softmax* turns logits into probabilities: take the
# exponential of each, divide by their sum.

# %%
from pos_tagging.model import build_model

model = build_model(config, **lexicon.sizes())
model.summary(line_length=100)

# %% [markdown]
# What comes out of each layer when the two example sentences go in? Spellings come first: distinct words, letters and
# features, until the pooling takes the best fit of each filter. `spelled_words` puts them where they belong, and from
# there on the first two axes are sentences and words, all the way through.

# %%
probe = keras.Model(model.input, {layer.name: layer.output for layer in model.layers})
outputs = probe(example)
pd.DataFrame({"layer": outputs.keys(), "shape of its output": [str(tuple(value.shape)) for value in outputs.values()]})

# %% [markdown]
# ## Training
#
# The loss is the *cross-entropy*: minus the logarithm of the probability that the model gives to the right tag,
# averaged over the words. It is measured in *nats*, the unit of the natural logarithm: 0.69 nats mean a probability
# of one half. One pass over the training sentences is an *epoch*. A tenth of the sentences is held back for
# *validation*; the weights of the epoch that tags them best are kept.
#
# Two settings fight learning by heart. *Dropout* turns random features off. *Word dropout* reads some words as
# `<unk>`, rare ones more often: a word seen once is likely to stand for all the words never seen, so the network must
# learn what to do when only the letters and the neighbours are left.

# %%
workshop = tempfile.TemporaryDirectory()
bundle = Path(workshop.name) / "pos_tagging"
sample_config = TaggingConfig(num_epochs=20, batch_size=8, units=64, embedding_dim=64, learning_rate=0.005)
result = pos_tagging.train(DATA / "train.conllu", bundle, sample_config)
history = pd.DataFrame(result.history).drop(columns="seconds").set_index("epoch")
history.iloc[::4]

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
history.loss.plot(ax=left, marker="o", title="Training loss", ylabel="nats per word")
history.accuracy.plot(ax=right, marker="o", label="all words")
history.accuracy_unknown.plot(ax=right, marker="s", label="unknown words")
right.set(title="Validation accuracy", ylabel="accuracy", ylim=(0, 1))
right.legend(frameon=False)
for axis in (left, right):
    axis.xaxis.set_major_locator(plt.MaxNLocator(integer=True))
plt.show()

# %% [markdown]
# The loss is still falling when the accuracy on new sentences has almost stopped rising. From there on the network
# mostly gets surer of what it knows already. More data would help more than more epochs.
#
# ## The same model, trained on more
#
# The repository also holds a *pretrained* tagger. It has more units, goes without the ends of words, and was trained
# on two treebanks, texts with tags made by linguists: the English Web Treebank, of blogs, letters, news groups and
# reviews, and ten kinds of text of the GUM corpus, from news and textbooks to conversations. Before that it had
# learned the tags of a million words of other English, the Brown Corpus, and beside its own word vectors it has
# others, counted over film reviews, tales and an encyclopedia: so it knows something of many words that the treebank
# lacks. It has also seen some of the treebank's sentences in small letters, IN CAPITALS or With Capitals.
# `pos_tagging.load()` opens it.

# %%
tagger = pos_tagging.load()
sample_tagger = pos_tagging.load(bundle)
for name, model in (("pretrained", tagger), ("trained on the sample", sample_tagger)):
    print(f"{name}: {len(model.lexicon.words):,} word ids, {model.network.model.count_params():,} weights")

# %% [markdown]
# Tag sentences of your own: change the list and run the cell again. The text may be raw; splitting it into sentences
# and words is part of `tag`.

# %%
texts = [
    "They refuse to permit us to obtain the refuse permit.",
    "Time flies like an arrow; fruit flies like a banana.",
    "The old man the boats.",
    "Will Will will the will to Will?",
    "I googled it, lol. Gonna try the new cafe in Malmö tomorrow :)",
    "The blorps were blorping blorpishly in Blorpville.",
]
for answer in tagger.tag(texts):
    for sentence in answer:
        print(sentence)

# %% [markdown]
# Look closely, since some of these are wrong. "The refuse permit" is right: *refuse* is rubbish there, and a noun.
# *Fruit flies* are insects that like a banana; the tagger lets the fruit fly, as time does. In the third sentence
# *man* is the verb: old people man the boats; the tagger sees an old man, and no verb at all. Sentence four has a
# name, a noun and a verb among its *will*s, and the tagger sees auxiliaries everywhere. The words of the last sentence
# were made up, and they get sensible tags all the same.
#
# ## Scores
#
# All taggers on the same 82 test sentences. A word counts as unknown if the training *sample* lacks it, for every row
# of the table, so that the rows can be compared; to the pretrained tagger many of these words are familiar.

# %%
for name, model in (("LSTM, trained on the sample", sample_tagger), ("LSTM, pretrained", tagger)):
    answers[name] = [answer.tags for answer in model.tag_sentences(test_sentences)]
pd.DataFrame({name: tagging_scores(test_sentences, given, training_words) for name, given in answers.items()}).T

# %% [markdown]
# One caution. The treebank's annotators and the author of the sample did not always decide alike. Where they differ,
# the pretrained tagger is counted wrong for doing as it was taught, and the model trained on the sample has an
# advantage. Such differences will turn up among the mistakes.
#
# scikit-learn's report for the pretrained tagger has a row for each tag, and the confusion matrix shows which tag is
# taken for which. In the matrix a row is a true tag and a column a tag given; the diagonal is right.

# %%
from sklearn.metrics import classification_report, confusion_matrix

given = answers["LSTM, pretrained"]
true_tags = [tag for sentence in test_sentences for tag in sentence.tags]
given_tags = [tag for row in given for tag in row]
print(classification_report(true_tags, given_tags, zero_division=0))

# %%
from common.evaluation.figures import confusion_figure

names = sorted({*true_tags, *given_tags})
confusion_figure(confusion_matrix(true_tags, given_tags, labels=names), names, "Tags given by the pretrained tagger")

# %% [markdown]
# ## The mistakes it makes
#
# First the kinds of mistakes, the most frequent ones, with the words they happened to. Then the sentences with most
# mistakes.

# %%
from pos_tagging.report import confusions, worst_sentences

rows = [
    (true, tag, len(places), " ".join(test_sentences[i].tokens[j] for i, j in places[:12]))
    for true, tag, places in confusions(test_sentences, given)[:10]
]
pd.DataFrame(rows, columns=["true", "given", "times", "words"])

# %%
for number, text, words in worst_sentences(test_sentences, given, 6)[1:]:
    print(f"{number} mistakes: {text}\n    {words}\n")

# %% [markdown]
# They fall into two kinds.
#
# **Different conventions.** In the sample, `X` is for words of other languages, such as "al dente" and "in vitro". In
# the treebank it is mostly for file names and mail addresses, so nobody could have learned the sample's meaning
# there. These are not really the model's mistakes.
#
# **Hard cases.** Is a "scratched" table scratched by somebody (a verb form) or just in that state (an adjective)? Is
# "driving" an activity with a name (a noun) or something one does? Participles and *-ing* forms lie on the border,
# and people who tag texts disagree about them, too. The same holds for "to complain less": less of something, or in a
# lesser way? Only the "light" of "light winds" leaves no doubt: it says what the winds are like.
#
# ## A look inside: what the letter filters look for
#
# A filter is best understood by what excites it. We run the filters of width 5 over eight thousand frequent words of
# the training data and note where in a word each filter fits best, and how well.

# %%
network = tagger.network.model
WIDTH = 5
layer = next(x for x in network.layers if isinstance(x, keras.layers.Conv1D) and x.kernel_size == (WIDTH,))
words = [word for word in tagger.lexicon.training_words.tokens[4:] if word.isalpha()][:8000]
spelled = np.array([encode_word(word, tagger.lexicon.characters) for word in words])  # (words, 16)
vectors = network.get_layer("character_embedding")(spelled)  # (words, 16, character_dim)
pieces = [np.asarray(layer(vectors[i : i + 1000])) for i in range(0, len(words), 1000)]
fits = np.concatenate(pieces)
print("(words, places, filters) =", fits.shape)

# %% [markdown]
# Then we ask a question with a definite answer: which filter separates the words in *-ing* best from all the others?
# And which one those in *-ly*, in *-ed*, in *-s*, those with a capital letter? For each of these filters, the table
# lists the letter patterns that excite it most, each with a word that has it. `^` is the beginning of a word, `$` its
# end, and `·` is padding.

# %%
MARKS = {"<bos>": "^", "<eos>": "$", "<pad>": "·", "<unk>": "?"}
best = fits.max(axis=1)  # (words, filters)


def filter_for(chosen):
    """The filter that separates the chosen words from the others, and the patterns it likes."""
    chosen = np.array([chosen(word) for word in words])
    contrast = (best[chosen].mean(axis=0) - best[~chosen].mean(axis=0)) / (best.std(axis=0) + 1e-9)
    number, patterns = int(contrast.argmax()), {}
    for word in np.argsort(-best[:, number])[:500]:
        start = fits[word, :, number].argmax()
        letters = tagger.lexicon.characters.decode(np.pad(spelled[word], WIDTH // 2)[start : start + WIDTH])
        patterns.setdefault("".join(MARKS.get(letter, letter) for letter in letters), words[word])
    return f"filter {number}", [f"{pattern}  {word}" for pattern, word in patterns.items()][:8]


# %%
GROUPS = {f"-{ending}": lambda word, ending=ending: word.endswith(ending) for ending in ("ing", "ly", "ed", "s")}
GROUPS["Capital"] = str.istitle
columns = {}
for group, chosen in GROUPS.items():
    name, patterns = filter_for(chosen)
    columns[f"{group}: {name}"] = pd.Series(patterns)
pd.DataFrame(columns).fillna("")

# %% [markdown]
# The filter for *-ly* looks as one would draw it by hand: letters that go before the ending, the ending, and the end
# of the word. But others do several jobs. The one for *-ing* also answers to plurals in *-mes* and *-mbs*, the one
# for *-ed* to abbreviations, and what excites the best filter for *-s* most is the word *some*. There are more
# spellings to tell apart than filters, so the network shares them; a later layer can still separate what one filter
# mixes, by comparing it with other filters. And no filter waits for a capital: the best that the letters have are
# endings of names, *-ia* and *-ian*, for the tagger has another part that looks at the *shape* of a word, `Xxxx` or
# `dd`. A tidy name for a unit of a network is often more our wish than a fact.
#
# Do the filters add up to something useful? We give the tagger invented words: first alone, so that there is nothing
# to go by but the letters, then in two sentences. All of them are `<unk>` to the word table.


# %%
def probabilities_of(tokens):
    """The probability of each tag for each word; float (words, tags)."""
    inputs, _, _ = make_batches([Sentence(tokens)], tagger.lexicon, tagger.config, shuffle=False)[0]
    exponentials = np.exp(tagger.network(inputs)[0])  # of the logits
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


INVENTED = ["blorp", "blorps", "blorping", "blorped", "blorply", "blorpable", "blorpness", "Blorpia", "1997"]
SHOWN = [tagger.lexicon.tags.index(tag) for tag in ("NOUN", "PROPN", "VERB", "ADJ", "ADV", "NUM")]
figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained", sharey=True)
for axis, text in zip(axes, ("{}", "They saw {} .", "It was {} ."), strict=True):
    place = text.split().index("{}")
    shares = [probabilities_of(text.format(word).split())[place, SHOWN] for word in INVENTED]  # (words, tags)
    picture = axis.imshow(np.array(shares), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axis.set_xticks(range(len(SHOWN)), [tagger.lexicon.tags[tag] for tag in SHOWN], rotation=45)
    axis.set_yticks(range(len(INVENTED)), INVENTED)
    axis.set_title("the word alone" if text == "{}" else text.replace("{}", "…"))
figure.colorbar(picture, ax=axes, label="probability")
plt.show()

# %% [markdown]
# Alone, the endings decide: *-s* makes a noun, *-ing* a noun or a verb, *-ed* mostly a verb, *-ly* an adverb, *-able*
# an adjective, *-ness* a noun or a name, and a capital letter a name. In a sentence the neighbours have their say.
# After "It was", *blorp* and even *blorpness* become adjectives; *blorp*, whose spelling says nothing, was a name
# before. The network weighs both sources, as a reader would.
#
# ## A look inside: up the garden path
#
# "The old man the boats" is a *garden-path sentence*: it leads you to read "the old man", and then "the boats" makes
# no sense, until you notice that "man" is the verb. Here are the logits for each of its words, with a square at the
# highest, and beside them those of a sentence that begins alike and stays harmless.

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained", sharey=True)
for axis, text in zip(axes, ("The old man the boats .", "The old man likes boats ."), strict=True):
    inputs, _, _ = make_batches([Sentence(text.split())], tagger.lexicon, tagger.config, shuffle=False)[0]
    logits = tagger.network(inputs)[0]  # (words, tags)
    picture = axis.imshow(logits.T, cmap="RdBu", vmin=-12, vmax=12, aspect="auto")
    axis.plot(range(len(logits)), logits.argmax(axis=1), "ks", markersize=5)
    axis.set_xticks(range(len(logits)), text.split())
    axis.set_yticks(range(len(tagger.lexicon.tags)), tagger.lexicon.tags)
    axis.set_title(text)
figure.colorbar(picture, ax=axes, label="logit")
plt.show()

# %% [markdown]
# The tagger walks up the garden path: *man* scores highest as a noun in both sentences. But compare the two pictures
# at *man* and VERB. On the left the score is about zero and that of the noun is lower than on the right. The network
# has noticed that "the" follows, which would suit a verb. It just does not draw the conclusion.
#
# What does a word's tag owe to the words after it? We show the tagger more and more of a sentence and watch the
# probabilities of one word in it.

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained", sharey=True)
SENTENCES = [("Book the flight now .", 0), ("I think that he left .", 2), ("I think that was fun .", 2)]
for axis, (text, place) in zip(axes, SENTENCES, strict=True):
    tokens = text.split()
    ends = range(place + 1, len(tokens) + 1)
    shares = np.array([probabilities_of(tokens[:end])[place] for end in ends])  # (steps, tags)
    for tag in np.flatnonzero(shares.max(axis=0) > 0.1):
        axis.plot(range(len(ends)), shares[:, tag], "o-", label=tagger.lexicon.tags[tag])
    axis.set_xticks(range(len(ends)), [tokens[end - 1] for end in ends])
    axis.set(title=f"“{tokens[place]}” in “{text}”", xlabel="read up to", ylim=(-0.05, 1.05))
    axis.legend(frameon=False, loc="center right")
axes[0].set_ylabel("probability")
plt.show()

# %% [markdown]
# *Book* alone is a noun for the tagger, and one more word settles that it is not. After "I think", *that* may be
# anything until "he" or "was" decides. Tagging strictly from left to right would have to guess at this point and stay
# with it. That is what the second LSTM, which reads from the end, is good for.
#
# ## A look inside: word vectors
#
# The table of word vectors was trained for nothing but tagging. Which words does it put close together? We measure
# the *cosine* of the angle between two vectors: 1 is the same direction, 0 a right angle.

# %%
table = network.get_layer("embedding").get_weights()[0][: min(4000, len(tagger.lexicon.words))]
table = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)


def neighbours(word, number=7):
    """The words whose vectors have the largest cosine with that of `word`."""
    cosines = table @ table[tagger.lexicon.words.encode([word])[0]]
    ranked = [i for i in np.argsort(-cosines) if i >= 4]  # without the special tokens
    return [f"{tagger.lexicon.words.tokens[i]} {cosines[i]:.2f}" for i in ranked[1 : number + 1]]


words = ["she", "could", "under", "because", "three", "people", "great", "want"]
pd.DataFrame({word: neighbours(word) for word in words})

# %% [markdown]
# The table sorts words by what they *do* in a sentence: pronouns stand by pronouns, modal verbs by modal verbs,
# conjunctions by conjunctions. Meaning plays a small part. "People" stands beside "feet" before it stands beside "men":
# both are plurals without an *-s*, and the tags of the Brown Corpus told plurals apart. A network learns what its task
# asks for; word vectors trained on another task would show another neighbourhood.
#
# ## Exercises
#
# 1. **Lead it astray.** Look for garden-path sentences ("The horse raced past the barn fell.") and tag them. Which
#    ones fool the tagger, and does it stumble over the same word as you do? (`tagger.tag`)
# 2. **Does case matter?** Write the test sentences all in lower case and score again. Then all in upper case. Which
#    tags suffer most? (`tagging_scores` and `by_tag`; build new `Sentence` objects)
# 3. **Without letters.** Train on the sample with `--character-dim 0` and compare the accuracy on unknown words. Then
#    train with letters but `--rare-word-dropout 0`. (`python -m pos_tagging.train --help`)
# 4. **One direction.** Train with `--directions forward` and find words of the test sentences that only the words
#    *after* them could have decided.
# 5. **The tag before.** `--architecture previous-tag` is another idea: a network from left to right that is fed with
#    the tag it gave last. Train it, compare it, and explain what one wrong tag can do to the rest of a sentence.
# 6. **Your own text.** Tag a page with `python -m pos_tagging.predict --input page.txt --format conllu --output
#    page.conllu`, correct the tags by hand, and measure with `python -m pos_tagging.evaluate --test page.conllu` how
#    well the tagger did. Then add your page to the training sentences of the sample and see if it helps.
