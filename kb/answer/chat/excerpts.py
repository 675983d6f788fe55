"""The few parts of what was found that a small model is shown: those nearest to the question, each
with what stands around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from kb.answer.extractive.passages import find_passages
from kb.answer.extractive.question import Question
from kb.answer.layout import layout
from kb.text.sentences import Unit, UnitKind, units
from kb.types import Chunk, Hit

__all__ = ["Excerpt", "choose_excerpts"]

_N_SOURCES: Final = 5
_N_RANGES: Final = 2  # of one source
# The first is most often the one that answers.
_FIRST_SHARE: Final = 0.45
_OTHER_SHARE: Final = 0.3
_FIRST_RANGE_SHARE: Final = 0.6
_MIN_TOKENS: Final = 80  # that say anything
_MAX_HEADING_CHARS: Final = 80
_ELLIPSIS: Final = "\n…\n"

_Count = Callable[[str], int]


class Excerpt(NamedTuple):
    """A part of a hit's text, as it is shown; tables as Markdown, with the names of columns."""

    hit_index: int
    text: str


def choose_excerpts(
    question: str, hits: Sequence[Hit], n_tokens: int, count_tokens: _Count
) -> list[Excerpt]:
    """At most five excerpts, best first, of `n_tokens` together; those of the first hits where no
    word of the question stands anywhere."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    for passage in find_passages(Question.of(question), hits).passages if question.strip() else ():
        own = ranges.setdefault(passage.hit_index, [])
        if len(own) < _N_RANGES and not any(
            passage.start < end and start < passage.end for start, end in own
        ):
            own.append((passage.start, passage.end))
    for index, hit in enumerate(hits):
        if hit.chunk.text.strip():
            ranges.setdefault(index, [(0, 1)])
    chosen: list[Excerpt] = []
    left = n_tokens
    for index in list(ranges)[:_N_SOURCES]:
        share = _OTHER_SHARE if chosen else _FIRST_SHARE
        text = _excerpt(
            hits[index].chunk,
            ranges[index],
            min(left, max(_MIN_TOKENS, round(n_tokens * share))),
            count_tokens,
        )
        if text:
            chosen.append(Excerpt(index, text))
            left -= count_tokens(text)
    return chosen


def _excerpt(
    chunk: Chunk, ranges: Sequence[tuple[int, int]], n_tokens: int, count_tokens: _Count
) -> str:
    found = units(chunk.text, layout(chunk))
    head = " › ".join(chunk.headings[-1:])[:_MAX_HEADING_CHARS]
    text = f"{head}\n" if head else ""
    shown: tuple[int, int] | None = None
    for begin, finish in ranges:
        if shown is not None and shown[0] <= begin and finish <= shown[1]:
            continue
        before = f"{text}{_ELLIPSIS}" if shown is not None else text
        # Room is left for a second place.
        is_alone = shown is not None or len(ranges) == 1
        limit = n_tokens if is_alone else round(n_tokens * _FIRST_RANGE_SHARE)
        grown = _grown(chunk.text, found, begin, finish, limit, count_tokens, before)
        if grown is not None:
            text, shown = grown
    return text if shown is not None else ""


def _grown(
    text: str,
    found: Sequence[Unit],
    begin: int,
    finish: int,
    n_tokens: int,
    count_tokens: _Count,
    before: str,
) -> tuple[str, tuple[int, int]] | None:
    """`before` and the units of `text` in a range with as many around them as `n_tokens` hold, and
    where these stand; None where not even the first fits."""
    inside = [at for at, unit in enumerate(found) if unit.start < finish and begin < unit.end]
    if not inside:
        return None

    def shown(low: int, high: int) -> str:
        return before + _table_head(text, found, low) + text[found[low].start : found[high].end]

    low, high = inside[0], inside[-1]
    while high > low and count_tokens(shown(low, high)) > n_tokens:
        high -= 1
    if count_tokens(shown(low, high)) > n_tokens:
        return None
    # What follows explains more often than what goes before.
    can_go_on, can_go_back = True, True
    while can_go_on or can_go_back:
        if can_go_on:
            can_go_on = high + 1 < len(found) and count_tokens(shown(low, high + 1)) <= n_tokens
            high += can_go_on
        if can_go_back:
            can_go_back = low > 0 and count_tokens(shown(low - 1, high)) <= n_tokens
            low -= can_go_back
    return shown(low, high), (found[low].start, found[high].end)


def _table_head(text: str, found: Sequence[Unit], low: int) -> str:
    """The lines with the names of columns, for a row that stands below them."""
    first = low
    while first > 0 and found[low].kind is UnitKind.ROW and found[first - 1].kind is UnitKind.ROW:
        # Two tables have something else between them.
        if "\n\n" in text[found[first - 1].end : found[first].start]:
            break
        first -= 1
    if first == low:
        return ""
    return text[found[first].start : found[first + 1].start]
