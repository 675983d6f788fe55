"""What a release changed, where a question asks for it by its version.

"What changed in version 3.2.1?" and 3.2.1 版更新了什么 want the notes of that release, whatever
they say. A clause 3.2.1 is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.answer.extractive.named_parts import NamedPart, lines_of
from kb.text.terms import fold_width
from kb.types import Chunk, Hit

__all__ = ["release_notes"]

_VERSION = r"\d{1,4}(?:\.\d{1,4}){1,4}(?:[-.]?(?:a|b|rc|alpha|beta|dev|post)\.?\d{0,3})?"
_KIND = r"(?:version|release|ver\.?|v\.?)"
_NAMED = rf"(?:the )?(?:{_KIND} ?)?(?P<number>{_VERSION})(?: (?:release|version|update))?"
_QUESTIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bwhat(?:'s| is| was| has| have| did| does)?(?: all)?"
        r" (?:change[ds]?|new|different|added|fixed|improved|removed|deprecated|included)"
        rf"(?: in| with| by| since)? {_NAMED}\W*$",
        rf"\bwhat (?:did|does) {_NAMED} (?:change|add|fix|bring|improve|remove|include)\W*$",
        r"\b(?:changes?|news|novelties|fixes|improvements|release notes?|changelog)"
        rf" (?:in|of|for|with) {_NAMED}\W*$",
        rf"\b{_NAMED}:? (?:release notes?|changelog|changes)\W*$",
        r"(?:版本|v) ?(?P<number>"
        rf"{_VERSION})(?: ?版本?)?(?:里|中)?[^，。？]{{0,4}}(?:更新|改|变|新增|修复|新功能|新特性)",
        rf"(?P<number>{_VERSION}) ?版本?(?:里|中)?[^，。？]{{0,4}}"
        r"(?:更新|改|变|新增|修复|新功能|新特性)",
    )
)
# The version that a line begins with: "v3.2.1: …", "## [3.2.1] - 2024-05-02", "3.2.1 版".
_LINE = re.compile(
    rf"^[\s#>*_\-]{{0,8}}(?P<bracket>\[)?(?:(?P<kind>{_KIND}|版本) ?)?(?P<number>{_VERSION})\]?"
    r"(?P<unit> ?版)?(?![\w.])",
    re.IGNORECASE,
)
# A bare number heads a release where the document says that it tells of releases.
_TELLS_OF_RELEASES = re.compile(
    r"\b(?:change ?logs?|changes|releases?|release notes?|history|versions?|what's new|news)\b"
    r"|更新|版本|发布|变更",
    re.IGNORECASE,
)
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_MAX_CHARS = 900


def release_notes(question: str, hits: Sequence[Hit]) -> NamedPart | None:
    """What the first hit that has it says of the release whose version `question` names and asks
    nothing else of; None where no release is asked for, or none has that version."""
    folded = fold_width(question)
    asked = next((m for pattern in _QUESTIONS if (m := pattern.search(folded))), None)
    if asked is None:
        return None
    number = asked["number"].lower()
    for index, hit in enumerate(hits):
        span = _span(hit.chunk, number)
        if span is not None:
            return NamedPart(index, *span)
    return None


def _span(chunk: Chunk, number: str) -> tuple[int, int] | None:
    text = chunk.text
    above = "\n".join((chunk.title, *chunk.headings))
    is_told = _TELLS_OF_RELEASES.search(above) is not None
    lines = lines_of(text)
    for place, (start, line) in enumerate(lines):
        if _version_of(line, is_told=is_told) == number:
            end = _end(lines, place, is_told=is_told)
            return start + len(line) - len(line.lstrip()), end
    heading = chunk.headings[-1] if chunk.headings else ""
    if heading and text.strip() and _version_of(heading, is_told=is_told) == number:
        return len(text) - len(text.lstrip()), _end(lines, 0, is_told=is_told)
    return None


def _version_of(line: str, *, is_told: bool) -> str | None:
    match = _LINE.match(fold_width(line))
    if match is None:
        return None
    is_named = match["kind"] or match["unit"] or match["bracket"]
    return match["number"].lower() if is_named or is_told else None


def _end(lines: Sequence[tuple[int, str]], first: int, *, is_told: bool) -> int:
    """Where the notes that begin in the line `first` end: at the next release or heading of as
    high a rank, or where they grow long."""
    start, line = lines[first]
    end = start + len(line.rstrip())
    is_headed = _HEADING.match(line) is not None
    for at, other in lines[first + 1 :]:
        is_next = _version_of(other, is_told=is_told) is not None
        if is_next or (is_headed and _rank(other) and _rank(other) <= _rank(line)):
            break
        if at + len(other) - start > _MAX_CHARS:
            break
        if other.strip():
            end = at + len(other.rstrip())
    return end


def _rank(line: str) -> int:
    """How deep a heading of Markdown is; 0 of any other line."""
    return len(line.lstrip().split(" ")[0]) if _HEADING.match(line) else 0
