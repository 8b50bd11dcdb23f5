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
from typing import NamedTuple

from numpy.typing import NDArray

from common.bundles.bundle import open_bundle
from common.bundles.pretrained import find_bundle
from common.inference.answers import Answers, describe_model
from common.inference.engine import Engine, open_engine
from common.progress import progress
from common.text.batching import Batches, make_mask
from common.text.data import as_texts
from common.text.normalization import Normalized, normalize_with_offsets
from common.text.remarks import remark_on
from common.text.tokenization import cut_long_runs, load_pipeline, split_sentences
from pos_tagging.config import DEFAULT_NAME, TASK, TaggingConfig
from pos_tagging.decoding import beam_search, decode
from pos_tagging.lexicon import Lexicon
from pos_tagging.loader import make_batches
from pos_tagging.sentences import Layout, Sentence, TaggedSentence, TaggedText

SENTENCES_AT_ONCE = 256  # the more, the fewer words are spelled twice, and the better the processor is used
MAX_TOKENS = 500  # a longer "sentence" is a list or a table without full stops; it is tagged in pieces


class Tags(NamedTuple):
    """The tags of the words of a sentence, and their probabilities, if they were asked for."""

    tags: list[str]
    probabilities: list[float]


class Tagger:
    """A trained tagger: texts or tokens in, tags out."""

    def __init__(self, network: Engine, lexicon: Lexicon, config: TaggingConfig) -> None:
        self.network = network
        self.lexicon = lexicon
        self.config = config

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
        bundle = open_bundle(find_bundle(TASK, model or DEFAULT_NAME), TASK)
        config = bundle.read_config(TaggingConfig)
        return cls(open_engine(bundle, engine, num_threads), Lexicon.load(bundle), config)

    def with_settings(self, config: TaggingConfig) -> Tagger:
        """The same tagger under other settings: of its beam search, or for the columns of a file."""
        return Tagger(self.network, self.lexicon, config)

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
        found = [self.split(text) for text in texts]
        answers = iter(self.tag_sentences([sentence for sentences in found for sentence in sentences], probabilities))
        tagged = ([next(answers) for _ in sentences] for sentences in found)
        return Answers((TaggedText(sentences, self.remark_on(sentences)) for sentences in tagged), texts)

    def remark_on(self, sentences: Iterable[TaggedSentence]) -> str | None:
        """What is to be said of a text that the tagger can make little of; None: nothing."""
        words = [token for sentence in sentences for token in sentence.tokens]
        return remark_on(words, self.lexicon.knows, self.config.language)

    def split(self, text: str) -> list[Sentence]:
        """Split a text into sentences of words, without tags; the words are as they are written."""
        normalized = cut_long_runs(normalize_with_offsets(text, self.config.normalization))
        sentences = split_sentences(normalized.text, load_pipeline(self.config.language))
        return [_as_written(tokens, normalized) for tokens in sentences]

    def tag_sentences(self, sentences: Sequence[Sentence], probabilities: bool = False) -> list[TaggedSentence]:
        """Tag sentences whose words are given; tags they may have are not used."""
        found = self.tag_tokens([sentence.tokens for sentence in sentences], probabilities)
        return [
            TaggedSentence(list(sentence.tokens), *tags, layout=sentence.layout)
            for sentence, tags in zip(sentences, found, strict=True)
        ]

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


load = Tagger.load
