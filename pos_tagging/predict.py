"""Tag texts.

python -m pos_tagging.predict "They refuse to permit us to obtain the refuse permit."
python -m pos_tagging.predict --input letter.txt --format conllu --output letter.conllu
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from common import commands
from common.engine import Engine, open_engine
from common.errors import excerpt, run_command
from common.files import BadRow, file_kind
from common.progress import progress, say
from common.settings import make_parser
from pos_tagging.config import TaggingConfig
from pos_tagging.loader import Sentence, make_batches, read_conllu

TASK, DEFAULT_NAME = "pos_tagging", "ewt"
MAX_SENTENCE_TOKENS = 500  # a longer "sentence" is a list or a table without full stops; it is tagged in pieces


class Tagger:
    """A trained tagger: texts or tokens in, tags out."""

    def __init__(
        self, network: Engine, vocabulary, characters, tags: list[str], training_words, config: TaggingConfig
    ) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.characters = characters
        self.tags = tags
        self.training_words = training_words
        self.config = config

    @classmethod
    def load(cls, path: str | Path | None = None, engine: str = "onnx", num_threads: int | None = None) -> Tagger:
        """Load a bundle; None takes the pretrained one. The rest: see `common.engine.open_engine`.

        Raises:
            InputError: the bundle is missing, damaged or of another task.
        """
        from common.persistence import open_bundle
        from common.vocabulary import Vocabulary

        folder = Path(path) if path else commands.pretrained_folder(TASK, DEFAULT_NAME)
        bundle = open_bundle(folder, TASK)
        config = bundle.read_config(TaggingConfig)
        names = ("vocabulary", "characters", "training_words")
        vocabulary, characters, training_words = (Vocabulary.load(folder / f"{name}.json") for name in names)
        tags = json.loads((folder / "tags.json").read_text(encoding="utf-8"))
        return cls(open_engine(bundle, engine, num_threads), vocabulary, characters, tags, training_words, config)

    def tag(self, text: str) -> list[Sentence]:
        """Split a text into sentences and tag them."""
        return self.tag_texts([text])[0]

    def tag_texts(self, texts: Sequence[str]) -> list[list[Sentence]]:
        """Split each text into sentences and tag them; one list of sentences for each text."""
        from common.tokenization import load_pipeline, split_sentences

        pipeline = load_pipeline()
        found: list[list[Sentence]] = []
        for text in texts:
            found.append([])
            for tokens in split_sentences(text, pipeline):
                for start in range(0, len(tokens), MAX_SENTENCE_TOKENS):
                    piece = tokens[start : start + MAX_SENTENCE_TOKENS]
                    spaces = [bool(token.whitespace_) for token in piece]
                    found[-1].append(Sentence([token.text for token in piece], space_after=spaces))
        answers = iter(self.tag_sentences([sentence for sentences in found for sentence in sentences]))
        return [[Sentence(s.tokens, next(answers), s.space_after, s.place) for s in sentences] for sentences in found]

    def tag_given(self, sentences: Sequence[Sentence]) -> list[list[Sentence]]:
        """Tag sentences whose tokens are given; one list, of one sentence, for each."""
        answers = self.tag_sentences(sentences)
        return [[Sentence(s.tokens, tags, s.space_after, s.place)] for s, tags in zip(sentences, answers, strict=True)]

    def tag_sentences(self, sentences: Sequence[Sentence]) -> list[list[str]]:
        """Tag sentences whose tokens are given; tags they may have are not looked at."""
        bare = [Sentence(sentence.tokens) for sentence in sentences]
        batches = make_batches(bare, self.vocabulary, self.characters, self.tags, self.config, shuffle=False)
        answers: list[list[str]] = [[] for _ in sentences]
        for indices, (inputs, _, _) in progress(zip(batches.indices, batches, strict=True), "Tagging", len(batches)):
            for i, row in zip(indices, self._best_tags(inputs), strict=True):
                answers[i] = [self.tags[tag] for tag in row[: len(sentences[i].tokens)]]
        return answers

    def _best_tags(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """The best tag ids of a batch, int (batch, time)."""
        if self.config.architecture == "previous-tag":
            return self._greedy_tags(inputs)
        return np.asarray(self.network(inputs)).argmax(axis=-1)

    def _greedy_tags(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """One word after the other: the tag given to a word is an input at the next."""
        best = np.zeros_like(inputs["token_ids"])  # (batch, time)
        previous, state = np.zeros((len(best), 1), np.int32), inputs["state"]
        for t in range(best.shape[1]):
            step = {name: inputs[name][:, t : t + 1] for name in ("token_ids", "character_ids", "mask")}
            answer = self.network({**step, "previous_tags": previous, "state": state})
            best[:, t] = np.asarray(answer["logits"])[:, 0].argmax(axis=-1)
            previous, state = best[:, t : t + 1] + 1, np.asarray(answer["state"])
        return best


# -- Answers as text ------------------------------------------------------------------------------------------------

COLORS = {
    "NOUN": "#cfe3f7", "PROPN": "#a9cdf0", "PRON": "#dcd3f2", "VERB": "#f7cfcf", "AUX": "#f7dfcf", "ADJ": "#d3f0d0",
    "ADV": "#e6f0c2", "ADP": "#eee6d8", "DET": "#eceff1", "NUM": "#cdeeee",
}  # fmt: skip


def write_text(sentences: Iterable[Sentence], place: str) -> str:
    """Write `word/TAG` pairs, a sentence a line."""
    return "".join(" ".join(f"{token}/{tag}" for token, tag in s.pairs()) + "\n" for s in sentences)


def write_tsv(sentences: Iterable[Sentence], place: str) -> str:
    """Write a token and its tag a line, a blank line after a sentence."""
    return "".join("".join(f"{token}\t{tag}\n" for token, tag in s.pairs()) + "\n" for s in sentences)


def write_conllu(sentences: Iterable[Sentence], place: str) -> str:
    """Write CoNLL-U with forms and tags; the other fields are empty."""
    blocks = []
    for sentence in sentences:
        lines = [f"# text = {sentence.text()}"]
        spaces = sentence.space_after or [True] * len(sentence.tokens)
        for number, ((token, tag), space) in enumerate(zip(sentence.pairs(), spaces, strict=True), 1):
            misc = "_" if space else "SpaceAfter=No"
            lines.append("\t".join([str(number), token, "_", tag, *["_"] * 5, misc]))
        blocks.append("\n".join(lines) + "\n\n")
    return "".join(blocks)


def write_jsonl(sentences: Iterable[Sentence], place: str) -> str:
    """Write one JSON object a sentence."""
    return "".join(
        json.dumps({"place": place, "text": s.text(), "tokens": s.tokens, "tags": s.tags}) + "\n" for s in sentences
    )


def write_html(sentences: Iterable[Sentence], place: str) -> str:
    """Write a paragraph a sentence, every word over its tag, on the tag's colour."""
    paragraphs = []
    for sentence in sentences:
        words = (
            f'<span style="background:{COLORS.get(tag, "#f6f6f6")}">{html.escape(token)}'
            f"<small>{html.escape(tag)}</small></span>"
            for token, tag in sentence.pairs()
        )
        paragraphs.append(f"<p>{' '.join(words)}</p>\n")
    return "".join(paragraphs)


WRITERS = {"text": write_text, "conllu": write_conllu, "tsv": write_tsv, "jsonl": write_jsonl, "html": write_html}
HTML_HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tagged text</title><style>'
    "body{font:18px/2.6 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "span{display:inline-block;line-height:1.3;text-align:center;padding:.1rem .35rem;border-radius:.3rem}"
    "small{display:block;font-size:.6em;color:#555}</style>\n"
)


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("pos_tagging.predict", __doc__)
    commands.add_model_argument(parser, TASK, DEFAULT_NAME)
    commands.add_text_arguments(parser, tuple(WRITERS))
    parser.add_argument("--text-column", default="text", help="column of the text in --input (default: text)")
    arguments = parser.parse_args(argv)
    has_tokens = arguments.input is not None and file_kind(arguments.input) == ".conllu"

    def given() -> Iterator[tuple[str, Sentence] | BadRow] | None:
        if not has_tokens:
            return None
        items = read_conllu(arguments.input, tagged=False)
        return (item if isinstance(item, BadRow) else (item.place, item) for item in items)

    commands.check_text_arguments(arguments, given())
    tagger = Tagger.load(arguments.model, arguments.engine, arguments.threads)
    answer = tagger.tag_given if has_tokens else tagger.tag_texts
    with commands.open_output(arguments.output) as output:
        if arguments.format == "html":
            output.write(HTML_HEAD)
        for place, item, sentences in commands.answer_all(arguments, answer, given()):
            words = [token for sentence in sentences for token in sentence.tokens]
            if words and not any(word in tagger.vocabulary for word in words):
                text = item.text() if isinstance(item, Sentence) else item
                say(f"{place}: the model knows none of the words in {excerpt(text)}; it goes by their spelling")
            output.write(WRITERS[arguments.format](sentences, place))
            output.flush()


if __name__ == "__main__":
    run_command(main)
