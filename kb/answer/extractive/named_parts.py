"""A part of a document that is asked for by its number.

"What does clause 2.2 say?" and 第三条说了什么 want that part, whatever it says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kb.text.quantities import han_value
from kb.text.terms import fold_width
from kb.types import Hit

__all__ = ["NamedPart", "lines_of", "named_part"]

_KIND = r"(?:clause|section|article|paragraph|chapter|rule|regulation|part|appendix|annex|§{1,2})"
_NUMBER = r"(?:\d{1,4}(?:\.\d{1,4}){0,5}[a-z]?|[a-z](?:\.\d{1,4}){1,5})"
_SAYS = r"(?:say|state|require|provide|stipulate|mean|cover|contain|describe|demand|allow)s?"
_KIND_CHINESE = r"[条款章节]"
_NUMBER_CHINESE = r"(?:\d{1,4}(?:\.\d{1,4}){0,5}|[一二三四五六七八九十百]{1,5})"
_QUESTIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bwhat (?:does|do|did) (?:the )?{_KIND} ?(?P<number>{_NUMBER})\b.{{0,60}}?\b{_SAYS}\W*$",
        rf"\bwhat (?:is|stands|is (?:said|written)) (?:in|under|at) (?:the )?{_KIND} ?"
        rf"(?P<number>{_NUMBER})\b",
        rf"\bwhat(?: is|'s) (?:the )?{_KIND} ?(?P<number>{_NUMBER})(?: about)?\W*$",
        r"^\W*(?:(?:quote|show|read|give|tell)(?: me)? )?"
        rf"(?:the )?{_KIND} ?(?P<number>{_NUMBER})\W*$",
        rf"第? ?(?P<number>{_NUMBER_CHINESE}) ?{_KIND_CHINESE}(?:款|项)?(?:里|中|的内容)?"
        r"(?:是|说|讲|写|规定|约定)了?(?:什么|啥|些什么|哪些)",
        rf"^\W*第 ?(?P<number>{_NUMBER_CHINESE}) ?{_KIND_CHINESE}(?:的内容)?\W*$",
    )
)
# The number that a line begins with, after what such a part is called.
_LINE = re.compile(
    rf"^[\s#>*_]{{0,8}}(?:(?P<kind>{_KIND}) ?|(?P<ordinal>第) ?)?"
    rf"(?P<number>{_NUMBER}|[一二三四五六七八九十百]{{1,5}})"
    r"(?:(?P<unit> ?[条款章节])|、|[.):：](?!\d)|(?=\s)|$)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?。！？;；]\W{0,3}$")
_MAX_CHARS = 700


@dataclass(frozen=True, slots=True)
class NamedPart:
    """Where the part stands.

    Attributes:
        start: In the text of the hit's chunk.
        end: Behind its last character.
    """

    hit_index: int
    start: int
    end: int


def named_part(question: str, hits: Sequence[Hit]) -> NamedPart | None:
    """The part whose number `question` names and asks nothing else of, in the first hit that has
    it; None where no part is asked for, or none has that number."""
    number = _asked(question)
    if number is None:
        return None
    for index, hit in enumerate(hits):
        text = hit.chunk.text
        if (span := _within(text, number)) is not None:
            return NamedPart(index, *span)
        headings = hit.chunk.headings
        if headings and text.strip() and _number_of(headings[-1], is_heading=True) == number:
            end = _end(lines_of(text), 0, number)
            return NamedPart(index, len(text) - len(text.lstrip()), end)
    return None


def _asked(question: str) -> str | None:
    folded = fold_width(question)
    for pattern in _QUESTIONS:
        if match := pattern.search(folded):
            return _plain(match["number"])
    return None


def _within(text: str, number: str) -> tuple[int, int] | None:
    lines = lines_of(text)
    for place, (start, line) in enumerate(lines):
        after = lines[place + 1][1] if place + 1 < len(lines) else ""
        is_heading = not _SENTENCE_END.search(line) and not after.strip()
        if _number_of(line, is_heading=is_heading) == number:
            return start + len(line) - len(line.lstrip()), _end(lines, place + 1, number)
    return None


def _end(lines: Sequence[tuple[int, str]], first: int, number: str) -> int:
    """Where the part ends whose number stands in the line before `first`: at the next part that
    is none of its own, or where it grows long."""
    start = lines[max(first - 1, 0)][0]
    end = start + len(lines[max(first - 1, 0)][1]) if first else start
    for at, line in lines[first:]:
        if _begins_another(line, number):
            break
        if end > start and at + len(line) - start > _MAX_CHARS:
            break
        if line.strip():
            end = at + len(line.rstrip())
    return end


def _begins_another(line: str, number: str) -> bool:
    """Whether a part beside `number`, or above it, begins with `line`; a list within the part
    counts from 1."""
    match = _LINE.match(fold_width(line))
    if match is None or (other := _plain(match["number"])).startswith(f"{number}."):
        return False
    if _is_named(match):
        return True
    if "." in other:
        return other.count(".") <= number.count(".")
    top = number.partition(".")[0]
    return other.isdigit() and top.isdigit() and int(other) == int(top) + 1


def _number_of(line: str, *, is_heading: bool) -> str | None:
    """The number of the part that begins with `line`. One without a dot is that of a list's entry
    as well, unless the line says what it is, or is a heading."""
    match = _LINE.match(fold_width(line))
    if match is None:
        return None
    number = _plain(match["number"])
    return number if _is_named(match) or is_heading or "." in number else None


def _is_named(match: re.Match[str]) -> bool:
    """Whether the line says what its number is of."""
    return bool(match["kind"] or match["ordinal"] or match["unit"])


def _plain(number: str) -> str:
    return number.lower() if number[0].isascii() else han_value(number)


def lines_of(text: str) -> list[tuple[int, str]]:
    """Each line with where it begins."""
    found, start = [], 0
    for line in text.split("\n"):
        found.append((start, line))
        start += len(line) + 1
    return found
