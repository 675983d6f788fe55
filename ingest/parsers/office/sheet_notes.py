"""What people noted at the cells of Excel sheets."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from ingest.parsers.office.xml import read_part, relationships

__all__ = ["CellNote", "cell_notes"]

_MAX_NOTES = 20_000
_MAX_CHARS = 4000


@dataclass(frozen=True, slots=True)
class CellNote:
    """A note: the cell (``B3``), who wrote it, what it says."""

    cell: str
    author: str
    text: str


def cell_notes(archive: zipfile.ZipFile, sheet: str) -> list[CellNote]:
    """The notes and comments of a sheet, in the order of the file.

    Args:
        sheet: The name of its part.
    """
    parts = list(relationships(archive, sheet).values())
    # Each comment of a thread stands in a note for older programs, too.
    threads = [name for kind, name in parts if kind == "threadedComment"]
    notes: list[CellNote] = []
    people = _people(archive) if threads else {}
    for name in threads:
        notes += _thread(archive, name, people)
    threaded = {note.cell for note in notes}
    for kind, name in parts:
        if kind == "comments":
            notes += [note for note in _notes(archive, name) if note.cell not in threaded]
    return notes[:_MAX_NOTES]


def _named(element: etree._Element, name: str) -> Iterator[etree._Element]:
    yield from element.iter("{*}" + name)


def _thread(archive: zipfile.ZipFile, name: str, people: dict[str, str]) -> Iterator[CellNote]:
    root = read_part(archive, name)
    for one in () if root is None else _named(root, "threadedComment"):
        text = _said(one, "text")
        if text:
            author = people.get(one.get("personId", ""), "")
            yield CellNote(one.get("ref", ""), author, text)


def _notes(archive: zipfile.ZipFile, name: str) -> Iterator[CellNote]:
    root = read_part(archive, name)
    if root is None:
        return
    authors = [" ".join((one.text or "").split()) for one in _named(root, "author")]
    for one in _named(root, "comment"):
        which = one.get("authorId", "")
        author = authors[int(which)] if which.isdigit() and int(which) < len(authors) else ""
        text = _said(one, "t")
        # Excel begins a note with its author's name.
        text = text.removeprefix(f"{author}:").strip() if author else text
        if text:
            yield CellNote(one.get("ref", ""), author, text)


def _people(archive: zipfile.ZipFile) -> dict[str, str]:
    people: dict[str, str] = {}
    for name in archive.namelist():
        root = read_part(archive, name) if name.startswith("xl/persons/") else None
        for one in () if root is None else _named(root, "person"):
            people[one.get("id", "")] = " ".join(one.get("displayName", "").split())
    return people


def _said(element: etree._Element, tag: str) -> str:
    parts = (one.text or "" for one in _named(element, tag))
    return " ".join("".join(parts).split())[:_MAX_CHARS]
