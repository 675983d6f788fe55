"""Tables for tests of questions, and a shelf that holds them with their chunks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kb.answer.tables.answers import TableAnswers
from kb.index.tables import Column, Table, make_column
from kb.protocols import TextDelta
from kb.types import Chunk, Hit, Kind, Locator, Modality, Query


class Shelf:
    """Holds one document a table, each row a line of its one chunk."""

    def __init__(self) -> None:
        self._chunks: dict[str, Chunk] = {}
        self._tables: dict[str, list[Table]] = {}
        self.hits: list[Hit] = []

    def add(
        self, text: str, title: str, headings: tuple[str, ...] = (), source: str = "file"
    ) -> Table:
        """A table of lines with bars between the cells, the names of the columns first."""
        lines = [line.strip() for line in text.strip().splitlines()]
        names, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
        sha256 = f"sha{len(self._tables)}"
        body = "\n".join(lines)
        chunk = Chunk(
            f"{sha256}-0", sha256, 0, Kind.DATA, Modality.TEXT, Locator(), body, title, headings
        )
        places, at = [], len(lines[0]) + 1
        for line in lines[1:]:
            places.append((0, at, at + len(line)))
            at += len(line) + 1
        table = Table(
            sha256,
            0,
            "",
            title,
            headings,
            tuple(_column(name, [row[i] for row in rows]) for i, name in enumerate(names)),
            (chunk.id,),
            np.array(places, np.int32).reshape(-1, 3),
        )
        self._chunks[chunk.id] = chunk
        self._tables[sha256] = [table]
        self.hits.append(Hit(chunk, source))
        return table

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        return {key: self._chunks[key] for key in ids if key in self._chunks}

    def tables_of(self, sha256: str) -> list[Table]:
        return self._tables.get(sha256, [])


def table_answer(shelf: Shelf, text: str) -> str | None:
    """What the tables of a shelf say to a question; None where they leave it to others."""
    answer = TableAnswers(shelf).answer(Query(text=text), shelf.hits)
    if answer is None:
        return None
    return "".join(event.text for event in answer.events if isinstance(event, TextDelta))


def _column(name: str, cells: Sequence[str]) -> Column:
    values: dict[str, int] = {}
    codes = [values.setdefault(cell, len(values)) if cell else -1 for cell in cells]
    return make_column(name, tuple(values), codes)
