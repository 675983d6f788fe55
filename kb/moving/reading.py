"""Reading exports and backups: neither a byte nor a name of theirs is believed."""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from kb.errors import ArchiveError
from kb.moving.manifest import MANIFEST, MAX_MANIFEST_BYTES, Manifest, Member, parse_manifest

__all__ = ["AGAIN", "BLOCK_BYTES", "Archive", "ZipArchive", "verified"]

BLOCK_BYTES = 4 << 20
AGAIN = "Nothing was changed. Copy it again from where it was made, or make a new one."
# Zeros shrink a thousandfold, and an embedded store allots files of them.
_SPARE_BYTES = 2 << 30
_MAX_RATIO = 200
# Of a damaged member, whatever it is that the decoder trips over.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class Archive(Protocol):
    """An export or a backup that is being read."""

    path: Path
    manifest: Manifest

    def blocks(self, member: Member) -> Iterator[bytes]:
        """The bytes of a member, a few megabytes at a time, unverified.

        Raises:
            ArchiveError: They can't be read.
        """
        ...

    def close(self) -> None:
        """Close its files."""
        ...


class ZipArchive:
    """An export.

    Raises:
        ArchiveError: The file is none, is damaged, or is made to do harm.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (*_DAMAGE, OSError) as error:
            raise ArchiveError(f"{path} can't be read as an export ({error}). {AGAIN}") from error
        try:
            self._members = self._listed()
            self.manifest = parse_manifest(self._read_manifest(), path)
            self._check()
        except BaseException:
            self._zip.close()
            raise

    def blocks(self, member: Member) -> Iterator[bytes]:
        """See `Archive.blocks`."""
        try:
            with self._zip.open(self._members[member.name]) as file:
                yield from _blocks(file)
        except (*_DAMAGE, OSError) as error:
            raise ArchiveError(
                f"{self.path} is damaged: {member.name!r} can't be read ({error}). {AGAIN}"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def _listed(self) -> dict[str, zipfile.ZipInfo]:
        found: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if stat.S_ISLNK(info.external_attr >> 16):
                raise ArchiveError(f"{self.path} holds a link, {info.filename!r}. {AGAIN}")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ArchiveError(
                    f"{self.path} has {info.filename!r} packed as no export does. {AGAIN}"
                )
            if info.filename in found:
                raise ArchiveError(f"{self.path} holds {info.filename!r} twice. {AGAIN}")
            found[info.filename] = info
        return found

    def _read_manifest(self) -> bytes:
        info = self._members.pop(MANIFEST, None)
        if info is None:
            raise ArchiveError(
                f"{self.path} is a zip file, but no export of `kb export`: it has no {MANIFEST}."
            )
        # It is read into memory as a whole.
        if info.file_size > MAX_MANIFEST_BYTES:
            raise ArchiveError(f"The manifest of {self.path} is larger than any that is made.")
        self._require_modest(info.file_size)
        try:
            return self._zip.read(info)
        except (*_DAMAGE, OSError) as error:
            raise ArchiveError(
                f"{self.path} is damaged: its manifest can't be read ({error}). {AGAIN}"
            ) from error

    def _check(self) -> None:
        told = {member.name: member.size_bytes for member in self.manifest.members}
        held = {name: info.file_size for name, info in self._members.items()}
        if missing := sorted(told.keys() - held.keys()):
            raise ArchiveError(f"{self.path} is damaged: {missing[0]!r} is missing. {AGAIN}")
        if other := sorted(held.keys() - told.keys()):
            raise ArchiveError(f"{self.path} holds {other[0]!r}, which it does not tell. {AGAIN}")
        if wrong := sorted(name for name in told if told[name] != held[name]):
            raise ArchiveError(f"{self.path} is damaged: {wrong[0]!r} has another size. {AGAIN}")
        self._require_modest(sum(held.values()))

    def _require_modest(self, n_bytes: int) -> None:
        if n_bytes > _SPARE_BYTES + _MAX_RATIO * self.path.stat().st_size:
            raise ArchiveError(
                f"{self.path} would unpack to {n_bytes:,} bytes, which no export of its size does. "
                "Nothing was unpacked."
            )


def verified(archive: Archive, member: Member) -> Iterator[bytes]:
    """The bytes of a member, a few megabytes at a time: all of them, or an error at the end.

    Raises:
        ArchiveError: They are not those that were written.
    """
    digest, n_bytes = hashlib.sha256(), 0
    for block in archive.blocks(member):
        n_bytes += len(block)
        # Before they are written anywhere: a damaged one could go on for ever.
        if n_bytes > member.size_bytes:
            break
        digest.update(block)
        yield block
    if n_bytes != member.size_bytes or digest.hexdigest() != member.sha256:
        raise ArchiveError(
            f"{archive.path} is damaged: {member.name!r} is not what was written. {AGAIN}"
        )


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block
