"""Explain the tag of a word: what the words around it do for it, or the letters of the word.

python -m pos_tagging.explain --word permit --tag NOUN "They refuse to permit us to obtain the refuse permit."
python -m pos_tagging.explain --letters --word blorfing "She was blorfing all day."
"""

from __future__ import annotations

from common.cli.run import run_command
from pos_tagging import cli

if __name__ == "__main__":
    run_command(cli.explain)

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError, excerpt
from common.inference.keras_engine import KerasEngine
from common.settings import make_config
from common.text.batching import make_mask
from common.text.data import Data
from common.text.normalization import normalize_word
from interpretability import faithfulness
from interpretability.attribution import attribute, delete
from interpretability.config import INTEGRATED, OCCLUSION, REMOVED, AttributionConfig, FaithfulnessConfig
from interpretability.explanation import Explanation
from interpretability.faithfulness import Faithfulness, draw
from pos_tagging.crf import tag_probabilities
from pos_tagging.decoding import softmax
from pos_tagging.lexicon import WORD_LENGTH, encode_word
from pos_tagging.loader import load_sentences, make_batches
from pos_tagging.predict import MAX_TOKENS, SENTENCES_AT_ONCE, Tagger
from pos_tagging.sentences import Sentence

if TYPE_CHECKING:
    from interpretability.cut_model import CutModel

HIDDEN = "\ue000"  # a private character: as a word, or in one, it is unknown to every vocabulary
LEAST = 1e-300  # of a probability, before its logarithm


@dataclass(frozen=True)
class TagScorer:
    """The log-probability of one tag of one word, by the words of its sentence; an `interpretability.Scorer`.

    It is the marginal one, log P(tag of the word | sentence), with either head. Under a CRF the tag that is chosen is
    the one on the best path, to which the transitions to the tags of the neighbours belong; the emission score of the
    word by itself would leave them out.

    The word itself cannot be removed: under both deletion operators an unknown one is put in its place.

    Args:
        model: a tagger with the head `softmax` or `crf`.
        tokens: the words of the sentence.
        place: index of the word.
        tag: index of the tag.
    """

    model: Tagger
    tokens: Sequence[str]
    place: int
    tag: int

    def score(self, kept: NDArray[np.bool_], deletion: str) -> NDArray[np.float64]:
        """Score versions of the sentence; see `Scorer`."""
        hidden = [*self.tokens[: self.place], HIDDEN, *self.tokens[self.place + 1 :]]
        is_there = kept.copy()
        if deletion == REMOVED:
            is_there[:, self.place] = True
        versions = [
            delete(self.tokens if own else hidden, row[None], deletion, HIDDEN)[0]
            for own, row in zip(kept[:, self.place], is_there, strict=True)
        ]
        before = is_there[:, : self.place].sum(axis=1) if deletion == REMOVED else np.full(len(kept), self.place)
        return score_tags(self.model, versions, before, self.tag)

    def vectors(self, hidden: bool) -> NDArray[np.float32]:
        """The vectors of the words, all their features side by side; see `Scorer`."""
        return self._cut.vectors(sentence_inputs(self.model, [HIDDEN] * len(self.tokens) if hidden else self.tokens))[0]

    def differentiate(self, points: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score and differentiate; see `Scorer`."""
        inputs = sentence_inputs(self.model, self.tokens)
        return self._cut.differentiate(points, lambda num_rows: repeat(inputs, num_rows), [self.place, self.tag])

    @cached_property
    def _cut(self) -> CutModel:
        return cut_network(self.model, letters=False)


@dataclass(frozen=True)
class LetterScorer:
    """The same log-probability by the letters of the word, as the character network reads them.

    The vector of the word itself, its shape and its affixes stay as they are, so that of a known word, whose own vector
    says most, the letters get small weights.

    Args:
        model: a tagger that reads characters.
        words: of the sentence.
        place: index of the word.
        tag: index of the tag.
        tokens: the letters of the word that are read.
    """

    model: Tagger
    words: Sequence[str]
    place: int
    tag: int
    tokens: Sequence[str]

    def score(self, kept: NDArray[np.bool_], deletion: str) -> NDArray[np.float64]:
        """Score spellings of the word; see `Scorer`."""
        spellings = [self._spell(letters) for letters in delete(self.tokens, kept, deletion, HIDDEN)]
        inputs = self._inputs(len(spellings), np.array(spellings, np.int32))
        return read_tags(self.model.network(inputs), inputs["mask"], np.full(len(spellings), self.place), self.tag)

    def vectors(self, hidden: bool) -> NDArray[np.float32]:
        """The vectors of the letters; see `Scorer`."""
        return self._spelled([HIDDEN] * len(self.tokens) if hidden else self.tokens)[1 : len(self.tokens) + 1]

    def differentiate(self, points: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score and differentiate; see `Scorer`. The marks of beginning and end stay as they are."""
        end = len(self.tokens) + 1
        whole = np.repeat(self._spelled(self.tokens)[None], len(points), axis=0)  # (versions, characters, features)
        whole[:, 1:end] = points
        others = self._cut.vectors(sentence_inputs(self.model, self.words))
        scores, gradients = self._cut.differentiate(whole, self._inputs, [self.place, self.tag], others)
        return scores, gradients[:, 1:end]

    def _spell(self, letters: Sequence[str]) -> list[int]:
        return encode_word("".join(letters), self.model.lexicon.characters)

    def _spelled(self, letters: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of a word's characters, (characters, features)."""
        inputs = sentence_inputs(self.model, self.words)
        return self._cut.vectors({**inputs, "spellings": np.array([self._spell(letters)], np.int32)})[0]

    def _inputs(self, num_rows: int, spellings: NDArray[np.int32] | None = None) -> dict[str, NDArray]:
        """So many copies of the sentence, each with a spelling of the word of its own before those of all words."""
        inputs = sentence_inputs(self.model, self.words)
        own = np.zeros((num_rows, WORD_LENGTH), np.int32) if spellings is None else spellings
        rows = repeat(inputs, num_rows)
        rows["spellings"] = np.concatenate([own, inputs["spellings"]])
        rows["spelling_ids"] = rows["spelling_ids"] + np.int32(num_rows)
        rows["spelling_ids"][:, self.place] = np.arange(num_rows)
        return rows

    @cached_property
    def _cut(self) -> CutModel:
        return cut_network(self.model, letters=True)


def cut_network(model: Tagger, letters: bool) -> CutModel:
    """The network of a tagger for gradients by the vectors of words, or of letters."""
    from pos_tagging.gradients import cut  # TensorFlow, which occlusion does without

    return cut(model.network.model, letters)


def sentence_inputs(model: Tagger, words: Sequence[str]) -> dict[str, NDArray]:
    """The inputs of the network for one sentence."""
    return dict(make_batches([Sentence(words)], model.lexicon, model.config, shuffle=False)[0][0])


def repeat(inputs: dict[str, NDArray], num_rows: int) -> dict[str, NDArray]:
    """The same sentence so many times; its words are spelled once."""
    return {
        name: value if name == "spellings" else np.repeat(value, num_rows, axis=0) for name, value in inputs.items()
    }


def score_tags(
    model: Tagger, sentences: Sequence[Sequence[str]], places: NDArray[np.intp], tag: int
) -> NDArray[np.float64]:
    """The log-probability of a tag for one word of each sentence, (sentences,)."""
    config = replace(model.config, batch_size=SENTENCES_AT_ONCE)
    batches = make_batches([Sentence(words) for words in sentences], model.lexicon, config, shuffle=False)
    answers = model.network.answers(batches[number][0] for number in range(len(batches)))
    scores = np.zeros(len(sentences))
    for indices, answer in zip(batches.indices, answers, strict=True):
        scores[indices] = read_tags(answer, make_mask(batches.lengths[indices].tolist()), places[indices], tag)
    return scores


def read_tags(answer: Any, mask: NDArray[np.bool_], places: NDArray[np.intp], tag: int) -> NDArray[np.float64]:
    """The log-probability of a tag at one place of each row, from what the network gives, (batch,)."""
    is_crf = isinstance(answer, dict)
    shares = tag_probabilities(answer["scores"], mask) if is_crf else softmax(answer.astype(np.float64))
    return np.log(np.maximum(shares[np.arange(len(places)), places, tag], LEAST))


def explain(
    model: Tagger,
    text: str,
    word: int | str | None = None,
    tag: str | None = None,
    letters: bool = False,
    **settings: Any,
) -> Explanation:
    """Attribute the log-probability of a tag to the words of the sentence, or to the letters of the word.

    Args:
        model: a tagger. Gradients are those of its Keras network, whatever the engine.
        text: raw text; the sentence that holds the word is explained.
        word: its number in the text, from 1, or as it is written; None: the one that the tagger is least sure of.
        tag: the tag; None: the one that the tagger gives.
        letters: whether the letters of the word get the weights; else the words of the sentence do.
        settings: of `interpretability.AttributionConfig`: `method`, `baseline`, `num_steps`, `tolerance`.
    Raises:
        InputError: no such word, tag or setting; or integrated gradients that are not complete.
    """
    return make_explainer(model, word, tag, letters, make_config(AttributionConfig, settings))(text)


def make_explainer(
    model: Tagger,
    word: int | str | None = None,
    tag: str | None = None,
    letters: bool = False,
    config: AttributionConfig | None = None,
) -> Callable[[str], Explanation]:
    """Make the function that explains texts under the same settings; see `explain`."""
    config = config or AttributionConfig()
    config.validate()
    check_explainable(model, tag, letters, config)

    def explain(text: str) -> Explanation:
        sentence, place = find_word(model, model.split([text])[0], word)
        return explain_word(model, sentence, place, tag, letters, config)

    return explain


def check_explainable(model: Tagger, tag: str | None, letters: bool, config: AttributionConfig) -> None:
    """Refuse what cannot be explained, before a text is read.

    Raises:
        InputError: a tag that the model lacks, or what it has no numbers for.
    """
    if model.config.architecture == "previous-tag":
        raise InputError("--model: a previous-tag tagger searches for its tags; take one with head softmax or crf")
    if tag is not None and tag not in model.lexicon.tags:
        raise InputError(f"--tag: found {excerpt(tag)}, wanted one of {', '.join(model.lexicon.tags)}")
    if letters and not model.config.character_dim:
        raise InputError("--letters: the model reads no characters; leave it out")
    if config.method != OCCLUSION and getattr(model.network, "int8", False):
        raise InputError("--method: --engine onnx-int8 has weights that have no gradients; take --engine onnx")


def find_word(model: Tagger, sentences: Sequence[Sentence], word: int | str | None) -> tuple[Sentence, int]:
    """The sentence of a word, and its index there; the word may be a number, a text, or the least certain one.

    Raises:
        InputError: there is no such word.
    """
    words = [(sentence, place) for sentence in sentences for place in range(len(sentence.tokens))]
    if not words:
        raise InputError("found no word in the text; give one with a word at least")
    if word is None:
        tagged = model.tag_tokens([sentence.tokens for sentence in sentences], probabilities=True)
        return words[int(np.argmin([share for tags in tagged for share in tags.probabilities]))]
    if isinstance(word, int) or (word.isdecimal() and 1 <= int(word) <= len(words)):
        if not 1 <= int(word) <= len(words):
            raise InputError(f"--word: found {word}, the text has {len(words):,} words; count from 1")
        return words[int(word) - 1]
    for sentence, place in words:
        if sentence.tokens[place] == word:
            return sentence, place
    raise InputError(f"--word: found {excerpt(word)}, which is no word of the text; give its number, from 1")


def explain_word(
    model: Tagger, sentence: Sentence, place: int, tag: str | None, letters: bool, config: AttributionConfig
) -> Explanation:
    """Attribute the log-probability of the tag of a word; see `explain`."""
    start = place // MAX_TOKENS * MAX_TOKENS  # of the piece that is tagged, of a very long sentence
    words = list(sentence.tokens[start : start + MAX_TOKENS])
    tag = tag or model.tag_tokens([words])[0].tags[place - start]
    number = model.lexicon.tags.index(tag)
    target = f"log-probability of {tag} for {words[place - start]!r}"
    if letters:
        return explain_letters(model, words, place - start, number, f"{target}, by its letters", config)
    found = attribute(TagScorer(model, words, place - start, number), config)
    text = sentence.text() if len(words) == len(sentence.tokens) else ""
    return Explanation.of(found, words, target, config, text, place - start)


def explain_letters(
    model: Tagger, words: Sequence[str], place: int, tag: int, target: str, config: AttributionConfig
) -> Explanation:
    """Attribute the log-probability of a tag to the letters of the word; those that are not read have the weight 0."""
    word = normalize_word(words[place], model.lexicon.normalization)
    found = attribute(letter_scorer(model, words, place, tag), config)
    weights = np.zeros(len(word))
    weights[letters_read(word)] = found.weights
    return Explanation.of(found._replace(weights=weights), list(word), target, config, word)


def letter_scorer(model: Tagger, words: Sequence[str], place: int, tag: int) -> LetterScorer:
    """The scorer of the letters of a word that are read."""
    word = normalize_word(words[place], model.lexicon.normalization)
    return LetterScorer(model, words, place, tag, [word[i] for i in letters_read(word)])


def letters_read(word: str) -> list[int]:
    """The indices of the letters of a word that `pos_tagging.lexicon.encode_word` reads: of a long one the two ends."""
    room = WORD_LENGTH - 2
    half = room // 2
    return [*range(len(word))] if len(word) <= room else [*range(half), *range(len(word) - half, len(word))]


def measure_faithfulness(
    model: Tagger, data: Data, letters: bool = False, config: FaithfulnessConfig | None = None
) -> Faithfulness:
    """Measure the faithfulness of the attribution methods on the tags that a tagger gives to random words.

    Args:
        model: a tagger with the head `softmax` or `crf`.
        data: sentences, see `pos_tagging.loader.load_sentences`; one word of each that is drawn is explained.
        letters: whether by its letters; else by the words of the sentence.
        config: how much is measured.
    Raises:
        InputError: too few sentences, or what the model has no numbers for.
    """
    config = config or FaithfulnessConfig()
    check_explainable(model, None, letters, AttributionConfig(INTEGRATED))
    chosen = draw([sentence.tokens for sentence in load_sentences(data, model.config)], config)
    rng = np.random.default_rng(config.seed)
    places = [int(rng.integers(len(tokens))) for tokens in chosen]
    tags = [
        model.lexicon.tags.index(found.tags[place])
        for found, place in zip(model.tag_tokens(chosen), places, strict=True)
    ]
    network = model.network.model
    answering = Tagger(KerasEngine(network), model.lexicon, model.config)
    make: Callable[..., TagScorer | LetterScorer] = letter_scorer if letters else TagScorer
    scorers = [make(model, tokens, place, tag) for tokens, place, tag in zip(chosen, places, tags, strict=True)]
    return faithfulness.measure_faithfulness(
        scorers,
        "nats",
        config,
        network=network,
        on_network=lambda scorer: replace(scorer, model=answering),
    )
