"""The rules by which a web page reads texts as the Python modules do: patterns, lists, classes of characters, as JSON.

Regular expressions are translated to JavaScript's, which knows the same constructs under other names; what cannot be
translated is refused. The ports in `serving/page/` hold no list and no pattern of their own.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from html.entities import html5
from typing import Any

from common.errors import InputError
from common.text import normalization, remarks, sentences, tokenization
from common.text.languages import CHARACTERS, CharacterTokenizer
from common.text.spacy_start import start_spacy
from language_model import joining
from pos_tagging import lexicon
from pos_tagging.splitting import pieces

Pattern = tuple[str, str]  # source and flags of a JavaScript expression, to which `u` comes
WORD = r"\p{L}\p{N}_"
PATTERNS = {
    normalization: (
        "ENTITY TAG CLOSING ESCAPE RUN DRIVE SHARE FILE CALL BETWEEN_SMALL LATEX COMPATIBLE FULL_WIDTH EAST_ASIAN "
        "AFTER_MARK INVISIBLE WORD_BREAK SPACES TYPOGRAPHY"
    ),
    tokenization: "LONG_RUN",
    joining: "NO_SPACE_BEFORE NO_SPACE_AFTER",
    lexicon: "EMOJI",
    pieces: "ADDRESS",
}
TOKEN = re.compile(
    r"\\U(?P<long>[0-9a-fA-F]{8})|\\(?P<escape>.)|\(\?P<(?P<name>\w+)>|\(\?P=(?P<back>\w+)\)|\(\?(?P<flags>[aimsux]+)\)"
    r"|(?P<braces>\{\d*,?\d*\})|(?P<other>.)",
    re.DOTALL,
)
SYNTAX = set("^$\\.*+?()[]{}|/")  # what JavaScript allows a backslash before, with the flag u


def make_rules() -> dict[str, Any]:
    """All rules that do not depend on a language; rules.json."""
    return {
        "classes": character_classes(),
        "patterns": {
            name: translate(getattr(module, name)) for module, names in PATTERNS.items() for name in names.split()
        },
        "entities": {name[:-1]: text for name, text in html5.items() if name.endswith(";")},
        "odd_references": odd_references(),
        "as_typed": normalization.AS_TYPED,
        "sentences": sentence_rules(),
        "remarks": remark_rules(),
    }


def sentence_rules() -> dict[str, Any]:
    """The lists of `common.text.sentences`."""
    return {
        "always": sentences.ALWAYS,
        "kept_whole": sentences.KEPT_WHOLE,
        "before_number": sorted(sentences.BEFORE_NUMBER),
        "may_end": sorted(sentences.MAY_END),
        "ordinals": sorted(sentences.ORDINALS),
        "closed_by_their_pair": sentences.CLOSED_BY_THEIR_PAIR,
        "months_and_such": sentences.MONTHS_AND_SUCH,
        "opening": sorted(sentences.OPENING),
        "opening_without_space": sorted(sentences.OPENING_WITHOUT_SPACE),
        "closing": sentences.CLOSING,
        "marks": sorted(sentences.MARKS),
        "quotes": quotes(),
    }


def remark_rules() -> dict[str, Any]:
    """The lists of `common.text.remarks`."""
    return {
        "function_words": remarks.FUNCTION_WORDS,
        "names": remarks.NAMES,
        "scripts": remarks.SCRIPTS,
        "min_words": remarks.MIN_WORDS,
        "many_unknown": remarks.MANY_UNKNOWN,
        "suspicious": remarks.SUSPICIOUS,
        "min_function_words": remarks.MIN_FUNCTION_WORDS,
    }


def make_tokenizer(language: str) -> dict[str, Any]:
    """The rules of the tokenizer of a language; tokenizer-….json.

    Raises:
        InputError: its words are found by a segmenter, or by a pattern that JavaScript does not have.
    """
    pipeline = tokenization.load_pipeline(language)
    sentencizer: Any = pipeline.get_pipe("sentencizer")
    found: dict[str, Any] = {"punct_chars": sorted(sentencizer.punct_chars)}
    rules: Any = pipeline.tokenizer
    if isinstance(rules, CharacterTokenizer):
        return {**found, "characters": translate(CHARACTERS)}
    if not hasattr(rules, "prefix_search") or not rules.faster_heuristics:
        raise InputError(f"--model: the words of language {language} are found by a package, which no page can run")
    searches = {
        "prefix": rules.prefix_search,
        "suffix": rules.suffix_search,
        "infix": rules.infix_finditer,
        "token_match": rules.token_match,
        "url_match": rules.url_match,
    }
    for name, search in searches.items():
        at_start = name in ("token_match", "url_match")  # these are re.match
        found[name] = None if search is None else translate(search.__self__, at_start)
    found["specials"] = {text: [piece[65] for piece in pieces] for text, pieces in special_cases(rules).items()}
    return found


def special_cases(rules: Any) -> dict[str, list[dict[int, str]]]:
    """The special cases of a spaCy tokenizer: a text, and the tokens it is made of under the key of ORTH, 65."""
    return {
        text: [{int(key): value for key, value in piece.items()} for piece in pieces]
        for text, pieces in rules.rules.items()
    }


@cache
def quotes() -> list[str]:
    """The quotation marks of spaCy."""
    is_quote = start_spacy().lang.lex_attrs.is_quote
    found = [chr(code) for code in range(0x110000) if is_quote(chr(code))]
    return found + [mark * 2 for mark in found if is_quote(mark * 2)]


# -- Characters -----------------------------------------------------------------------------------------------------


@cache
def character_classes() -> dict[str, str]:
    """Classes of characters that JavaScript does not have, as the insides of brackets."""
    characters = [chr(code) for code in range(0x110000)]
    return {
        "space": ranges(filter(str.isspace, characters)),
        "digit": ranges(filter(str.isdigit, characters)),
        "combining": ranges(filter(unicodedata.combining, characters)),
    }


def ranges(characters: Iterable[str]) -> str:
    """Characters in ascending order as the inside of brackets.

    >>> ranges("abcx")
    '\\\\u{61}-\\\\u{63}\\\\u{78}'
    """
    runs: list[list[int]] = []
    for code in map(ord, characters):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(rf"\u{{{low:x}}}" + (rf"-\u{{{high:x}}}" if high > low else "") for low, high in runs)


def odd_references() -> dict[int, str]:
    """Numeric references of HTML that do not stand for the character of that number; surrogates left aside."""
    ends = [plane * 0x10000 + last for plane in range(17) for last in (0xFFFE, 0xFFFF)]
    codes = [*range(0x100), *range(0xFDD0, 0xFDF0), *ends]
    return {code: text for code in codes if (text := html.unescape(f"&#{code};")) != chr(code)}


# -- Regular expressions --------------------------------------------------------------------------------------------


def translate(pattern: re.Pattern[str], at_start: bool = False) -> Pattern:
    r"""Translate a regular expression to JavaScript's with the flag `u`.

    Args:
        pattern: compiled.
        at_start: whether it has to match at the beginning of a text.
    Returns:
        Source and flags.

    >>> translate(re.compile(r"(?P<mark>[\"'!])\d+(?P=mark)", re.IGNORECASE))
    ('(?<mark>["\'!])[\\p{Nd}]+\\k<mark>', 'i')
    """
    parts, in_class, first = [], False, False
    for token in TOKEN.finditer(pattern.pattern):
        text = _translate_token(token, in_class, first)
        parts.append(text)
        first = (not in_class and token["other"] == "[") or (first and token["other"] == "^")
        if token["other"] == "[" and not in_class:
            in_class = True
        elif token["other"] == "]" and in_class and text == "]":
            in_class = False
    flags = "".join(flag for flag, meant in (("i", re.IGNORECASE), ("s", re.DOTALL)) if pattern.flags & meant)
    if pattern.flags & (re.VERBOSE | re.MULTILINE | re.ASCII):
        raise InputError(f"no page can have the pattern {pattern.pattern[:40]!r}: it has flags that are not covered")
    source = "".join(parts)
    return (f"^(?:{source})" if at_start else source), flags


def _translate_token(token: re.Match[str], in_class: bool, first: bool) -> str:
    """One piece of a regular expression; `first` tells whether it stands first in a class."""
    if token["long"]:
        return rf"\u{{{int(token['long'], 16):x}}}"
    if token["escape"]:
        return _translate_escape(token["escape"], in_class)
    if in_class:
        return "\\" + token[0] if (token["other"] == "]" and first) or token["other"] == "[" else token[0]
    if token["name"]:
        return f"(?<{token['name']}>"
    if token["back"]:
        return rf"\k<{token['back']}>"
    if token["flags"]:
        return ""  # `pattern.flags` has them
    if token["other"] and token["other"] in "{}]":
        return "\\" + token["other"]
    return token[0]


def _translate_escape(escape: str, in_class: bool) -> str:
    """What stands behind a backslash."""
    inside = {"w": WORD, "d": r"\p{Nd}", "s": character_classes()["space"]}
    if escape in inside:
        return inside[escape] if in_class else f"[{inside[escape]}]"
    if escape.lower() in inside and not in_class:
        return f"[^{inside[escape.lower()]}]"
    if escape == "b" and not in_class:
        return f"(?:(?<=[{WORD}])(?![{WORD}])|(?<![{WORD}])(?=[{WORD}]))"
    if escape in "nrtfvux" or escape in SYNTAX or (in_class and escape == "-"):
        return "\\" + escape
    if escape.isalnum():
        raise InputError(rf"no page can have the pattern \{escape}{' in brackets' if in_class else ''}")
    return escape
