"""Samples for the model card: ten texts, unpicked, of the seeds 1 to 10."""

from __future__ import annotations

import re
import textwrap

from language_model.predict import LanguageModel

SEEDS = range(1, 11)
NUM_TOKENS = {"word": 60, "spaced": 60, "character": 300}  # of a sample, which then ends its sentence
WIDTH = 100  # of a line


def card_section(model: LanguageModel) -> dict[str, str]:
    """The section of samples, under its heading.

    Args:
        model: the language model.
    """
    num_tokens = NUM_TOKENS[model.config.level]
    texts = [model.generate(max_tokens=num_tokens, seed=seed)[0] for seed in SEEDS]
    command = f"python -m language_model.generate --model DIR --max-tokens {num_tokens} --seed N"
    listed = "\n\n".join(_number(seed, text) for seed, text in zip(SEEDS, texts, strict=True))
    fence = "`" * max([3, *(1 + len(run) for run in re.findall("`+", listed))])
    return {
        "Samples": f"Ten texts as they came, none picked: `{command}`, N from {SEEDS[0]} to {SEEDS[-1]}.\n\n"
        f"{fence}text\n{listed}\n{fence}"
    }


def _number(seed: int, text: str) -> str:
    """A text behind its seed, in lines that are not too long."""
    lines = [part for line in text.strip().splitlines() for part in textwrap.wrap(line, WIDTH) or [""]]
    return textwrap.indent("\n".join(lines) or "(no text)", "    ").replace("    ", f"{seed:<4}", 1).rstrip()
