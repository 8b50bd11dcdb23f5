"""Fine-tuning: start from the layers and the vocabulary of another language model, and put new words beside the old.

    vocabulary   <pad> <unk> <bos> <eos> | the tokens of the model | tokens that only the new text has
    vectors      those of the model ---------------------------->  | each as that of <unk>
    biases       the same, but that of <unk> ------------------->  | its probability, shared out by their counts

So at the first step the network predicts what the old one does: the old probability of an unknown token is divided
among the new tokens and what is still unknown. Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text
Classification", section 3.2, fine-tune a language model on a small text in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.file_names import VOCABULARY_FILE
from common.bundles.pretrained import find_bundle, pretrained_folder, pretrained_names
from common.errors import InputError
from common.evaluation.metrics import perplexity
from common.networks import layer_names
from common.progress import say
from common.settings import inherit
from common.text.vocabulary import EOS_ID, UNK_ID, Vocabulary
from language_model.config import DEFAULT_NAME, TASK, LanguageModelConfig
from language_model.predict import LanguageModel

INHERITED = (
    "architecture", "window", "num_layers", "units", "embedding_dim", "tie_embeddings", "level", "lowercase",
    "max_vocab_size", "language", "normalization",
)  # fmt: skip
REGULARIZATION = (
    "input_dropout", "hidden_dropout", "dropout", "variational_dropout", "weight_dropout", "embedding_dropout",
    "activation_regularization", "temporal_activation_regularization",
)  # fmt: skip
MIN_KNOWN = 0.8  # of the tokens of the text: below, it is in another language, or of another kind
MOST_TOKENS = 1_000_000  # of the text: with more, a model of its own learns as well
NUM_LOOKED_AT = 100_000  # tokens, to tell what share of them is known
NUM_SCORED = 5000  # tokens, to tell which model they surprise the least


def open_start(inputs: Mapping[str, Any]) -> Bundle | None:
    """The bundle that `--start` names; None if it is "auto" or "scratch".

    Raises:
        InputError: it names none, or one of another task.
    """
    start = str(inputs["start"])
    return None if start in ("auto", "scratch") else open_bundle(find_bundle(TASK, start), TASK)


def choose_start(
    token_lists: Sequence[Sequence[str]], config: LanguageModelConfig, inputs: Mapping[str, Any]
) -> Bundle | None:
    """What a run starts from if it names nothing, said in one line; None: from scratch.

    Of the pretrained models that read texts as the settings say and know most of the words, the one to which the
    texts are the least surprise.

    Args:
        token_lists: the training texts.
        config: the settings of the run.
        inputs: what it reads, by option.
    """
    if inputs["start"] != "auto":
        return None
    fitting, obstacles = dict[str, tuple[float, Bundle]](), dict[str, str]()
    for name in pretrained_names(TASK):
        origin = open_bundle(pretrained_folder(TASK, name), TASK)
        known = share_known(origin, token_lists)
        if reason := find_obstacle(name, origin, known, token_lists, config):
            obstacles[name] = reason
        else:
            fitting[name] = known, origin
    if not fitting:
        say(f"Start: from scratch, for {obstacles.get(DEFAULT_NAME) or 'there is no pretrained model'}")
        return None
    name = nearest({name: origin for name, (_, origin) in fitting.items()}, token_lists)
    known, origin = fitting[name]
    small = " of small letters" if origin.read_vocabulary(VOCABULARY_FILE).lowercase else ""
    say(
        f"Start: the pretrained model {name}{small} is fine-tuned, which knows {known:.0%} of the words; "
        "--start scratch would begin from nothing"
    )
    return origin


def nearest(models: Mapping[str, Bundle], token_lists: Sequence[Sequence[str]]) -> str:
    """The name of the model with the lowest perplexity on some texts before it learns from them."""
    return min(models, key=lambda name: first_perplexity(models[name], token_lists)) if len(models) > 1 else min(models)


def first_perplexity(origin: Bundle, token_lists: Sequence[Sequence[str]]) -> float:
    """The perplexity of some texts at the first step of fine-tuning, on a sample of their tokens.

    A token that the model does not know has its share of the probability of `<unk>`, as `share_out` divides it, so that
    models of different vocabularies can be compared.
    """
    model = LanguageModel.load(origin.path)
    unknown = Counter(token for tokens in token_lists for token in tokens if token not in model.vocabulary)
    shares = dict(zip(unknown, shares_of(np.array([0, *unknown.values()]))[1:], strict=True))
    sample = first_tokens(token_lists, NUM_SCORED)
    nats = np.concatenate(model.score_tokens(sample))
    of_shares = sum(np.log(shares[token]) for tokens in sample for token in tokens if token in shares)
    return perplexity(-float(nats.sum(dtype=np.float64) + of_shares), len(nats))


def first_tokens(token_lists: Iterable[Sequence[str]], number: int) -> list[Sequence[str]]:
    """The first texts, up to so many tokens in all.

    >>> first_tokens(["abc", "def", "ghi"], 5)
    ['abc', 'de']
    """
    found = list[Sequence[str]]()
    for tokens in token_lists:
        if number <= 0:
            break
        found.append(tokens[:number])
        number -= len(tokens)
    return found


def share_known(origin: Bundle, token_lists: Iterable[Sequence[str]]) -> float:
    """The share of the words, or of the letters, of some texts that a model knows; 0 if there are none."""
    vocabulary, num_known, num_tokens = origin.read_vocabulary(VOCABULARY_FILE), 0, 0
    for tokens in token_lists:
        words = [token for token in tokens if token[:1].isalpha()]
        num_known += sum(token in vocabulary for token in words)
        num_tokens += len(words)
        if num_tokens >= NUM_LOOKED_AT:
            break
    return num_known / num_tokens if num_tokens else 0.0


def find_obstacle(
    name: str, origin: Bundle, known: float, token_lists: Sequence[Sequence[str]], config: LanguageModelConfig
) -> str | None:
    """Why a pretrained model is not the place to start from; None: it can be."""
    theirs = origin.read_config(LanguageModelConfig)
    if theirs.level != config.level:
        return f"{name} reads {theirs.level}s, not --level {config.level}"
    try:
        inherit_settings(config, origin)
    except InputError as error:
        return str(error).replace("; leave it out", "")
    if known < MIN_KNOWN:
        return f"the pretrained model {name} knows {known:.0%} of the words"
    num_tokens = sum(map(len, token_lists))
    return f"there are {num_tokens:,} tokens to learn from" if num_tokens > MOST_TOKENS else None


def inherit_settings(config: LanguageModelConfig, origin: Bundle) -> LanguageModelConfig:
    """Take the settings of the network from the model that a run starts from, and those of its regularization.

    Args:
        config: the settings of the run.
        origin: the bundle of a language model.
    Raises:
        InputError: the run has settings that do not fit it.
    """
    theirs, defaults = vars(origin.read_config(LanguageModelConfig)), vars(LanguageModelConfig())
    values = {name: theirs[name] for name in INHERITED}
    values |= {name: theirs[name] for name in REGULARIZATION if getattr(config, name) == defaults[name]}
    return inherit(config, values, "language model")


def inherit_weights(network: keras.Model, origin: Bundle, counts: np.ndarray) -> None:
    """Put the weights of another language model into a network whose vocabulary begins with that model's.

    Args:
        network: of `build_model`, for the larger vocabulary.
        origin: the bundle that the run starts from.
        counts: how often each id is in the training texts (vocab_size,).
    """
    for layer in network.layers:
        if not layer.weights:
            continue
        arrays = origin.read_layer(layer.name)
        if layer.name in (layer_names.EMBEDDING, layer_names.TO_LOGITS):
            arrays = [
                grow(array, len(counts), axis=1 if array.ndim == 2 and layer.name == layer_names.TO_LOGITS else 0)
                for array in arrays
            ]
            if layer.name == layer_names.TO_LOGITS or len(arrays) == 2:
                arrays[1] = share_out(arrays[1], counts, len(origin.read_vocabulary(VOCABULARY_FILE)))
        layer.set_weights(arrays)


def grow(array: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Repeat what an array has for `<unk>` behind it until it has `size` places along an axis.

    >>> grow(np.array([0, 1, 2]), 5, axis=0)
    array([0, 1, 2, 1, 1])
    """
    unknown = np.take(array, [UNK_ID], axis=axis)
    return np.concatenate([array, np.repeat(unknown, size - array.shape[axis], axis=axis)], axis=axis)


def share_out(bias: np.ndarray, counts: np.ndarray, num_old: int) -> np.ndarray:
    """Divide the probability of `<unk>` among it and the new tokens, in proportion to their counts plus one.

    Args:
        bias: of the logits (vocab_size,), that of `<unk>` at every new token.
        counts: of the tokens (vocab_size,).
        num_old: ids of the old vocabulary; the new ones follow.

    >>> np.exp(share_out(np.zeros(6), np.array([0, 0, 0, 0, 1, 4]), 4)[[1, 4, 5]]).round(3)
    array([0.125, 0.25 , 0.625])
    """
    places = np.array([UNK_ID, *range(num_old, len(counts))])
    bias = bias.copy()
    bias[places] += np.log(shares_of(counts[places]))
    return bias


def shares_of(counts: np.ndarray) -> np.ndarray:
    """The shares of some tokens in the probability of `<unk>`: their counts plus one, out of the sum of these."""
    return (counts + 1) / (counts + 1).sum()


def unigram_bias(counts: np.ndarray) -> np.ndarray:
    """The logarithms of the relative frequencies, where a network's bias begins: steps that it need not learn from.

    Args:
        counts: how often each id is in the training texts (vocab_size,).
    """
    smoothed = counts + 0.1
    return np.log(smoothed / smoothed.sum()).astype(np.float32)


def count_ids(token_lists: Iterable[Sequence[str]], vocabulary: Vocabulary) -> np.ndarray:
    """How often each id is to be predicted in some texts, their ends too, int (vocab_size,)."""
    counts = np.zeros(len(vocabulary), np.int64)
    for tokens in token_lists:
        counts += np.bincount([*vocabulary.encode(tokens), EOS_ID], minlength=len(counts))
    return counts
