"""Segments to chunks of a size that one vector can stand for.

Three strategies over langchain-text-splitters:

* ``semantic``: within a heading, cut between paragraphs, else sentences; short neighbours
  under the same parent heading are merged. Overlap is whole sentences, at most the setting.
* ``sliding``: windows of whole sentences over everything on a page; overlap is at least the
  setting where a sentence allows it.
* ``fixed``: windows of exactly so many tokens.

Chunks never span pages. They are encoded with title, what the document says of itself and heading
path before their text, so a heading stands in a text only where a chunk covers several.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ingest.chunk.about import with_about
from ingest.chunk.run import Run, n_common
from ingest.chunk.tokens import Range, count_tokens, pack, sentence_starts, token_ranges
from kb.config import ChunkingConfig
from kb.types import Modality, Segment, Span

__all__ = ["Chunker", "count_tokens"]

_VERSION = 4
# What is held in memory at once, in chunks; a longer section is cut here without overlap.
_MAX_RUN_CHUNKS = 64
# A comic is thousands of pictures without a word; each has a megabyte.
_MAX_PICTURES_HELD = 16
# An atomic text may be this many times the chunk size before it is split after all.
_ATOMIC_SLACK = 4
# Below this share of a chunk a section is too short to stand alone, and a tail too short.
_SHORT_SHARE = 1 / 4
_TINY_SHARE = 1 / 8
_MAX_HEADER_LINES = 3
# Of a title and of each heading above a chunk, and how many of them; of the words of a picture.
_MAX_LABEL_CHARS = 300
_MAX_HEADINGS = 16
_MAX_CAPTION_CHARS = 20_000
# A token is up to seven letters and the blanks behind it.
_MAX_TOKEN_CHARS = 16


class Chunker:
    """Cuts and merges segments.

    Args:
        config: Strategy and sizes, in tokens as `count_tokens` counts.
    """

    def __init__(self, config: ChunkingConfig) -> None:
        self._strategy = config.strategy
        self._size, self._overlap = config.sizes_tokens

    @property
    def fingerprint(self) -> str:
        """Changes when chunks would: strategy, sizes, and the version of this module."""
        return f"chunk-{_VERSION}:{self._strategy}:{self._size}/{self._overlap}"

    def split(self, segments: Iterable[Segment]) -> Iterator[Segment]:
        """Segments of chunk size, as a stream.

        Every text is kept. Pictures, clips and atomic texts pass unchanged, except that an
        atomic text of more than four times the chunk size is split between its lines, the
        header of a table repeated. Of the others: ``text[span.start:span.end]`` stays what
        each span meant; the locator has the boxes, the page and the seconds of what the
        text covers, and the anchor of its beginning.
        """
        pending: list[Segment] = []
        n_pending = 0
        # Pictures do not interrupt the text they stand in; they follow it.
        pictures: list[Segment] = []
        for section in self._sections(with_about(map(_bounded, segments))):
            first = section[0]
            if first.modality is not Modality.TEXT:
                pictures += section
                if len(pictures) >= _MAX_PICTURES_HELD:
                    yield from self._chunks(pending)
                    yield from pictures
                    pending, n_pending, pictures = [], 0, []
                continue
            if first.atomic:
                yield from self._chunks(pending)
                yield from pictures
                yield from self._atomic(first)
                pending, n_pending, pictures = [], 0, []
                continue
            n_section = sum(count_tokens(segment.text) for segment in section)
            if pending and not self._merges(pending, n_pending, section, n_section):
                yield from self._chunks(pending)
                yield from pictures
                pending, n_pending, pictures = [], 0, []
            pending += section
            n_pending += n_section
        yield from self._chunks(pending)
        yield from pictures

    def _sections(self, segments: Iterable[Segment]) -> Iterator[list[Segment]]:
        """Consecutive texts under one heading on one page; others alone."""
        section: list[Segment] = []
        n_tokens = 0
        for segment in segments:
            is_text = segment.modality is Modality.TEXT
            if is_text and not segment.text.strip():
                continue
            cost = count_tokens(segment.text) if is_text else 0
            if section and (
                segment.atomic
                or not is_text
                or _place(segment) != _place(section[0])
                or n_tokens + cost > _MAX_RUN_CHUNKS * self._size
            ):
                yield section
                section, n_tokens = [], 0
            if segment.atomic or not is_text:
                yield [segment]
                continue
            section.append(segment)
            n_tokens += cost
        if section:
            yield section

    def _merges(
        self, pending: list[Segment], n_pending: int, section: list[Segment], n_section: int
    ) -> bool:
        """Whether `section` goes into the same run as `pending`."""
        last, first = pending[-1], section[0]
        if last.locator.page != first.locator.page or last.title != first.title:
            return False
        n_tokens = n_pending + n_section
        if self._strategy != "semantic":
            return n_tokens <= _MAX_RUN_CHUNKS * self._size
        short = n_pending < _SHORT_SHARE * self._size or n_section < _TINY_SHARE * self._size
        if not short or n_tokens > self._size or not _related(last.headings, first.headings):
            return False
        return count_tokens(Run([*pending, *section]).text) <= self._size

    def _chunks(self, segments: Sequence[Segment]) -> Iterator[Segment]:
        if not segments:
            return
        run = Run(segments, follows_headings=self._strategy != "semantic")
        if count_tokens(run.text) <= self._size:
            ranges: Iterable[Range] = [(0, len(run.text))]
        elif self._strategy == "fixed":
            ranges = self._fixed(run.text)
        elif self._strategy == "sliding":
            ranges = self._sliding(run.text)
        else:
            ranges = self._semantic(run.text)
        for start, end in ranges:
            chunk = run.cut(start, end)
            if chunk is not None:
                yield chunk

    def _semantic(self, text: str) -> list[Range]:
        room = self._size - self._overlap
        n_tokens = count_tokens(text)
        # Even shares, with some leave to cut at a better place, rather than full chunks and
        # a scrap at the end.
        share = n_tokens / math.ceil(n_tokens / room) + self._size / 16
        ranges = pack(text, min(room, math.ceil(share)))
        starts = sentence_starts(text)
        return [(self._reach_back(text, starts, start), end) for start, end in ranges]

    def _reach_back(self, text: str, starts: list[int], start: int) -> int:
        """The earliest sentence start from which the overlap reaches `start`."""
        reached, n_tokens = start, 0
        for i in range(bisect_left(starts, start) - 1, -1, -1):
            # A sentence without end is not counted again for each chunk.
            if reached - starts[i] > _MAX_TOKEN_CHARS * self._overlap:
                break
            n_tokens += count_tokens(text[starts[i] : reached])
            if n_tokens > self._overlap:
                break
            reached = starts[i]
        return reached

    def _sliding(self, text: str) -> list[Range]:
        starts = sentence_starts(text)
        units: list[Range] = []
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            units += [(start + a, start + b) for a, b in pack(text[start:end], self._size)]
        costs = [count_tokens(text[start:end]) for start, end in units]
        ranges: list[Range] = []
        first = at = n_tokens = 0
        while at < len(units):
            while at < len(units) and n_tokens + costs[at] <= self._size:
                n_tokens += costs[at]
                at += 1
            ranges.append((units[first][0], units[at - 1][1]))
            if at == len(units):
                break
            # Go back until the overlap is reached, but not to where this window began, nor
            # so far that the next sentence no longer fits.
            was_first, first, n_tokens = first, at, 0
            while (
                n_tokens < self._overlap
                and first - 1 > was_first
                and n_tokens + costs[first - 1] + costs[at] <= self._size
            ):
                first -= 1
                n_tokens += costs[first]
        return ranges

    def _fixed(self, text: str) -> list[Range]:
        # Imported late: it takes long, and a sync of unchanged files never needs it.
        from langchain_text_splitters.base import Tokenizer, split_text_on_tokens

        tokens = token_ranges(text)
        ranges: list[Range] = []

        def decode(ids: list[int]) -> str:
            ranges.append((tokens[ids[0]][0], tokens[ids[-1]][1]))
            return text[slice(*ranges[-1])]

        split_text_on_tokens(
            text=text,
            tokenizer=Tokenizer(
                chunk_overlap=self._overlap,
                tokens_per_chunk=self._size,
                encode=lambda _: list(range(len(tokens))),
                decode=decode,
            ),
        )
        return ranges

    def _atomic(self, segment: Segment) -> Iterator[Segment]:
        if count_tokens(segment.text) <= _ATOMIC_SLACK * self._size:
            yield segment
            return
        run = Run([segment])
        header_end = _header_end(segment.text)
        if count_tokens(segment.text[:header_end]) > self._size // 2:
            header_end = 0
        header = run.cut(0, header_end)
        room = self._size - count_tokens(segment.text[:header_end])
        for start, end in _line_groups(segment.text, header_end, room):
            part = run.cut(start, end)
            if part is not None:
                yield replace(_below(header, part) if header else part, atomic=True)


def _bounded(segment: Segment) -> Segment:
    """`segment` with a title and headings that a chunk can carry, and the words of a picture or
    clip as far as anybody reads them."""
    title = segment.title[:_MAX_LABEL_CHARS]
    headings = tuple(one[:_MAX_LABEL_CHARS] for one in segment.headings[-_MAX_HEADINGS:])
    if segment.title != title or segment.headings != headings:
        segment = replace(segment, title=title, headings=headings)
    if segment.modality is Modality.TEXT or len(segment.text) <= _MAX_CAPTION_CHARS:
        return segment
    spans = (replace(s, end=min(s.end, _MAX_CAPTION_CHARS)) for s in segment.spans)
    return replace(
        segment,
        text=segment.text[:_MAX_CAPTION_CHARS],
        spans=tuple(span for span in spans if span.start < span.end),
    )


def _place(segment: Segment) -> tuple[object, ...]:
    return segment.locator.page, segment.title, segment.headings


def _related(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two heading paths are siblings, or one is the parent of the other or the same."""
    return max(len(one), len(other)) - n_common(one, other) <= 1


def _header_end(text: str) -> int:
    """Where a Markdown table's first row begins; 0 for another text."""
    end = 0
    for line in text.split("\n", _MAX_HEADER_LINES)[:_MAX_HEADER_LINES]:
        end += len(line) + 1
        if line.startswith("|") and not line.strip("|-: "):
            return end
    return 0


def _line_groups(text: str, start: int, room: int) -> Iterator[Range]:
    """Ranges of whole lines from `start` on, of at most `room` tokens; a longer line is cut."""
    at, n_tokens = start, 0
    for line in text[start:].splitlines(keepends=True):
        cost = count_tokens(line)
        if at > start and n_tokens + cost > room:
            yield start, at
            start, n_tokens = at, 0
        if cost > room:
            yield from ((at + a, at + b) for a, b in pack(line, room))
            start = at + len(line)
        else:
            n_tokens += cost
        at += len(line)
    if at > start:
        yield start, at


def _below(header: Segment, part: Segment) -> Segment:
    """`part` with the table's header above it."""
    shift = len(header.text) + 1
    spans = (Span(s.start + shift, s.end + shift, s.locator) for s in part.spans)
    return replace(part, text=f"{header.text}\n{part.text}", spans=(*header.spans, *spans))
