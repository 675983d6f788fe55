"""The sentences of an answer that cite: what can be checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kb.text.markdown_code import CodeSplitter, Part
from kb.text.scripts import NO_ABBREVIATION
from kb.text.terms import content_terms

__all__ = ["CitedSentence", "cited_sentences"]

_ESCAPE = r"\\[!-/:-@\[-`{-~]"
_ESCAPED = re.compile(_ESCAPE)
_MARKER = re.compile(
    r"[ \t]*(?:>[ \t]?)*[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+|(?P<heading>#{1,6})[ \t]+)?"
)
_ROW = re.compile(r"[ \t]*\|(?P<cells>.*)\|[ \t]*$")
_RULE = re.compile(r"[ \t]*\|[ \t:|-]+\|[ \t]*$")
_HARD_BREAK = re.compile(r"(?: {2}|\\)$")
# White space is looked through once, from its start.
_CITATION = re.compile(r"(?:(?<!\s)\s++)?\[(\d{1,3})\]")
_CITATIONS = r"(?:\s*\[\d{1,3}\])*"
_CLOSERS = "[\"'”’」』)）*_]*"
_END = re.compile(
    rf"(?:[。！？!?…]+{_CLOSERS}"
    rf"|{NO_ABBREVIATION}\.{_CLOSERS}(?=\s+[^a-z\s]|\s*$|\s*\[\d)"
    # Two claims with a citation each, in one sentence.
    rf"|(?<=\d\])\s*[;；]){_CITATIONS}"
)
_MIN_CLAIM_TERMS = 3
_MARKUP = re.compile(rf"(?P<escape>{_ESCAPE})|[*`]+|(?<![^\W_])_+|_+(?![^\W_])")


class CitedSentence(NamedTuple):
    """A sentence, list item or table row with citations.

    Attributes:
        text: Plain: without markup and citations, the cells of a row after the names of their
            columns.
        start: In the Markdown.
        end: After its last character, citations behind the full stop included.
        numbers: Its citations in order, each once.
    """

    text: str
    start: int
    end: int
    numbers: tuple[int, ...]


class _Block(NamedTuple):
    start: int
    end: int
    header: tuple[str, ...] | None = None  # of the table; None for what is no row


def cited_sentences(markdown: str, *, with_uncited: bool = False) -> list[CitedSentence]:
    """The sentences of an answer that hold a ``[n]``, in order.

    A citation after the full stop belongs to the sentence before it. Code is left alone: its
    brackets cite nothing and its full stops end nothing. A line break ends no sentence, unless
    it is a hard one, a list item's or a row's.

    Args:
        with_uncited: Those that hold none as well, where they claim something: not what only
            leads in, and no mere "yes".
    """
    masked = _masked(markdown)
    found = []
    for block in _blocks(markdown, masked):
        pieces = (
            [_strip(masked, block.start, block.end)]
            if block.header is not None
            else _pieces(masked, block)
        )
        for start, end in pieces:
            numbers = tuple(dict.fromkeys(int(n) for n in _CITATION.findall(masked, start, end)))
            if not numbers and not with_uncited:
                continue
            if block.header is None:
                text = _plain(markdown, masked, start, end)
            else:
                text = _row_text(_cells(markdown, masked, start, end), block.header)
            if not numbers and not _claims(text):
                continue
            if any(char.isalnum() for char in text):
                found.append(CitedSentence(text, start, end, numbers))
    return found


def _claims(text: str) -> bool:
    is_lead_in = text.endswith((":", "：", "?", "？"))
    return not is_lead_in and len(content_terms(text)) >= _MIN_CLAIM_TERMS


def _masked(text: str) -> str:
    """`text` with lines of code blank and escapes and code spans as letters, of equal length."""
    splitter = CodeSplitter()
    parts = []
    for piece, part in (*splitter.feed(text), *splitter.end()):
        if part is Part.PROSE:
            parts.append(_ESCAPED.sub("xx", piece))
        else:
            parts.append(re.sub(r"[^\n]", " " if part is Part.BLOCK else "x", piece))
    return "".join(parts)


def _blocks(text: str, masked: str) -> Iterator[_Block]:
    start: int | None = None  # of the block that is open
    end = 0
    header: tuple[str, ...] = ()
    rows: list[_Block] = []
    for line in re.finditer(r"[^\n]*(?:\n|\Z)", masked):
        content = line.group().rstrip("\n")
        row = _ROW.match(content)
        marker = _MARKER.match(content)
        assert marker is not None  # every part of it may be missing
        is_marked = bool(marker.group().strip(" \t>"))
        if start is not None and (row or is_marked or not content.strip()):
            yield _Block(start, end)
            start = None
        if row is None and rows:
            yield from rows
            rows, header = [], ()
        if row is not None:
            if _RULE.match(content):
                header = _cells(text, masked, rows[-1].start, rows[-1].end) if rows else ()
                rows = []
            else:
                at = line.start() + row.start("cells")
                rows.append(_Block(at, line.start() + row.end("cells"), header))
        elif content.strip():
            if start is None:
                start = line.start() + marker.end()
            end = line.start() + len(content.removesuffix("\\"))
            if marker["heading"] or _HARD_BREAK.search(content):
                yield _Block(start, end)
                start = None
    if start is not None:
        yield _Block(start, end)
    yield from rows


def _pieces(masked: str, block: _Block) -> Iterator[tuple[int, int]]:
    """A row whole, anything else by sentences."""
    at = block.start
    if block.header is not None:
        yield _strip(masked, block.start, block.end)
        return
    for match in _END.finditer(masked, block.start, block.end):
        yield _strip(masked, at, match.end())
        at = match.end()
    yield _strip(masked, at, block.end)


def _cells(text: str, masked: str, start: int, end: int) -> tuple[str, ...]:
    bars = [start + match.start() for match in re.finditer(r"\|", masked[start:end])]
    starts, ends = [start, *(bar + 1 for bar in bars)], [*bars, end]
    return tuple(_plain(text, masked, *cell) for cell in zip(starts, ends, strict=True))


def _row_text(cells: tuple[str, ...], header: tuple[str, ...]) -> str:
    names = header if len(header) == len(cells) else ("",) * len(cells)
    pairs = zip(names, cells, strict=True)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


def _plain(text: str, masked: str, start: int, end: int) -> str:
    parts = []
    at = start
    for match in _CITATION.finditer(masked, start, end):
        parts.append(text[at : match.start()])
        at = match.end()
    parts.append(text[at:end])
    shown = _MARKUP.sub(lambda match: (match["escape"] or "")[1:], "".join(parts))
    return " ".join(shown.split())


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
