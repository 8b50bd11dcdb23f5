"""Text normalization: one look-up form for all ways of writing a text, offsets into the text as it was written."""

from __future__ import annotations

import random
import time
import unicodedata

import pytest

from common.errors import InputError
from common.text.normalization import STEPS, check_steps, normalize, normalize_with_offsets, normalize_word

# As written, and the words that are looked up.
SAME = {
    "entities": ("I didn&#39;t like it &amp; left&hellip;", "I didn't like it & left..."),
    "twice encoded": ("A &amp;quot;must&amp;quot;, &#x27;so&#x27; &#8217;", "A \"must\", 'so' '"),
    "no semicolon": ("so&nbsp and R&amp B, it&#39s", "so and R& B, it's"),
    "block tags": ("<p>Dull and long.</p><P class='a'>Avoid it.</P>", "Dull and long. Avoid it."),
    "inline tags": ("a <b>very</b> <a href='x.html'>good</a>film", "a very goodfilm"),
    "escaped tags": ("Good.&lt;br /&gt;&lt;br /&gt;Bad.<\\/p>", "Good. Bad."),
    "hidden text": ("<style>p {color: red}</style>So<!-- not shown --> good", "So good"),
    "literal line ends": ("Great.\\nTerrible.\\n\\nNever again.\\r\\nSo\\tso", "Great. Terrible. Never again. So\\tso"),
    "between small letters": ("good food\\nbad service", "good food bad service"),
    "after a space": ("Good. \\nthe end", "Good. the end"),
    "escaped twice": ('Good.\\\\nBad. \\\\"fine\\\\"', 'Good. Bad. "fine"'),
    "escaped quotes": ('They said \\"fine\\", don\\\'t', 'They said "fine", don\'t'),
    "escaped letters": ("caf\\u00e9 na\\xefve \\ud83d\\ude00 it\\u2019s", "café naïve 😀 it's"),
    "decomposed": ("cafe\u0301, nai\u0308ve", "café, naïve"),
    "ligatures": ("the ﬁne ﬂower oﬃce", "the fine flower office"),
    "full width": ("ＳＯ　ｇｏｏｄ！ １２", "SO good! 12"),
    "mathematical letters": ("𝐬𝐨 𝘨𝘰𝘰𝘥", "so good"),
    "soft hyphens": ("won\u00adder\u00adful", "wonderful"),
    "zero width": ("\ufeffwon\u200bder\u2060ful\u200d so\u200c good\u200e", "wonderful so good"),
    "zero width for space": ("I\u200bloved\u200bit", "I loved it"),
    "zero width after a mark": ("Good.\u200bBad", "Good. Bad"),
    "spaces": ("so\u00a0good\u2009and\u202fso\u3000on\u2028then", "so good and so on then"),
    "quotation marks": ("“So,” ‘no’ „ja“ it’s it´s", "\"So,\" 'no' \"ja\" it's it's"),
    "dashes": ("1990–95—so ‐ ‑ − ―", "1990-95--so - - - --"),
}
# What looks like something to undo, and is not.
KEPT = [
    "a < b > c", "if a<b and b>c", "x<i>y", "AT&T, R&D; Q&A;", "<3 >:( :-> <- <<",
    "List<String> <unk> <name> <s> a </s>",
    "see a?x=1&lt=2&copy=3", "C:\\new\\table", "(D:\\temp\\readme.txt)", "\\\\server\\new\\table", "src\\tests\\new",
    "docs\\notes.txt", "¯\\_(ツ)_/¯ \\o/ \\m/", "re.match('\\d+\\n')", "print(\"a\\nb\") '\\n'.join(x)",
    "f(\"a b\\n\");",
    "x \\neq y, \\nu \\tau \\times", "line\nwith \\n in it", "あいう！？「」、：", "می‌خواهم", "👩‍👩‍👧", "« Non »",
    "½ m² №5 ™",
    "``So''",
]  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_a_text_is_read_the_same_however_it_is_written(name):
    written, read = SAME[name]
    assert normalize(written, STEPS).split() == read.split()


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_markup_and_no_escape_stays(text):
    assert normalize(text, STEPS) == text


def test_offsets_give_back_what_was_written():
    normalized = normalize_with_offsets("<p>&quot;Won\u200bder\u00adful ﬁlm…&quot;</p>", STEPS)
    assert normalized.text.split() == ['"Wonderful', 'film..."']
    tokens = ['"', "Wonderful", "film", "...", '"']
    assert normalized.written_tokens(tokens) == ["&quot;", "Won\u200bder\u00adful", "ﬁlm", "…", "&quot;"]
    place = normalized.text.index("film")
    assert normalized.place(place, place + 2) == (21, 22)  # f and i are one character


def test_random_texts_have_offsets_that_fit_and_are_the_same_by_both_ways():
    rng = random.Random(0)
    parts = [
        *"ab .'\"\\<&;>\n",
        *"“”…—ﬁ\u200b\u00ad\u00a0\u0301é！\ud83d",
        "&amp;",
        "<b>",
        "</b>",
        "<p>",
        "\\n",
        "\\u00e9",
    ]
    for _ in range(2000):
        text = "".join(rng.choices(parts, k=rng.randrange(30)))
        normalized = normalize_with_offsets(text, STEPS)
        assert normalized.text == normalize(text, STEPS)
        if normalized.starts is None:
            assert normalized.text == text
            continue
        assert len(normalized.starts) == len(normalized.ends) == len(normalized.text)
        assert all(0 <= a <= b <= len(text) for a, b in zip(normalized.starts, normalized.ends, strict=True))
        assert list(normalized.starts) == sorted(normalized.starts)
        for i, character in enumerate(normalized.text):  # what was not changed stands where it is found
            written = normalized.written(i, i + 1)
            assert written in (character, "") or len(written) > 1 or unicodedata.normalize("NFKC", written) != written \
                or not written.isascii() or not character.isalnum()  # fmt: skip


def test_a_step_that_is_left_out_is_not_taken():
    text = "<b>ﬁne</b>…\u200b"
    assert normalize(text, "none") == text
    assert normalize(text, "") == text
    assert normalize(text, "html") == "ﬁne…\u200b"
    assert normalize(text, "typography,unicode") == "<b>fine</b>...\u200b"


def test_steps_are_known_names():
    check_steps(STEPS)
    check_steps("none")
    with pytest.raises(InputError, match="--normalization: found 'stemming', wanted some of html, escapes"):
        check_steps("html,stemming")


def test_a_word_stays_a_word():
    assert normalize_word("<b>", STEPS) == "<b>"
    assert normalize_word("10\u00a0000", STEPS) == "10000"
    assert normalize_word("n’t", STEPS) == "n't"


@pytest.mark.parametrize(
    "unit", ["&amp;", "<", "<!--", "<b>", "<p x", "<script>", "\\", "\\n", "\\na", "a\\", "é\u0301", "\u200b"]
)
def test_long_odd_texts_take_no_time(unit):
    start = time.monotonic()
    normalize(unit * (50_000 // len(unit)), STEPS)
    assert time.monotonic() - start < 2


def test_spaces_become_plain_ones():
    assert normalize("so\u00a0good\u2009and\u3000on\u2028then", STEPS) == "so good and on\nthen"
    assert normalize("so\u00a0good", "html") == "so\u00a0good"
