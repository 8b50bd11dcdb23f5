"""What tests of the page share: its scripts under Node.js, and texts of all kinds."""

from __future__ import annotations

import random
import shutil

import pytest

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not here")

# What normalization, tokenizer and sentence ends have rules for, to be put together at random.
FRAGMENTS = (
    "&amp;", "&amp;quot;", "&#39;", "&#x1F600;", "&#150;", "&#0;", "&nosuch;", "AT&T", "&lt", "<br />",
    "<p>", "</p>", "<b>", "</b>", "a<b and b>c", "<script>x</script>", "<!-- no -->", "<unk>", "\\n", "\\t",
    '\\"', "\\u00e9", "C:\\new", "\\\\", "\\ud83d\\ude00", "print(\"a\\nb\")", "\\neq", "“", "”", "‘", "’",
    "—", "–", "…", "\u00a0", "\u2028", "\u200b", "\u00ad", "\ufeff", "e\u0301", "\ufb01", "\uff21",
    "\uff01", "漢字", "ไทย", "👍🏽", "👩‍👩‍👧", ":-)", ":)", "(:", "don't", "I'd've", "cannot", "gonna", "U.S.",
    "e.g.", "Dr.", "J. R.", "3.14", "1,000.50", "10km", "$5", "50%", "5pm", "a.m.", "http://a.com/b?c=1",
    "www.x.org.", "me@x.com", "#tag", "@you", "well-known", "and/or", "...", "?!", "(", ")", "[", "]", '"',
    "'", "''", "``", ".", ",", "!", "?", ";", "-", "--", "\n", "\n\n", "\t", "  ", "İ", "ß", "Ǆ", "²", "½",
    "Σας", "The", "cat", "Sat", "NOT", "etc", "Mr", "no.", "5", "\x85", "\x1c", "\u3000", "q\u0323\u0307",
)  # fmt: skip


def make_texts(number, seed=0):
    """Texts of fragments, with and without spaces between them; the same for a seed."""
    rng = random.Random(seed)
    texts = []
    for _ in range(number):
        parts = rng.choices(FRAGMENTS, k=rng.randint(1, 25))
        texts.append("".join(part + " " * (rng.random() < 0.6) for part in parts))
    return texts
