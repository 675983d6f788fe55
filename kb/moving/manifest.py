"""What an export or a backup holds, told by its manifest.

Members are named as they lie in a home: ``library/…``, ``index/ledger.sqlite3``,
``index/assets/…``, ``index/qdrant/shard-000001/…``. Nothing else is
taken in: no tokens, and no note of a server.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PureWindowsPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kb.errors import ArchiveError

__all__ = [
    "FORMAT",
    "LEDGER",
    "MANIFEST",
    "MAX_MANIFEST_BYTES",
    "SETTINGS",
    "Manifest",
    "Member",
    "parse_manifest",
]

FORMAT = 1
"""Counted up when a manifest of before can't be read as it is."""

MANIFEST = "manifest.json"
LEDGER = "index/ledger.sqlite3"
SETTINGS = "kb.yaml"
_FILES = frozenset(
    {LEDGER, SETTINGS, "claims.json", "index/words.txt", "index/remote_encoder.json"}
)
_FOLDERS = ("library/", "index/assets/", "index/ocr/", "index/speech/", "index/qdrant/")
MAX_MANIFEST_BYTES = 1 << 30
"""Four million files have that much."""
# Windows takes none of these in a name.
_NOT_ON_WINDOWS = frozenset('<>:"|?*\\')


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Member(_Part):
    """A file that travels.

    Attributes:
        name: As it lies in a home, with forward slashes.
        sha256: Hex digest of its bytes.
        mtime_ns: When it was changed last, so that the next sync finds it unchanged.
        blocks: Of a backup: hex digests of the parts that it is kept in, in order.
    """

    name: str
    size_bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    # What a file system's clock holds: Python's own numbers have no end.
    mtime_ns: int = Field(ge=-(2**63), lt=2**63)
    blocks: tuple[str, ...] = ()


class Manifest(_Part):
    """What travels, and what it was made with.

    Attributes:
        program: The version that made it.
        made_ns: Nanoseconds since the epoch.
        home: The absolute folder that it was made of.
        library: Likewise, of its library, which the ledger names.
        profile: Of the index; None where nothing was indexed.
        ledger_version: Of the ledger's schema; 0 without a ledger.
        identity: Of the vectors: the encoders' fingerprints. None where none travel.
        outside: Folders that are indexed in place and do not travel.
        left_out: Files that do not travel, with the reason.
    """

    format: int
    program: str
    made_ns: int
    home: str
    library: str
    profile: str | None
    ledger_version: int
    n_documents: int
    n_conversations: int
    identity: Mapping[str, str] | None
    outside: tuple[str, ...] = ()
    left_out: Mapping[str, str] = {}
    members: tuple[Member, ...]

    @property
    def n_bytes(self) -> int:
        """Of all members, unpacked."""
        return sum(member.size_bytes for member in self.members)

    @property
    def n_files(self) -> int:
        """Files of the library."""
        return sum(member.name.startswith("library/") for member in self.members)


class _Format(_Part):
    format: int


def parse_manifest(data: bytes, where: Path) -> Manifest:
    """The manifest of an export or a backup.

    Args:
        data: JSON.
        where: What it is of, for messages.

    Raises:
        ArchiveError: It is none, is of a newer version, or names what no home holds.
    """
    try:
        found = _Format.model_validate_json(data).format
        if found > FORMAT:
            raise ArchiveError(
                f"{where} was made by a newer version: its format is {found}, this program knows "
                f"up to {FORMAT}. Update the program, then try again."
            )
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        raise ArchiveError(
            f"{where} holds no manifest of an export or a backup that can be read. Copy it again "
            "from where it was made."
        ) from error
    for member in manifest.members:
        if why := _unfit(member.name):
            raise ArchiveError(
                f"{where} names a file that is not taken in, {member.name[:200]!r}: {why}. No "
                "export or backup does by itself."
            )
    _check_distinct([member.name for member in manifest.members], where)
    return manifest


def _unfit(name: str) -> str:
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in name:
        return "it leads elsewhere"
    if os.name == "nt" and (
        _NOT_ON_WINDOWS & set(name)
        or PureWindowsPath(name).is_reserved()
        or any(part[-1] in ". " for part in parts)
    ):
        return "Windows takes no such name; rename it where it was made"
    if name not in _FILES and not name.startswith(_FOLDERS):
        return "a home holds no such file"
    return ""


def _check_distinct(names: Sequence[str], where: Path) -> None:
    if len(set(names)) != len(names):
        raise ArchiveError(f"{where} names a file twice. No export or backup does by itself.")
