"""Tag texts.

python -m pos_tagging.predict "They refuse to permit us to obtain the refuse permit."
python -m pos_tagging.predict --input letter.txt --format conllu --output letter.conllu
"""

from __future__ import annotations

from common.cli.run import run_command
from pos_tagging import cli

if __name__ == "__main__":
    run_command(cli.predict)

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from numpy.typing import NDArray

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.file_names import SPLITTER_FOLDER
from common.bundles.pretrained import find_bundle
from common.inference.answers import Answers, describe_model
from common.inference.engine import Engine, open_engine
from common.inference.tables import answer_frame
from common.progress import progress
from common.text.asked import open_asked
from common.text.batching import Batches, make_mask
from common.text.data import as_texts
from common.text.normalization import Normalized, normalize_with_offsets
from common.text.remarks import remark_on
from common.text.tokenization import cut_long_runs, load_pipeline, split_sentences
from pos_tagging.config import DEFAULT_NAME, TASK, TaggingConfig
from pos_tagging.conllu import BadSentence, ConlluSentence
from pos_tagging.decoding import beam_search, decode
from pos_tagging.lexicon import Lexicon
from pos_tagging.loader import make_batches
from pos_tagging.sentences import Layout, Sentence, TaggedFile, TaggedSentence, TaggedText
from pos_tagging.splitting.splitter import Splitter
from pos_tagging.word_files import SAME, Words, make_writer, open_words

if TYPE_CHECKING:
    import pandas

SENTENCES_AT_ONCE = 256  # the more, the fewer words are spelled twice, and the better the processor is used
MAX_TOKENS = 500  # a longer "sentence" is a list or a table without full stops; it is tagged in pieces


class Tags(NamedTuple):
    """The tags of the words of a sentence, and their probabilities, if they were asked for."""

    tags: list[str]
    probabilities: list[float]


class Tagger:
    """A trained tagger: texts or tokens in, tags out.

    Args:
        network: runs `pos_tagging.model.build_model`.
        lexicon: its vocabularies.
        config: its settings.
        splitter: finds the sentences and words of texts; None: spaCy's rules do.
    """

    def __init__(
        self, network: Engine, lexicon: Lexicon, config: TaggingConfig, splitter: Splitter | None = None
    ) -> None:
        self.network = network
        self.lexicon = lexicon
        self.config = config
        self.splitter = splitter

    @classmethod
    def load(cls, model: str | Path | None = None, engine: str = "onnx", num_threads: int | None = None) -> Tagger:
        """Load a tagger.

        Args:
            model: the folder of a bundle, or the name of a pretrained model; None takes the default one.
            engine: "onnx", "onnx-int8" (dynamically quantized LSTMs: faster, rounded) or "keras" (the reference).
            num_threads: processor cores to use; None takes all.
        Raises:
            InputError: the bundle is missing, damaged or of another task.
        """
        return cls.from_bundle(open_bundle(find_bundle(TASK, model or DEFAULT_NAME), TASK), engine, num_threads)

    @classmethod
    def from_bundle(cls, bundle: Bundle, engine: str = "onnx", num_threads: int | None = None) -> Tagger:
        """The tagger of an opened bundle; see `load`."""
        config = bundle.read_config(TaggingConfig)
        splitter = load_splitter(bundle, engine, num_threads)
        return cls(open_engine(bundle, engine, num_threads), Lexicon.load(bundle), config, splitter)

    def with_settings(self, config: TaggingConfig) -> Tagger:
        """The same tagger under other settings: of its beam search, or for the columns of a file."""
        return Tagger(self.network, self.lexicon, config, self.splitter)

    def tag(self, texts: str | Iterable[str], probabilities: bool = False) -> Answers[TaggedText]:
        """Split texts into sentences and words, and tag them.

        Args:
            texts: a string, or a list, tuple, Series or array of them.
            probabilities: whether the probability of each tag is wanted too.
        Returns:
            A `TaggedText`, a sequence of tagged sentences, for each; one string is one text.
        Raises:
            InputError: something in it is not a string.
        """
        texts = as_texts(texts)
        found = self.split(texts)
        answers = iter(self.tag_sentences([sentence for sentences in found for sentence in sentences], probabilities))
        tagged = ([next(answers) for _ in sentences] for sentences in found)
        return Answers((TaggedText(sentences, self.remark_on(sentences)) for sentences in tagged), texts)

    def remark_on(self, sentences: Iterable[TaggedSentence]) -> str | None:
        """What is to be said of a text that the tagger can make little of; None: nothing."""
        words = [token for sentence in sentences for token in sentence.tokens]
        return remark_on(words, self.lexicon.knows, self.config.language)

    def split(self, texts: Sequence[str]) -> list[list[Sentence]]:
        """Split texts into sentences of words, without tags; the words are as they are written."""
        if not self.splitter:
            return split_by_rules(texts, self.config)
        # The splitter has learned from texts with quotation marks and dashes as they are.
        steps = ",".join(name for name in self.config.normalization.split(",") if name != "typography")
        normalized = [cut_long_runs(normalize_with_offsets(text, steps)) for text in texts]
        found = self.splitter.split([each.text for each in normalized])
        return [_write_back(sentences, each) for sentences, each in zip(found, normalized, strict=True)]

    def tag_table(
        self, frame: pandas.DataFrame, column: str | None = None, probabilities: bool = False
    ) -> pandas.DataFrame:
        """Tag the texts of a table.

        Args:
            frame: a DataFrame.
            column: of the texts; None: `text`, or the only one that can be it.
            probabilities: whether the probability of each tag is wanted too.
        Returns:
            The same rows and columns with the same index, and beside them the lists `tokens`, `tags` (of all sentences
            of a text), `sentence_lengths`, perhaps `probabilities`, and `note`, which says why there are none.
        Raises:
            InputError: there is no such column.
        """
        return answer_frame(frame, column, ("text",), lambda texts: self.tag(texts, probabilities), TaggedText.columns)

    def tag_sentences(self, sentences: Sequence[Sentence], probabilities: bool = False) -> list[TaggedSentence]:
        """Tag sentences whose words are given; tags they may have are not used."""
        found = self.tag_tokens([sentence.tokens for sentence in sentences], probabilities)
        return [
            TaggedSentence(list(sentence.tokens), *tags, layout=sentence.layout)
            for sentence, tags in zip(sentences, found, strict=True)
        ]

    def tag_file(
        self, path: str | Path, probabilities: bool = False, input_format: str = "auto", tag_column: str | None = None
    ) -> TaggedFile:
        """Tag a file of words (CoNLL-U, word-tab-tag, …) or a text file.

        Args:
            path: the file; its format is recognised by its content.
            probabilities: whether the probability of each tag is wanted too.
            input_format: one of `pos_tagging.recognition.INPUT_FORMATS`, if it is known.
            tag_column: the column of CoNLL-U for the tags, "upos" or "xpos"; None takes the model's.
        Returns:
            The tagged sentences, and the file with these tags, in which nothing else has changed.
        Raises:
            InputError: the file cannot be read, or its format may be one or another.
        """
        config = replace(self.config, tag_column=tag_column or self.config.tag_column)
        with open_words(Path(path), config.columns(), input_format) as words:
            if words.format.name == "text":
                return self._tag_text_file(words, config, probabilities)
            is_kept = words.format.tag is not None
            items = list(words.sentences(tagged=False, keep_lines=is_kept))
        good = [item for item in items if isinstance(item, ConlluSentence)]
        answers = self.tag_sentences(good, probabilities)
        found = iter(answers)
        write = make_writer(SAME if is_kept else "conllu", config, words.format)
        text = "".join(
            "".join(item.lines) if isinstance(item, BadSentence) else write(TaggedText([next(found)]), item.place, item)
            for item in items
        )
        notes = [item.message for item in items if isinstance(item, BadSentence)]
        return TaggedFile([answer for answer in answers if answer.tokens], text, notes)

    def _tag_text_file(self, words: Words, config: TaggingConfig, probabilities: bool) -> TaggedFile:
        """Tag the lines of a text file."""
        asked = list(open_asked(None, None, source=words.source).items)
        texts = [item for item in asked if item.text is not None]
        answers = self.tag([item.text or "" for item in texts], probabilities)
        write = make_writer("conllu", config, None)
        text = "".join(write(answer, item.place, item.text) for answer, item in zip(answers, texts, strict=True))
        notes = [item.problem for item in asked if item.text is None]
        return TaggedFile([sentence for answer in answers for sentence in answer], text, notes)

    def tag_tokens(self, token_lists: Sequence[Sequence[str]], probabilities: bool = False) -> list[Tags]:
        """Tag tokenized sentences; one of more than `MAX_TOKENS` is tagged in pieces."""
        pieces = [[tokens[i : i + MAX_TOKENS] for i in range(0, len(tokens), MAX_TOKENS)] for tokens in token_lists]
        found = iter(self._tag_pieces(list(chain.from_iterable(pieces)), probabilities))
        return [_join([next(found) for _ in row]) for row in pieces]

    def _tag_pieces(self, token_lists: Sequence[Sequence[str]], probabilities: bool) -> list[Tags]:
        """Tag sentences of a bounded length, those of similar length together."""
        config = replace(self.config, batch_size=SENTENCES_AT_ONCE)
        batches = make_batches([Sentence(tokens) for tokens in token_lists], self.lexicon, config, shuffle=False)
        found = [Tags([], [])] * len(token_lists)
        chosen = zip(batches.indices, self._choose_tags(batches, probabilities), strict=True)
        for indices, (best, chances) in progress(chosen, "Tagging", len(batches)):
            for row, number in enumerate(indices):
                length = len(token_lists[number])
                tags = [self.lexicon.tags[tag] for tag in best[row, :length].tolist()]
                found[number] = Tags(tags, chances[row, :length].tolist() if probabilities else [])
        return found

    def _choose_tags(self, batches: Batches, probabilities: bool) -> Iterator[tuple[NDArray, NDArray]]:
        """The tag ids of each batch (batch, time), and their probabilities (batch, time), if they are wanted."""
        inputs = (batches[number][0] for number in range(len(batches)))
        if self.config.architecture == "previous-tag":
            num_beams, num_tags = self.config.num_beams, len(self.lexicon.tags)
            return (beam_search(self.network, batch, num_beams, num_tags) for batch in inputs)
        masks = (make_mask(batches.lengths[indices].tolist()) for indices in batches.indices)
        return map(partial(decode, probabilities=probabilities), self.network.answers(inputs), masks)

    def _repr_html_(self) -> str:
        """What the model is, in a notebook."""
        return describe_model("Tagger", len(self.lexicon.words), self.config)


def _join(pieces: Sequence[Tags]) -> Tags:
    """The tags of a sentence from those of its pieces."""
    if len(pieces) == 1:
        return pieces[0]
    return Tags(*(list(chain.from_iterable(part)) for part in zip(*pieces, strict=True))) if pieces else Tags([], [])


def load_splitter(bundle: Bundle, engine: str = "onnx", num_threads: int | None = None) -> Splitter | None:
    """Load the splitter of a tagger; None if it has none. It is too small to gain by 8 bits."""
    part = bundle.part(SPLITTER_FOLDER)
    network = part and open_engine(part, engine.removesuffix("-int8"), num_threads)
    return Splitter.load(part, network) if part and network else None


def split_by_rules(texts: Iterable[str], config: TaggingConfig) -> list[list[Sentence]]:
    """Split texts into sentences of words by the rules of their language, which know nothing of the training data."""
    pipeline = load_pipeline(config.language)
    normalized = [cut_long_runs(normalize_with_offsets(text, config.normalization)) for text in texts]
    return [[_as_written(tokens, each) for tokens in split_sentences(each.text, pipeline)] for each in normalized]


def _as_written(tokens: Sequence, normalized: Normalized) -> Sentence:
    """A sentence of spaCy's tokens, each as it is written; several that one character stands for are one word."""
    words: list[str] = []
    spaces: list[bool] = []
    for token in tokens:
        end = token.idx + len(token)
        written = normalized.written(token.idx, end)
        space = bool(token.whitespace_) or normalized.text[end : end + 1].isspace()
        if written or not words:
            words.append(written or token.text)
            spaces.append(space)
        else:
            spaces[-1] = space
    return Sentence(words, layout=Layout(spaces))


def _write_back(sentences: Sequence[Sentence], normalized: Normalized) -> list[Sentence]:
    """Sentences of a normalized text, their words as they are written; words that were expanded stay as they are."""
    if normalized.starts is None:
        return list(sentences)
    found, end = [], 0
    for sentence in sentences:
        tokens, ranges = list(sentence.tokens), []
        for form, places in sentence.layout.written(sentence.tokens):
            start = normalized.text.find(form, end)
            end = start + len(form) if start >= 0 else end
            written = (normalized.written(start, end) if start >= 0 else "") or form
            if len(places) == 1:
                tokens[places[0]] = written
            else:
                ranges.append((places[0] + 1, places[-1] + 1, written))
        found.append(replace(sentence, tokens=tokens, layout=replace(sentence.layout, ranges=ranges)))
    return found


load = Tagger.load
