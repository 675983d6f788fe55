"""What is known of a document's pages until all of them are read: of many, on disk."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Generic, TypeVar

__all__ = ["Shelf"]

T = TypeVar("T")

# Of most documents all pages.
HELD_PAGES = 256


class Shelf(Generic[T]):
    """Something of each page, by the page's number in order. That of the first pages is held in
    memory, that of the others in a file that has no name and ends with this object. What is
    taken out of the file is a copy: to change it changes nothing here."""

    def __init__(self) -> None:
        self._held: dict[int, T] = {}
        self._places: dict[int, int] = {}
        self._file: IO[bytes] | None = None

    def __setitem__(self, number: int, value: T) -> None:
        if len(self._held) < HELD_PAGES:
            self._held[number] = value
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this object
        self._places[number] = self._file.seek(0, 2)
        pickle.dump(value, self._file, pickle.HIGHEST_PROTOCOL)

    def __getitem__(self, number: int) -> T:
        if number in self._held:
            return self._held[number]
        place = self._places[number]
        assert self._file is not None
        self._file.seek(place)
        value: T = pickle.load(self._file)  # noqa: S301 - written above
        return value

    def __contains__(self, number: int) -> bool:
        return number in self._held or number in self._places

    def __len__(self) -> int:
        return len(self._held) + len(self._places)

    def __iter__(self) -> Iterator[int]:
        yield from self._held
        yield from self._places

    def values(self) -> Iterator[T]:
        """What is known of each page, in order."""
        return (self[number] for number in self)

    def __del__(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
