"""Files of the library: how each stands."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.dates import clamp_ns
from kb import FileQuery, FileRow, Ledger
from kb.types import Kind
from ui.service.folders import Folder, open_folders

__all__ = [
    "PAGE_FILES",
    "FilesPage",
    "LibraryFile",
    "copy_samples",
    "list_files",
    "list_page",
]

PAGE_FILES = 200
# Of a checkout; a wheel has them beside this module.
_SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"
if not _SAMPLES.is_dir():
    _SAMPLES = Path(__file__).resolve().parent / "samples"


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """One file as the Library page shows it.

    Attributes:
        source: Relative to `root`.
        status: ``indexed``, ``partial``, ``failed``, ``waiting`` or ``indexing``.
        kind: None where the file is of no supported kind, or not looked at yet.
        document_sha256: None until it is read.
        date_ns: When its content was made; see `kb.types.Document`. None until it is read.
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
    date_ns: int | None
    is_deletable: bool


@dataclass(frozen=True, slots=True)
class FilesPage:
    """Some of the files, and how many there are.

    Attributes:
        first: The number of the first one among those that match, from 1.
        n_matching: Files of the status and the name that were looked for.
        n_by_status: All files.
        size_bytes: Of all files, as far as they were looked at.
        query: What was looked for.
        folders: The tree of folders, of all files.
    """

    files: list[LibraryFile]
    first: int
    n_matching: int
    n_by_status: dict[str, int]
    size_bytes: int
    query: FileQuery
    folders: list[Folder]

    @property
    def n_files(self) -> int:
        """All files."""
        return sum(self.n_by_status.values())

    @property
    def page(self) -> int:
        """Which page it is, from 1."""
        return (self.first - 1) // PAGE_FILES + 1

    @property
    def n_pages(self) -> int:
        """How many there are, at least one."""
        return _n_pages(self.n_matching)


def list_files(
    ledger: Ledger, library: Path, waiting: Collection[tuple[str, str]], indexing: str
) -> list[LibraryFile]:
    """Every known file and every one that waits, by source.

    Args:
        waiting: ``(root, path)`` of files that a running sync has still to read.
        indexing: The file that it reads now.
    """
    return _library_files(ledger.files(FileQuery(waiting, indexing)), library)


def list_page(ledger: Ledger, library: Path, query: FileQuery, page: int) -> FilesPage:
    """The files of one page; the last page where there are fewer.

    Args:
        page: From 1.
    """
    every = replace(query, status="", kind="", name="", root="", folder="")
    everything = ledger.count_files(every)
    matching = everything if query == every else ledger.count_files(query)
    n_matching = sum(count.n_files for count in matching.values())
    offset = (min(max(page, 1), _n_pages(n_matching)) - 1) * PAGE_FILES
    return FilesPage(
        files=_library_files(ledger.files(query, PAGE_FILES, offset), library),
        first=offset + 1,
        n_matching=n_matching,
        n_by_status={status: count.n_files for status, count in everything.items()},
        size_bytes=sum(count.size_bytes for count in everything.values()),
        query=query,
        folders=open_folders(ledger.folders(every), query.root, query.folder),
    )


def _n_pages(n_files: int) -> int:
    return max(1, -(-n_files // PAGE_FILES))


def _library_files(rows: Iterable[FileRow], library: Path) -> list[LibraryFile]:
    files: list[LibraryFile] = []
    for row in rows:
        size_bytes, mtime_ns = row.size_bytes, row.mtime_ns
        if size_bytes is None or mtime_ns is None:
            # Seen by the running sync only: the ledger gets it when it is read.
            try:
                about = Path(row.root, row.path).stat()
            except OSError:
                continue
            size_bytes, mtime_ns = about.st_size, clamp_ns(about.st_mtime_ns)
        files.append(
            LibraryFile(
                source=row.path,
                root=Path(row.root),
                kind=Kind(row.kind) if row.kind else None,
                size_bytes=size_bytes,
                status=row.status,
                reason=row.reason,
                n_chunks=row.n_chunks,
                document_sha256=row.sha256,
                mtime_ns=mtime_ns,
                date_ns=row.date_ns,
                is_deletable=Path(row.root) == library,
            )
        )
    return files


def copy_samples(library: Path) -> list[str]:
    """Copy the samples into an empty library; return their names. A library that holds
    anything is left as it is."""
    if library.is_dir() and any(library.iterdir()):
        return []
    shutil.copytree(_SAMPLES, library, dirs_exist_ok=True)
    return sorted(path.relative_to(library).as_posix() for path in library.rglob("*.*"))
