"""Score a language model on a test file, beside the baseline.

    python -m language_model.evaluate --model example_model/language_model --test language_model/dataset/test.csv \\
        --train language_model/dataset/train.csv --report runs/report

Besides perplexity there is the test of the given ending: the last sentence of every text against the last sentence of
another one; how often does the model find the given one more likely, per token?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from common import commands
from common.errors import run_command
from common.metrics import bits_per_character, perplexity
from common.settings import add_overrides, make_parser, override
from language_model.config import LanguageModelConfig
from language_model.loader import load_texts, split_text, split_tokens
from language_model.predict import DEFAULT_NAME, TASK, LanguageModel

SCORES = ("perplexity", "nats_per_token", "bits_per_character", "ending_accuracy")
NGRAM_ORDER = 5

# Token lists to the log-probabilities of their tokens and end, for a network and for n-grams alike.
Scorer = Callable[[Sequence[Sequence[str]]], Sequence[np.ndarray]]


def text_scores(
    texts: Sequence[str], nats: Sequence[np.ndarray], chosen: Sequence[int] | None = None
) -> dict[str, float]:
    """Score log-probabilities.

    Args:
        texts: raw texts.
        nats: the log-probabilities of the tokens and the end of each.
        chosen: indices of the texts counted; None counts all.
    Returns:
        `nats_per_token` and `perplexity`, the end of a text counted as a token; `bits_per_character` of the raw text.
    """
    indices = range(len(texts)) if chosen is None else chosen
    total = -float(sum(float(nats[i].sum(dtype=np.float64)) for i in indices))
    num_tokens = sum(len(nats[i]) for i in indices)
    return {
        "nats_per_token": total / num_tokens,
        "perplexity": perplexity(total, num_tokens),
        "bits_per_character": bits_per_character(total, sum(len(texts[i]) for i in indices)),
    }


def split_endings(texts: Sequence[str], model: LanguageModel) -> tuple[list[list[str]], list[list[str]]]:
    """Part texts of two sentences or more into what comes before the last sentence and the last sentence, as tokens."""
    from common.tokenization import load_pipeline, split_sentences

    contexts, endings = [], []
    for text in texts:
        sentences = split_sentences(text, load_pipeline())
        if len(sentences) > 1:
            start = sentences[-1][0].idx
            contexts.append(split_text(text[:start], model.config))
            endings.append(split_text(text[start:], model.config))
    return contexts, endings


def prefers_given_ending(contexts: Sequence[list[str]], endings: Sequence[list[str]], score: Scorer) -> np.ndarray:
    """For each text, whether its own ending is more likely per token than another text's; float (texts,).

    Every ending is used once in its own place and once in another's, so no ending wins by being easy in itself.
    """
    order = np.random.default_rng(0).permutation(len(endings))
    other = np.empty(len(order), int)
    other[order] = np.roll(order, 1)  # one round through all texts: none meets its own ending

    def mean_nats(chosen: Sequence[int]) -> np.ndarray:
        whole = [[*context, *endings[i]] for context, i in zip(contexts, chosen, strict=True)]
        return np.array([row[-len(endings[i]) - 1 :].mean() for row, i in zip(score(whole), chosen, strict=True)])

    return (mean_nats(range(len(endings))) > mean_nats(other.tolist())).astype(float)


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


def weaknesses(token_lists, nats, vocabulary) -> list[str]:
    """Say where the model is weak, from the figures."""
    tokens = [token for tokens in token_lists for token in tokens]
    share = np.mean([token not in vocabulary for token in tokens]) if tokens else 0.0
    start, *_, late = by_position(nats)[1:]
    return [
        f"{share:.1%} of the test tokens are unknown to it and count as `<unk>`.",
        f"Perplexity is {start[2]:.0f} at the first token of a text and {late[2]:.0f} after {late[0]} tokens.",
        "What it writes keeps to a topic for a sentence or two, not for a story.",
    ]


def report_sections(token_lists, nats, vocabulary, rows) -> list[tuple[str, str]]:
    """The pieces of the HTML report."""
    from common.report import html_figure, html_table, html_text, new_figure

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


def evaluate(model: LanguageModel, arguments) -> dict:
    """Score a model on a file, beside the baseline if training data is given; returns what `--json` prints."""
    from common.metrics import with_intervals
    from common.model_card import describe_file
    from common.report import score_rows

    config = override(model.config, arguments)
    texts = load_texts(arguments.test, config)
    token_lists = split_tokens(texts, model.config)
    contexts, endings = split_endings(texts, model)
    scorers: dict[str, Scorer] = {"model": model.score_tokens}
    if arguments.train:
        from language_model.ngram import NgramModel

        train_tokens = split_tokens(load_texts(arguments.train, config), model.config)
        ngrams = NgramModel(map(model.vocabulary.encode, train_tokens), len(model.vocabulary), NGRAM_ORDER)
        scorers[f"Kneser-Ney {NGRAM_ORDER}-gram"] = lambda lists: [
            np.array(ngrams.log_probabilities(model.vocabulary.encode(tokens))) for tokens in lists
        ]
    systems, all_nats = {}, {}
    for name, score in scorers.items():
        nats = all_nats[name] = score(token_lists)
        systems[name] = with_intervals(lambda chosen, nats=nats: text_scores(texts, nats, chosen), len(texts))
        if len(endings) > 1:
            won = prefers_given_ending(contexts, endings, score)
            systems[name] |= with_intervals(
                lambda chosen, won=won: {"ending_accuracy": float(won[chosen].mean())}, len(won)
            )
    nats = all_nats["model"]
    num_tokens = sum(map(len, nats))
    result = {
        **systems.pop("model"),
        "num_examples": len(texts),
        "num_tokens": num_tokens,
        "num_endings": len(endings),
        "baselines": systems,
        "data": describe_file(arguments.test),
        "weaknesses": weaknesses(token_lists, nats, model.vocabulary),
    }
    rows = score_rows([name for name in SCORES if name in result], {"model": result, **systems})
    commands.show_scores(
        arguments,
        result,
        rows,
        f"{len(texts):,} texts, {num_tokens:,} tokens with their ends",
        lambda: report_sections(token_lists, nats, model.vocabulary, rows),
    )
    return result


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("language_model.evaluate", __doc__)
    commands.add_evaluate_arguments(parser, TASK, DEFAULT_NAME)
    add_overrides(parser, LanguageModelConfig, ("text_column", "document"))
    arguments = parser.parse_args(argv)
    commands.check_evaluate_arguments(arguments)
    model = LanguageModel.load(arguments.model, arguments.engine, arguments.threads)
    result = evaluate(model, arguments)
    if arguments.save:
        commands.save_scores(arguments.model, TASK, model.config, result, SCORES)


if __name__ == "__main__":
    run_command(main)
