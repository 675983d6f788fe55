"""What can be quoted of a text: sentences, steps of a list, rows of a table, records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from kb.text.scripts import CLOSERS, NO_ABBREVIATION

__all__ = ["Layout", "Unit", "UnitKind", "units"]


class UnitKind(StrEnum):
    """What a unit is, since a list's steps are quoted together and a heading is not."""

    SENTENCE = "sentence"
    STEP = "step"
    ROW = "row"
    RECORD = "record"
    HEADING = "heading"


class Layout(StrEnum):
    """What the line breaks of a text mean.

    PROSE: the lines of a page, joined where a sentence goes on. LINES: what stands on one line
    of a picture belongs together. RECORDS: lines of ``name: value``, as of a JSON or CSV file.
    """

    PROSE = "prose"
    LINES = "lines"
    RECORDS = "records"


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
_KEY = re.compile(r"[ \t]*([^:]{1,60}?):(?:\s|$)")
_LEADER_MARKS = ".·…"
_LEADER = f" \t{_LEADER_MARKS}"
_PAGE_AT_END = re.compile(rf"(?<=[{_LEADER}])(\d{{1,4}})[ \t]*+\Z")
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")
_ENDS = re.compile(rf"[.!?。！？:：;；…][{CLOSERS}]*\s*$")
_SENTENCE_END = re.compile(
    rf"[。！？!?…]+[{CLOSERS}]*|{NO_ABBREVIATION}\.[{CLOSERS}]*(?=\s+[^a-z\s]|\s*$)"
    r"|\s\.(?=\s|$)"
)


_MAX_CHARS = 400
_MAX_HEADING_CHARS = 80
# Of prose set in lines about three in four go on in lower case, of labels and forms few.
_MIN_LOWER_SHARE = 0.3
_MIN_CONTENTS_LINES = 3
_MIN_LEADER_MARKS = 3


def units(text: str, layout: Layout = Layout.PROSE) -> list[Unit]:
    """The units of `text` in order. Line breaks inside a sentence (a page's lines) do not
    end it; those of lists, tables, headings and paragraphs do. Lines of a table of contents
    are no units."""
    found: list[Unit] = []
    for kind, start, end, number in _blocks(text, layout):
        if kind is UnitKind.SENTENCE and layout is not Layout.LINES:
            for piece in _sentences(text, start, end):
                found.extend(Unit(kind, *part) for part in _parts(text, *piece))
        else:
            found.append(Unit(kind, *_strip(text, start, end), number))
    return [unit for unit in found if unit.end > unit.start]


class _Block(NamedTuple):
    kind: UnitKind
    start: int
    end: int
    number: int | None = None


def _blocks(text: str, layout: Layout) -> Iterator[_Block]:
    """Paragraphs, list items, rows, records and headings."""
    paragraphs = _paragraphs(text)
    widest = max((end - start for lines in paragraphs for start, end in lines), default=0)
    for index, lines in enumerate(paragraphs):
        after = paragraphs[index + 1] if index + 1 < len(paragraphs) else None
        if layout is Layout.RECORDS:
            yield from _records(text, lines)
        elif layout is Layout.PROSE and _is_title(text, lines) and after:
            titled = not _is_title(text, after)
            yield _Block(UnitKind.HEADING if titled else UnitKind.SENTENCE, *lines[0])
        elif layout is Layout.LINES:
            yield from _joined(text, lines, _is_apart)
        elif _is_ragged(text, lines):
            yield from _joined(text, _without_contents(text, lines), _is_apart)
        else:
            yield from _joined(
                text,
                _without_contents(text, lines),
                lambda last, line: _line_ends(last, line, widest),
            )


def _paragraphs(text: str) -> list[list[tuple[int, int]]]:
    """Ranges of lines, by paragraph."""
    found: list[list[tuple[int, int]]] = [[]]
    for start, end in _lines(text):
        line = text[start:end]
        if _RULE_ROW.match(line):
            continue
        if not line.strip() or line.lstrip().startswith("```"):
            found.append([])
        else:
            found[-1].append((start, end))
    return [lines for lines in found if lines]


def _joined(
    text: str, lines: Sequence[tuple[int, int]], is_apart: Callable[[str, str], bool]
) -> Iterator[_Block]:
    current: _Block | None = None
    for start, end in lines:
        line = text[start:end]
        kind, number = _kind(line)
        if (
            current is not None
            and kind is UnitKind.SENTENCE
            and current.kind in (UnitKind.SENTENCE, UnitKind.STEP)
            and not is_apart(
                text[
                    text.rfind("\n", current.start, current.end) + 1 or current.start : current.end
                ],
                line,
            )
        ):
            current = current._replace(end=end)
            continue
        if current is not None:
            yield current
        current = _Block(kind, start, end, number)
    if current is not None:
        yield current


def _records(text: str, lines: Sequence[tuple[int, int]]) -> Iterator[_Block]:
    """Lines of different names are one record; a name that comes again begins the next."""
    keys: set[str] = set()
    current: _Block | None = None
    for start, end in lines:
        match = _KEY.match(text, start, end)
        key = match[1].strip() if match else ""
        if current is None or (key and key in keys):
            if current is not None:
                yield current
            keys, current = set(), _Block(UnitKind.RECORD, start, end)
        keys.add(key)
        current = current._replace(end=end)
    if current is not None:
        yield current


def _is_title(text: str, lines: Sequence[tuple[int, int]]) -> bool:
    """Whether a paragraph is one short line that is no sentence."""
    line = text[slice(*lines[0])].strip()
    return (
        len(lines) == 1
        and len(line) <= _MAX_HEADING_CHARS
        and _kind(line)[0] is UnitKind.SENTENCE
        and not _ENDS.search(line)
        and not _FIELD.match(line)
        and _LETTER.search(line) is not None
    )


def _is_ragged(text: str, lines: Sequence[tuple[int, int]]) -> bool:
    """Whether the lines of a paragraph are labels or a form, by how they begin: a sentence
    that goes on begins them in lower case. Scripts without case do not tell."""
    firsts = [char for start, end in lines[1:] if (char := text[start:end].lstrip()[:1])]
    cased = [char for char in firsts if char.islower() or char.isupper()]
    n_lower = sum(char.islower() for char in cased)
    return len(cased) > 2 and n_lower <= _MIN_LOWER_SHARE * len(cased)


def _without_contents(text: str, lines: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """`lines` without those of a table of contents: some in a row whose last words are page
    numbers that do not fall, or that have a leader of dots."""
    entries = [_contents_entry(text[start:end]) for start, end in lines]
    kept: list[tuple[int, int]] = []
    at = 0
    while at < len(lines):
        run = at
        last, leaders = 0, 0
        while run < len(lines) and (entry := entries[run]) and entry[0] >= last:
            last, run = entry[0], run + 1
            leaders += entry[1]
        if run - at >= _MIN_CONTENTS_LINES or (run > at and leaders == run - at):
            at = run
            continue
        kept.append(lines[at])
        at += 1
    return kept


def _contents_entry(line: str) -> tuple[int, bool] | None:
    """The page that a line of a table of contents ends with, and whether a leader of three dots
    or more leads to it; None for other lines."""
    page = _PAGE_AT_END.search(line)
    if page is None or not _LETTER.search(line):
        return None
    before = line[: page.start()]
    leader = before[len(before.rstrip(_LEADER)) :]
    return int(page[1]), sum(map(leader.count, _LEADER_MARKS)) >= _MIN_LEADER_MARKS


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


def _line_ends(last: str, line: str, widest: int) -> bool:
    """Whether the block whose last line is `last` ends ahead of `line`: it ends with a mark, or
    its last line stops well short of the margin and `line` begins anew."""
    if _ENDS.search(last) or (_FIELD.match(last) and _FIELD.match(line)):
        return True
    first = line.lstrip()[:1]
    return len(last.rstrip()) < 0.6 * widest and not first.islower()


def _is_apart(last: str, line: str) -> bool:
    """Whether `line` of a picture or a form begins anew after the line `last`: not where it goes
    on in lower case, nor where it is the number to the name above it."""
    if not _LETTER.search(line) and _DIGIT.search(line):
        return not _LETTER.search(last)
    return bool(_ENDS.search(last)) or not line.lstrip()[:1].islower()


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
