"""From a generator's events to an answer whose every number has a place."""

from __future__ import annotations

import time
from collections.abc import Generator as Events
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from kb.answer.computed import Computed
from kb.answer.medium import MediumAnswers
from kb.answer.refusal.gate import is_judged_by_words
from kb.answer.shown.answers import Search, ShownAnswers
from kb.answer.tables.answers import TableAnswers
from kb.answer.telling import tell
from kb.answer.wording import NOTHING_WRITTEN
from kb.errors import KnowledgeBaseError
from kb.protocols import Generator, TextDelta
from kb.text.terms import language
from kb.types import Answer, AnswerStatus, Chunk, Citation, Claim, Hit, Query

__all__ = ["Answerer", "ChunkReader", "ClaimCheck"]


class ChunkReader(Protocol):
    """Gives chunks by id, as the ledger does."""

    def chunks(self, ids: Sequence[str]) -> Mapping[str, Chunk]:
        """The committed chunks among `ids`."""


class ClaimCheck(Protocol):
    """Judges an answer's sentences, as `kb.answer.claims.checker.ClaimChecker` does."""

    def check(
        self, text: str, cited: Mapping[int, Chunk], sources: Sequence[Chunk]
    ) -> tuple[Claim, ...]:
        """The claims of an answer, in order, judged by the chunks that its numbers cite; what
        cites nothing by `sources`."""


class Answerer:
    """Streams an answer and ends with it whole.

    Args:
        generator: Of the profile.
        reader: Of the chunks that were folded into a hit: the answer may stand in any part of
            the page that a hit shows.
        claim_checker: Judges what the answer says; without it nothing is checked.
        tables: Answers what a table answers, in place of the generator.
        shown: Answers words about a picture that they are asked with, likewise.
        quotes: Answers in quotes first. Where nothing answers, the generator is not asked; where
            it fails, the quotes stand.
        medium: Answers what is asked of the films, in place of the generator.
    """

    def __init__(
        self,
        generator: Generator,
        reader: ChunkReader,
        claim_checker: ClaimCheck | None = None,
        tables: TableAnswers | None = None,
        shown: ShownAnswers | None = None,
        quotes: Generator | None = None,
        medium: MediumAnswers | None = None,
    ) -> None:
        self._generator = generator
        self._reader = reader
        self._claim_checker = claim_checker
        self._tables = tables
        self._shown = shown
        self._quotes = quotes
        self._medium = medium

    def stream(
        self,
        query: Query,
        hits: Sequence[Hit],
        search: Search | None = None,
        *,
        is_written: bool = True,
    ) -> Iterator[TextDelta | Citation | Answer]:
        """Text as it is written, each Citation before the text that names its number, and
        last the Answer (its `timings_ms` holds ``generate``). Where its claims are checked, the
        Answer comes twice: as soon as it is written, and again with its claims (and the time
        ``check``), or with the reason why they could not be checked.

        Where quotes come first, they are an Answer before any text, whole but for `is_draft`. If
        writing fails after it, the last Answer is that one, and its `note` says why.

        A number that no Quote has bound is left out of the text, and a citation that the
        text never names out of the Answer: a reader can follow every number there is.

        Args:
            search: Finds what answers other words. Without it, what is shown is not asked about.
            is_written: False: the quotes are wanted alone, where there are any.

        Raises:
            InferenceError: The generator failed, and there are no quotes.
        """
        hits = tuple(hits)
        parts: Sequence[Hit] = self.parts(hits)
        computed = self._computed(query, parts, search)
        if computed is not None:
            yield (yield from tell(computed.events, query, hits, computed.hits, "generate"))
            return
        if self._quotes is None:
            answer = yield from tell(
                self._generator.stream(query, parts), query, hits, parts, "generate"
            )
        else:
            quoted = _whole(tell(self._quotes.stream(query, parts), query, hits, parts, "quote"))
            is_quoted = quoted.status is AnswerStatus.ANSWERED
            if not is_written or not (is_quoted or not is_judged_by_words(query, parts)):
                yield from quoted.citations
                yield TextDelta(quoted.text)
                yield quoted
                return
            answer = yield from self._written(query, hits, parts, quoted if is_quoted else None)
        yield answer
        if self._claim_checker is not None and answer.citations and "generate" in answer.timings_ms:
            chunks = {part.chunk.id: part.chunk for part in parts}
            cited = {citation.number: chunks[citation.chunk_id] for citation in answer.citations}
            # Over quotes a small model may write, which forgets to cite; what it says is judged all
            # the same. A scorer that is a model of its own would take as long again for that.
            sources = [*chunks.values()] if self._quotes is not None else []
            yield _checked(answer, cited, sources, self._claim_checker)

    def _written(
        self, query: Query, hits: tuple[Hit, ...], parts: Sequence[Hit], quoted: Answer | None
    ) -> Events[TextDelta | Citation | Answer, None, Answer]:
        """The quotes, then the text; returns what is written, or the quotes with the reason why
        they stand in its place."""
        events = tell(self._generator.stream(query, parts), query, hits, parts, "generate")
        if quoted is None:
            return (yield from events)
        yield replace(quoted, is_draft=True)
        try:
            answer = yield from events
        except KnowledgeBaseError as error:
            return replace(quoted, note=str(error))
        if answer.status is AnswerStatus.NO_EVIDENCE:
            return replace(quoted, note=NOTHING_WRITTEN[language(query.text)])
        elapsed_ms = quoted.total_time_ms + answer.total_time_ms
        return replace(
            answer,
            timings_ms={**quoted.timings_ms, **answer.timings_ms},
            total_time_ms=elapsed_ms,
            probability=quoted.probability,
        )

    def _computed(
        self, query: Query, parts: Sequence[Hit], search: Search | None
    ) -> Computed | None:
        """What answers in place of the generator."""
        if search is not None and self._medium is not None:
            found = self._medium.answer(query, lambda other: self.parts(search(other)))
            if found is not None:
                return found
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


def _whole(told: Events[TextDelta | Citation, None, Answer]) -> Answer:
    """The Answer, once all is told."""
    while True:
        try:
            next(told)
        except StopIteration as end:
            answer: Answer = end.value
            return answer


def _checked(
    answer: Answer, cited: Mapping[int, Chunk], sources: Sequence[Chunk], checker: ClaimCheck
) -> Answer:
    started_s = time.perf_counter()
    try:
        answer = replace(answer, claims=checker.check(answer.text, cited, sources))
    except KnowledgeBaseError as error:
        # The answer stands without the check, and its reader is told.
        answer = replace(answer, check_error=str(error))
    check_ms = (time.perf_counter() - started_s) * 1000
    return replace(
        answer,
        timings_ms={**answer.timings_ms, "check": check_ms},
        total_time_ms=answer.total_time_ms + check_ms,
    )
