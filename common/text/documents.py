"""Plain text to texts: what is one of them, a line, a paragraph or the file?

In hard-wrapped prose, lines end wherever they are full, mostly within a sentence; a paragraph is one text then. Blank
lines stand between paragraphs. Elsewhere each line is a text of its own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from common.text.rows import MAX_ROW, BadRow, TooLong, undecodable

AUTO, LINE, PARAGRAPH, FILE = "auto", "line", "paragraph", "file"
DOCUMENTS = (AUTO, FILE, PARAGRAPH, LINE)
SENTENCE_END = re.compile(r"""[.!?…。！？]["'”’»)\]]*\s*$""")
WITHIN = re.compile(r"""[.!?…]["'”’»)]*\s+["'“‘«(]*[^\W\d_a-zß-ÿ]|[。！？].""")
LEAST_WIDTH, MOST_WIDTH = 30, 130  # characters of a full line


def find_document(lines: Sequence[str]) -> str:
    """Whether a text is of paragraphs or of lines, from its first lines.

    >>> find_document(["Once there was a king who had", "three sons. The youngest was", "very poor.", ""])
    'paragraph'
    >>> find_document(["So good.", "So bad.", "", "Well."])
    'line'
    """
    blocks = [block for block in _blocks(lines) if len(block) > 1]
    pairs = [pair for block in blocks for pair in itertools.pairwise(block)]
    if not pairs:
        return LINE
    open_ends = [pair for pair in pairs if not SENTENCE_END.search(pair[0])]
    if len(open_ends) < 0.5 * len(pairs):
        return LINE
    return PARAGRAPH if _is_filled(pairs) or _goes_on(blocks, open_ends) or _is_verse(lines, blocks) else LINE


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Lines between blank lines."""
    block: list[str] = []
    for line in lines:
        if line.strip():
            block.append(line.strip())
        elif block:
            yield block
            block = []
    if block:
        yield block


def _is_filled(pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether most lines have no room for the first word of the next one: they were wrapped at one width."""
    width = max(len(line) for pair in pairs for line in pair)
    full = sum(len(line) + 1 + len(after.split()[0]) >= width for line, after in pairs)
    return len(pairs) >= 3 and LEAST_WIDTH <= width <= MOST_WIDTH and full >= 0.7 * len(pairs)


def _goes_on(blocks: Sequence[Sequence[str]], open_ends: Sequence[tuple[str, str]]) -> bool:
    """Whether sentences go on in lower case in the next line, and end within lines or at the end of a paragraph."""
    lower = sum(after[0].islower() for _, after in open_ends)
    begins = sum(not block[0][0].islower() for block in blocks)
    closed = sum(SENTENCE_END.search(block[-1]) is not None for block in blocks)
    inside = any(WITHIN.search(line) for block in blocks for line in block)
    return lower >= 0.5 * len(open_ends) and begins >= 0.7 * len(blocks) and (closed >= 0.5 * len(blocks) or inside)


def _is_verse(lines: Sequence[str], blocks: Sequence[Sequence[str]]) -> bool:
    """Whether blank lines stand between groups of lines, as in poems and plays."""
    return len(blocks) > 2 and len(blocks) >= 0.5 * len(list(_blocks(lines)))


def number_documents(lines: Iterable[tuple[int, str]], document: str) -> Iterator[tuple[int, str]]:
    r"""Group numbered lines into documents, each with the number of its first line.

    >>> list(number_documents(enumerate(["a\n", "b\n", "\n", "c\n"], 1), "paragraph"))
    [(1, 'a\nb\n'), (4, 'c\n')]
    """
    gathered: list[str] = []
    first = 0
    for number, line in lines:
        ends = document == LINE or (document == PARAGRAPH and not line.strip())
        if document == FILE or line.strip():
            first = first if gathered else number
            gathered.append(line)
        if ends and gathered:
            yield first, "".join(gathered)
            gathered = []
    if any(line.strip() for line in gathered):
        yield first, "".join(gathered)


def read_documents(lines: Iterable[str | TooLong], name: str, document: str) -> Iterator[tuple[int, str | BadRow]]:
    """The number of the first line of each document, and its text; a BadRow, if one of its lines is wrong."""
    if document == LINE:
        for number, line in enumerate(lines, 1):
            yield number, _check(line, name, number) or line.rstrip("\r\n")  # type: ignore[union-attr]
        return
    gathered: list[str] = []
    problem: BadRow | None = None
    first = size = 0
    for number, line in enumerate(lines, 1):
        if not isinstance(line, TooLong) and not line.strip() and document == PARAGRAPH:
            if gathered or problem:
                yield first, problem or "".join(gathered)
            gathered, problem, first, size = [], None, 0, 0
            continue
        first = first or number
        problem = problem or _check(line, name, number)
        size += 0 if isinstance(line, TooLong) else len(line)
        if size > MAX_ROW and not problem:
            unit = "paragraph" if document == PARAGRAPH else "file"
            problem = BadRow(
                f"{name}, line {number}: a {unit} of more than {MAX_ROW:,} characters; cut it, or use --document line"
            )
        if problem or isinstance(line, TooLong):
            gathered = []
            continue
        gathered.append(line.replace("\r\n", "\n").replace("\r", "\n"))
    if problem or any(line.strip() for line in gathered):
        yield first, problem or "".join(gathered)


def _check(line: str | TooLong, name: str, number: int) -> BadRow | None:
    if isinstance(line, TooLong):
        return BadRow(f"{name}, line {number}: {line.message}")
    problem = undecodable(line)
    return BadRow(f"{name}, line {number}: {problem}", line.rstrip("\r\n")) if problem else None


def announce_document(document: str) -> list[str]:
    """What to say of the unit that was found."""
    return (
        ["hard-wrapped lines: each paragraph is one text (--document line for lines)"] if document == PARAGRAPH else []
    )
