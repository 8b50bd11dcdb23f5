"""Tag texts.

python -m pos_tagging.predict "They refuse to permit us to obtain the refuse permit."
python -m pos_tagging.predict --input letter.txt --format conllu --output letter.conllu
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import options as commands
from common.cli.run import run_command
from common.errors import excerpt
from common.inference.engine import Engine, open_engine
from common.progress import progress, say
from common.settings import add_overrides, make_parser, override
from common.text.batching import make_mask
from common.text.readers import BadRow, file_kind
from pos_tagging.config import TaggingConfig
from pos_tagging.crf import best_paths, tag_probabilities
from pos_tagging.lexicon import Lexicon
from pos_tagging.loader import FORM, MISC, TAG_FIELDS, Sentence, make_batches, read_conllu

TASK, DEFAULT_NAME = "pos_tagging", "ewt"
SENTENCES_AT_ONCE = 256  # the more, the fewer words are spelled twice, and the better the processor is used
SENTENCES_READ = 16 * SENTENCES_AT_ONCE  # at a time, so that those of one length can be tagged together
MAX_TOKENS = 500  # a longer "sentence" is a list or a table without full stops; it is read in pieces


class Tagger:
    """A trained tagger: texts or tokens in, tags out."""

    def __init__(self, network: Engine, lexicon: Lexicon, config: TaggingConfig) -> None:
        self.network = network
        self.lexicon = lexicon
        self.config = config

    @classmethod
    def load(cls, path: str | Path | None = None, engine: str = "onnx", num_threads: int | None = None) -> Tagger:
        """Load a bundle; None takes the pretrained one. The rest: see `common.inference.engine.open_engine`.

        Raises:
            InputError: the bundle is missing, damaged or of another task.
        """
        from common.bundles.bundle import open_bundle

        folder = Path(path) if path else commands.pretrained_folder(TASK, DEFAULT_NAME)
        bundle = open_bundle(folder, TASK)
        config = bundle.read_config(TaggingConfig)
        return cls(open_engine(bundle, engine, num_threads), Lexicon.load(bundle), config)

    def tag(self, text: str, probabilities: bool = False) -> list[Sentence]:
        """Split a text into sentences and tag them; see `tag_texts`."""
        return self.tag_texts([text], probabilities)[0]

    def tag_texts(self, texts: Sequence[str], probabilities: bool = False) -> list[list[Sentence]]:
        """Split texts into sentences and tag them.

        Args:
            texts: raw texts.
            probabilities: whether the probability of each tag is wanted too.
        Returns:
            One list of sentences for each text.
        """
        from common.text.tokenization import load_pipeline, split_sentences

        pipeline = load_pipeline()
        found: list[list[Sentence]] = []
        for text in texts:
            found.append([])
            for tokens in split_sentences(text, pipeline):
                spaces = [bool(token.whitespace_) for token in tokens]
                found[-1].append(Sentence([token.text for token in tokens], space_after=spaces))
        answers = iter(self._answer([sentence for sentences in found for sentence in sentences], probabilities))
        return [[next(answers) for _ in sentences] for sentences in found]

    def tag_given(self, sentences: Sequence[Sentence], probabilities: bool = False) -> list[list[Sentence]]:
        """Tag sentences whose tokens are given; one list, of one sentence, for each."""
        return [[sentence] for sentence in self._answer(sentences, probabilities)]

    def tag_sentences(self, sentences: Sequence[Sentence]) -> list[list[str]]:
        """Give the tags of sentences whose tokens are given; tags they may have are not looked at."""
        return [sentence.tags for sentence in self._answer(sentences)]

    def _answer(self, sentences: Sequence[Sentence], probabilities: bool = False) -> list[Sentence]:
        pieces = [
            (i, sentence.tokens[start : start + MAX_TOKENS])
            for i, sentence in enumerate(sentences)
            for start in range(0, len(sentence.tokens), MAX_TOKENS)
        ]
        found: list[tuple[list[str], list[float]]] = [([], [])] * len(pieces)
        config = replace(self.config, batch_size=SENTENCES_AT_ONCE)
        batches = make_batches([Sentence(tokens) for _, tokens in pieces], self.lexicon, config, shuffle=False)
        inputs = (inputs for inputs, _, _ in batches)
        if self.config.architecture == "previous-tag":
            chosen = map(self._tag_by_tag, inputs)
        else:
            masks = (make_mask(batches.lengths[indices]) for indices in batches.indices)
            chosen = map(partial(_best, probabilities=probabilities), self.network.answers(inputs), masks)
        for indices, (best, chances) in progress(zip(batches.indices, chosen, strict=True), "Tagging", len(batches)):
            for row, number in enumerate(indices):
                length = len(pieces[number][1])
                tags = [self.lexicon.tags[tag] for tag in best[row, :length].tolist()]
                found[number] = (tags, chances[row, :length].tolist() if probabilities else [])
        answers = [replace(sentence, tags=[], probabilities=[]) for sentence in sentences]
        for (i, _), (tags, shares) in zip(pieces, found, strict=True):
            answers[i].tags.extend(tags)
            answers[i].probabilities.extend(shares)
        return answers

    def _tag_by_tag(self, inputs: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """One word after the other: the tag given to a word is an input at the next.

        Of the ways to go on the best `num_beams` are kept in mind; with one it is greedy.

        Returns:
            Tag ids (batch, time), and the probability of each after those before it.
        """
        batch_size, num_steps = inputs["mask"].shape
        num_beams, num_tags = self.config.num_beams, len(self.lexicon.tags)
        rows = np.repeat(np.arange(batch_size), num_beams)  # the sentence that each way belongs to
        repeated = {name: value[rows] for name, value in inputs.items() if name not in ("previous_tags", "spellings")}
        state, previous = repeated.pop("state"), np.zeros((len(rows), 1), np.int32)
        tags, steps = np.zeros((2, len(rows), num_steps))
        totals = np.where(np.arange(len(rows)) % num_beams == 0, 0.0, -np.inf)  # all ways begin as one
        for t in range(num_steps):
            step = {name: value[:, t : t + 1] for name, value in repeated.items()}
            step |= {"spellings": inputs["spellings"], "previous_tags": previous, "state": state}
            answer = self.network(step)
            chances = np.log(_softmax(answer["logits"][:, 0].astype(float)))  # (batch * num_beams, tags)
            real = repeated["mask"][:, t]
            chances[~real] = np.where(np.arange(num_tags) == 0, 0.0, -np.inf)  # at padding nothing is chosen
            ways = (totals[:, None] + chances).reshape(batch_size, num_beams * num_tags)
            chosen = np.argsort(-ways, axis=1, kind="stable")[:, :num_beams]
            origins = (np.arange(batch_size)[:, None] * num_beams + chosen // num_tags).ravel()
            here = (chosen % num_tags).ravel()
            totals = np.take_along_axis(ways, chosen, axis=1).ravel()
            tags, steps = tags[origins], steps[origins]
            tags[:, t], steps[:, t] = here, chances[origins, here]
            state, previous = answer["state"][origins], here[:, None].astype(np.int32) + 1
        best = slice(None, None, num_beams)
        return tags[best].astype(int), np.exp(steps[best])


def _best(answer, mask: np.ndarray, probabilities: bool) -> tuple[np.ndarray, np.ndarray]:
    """The best tags of the network's answer: ids (batch, time); their probabilities (batch, time), if wanted."""
    is_chain = isinstance(answer, dict)
    best = best_paths(answer["scores"], mask) if is_chain else answer.argmax(axis=-1)
    if not probabilities:
        return best, np.zeros((0, 0))
    shares = tag_probabilities(answer["scores"], mask) if is_chain else _softmax(answer)
    return best, np.take_along_axis(shares, best[:, :, None], axis=-1)[:, :, 0]


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# -- Answers as text ------------------------------------------------------------------------------------------------

COLORS = {
    "NOUN": "#cfe3f7", "PROPN": "#a9cdf0", "PRON": "#dcd3f2", "VERB": "#f7cfcf", "AUX": "#f7dfcf", "ADJ": "#d3f0d0",
    "ADV": "#e6f0c2", "ADP": "#eee6d8", "DET": "#eceff1", "NUM": "#cdeeee",
}  # fmt: skip


def _shown(sentence: Sentence, form: str) -> Iterator[tuple[tuple[str, str], str]]:
    """The words of a sentence with their tags, and each probability in the given form; nothing where there is none."""
    shown = [form.format(value) for value in sentence.probabilities] or [""] * len(sentence.tokens)
    return zip(sentence.pairs(), shown, strict=True)


def write_text(sentences: Iterable[Sentence], place: str) -> str:
    """Write `word/TAG` pairs, a sentence a line; a probability after a colon."""
    return "".join(
        " ".join(f"{token}/{tag}{shown}" for (token, tag), shown in _shown(s, ":{:.2f}")) + "\n" for s in sentences
    )


def write_tsv(sentences: Iterable[Sentence], place: str) -> str:
    """Write a token and its tag a line, perhaps a probability, a blank line after a sentence."""
    return "".join(
        "".join(f"{token}\t{tag}{shown}\n" for (token, tag), shown in _shown(s, "\t{:.4f}")) + "\n" for s in sentences
    )


def write_conllu(sentences: Iterable[Sentence], place: str, tag_column: str = "upos") -> str:
    """Write CoNLL-U with forms and tags; the other fields are empty, a probability is among the last ones' values."""
    before, after = "_\t" * (TAG_FIELDS[tag_column] - FORM - 1), "_\t" * (MISC - TAG_FIELDS[tag_column] - 1)
    blocks = []
    for sentence in sentences:
        lines = [f"# text = {sentence.text()}"]
        spaces = sentence.space_after or [True] * len(sentence.tokens)
        ranges = {first: (f"{first}-{last}", form, spaces[last - 1]) for first, last, form in sentence.ranges}
        inside = {number for first, last, _ in sentence.ranges for number in range(first, last + 1)}
        for number, ((token, tag), shown) in enumerate(_shown(sentence, "TagProbability={:.4f}"), 1):
            if number in ranges:
                name, form, space = ranges[number]
                lines.append("\t".join([name, form, *["_"] * 7, "_" if space else "SpaceAfter=No"]))
            no_space = "" if spaces[number - 1] or number in inside else "SpaceAfter=No"
            more = "|".join(filter(None, (no_space, shown))) or "_"
            lines.append(f"{number}\t{token}\t{before}{tag}\t{after}{more}")
        blocks.append("\n".join(lines) + "\n\n")
    return "".join(blocks)


def write_jsonl(sentences: Iterable[Sentence], place: str) -> str:
    """Write one JSON object a sentence."""
    lines = []
    for s in sentences:
        more = {"probabilities": [round(value, 4) for value in s.probabilities]} if s.probabilities else {}
        lines.append(json.dumps({"place": place, "text": s.text(), "tokens": s.tokens, "tags": s.tags, **more}) + "\n")
    return "".join(lines)


def write_html(sentences: Iterable[Sentence], place: str) -> str:
    """Write a paragraph a sentence, every word with its tag, on the tag's colour; spaCy's displaCy draws it."""
    from spacy import displacy

    rows, colors = [], {}
    for sentence in sentences:
        spaces = sentence.space_after or [True] * len(sentence.tokens)
        marks, text = [], ""
        for ((token, tag), shown), space in zip(_shown(sentence, " {:.0%}"), spaces, strict=True):
            label = html.escape(tag) + shown  # displaCy escapes the text, and not this
            colors[label.upper()] = COLORS.get(tag, "#f6f6f6")
            marks.append({"start": len(text), "end": len(text) + len(token), "label": label})
            text += token + " " * space
        rows.append({"text": text, "ents": marks, "title": None})
    return displacy.render(rows, style="ent", manual=True, jupyter=False, options={"colors": colors}) if rows else ""


WRITERS = {"text": write_text, "conllu": write_conllu, "tsv": write_tsv, "jsonl": write_jsonl, "html": write_html}
HTML_HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tagged text</title>'
    "<style>body{font:18px system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "mark{display:inline-block}</style>\n"
)


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("pos_tagging.predict", __doc__)
    commands.add_model_argument(parser, TASK, DEFAULT_NAME)
    commands.add_text_arguments(parser, tuple(WRITERS))
    parser.add_argument("--text-column", default="text", help="column of the text in --input (default: text)")
    add_overrides(parser, TaggingConfig, ("num_beams",))
    parser.add_argument("--probabilities", action="store_true", help="also how likely each tag is")
    arguments = parser.parse_args(argv)
    has_tokens = arguments.input is not None and file_kind(arguments.input) == ".conllu"

    def given() -> Iterator[tuple[str, Sentence] | BadRow] | None:
        if not has_tokens:
            return None
        items = read_conllu(arguments.input, tagged=False)
        return (item if isinstance(item, BadRow) else (item.place, item) for item in items)

    items = commands.open_texts(arguments, given())
    with commands.open_output(arguments.output, arguments.format == "text") as output:
        tagger = Tagger.load(arguments.model, arguments.engine, arguments.threads)
        tagger.config = override(tagger.config, arguments)
        answer = partial(tagger.tag_given if has_tokens else tagger.tag_texts, probabilities=arguments.probabilities)
        write = WRITERS[arguments.format]
        if arguments.format == "conllu":
            write = partial(write_conllu, tag_column=tagger.config.tag_column)
        if arguments.format == "html":
            output.write(HTML_HEAD)
        how_many: dict[str, Any] = {"at_once": SENTENCES_READ, "size": Sentence.size} if has_tokens else {}
        for place, item, sentences in commands.answer_all(arguments, answer, items, **how_many):
            words = [token for sentence in sentences for token in sentence.tokens]
            if words and not any(word in tagger.lexicon.words for word in words):
                text = item.text() if isinstance(item, Sentence) else item
                say(f"{place}: the model knows none of the words in {excerpt(text)}; it goes by their spelling")
            output.write(write(sentences, place))
            output.flush()


if __name__ == "__main__":
    run_command(main)
