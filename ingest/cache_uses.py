"""Which documents the entries of a cache were read from, so that they go when the documents do.

A cache of what was read in pictures or heard in sound goes by the bytes of the picture or the
sound: documents share entries. Beside them, in the folder ``documents``, a file for each document
lists those that it used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["CacheUses"]

_LISTS = "documents"


class CacheUses:
    """The lists of one cache.

    Args:
        folder: Of the cache; its entries lie in folders of it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._list: Path | None = None
        self._noted: set[str] = set()

    def begin(self, document_sha256: str) -> None:
        """What is noted from now on is of this document."""
        self._list = self._folder / _LISTS / document_sha256
        self._noted = set(_lines(self._list))

    def note(self, entry: Path) -> None:
        """The document that was begun uses `entry`, which may come later: were it written first,
        nobody would know whose it is if this process ended between the two."""
        name = entry.relative_to(self._folder).as_posix()
        if self._list is None or name in self._noted:
            return
        self._list.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._list.open("a", encoding="ascii") as file:
            file.write(f"{name}\n")
        self._noted.add(name)

    def documents(self) -> set[str]:
        """Those that use anything, by sha256."""
        try:
            return {path.name for path in (self._folder / _LISTS).iterdir()}
        except FileNotFoundError:
            return set()

    def drop(self, document_sha256s: Iterable[str]) -> None:
        """Delete what only these documents use. Where one has no list, what no document's list
        has may be its own, and is deleted, too."""
        lists = {sha256: self._folder / _LISTS / sha256 for sha256 in document_sha256s}
        dropped = {name for path in lists.values() for name in _lines(path)}
        others = self.documents() - lists.keys()
        used = {name for sha256 in others for name in _lines(self._folder / _LISTS / sha256)}
        if not all(path.exists() for path in lists.values()):
            dropped.update(self._entries())
        for name in dropped - used:
            with suppress(FileNotFoundError):
                (self._folder / name).unlink()
        for path in lists.values():
            path.unlink(missing_ok=True)

    def _entries(self) -> Iterator[str]:
        for path in self._folder.glob("*/*"):
            if path.parent.name != _LISTS:
                yield path.relative_to(self._folder).as_posix()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").split()
    except FileNotFoundError:
        return []
