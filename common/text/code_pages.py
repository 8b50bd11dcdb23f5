"""Which legacy encoding do the bytes of a text have? The one in which they read like a language.

East Asian encodings of two bytes a character are told by their kana, Hangul or common ideographs. For the others each
language that a code page was made for is tried: the share of letters beyond ASCII that its alphabet has, and the share
of words that are among its stop words (those of spaCy).
"""

from __future__ import annotations

import codecs
import importlib.util
import re
import runpy
from collections.abc import Callable
from functools import cache

# Letters beyond ASCII, by the language.
LATIN = {
    "de": "äöüß", "fr": "àâæçéèêëîïôœùûüÿ", "es": "áéíñóúü", "it": "àèéìíîòóùú", "pt": "àáâãçéêíóôõúü",
    "nl": "áèéëêïíóöüĳ", "sv": "åäöé", "da": "æøåé", "nb": "æøåéòô", "fi": "äöåšž", "is": "áðéíóúýþæö",
    "ca": "àçèéíïòóúü", "ga": "áéíóú", "en": "éèêçñà",
    "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž", "sk": "áäčďéíĺľňóôŕšťúýž", "hu": "áéíóöőúüű", "ro": "ăâîșțşţ",
    "sl": "čšž", "hr": "čćđšž", "sq": "çë", "tr": "çğıöşüâîû", "az": "çəğıöşü", "lt": "ąčęėįšųūž",
    "lv": "āčēģīķļņšūž", "et": "äõöüšž", "vi": "ăâđêôơưàáèéìíòóùúýãõ\u0300\u0301\u0303\u0309\u0323",
}  # fmt: skip
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
NOT_LATIN = {
    "ru": CYRILLIC + "ё", "bg": CYRILLIC, "uk": CYRILLIC + "ґєії", "sr": CYRILLIC + "ђјљњћџ",
    "mk": CYRILLIC + "ѓѕјљњќџ", "el": "αβγδεζηθικλμνξοπρστυφχψωάέήίόύώϊϋΐΰς",
    "he": "".join(map(chr, range(0x5D0, 0x5EB))), "ar": "".join(map(chr, range(0x621, 0x653))),
    "fa": "".join(map(chr, range(0x621, 0x653))) + "پچژگکی", "th": "".join(map(chr, range(0xE01, 0xE5C))),
}  # fmt: skip
WESTERN, CENTRAL = "de fr es it pt nl sv da nb fi is ca ga en", "pl cs sk hu ro sl hr sq"
# Of two that a text fits equally well, the first is taken.
LANGUAGES = {
    "cp1252": WESTERN, "cp1250": CENTRAL, "cp1251": "ru uk bg sr mk", "cp1253": "el", "cp1254": "tr az", "cp1255": "he",
    "cp1256": "ar fa", "cp1257": "lt lv et", "cp1258": "vi", "cp874": "th", "iso8859_2": CENTRAL, "koi8_r": "ru bg",
    "koi8_u": "uk", "iso8859_5": "ru bg sr mk", "iso8859_6": "ar", "iso8859_7": "el", "cp866": "ru bg",
    "mac_roman": WESTERN, "mac_cyrillic": "ru uk bg sr mk", "cp850": WESTERN, "cp852": CENTRAL,
}  # fmt: skip
# Signs that stand in texts of any language: not between two letters, but for a few.
SIGNS = frozenset("–—‘’‚“”„…€£§°©®™«»¡¿ºª´·•½¼¾¹²³×†‡‰‹›¢¥±µ¶\xa0\xad\u200e\u200f،؛؟")
INSIDE_WORDS = frozenset("’‘´·–—\xad")
OPENING = frozenset("‚„¡¿")  # not behind a letter
BEYOND, LETTER = re.compile(r"[^\x00-\x7f]"), re.compile("[A-Za-z]")
MOST_BYTES = 20_000  # that are looked at
FOREIGN = 0.8  # what a letter of another language of the same code page counts: names have them
LEAST_FITTING = 0.75  # of the characters beyond ASCII
LEAST_LETTERS = 12  # beyond ASCII in a text that is named by them alone: its words are not among the stop words
FULL_WIDTH = re.compile("[\u3000-\u303f\uff01-\uff5e]")  # signs and Latin letters of East Asian texts
HIRAGANA, HANGUL, COMMON = 0.2, 0.97, 0.92  # least shares of the characters beyond ASCII
LEAST_IDEOGRAPHS = 6


def guess_code_page(block: bytes) -> str | None:
    """The encoding of a text that is no UTF-8; None if nothing is certain.

    Args:
        block: bytes, the first of which begins a character.

    >>> guess_code_page("Żółć, się i był".encode("cp1250")), guess_code_page("これはとても".encode("shift_jis"))
    ('cp1250', 'cp932')
    """
    block = block[:MOST_BYTES]
    return _east_asian(block) or _single_byte(block)


def _decode(block: bytes, encoding: str) -> str | None:
    """The text, less a character that is cut at its end; None: these are not bytes of that encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(block)
    except UnicodeError:
        return None


# -- Two bytes a character ------------------------------------------------------------------------------------------


def _east_asian(block: bytes) -> str | None:
    """Japanese, Korean or Chinese by the kind of most characters; None if it is none of them."""
    for encoding in ("euc_jp", "cp932"):
        if _share(block, encoding, lambda character: "\u3041" <= character <= "\u3096") >= HIRAGANA:
            return encoding
    if _share(block, "euc_kr", lambda character: "가" <= character <= "힣") >= HANGUL:
        return "cp949"  # which has the same characters, and more
    shares = {
        "gb18030": _share(block, "gb18030", _is_common),
        "big5": _share(block, "big5", _is_common),
    }
    best = max(shares, key=lambda encoding: shares[encoding])
    return best if shares[best] >= COMMON else None


def _share(block: bytes, encoding: str, is_typical: Callable[[str], bool]) -> float:
    """The share of typical characters among those beyond ASCII, full-width signs left out; 0 for too few."""
    found = [
        character for character in BEYOND.findall(_decode(block, encoding) or "") if not FULL_WIDTH.match(character)
    ]
    return sum(map(is_typical, found)) / len(found) if len(found) >= LEAST_IDEOGRAPHS else 0.0


def _is_common(character: str) -> bool:
    """Whether it is one of the common ideographs, which stand in the first rows of a character set."""
    return _lead(character, "gb2312") in range(0xB0, 0xD8) or _lead(character, "big5") in range(0xA4, 0xC7)


def _lead(character: str, encoding: str) -> int:
    """The first byte of a character; 0 if the encoding lacks it."""
    return character.encode(encoding, "ignore")[:1].ljust(1, b"\0")[0]


# -- One byte a character -------------------------------------------------------------------------------------------


def _single_byte(block: bytes) -> str | None:
    """The code page and language that a text fits best; None if it fits none, or too little of it tells."""
    if _fit(block.decode("cp1252", "replace"), frozenset(), frozenset(), is_latin=True) == (1.0, 0):
        return "cp1252"  # quotation marks and dashes of a text in English, most likely
    alphabets = LATIN | NOT_LATIN
    best, chosen = 0.0, None
    for encoding, languages in LANGUAGES.items():
        text = _decode(block, encoding)
        if text is None:
            continue
        letters = frozenset("".join(alphabets[language] for language in languages.split()))
        for language in languages.split():
            own = frozenset(alphabets[language])
            fit, num_letters = _fit(text, own, letters, language in LATIN)
            known = _share_of_stop_words(text, language) if fit >= LEAST_FITTING else 0.0
            is_told = num_letters >= LEAST_LETTERS or (num_letters and (known or encoding == "cp1252"))
            if fit >= LEAST_FITTING and is_told and fit + known > best + 1e-9:
                best, chosen = fit + known, encoding
    return chosen


def _fit(text: str, own: frozenset[str], letters: frozenset[str], is_latin: bool) -> tuple[float, int]:
    """How well the characters beyond ASCII fit a language, 0 to 1, and the number of letters among them.

    Args:
        text: as an encoding has it.
        own: letters of the language.
        letters: of all languages of the encoding.
        is_latin: whether ASCII letters may stand beside them.
    """
    num_bad, num_letters, good = 0, 0, 0.0
    for match in BEYOND.finditer(text):
        character, place = match.group(), match.start()
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        small = "i" if character == "İ" else character.lower()
        if character in SIGNS:
            num_bad += before.isalpha() and (
                character in OPENING or (after.isalpha() and character not in INSIDE_WORDS)
            )
        elif (
            (small not in letters and small != "i")
            or (before.islower() and character.isupper())
            or (not is_latin and (LETTER.match(before) or LETTER.match(after)))
        ):
            num_bad += 1
        else:
            num_letters += 1
            good += 1 if small in own else FOREIGN
    total = num_letters + num_bad
    return (good / total if total else 1.0), num_letters


def _share_of_stop_words(text: str, language: str) -> float:
    words = re.findall(r"[^\W\d_]+", text.lower())
    return sum(word in stop_words(language) for word in words) / max(len(words), 1)


@cache
def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language, as spaCy has them: from the file alone, for the French rules take seconds."""
    spec = importlib.util.find_spec("spacy")
    [folder] = (spec and spec.submodule_search_locations) or [""]
    return frozenset(runpy.run_path(f"{folder}/lang/{language}/stop_words.py")["STOP_WORDS"])
