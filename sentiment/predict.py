"""Rate texts.

python -m sentiment.predict "The soup was cold and nobody cared."
python -m sentiment.predict --input reviews.csv --text-column review --format csv --output ratings.csv
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.bundles.file_names import VOCABULARY_FILE
from common.cli import options as commands
from common.errors import InputError, excerpt, run_command
from common.inference.engine import Engine, open_engine
from common.progress import progress, say
from common.settings import make_parser
from common.text.vocabulary import SPECIAL_TOKENS, UNK_ID
from sentiment.config import SentimentConfig

TASK, DEFAULT_NAME = "sentiment", "imdb"
NUM_SHOWN = 10
UNKNOWN = SPECIAL_TOKENS[UNK_ID]  # no vocabulary holds it, so it is read as an unknown word


@dataclass(frozen=True)
class Rating:
    """The answer to one text.

    `rating` and `spread`, its standard deviation, are on the model's scale; a model whose head is `regression` knows no
    spread. `num_unknown` of the `num_tokens` tokens are not in the model's vocabulary.
    """

    rating: float
    spread: float | None
    num_tokens: int
    num_unknown: int


@dataclass(frozen=True)
class Explanation:
    """What the tokens of a text do for its rating.

    A weight is by how much the rating is higher than it would be if the token were an unknown word.
    """

    tokens: list[str]
    weights: list[float]

    def strongest(self, number: int) -> list[tuple[str, float]]:
        """The tokens with the largest weights, up or down, in the order of the text."""
        places = sorted(range(len(self.tokens)), key=lambda i: -abs(self.weights[i]))[:number]
        return [(self.tokens[i], self.weights[i]) for i in sorted(places)]


class Predictions(NamedTuple):
    """Ratings float32 (texts,), inside the scale, and their standard deviations float32 (texts,), if known."""

    ratings: np.ndarray
    spreads: np.ndarray | None


class RatingModel:
    """A trained rating model: texts in, ratings out."""

    def __init__(self, network: Engine, vocabulary, config: SentimentConfig) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.config = config

    @classmethod
    def load(cls, path: str | Path | None = None, engine: str = "onnx", num_threads: int | None = None) -> RatingModel:
        """Load a bundle; None takes the pretrained one. The rest: see `common.inference.engine.open_engine`.

        Raises:
            InputError: the bundle is missing, damaged or of another task.
        """
        from common.bundles.bundle import open_bundle
        from sentiment.agreement import read_settings

        folder = Path(path) if path else commands.pretrained_folder(TASK, DEFAULT_NAME)
        bundle = open_bundle(folder, TASK)
        vocabulary = bundle.read_vocabulary(VOCABULARY_FILE)
        return cls(open_engine(bundle, engine, num_threads), vocabulary, read_settings(bundle))

    def answer_tokens(self, token_lists: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
        """Give all that the network says of tokenized texts: its outputs by name, float32 (texts, …)."""
        from sentiment.loader import make_batches

        batches = make_batches(token_lists, None, self.vocabulary, self.config, shuffle=False)
        answers: dict[str, np.ndarray] = {}
        found = self.network.answers(inputs for inputs, _, _ in batches)
        for indices, answer in progress(zip(batches.indices, found, strict=True), "Rating", len(batches)):
            if not isinstance(answer, dict):  # bundles made before there were several heads
                answer = {"rating": answer}
            for name, rows in answer.items():
                answers.setdefault(name, np.zeros((len(token_lists), *rows.shape[1:]), np.float32))[indices] = rows
        return answers

    def predict_tokens(self, token_lists: Sequence[Sequence[str]]) -> Predictions:
        """Rate tokenized texts."""
        answers = self.answer_tokens(token_lists) if token_lists else {"rating": np.zeros((0, 1), np.float32)}
        ratings = np.clip(answers["rating"][:, 0], self.config.min_rating, self.config.max_rating)
        return Predictions(ratings, answers["spread"][:, 0] if "spread" in answers else None)

    def predict(self, texts: Sequence[str]) -> list[Rating]:
        """Rate texts.

        Args:
            texts: raw texts, of any length; what is beyond `config.max_length` tokens is cut.
        Returns:
            A rating for each.
        """
        from common.text.tokenization import load_pipeline, tokenize_all
        from sentiment.loader import clean_review

        token_lists = list(tokenize_all(map(clean_review, texts), load_pipeline()))
        unknown = [sum(token not in self.vocabulary for token in tokens) for tokens in token_lists]
        ratings, spreads = self.predict_tokens(token_lists)
        known = [None] * len(texts) if spreads is None else spreads.tolist()
        lengths = map(len, token_lists)
        return [Rating(*answer) for answer in zip(ratings.tolist(), known, lengths, unknown, strict=True)]

    def explain(self, text: str) -> Explanation:
        """Weigh each token by leaving it out: the text is rated once for every token, which is then an unknown word.

        Zeiler & Fergus 2014 hid parts of a picture so; Li et al. 2016, "Understanding Neural Networks through
        Representation Erasure", words.
        """
        from common.text.tokenization import load_pipeline, tokenize
        from sentiment.loader import clean_review

        tokens = tokenize(clean_review(text), load_pipeline())
        without = [[*tokens[:i], UNKNOWN, *tokens[i + 1 :]] for i in range(len(tokens))]
        whole, *others = self.predict_tokens([tokens, *without]).ratings.tolist()
        return Explanation(tokens, [whole - other for other in others])


def show_answer(answer: Rating, text: str, explanation: Explanation | None) -> str:
    """Write an answer for people: the rating, its spread, the text; below it the words that weigh most."""
    spread = "" if answer.spread is None else f" ±{answer.spread:.1f}"
    lines = [f"{answer.rating:4.1f}{spread}  {text}"]
    if explanation:
        lines += [f"      {weight:+.2f}  {token}" for token, weight in explanation.strongest(NUM_SHOWN)]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("sentiment.predict", __doc__)
    commands.add_model_argument(parser, TASK, DEFAULT_NAME)
    commands.add_text_arguments(parser, ("text", "jsonl", "csv"))
    parser.add_argument("--text-column", default="review", help="column of the text in --input (default: review)")
    parser.add_argument(
        "--explain",
        action="store_true",
        help=f"also the weight of each word in the answer; text: the {NUM_SHOWN} largest",
    )
    arguments = parser.parse_args(argv)
    items = commands.open_texts(arguments)
    if arguments.explain and arguments.format == "csv":
        raise InputError("--explain: a row has no room for the weights of words; choose --format jsonl or text")
    with commands.open_output(arguments.output, arguments.format == "text") as output:
        model = RatingModel.load(arguments.model, arguments.engine, arguments.threads)
        table = csv.writer(output, lineterminator="\n")
        if arguments.format == "csv":
            table.writerow(["rating", "spread", "review"])
        for place, text, answer in commands.answer_all(arguments, model.predict, items):
            if answer.num_tokens and answer.num_unknown == answer.num_tokens:
                say(f"{place}: the model knows none of the words in {excerpt(text)}; its answer is a guess")
            explanation = model.explain(text) if arguments.explain else None
            if arguments.format == "jsonl":
                more = vars(explanation) if explanation else {}
                print(json.dumps({**vars(answer), **more, "text": text}), file=output, flush=True)
            elif arguments.format == "csv":
                table.writerow([f"{answer.rating:.2f}", "" if answer.spread is None else f"{answer.spread:.2f}", text])
            else:
                print(show_answer(answer, text, explanation), file=output, flush=True)


if __name__ == "__main__":
    run_command(main)
