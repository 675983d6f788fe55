"""From a generator's events to an answer whose every number has a place."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from kb.protocols import Generator, Quote, TextDelta
from kb.types import (
    Answer,
    AnswerStatus,
    Chunk,
    Citation,
    Hit,
    Locator,
    Query,
    Span,
)

__all__ = ["Answerer", "ChunkReader", "locate"]

# A citation's number; document text writes its brackets with a backslash.
_NUMBER = re.compile(r"(?<!\\)\[(\d+)\]")
# The end of a piece of text that may still become a number.
_BEGUN = re.compile(r"\\$|(?<!\\)\[\d*$")


class ChunkReader(Protocol):
    """Gives chunks by id, as the ledger does."""

    def chunks(self, ids: Sequence[str]) -> Mapping[str, Chunk]:
        """The committed chunks among `ids`."""


class Answerer:
    """Streams an answer and ends with it whole.

    Args:
        generator: Of the profile.
        reader: Of the chunks that were folded into a hit: the answer may stand in any part of
            the page that a hit shows.
    """

    def __init__(self, generator: Generator, reader: ChunkReader) -> None:
        self._generator = generator
        self._reader = reader

    def stream(self, query: Query, hits: Sequence[Hit]) -> Iterator[TextDelta | Citation | Answer]:
        """Text as it is written, each Citation before the text that names its number, and
        last the Answer (its `timings_ms` holds ``generate``).

        A number that no Quote has bound is left out of the text, and a citation that the
        text never names out of the Answer: a reader can follow every number there is.

        Raises:
            InferenceError: The generator failed.
        """
        started_s = time.perf_counter()
        hits = tuple(hits)
        parts = self._unfolded(hits)
        text: list[str] = []
        pending = ""
        citations: dict[int, Citation] = {}
        status: AnswerStatus | None = None
        for event in self._generator.stream(query, parts):
            if status is not None:
                raise RuntimeError(f"the generator went on after its status: {event!r}")
            match event:
                case TextDelta():
                    ready, pending = _split(pending + event.text)
                    if ready := _drop_unbound(ready, citations):
                        text.append(ready)
                        yield TextDelta(ready)
                case Quote():
                    citation = _cite(event, parts)
                    if citations.setdefault(event.number, citation) != citation:
                        raise RuntimeError(f"number {event.number} is bound twice")
                    yield citation
                case AnswerStatus():
                    status = event
        if status is None:
            raise RuntimeError("the generator ended without a status")
        if pending:
            text.append(pending)
            yield TextDelta(pending)
        whole = "".join(text)
        named = {int(number) for number in _NUMBER.findall(whole)}
        elapsed_ms = (time.perf_counter() - started_s) * 1000
        yield Answer(
            query=query,
            text=whole,
            status=status,
            citations=tuple(citations[number] for number in sorted(citations) if number in named),
            hits=hits,
            timings_ms={"generate": elapsed_ms},
            total_time_ms=elapsed_ms,
        )

    def _unfolded(self, hits: Sequence[Hit]) -> list[Hit]:
        """Each hit, then one for each folded chunk of its place that has words, in order of
        reading."""
        folded = self._reader.chunks([key for hit in hits for key in hit.also])
        parts: list[Hit] = []
        for hit in hits:
            members = [folded[key] for key in hit.also if key in folded]
            members.sort(key=lambda chunk: chunk.ordinal)
            parts.append(hit)
            parts += [
                replace(hit, chunk=chunk, picture=None, time_s=None, also=())
                for chunk in members
                if chunk.text
            ]
        return parts


def _split(text: str) -> tuple[str, str]:
    """What can be shown, and a begun number that has to wait for its end."""
    begun = _BEGUN.search(text)
    return (text, "") if begun is None else (text[: begun.start()], text[begun.start() :])


def _drop_unbound(text: str, citations: dict[int, Citation]) -> str:
    return _NUMBER.sub(lambda match: match.group() if int(match[1]) in citations else "", text)


def locate(locator: Locator, spans: Sequence[Span], start: int, end: int) -> Locator:
    """The place of ``text[start:end]``: `locator` narrowed by the spans it touches.

    Args:
        locator: Of the whole text.
        spans: Finer places of ranges of the text.
    """
    touched = [span.locator for span in spans if span.start < end and start < span.end]
    if not touched:
        return locator
    boxes = tuple(dict.fromkeys(box for fine in touched for box in fine.boxes))
    starts_s = [fine.start_s for fine in touched if fine.start_s is not None]
    ends_s = [fine.end_s for fine in touched if fine.end_s is not None]
    anchors = [fine.anchor for fine in touched if fine.anchor is not None]
    return Locator(
        page=next((fine.page for fine in touched if fine.page is not None), locator.page),
        boxes=boxes or locator.boxes,
        start_s=min(starts_s, default=locator.start_s),
        end_s=max(ends_s, default=locator.end_s),
        anchor=anchors[0] if anchors else locator.anchor,
    )


def _cite(quote: Quote, hits: Sequence[Hit]) -> Citation:
    hit = hits[quote.hit_index]
    chunk = hit.chunk
    if not 0 <= quote.start <= quote.end <= len(chunk.text):
        raise RuntimeError(f"{quote!r} lies outside its chunk of {len(chunk.text)} characters")
    return Citation(
        number=quote.number,
        chunk_id=chunk.id,
        source=hit.source,
        locator=_picture_locator(hit)
        if quote.start == quote.end
        else locate(chunk.locator, chunk.spans, quote.start, quote.end),
        quote=chunk.text[quote.start : quote.end],
    )


def _picture_locator(hit: Hit) -> Locator:
    """The place of a picture as a whole; in a clip from the second that matched."""
    place = hit.chunk.locator
    return place if hit.time_s is None else replace(place, start_s=hit.time_s)
