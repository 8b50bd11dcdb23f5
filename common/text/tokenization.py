"""Text to tokens with spaCy's blank English pipeline: rules only, nothing to download.

The pipeline is loaded once, by `load_pipeline`, and passed to whoever needs it. Every text goes through
`clean_text` first, so that no character a file can hold stops the tokenizer.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import numpy as np

from common.json_files import LONE_SURROGATE
from common.progress import progress
from common.text.languages import load_blank
from common.text.normalization import Normalized, follow
from common.text.sentences import split_document
from common.text.spacy_start import start_spacy
from common.text.token_cache import read_tokens, write_tokens

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokenizer import Tokenizer
    from spacy.tokens import Doc, Token

# Control characters but tab, line feed and carriage return; C1 controls too (cp1252 read as Latin-1).
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# spaCy's tokenizer looks at affixes again after each one it cuts off: a "word" of a million characters would
# take hours. Longer runs without white space are cut; the longest English words have 45 letters.
MAX_TOKEN_CHARACTERS = 1000
PIECES_REMEMBERED = 1 << 16  # 25 MB
TEXTS_AT_ONCE = 256
# What is read of a word besides its letters, here and by spaCy's sentencizer; spaCy would find out twenty things more.
LEXICAL_ATTRIBUTES = ("IS_PUNCT", "IS_QUOTE", "IS_SPACE")
# The tokens of pieces of text, for each pipeline.
REMEMBERED: WeakKeyDictionary[Language, dict[str, tuple[str, ...]]] = WeakKeyDictionary()
SPLITTING = threading.Lock()  # held while pieces are looked up and split
LONG_RUN = re.compile(rf"\S{{{MAX_TOKEN_CHARACTERS}}}(?=\S)")


@cache
def load_pipeline(language: str = "en") -> Language:
    """Return the blank pipeline of a language with its rule-based sentence splitter.

    Raises:
        InputError: no such language, or its segmenter is a package that is not there.
    """
    pipeline = load_blank(language)
    ids = start_spacy().attrs.IDS
    pipeline.add_pipe("sentencizer")
    vocab: Any = pipeline.vocab  # spaCy does not declare all that it has
    vocab.lex_attr_getters = {ids[name]: vocab.lex_attr_getters[ids[name]] for name in LEXICAL_ATTRIBUTES}
    return pipeline


def _tokenizer(pipeline: Language) -> Tokenizer:
    return cast("Tokenizer", pipeline.tokenizer)  # spaCy declares that any function would do


def clean_text(text: str) -> str:
    r"""Replace what no tokenizer should see: control characters by spaces, lone surrogates by U+FFFD.

    >>> clean_text("a\x00b\ud800")
    'a b\ufffd'
    """
    text = CONTROL_CHARACTERS.sub(" ", text)
    text = LONE_SURROGATE.sub("\ufffd", text)
    return LONG_RUN.sub(r"\g<0> ", text)


def cut_long_runs(normalized: Normalized) -> Normalized:
    """Cut what `clean_text` would cut, and know where: the places of tokens are then those of the normalized text."""
    cuts = [(match.end(), match.end(), " ") for match in LONG_RUN.finditer(normalized.text)]
    return follow(normalized, cuts) if cuts else normalized


def tokenize(text: str, pipeline: Language) -> list[str]:
    """Split one text into tokens; white space is not a token.

    >>> tokenize("It isn't  bad.", load_pipeline())
    ['It', 'is', "n't", 'bad', '.']
    """
    return next(tokenize_all([text], pipeline))


def tokenize_all(texts: Iterable[str], pipeline: Language) -> Iterator[list[str]]:
    """Tokenize texts one after the other, in order, holding a few at a time.

    What stands between white space is split by itself. The same pieces come again and again, so each is split once, and
    remembered from call to call. Any number of threads may tokenize at once.
    """
    texts = iter(texts)
    while block := [clean_text(text).split() for text in islice(texts, TEXTS_AT_ONCE)]:
        yield from _split_block(block, pipeline)


def _split_block(block: Sequence[Sequence[str]], pipeline: Language) -> list[list[str]]:
    """The tokens of texts that have been cut at white space."""
    with SPLITTING:
        known = REMEMBERED.setdefault(pipeline, {})
        if len(known) > PIECES_REMEMBERED:
            known.clear()
        new = [piece for piece in set(chain.from_iterable(block)) if piece not in known]
        known.update(zip(new, map(tuple, _split_pieces(new, pipeline)), strict=True))
        return [list(chain.from_iterable(map(known.__getitem__, pieces))) for pieces in block]


def _split_pieces(pieces: Sequence[str], pipeline: Language) -> list[list[str]]:
    """Split pieces that hold no white space; faster together than one by one."""
    found: list[list[str]] = [[] for _ in pieces]
    number = 0
    for token in pipeline.tokenizer("\n".join(pieces)):
        if token.text == "\n":
            number += 1
        else:
            found[number].append(token.text)
    return found


def split_sentences(text: str, pipeline: Language) -> list[list[Token]]:
    """Split a text into sentences of spaCy tokens (white space left out); see `common.text.sentences`.

    >>> [[t.text for t in s] for s in split_sentences('So good! "No more."', load_pipeline())]
    [['So', 'good', '!'], ['"', 'No', 'more', '.', '"']]
    """
    doc = _tokenizer(pipeline)(clean_text(text))
    return group_sentences(doc, pipeline)


def group_sentences(doc: Doc, pipeline: Language) -> list[list[Token]]:
    """The sentences of a tokenized text, white space left out."""
    sentencizer: Any = pipeline.get_pipe("sentencizer")
    return list(split_document(doc, frozenset(sentencizer.punct_chars), str(pipeline.lang)))


def tokenizer_settings(pipeline: Language) -> dict[str, str]:
    """Describe the tokenizer for a manifest: the spaCy version and a hash of the rules, so that a change shows."""
    rules = pipeline.tokenizer
    return {
        "pipeline": f"blank {pipeline.lang}",
        "applied_to": "what stands between white space",
        "spacy": version("spacy"),
        "rules_sha256": hashlib.sha256(json.dumps(_patterns(rules), sort_keys=True).encode()).hexdigest(),
    }


def _patterns(rules: Any) -> dict[str, Any]:
    """What a tokenizer goes by; of a segmenter its name alone."""
    if not hasattr(rules, "prefix_search"):
        return {"class": type(rules).__name__, "segmenter": str(getattr(rules, "segmenter", ""))}
    searches = {"prefix": rules.prefix_search, "suffix": rules.suffix_search, "infix": rules.infix_finditer}
    return {
        **{name: search.__self__.pattern for name, search in searches.items() if search},
        "special_cases": {
            word: [{str(key): value for key, value in piece.items()} for piece in pieces]
            for word, pieces in rules.rules.items()
        },
    }


def tokenize_cached(texts: Sequence[str], pipeline: Language, description: str = "Tokenizing") -> list[list[str]]:
    """Tokenize a data set once: the tokens are kept in `common.text.token_cache`, under a hash of texts and tokenizer.

    Args:
        texts: the data set.
        pipeline: of `load_pipeline`.
        description: what the progress bar says.
    Returns:
        One list of tokens for each text.
    """
    num_characters = np.array([len(text) for text in texts], np.int64)
    digest = hashlib.sha256(json.dumps(tokenizer_settings(pipeline), sort_keys=True).encode())
    digest.update(num_characters.astype("<i8").tobytes())  # where each text ends
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass"))
    tokens = read_tokens(digest.digest(), num_characters)
    if tokens is None:
        tokens = list(progress(tokenize_all(texts, pipeline), description, total=len(texts)))
        write_tokens(digest.digest(), tokens)
    return tokens
