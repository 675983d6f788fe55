"""The list of files on the Library page, with the controls that turn its pages."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath

from markupsafe import Markup

from kb.text.humanize import size_text
from ui.service.library import FilesPage, LibraryFile
from ui.web.html.render import message, original_url
from ui.web.html.templates import render

__all__ = ["STATUSES", "files_html"]

STATUSES = ("indexed", "partial", "failed", "waiting", "indexing")
_ARROWS = {
    "first": "M17 5l-7 7 7 7M7 5v14",
    "previous": "M15 5l-7 7 7 7",
    "next": "M9 5l7 7-7 7",
    "last": "M7 5l7 7-7 7M17 5v14",
}
_NONE_MATCHES = Markup(  # noqa: S704 - HTML that `message` has escaped
    message("No file matches. Choose another status or name.")
)


def files_html(page: FilesPage) -> str:
    """A table of the files of one page, under what there is in all."""
    n_by_status = page.n_by_status
    summary = " · ".join(
        [f"{page.n_files:,} {'file' if page.n_files == 1 else 'files'}"]
        + [f"{n_by_status[key]:,} {key}" for key in STATUSES if key in n_by_status]
        + [size_text(page.size_bytes)]
    )
    return render(
        "files",
        page=page,
        summary=summary,
        rows=map(_row, page.files),
        arrows=_ARROWS,
        none_matches=_NONE_MATCHES,
    )


def _row(file: LibraryFile) -> dict[str, object]:
    """What the table shows of a file beside what it holds."""
    path = PurePosixPath(file.source)
    return {
        "file": file,
        "folder": "" if str(path.parent) == "." else f"{path.parent}/",
        "name": path.name,
        "url": original_url(file.document_sha256) if file.document_sha256 else "",
        "size": size_text(file.size_bytes),
        "changed": f"{datetime.fromtimestamp(file.mtime_ns / 1e9):%Y-%m-%d %H:%M}",
    }
