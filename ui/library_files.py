"""Files of the drop folder: adding and deleting them, and listing how each stands."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from kb.errors import ConfigError
from kb.ledger import Ledger
from kb.types import Kind

__all__ = ["LibraryFile", "add_file", "copy_samples", "delete_file", "list_files"]

_MAX_NAME_BYTES = 200
_SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """One file as the Library page shows it.

    Attributes:
        source: Relative to `root`.
        status: ``indexed``, ``partial``, ``failed``, ``waiting`` or ``indexing``.
        kind: None where the file is of no supported kind, or not looked at yet.
        document_sha256: None until it is read.
        is_deletable: Whether it lies in the drop folder, and not in one indexed in place.
    """

    source: str
    root: Path
    kind: Kind | None
    size_bytes: int
    status: str
    reason: str
    n_chunks: int
    document_sha256: str | None
    mtime_ns: int
    is_deletable: bool


def list_files(
    ledger: Ledger, library: Path, waiting: Collection[tuple[str, str]], indexing: str
) -> list[LibraryFile]:
    """Every known file and every one that waits, by source.

    Args:
        waiting: ``(root, path)`` of files that a running sync has still to read.
        indexing: The file that it reads now.
    """
    records = {record.document.sha256: record for record in ledger.records()}
    files: dict[tuple[str, str], LibraryFile] = {}
    for key, path in ledger.paths().items():
        record = records.get(path.sha256 or "")
        files[key] = LibraryFile(
            source=path.path,
            root=Path(path.root),
            kind=record.document.kind if record else None,
            size_bytes=path.size_bytes,
            status=record.status.value if record and not path.reason else "failed",
            reason=path.reason or (record.reason if record else ""),
            n_chunks=record.document.n_chunks if record else 0,
            document_sha256=path.sha256 if record else None,
            mtime_ns=path.mtime_ns,
            is_deletable=Path(path.root) == library,
        )
    for key in waiting:
        root, source = key
        status = "indexing" if source == indexing else "waiting"
        try:
            about = Path(root, source).stat()
        except OSError:
            continue
        files[key] = LibraryFile(
            source=source,
            root=Path(root),
            kind=None,
            size_bytes=about.st_size,
            status=status,
            reason="",
            n_chunks=0,
            document_sha256=None,
            mtime_ns=about.st_mtime_ns,
            is_deletable=Path(root) == library,
        )
    return sorted(files.values(), key=lambda file: file.source.casefold())


def add_file(library: Path, name: str, content: Path) -> str:
    """Copy `content` into the library under `name`, made safe and unique.

    Returns:
        The source: its path relative to the library.
    """
    library.mkdir(parents=True, exist_ok=True)
    target = _free_path(library / _safe_name(name))
    # The watcher passes over names that start with a dot: it sees the file when it is whole.
    temporary = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(content, temporary)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ConfigError(
            f"{name} could not be saved ({error.strerror}). Free some disk space and try again."
        ) from error
    return target.name


def delete_file(library: Path, source: str) -> None:
    """Delete a file of the library from disk.

    Raises:
        ConfigError: It does not lie in the library, or may not be deleted.
    """
    path = library / source
    if not path.parent.resolve().is_relative_to(library.resolve()):
        raise ConfigError(f"{source} does not lie in the library folder. Delete it where it lies.")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{source} could not be deleted ({error.strerror}).") from error


def copy_samples(library: Path) -> list[str]:
    """Copy the samples into an empty library; return their names. A library that holds
    anything is left as it is."""
    if not _SAMPLES.is_dir() or (library.is_dir() and any(library.iterdir())):
        return []
    shutil.copytree(_SAMPLES, library, dirs_exist_ok=True)
    return sorted(path.relative_to(library).as_posix() for path in library.rglob("*.*"))


def _safe_name(name: str) -> str:
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    base = "".join(
        character
        for character in unicodedata.normalize("NFC", base)
        if unicodedata.category(character)[0] != "C"
    ).strip()
    base = base.lstrip(".") or "file"
    stem, suffix = os.path.splitext(base)  # noqa: PTH122 - Path would normalise the name
    while len((stem + suffix).encode()) > _MAX_NAME_BYTES:
        stem = stem[:-1]
    return stem + suffix


def _free_path(path: Path) -> Path:
    candidate, n = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{path.stem} ({n}){path.suffix}")
        n += 1
    return candidate
