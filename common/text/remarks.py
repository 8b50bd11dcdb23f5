"""Remarks on texts that a model can make little of: in another language than its own, or with many unknown words."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from common.progress import say

MIN_WORDS = 5  # of fewer nothing is said but that all are unknown
MANY_UNKNOWN = 0.4  # of the words of a text
MOSTLY_UNKNOWN = 0.5  # of the words of a validation split
SUSPICIOUS = 0.15  # unknown words; with fewer a text is not looked at further
MIN_FUNCTION_WORDS = 0.2  # of the words of a text in a language are of its commonest
NUM_LOOKED_AT = 20_000  # words of a data set
MOST_REMARKS = 20  # said one by one

# The commonest words of languages that are written in Latin letters: articles, pronouns, prepositions, conjunctions.
FUNCTION_WORDS = {
    "en": "the of and to in is that it was for with as on be at by this are from or an have not but they his you i",
    "de": "der die das und in den von zu mit sich des auf für ist im dem nicht ein eine als auch es er ich wir",
    "fr": "le la les de des du et un une est que qui en dans pour pas sur il elle ce au je nous avec plus par mais",
    "es": "el la los las de del y un una que en es por con para no se su lo al como más pero muy mi yo esta este",
    "it": "il lo la gli le di del della e un una che in è per con non si al da sono ma più come anche questo mi molto",
    "pt": "o a os as de do da e um uma que em é por com para não se no na ao mais mas muito como eu foi dos das",
    "nl": "de het een en van in is dat die niet op te zijn voor met was er maar ook als aan ik hij zij bij wij",
    "sv": "och att det som en på är av för den med till inte har jag ett om var vi de så hon han men sig",
    "da": "og at det som en på er af for den med til ikke har jeg et om var vi de så hun han men sig",
    "nb": "og at det som en på er av for den med til ikke har jeg et om var vi de så hun han men seg",
    "fi": "ja on ei se että oli hän joka mutta myös ovat kun niin olla en mitä tämä minä ole kuin hyvin",
    "pl": "i w nie na się z do to że jest o jak ale za po co tak już od jego był który przez",
    "cs": "a se v na je že to s z do o i jako za by ale ve jsem k po jeho byl tak který jsou",
    "tr": "ve bir bu da de için ile çok ne o daha gibi kadar ama değil olarak var sonra en ben her",
    "hu": "a az és hogy nem is egy ez meg volt de csak már mint el még ki van azt",
    "ro": "și de a în la cu pe nu o un că este din mai se pentru ce care au dar sunt",
    "id": "yang dan di ini itu dengan untuk tidak dari dalam akan pada ke juga saya ada adalah",
}
NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch",
    "sv": "Swedish", "da": "Danish", "nb": "Norwegian", "fi": "Finnish", "pl": "Polish", "cs": "Czech", "tr": "Turkish",
    "hu": "Hungarian", "ro": "Romanian", "id": "Indonesian", "ru": "Russian", "el": "Greek", "he": "Hebrew",
    "ar": "Arabic", "hi": "Hindi", "th": "Thai", "ko": "Korean", "ja": "Japanese", "zh": "Chinese", "bn": "Bengali",
    "ta": "Tamil", "te": "Telugu", "ka": "Georgian", "hy": "Armenian",
}  # fmt: skip
# Other scripts: from, to, the language that most texts in it are in, and others written so.
SCRIPTS = (
    (0x370, 0x3FF, "el", ("grc",)),
    (0x400, 0x52F, "ru", ("uk", "bg", "mk", "sr", "ky", "tt")),
    (0x530, 0x58F, "hy", ()),
    (0x590, 0x5FF, "he", ()),
    (0x600, 0x77F, "ar", ("fa", "ur")),
    (0x900, 0x97F, "hi", ("mr", "ne", "sa")),
    (0x980, 0x9FF, "bn", ()),
    (0xB80, 0xBFF, "ta", ()),
    (0xC00, 0xC7F, "te", ()),
    (0xE00, 0xE7F, "th", ()),
    (0x3040, 0x30FF, "ja", ("zh",)),
    (0x4E00, 0x9FFF, "zh", ("ja", "zh-jieba", "ko")),
    (0xAC00, 0xD7AF, "ko", ()),
)
SETS = {code: frozenset(words.split()) for code, words in FUNCTION_WORDS.items()}


def remark_on(tokens: Sequence[str], known: Callable[[str], bool], language: str) -> str | None:
    """What is to be said of a text that a model can make little of; None: nothing.

    Args:
        tokens: its tokens, as they are looked up.
        known: whether the model knows a token.
        language: of the model.
    """
    words = [token for token in tokens if token[:1].isalpha()] or list(tokens)
    if not words:
        return None
    num_unknown = sum(not known(word) for word in words)
    if num_unknown == len(words):
        return f"the model knows none of its words{_in_another(words, language)}; the answer is a guess"
    if len(words) < MIN_WORDS or num_unknown < SUSPICIOUS * len(words):
        return None
    other = _in_another(words, language)
    if not other and num_unknown < MANY_UNKNOWN * len(words):
        return None
    return f"the model does not know {num_unknown:,} of its {len(words):,} words{other}; the answer means little"


def _in_another(words: Sequence[str], language: str) -> str:
    other = other_language(words, language)
    own = NAMES.get(language, language)
    return f", which look like {NAMES[other]}, not {own}" if other else ""


def other_language(words: Sequence[str], language: str) -> str | None:
    """The code of the language that words look like, if it is another than theirs is said to be; None: it may be that.

    Args:
        words: of a text, with letters.
        language: a code; "xx" is any language.

    >>> other_language("das ist nicht der Film für mich und auch nicht für sie".split(), "en")
    'de'
    """
    if language == "xx" or not words:
        return None
    script, others = _script_of(words)
    if script:
        return None if language == script or language in others else script
    if len(words) < MIN_WORDS:
        return None
    if any(language == code or language in more for _, _, code, more in SCRIPTS):
        return _by_function_words(words, "")
    return _by_function_words(words, language)


def _script_of(words: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """The script that most letters are of, by its language; None: Latin letters, or none in particular."""
    letters = [ord(character) for word in words[:2000] for character in word if character.isalpha()]
    counts: Counter[int] = Counter()
    for letter in letters:
        if letter >= SCRIPTS[0][0]:
            counts.update(place for place, (low, high, _, _) in enumerate(SCRIPTS) if low <= letter <= high)
    if not counts or 2 * sum(counts.values()) < len(letters):
        return None, ()
    kana = next(place for place, (_, _, code, _) in enumerate(SCRIPTS) if code == "ja")
    place = kana if counts[kana] * 5 > counts.total() else counts.most_common(1)[0][0]
    return SCRIPTS[place][2:]


def _by_function_words(words: Sequence[str], language: str) -> str | None:
    lowered = [word.lower() for word in words]
    shares = {code: sum(word in known for word in lowered) / len(lowered) for code, known in SETS.items()}
    best = max(shares, key=lambda code: shares[code])
    least = MIN_FUNCTION_WORDS if language in SETS else 1.5 * MIN_FUNCTION_WORDS
    return best if shares[best] >= least and shares.get(language, 0.0) < shares[best] / 2 else None


def tell_of_language(token_lists: Iterable[Sequence[str]], language: str) -> None:
    """Say so if the texts to learn from look like another language than `--language`."""
    words = [word for tokens in itertools.islice(token_lists, 2000) for word in tokens if word[:1].isalpha()]
    if other := other_language(words[:NUM_LOOKED_AT], language):
        own = NAMES.get(language, language)
        say(
            f"WARNING: the texts look like {NAMES[other]}, and --language is {language} ({own}); add --language {other}"
        )


def tell_of_unknown(token_lists: Iterable[Sequence[str]], known: Callable[[str], bool]) -> None:
    """Warn of a validation split that shares few words with the training split."""
    words = [word for tokens in itertools.islice(token_lists, 2000) for word in tokens if word[:1].isalpha()]
    num_unknown = sum(not known(word) for word in words)
    if len(words) >= MIN_WORDS and num_unknown > MOSTLY_UNKNOWN * len(words):
        say(
            f"WARNING: {num_unknown / len(words):.0%} of the words of the validation split are unknown to the model: "
            "it is in another language or of another kind than what is learned from, or that is too little"
        )


class Remarks:
    """Remarks on texts, said one by one; after some they are left out."""

    def __init__(self) -> None:
        self.number = 0

    def add(self, place: str, remark: str | None) -> None:
        """Say one, if there is one."""
        if remark is None:
            return
        self.number += 1
        if self.number <= MOST_REMARKS:
            say(f"{place}: {remark}")
        elif self.number == MOST_REMARKS + 1:
            say("further remarks of this kind are left out")
