"""The list of files on the Library page, with the controls that turn its pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

from markupsafe import Markup

from kb import FileOrder
from kb.text.humanize import size_text
from ui.language import later, ntr, tr
from ui.service.folders import root_key
from ui.service.library import FilesPage, LibraryFile
from ui.service.scope import KIND_LABELS
from ui.told import told
from ui.web.html.render import day_text, message, original_url
from ui.web.html.templates import render
from ui.web.page_errors import MOST_TEXTS

__all__ = ["ORDERS", "STATUSES", "files_html", "folders_html"]

STATUSES = {
    "indexed": later("Indexed"),
    "partial": later("Partial"),
    "failed": later("Failed"),
    "waiting": later("Waiting"),
    "indexing": later("Indexing"),
}
"""How a file can stand, and what that is called."""
ORDERS = {
    FileOrder.NAME: later("File"),
    FileOrder.STATUS: later("Status"),
    FileOrder.SIZE: later("Size"),
    FileOrder.CHUNKS: later("Chunks"),
    FileOrder.CHANGED: later("Changed"),
    FileOrder.DATED: later("Date of the content"),
    FileOrder.KIND: later("Kind"),
}
"""What files are sorted by, and what that is called."""
_COLUMNS = tuple(ORDERS)[:5]
# As `ingest.parsers.pdf.opening` says it.
_LOCKED = "The file is locked with a password"
_ARROWS = {
    "first": "M17 5l-7 7 7 7M7 5v14",
    "previous": "M15 5l-7 7 7 7",
    "next": "M9 5l7 7-7 7",
    "last": "M7 5l7 7-7 7M17 5v14",
}


def files_html(page: FilesPage) -> str:
    """A table of the files of one page, under what there is in all."""
    n_by_status = page.n_by_status
    summary = " · ".join(
        [ntr("{n} file", "{n} files", page.n_files)]
        + [f"{n_by_status[key]:,} {_status_name(key)}" for key in STATUSES if key in n_by_status]
        + [size_text(page.size_bytes)]
    )
    return render(
        "files",
        page=page,
        summary=summary,
        rows=map(_row, page.files),
        arrows=_ARROWS,
        columns=[(order, tr(ORDERS[order])) for order in _COLUMNS],
        orders=[(order, tr(name)) for order, name in ORDERS.items()],
        kinds=[(kind.value, tr(label)) for kind, label in KIND_LABELS.items()],
        # HTML that `message` has escaped.
        none_matches=Markup(message(tr("No file matches. Choose another status, kind or name."))),  # noqa: S704
        status_name=_status_name,
        told=told,
        root_key=root_key,
        most_picked=MOST_TEXTS,
    )


def folders_html(roots: Sequence[Path]) -> str:
    """Where files lie on this computer: the library first, then folders indexed in place."""
    return render("where", roots=list(map(str, roots)))


def _status_name(status: str) -> str:
    """Within a line; English has no capital there."""
    name = tr(STATUSES[status])
    return name.lower()


def _row(file: LibraryFile) -> dict[str, object]:
    """What the table shows of a file beside what it holds."""
    path = PurePosixPath(file.source)
    return {
        "file": file,
        "is_locked": file.reason.startswith(_LOCKED),
        "folder": "" if str(path.parent) == "." else f"{path.parent}/",
        "name": path.name,
        "url": original_url(file.document_sha256) if file.document_sha256 else "",
        "size": size_text(file.size_bytes),
        "changed": f"{datetime.fromtimestamp(file.mtime_ns / 1e9):%Y-%m-%d %H:%M}",
        # That of a file that tells none is when it was changed.
        "dated": "" if file.date_ns in (None, file.mtime_ns) else day_text(file.date_ns),
    }
