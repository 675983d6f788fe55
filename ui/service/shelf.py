"""What people do with files of the library: delete, take back, rename, read again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from ingest.sync import forget_what_was_read
from kb import KnowledgeBase, Ledger, PathRecord
from kb.config import Home
from kb.errors import ConfigError
from ui.service.renaming import checked_target, move_file, renamed_beside
from ui.service.trash import Trash, Trashed

__all__ = ["Shelf", "purge_trash"]

_SWEEP_S: Final = 3_600.0
_SUBTITLES: Final = (".srt", ".vtt")


class Shelf:
    """The files of the library, with its trash.

    Args:
        before: Called before the index is changed.
        sync_soon: Has the library synced.
    """

    def __init__(
        self,
        kb: KnowledgeBase,
        home: Home,
        before: Callable[[], object],
        sync_soon: Callable[[], None],
    ) -> None:
        self._kb = kb
        self._home = home
        self._before = before
        self._sync_soon = sync_soon
        self.trash = Trash(home.trash, home.library)

    def remove(self, sources: Sequence[str]) -> tuple[dict[str, str], dict[str, ConfigError]]:
        """Move files to the trash and take them out of the index.

        Returns:
            By source, their ids in the trash, but of those that were gone already; and why others
            are where they were.
        """
        self._before()
        library = str(self._home.library)
        known = self._kb.ledger.paths(self._home.library)
        moved: dict[str, str] = {}
        errors: dict[str, ConfigError] = {}
        gone: list[tuple[str, str]] = []
        for source in sources:
            record = known.get((library, source))
            beside = self._subtitles(record, known) if record else []
            try:
                trash_id = self.trash.put([source, *beside], record.sha256 if record else None)
            except ConfigError as error:
                errors[source] = error
                continue
            gone.append((library, source))
            if trash_id is not None:
                moved[source] = trash_id
        self._kb.forget_paths(gone)
        return moved, errors

    def move(self, targets: Mapping[str, str]) -> tuple[dict[str, str], list[ConfigError]]:
        """Give files other names or folders; nothing is read or embedded for it.

        Args:
            targets: By source, where it is to be: relative to the library, as somebody wrote it.

        Returns:
            By source, where it is now; and why others are where they were.
        """
        self._before()
        library = self._home.library
        known = self._kb.ledger.paths(library)
        moved: dict[str, str] = {}
        errors: list[ConfigError] = []
        records: list[PathRecord] = []
        for source, written in targets.items():
            record = known.get((str(library), source))
            try:
                target = checked_target(written, self._kb.config.ingest.ignore)
                if target == source:
                    continue
                move_file(library, source, target)
            except ConfigError as error:
                errors.append(error)
                continue
            moved[source] = target
            if record is not None:
                records.append(self._moved(record, target, self._subtitles(record, known)))
        # The new ones first: a document that no file holds would be forgotten.
        self._kb.put_paths(records)
        self._kb.forget_paths([(str(library), source) for source in moved])
        if moved:
            self._sync_soon()
        return moved, errors

    def _moved(self, record: PathRecord, target: str, subtitles: Sequence[str]) -> PathRecord:
        """The record of a file that was moved, when its subtitles were, too."""
        library = self._home.library
        now: dict[str, str] = {}
        for beside in subtitles:
            wanted = renamed_beside(beside, record.path, target)
            with suppress(ConfigError):  # Then they stay, and become a document.
                move_file(library, beside, wanted)
                now[str(library / beside)] = str(library / wanted)
        companions = tuple(
            replace(one, path=now.get(one.path, one.path)) for one in record.companions
        )
        # Of a page its pictures, and of a film subtitles that others share, may not be beside it
        # any more: then the next sync looks at it anew.
        is_whole = len(now) == len(companions)
        return record._replace(
            path=target, companions=companions, mtime_ns=record.mtime_ns if is_whole else 0
        )

    def _subtitles(
        self, record: PathRecord, known: Mapping[tuple[str, str], PathRecord]
    ) -> list[str]:
        """Subtitles that are part of a file's content and of no other's: alone they would become
        documents."""
        own = [one.path for one in record.companions if one.path.lower().endswith(_SUBTITLES)]
        if not own:
            return []
        others = {
            one.path for other in known.values() if other != record for one in other.companions
        }
        library = self._home.library
        return [Path(p).relative_to(library).as_posix() for p in own if p not in others]

    def restore(self, ids: Sequence[str]) -> tuple[list[str], list[ConfigError]]:
        """Put files of the trash back; returns where they are, and what went wrong."""
        sources: list[str] = []
        errors: list[ConfigError] = []
        for trash_id in ids:
            try:
                sources.append(self.trash.restore(trash_id))
            except ConfigError as error:
                errors.append(error)
        if sources:
            self._sync_soon()
        return sources, errors

    def purge(self, ids: Sequence[str] | None = None) -> list[Trashed]:
        """Delete files of the trash for good, with what is kept of what was read in them; None
        means all."""
        return purge_trash(self.trash, self._home, self._kb.ledger, ids)

    def put_aside(self) -> frozenset[str]:
        """The documents of what is in the trash, by sha256."""
        return _put_aside(self.trash)

    def read_again(self, sources: Collection[str]) -> int:
        """Have files read again, whether they failed or not; returns how many there are."""
        wanted = set(sources)
        records = [one for (_, path), one in self._kb.ledger.paths().items() if path in wanted]
        self._kb.ledger.forget_documents([one.sha256 for one in records if one.sha256])
        self._sync_soon()
        return len(records)

    def unlock(self, source: str, password: str) -> None:
        """Have a locked file read with a password, which is kept for others that it opens.

        Raises:
            ConfigError: It is none, or can't be kept.
        """
        self._kb.add_password(password)
        self.read_again([source])

    def sweep_until(self, stop: threading.Event) -> None:
        """Delete for good what was kept for long enough, now and then until `stop` is set."""
        while True:
            if old := self.trash.old_ids():
                self.purge(old)
            if stop.wait(_SWEEP_S):
                return


def purge_trash(
    trash: Trash, home: Home, ledger: Ledger, ids: Sequence[str] | None = None
) -> list[Trashed]:
    """See `Shelf.purge`. Another process may have the index open."""
    if ids is None:
        ids = [found.id for found in trash.find()]
    purged = trash.purge(ids)
    sha256s = {found.sha256 for found in purged if found.sha256}
    sha256s -= ledger.standings().keys() | _put_aside(trash)
    if sha256s:
        forget_what_was_read(home, sha256s)
    return purged


def _put_aside(trash: Trash) -> frozenset[str]:
    return frozenset(found.sha256 for found in trash.find() if found.sha256)
