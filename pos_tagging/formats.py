"""Formats of tagged sentences: pairs of word and tag, CoNLL-U, tab-separated values, JSON lines, HTML."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator

from pos_tagging.conllu import FORM, MISC, TAG_FIELDS
from pos_tagging.sentences import TaggedSentence

COLORS = {
    "NOUN": "#cfe3f7", "PROPN": "#a9cdf0", "PRON": "#dcd3f2", "VERB": "#f7cfcf", "AUX": "#f7dfcf", "ADJ": "#d3f0d0",
    "ADV": "#e6f0c2", "ADP": "#eee6d8", "DET": "#eceff1", "NUM": "#cdeeee",
}  # fmt: skip
HTML_HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tagged text</title>'
    "<style>body{font:18px system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "mark{display:inline-block}</style>\n"
)


def _shown(sentence: TaggedSentence, form: str) -> Iterator[tuple[tuple[str, str], str]]:
    """The words of a sentence with their tags, and each probability in the given form; nothing where there is none."""
    shown = [form.format(value) for value in sentence.probabilities] or [""] * len(sentence.tokens)
    return zip(sentence.pairs(), shown, strict=True)


def write_text(sentences: Iterable[TaggedSentence], place: str) -> str:
    """Write `word/TAG` pairs, a sentence a line; a probability after a colon."""
    return "".join(
        " ".join(f"{token}/{tag}{shown}" for (token, tag), shown in _shown(s, ":{:.2f}")) + "\n" for s in sentences
    )


def write_tsv(sentences: Iterable[TaggedSentence], place: str) -> str:
    """Write tab-separated values: a word a line, its tag, perhaps a probability; a blank line after a sentence."""
    return "".join(
        "".join(f"{token}\t{tag}{shown}\n" for (token, tag), shown in _shown(s, "\t{:.4f}")) + "\n" for s in sentences
    )


def write_conllu(sentences: Iterable[TaggedSentence], place: str, tag_column: str = "upos") -> str:
    """Write CoNLL-U with forms and tags; the other fields are empty, a probability is among the last ones' values."""
    before, after = "_\t" * (TAG_FIELDS[tag_column] - FORM - 1), "_\t" * (MISC - TAG_FIELDS[tag_column] - 1)
    blocks = []
    for sentence in sentences:
        lines = [f"# text = {sentence.text()}"]
        spaces, all_ranges = sentence.layout.spaces(len(sentence.tokens)), sentence.layout.ranges
        ranges = {first: (f"{first}-{last}", form, spaces[last - 1]) for first, last, form in all_ranges}
        inside = {number for first, last, _ in all_ranges for number in range(first, last + 1)}
        for number, ((token, tag), shown) in enumerate(_shown(sentence, "TagProbability={:.4f}"), 1):
            if number in ranges:
                name, form, space = ranges[number]
                lines.append("\t".join([name, form, *["_"] * 7, "_" if space else "SpaceAfter=No"]))
            no_space = "" if spaces[number - 1] or number in inside else "SpaceAfter=No"
            more = "|".join(filter(None, (no_space, shown))) or "_"
            lines.append(f"{number}\t{token}\t{before}{tag}\t{after}{more}")
        blocks.append("\n".join(lines) + "\n\n")
    return "".join(blocks)


def write_jsonl(sentences: Iterable[TaggedSentence], place: str) -> str:
    """Write one JSON object a sentence."""
    lines = []
    for s in sentences:
        more = {"probabilities": [round(value, 4) for value in s.probabilities]} if s.probabilities else {}
        lines.append(json.dumps({"place": place, "text": s.text(), "tokens": s.tokens, "tags": s.tags, **more}) + "\n")
    return "".join(lines)


def write_html(sentences: Iterable[TaggedSentence], place: str) -> str:
    """Write a paragraph a sentence, every word with its tag, on the tag's colour; spaCy's displaCy draws it."""
    from spacy import displacy  # 1.3 s: only where HTML is wanted

    rows, colors = [], {}
    for sentence in sentences:
        spaces = sentence.layout.spaces(len(sentence.tokens))
        marks, text = [], ""
        for ((token, tag), shown), space in zip(_shown(sentence, " {:.0%}"), spaces, strict=True):
            label = html.escape(tag) + shown  # displaCy escapes the text, and not this
            colors[label.upper()] = COLORS.get(tag, "#f6f6f6")
            marks.append({"start": len(text), "end": len(text) + len(token), "label": label})
            text += token + " " * space
        rows.append({"text": text, "ents": marks, "title": None})
    return displacy.render(rows, style="ent", manual=True, jupyter=False, options={"colors": colors}) if rows else ""


WRITERS = {"text": write_text, "conllu": write_conllu, "tsv": write_tsv, "jsonl": write_jsonl, "html": write_html}
