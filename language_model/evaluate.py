"""Score a language model on a test file, beside the baseline.

    python -m language_model.evaluate --model example_model/language_model --test language_model/dataset/test.csv \\
        --train language_model/dataset/train.csv --report runs/report

Besides perplexity there is the test of the given ending: the last sentence of every text against the last sentence of
another one; how often does the model find the given one more likely, and how often does the text before it help the
given one more? With `--cache FILE` there are columns
in which model and n-grams are helped by a cache of what the test text said lately; its settings are chosen on FILE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from common.cli import options as commands
from common.errors import run_command
from common.evaluation.metrics import bits_per_character, perplexity
from common.progress import say
from common.settings import add_overrides, make_parser, override
from common.text.readers import check_file
from common.text.token_cache import CACHE_HELP
from language_model.config import LanguageModelConfig
from language_model.endings import Scorer, compare_endings, split_endings
from language_model.loader import Streams, encode_text, load_texts, split_tokens
from language_model.predict import DEFAULT_NAME, TASK, LanguageModel

SCORES = ("perplexity", "nats_per_token", "bits_per_character", "ending_accuracy", "ending_gain_accuracy")
NGRAM_ORDERS = {"word": 5, "spaced": 5, "character": 7}
BLOCK = 1000  # tokens; longer texts are cut into such blocks, so that a single one has an interval too


def text_units(texts: Sequence[str], nats: Sequence[np.ndarray]) -> np.ndarray:
    """What intervals are drawn from: texts, and blocks of long texts (Künsch 1989, the block bootstrap).

    Args:
        texts: raw texts.
        nats: the log-probabilities of the tokens and the end of each.
    Returns:
        float64 (units, 3): minus the sum of the log-probabilities, the number of tokens, that of characters.
    """
    units = []
    for text, row in zip(texts, nats, strict=True):
        for block in np.array_split(row, -(-len(row) // BLOCK)):
            units.append((-block.sum(dtype=np.float64), len(block), len(text) * len(block) / len(row)))
    return np.array(units)


def score_units(units: np.ndarray) -> dict[str, float]:
    """Score log-probabilities.

    Args:
        units: some rows of `text_units`.
    Returns:
        `nats_per_token` and `perplexity`, the end of a text counted as a token; `bits_per_character` of the raw text.
    """
    total, num_tokens, num_characters = units.sum(axis=0)
    return {
        "nats_per_token": total / num_tokens,
        "perplexity": perplexity(total, num_tokens),
        "bits_per_character": bits_per_character(total, num_characters),
    }


def text_scores(texts: Sequence[str], nats: Sequence[np.ndarray]) -> dict[str, float]:
    """Score the log-probabilities of the tokens and the end of each text; see `score_units`."""
    return score_units(text_units(texts, nats))


def by_length(nats: Sequence[np.ndarray]) -> list[list]:
    """Perplexity in each quarter of the texts, from the shortest to the longest."""
    lengths = np.array([len(row) for row in nats])
    rows: list[list] = [["tokens", "texts", "perplexity"]]
    for quarter in np.array_split(np.argsort(lengths, kind="stable"), 4):
        if len(quarter):
            total = -sum(float(nats[i].sum()) for i in quarter)
            rows.append(
                [
                    f"{lengths[quarter[0]]}-{lengths[quarter[-1]]}",
                    len(quarter),
                    perplexity(total, lengths[quarter].sum()),
                ]
            )
    return rows


def by_position(nats: Sequence[np.ndarray]) -> list[list]:
    """Perplexity by how much of the text the model has seen."""
    rows: list[list] = [["tokens before", "tokens", "perplexity"]]
    for low, high in ((0, 1), (1, 5), (5, 20), (20, 100), (100, 10**9)):
        values = np.concatenate([row[low:high] for row in nats])
        if len(values):
            span = f"{low} or more" if high == 10**9 else f"{low}-{high - 1}" if high - low > 1 else str(low)
            rows.append([span, len(values), perplexity(-values.sum(), len(values))])
    return rows


def hardest_tokens(token_lists, nats, vocabulary, number: int) -> list[list]:
    """The known tokens that surprised the model most, with the words before them."""
    found = [
        (float(value), position, i)
        for i, row in enumerate(nats)
        for position, value in enumerate(row[:-1])
        if token_lists[i][position] in vocabulary
    ]
    rows: list[list] = [["surprisal, bits", "token", "after"]]
    for value, position, i in sorted(found)[:number]:
        before = " ".join(token_lists[i][max(position - 12, 0) : position])
        rows.append([-value / np.log(2), token_lists[i][position], f"… {before}"])
    return rows


def weaknesses(token_lists, nats, model: LanguageModel) -> list[str]:
    """Say where the model is weak, from the figures."""
    tokens = [token for tokens in token_lists for token in tokens]
    share = np.mean([token not in model.vocabulary for token in tokens]) if tokens else 0.0
    found = [f"{share:.1%} of the test tokens are unknown to it and count as `<unk>`."]
    if len(token_lists) >= 50:  # of fewer texts the first tokens say nothing
        start, *_, late = by_position(nats)[1:]
        found.append(
            f"Perplexity is {start[2]:.0f} at the first token of a text and {late[2]:.0f} after {late[0]} tokens."
        )
    kept = "a word or two" if model.config.level == "character" else "a sentence or two"
    return [*found, f"What it writes keeps to a topic for {kept}, not for a story."]


def report_sections(token_lists, nats, vocabulary, rows) -> list[tuple[str, str]]:
    """The pieces of the HTML report."""
    from common.evaluation.report import html_figure, html_table, html_text, new_figure

    figure, axes = new_figure(6, 3.6)
    axes.hist(-np.concatenate(nats) / np.log(2), bins=50)
    axes.set(xlabel="surprisal, bits", ylabel="tokens", title="How surprised the model is by the tokens")
    return [
        ("Scores", html_table(rows) + html_text("In brackets: 95% bootstrap intervals over texts.")),
        ("Surprisal", html_figure(figure, "histogram of surprisals")),
        ("By length of the text", html_table(by_length(nats))),
        ("By place in the text", html_table(by_position(nats))),
        ("The 50 worst guesses", html_table(hardest_tokens(token_lists, nats, vocabulary, 50))),
    ]


def fit_ngrams(model: LanguageModel, arguments, config: LanguageModelConfig) -> tuple[str, Scorer]:
    """Count the n-grams of the training file; returns the name of the baseline and what scores with it."""
    from language_model.ngram import NgramModel

    train_tokens = split_tokens(load_texts(arguments.train, config), config)
    order = arguments.ngram_order or NGRAM_ORDERS[config.level]
    ngrams = NgramModel(map(model.vocabulary.encode, train_tokens), len(model.vocabulary), order)

    def score(token_lists: Sequence[Sequence[str]]) -> list[np.ndarray]:
        return [np.array(ngrams.log_probabilities(model.vocabulary.encode(tokens))) for tokens in token_lists]

    return f"Kneser-Ney {order}-gram", score


def score_with_caches(
    model: LanguageModel,
    token_lists: Sequence[list[str]],
    nats: Mapping[str, Sequence[np.ndarray]],
    baseline: tuple[str, Scorer] | None,
    arguments,
    config: LanguageModelConfig,
) -> dict[str, list[np.ndarray]]:
    """The log-probabilities of each text with a cache: a continuous one for the model, one of unigrams for n-grams.

    Their settings are those that are best on the file of `--cache`.
    """
    from language_model import cache

    validation_lists = split_tokens(load_texts(arguments.cache, config), config)
    test, validation = (
        Streams([encode_text(tokens, model.vocabulary) for tokens in lists], config.carry_state, arguments.reset_every)
        for lists in (token_lists, validation_lists)
    )
    best = cache.choose_continuous_cache(model, validation)
    say(f"cache of the model, best on {arguments.cache.name}: {best}")
    result = {"model, cache": cache.score_with_cache(model, test, best)}
    if baseline:
        name, score = baseline
        best = cache.choose_unigram_cache(score(validation_lists), validation)
        say(f"cache of the n-grams: {best}")
        shares = test.split([cache.unigram_cache(row, best.size) for row in test.rows])
        rows = zip(nats[name], shares, strict=True)
        result[f"{name}, cache"] = [cache.mix(row, share, best.rate) for row, share in rows]
    return result


def evaluate(model: LanguageModel, arguments) -> dict:
    """Score a model on a file, beside the baseline if training data is given; returns what `--json` prints."""
    from common.bundles.provenance import describe_file
    from common.evaluation.metrics import with_intervals
    from common.evaluation.report import score_rows

    config = override(model.config, arguments)
    texts = load_texts(arguments.test, config)
    token_lists = split_tokens(texts, config)
    baseline = fit_ngrams(model, arguments, config) if arguments.train else None
    nats = {"model": model.score_tokens(token_lists, config.carry_state, arguments.reset_every)}
    if baseline:
        nats[baseline[0]] = baseline[1](token_lists)
    if arguments.cache:
        nats |= score_with_caches(model, token_lists, nats, baseline, arguments, config)
    systems = {}
    for name, rows in nats.items():
        units = text_units(texts, rows)
        systems[name] = with_intervals(
            lambda chosen, units=units: score_units(units[chosen]), len(units), num_threads=arguments.threads
        )
    contexts, endings = split_endings(texts, model)
    for name, score in {"model": model.score_tokens, **dict([baseline] if baseline else [])}.items():
        if len(endings) > 1:
            won = compare_endings(contexts, endings, score)
            systems[name] |= with_intervals(
                lambda chosen, won=won: {kind: float(wins[chosen].mean()) for kind, wins in won.items()},
                len(endings),
                num_threads=arguments.threads,
            )
    num_tokens = sum(map(len, nats["model"]))
    result = {
        **systems.pop("model"),
        "num_examples": len(texts),
        "num_tokens": num_tokens,
        "num_endings": len(endings),
        "carry_state": config.carry_state,
        "reset_every": arguments.reset_every,
        "baselines": systems,
        "data": describe_file(arguments.test),
        "weaknesses": weaknesses(token_lists, nats["model"], model),
    }
    table = score_rows([name for name in SCORES if name in result], {"model": result, **systems})
    commands.show_scores(
        arguments,
        result,
        table,
        f"{len(texts):,} texts, {num_tokens:,} tokens with their ends",
        lambda: report_sections(token_lists, nats["model"], model.vocabulary, table),
    )
    return result


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("language_model.evaluate", __doc__, CACHE_HELP)
    commands.add_evaluate_arguments(parser, TASK, DEFAULT_NAME)
    parser.add_argument(
        "--cache", type=Path, metavar="FILE", help="score with caches too; their settings are chosen on this file"
    )
    parser.add_argument(
        "--reset-every",
        type=commands.number(int, 0),
        default=0,
        metavar="N",
        help="forget everything after every N tokens; 0: never (default: 0)",
    )
    parser.add_argument(
        "--ngram-order",
        type=commands.number(int, 1),
        metavar="N",
        help="of the baseline, in tokens (default: 5; 7 for characters)",
    )
    add_overrides(parser, LanguageModelConfig, ("text_column", "document", "carry_state"))
    arguments = parser.parse_args(argv)
    commands.check_evaluate_arguments(arguments)
    if arguments.cache:
        check_file(arguments.cache)
    with commands.claim_for_scores(arguments):
        model = LanguageModel.load(arguments.model, arguments.engine, arguments.threads)
        result = evaluate(model, arguments)
        if arguments.save:
            commands.save_scores(parser, arguments, TASK, model.config, result, SCORES)


if __name__ == "__main__":
    run_command(main)
