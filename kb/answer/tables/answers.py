"""Answers from tables: which of the tables that were found answers a question, and how."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from kb.answer.computed import Computed
from kb.answer.extractive.asked import Asked, what_is_asked
from kb.answer.tables.link import MAX_QUESTION_CHARS, read_question
from kb.answer.tables.reading import Reading
from kb.answer.tables.wording import Piece, say
from kb.answer.tables.words import TableIndex
from kb.index.tables import RowPlace, Table
from kb.protocols import GeneratorEvent, Quote, TextDelta
from kb.text.terms import Language, language
from kb.types import AnswerStatus, Chunk, Hit, Query

__all__ = ["TableAnswers", "TableReader"]

_MAX_DOCUMENTS = 10
_MAX_TABLES = 200
_MAX_CITED = 10
# Of tables that are kept ready between questions, the cells.
_MAX_CACHED_CELLS = 20_000_000


class TableReader(Protocol):
    """Gives tables and chunks, as the ledger does."""

    def chunks(self, ids: Sequence[str]) -> Mapping[str, Chunk]:
        """The committed chunks among `ids`."""

    def tables_of(self, sha256: str) -> Sequence[Table]:
        """The tables of a document."""


class TableAnswers:
    """Answers what the tables of the documents found can answer.

    Args:
        reader: Of tables and of the chunks that their rows stand in.
    """

    def __init__(self, reader: TableReader) -> None:
        self._reader = reader
        self._cache: OrderedDict[tuple[str, str], tuple[TableIndex, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, query: Query, hits: Sequence[Hit]) -> Computed | None:
        """The answer, where the question is understood and one table answers it; None where
        none does, or two answer it differently. Its hits are those it was asked of, then one for
        each chunk with a row that is cited and that was not among them."""
        text = query.text.strip()
        if not text or len(text) > MAX_QUESTION_CHARS or query.images or query.clip:
            return None
        asked_in = language(text)
        found: list[tuple[Reading, tuple[Piece, ...], Hit]] = []
        documents = {hit.chunk.document_sha256: hit for hit in reversed(hits)}
        ranked = list(dict.fromkeys(hit.chunk.document_sha256 for hit in hits))[:_MAX_DOCUMENTS]
        n_tables = 0
        for sha256 in ranked:
            hit = documents[sha256]
            for index in self._tables(sha256, hit.source):
                n_tables += 1
                reading = read_question(text, index) if n_tables <= _MAX_TABLES else None
                pieces = tuple(say(reading, asked_in)) if reading is not None else ()
                if reading is not None and not _is_no_person(text, pieces):
                    found.append((reading, pieces, hit))
        chosen = _chosen(found, asked_in)
        return None if chosen is None else self._cited(chosen[1], chosen[2], hits)

    def _tables(self, sha256: str, source: str) -> tuple[TableIndex, ...]:
        with self._lock:
            if (known := self._cache.get((sha256, source))) is not None:
                self._cache.move_to_end((sha256, source))
                return known
        made = tuple(TableIndex(table, source) for table in self._reader.tables_of(sha256))
        with self._lock:
            self._cache[sha256, source] = made
            while len(self._cache) > 1 and self._n_cells() > _MAX_CACHED_CELLS:
                self._cache.popitem(last=False)
        return made

    def _n_cells(self) -> int:
        return sum(
            index.table.n_rows * len(index.table.columns)
            for some in self._cache.values()
            for index in some
        )

    def _cited(self, pieces: Sequence[Piece], hit: Hit, hits: Sequence[Hit]) -> Computed | None:
        """The pieces as events, their rows as quotes."""
        known = {one.chunk.id: number for number, one in reversed(list(enumerate(hits)))}
        wanted = {place.chunk_id for piece in pieces for place in piece.places}
        missing = sorted(wanted - known.keys())
        read = self._reader.chunks(missing)
        if len(read) < len(missing):
            # The document was written anew since its table was read.
            return None
        added = sorted(read.values(), key=lambda chunk: chunk.ordinal)
        known |= {chunk.id: len(hits) + number for number, chunk in enumerate(added)}
        extra = [replace(hit, chunk=chunk, picture=None, time_s=None, also=()) for chunk in added]
        events = tuple(_events(pieces, known))
        return Computed((*hits, *extra), (*events, AnswerStatus.ANSWERED))


def _is_no_person(text: str, pieces: Sequence[Piece]) -> bool:
    """Whether a person is asked for, and the one cell that answers is a date or a number: "founded"
    beside "who founded"."""
    if what_is_asked(text)[0] is not Asked.PERSON or len(pieces) != 1:
        return False
    value = pieces[0].text.partition(" — ")[0]
    return any(char.isdigit() for char in value)


def _events(pieces: Sequence[Piece], known: Mapping[str, int]) -> Iterator[GeneratorEvent]:
    numbers: dict[RowPlace, int] = {}
    for piece in pieces:
        marks = []
        for place in piece.places:
            if place not in numbers:
                if len(numbers) >= _MAX_CITED:
                    continue
                numbers[place] = len(numbers) + 1
                yield Quote(numbers[place], known[place.chunk_id], place.start, place.end)
            marks.append(f"[{numbers[place]}]")
        yield TextDelta(" ".join([piece.text, "".join(marks)]) if marks else piece.text)


def _chosen(
    found: Sequence[tuple[Reading, tuple[Piece, ...], Hit]], asked_in: Language
) -> tuple[Reading, tuple[Piece, ...], Hit] | None:
    """The reading of the table that holds most of the question; None where two that hold as much
    say different things."""
    if not found:
        return None
    most = max(reading.n_found for reading, _, _ in found)
    best = [one for one in found if one[0].n_found == most]
    said = [_said(reading) for reading, _, _ in best]
    if any(one != said[0] for one in said[1:]):
        # The same thing may be told in two languages, with different words for it.
        own = [one for one in best if _language(one[0].table) is asked_in]
        if not own or any(_said(one[0]) != _said(own[0][0]) for one in own[1:]):
            return None
        if not _agree([one[0] for one in best]):
            return None
        best = own
    return best[0]


def _said(reading: Reading) -> tuple[str, ...]:
    columns = reading.table.columns
    wanted = reading.targets or reading.shown[:1]
    return (
        reading.asked,
        *(columns[i].text(int(row)) for row in reading.rows for i in wanted),
    )


def _agree(readings: Sequence[Reading]) -> bool:
    """Whether readings of tables in different languages have the same numbers in them."""
    digits = {
        tuple("".join(c for c in text if c.isdigit() or c == ".") for text in _said(one)[1:])
        for one in readings
    }
    return len(digits) == 1 and any(any(parts) for parts in digits)


def _language(table: Table) -> Language:
    values = (value for column in table.columns for value in (column.name, *column.values[:20]))
    return language(" ".join(values))
