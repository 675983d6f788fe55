"""From a generator's events to an answer whose every number has a place."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from kb.answer.citations import CitationScanner, Cited
from kb.answer.computed import Computed
from kb.answer.shown.answers import Search, ShownAnswers
from kb.answer.tables.answers import TableAnswers
from kb.errors import KnowledgeBaseError
from kb.protocols import Generator, GeneratorEvent, Quote, Relevance, TextDelta
from kb.stopping import check as check_wanted
from kb.types import (
    Answer,
    AnswerStatus,
    Chunk,
    Citation,
    Claim,
    Hit,
    Locator,
    Query,
    Span,
)

__all__ = ["Answerer", "ChunkReader", "ClaimCheck", "locate"]


class ChunkReader(Protocol):
    """Gives chunks by id, as the ledger does."""

    def chunks(self, ids: Sequence[str]) -> Mapping[str, Chunk]:
        """The committed chunks among `ids`."""


class ClaimCheck(Protocol):
    """Judges an answer's sentences, as `kb.answer.claims.checker.ClaimChecker` does."""

    def check(self, text: str, cited: Mapping[int, Chunk]) -> tuple[Claim, ...]:
        """The claims of an answer, in order, judged by the chunks that its numbers cite."""


class Answerer:
    """Streams an answer and ends with it whole.

    Args:
        generator: Of the profile.
        reader: Of the chunks that were folded into a hit: the answer may stand in any part of
            the page that a hit shows.
        claim_checker: Judges what the answer says; without it nothing is checked.
        tables: Answers what a table answers, in place of the generator.
        shown: Answers words about a picture that they are asked with, likewise.
    """

    def __init__(
        self,
        generator: Generator,
        reader: ChunkReader,
        claim_checker: ClaimCheck | None = None,
        tables: TableAnswers | None = None,
        shown: ShownAnswers | None = None,
    ) -> None:
        self._generator = generator
        self._reader = reader
        self._claim_checker = claim_checker
        self._tables = tables
        self._shown = shown

    def stream(
        self, query: Query, hits: Sequence[Hit], search: Search | None = None
    ) -> Iterator[TextDelta | Citation | Answer]:
        """Text as it is written, each Citation before the text that names its number, and
        last the Answer (its `timings_ms` holds ``generate``). Where its claims are checked, the
        Answer comes twice: as soon as it is written, and again with its claims (and the time
        ``check``), or with the reason why they could not be checked.

        A number that no Quote has bound is left out of the text, and a citation that the
        text never names out of the Answer: a reader can follow every number there is.

        Args:
            search: Finds what answers other words. Without it, what is shown is not asked about.

        Raises:
            InferenceError: The generator failed.
        """
        started_s = time.perf_counter()
        hits = tuple(hits)
        parts: Sequence[Hit] = self.parts(hits)
        computed = self._computed(query, parts, search)
        events: Iterable[GeneratorEvent]
        if computed is not None:
            parts, events = computed.hits, computed.events
        else:
            events = self._generator.stream(query, parts)
        text: list[str] = []
        named: set[int] = set()
        scanner = CitationScanner()
        citations: dict[int, Citation] = {}
        status: AnswerStatus | None = None
        relevance: Relevance | None = None
        for event in events:
            check_wanted()
            if status is not None:
                raise RuntimeError(f"the generator went on after its status: {event!r}")
            match event:
                case TextDelta():
                    if ready := _bound(scanner.feed(event.text), citations, named):
                        text.append(ready)
                        yield TextDelta(ready)
                case Quote():
                    citation = _cite(event, parts)
                    if citations.setdefault(event.number, citation) != citation:
                        raise RuntimeError(f"number {event.number} is bound twice")
                    yield citation
                case Relevance():
                    relevance = event
                case AnswerStatus():
                    status = event
        if status is None:
            raise RuntimeError("the generator ended without a status")
        if rest := _bound(scanner.end(), citations, named):
            text.append(rest)
            yield TextDelta(rest)
        elapsed_ms = (time.perf_counter() - started_s) * 1000
        answer = Answer(
            query=query,
            text="".join(text),
            status=status,
            citations=tuple(citations[number] for number in sorted(citations) if number in named),
            hits=hits,
            timings_ms={"generate": elapsed_ms},
            total_time_ms=elapsed_ms,
            probability=relevance.probability if relevance else None,
            closest=_closest(relevance, status, parts),
        )
        yield answer
        # What is computed stands in no source as it is.
        if self._claim_checker is not None and answer.citations and computed is None:
            chunks = {part.chunk.id: part.chunk for part in parts}
            cited = {citation.number: chunks[citation.chunk_id] for citation in answer.citations}
            yield _checked(answer, cited, self._claim_checker)

    def _computed(
        self, query: Query, parts: Sequence[Hit], search: Search | None
    ) -> Computed | None:
        """What answers in place of the generator."""
        if self._tables is not None and (found := self._tables.answer(query, parts)):
            return found
        if self._shown is None or search is None:
            return None
        return self._shown.answer(query, parts, lambda other: self.parts(search(other)))

    def parts(self, hits: Sequence[Hit]) -> list[Hit]:
        """Each hit, then one for each folded chunk of its place that has words or pictures, in
        order of reading."""
        folded = self._reader.chunks([key for hit in hits for key in hit.also])
        parts: list[Hit] = []
        for hit in hits:
            members = [folded[key] for key in hit.also if key in folded]
            members.sort(key=lambda chunk: chunk.ordinal)
            parts.append(hit)
            parts += [
                replace(hit, chunk=chunk, picture=None, time_s=None, also=())
                for chunk in members
                if chunk.text or chunk.pictures
            ]
        return parts


def _checked(answer: Answer, cited: Mapping[int, Chunk], checker: ClaimCheck) -> Answer:
    started_s = time.perf_counter()
    try:
        answer = replace(answer, claims=checker.check(answer.text, cited))
    except KnowledgeBaseError as error:
        # The answer stands without the check, and its reader is told.
        answer = replace(answer, check_error=str(error))
    check_ms = (time.perf_counter() - started_s) * 1000
    return replace(
        answer,
        timings_ms={**answer.timings_ms, "check": check_ms},
        total_time_ms=answer.total_time_ms + check_ms,
    )


def _bound(items: Sequence[str | Cited], citations: Mapping[int, Citation], named: set[int]) -> str:
    """The text of `items` with the numbers that a Quote has bound, which are noted in `named`."""
    parts = []
    for item in items:
        if isinstance(item, str):
            parts.append(item)
        else:
            numbers = [number for number in item.numbers if number in citations]
            named.update(numbers)
            parts += [f"[{number}]" for number in numbers]
    return "".join(parts)


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


def _closest(
    relevance: Relevance | None, status: AnswerStatus, parts: Sequence[Hit]
) -> tuple[Citation, ...]:
    """The nearest passages where nothing answers; elsewhere they would be a second answer."""
    if relevance is None or status is not AnswerStatus.NO_EVIDENCE:
        return ()
    places = enumerate(relevance.closest, 1)
    return tuple(_cite(Quote(number, *place), parts) for number, place in places)


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
