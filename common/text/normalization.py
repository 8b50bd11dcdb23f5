"""Text normalization: what is read of a text is the same however it was typed, exported or scraped.

    html        entities are decoded, tags removed         &quot;So good&quot;<br>  ->  "So good"
    escapes     backslash escapes are undone               So \\"good\\".\\nReally.  ->  So "good". Really.
    unicode     composed letters (NFC), ligatures, full-width letters               ﬁne ＯＫ  ->  fine OK
    invisible   soft hyphens and zero-width characters are removed
    spaces      no-break spaces and their kin become spaces, line separators line ends
    typography  quotation marks, dashes and ellipses as on a keyboard               “so—good…”  ->  "so--good..."

The result is for look-up alone. What is shown is the text as it was written: `Normalized.written` gives the part of it
that a part of the result stands for. Training, answering and the baselines read texts through the same steps, which are
a setting of the model.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html.entities import html5

from common.errors import InputError, excerpt

Edit = tuple[int, int, str]  # a part of a text, from, to, and what it becomes


@dataclass(frozen=True)
class Normalized:
    """A normalized text and where it comes from.

    `starts` and `ends` tell for each character which part of `original` it stands for; of several that stand for one,
    the first does, and the others for nothing. None: the text was normal.
    """

    text: str
    original: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def written(self, start: int, end: int) -> str:
        """The part of the original that `text[start:end]` stands for; empty if it is the rest of one character.

        >>> normalize_with_offsets("“So…”", STEPS).written(1, 3)
        'So'
        """
        low, high = self.place(start, end)
        return self.original[low:high]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where the part of the original begins and ends."""
        if self.starts is None or self.ends is None:
            return start, end
        if start >= end:
            place = self.starts[start] if start < len(self.starts) else len(self.original)
            return place, place
        return self.starts[start], self.ends[end - 1]

    def written_tokens(self, tokens: Iterable[str]) -> list[str]:
        """Tokens of the text, in their order, as they were written; a token that has nothing of its own stays.

        >>> normalize_with_offsets("It was ﬁ&shy;ne…", STEPS).written_tokens(["It", "was", "fine", "..."])
        ['It', 'was', 'ﬁ&shy;ne', '…']
        """
        tokens = list(tokens)
        if self.starts is None:
            return tokens
        places = find_tokens(self.text, tokens)
        return [(self.written(*place) if place else "") or token for token, place in zip(tokens, places, strict=True)]


def find_tokens(text: str, tokens: Iterable[str]) -> Iterator[tuple[int, int] | None]:
    """Where the tokens of a text stand in it, from and to; None for one that the tokenizer had to clean.

    >>> list(find_tokens("So,  good", ["So", ",", "?", "good"]))
    [(0, 2), (2, 3), None, (5, 9)]
    """
    end = 0
    for token in tokens:
        start = text.find(token, end)
        if start < 0:
            yield None
        else:
            end = start + len(token)
            yield start, end


def place_tokens(text: str, tokens: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The tokens of a text, each with the white space before it.

    >>> list(place_tokens("So,  good", ["So", ",", "good"]))
    [('', 'So'), ('', ','), ('  ', 'good')]
    """
    end = 0
    for token, place in zip(tokens, find_tokens(text, tokens), strict=True):
        yield (text[end : place[0]] if place else " "), token
        end = place[1] if place else end


def normalize(text: str, steps: str) -> str:
    """Normalize a text.

    Args:
        text: as it was written.
        steps: names of steps with commas between, a setting of the model.

    >>> normalize("<p>It&#39;s a \u201cmust\u201d \u2026</p>", STEPS).strip()
    'It\\'s a "must" ...'
    """
    if _is_normal(text):
        return text
    for find in _finders(steps):
        if edits := find(text):
            text = _apply(text, edits)
    return text


def normalize_with_offsets(text: str, steps: str) -> Normalized:
    """Normalize a text and keep where each character comes from; see `normalize`."""
    result = Normalized(text, text)
    if _is_normal(text):
        return result
    for find in _finders(steps):
        if edits := find(result.text):
            result = follow(result, edits)
    return result


def normalize_word(word: str, steps: str) -> str:
    """Normalize a word of a sentence that is split already; one that is markup from end to end stays as it is."""
    if _is_normal(word):
        return word
    return "".join(normalize(word, steps).split()) or word


def check_steps(steps: str, place: str = "--normalization") -> None:
    """Check the names of steps.

    Raises:
        InputError: there is no such step.
    """
    for name in steps.split(",") if steps not in ("", "none") else ():
        if name not in FINDERS:
            raise InputError(
                f"{place}: found {excerpt(name)}, wanted some of {', '.join(FINDERS)} with commas between, or none"
            )


def _is_normal(text: str) -> bool:
    """Whether nothing in a text is for any step: most texts in English."""
    return text.isascii() and "&" not in text and "<" not in text and "\\" not in text


@cache
def _finders(steps: str) -> tuple[Callable[[str], list[Edit]], ...]:
    chosen = steps.split(",")
    return tuple(find for name, finders in FINDERS.items() if name in chosen for find in finders)


def _apply(text: str, edits: list[Edit]) -> str:
    parts: list[str] = []
    end = 0
    for start, after, replacement in edits:
        parts += (text[end:start], replacement)
        end = after
    return "".join([*parts, text[end:]])


def follow(before: Normalized, edits: list[Edit]) -> Normalized:
    """Apply edits, and carry on where the characters come from."""
    size = len(before.text)
    old_starts = range(size) if before.starts is None else before.starts
    old_ends = range(1, size + 1) if before.ends is None else before.ends
    starts: list[int] = []
    ends: list[int] = []
    end = 0
    for start, after, replacement in edits:
        starts.extend(old_starts[end:start])
        ends.extend(old_ends[end:start])
        if replacement:
            # Of several characters the first stands for all that was there.
            low, high = old_starts[start], old_ends[after - 1]
            starts.extend([low] + [high] * (len(replacement) - 1))
            ends.extend([high] * len(replacement))
        end = after
    starts.extend(old_starts[end:])
    ends.extend(old_ends[end:])
    return Normalized(_apply(before.text, edits), before.original, starts, ends)


# -- HTML -----------------------------------------------------------------------------------------------------------

# Twice encoded (&amp;quot;) is found too. AT&T and a=1&b=2 are no entities: a name ends in a semicolon.
ENTITY = re.compile(
    r"&(?:amp;){0,4}(?:(?P<name>[A-Za-z][A-Za-z0-9]{1,31});|(?P<number>\#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6}));?"
    r"|(?P<bare>quot|nbsp|amp|lt|gt)(?![A-Za-z0-9=;]))"
)
LINE_TAGS = (
    "address|article|aside|blockquote|body|br|caption|center|dd|div|dl|dt|figcaption|figure|footer|form|h[1-6]|head|"
    "header|hr|html|li|main|nav|ol|p|pre|section|table|tbody|tfoot|thead|title|tr|ul"
)
SPACE_TAGS = "iframe|img|input|link|meta|option|select|td|th|video"
INLINE_TAGS = (
    "a|abbr|acronym|b|big|button|cite|code|del|em|font|i|ins|kbd|label|mark|q|samp|small|span|strike|strong|sub|sup|"
    "tt|u|wbr"
)
# Known names alone: a < b > c, <3, <unk> and List<String> are no tags.
TAG = re.compile(
    r"<!--(?:(?!<!--).)*?-->|<(?P<hidden>script|style)\b[^<>]*>(?:(?!<(?:script|style)\b).)*?</(?P=hidden)\s*>"
    rf"|<\\?(?P<close>/)?(?:(?P<line>{LINE_TAGS})|(?P<space>{SPACE_TAGS})|(?P<inline>{INLINE_TAGS}))"
    r"(?P<more>\s[^<>]*)?/?>",
    re.IGNORECASE | re.DOTALL,
)
CLOSING = re.compile(r"</([a-z])\s*>", re.IGNORECASE)


def _entities(text: str) -> list[Edit]:
    if "&" not in text:
        return []
    return [
        (*match.span(), decoded) for match in ENTITY.finditer(text) if (decoded := _decode_entity(match)) is not None
    ]


def _decode_entity(match: re.Match[str]) -> str | None:
    if number := match["number"]:
        return html.unescape(f"&{number};")
    return html5.get(f"{match['name'] or match['bare']};")


def _tags(text: str) -> list[Edit]:
    if "<" not in text:
        return []
    closings = {match[1].lower(): match.start() for match in CLOSING.finditer(text)}  # the last of each
    return [(*match.span(), _in_place_of(match)) for match in TAG.finditer(text) if not _is_comparison(match, closings)]


def _in_place_of(tag: re.Match[str]) -> str:
    return "\n" if tag["line"] else " " if tag["space"] else ""


def _is_comparison(tag: re.Match[str], closings: Mapping[str, int]) -> bool:
    """Whether what looks like a tag of one letter is none: a<b and b>c, or a<b>c without </b> behind it."""
    name = tag["inline"]
    if not name or len(name) > 1 or tag["close"] or "=" in (tag["more"] or ""):
        return False
    return bool(tag["more"] and tag["more"].strip(" /")) or closings.get(name.lower(), -1) < tag.end()


# -- Backslash escapes ----------------------------------------------------------------------------------------------

HEX = "[0-9a-fA-F]"
ESCAPE = re.compile(
    rf"(?<!\\)\\+(?:(?P<line>r\\+n|[nr])|(?P<tab>t)|(?P<mark>[\"'])|x(?P<byte>{HEX}{{2}})"
    rf"|u(?P<high>[dD][89abAB]{HEX}{{2}})\\+u(?P<low>[dD][c-fC-F]{HEX}{{2}})|u(?P<code>{HEX}{{4}}))"
)
RUN = re.compile(r"\S+")  # what stands between spaces
DRIVE = re.compile(r"\W*[A-Za-z]:\\+(?![nr]+(?:[^a-z]|$))")  # C:\new, but not "A:\nThe answer"
SHARE = re.compile(r"\W*\\\\\w+\\+\w")  # \\server\new
FILE = re.compile(r"\\[nrt][a-z][\w\\-]{0,100}\.[a-z0-9]{2,4}\W{0,9}$")  # folder\notes.txt
CALL = re.compile(r"[(=\[{][\"'`]|[\"'`]\\[nrt][\"'`]|\\[nrt][\"'`][),;\]}]")  # print("a\nb"), "\n".join
BETWEEN_SMALL = re.compile(r"(?<=[a-z])\\[nrt](?=[a-z])")
LATEX = re.compile(
    r"\\(?:nabla|ne|nearrow|neg|neq|newcommand|newline|ni|nmid|noindent|not|notin|nu|rangle|rceil|ref|renewcommand|"
    r"rfloor|rho|right\w*|rm|tan|tanh|tau|text\w*|tfrac|theta|tilde|times|tiny|title|to|top|triangle)(?![a-z])"
)


def _escapes(text: str) -> list[Edit]:
    if "\\" not in text:
        return []
    has_lines = "\n" in text.strip()  # then "\n" was not written for one
    edits = []
    for run in RUN.finditer(text):
        if "\\" in run[0] and not _is_path(run[0]):
            breaks = not has_lines and not _is_code(run[0])
            for match in ESCAPE.finditer(text, *run.span()):
                if (replacement := _unescape(match, breaks)) is not None:
                    edits.append((*match.span(), replacement))
    return edits


def _is_path(run: str) -> bool:
    r"""Whether backslashes divide the names of folders, or are no escapes: C:\new, \d+, \o/."""
    if DRIVE.match(run) or SHARE.match(run) or FILE.search(run):
        return True
    rest = ESCAPE.sub(" ", run)
    return re.search(r"\\[A-Za-z_]", rest) is not None


def _is_code(run: str) -> bool:
    r"""Whether \n and \t are part of a program, a formula or a path: print("\n"), \neq, src\tests\new."""
    return CALL.search(run) is not None or LATEX.search(run) is not None or len(BETWEEN_SMALL.findall(run)) > 1


def _unescape(match: re.Match[str], breaks: bool) -> str | None:
    if match["line"] or match["tab"]:
        if not breaks or (match["tab"] and BETWEEN_SMALL.match(match.string, match.start())):
            return None
        return "\n" if match["line"] else "\t"
    if match["mark"]:
        return match["mark"]
    if match["high"]:
        return bytes.fromhex(match["high"] + match["low"]).decode("utf-16-be")
    return chr(int(match["byte"] or match["code"], 16))


# -- Characters -----------------------------------------------------------------------------------------------------

# Latin, Armenian, Hebrew and Arabic ligatures and forms, full-width letters and digits, bold and italic letters.
COMPATIBLE = re.compile(
    "[\ufb00-\ufb06\ufb13-\ufb17\ufb1d-\ufb4f\ufb50-\ufdcf\ufe70-\ufefc\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
    "\U0001d400-\U0001d7ff]"
)
FULL_WIDTH = re.compile("[\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff5e]")
EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # there full-width marks are the usual ones
AFTER_MARK = re.compile(r"(?<=[.,;:!?])\u200b+(?=\w)")
# Scripts in which a zero-width joiner is part of the spelling, and emoji, which it joins.
JOINED = "\u0600-\u0dff\u0f00-\u109f\u1780-\u18af\u2600-\u27bf\U0001f000-\U0001faff\ufe0f"
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]+"
    f"|(?<![{JOINED}])[\u200c\u200d]+"
)
WORD_BREAK = re.compile("(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b+")  # Thai, Lao, Burmese, Khmer
SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
AS_TYPED = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"),
    **dict.fromkeys("\u2014\u2015", "--"),
    "\u2026": "...",
}
TYPOGRAPHY = re.compile(f"[{''.join(AS_TYPED)}]")


def _composed(text: str) -> list[Edit]:
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return []
    edits: list[Edit] = []
    for word in RUN.finditer(text):
        if not unicodedata.is_normalized("NFC", word[0]):
            edits += _compose_word(word[0], word.start())
    return edits


def _compose_word(word: str, place: int) -> list[Edit]:
    """Compose letters with the marks that follow them, each by itself if that is all there is to do."""
    starts = [i for i, character in enumerate(word) if i == 0 or not unicodedata.combining(character)]
    ends = [*starts[1:], len(word)]
    clusters = [(i, j, unicodedata.normalize("NFC", word[i:j])) for i, j in zip(starts, ends, strict=True)]
    if "".join(composed for _, _, composed in clusters) != (whole := unicodedata.normalize("NFC", word)):
        return [(place, place + len(word), whole)]
    return [(place + i, place + j, composed) for i, j, composed in clusters if composed != word[i:j]]


def _compatible(text: str) -> list[Edit]:
    if text.isascii():
        return []
    edits = _replace(text, COMPATIBLE)
    if FULL_WIDTH.search(text) and not EAST_ASIAN.search(text):
        edits = sorted(edits + _replace(text, FULL_WIDTH))
    return edits


def _replace(text: str, pattern: re.Pattern[str]) -> list[Edit]:
    return [(*match.span(), unicodedata.normalize("NFKC", match[0])) for match in pattern.finditer(text)]


def _invisible(text: str) -> list[Edit]:
    if text.isascii():
        return []
    # Zero-width spaces divide words where nothing else does; elsewhere they only stand in the way.
    if "\u200b" in text and text.count("\u200b") > 1 and len(text.split()) == 1:
        return [(*match.span(), " ") for match in re.finditer("\u200b+", text)]
    breaks = {match.span() for pattern in (WORD_BREAK, AFTER_MARK) for match in pattern.finditer(text)}
    return [(*match.span(), " " if match.span() in breaks else "") for match in INVISIBLE.finditer(text)]


def _spaces(text: str) -> list[Edit]:
    if text.isascii():
        return []
    return [(*match.span(), "\n" if match[0] in "\u2028\u2029" else " ") for match in SPACES.finditer(text)]


def _typography(text: str) -> list[Edit]:
    if text.isascii():
        return []
    return [(*match.span(), AS_TYPED[match[0]]) for match in TYPOGRAPHY.finditer(text)]


FINDERS: dict[str, tuple[Callable[[str], list[Edit]], ...]] = {
    "html": (_entities, _tags),
    "escapes": (_escapes,),
    "unicode": (_composed, _compatible),
    "invisible": (_invisible,),
    "spaces": (_spaces,),
    "typography": (_typography,),
}
STEPS = ",".join(FINDERS)
