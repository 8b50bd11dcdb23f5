"""Last sentences of texts: scored against a context, compared with those of other texts, generated anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from common.inference.answers import Answers
from common.progress import say
from language_model.config import GenerationConfig
from language_model.loader import split_ending, split_text
from language_model.predict import LanguageModel, TextScore
from language_model.writing import DeadEnd, describe_dead_end

# Token lists to the log-probabilities of their tokens and end, for a network and for n-grams alike.
Scorer = Callable[[Sequence[Sequence[str]]], Sequence[np.ndarray]]


def split_endings(texts: Sequence[str], model: LanguageModel) -> tuple[list[list[str]], list[list[str]]]:
    """Split texts of two sentences or more before the last one; returns contexts and endings, as tokens."""
    parts = [(before, last) for before, last in (split_ending(text, model.config) for text in texts) if before.strip()]
    contexts = [split_text(before, model.config) for before, _ in parts]
    return contexts, [split_text(last, model.config) for _, last in parts]


def compare_endings(
    contexts: Sequence[list[str]], endings: Sequence[list[str]], score: Scorer
) -> dict[str, np.ndarray]:
    """Cloze test: for each text, whether its own ending scores higher than another text's.

    Every ending is used once in its own place and once in another's, so no ending wins by being likely in itself.

    Args:
        contexts: the tokens of each text before its ending.
        endings: the tokens of each ending.
        score: gives log-probabilities.
    Returns:
        Two float arrays (texts,), 1 where the own ending wins. `ending_accuracy`: it has the higher mean
        log-probability per token. `ending_gain_accuracy`: it has the higher pointwise mutual information with the
        context, log p(ending | context) - log p(ending) (Schwartz et al. 2017, "The Effect of Different Writing Tasks
        on Linguistic Style"); common words in an ending are then no advantage.
    """
    order = np.random.default_rng(0).permutation(len(endings))
    other = np.empty(len(order), int)
    other[order] = np.roll(order, 1)  # one round through all texts: none meets its own ending
    alone = np.array([row.sum() for row in score(endings)])

    def likelihood_and_gain(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        whole = [[*context, *endings[i]] for context, i in zip(contexts, chosen, strict=True)]
        rows = [row[-len(endings[i]) - 1 :] for row, i in zip(score(whole), chosen, strict=True)]
        return np.array([row.mean() for row in rows]), np.array([row.sum() for row in rows]) - alone[chosen]

    own, others = likelihood_and_gain(np.arange(len(endings))), likelihood_and_gain(other)
    names = ("ending_accuracy", "ending_gain_accuracy")
    return {name: (a > b).astype(float) for name, a, b in zip(names, own, others, strict=True)}


def score_endings(model: LanguageModel, texts: str | Iterable[str], context: str) -> Answers[TextScore]:
    """Score texts as endings of one context, with the gain that the context brings to each.

    Args:
        model: of `language_model.load`.
        texts: a string, or a list, tuple, Series or array of them.
        context: text before each of them; "" gives the scores without a gain.
    """
    scores = model.score(texts, context)
    if context:
        for place, alone in enumerate(model.score(scores.texts)):
            scores[place] = replace(scores[place], gain=alone.total_nats - scores[place].total_nats)
    return scores


class BestEndings:
    """The best of some endings of one context: the likeliest per token, and the one with the largest gain."""

    def __init__(self) -> None:
        self.likeliest: list[tuple[float, str]] = []
        self.most_helped: list[tuple[float, str]] = []

    def add(self, score: TextScore) -> None:
        """Compare one more ending."""
        self.likeliest = [max([*self.likeliest, (-score.perplexity, score.text)])]
        if score.gain is not None:
            self.most_helped = [max([*self.most_helped, (score.gain, score.text)])]

    def lines(self) -> list[str]:
        """The best as lines of text; none if there was no context."""
        if not self.most_helped:
            return []
        return [
            f"the likeliest, per token:     {self.likeliest[0][1]}",
            f"helped most by the context:   {self.most_helped[0][1]}",
        ]


@dataclass(frozen=True)
class Ending:
    """The last sentence of a text, and the one that a model has generated after the same context."""

    context: str
    given: str
    written: str


def write_endings(model: LanguageModel, texts: Sequence[str], config: GenerationConfig) -> Iterator[Ending]:
    """Generate a last sentence for each text of two sentences or more.

    Args:
        model: of `language_model.load`.
        texts: whole texts.
        config: the settings; at least one sentence is written, and the seed grows by one from text to text.
    """
    config = replace(config, num_samples=1, num_sentences=max(1, config.num_sentences))
    for number, text in enumerate(texts):
        context, given = split_ending(text, model.config)
        if not context:
            say(f"text {number + 1}: has one sentence only; left out")
            continue
        dead_ends: list[DeadEnd] = []
        settings = vars(config) | {"seed": config.seed + number}
        _, *steps = model.write(context, on_dead_end=dead_ends.append, **settings)
        for dead_end in dead_ends:
            say(describe_dead_end(number + 1, dead_end.num_tokens, config))
        yield Ending(context, given, "".join(piece for (piece,) in steps))
