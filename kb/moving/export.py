"""Exports: a knowledge base in one file."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from kb.config import Config, Home
from kb.errors import ArchiveError, ConfigError, StoreInUseError
from kb.files import move_whole
from kb.moving.manifest import MANIFEST, Manifest, Member
from kb.moving.reading import BLOCK_BYTES
from kb.moving.snapshot import Item, take_snapshot
from kb.private import private_file

__all__ = ["Listen", "export_library"]

Listen = Callable[[str, int, int], None]
"""Told what is done, and how many bytes of how many."""

# Deflate gains nothing on these.
_PACKED = frozenset(
    ".7z .avi .bz2 .docx .epub .flac .gif .gz .heic .jpeg .jpg .m4a .m4v .mkv .mov .mp3 .mp4 .odp "
    ".ods .odt .ogg .opus .pdf .png .pptx .webm .webp .xlsx .xz .zip".split()
)


def export_library(
    home: Home, config: Config, target: Path, *, with_vectors: bool, listen: Listen
) -> Manifest:
    """Write library, ledger, conversations, settings without secrets, pictures and vectors of
    `home` to the file `target`, which appears whole or not at all. `kb up` may run.

    Raises:
        ConfigError: `target` is there already, or lies in the library.
        ArchiveError: It can't be written.
        StoreInUseError: Another process writes it.
        StoreError: As `take_snapshot`.
    """
    target = target.expanduser().resolve()
    if target.exists():
        raise ConfigError(f"{target} is there already. Name another file, or delete that one.")
    if target.is_relative_to(home.library.resolve()):
        raise ConfigError(
            f"{target} lies in the library, of which it would be a part. Name another."
        )
    # Hidden, and on the disk that must have room for it. One that was killed leaves them to the
    # next one.
    written, work, mark = (
        target.with_name(f".{target.name}.{suffix}") for suffix in ("part", "work", "lock")
    )
    lock = FileLock(mark, thread_local=False)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
        try:
            _clear(written, work)
            work.mkdir(mode=0o700)
            return _write(home, config, target, written, work, with_vectors, listen)
        finally:
            _clear(written, work)
            lock.release()
            mark.unlink(missing_ok=True)
    except Timeout as error:
        raise StoreInUseError(
            f"Another export to {target} is under way. Wait for it to end, or name another file."
        ) from error
    except OSError as error:
        raise ArchiveError(
            f"{target} could not be written: {error}. Nothing is left of it. Free some space, or "
            "name a file on another disk."
        ) from error


def _clear(written: Path, work: Path) -> None:
    written.unlink(missing_ok=True)
    shutil.rmtree(work, ignore_errors=True)


def _write(
    home: Home,
    config: Config,
    target: Path,
    written: Path,
    work: Path,
    with_vectors: bool,
    listen: Listen,
) -> Manifest:
    snapshot = take_snapshot(home, config, work, with_vectors=with_vectors)
    members: list[Member] = []
    n_done = 0
    left_out = dict(snapshot.manifest.left_out)
    private_file(written)
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for item in snapshot.items:
            listen("Exporting", n_done, snapshot.n_bytes)
            if (member := _add(archive, item)) is None:
                left_out[item.name] = "it could not be read, or is gone"
            else:
                members.append(member)
                n_done += member.size_bytes
        manifest = snapshot.manifest.model_copy(
            update={"members": tuple(members), "left_out": left_out}
        )
        archive.writestr(MANIFEST, manifest.model_dump_json())
    move_whole(written, target)
    return manifest


def _add(archive: zipfile.ZipFile, item: Item) -> Member | None:
    """What was written; None where the file can't be opened."""
    try:
        file = item.path.open("rb")
    except OSError:
        return None
    with file:
        about = item.path.stat()
        is_packed = item.path.suffix.lower() in _PACKED
        info = zipfile.ZipInfo(item.name)
        info.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        digest, n_bytes = hashlib.sha256(), 0
        # A file that grows meanwhile is taken as far as it is read: the digest is of that.
        with archive.open(info, "w", force_zip64=True) as member:
            while block := file.read(BLOCK_BYTES):
                member.write(block)
                digest.update(block)
                n_bytes += len(block)
    return Member(
        name=item.name,
        size_bytes=n_bytes,
        sha256=digest.hexdigest(),
        mtime_ns=about.st_mtime_ns,
    )
