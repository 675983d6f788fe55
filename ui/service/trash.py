"""The trash: files that were deleted from the library, kept for a while and given back.

Each lies in a folder of its own in ``trash`` beside the library, under names that no sync looks at,
with a note of where it was.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ingest.scan import UNFINISHED
from kb.errors import ConfigError
from kb.files import sync_folder, write_whole
from kb.private import private_folder
from ui.service.uploads import name_free

__all__ = ["KEPT_DAYS", "Trash", "Trashed"]

KEPT_DAYS: Final = 30
"""How long a file is kept, unless the trash is emptied before."""

_ID = re.compile(r"[0-9a-f]{24}")
_NOTE = UNFINISHED.replace("*", "note")
_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Trashed:
    """A file in the trash.

    Attributes:
        id: Names it; newer ones come later in order.
        sources: Where it was, relative to the library; after it the subtitles that went with it.
        sha256: Its document; None where it was not read.
        deleted_ns: Nanoseconds since the epoch.
        size_bytes: Of all of them.
    """

    id: str
    sources: tuple[str, ...]
    sha256: str | None
    deleted_ns: int
    size_bytes: int

    @property
    def source(self) -> str:
        """Where the file itself was."""
        return self.sources[0]


class Trash:
    """The trash of one library.

    Args:
        folder: Where it lies; made when needed.
        library: Where files come from, and go back to.
    """

    def __init__(self, folder: Path, library: Path) -> None:
        self._folder = folder
        self._library = library

    def put(self, sources: Sequence[str], sha256: str | None) -> str | None:
        """Move a file here, with what goes with it.

        Args:
            sources: The file, then the others, each relative to the library.

        Returns:
            Its id; None where the file is gone already.

        Raises:
            ConfigError: It does not lie in the library, or can't be moved; it is where it was.
        """
        for source in sources:
            self._within(source)
        there = [source for source in sources if os.path.lexists(self._library / source)]
        if not there or there[0] != sources[0]:
            return None
        deleted_ns = time.time_ns()
        trash_id = f"{deleted_ns // 10**6:012x}{secrets.token_hex(6)}"
        folder = self._folder / trash_id
        moved: list[tuple[Path, Path]] = []
        try:
            size_bytes = sum((self._library / source).lstat().st_size for source in there)
            private_folder(self._folder)
            private_folder(folder)
            note = asdict(Trashed(trash_id, tuple(there), sha256, deleted_ns, size_bytes))
            write_whole(folder / _NOTE, json.dumps(note, ensure_ascii=False))
            for n, source in enumerate(there):
                file, place = self._library / source, _place(folder, n)
                _move(file, place)
                moved.append((place, file))
                sync_folder(file.parent)
            sync_folder(folder)
        except OSError as error:
            for place, file in moved:
                _put_back(place, file)
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, FileNotFoundError):
                return None  # somebody else deleted it at the same time
            raise ConfigError(f"{sources[0]} could not be deleted ({error.strerror}).") from error
        return trash_id

    def find(self) -> list[Trashed]:
        """All that is here, the newest first."""
        try:
            ids = sorted((entry.name for entry in os.scandir(self._folder)), reverse=True)
        except FileNotFoundError:
            return []
        return [found for one in ids if (found := self._read(one)) is not None]

    def restore(self, trash_id: str) -> str:
        """Put a file back where it was, beside what has its name by now.

        Returns:
            Where it is, relative to the library.

        Raises:
            ConfigError: It is here no more, or can't be put back.
        """
        found = self._read(trash_id)
        if found is None:
            raise ConfigError("This file is not in the trash any more.")
        folder = self._folder / trash_id
        restored: list[Path] = []
        try:
            for n, source in enumerate(found.sources):
                self._within(source)
                wanted = self._library / source
                wanted.parent.mkdir(parents=True, exist_ok=True)
                restored.append(_put_back(_place(folder, n), wanted))
                sync_folder(wanted.parent)
        except OSError as error:
            raise ConfigError(
                f"{found.source} could not be put back ({error.strerror}). It is still in the "
                f"trash: {folder}"
            ) from error
        shutil.rmtree(folder, ignore_errors=True)
        return restored[0].relative_to(self._library).as_posix()

    def purge(self, ids: Sequence[str]) -> list[Trashed]:
        """Delete files for good; returns those that were here."""
        purged = [found for one in ids if (found := self._read(one)) is not None]
        for found in purged:
            shutil.rmtree(self._folder / found.id)
        return purged

    def old_ids(self) -> list[str]:
        """What has been kept for long enough."""
        before_ns = time.time_ns() - KEPT_DAYS * _DAY_NS
        return [found.id for found in self.find() if found.deleted_ns < before_ns]

    def _read(self, trash_id: str) -> Trashed | None:
        if _ID.fullmatch(trash_id) is None:
            return None
        try:
            note = json.loads((self._folder / trash_id / _NOTE).read_text("utf-8"))
            sources = tuple(map(str, note["sources"]))
            found = Trashed(
                trash_id, sources, note["sha256"], int(note["deleted_ns"]), int(note["size_bytes"])
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        # Where this process ended between the note and the file, the file is where it was.
        return found if sources and os.path.lexists(_place(self._folder / trash_id, 0)) else None

    def _within(self, source: str) -> None:
        parent = (self._library / source).parent.resolve()
        if not parent.is_relative_to(self._library.resolve()):
            raise ConfigError(
                f"{source} does not lie in the library folder. Delete it where it lies."
            )


def _put_back(place: Path, wanted: Path) -> Path:
    """Give a file its name again, or the next one that is free. It is in one place at least at any
    moment."""
    if not os.path.lexists(place):
        return wanted  # put back before something else failed
    try:
        kept = name_free(place, wanted)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        near = wanted.with_name(UNFINISHED.replace("*", secrets.token_hex(16)))
        try:
            _copy(place, near)
            kept = name_free(near, wanted)
        finally:
            near.unlink(missing_ok=True)
    place.unlink(missing_ok=True)
    return kept


def _place(folder: Path, n: int) -> Path:
    return folder / UNFINISHED.replace("*", str(n))


def _move(file: Path, target: Path) -> None:
    """Move a file, or a link itself, to another file system, too."""
    try:
        file.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    else:
        return
    _copy(file, target)
    file.unlink()


def _copy(file: Path, target: Path) -> None:
    """Copy a file to another file system, wholly or not at all."""
    try:
        shutil.copy2(file, target, follow_symlinks=False)
        if not target.is_symlink():
            with open(target, "r+b", buffering=0) as copied:
                os.fsync(copied.fileno())
    except BaseException:
        with suppress(OSError):
            target.unlink(missing_ok=True)
        raise
