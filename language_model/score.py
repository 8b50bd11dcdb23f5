"""Score texts: how likely does the model find them, token by token?

python -m language_model.score "The king went into the forest." "The forest went into the king."
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from common import commands
from common.errors import excerpt, run_command
from common.progress import say
from common.settings import make_parser
from language_model.predict import DEFAULT_NAME, TASK, LanguageModel


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("language_model.score", __doc__)
    commands.add_model_argument(parser, TASK, DEFAULT_NAME)
    commands.add_text_arguments(parser, ("text", "jsonl"))
    parser.add_argument("--tokens", action="store_true", help="show the surprisal of every token, in bits")
    parser.add_argument("--text-column", default="text", help="column of the text in --input (default: text)")
    arguments = parser.parse_args(argv)
    commands.check_text_arguments(arguments)
    model = LanguageModel.load(arguments.model, arguments.engine, arguments.threads)
    with commands.open_output(arguments.output) as output:
        for place, text, answer in commands.answer_all(arguments, model.score):
            if answer.num_unknown and answer.num_unknown == len(answer.tokens) - 1:
                say(f"{place}: the model knows none of the tokens in {excerpt(text)}; each counts as <unk>")
            surprisals = [-value / math.log(2) for value in answer.log_probabilities]
            if arguments.format == "jsonl":
                record = {
                    "text": text,
                    "log_probability": -answer.total_nats,
                    "perplexity": answer.perplexity,
                    "bits_per_character": answer.bits_per_character,
                    "num_unknown": answer.num_unknown,
                    "tokens": answer.tokens,
                    "surprisals": [round(value, 4) for value in surprisals],
                }
                print(json.dumps(record), file=output, flush=True)
                continue
            print(
                f"{-answer.total_nats:9.2f} nats  perplexity {answer.perplexity:8.2f}  "
                f"{answer.bits_per_character:.3f} bits/character  {text}",
                file=output,
                flush=True,
            )
            if arguments.tokens:
                for token, bits in zip(answer.tokens, surprisals, strict=True):
                    known = "" if token in model.vocabulary or token == "<eos>" else "  (unknown)"
                    print(f"  {bits:7.2f} bits  {token}{known}", file=output)


if __name__ == "__main__":
    run_command(main)
