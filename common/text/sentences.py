"""Sentence ends, by rules on marks: `.`, `!`, `?` and those of other scripts, with each language's abbreviations.

A full stop does not end a sentence after an abbreviation (`Abb.`, `p. ex.`), an initial (`J. R.`) or, where ordinal
numbers are written so, a number (`3. Mai`). What closes a quotation or a bracket belongs to the sentence before it,
what opens one to the sentence behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

# Abbreviations after which a sentence goes on, without their last full stop. Single letters need not be listed.
ALWAYS = {
    "": "dr prof st vs fig vol nr pp cf ed eds ca tel",
    "en": "mr mrs ms jr gen col sgt capt lt rep sen gov rev hon e.g i.e u.s approx dept est mt messrs al",
    "de": "abb abs abt anm aufl ausg bd bes betr bspw bzgl bzw d.h dipl ebd einschl engl evtl frl geb gem ggf hl hr"
    " hrsg inkl insb jh jhd kap lfd lt max min mind mio mrd ing r rd s.o s.u sog stellv str tab u.a urspr v.a verf vgl"
    " z.b z.t zit zzgl o.ä i.d.r",
    "fr": "m mm mme mmes mlle me mgr pr ste art av bd chap env éd ex hab ibid id ill janv févr juil sept oct nov déc "
    "num p.ex réf tél c.-à-d boul",
    "es": "sr sra sres srta dra d dña ud uds vd vds art av avda cap cía ej gral núm pág págs sto sta aprox dpto p.ej",
    "it": "sig sigg sig.ra dott dott.ssa ing avv art cap cfr es geom on pag pagg sec tab p.es",
    "pt": "sr sra srs dra art av cap ex exmo núm pág págs p.ex",
    "nl": "bijv blz bv dhr drs evt gem hfst incl ing ir jl mevr mw pag resp t.a.v vb vgl o.a d.w.z",
    "sv": "bl.a dvs ev forts ex inkl jfr kap kl kr max milj min mkr obs resp sid t.ex tex d.v.s s.k m.m fr.o.m t.o.m",
    "da": "bl.a dvs ekskl evt f.eks fx inkl jf kap kl kr maks mht mill min pga red sml stk tlf vedr",
    "nb": "bl.a dvs ekskl evt f.eks inkl jf kap kl kr maks mht mill min pga red stk tlf vedr",
    "fi": "esim ks mm mrd milj nk ns os puh tri ts vrt",
    "pl": "np m.in mgr inż ul al pl tzn tzw św ob str tab tys mln mld godz zob por",
    "cs": "např tzv tj č str sv ul mj resp ing mgr obr tab kap",
    "ru": "им ул кв см напр тыс млн млрд руб коп стр рис проф акад св т.е т.к т.н",
    "tr": "doç av bkz yy sn cad sok mah örn yrd",
    "hu": "ifj pl ill kb ún sz",
}  # fmt: skip
# After these a sentence goes on if a number follows.
BEFORE_NUMBER = {"no", "nos", "p", "s", "art", "abs", "kap", "cap", "chap", "sec", "ch", "n", "núm", "num", "§"}
# After these it ends if a capital follows.
MAY_END = {
    "etc", "usw", "usf", "ff", "osv", "ecc", "enz", "atd", "itd", "itp", "stb", "a.m", "p.m", "m.m", "т.д", "т.п",
}  # fmt: skip
ORDINALS = frozenset(
    ("de", "da", "nb", "nn", "fi", "et", "lv", "cs", "sk", "sl", "hr", "sr", "hu", "tr", "is", "fo", "lb", "pl", "eu")
)
CLOSED_BY_THEIR_PAIR = ("zh", "ja")  # languages whose quotation marks open and close by their shape alone
MONTHS_AND_SUCH = 31  # larger numbers are years and amounts: they end a sentence
OPENING = frozenset("«¿¡([{（［「『《〈【")
OPENING_WITHOUT_SPACE = frozenset("（［「『《〈【¿¡")
CLOSING = "\"'”’»›“‘«‹)]}）］｝」』】〉》"
MARKS = frozenset(".!?。．｡！？؟۔।॥։።")  # the most frequent of spaCy's, for text that it does not tokenize
# Abbreviations that spaCy's tokenizer keeps whole, so that `ALWAYS` need not have them.
KEPT_WHOLE = {"en": "adm bros co corp inc ltd ph.d jan feb mar apr jun jul aug sep sept oct nov dec"}


def split_document(doc: Doc, marks: frozenset[str], language: str) -> Iterator[list[Token]]:
    """Split a tokenized text into sentences.

    Args:
        doc: of spaCy.
        marks: tokens that end a sentence.
        language: spaCy's code.
    Yields:
        The tokens of each sentence, white space left out.
    """
    always = frozenset(f"{ALWAYS['']} {ALWAYS.get(language, '')}".split())
    sentence: list[Token] = []
    ended = False
    for token in doc:
        if token.is_space:
            ended = (ended and bool(sentence)) or (bool(sentence) and token.text.count("\n") > 1)
            if ended:
                opening = _take_opening(sentence, token.i + 1 < len(doc), language)
                if sentence:
                    yield sentence
                sentence, ended = opening, False
            continue
        is_mark = token.text in marks
        if ended and not is_mark and not token.is_punct:
            opening = _take_opening(sentence, True, language)
            if opening or not (sentence[-1].is_quote and token.text[0].islower()):  # "Who?" said the king.
                yield sentence
                sentence = opening
            ended = False
        sentence.append(token)
        if is_mark:
            ended = token.text != "." or not _goes_on(doc, token.i, always, language)
        elif token.text[-1] == "." and _may_end(token.text[:-1]):
            ended = _next_word(doc, token.i)[:1].isupper()
    if sentence:
        yield sentence


def ends_sentence(text: str, language: str) -> bool:
    """Whether a text stops where a sentence ends, as far as what stands there tells: nobody knows how it goes on.

    Args:
        text: its last words will do.
        language: spaCy's code.

    >>> [ends_sentence(text, "en") for text in ("He left.", '"Who?"', "(No!)", "Mr.", "J. R.", "and so...", "He")]
    [True, True, True, False, False, False, False]
    """
    body = text.rstrip(CLOSING)
    if body[-1:] not in MARKS or not body:
        return False
    pieces = body[:-1].split()
    if body[-1] != "." or not pieces or body[-2].isspace():
        return True
    word = pieces[-1].lstrip("\"'([«„“‘")
    low = word.lower()
    if low in MAY_END:
        return True
    if low in f"{ALWAYS['']} {ALWAYS.get(language, '')} {KEPT_WHOLE.get(language, '')}".split():
        return False
    if word.isdigit() and language in ORDINALS and int(word[:9]) <= MONTHS_AND_SUCH:
        return False
    return not (word.endswith(".") or _is_initial(word, language))


def _may_end(word: str) -> bool:
    """Whether a token that ends in a full stop can end a sentence: etc., and in German 1990."""
    return word.lower() in MAY_END or (len(word) == 4 and word.isdigit())


def _take_opening(sentence: list[Token], has_more: bool, language: str) -> list[Token]:
    """Take the marks that open a quotation or a bracket from the end of a sentence: they belong to the next one."""
    opening: list[Token] = []
    while has_more and len(sentence) > 1 and _opens(sentence, language):
        opening.insert(0, sentence.pop())
    return opening


def _opens(sentence: Sequence[Token], language: str) -> bool:
    before, token = sentence[-2:]
    if token.text in OPENING:
        return bool(before.whitespace_) or token.text in OPENING_WITHOUT_SPACE or before.text in OPENING
    if language in CLOSED_BY_THEIR_PAIR and token.is_quote:
        return sum(other.is_quote for other in sentence) % 2 == 1
    return token.is_quote and bool(before.whitespace_) and not token.whitespace_


def _goes_on(doc: Doc, place: int, always: frozenset[str], language: str) -> bool:
    """Whether a sentence goes on after the full stop at `place`."""
    if place == 0 or doc[place - 1].whitespace_:
        return False
    word, following = _word_before(doc, place), _next_word(doc, place)
    if not following:
        return False
    low = word.lower()
    if low in MAY_END:
        return not following[:1].isupper()
    if low in always or (low in BEFORE_NUMBER and following[:1].isdigit()):
        return True
    if word.isdigit():
        return language in ORDINALS and int(word[:9]) <= MONTHS_AND_SUCH and following[:1].isalpha()
    return _is_initial(word, language)


def _is_initial(word: str, language: str) -> bool:
    """Whether a word is the initial of a name, or one of several letters: J., z. B."""
    *_, last = word.split(".")
    return len(last) == 1 and last.isalpha() and last.lower() != last.upper() and not (language == "en" and last == "I")


def _word_before(doc: Doc, place: int) -> str:
    """What stands before a full stop without a space between: `p.ex` of the tokens p . ex ."""
    start = place - 1
    while start > 0 and place - start < 6 and not doc[start - 1].whitespace_ and not doc[start - 1].is_space:
        start -= 1
    return "".join(token.text for token in doc[start:place]).lstrip("\"'([«„“‘")


def _next_word(doc: Doc, place: int) -> str:
    for token in doc[place + 1 : place + 6]:
        if token.is_space and token.text.count("\n") > 1:
            return ""
        if not token.is_punct and not token.is_space:
            return token.text
    return ""
