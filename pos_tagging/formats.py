"""Formats of tagged sentences: pairs of word and tag, CoNLL-U, tab-separated values, JSON lines, HTML."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from common.errors import printable
from common.evaluation.page import page_head
from pos_tagging.conllu import FORM, MISC, NEW_DOCUMENT, NEW_PARAGRAPH, TAG_FIELDS, ConlluSentence
from pos_tagging.sentences import TaggedSentence

COLORS = {
    "NOUN": "#cfe3f7", "PROPN": "#a9cdf0", "PRON": "#dcd3f2", "VERB": "#f7cfcf", "AUX": "#f7dfcf", "ADJ": "#d3f0d0",
    "ADV": "#e6f0c2", "ADP": "#eee6d8", "DET": "#eceff1", "NUM": "#cdeeee",
}  # fmt: skip
HTML_HEAD = page_head(
    "Tagged text", "body { font-size: 18px; max-width: 50rem } mark { display: inline-block; color: #1d2733 }"
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


def write_conllu(
    sentences: Iterable[TaggedSentence], place: str, tag_column: str = "upos", comments: Sequence[Sequence[str]] = ()
) -> str:
    """Write CoNLL-U with forms and tags; the other fields are empty, a probability is among the last ones' values.

    Args:
        sentences: to be written.
        place: where they stand.
        tag_column: "upos" or "xpos".
        comments: those of each sentence, that of its text left out.
    """
    before, after = "_\t" * (TAG_FIELDS[tag_column] - FORM - 1), "_\t" * (MISC - TAG_FIELDS[tag_column] - 1)
    blocks = []
    for index, sentence in enumerate(sentences):
        lines = list(comments[index]) if comments else []
        lines.append(f"# text = {sentence.text()}")
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


class ConlluWriter:
    """Texts as CoNLL-U that tells where each sentence came from: newdoc, newpar, sent_id, text, source.

    The lines of a text file are paragraphs of one document; each row of a table and each text of the command line is a
    document, whose paragraphs have blank lines between them.
    """

    def __init__(self, tag_column: str = "upos") -> None:
        self.tag_column = tag_column
        self.document = ""
        self.num_sentences: Counter[str] = Counter()  # of each document, so that no two have one id
        self.num_begun: Counter[str] = Counter()  # documents in a file of words, behind its first

    def __call__(self, answer: Iterable[TaggedSentence], place: str, item: str | ConlluSentence) -> str:
        """Write the sentences of a text, or of a file of words."""
        sentences = list(answer)
        document = document_of(place)
        if isinstance(item, str):
            new_paragraphs = new_paragraphs_of(item, sentences)
        else:
            given = "\n".join(item.comments)
            if NEW_DOCUMENT in given and self.num_sentences[document]:
                self.num_begun[document] += 1
            new_paragraphs = {0} if NEW_PARAGRAPH in given else set()
            document += f"-{self.num_begun[document] + 1}" if self.num_begun[document] else ""
        comments = [self._comments(document, number in new_paragraphs, place) for number in range(len(sentences))]
        return write_conllu(sentences, place, self.tag_column, comments)

    def _comments(self, document: str, is_new_paragraph: bool, place: str) -> list[str]:
        comments = []
        if document != self.document:
            comments.append(f"{NEW_DOCUMENT} id = {document}")
            self.document, is_new_paragraph = document, True
        self.num_sentences[document] += 1
        if is_new_paragraph:
            comments.append(NEW_PARAGRAPH)
        file, comma, unit = place.rpartition(", ")
        source = printable(PurePath(file).name + comma + unit)  # its folder is nobody else's business
        return [*comments, f"# sent_id = {document}-s{self.num_sentences[document]}", f"# source = {source}"]


def document_of(place: str) -> str:
    """An id for the document that a text belongs to.

    >>> document_of("mail/a letter.txt, line 3"), document_of("a.csv, row 3"), document_of("text 2")
    ('a_letter.txt', 'a.csv-row3', 'text-2')
    """
    file, _, unit = place.rpartition(", ")
    kind, _, number = unit.partition(" ")
    name = PurePath(file).name if file else f"{kind}-{number}"
    name = re.sub(r"[\s/]+", "_", printable(name))
    return f"{name}-row{number}" if file and kind == "row" else name


def new_paragraphs_of(text: str, sentences: Sequence[TaggedSentence]) -> set[int]:
    """Which sentences of a text begin a paragraph: the first, and those behind a blank line.

    >>> new_paragraphs_of("A b. C.\\n\\nD.", [TaggedSentence(s.split(), []) for s in ("A b .", "C .", "D .")])
    {0, 2}
    """
    starts, place = {0}, 0
    for paragraph in re.split(r"\n[^\S\n]*\n", text):
        place += len("".join(paragraph.split()))
        starts.add(place)
    begins, place = set(), 0
    for number, sentence in enumerate(sentences):
        if place in starts:
            begins.add(number)
        place += sum(len("".join(token.split())) for token in sentence.tokens)
    return begins


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
