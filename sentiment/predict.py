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

import numpy as np

from common import commands
from common.engine import Engine, open_engine
from common.errors import excerpt, run_command
from common.progress import progress, say
from common.settings import make_parser
from sentiment.config import SentimentConfig

TASK, DEFAULT_NAME = "sentiment", "imdb"


@dataclass(frozen=True)
class Rating:
    """The answer to one text.

    `rating` is on the model's scale; `num_unknown` of the `num_tokens` tokens are not in the model's vocabulary.
    """

    rating: float
    num_tokens: int
    num_unknown: int


class RatingModel:
    """A trained rating model: texts in, ratings out."""

    def __init__(self, network: Engine, vocabulary, config: SentimentConfig) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.config = config

    @classmethod
    def load(cls, path: str | Path | None = None, engine: str = "onnx", num_threads: int | None = None) -> RatingModel:
        """Load a bundle; None takes the pretrained one. The rest: see `common.engine.open_engine`.

        Raises:
            InputError: the bundle is missing, damaged or of another task.
        """
        from common.persistence import open_bundle
        from common.vocabulary import Vocabulary

        folder = Path(path) if path else commands.pretrained_folder(TASK, DEFAULT_NAME)
        bundle = open_bundle(folder, TASK)
        config = bundle.read_config(SentimentConfig)
        return cls(open_engine(bundle, engine, num_threads), Vocabulary.load(folder / "vocabulary.json"), config)

    def predict_tokens(self, token_lists: Sequence[Sequence[str]]) -> np.ndarray:
        """Rate tokenized texts; returns float32 (texts,), inside the scale."""
        from sentiment.loader import make_batches

        batches = make_batches(token_lists, None, self.vocabulary, self.config, shuffle=False)
        ratings = np.zeros(len(token_lists), np.float32)
        for indices, (inputs, _, _) in progress(zip(batches.indices, batches, strict=True), "Rating", len(batches)):
            ratings[indices] = np.asarray(self.network(inputs))[:, 0]
        return np.clip(ratings, self.config.min_rating, self.config.max_rating)

    def predict(self, texts: Sequence[str]) -> list[Rating]:
        """Rate texts.

        Args:
            texts: raw texts, of any length; what is beyond `config.max_length` tokens is cut.
        Returns:
            A rating for each.
        """
        from common.tokenization import load_pipeline, tokenize_all
        from sentiment.loader import clean_review

        token_lists = list(tokenize_all(map(clean_review, texts), load_pipeline()))
        unknown = [sum(token not in self.vocabulary for token in tokens) for tokens in token_lists]
        ratings = self.predict_tokens(token_lists).tolist()
        lengths = map(len, token_lists)
        return [Rating(*answer) for answer in zip(ratings, lengths, unknown, strict=True)]


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("sentiment.predict", __doc__)
    commands.add_model_argument(parser, TASK, DEFAULT_NAME)
    commands.add_text_arguments(parser, ("text", "jsonl", "csv"))
    parser.add_argument("--text-column", default="review", help="column of the text in --input (default: review)")
    arguments = parser.parse_args(argv)
    commands.check_text_arguments(arguments)
    model = RatingModel.load(arguments.model, arguments.engine, arguments.threads)
    with commands.open_output(arguments.output) as output:
        table = csv.writer(output, lineterminator="\n")
        if arguments.format == "csv":
            table.writerow(["rating", "review"])
        for place, text, answer in commands.answer_all(arguments, model.predict):
            if answer.num_tokens and answer.num_unknown == answer.num_tokens:
                say(f"{place}: the model knows none of the words in {excerpt(text)}; its answer is a guess")
            if arguments.format == "jsonl":
                print(json.dumps({**vars(answer), "text": text}), file=output, flush=True)
            elif arguments.format == "csv":
                table.writerow([f"{answer.rating:.2f}", text])
            else:
                print(f"{answer.rating:4.1f}  {text}", file=output, flush=True)


if __name__ == "__main__":
    run_command(main)
