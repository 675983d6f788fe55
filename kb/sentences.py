"""What can be quoted of a text: sentences, steps of a list, rows of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Unit", "UnitKind", "units"]


class UnitKind(StrEnum):
    """What a unit is, since a list's steps are quoted together and a heading is not."""

    SENTENCE = "sentence"
    STEP = "step"
    ROW = "row"
    HEADING = "heading"


class Unit(NamedTuple):
    """The least that can be quoted: a sentence, an item of a list, a row of a table.

    Attributes:
        start: First character, white space and list marker included for a STEP.
        end: After its last character.
        number: For a STEP of a numbered list, its number.
    """

    kind: UnitKind
    start: int
    end: int
    number: int | None = None


_STEP = re.compile(
    r"[ \t]*(?:(?P<number>\d{1,2})[.)、．）](?!\d)|[(（](?P<number2>\d{1,2})[)）]"
    r"|(?:step|步骤|第)\s*(?P<number3>\d{1,2})\s*步?[.:：、)]?|[-*+•·●◦▪–][ \t])\s*\S",
    re.IGNORECASE,
)
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")
_RULE_ROW = re.compile(r"[ \t]*\|[\s|:\-]+\|[ \t]*$")
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]+\S")
_FIELD = re.compile(r"[ \t]*[^\s:：][^:：.。]{0,30}[:：]\s*\S")
_ENDS = re.compile(r"[.!?。！？:：;；…][\"'”’」』)\]）]*\s*$")
_SENTENCE_END = re.compile(
    r"[。！？!?…]+[\"'”’」』)\]）]*"
    r"|(?<!\b[A-Z])(?<!\b(?:Mr|Dr|St|vs|No|cf))(?<!\b(?:Mrs|Inc|Ltd|Fig|etc|e\.g|i\.e|Vol))"
    r"\.[\"'”’)\]]*(?=\s+[^a-z\s]|\s*$)"
    r"|\s\.(?=\s|$)"
)


_MAX_CHARS = 400


def units(text: str) -> list[Unit]:
    """The units of `text` in order. Line breaks inside a sentence (a page's lines) do not
    end it; those of lists, tables, headings and paragraphs do."""
    found: list[Unit] = []
    for kind, start, end, number in _blocks(text):
        if kind is UnitKind.SENTENCE:
            for piece in _sentences(text, start, end):
                found.extend(Unit(kind, *part) for part in _parts(text, *piece))
        else:
            found.append(Unit(kind, *_strip(text, start, end), number))
    return [unit for unit in found if unit.end > unit.start]


def _blocks(text: str) -> Iterator[tuple[UnitKind, int, int, int | None]]:
    """Paragraphs, list items, rows and headings, as kind, range and step number."""
    lines = _lines(text)
    widest = max((end - start for start, end in lines), default=0)
    current: tuple[UnitKind, int, int, int | None] | None = None
    for start, end in lines:
        line = text[start:end]
        if not line.strip() or _RULE_ROW.match(line) or line.lstrip().startswith("```"):
            if current is not None:
                yield current
            current = None
            continue
        kind, number = _kind(line)
        joins = (
            current is not None
            and kind is UnitKind.SENTENCE
            and current[0] in (UnitKind.SENTENCE, UnitKind.STEP)
            and not _line_ends(text[current[1] : current[2]], line, widest)
        )
        if joins and current is not None:
            current = (current[0], current[1], end, current[3])
            continue
        if current is not None:
            yield current
        current = (kind, start, end, number)
    if current is not None:
        yield current


def _lines(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\n]+|(?<=\n)(?=\n)", text)]


def _kind(line: str) -> tuple[UnitKind, int | None]:
    if _ROW.match(line):
        return UnitKind.ROW, None
    if _HEADING.match(line):
        return UnitKind.HEADING, None
    step = _STEP.match(line)
    if step is None:
        return UnitKind.SENTENCE, None
    digits = step["number"] or step["number2"] or step["number3"]
    return UnitKind.STEP, int(digits) if digits else None


def _line_ends(before: str, line: str, widest: int) -> bool:
    """Whether the block `before` ends ahead of `line`: it ends with a mark, or its last line
    stops well short of the margin and `line` begins anew."""
    last = before.rsplit("\n", 1)[-1]
    if _ENDS.search(last) or (_FIELD.match(last) and _FIELD.match(line)):
        return True
    first = line.lstrip()[:1]
    return len(last.rstrip()) < 0.6 * widest and not first.islower()


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for match in _SENTENCE_END.finditer(text, start, end):
        yield _strip(text, at, match.end())
        at = match.end()
    yield _strip(text, at, end)


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A sentence cut where it is too long to quote: at a line's end, else a clause's, else a
    word's."""
    while end - start > _MAX_CHARS:
        cut = start + _MAX_CHARS
        for mark in ("\n", "；", "; ", "，", ", ", " "):
            at = text.rfind(mark, start + _MAX_CHARS // 4, cut)
            if at >= 0:
                cut = at + len(mark)
                break
        yield _strip(text, start, cut)
        start = cut
    yield _strip(text, start, end)


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
