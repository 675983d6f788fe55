"""An answer out of a generator's events: the text with its numbers, and where each one leads."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace

from kb.answer.citations import CitationScanner, Cited
from kb.protocols import GeneratorEvent, Note, Quote, Relevance, TextDelta
from kb.stopping import check as check_wanted
from kb.types import Answer, AnswerStatus, Citation, Hit, Locator, Query

__all__ = ["tell"]


def tell(
    events: Iterable[GeneratorEvent],
    query: Query,
    hits: tuple[Hit, ...],
    parts: Sequence[Hit],
    timing: str,
) -> Generator[TextDelta | Citation, None, Answer]:
    """Text as it is written and each Citation before the text that names its number; returns the
    Answer.

    A number that no Quote has bound is left out of the text, and a citation that the
    text never names out of the Answer: a reader can follow every number there is.

    Args:
        hits: The Answer's.
        parts: That the events speak of.
        timing: The name of the time it takes.

    Raises:
        InferenceError: The generator failed.
    """
    started_s = time.perf_counter()
    text: list[str] = []
    notes: list[str] = []
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
            case Note():
                notes.append(event.text)
            case AnswerStatus():
                status = event
    if status is None:
        raise RuntimeError("the generator ended without a status")
    if rest := _bound(scanner.end(), citations, named):
        text.append(rest)
        yield TextDelta(rest)
    elapsed_ms = (time.perf_counter() - started_s) * 1000
    return Answer(
        query=query,
        text="".join(text),
        status=status,
        citations=tuple(citations[number] for number in sorted(citations) if number in named),
        hits=hits,
        timings_ms={timing: elapsed_ms},
        total_time_ms=elapsed_ms,
        note=" ".join(notes),
        probability=relevance.probability if relevance else None,
        closest=_closest(relevance, status, parts),
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
        else chunk.place_of(quote.start, quote.end),
        quote=chunk.text[quote.start : quote.end],
    )


def _picture_locator(hit: Hit) -> Locator:
    """The place of a picture as a whole; in a clip from the second that matched."""
    place = hit.chunk.locator
    return place if hit.time_s is None else replace(place, start_s=hit.time_s)
