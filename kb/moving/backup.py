"""Backups: states of a knowledge base in a folder, which share what is the same in them.

::

    DIR/snapshots/20261127T064500Z.json   the manifest of one state, written last
    DIR/objects/ab/ab12…                  a part of some file, by the sha256 of its bytes
    DIR/incoming/                         parts of a backup under way

A part is 4 MiB at most, of the ledger and the vectors 128 KiB: what changed of them is copied.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from kb.config import Config, Home
from kb.errors import ArchiveError, ConfigError, StoreInUseError
from kb.files import settle_tree, size_bytes, sync_folder, write_whole
from kb.moving.export import Listen
from kb.moving.manifest import LEDGER, Manifest, Member, parse_manifest
from kb.moving.reading import AGAIN, BLOCK_BYTES
from kb.moving.snapshot import Item, Snapshot, take_snapshot
from kb.private import private_folder

__all__ = ["Backup", "BackupArchive", "backup_library", "verify_backup"]

N_KEPT = 10
"""So many states are kept, the newest ones."""

_OWN = frozenset({"snapshots", "objects", "incoming", "work", "backup.lock"})
# A new document changes a few places all over these files.
_INDEX_BLOCK_BYTES = 128 << 10
_DIGEST = re.compile("[0-9a-f]{64}")
# Within a clock's resolution a file may be written again with the same size.
_RACY_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Backup:
    """A state that was backed up.

    Attributes:
        path: Of the file that tells it.
        n_new_bytes: What was copied for it; the rest was there.
    """

    path: Path
    manifest: Manifest
    n_new_bytes: int


class BackupArchive:
    """A state of a backup that is being read.

    Args:
        path: The folder, for the newest one; or the file that tells one.

    Raises:
        ArchiveError: There is none, or it can't be read.
    """

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            states = _states(path)
            if not states:
                raise ArchiveError(
                    f"{path} holds no backup: it has no snapshots/*.json. Name a folder that "
                    "`kb backup` wrote, or a file of `kb export`."
                )
            self.path, self._folder = states[-1], path
        else:
            self.path, self._folder = path, path.parent.parent
        self.manifest = _read(self.path)

    def blocks(self, member: Member) -> Iterator[bytes]:
        """See `kb.moving.reading.Archive.blocks`."""
        for digest in member.blocks:
            path = _object(self._folder, digest)
            size = size_bytes(path)
            if size is None or size > BLOCK_BYTES:
                raise ArchiveError(
                    f"{self.path} is damaged: a part of {member.name!r}, {path}, is missing or too "
                    f"large. {AGAIN}"
                )
            try:
                yield path.read_bytes()
            except OSError as error:
                raise ArchiveError(
                    f"{self.path} can't be read: {error}. Nothing was changed."
                ) from error

    def close(self) -> None:
        """Nothing is open."""


def backup_library(home: Home, config: Config, folder: Path, *, listen: Listen) -> Backup:
    """Add the present state of `home` to the backup in `folder`, made where it is not there. What
    was copied before is not copied again. `kb up` may run.

    Raises:
        ConfigError: `folder` holds something else or another home's backup, or lies in the home;
            or the library has lost all its files.
        ArchiveError: It can't be written, or what was written is not read back.
        StoreError: As `take_snapshot`.
    """
    folder = folder.expanduser().resolve()
    for part in (home.library, home.index):
        if folder.is_relative_to(part.resolve()):
            raise ConfigError(f"{folder} lies in {part}, which it is to hold. Name another.")
    if folder.is_dir() and (others := {path.name for path in folder.iterdir()} - _OWN):
        raise ConfigError(
            f"{folder} holds other files ({sorted(others)[0]}). Name a folder of its own."
        )
    try:
        with _locked(folder):
            incoming, work = folder / "incoming", folder / "work"
            for path in (incoming, work):
                shutil.rmtree(path, ignore_errors=True)
                private_folder(path)
            try:
                return _add_state(home, config, folder, listen)
            finally:
                for path in (incoming, work):
                    shutil.rmtree(path, ignore_errors=True)
    except OSError as error:
        raise ArchiveError(
            f"The backup in {folder} could not be written: {error}. What was backed up before is "
            "as it was. Free some space, or see to the disk, then run the command again."
        ) from error


def verify_backup(folder: Path, *, listen: Listen) -> tuple[int, int]:
    """Read all of a backup and compare it with its digests.

    Returns:
        How many states and how many bytes it has.

    Raises:
        ArchiveError: A part is missing or is not what was written; or there is no backup.
    """
    folder = folder.expanduser().resolve()
    BackupArchive(folder)
    with _locked(folder):
        states = _states(folder)
        parts = {
            digest: member.name
            for state in states
            for member in _read(state).members
            for digest in member.blocks
        }
        n_bytes = 0
        for n_done, (digest, name) in enumerate(parts.items()):
            listen("Comparing", n_done, len(parts))
            path = _object(folder, digest)
            try:
                data = path.read_bytes()
            except OSError as error:
                raise ArchiveError(
                    f"The backup in {folder} is damaged: a part of {name!r} can't be read "
                    f"({error}). {_MEND}"
                ) from error
            if hashlib.sha256(data).hexdigest() != digest:
                raise ArchiveError(
                    f"The backup in {folder} is damaged: a part of {name!r}, {path}, is not what "
                    f"was written. {_MEND}"
                )
            n_bytes += len(data)
    return len(states), n_bytes


_MEND = "Delete that file, if it is there: the next `kb backup` copies what the library still has."


def _add_state(home: Home, config: Config, folder: Path, listen: Listen) -> Backup:
    now = datetime.now(UTC)
    path = folder / "snapshots" / f"{now:%Y%m%dT%H%M%S%f}Z.json"
    known = _Known(folder)
    snapshot = take_snapshot(home, config, folder / "work", with_vectors=True)
    _require_same(home, snapshot, known.former, folder)
    members: list[Member] = []
    left_out = dict(snapshot.manifest.left_out)
    n_done = n_new_bytes = 0
    for item in snapshot.items:
        listen("Backing up", n_done, snapshot.n_bytes)
        try:
            member = known.unchanged(item)
            if member is None:
                member, n_bytes = _copy(item, folder, known)
                n_new_bytes += n_bytes
        except FileNotFoundError:
            left_out[item.name] = "it is gone"
            continue
        except PermissionError as error:
            left_out[item.name] = f"it could not be read ({error.strerror})"
            continue
        members.append(member)
        n_done += member.size_bytes
    incoming = folder / "incoming"
    settle_tree(incoming)
    _admit(incoming, folder)
    manifest = snapshot.manifest.model_copy(
        update={"members": tuple(members), "left_out": left_out, "made_ns": known.begun_ns}
    )
    private_folder(path.parent)
    write_whole(path, manifest.model_dump_json())
    _prune(folder)
    return Backup(path, manifest, n_new_bytes)


def _require_same(home: Home, snapshot: Snapshot, former: Manifest | None, folder: Path) -> None:
    """Ten states later nothing would be left of what another home has, or this one had."""
    if former is None:
        return
    if former.home != str(home.path):
        raise ConfigError(
            f"{folder} is the backup of {former.home}, whose states those of {home.path} would "
            "push out. Name a folder of its own."
        )
    if former.n_files and not any(item.name.startswith("library/") for item in snapshot.items):
        raise ConfigError(
            f"{home.library} has no files, and had {former.n_files:,} at the last backup in "
            f"{folder}, which this one would push out in time. Is its disk connected? If it is to "
            "be empty, name another folder."
        )


class _Known:
    """What a backup holds already.

    Attributes:
        begun_ns: When this was looked at, nanoseconds since the epoch.
        sizes_bytes: Of its parts, by digest.
        former: Its newest state; None where there is none, or it can't be read.
    """

    def __init__(self, folder: Path) -> None:
        self.begun_ns = int(datetime.now(UTC).timestamp() * 1e9)
        self._work = folder / "work"
        self.sizes_bytes = {
            path.name: path.stat().st_size for path in (folder / "objects").glob("??/*")
        }
        self.former: Manifest | None = None
        if states := _states(folder):
            with suppress(ArchiveError):
                self.former = _read(states[-1])
        members = () if self.former is None else self.former.members
        self._members = {member.name: member for member in members}
        self._made_ns = 0 if self.former is None else self.former.made_ns

    def unchanged(self, item: Item) -> Member | None:
        """What was told of a file that is as it was, and of which every part is there."""
        former = self._members.get(item.name)
        if former is None or item.path.is_relative_to(self._work):
            return None
        about = item.path.stat()
        if (about.st_size, about.st_mtime_ns) != (former.size_bytes, former.mtime_ns):
            return None
        if about.st_mtime_ns > self._made_ns - _RACY_NS:
            return None
        left = former.size_bytes
        for digest in former.blocks:
            if self.sizes_bytes.get(digest) != min(left, BLOCK_BYTES):
                return None
            left -= BLOCK_BYTES
        return former


def _copy(item: Item, folder: Path, known: _Known) -> tuple[Member, int]:
    """A file's parts, those that are new written to ``incoming``, and how many bytes these are."""
    digest, blocks, n_bytes, n_new_bytes = hashlib.sha256(), [], 0, 0
    with item.path.open("rb") as file:
        mtime_ns = item.path.stat().st_mtime_ns
        is_index = item.name == LEDGER or item.name.startswith("index/qdrant/")
        while block := file.read(_INDEX_BLOCK_BYTES if is_index else BLOCK_BYTES):
            digest.update(block)
            name = hashlib.sha256(block).hexdigest()
            if known.sizes_bytes.get(name) != len(block):
                (folder / "incoming" / name).write_bytes(block)
                known.sizes_bytes[name] = len(block)
                n_new_bytes += len(block)
            blocks.append(name)
            n_bytes += len(block)
    member = Member(
        name=item.name,
        size_bytes=n_bytes,
        sha256=digest.hexdigest(),
        mtime_ns=mtime_ns,
        blocks=tuple(blocks),
    )
    return member, n_new_bytes


def _admit(incoming: Path, folder: Path) -> None:
    """Put parts in their place that are what their names say."""
    places: set[Path] = set()
    for path in incoming.iterdir():
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
            raise ArchiveError(
                f"The backup in {folder} was not read back as it was written. See to its disk; "
                "what was backed up before is as it was."
            )
        target = _object(folder, path.name)
        if target.parent not in places:
            private_folder(target.parent)
            places.add(target.parent)
        path.replace(target)
    for place in places:
        sync_folder(place)


def _prune(folder: Path) -> None:
    states = _states(folder)
    for state in states[:-N_KEPT]:
        state.unlink()
    try:
        kept = {
            digest
            for state in states[-N_KEPT:]
            for member in _read(state).members
            for digest in member.blocks
        }
    except ArchiveError:
        return  # What it names is not known.
    for path in (folder / "objects").glob("??/*"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def _states(folder: Path) -> list[Path]:
    """The files that tell the states of a backup, oldest first."""
    found = (folder / "snapshots").glob("*.json")
    return sorted(path for path in found if not path.name.startswith("."))


def _read(path: Path) -> Manifest:
    try:
        return parse_manifest(path.read_bytes(), path)
    except OSError as error:
        raise ArchiveError(f"{path} can't be read: {error}. Nothing was changed.") from error


def _object(folder: Path, digest: str) -> Path:
    if _DIGEST.fullmatch(digest) is None:
        raise ArchiveError(f"{folder} names a part {digest[:80]!r}, which no backup does. {AGAIN}")
    return folder / "objects" / digest[:2] / digest


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    private_folder(folder)
    lock = FileLock(folder / "backup.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreInUseError(
            f"Another process writes or reads the backup in {folder}. Wait for it to end."
        ) from error
    try:
        yield
    finally:
        lock.release()
