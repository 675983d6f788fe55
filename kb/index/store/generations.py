"""The folder of an embedded store: which shard is the current one, and copies of it.

::

    qdrant/
      lock            held by the process that has the store open
      owner.json      that process's id
      meta.json       the schema's identity and the current shard
      shard-000007/     the current shard
      shard-000007.lock held by the worker that has it open

`meta.json` is replaced in one step, so at any instant it names one whole shard. Every other
shard is a leftover of a compaction or a creation that did not end.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from kb.errors import StoreUnavailableError
from kb.files import sync_folder, write_whole

__all__ = ["Generations", "Meta", "copy_sparse", "disk_bytes", "sync_tree"]

_COPY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Meta:
    """What `meta.json` says.

    Attributes:
        identity: See `CollectionSchema.identity`.
        shard: Name of the current shard's folder.
    """

    identity: dict[str, str]
    shard: str


class Generations:
    """The shards in `path`. Only the holder of the store's lock may use it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path / "meta.json"

    def read(self) -> Meta | None:
        """None where no store has been made yet.

        Raises:
            StoreUnavailableError: `meta.json` can't be read, or its shard is missing.
        """
        try:
            value = json.loads(self._file.read_text("utf-8"))
            meta = Meta(dict(value["identity"]), str(value["shard"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreUnavailableError(
                f"{self._file} can't be read: {error!r}. Run `kb sync --rebuild` to make the "
                "vector store anew from the library.",
                collection=str(self.path),
            ) from error
        if not (self.path / meta.shard).is_dir():
            raise StoreUnavailableError(
                f"The vector store's folder {self.path / meta.shard} is missing. Put it back, "
                "or run `kb sync --rebuild` to make the vector store anew from the library.",
                collection=str(self.path),
            )
        return meta

    def write(self, meta: Meta) -> None:
        """Make `meta.shard` the current shard, durably and in one step."""
        value = {"identity": meta.identity, "shard": meta.shard}
        write_whole(self._file, json.dumps(value, indent=2))

    def fresh(self) -> Path:
        """A folder for a new shard, which does not exist yet."""
        numbers = [int(entry.name[6:12]) for entry in self.path.glob("shard-[0-9]*")]
        return self.path / f"shard-{max(numbers, default=0) + 1:06d}"

    def remove_leftovers(self, current: str | None) -> None:
        """Delete every shard but `current`. One that an orphaned compaction still writes to
        is passed over; the next opening finds it again."""
        for folder in self.path.glob("shard-[0-9][0-9][0-9][0-9][0-9][0-9]"):
            if folder.name == current:
                continue
            lock = FileLock(f"{folder}.lock")
            try:
                with lock.acquire(timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
            except Timeout:
                continue
        for file in self.path.glob("shard-*.lock"):
            if file.stem != current and not file.with_suffix("").exists():
                file.unlink(missing_ok=True)


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a folder, leaving runs of zeros unwritten: the engine allots files of 32 MiB
    that stay mostly empty. A file that vanishes meanwhile was temporary."""
    target.mkdir(parents=True)
    for entry in source.iterdir():
        if entry.is_dir():
            copy_sparse(entry, target / entry.name)
            continue
        try:
            _copy_file(entry, target / entry.name)
        except FileNotFoundError:
            continue


def _copy_file(source: Path, target: Path) -> None:
    zeros = bytes(_COPY_BYTES)
    with open(source, "rb", buffering=0) as reader, open(target, "wb", buffering=0) as writer:
        while block := reader.read(_COPY_BYTES):
            if block == zeros[: len(block)]:
                writer.seek(len(block), os.SEEK_CUR)
            else:
                writer.write(block)
        writer.truncate(reader.tell())


def disk_bytes(folder: Path) -> int:
    """What a folder takes on disk; a hole in a file takes nothing."""
    total = 0
    for entry in folder.rglob("*"):
        try:
            status = entry.stat()
        except FileNotFoundError:
            continue
        # 512 whatever the file system's block size is (POSIX); Windows has no such field.
        total += status.st_blocks * 512 if hasattr(status, "st_blocks") else status.st_size
    return total


def sync_tree(folder: Path) -> None:
    """Wait until every file below `folder` is on the disk itself."""
    for entry in folder.rglob("*"):
        try:
            if entry.is_dir():
                sync_folder(entry)
            else:
                with open(entry, "r+b", buffering=0) as file:
                    os.fsync(file.fileno())
        except FileNotFoundError:
            continue
    sync_folder(folder)
