"""The list of files on the Library page, with the controls that turn its pages."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath

from kb.text.humanize import size_text
from ui.service.library import FilesPage, LibraryFile
from ui.web.html.render import escape, icon, message, original_url

__all__ = ["STATUSES", "files_html"]

STATUSES = ("indexed", "partial", "failed", "waiting", "indexing")
_ARROWS = {
    "first": "M17 5l-7 7 7 7M7 5v14",
    "previous": "M15 5l-7 7 7 7",
    "next": "M9 5l7 7-7 7",
    "last": "M7 5l7 7-7 7M17 5v14",
}


def files_html(page: FilesPage) -> str:
    """A table of the files of one page, under what there is in all."""
    if not page.n_files:
        return (
            f'<div class="kb-hint">{icon("empty")}<p>No files yet. Drop some above, or copy them '
            "into the library folder.</p></div>"
        )
    n_by_status = page.n_by_status
    summary = " · ".join(
        [f"{page.n_files:,} {'file' if page.n_files == 1 else 'files'}"]
        + [f"{n_by_status[key]:,} {key}" for key in STATUSES if key in n_by_status]
        + [size_text(page.size_bytes)]
    )
    head = f'<p class="kb-summary" role="status">{summary}</p>'
    if not page.n_matching:
        return head + message("No file matches. Choose another status or name.")
    rows = "".join(map(_row, page.files))
    return (
        f'{head}{_pager(page, "top")}<table class="kb-table"><thead><tr><th scope="col">File</th>'
        '<th scope="col">Status</th><th scope="col" class="kb-num">Size</th>'
        '<th scope="col" class="kb-num">Chunks</th><th scope="col">Changed</th>'
        f'<th scope="col"><span class="kb-hidden">Actions</span></th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{_pager(page, 'bottom')}"
    )


def _pager(page: FilesPage, where: str) -> str:
    """Which of the matching files are shown, and the way to the others; nothing where all are."""
    if page.n_pages == 1:
        return ""
    last = page.first + len(page.files) - 1
    first_word, last_word = "First page", "Last page"

    def button(kind: str, to: int, label: str) -> str:
        off = "" if 1 <= to <= page.n_pages and to != page.page else " disabled"
        return (
            f'<button type="button" class="kb-tool" data-page="{to}" data-group="{where}" '
            f'data-focus="{where} {kind}" aria-label="{label}" title="{label}"{off}>'
            '<svg class="kb-icon" viewBox="0 0 24 24" aria-hidden="true">'
            f'<path d="{_ARROWS[kind]}"/></svg></button>'
        )

    return (
        f'<nav class="kb-pager" aria-label="Pages of files, {where}">'
        f'<span class="kb-range">{page.first:,}–{last:,} of {page.n_matching:,}</span>'
        f'<span class="kb-pager-turn">{button("first", 1, first_word)}'
        f"{button('previous', page.page - 1, 'Previous page')}"
        f'<label>Page <input type="number" min="1" max="{page.n_pages}" value="{page.page}" '
        f'inputmode="numeric" data-page-number data-group="{where}" data-focus="{where} number"> '
        f"of {page.n_pages:,}</label>"
        f"{button('next', page.page + 1, 'Next page')}"
        f"{button('last', page.n_pages, last_word)}</span></nav>"
    )


def _row(file: LibraryFile) -> str:
    path = PurePosixPath(file.source)
    folder = "" if str(path.parent) == "." else f"{path.parent}/"
    source = escape(file.source)
    name = (
        f'<span class="kb-folder">{escape(folder)}</span>'
        f'<span class="kb-file-name">{escape(path.name)}</span>'
    )
    if file.document_sha256:
        name = (
            f'<a class="kb-link" href="{escape(original_url(file.document_sha256))}" '
            f'target="_blank" rel="noopener">{name}</a>'
        )
    reason = f'<p class="kb-reason">{escape(file.reason)}</p>' if file.reason else ""
    changed = datetime.fromtimestamp(file.mtime_ns / 1e9)
    retry = (
        f'<button type="button" class="kb-tool kb-tool-text" data-act="retry" '
        f'data-source="{source}" aria-label="Retry {source}">Retry</button>'
        if file.status in {"failed", "partial"}
        else ""
    )
    remove = (
        f'<button type="button" class="kb-tool kb-tool-text" data-act="remove" '
        f'data-source="{source}" aria-label="Delete {source}">Delete</button>'
        if file.is_deletable
        else ""
    )
    return (
        f'<tr data-status="{escape(file.status)}"><td class="kb-cell-file"><div>'
        f'<span class="kb-file-icon">{icon(file.kind or "text")}</span>'
        f'<div class="kb-file" title="{source}">{name}{reason}</div></div></td>'
        f'<td><span class="kb-status kb-status-{escape(file.status)}">{escape(file.status)}'
        f'</span></td><td class="kb-num">{size_text(file.size_bytes)}</td>'
        f'<td class="kb-num">{file.n_chunks}</td>'
        f'<td class="kb-date">{changed:%Y-%m-%d %H:%M}</td>'
        f'<td class="kb-actions">{retry}{remove}</td></tr>'
    )
