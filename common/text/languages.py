"""Languages: the code of each, as spaCy has it, and the blank pipeline that splits its texts."""

from __future__ import annotations

import difflib
import re
import textwrap
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import InputError, excerpt
from common.text.spacy_start import start_spacy

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

MOST_SHOWN = 300  # characters of a message
# What people write for a code; spaCy's own names of languages are in English too.
NAMES = {
    "afrikaans": "af", "arabic": "ar", "bulgarian": "bg", "bengali": "bn", "catalan": "ca", "czech": "cs", "danish":
    "da", "german": "de", "deutsch": "de", "greek": "el", "english": "en", "spanish": "es", "estonian": "et",
    "basque": "eu", "persian": "fa", "finnish": "fi", "french": "fr", "irish": "ga", "hebrew": "he", "hindi": "hi",
    "croatian": "hr", "hungarian": "hu", "armenian": "hy", "indonesian": "id", "icelandic": "is", "italian": "it",
    "japanese": "ja", "jp": "ja", "korean": "ko", "kr": "ko", "latin": "la", "lithuanian": "lt", "latvian": "lv",
    "norwegian": "nb", "no": "nb", "dutch": "nl", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian":
    "ru", "slovak": "sk", "slovenian": "sl", "albanian": "sq", "serbian": "sr", "swedish": "sv", "se": "sv", "tamil":
    "ta", "telugu": "te", "thai": "th", "turkish": "tr", "ukrainian": "uk", "ua": "uk", "urdu": "ur", "vietnamese":
    "vi", "chinese": "zh", "cn": "zh", "mul": "xx", "none": "xx",
}  # fmt: skip
# Letters of alphabets in a row, numbers, and any other character by itself.
CHARACTERS = re.compile(r"[A-Za-z\u00c0-\u024f\u0370-\u052f]+|\d+(?:[.,:]\d+)*|\S")
JIEBA = "zh-jieba"  # spaCy's Chinese with words; its own default is characters
BY_CHARACTERS = "zh"
WITHOUT_SPACES = (BY_CHARACTERS, JIEBA, "ja", "th", "my", "km", "lo")  # languages that write words together
# Segmenters that spaCy leaves to packages of their own.
PACKAGES = {
    "ja": ("sudachipy sudachidict_core", "zh reads characters one by one, also those of Japanese"),
    "ko": ("natto-py, and mecab-ko with its dictionary", "xx splits at white space and punctuation"),
    "th": ("pythainlp", "xx does not split words that are written together"),
    JIEBA: ("jieba", "zh reads characters"),
    "vi": ("pyvi", "xx splits at white space and punctuation"),
}


@cache
def language_codes() -> tuple[str, ...]:
    """The codes of the languages that the installed spaCy has, without importing it."""
    spec = find_spec("spacy")
    if spec is None or spec.origin is None:
        return ("en", "xx")
    folder = Path(spec.origin).parent / "lang"
    return tuple(sorted([*(file.parent.name for file in folder.glob("*/__init__.py")), JIEBA]))


def check_language(code: str, place: str = "--language") -> None:
    """Check the code of a language.

    Raises:
        InputError: there is none of that name; with the nearest, and the list.
    """
    if code == "en" or code in language_codes():
        return
    codes = language_codes()
    low = code.strip().lower().replace("_", "-")
    first = low.partition("-")[0]
    close = [NAMES.get(low), first, NAMES.get(first)]
    if not set(close) & set(codes):
        close = [NAMES[name] for name in difflib.get_close_matches(low, NAMES, n=1)]
        close += difflib.get_close_matches(low, codes, n=2, cutoff=0.5)
    near = list(dict.fromkeys(name for name in close if name in codes))
    hint = f"; did you mean {' or '.join(near[:3])}?" if near else ";"
    raise InputError(
        textwrap.shorten(
            f"{place}: no language {excerpt(code)}{hint} there are {' '.join(codes)}", MOST_SHOWN, placeholder=" …"
        )
    )


def load_blank(code: str) -> Language:
    """Load spaCy's blank pipeline of a language: rules, or a segmenter.

    Raises:
        InputError: no such language, or its segmenter is a package that is not there.
    """
    spacy = start_spacy()  # only where there is text to read
    check_language(code)
    try:
        language = spacy.util.get_lang_class(BY_CHARACTERS if code == JIEBA else code)
        # What `spacy.blank` does with its defaults, in three quarters of the time: they are not checked again.
        pipeline = language() if code != JIEBA else language.from_config({"nlp": {"tokenizer": {"segmenter": "jieba"}}})
    except ImportError:
        package, otherwise = PACKAGES.get(code, ("a package of its own", "xx splits at white space and punctuation"))
        raise InputError(
            f"--language {code}: its words are found by {package}, which is not installed; install it, or take "
            f"another language ({otherwise})"
        ) from None
    if code == BY_CHARACTERS:
        pipeline.tokenizer = CharacterTokenizer(pipeline.vocab)
    return pipeline


class CharacterTokenizer:
    """Chinese by characters; words of other letters, and numbers, stay whole.

    Args:
        vocab: of a spaCy pipeline.
    """

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        spacy = start_spacy()
        words, spaces = spacy.util.get_words_and_spaces(CHARACTERS.findall(text), text)
        return spacy.tokens.Doc(self.vocab, words, spaces)
