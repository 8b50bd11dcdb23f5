"""Explain the log-probability of the next word, or of an ending: what each word before it does for it.

python -m language_model.explain "The old king called his three"
python -m language_model.explain --ending "It ate a bone." --output explained.html "The dog was hungry."
"""

from __future__ import annotations

from common.cli.run import run_command
from language_model import cli

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
from common.progress import say
from common.settings import make_config
from common.text.data import Data
from common.text.vocabulary import BOS_ID, SPECIAL_TOKENS, UNK_ID
from interpretability import faithfulness
from interpretability.attribution import attribute, delete
from interpretability.config import OCCLUSION, AttributionConfig, FaithfulnessConfig
from interpretability.explanation import Explanation
from interpretability.faithfulness import Faithfulness, draw
from language_model.loader import initial_states, load_texts, split_text, split_tokens, split_with_written
from language_model.predict import LanguageModel

if TYPE_CHECKING:
    from interpretability.cut_model import CutModel

UNKNOWN = SPECIAL_TOKENS[UNK_ID]  # no vocabulary holds it, so it is read as an unknown word
LEAST_CONTEXT = 5  # tokens before the next word, where faithfulness is measured
SENTENCE_ENDS = (".", "!", "?")
MAX_CONTEXT = 200  # tokens before an ending that are read: occlusion takes time in proportion to their square


@dataclass(frozen=True)
class ContinuationScorer:
    """The log-probability, in nats, of an ending after a context; an `interpretability.Scorer` of the context.

    The end of the text after the ending is not scored: it may go on.

    Args:
        model: a language model.
        tokens: of the context.
        ending: the tokens whose log-probabilities are added up; at least one.
    """

    model: LanguageModel
    tokens: Sequence[str]
    ending: Sequence[str]

    def score(self, kept: NDArray[np.bool_], deletion: str) -> NDArray[np.float64]:
        """Score versions of the context; see `Scorer`."""
        contexts = delete(self.tokens, kept, deletion, UNKNOWN)
        rows = self.model.score_tokens([[*context, *self.ending] for context in contexts])
        return np.array([row[-len(self.ending) - 1 : -1].sum(dtype=np.float64) for row in rows])

    def vectors(self, hidden: bool) -> NDArray[np.float32]:
        """The vectors of the context; see `Scorer`."""
        tokens = [UNKNOWN] * len(self.tokens) if hidden else self.tokens
        return self._cut.vectors(self._inputs(tokens, 1))[0, 1 : len(tokens) + 1]

    def differentiate(self, points: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score and differentiate; see `Scorer`. The vectors of the ending stay as they are."""
        first = len(self.tokens)  # the step that predicts the first token of the ending
        whole = np.repeat(self._cut.vectors(self._inputs(self.tokens, 1)), len(points), axis=0)
        whole[:, 1 : first + 1] = points
        place = [first, *self.model.vocabulary.encode(self.ending)]
        scores, gradients = self._cut.differentiate(whole, lambda num_rows: self._inputs(self.tokens, num_rows), place)
        return scores, gradients[:, 1 : first + 1]

    def _inputs(self, tokens: Sequence[str], num_rows: int) -> dict[str, NDArray]:
        """What the network reads to predict the ending; the last token of that is not read."""
        ids = [BOS_ID, *self.model.vocabulary.encode([*tokens, *self.ending[:-1]])]
        token_ids = np.repeat(np.array([ids], np.int32), num_rows, axis=0)  # (rows, time)
        return {
            "token_ids": token_ids,
            "mask": np.ones(token_ids.shape, bool),
            **initial_states(self.model.config, num_rows),
        }

    @cached_property
    def _cut(self) -> CutModel:
        from language_model.gradients import cut  # TensorFlow, which occlusion does without

        return cut(self.model.network.model, self.model.config.architecture)


def explain(model: LanguageModel, text: str, ending: str | None = None, **settings: Any) -> Explanation:
    """Attribute the log-probability of what comes after a text to the tokens of the text.

    Args:
        model: a language model. Gradients are those of its Keras network, whatever the engine.
        text: raw text, of which the last `MAX_CONTEXT` tokens are read.
        ending: text whose log-probability is explained; None: the likeliest next token.
        settings: of `interpretability.AttributionConfig`: `method`, `baseline`, `num_steps`, `tolerance`.
    Raises:
        InputError: an empty ending, no such setting, or integrated gradients that are not complete.
    """
    return make_explainer(model, ending, make_config(AttributionConfig, settings))(text)


def make_explainer(
    model: LanguageModel, ending: str | None = None, config: AttributionConfig | None = None
) -> Callable[[str], Explanation]:
    """Make the function that explains texts under the same settings; see `explain`."""
    config = config or AttributionConfig()
    config.validate()
    if config.method != OCCLUSION and getattr(model.network, "int8", False):
        raise InputError("--method: --engine onnx-int8 has weights that have no gradients; take --engine onnx")
    given = None if ending is None else split_text(ending, model.config)
    if given is not None and not given:
        raise InputError("--ending: found no token; give a word or more")
    if given and (unknown := model.unknown_tokens(given)):
        say(f"the model does not know {excerpt(unknown[0])}; it counts with the probability of any unknown word")

    def explain(text: str) -> Explanation:
        tokens, written = split_with_written(text, model.config)
        if len(tokens) > MAX_CONTEXT:
            say(f"{excerpt(text)}: {len(tokens):,} tokens; the last {MAX_CONTEXT} are read and explained")
            tokens, written, text = tokens[-MAX_CONTEXT:], written[-MAX_CONTEXT:], ""
        scorer = ContinuationScorer(model, tokens, given or [likeliest_next(model, tokens)])
        shown = excerpt(ending) if ending is not None else f"{scorer.ending[0]!r}, the likeliest next"
        return Explanation.of(attribute(scorer, config), written, f"log-probability of {shown}", config, text)

    return explain


def draw_contexts(token_lists: Sequence[Sequence[str]], config: FaithfulnessConfig) -> list[Sequence[str]]:
    """Draw contexts from texts: each begins with a sentence, and has a random length up to `config.max_tokens`.

    Args:
        token_lists: the tokens of each text; as many contexts come from each, of a short one fewer.
        config: how many are wanted.
    """
    rng = np.random.default_rng(config.seed)
    most = max(LEAST_CONTEXT, config.max_tokens)
    contexts: list[Sequence[str]] = []
    for tokens in token_lists:
        starts = [0, *(place for place, token in enumerate(tokens, 1) if token in SENTENCE_ENDS)]
        for start in rng.permutation(starts)[: -(-config.num_examples // len(token_lists))]:
            length = int(rng.integers(LEAST_CONTEXT, most + 1))
            if start + length < len(tokens):
                contexts.append(tokens[start : start + length])
    return contexts


def likeliest_next(model: LanguageModel, tokens: Sequence[str]) -> str:
    """The likeliest token after a text, other than an unknown one and the end of the text."""
    logits, _ = model.begin([BOS_ID, *model.vocabulary.encode(tokens)], 1)
    return model.vocabulary.tokens[int(logits[0, len(SPECIAL_TOKENS) :].argmax()) + len(SPECIAL_TOKENS)]


def measure_faithfulness(model: LanguageModel, data: Data, config: FaithfulnessConfig | None = None) -> Faithfulness:
    """Measure the faithfulness of the attribution methods on texts: why is the next word the likeliest?

    Args:
        model: a language model.
        data: texts, see `language_model.loader.load_texts`; stretches of them are the contexts, see `draw_contexts`.
        config: how much is measured.
    Raises:
        InputError: too few texts that are long enough.
    """
    config = config or FaithfulnessConfig()
    token_lists = split_tokens(load_texts(data, model.config), model.config)
    chosen = draw(draw_contexts(token_lists, config), config, LEAST_CONTEXT)
    network = model.network.model
    answering = LanguageModel(KerasEngine(network), model.vocabulary, model.config)
    scorers = [ContinuationScorer(model, tokens, [likeliest_next(model, tokens)]) for tokens in chosen]
    return faithfulness.measure_faithfulness(
        scorers,
        "nats",
        config,
        network=network,
        on_network=lambda scorer: replace(scorer, model=answering),
    )
