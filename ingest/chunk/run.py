"""Consecutive segments as one text that remembers where each part came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kb.types import Box, Locator, Modality, Segment, Span

__all__ = ["Run", "n_common"]

_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)+")


def n_common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many heading levels two paths share from the outermost."""
    n = 0
    while n < min(len(one), len(other)) and one[n] == other[n]:
        n += 1
    return n


@dataclass(frozen=True, slots=True)
class _Part:
    """A segment in the run: from `start` its new headings, from `text_start` its text."""

    start: int
    text_start: int
    end: int
    segment: Segment


class Run:
    """One text made of segments of one page, with the headings between them where they change.

    Args:
        segments: At least one.
        follows_headings: A cut has the headings of where it begins. Otherwise it has those
            that all segments share, and the rest stand in the text.
    """

    def __init__(self, segments: Sequence[Segment], *, follows_headings: bool = False) -> None:
        first = segments[0]
        shared = first.headings
        if not follows_headings:
            for segment in segments:
                shared = shared[: n_common(shared, segment.headings)]
        self._shared = None if follows_headings else shared
        texts: list[str] = []
        self._parts: list[_Part] = []
        at, path = 0, shared
        for segment in segments:
            if texts:
                # Lines of subtitles belong together.
                texts.append("\n\n" if segment.locator.start_s is None else "\n")
                at += len(texts[-1])
            new = segment.headings[n_common(path, segment.headings) :]
            heading = "\n".join(new) + "\n\n" if new else ""
            texts += [heading, segment.text]
            text_start = at + len(heading)
            end = text_start + len(segment.text)
            self._parts.append(_Part(at, text_start, end, segment))
            at, path = end, segment.headings
        if len(segments) > 1:
            self._parts = [_marked(part) for part in self._parts]
        self.text = "".join(texts)

    def cut(self, start: int, end: int) -> Segment | None:
        """The characters from `start` to `end` as a segment, without blank lines around; None
        where nothing is left."""
        start, end = self._trim(start, end)
        if start >= end:
            return None
        touched = [part for part in self._parts if part.start < end and part.end > start]
        # Of a part whose heading alone is in the range nothing is shown.
        parts = [part for part in touched if part.text_start < end] or touched
        first = parts[0].segment
        spans = tuple(span for part in parts for span in _spans(part, start, end))
        places = [place for part in parts for place in _places(part, start, end)]
        starts_s = [place.start_s for place in places if place.start_s is not None]
        ends_s = [place.end_s for place in places if place.end_s is not None]
        return Segment(
            Modality.TEXT,
            Locator(
                page=first.locator.page,
                boxes=_boxes(places),
                start_s=min(starts_s, default=None),
                end_s=max(ends_s, default=None),
                anchor=first.locator.anchor,
            ),
            self.text[start:end],
            first.title,
            first.headings if self._shared is None else self._shared,
            spans,
            about=first.about,
        )

    def _trim(self, start: int, end: int) -> tuple[int, int]:
        """The range without white space around, but with the indentation of its first line."""
        while end > start and self.text[end - 1].isspace():
            end -= 1
        if (blank := _BLANK_LINES.match(self.text, start, end)) is not None:
            start = blank.end()
        if start and self.text[start - 1] != "\n":
            while start < end and self.text[start].isspace():
                start += 1
        return start, end


def _marked(part: _Part) -> _Part:
    """`part` with one span over its text where its parser gave none: among others, a quote
    from it is then found at its own heading, not at the chunk's first."""
    segment = part.segment
    if segment.spans or segment.locator == Locator(page=segment.locator.page):
        return part
    whole = Span(0, len(segment.text), segment.locator)
    return replace(part, segment=replace(segment, spans=(whole,)))


def _spans(part: _Part, start: int, end: int) -> Iterable[Span]:
    """The spans of `part` in the range, counted from the range's start."""
    for span in part.segment.spans:
        first = max(part.text_start + span.start, start)
        last = min(part.text_start + span.end, end)
        if first < last:
            yield Span(first - start, last - start, span.locator)


def _places(part: _Part, start: int, end: int) -> Iterable[Locator]:
    """Where the range's share of `part` stands: the whole segment's place, or finer ones."""
    if start <= part.text_start and part.end <= end:
        return [part.segment.locator]
    finer = [span.locator for span in _spans(part, start, end)]
    return finer or [part.segment.locator]


def _boxes(places: Iterable[Locator]) -> tuple[Box, ...]:
    return tuple(dict.fromkeys(box for place in places for box in place.boxes))
