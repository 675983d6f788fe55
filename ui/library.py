"""The Library page: files with their status and reasons, progress, upload, delete, retry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr

from ingest.progress import Progress
from kb.errors import KnowledgeBaseError
from kb.quantities import duration_text, size_text
from ui.chat import QUIET
from ui.library_files import LibraryFile
from ui.render import escape, icon, message, original_url
from ui.service import Service

__all__ = ["LibraryPage", "build_library", "files_html", "library_state", "progress_html"]

_STATUSES = ("indexed", "partial", "failed", "waiting", "indexing")
_N_SHOWN = 200

# Deleting is confirmed in the page's own dialog (static/app.js) before it is sent.
_ON_LOAD = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button) return;
  const data = {source: button.dataset.source};
  if (button.dataset.act === 'retry') trigger('retry', data);
  if (button.dataset.act === 'remove') {
    window.kb.confirm(button.dataset.source).then((yes) => yes && trigger('remove', data));
  }
});
"""


@dataclass(frozen=True)
class LibraryPage:
    """What the app's timer refreshes."""

    state: gr.HTML
    table: gr.HTML
    filters: list[gr.components.Component]


def build_library(service: Service) -> LibraryPage:
    """The page's components and their events, in the current Blocks context."""
    upload = gr.File(
        label="Add files",
        show_label=False,
        file_count="multiple",
        height=132,
        elem_id="kb-upload",
    )
    notice = gr.HTML("", elem_id="kb-notice", apply_default_css=False, js_on_load=None)
    state = gr.HTML(
        lambda: library_state(service),
        elem_id="kb-state",
        apply_default_css=False,
        js_on_load=None,
    )
    with gr.Row(elem_id="kb-library-tools"):
        status = gr.Radio(
            [("All", "all"), *((name.capitalize(), name) for name in _STATUSES)],
            value="all",
            label="Status",
            show_label=False,
            container=False,
            elem_id="kb-status-filter",
            scale=3,
        )
        name = gr.Textbox(
            placeholder="Find a file by name",
            label="Find a file by name",
            show_label=False,
            container=False,
            elem_id="kb-name-filter",
            scale=1,
            min_width=180,
        )
        retry_all = gr.Button("Retry failed", size="sm", elem_id="kb-retry-all", scale=0)
    table = gr.HTML(
        lambda: files_html(service.files(), "all", ""),
        elem_id="kb-files",
        apply_default_css=False,
        js_on_load=_ON_LOAD,
    )
    filters = [status, name]

    def show(status: str | None, name: str | None) -> str:
        return files_html(service.files(), status, name)

    def add(paths: list[str] | None, status: str, name: str) -> tuple[Any, ...]:
        added: list[str] = []
        errors: list[str] = []
        for path in map(Path, paths or []):
            try:
                added.append(service.upload(path.name, path))
            except KnowledgeBaseError as error:
                errors.append(f"{path.name}: {error}")
        parts = []
        if added:
            noun = "file was" if len(added) == 1 else "files were"
            parts.append(message(f"{len(added)} {noun} added: {', '.join(added)}"))
        parts += [message(text, kind="error", title="Not added") for text in errors]
        return None, "".join(parts), show(status, name), library_state(service)

    def remove(status: str, name: str, event: gr.EventData) -> tuple[str, str]:
        try:
            service.remove(str(event.source))
        except KnowledgeBaseError as error:
            return message(str(error), kind="error", title="Not deleted"), show(status, name)
        return message(f"{event.source} was deleted."), show(status, name)

    def retry(status: str, name: str, event: gr.EventData) -> tuple[str, str]:
        service.retry([str(event.source)])
        return message(f"{event.source} will be read again."), show(status, name)

    def retry_failed(status: str, name: str) -> tuple[str, str]:
        failed = [file.source for file in service.files() if file.status in {"failed", "partial"}]
        if not failed:
            return message("No file has failed."), show(status, name)
        service.retry(failed)
        noun = "file" if len(failed) == 1 else "files"
        return message(f"{len(failed)} {noun} will be read again."), show(status, name)

    upload.upload(add, [upload, *filters], [upload, notice, table, state], **QUIET)
    gr.on([status.change, name.change], show, filters, table, trigger_mode="always_last", **QUIET)
    table.remove(remove, filters, [notice, table], **QUIET)
    table.retry(retry, filters, [notice, table], **QUIET)
    retry_all.click(retry_failed, filters, [notice, table], **QUIET)
    return LibraryPage(state, table, filters)


def library_state(service: Service) -> str:
    """How far the running sync has come, or what stopped the last one."""
    progress = service.progress()
    if progress.running:
        return progress_html(progress)
    alert = service.alert
    return message(alert, kind="warning", title="The last sync was stopped") if alert else ""


def progress_html(progress: Progress) -> str:
    """A bar with the file being read, the rate and the time left."""
    facts = []
    if progress.n_total:
        facts.append(f"{progress.n_done} of {progress.n_total} files")
    if progress.rate_per_s:
        facts.append(f"{progress.rate_per_s:.1f} files/s")
    if progress.eta_s is not None:
        facts.append(f"{duration_text(progress.eta_s)} left")
    share = 100 * progress.n_done / progress.n_total if progress.n_total else 0.0
    doing = {"scan": "Looking for changes", "tidy": "Tidying up"}.get(progress.stage)
    return (
        '<div class="kb-progress"><div class="kb-progress-text">'
        f'<span class="kb-name">{escape(doing or progress.current or "Reading files")}</span>'
        f'<span class="kb-muted">{" · ".join(facts)}</span></div>'
        f'<progress max="100" value="{share:.1f}" aria-label="Indexing"></progress></div>'
    )


def files_html(files: Sequence[LibraryFile], status: str | None, name: str | None) -> str:
    """The table of files, limited to a status and to names that contain `name`. Both are
    None while the page that chooses them has not been opened."""
    if not files:
        return (
            f'<div class="kb-hint">{icon("empty")}<p>No files yet. Drop some above, or copy them '
            "into the library folder.</p></div>"
        )
    counts = Counter(file.status for file in files)
    wanted = (name or "").strip().casefold()
    matching = [
        file
        for file in files
        if status in {None, "all", file.status} and wanted in file.source.casefold()
    ]
    summary = " · ".join(
        [f"{len(files)} {'file' if len(files) == 1 else 'files'}"]
        + [f"{counts[key]} {key}" for key in _STATUSES if counts[key]]
        + [size_text(sum(file.size_bytes for file in files))]
    )
    head = f'<p class="kb-summary" role="status">{summary}</p>'
    if not matching:
        return head + message("No file matches. Choose another status or name.")
    more = (
        f'<p class="kb-muted">The first {_N_SHOWN} of {len(matching)} are shown. '
        "Find others by name.</p>"
        if len(matching) > _N_SHOWN
        else ""
    )
    rows = "".join(map(_row, matching[:_N_SHOWN]))
    return (
        f'{head}<table class="kb-table"><thead><tr><th scope="col">File</th>'
        '<th scope="col">Status</th><th scope="col" class="kb-num">Size</th>'
        '<th scope="col" class="kb-num">Chunks</th><th scope="col">Changed</th>'
        f'<th scope="col"><span class="kb-hidden">Actions</span></th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{more}"
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
