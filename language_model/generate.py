"""Write texts.

python -m language_model.generate --prompt "Once upon a time" --num-samples 3 --seed 1
"""

from __future__ import annotations

from collections.abc import Sequence

from common import commands
from common.errors import run_command
from common.progress import say
from common.settings import make_parser
from language_model.loader import split_text
from language_model.predict import DEFAULT_NAME, TASK, LanguageModel


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("language_model.generate", __doc__)
    commands.add_model_argument(parser, TASK, DEFAULT_NAME)
    parser.add_argument("--prompt", default="", metavar="TEXT", help="how every text begins")
    parser.add_argument("--num-samples", type=commands.number(int, 1), default=1, help="texts to write (default: 1)")
    parser.add_argument(
        "--max-tokens", type=commands.number(int, 1), default=100, help="most tokens written (default: 100)"
    )
    parser.add_argument(
        "--temperature",
        type=commands.number(float, 0),
        default=0.8,
        help="below 1: what is likely, 0: the likeliest (default: 0.8)",
    )
    parser.add_argument(
        "--top-k", type=commands.number(int, 0), default=0, help="only the k likeliest; 0: all (default: 0)"
    )
    parser.add_argument(
        "--top-p",
        type=commands.number(float, 0.0001, 1),
        default=1.0,
        help="only the likeliest with this share (default: 1)",
    )
    parser.add_argument(
        "--num-sentences",
        type=commands.number(int, 0),
        default=0,
        help="stop after so many sentences; 0: at the end (default: 0)",
    )
    parser.add_argument(
        "--seed", type=commands.number(int, 0), default=0, help="the same seed writes the same (default: 0)"
    )
    arguments = parser.parse_args(argv)
    model = LanguageModel.load(arguments.model, arguments.engine, arguments.threads)
    unknown = sorted({token for token in split_text(arguments.prompt, model.config) if token not in model.vocabulary})
    if unknown:
        say(f"the model does not know {', '.join(map(repr, unknown))}; it reads <unk> there")
    names = ("prompt", "num_samples", "max_tokens", "temperature", "top_k", "top_p", "num_sentences", "seed")
    texts = model.generate(**{name: getattr(arguments, name) for name in names})
    with commands.open_output(None) as output:
        for index, text in enumerate(texts, 1):
            print(text if len(texts) == 1 else f"--- {index}\n{text}", file=output)


if __name__ == "__main__":
    run_command(main)
