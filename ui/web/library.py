"""The Library page: upload, progress, and the files, which can be deleted and read again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ingest.progress import Progress
from kb import FileQuery
from kb.errors import KnowledgeBaseError
from kb.text.humanize import duration_text
from ui.service.library import FilesPage, list_page
from ui.service.service import Service
from ui.service.uploads import safe_name
from ui.web.asking import is_for_questions
from ui.web.events import QUIET
from ui.web.html.files import STATUSES, files_html
from ui.web.html.render import escape, message
from ui.web.page_errors import event_text
from ui.web.upload_folder import opened_upload

__all__ = ["LibraryPage", "build_library", "files_page", "library_state", "progress_html"]

_MAX_PAGE_DIGITS = 9
_MAX_NAME_CHARS = 4_096  # No path is longer, and SQLite takes no pattern of any length.

# Deleting is confirmed in the page's own dialog (static/app.js) before it is sent. Another page
# of the list begins at its top.
_ON_LOAD = """
let focusAgain = () => {};
const begin = () => (focusAgain = window.kb.keepFocus(element));
// The page's own script may come later: an address can open this page at once.
if (window.kb) begin();
else document.addEventListener('kb-ready', begin, {once: true});
let turned = false;
const turn = (page) => { turned = true; trigger('turn', {page: page}); };
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act], [data-page]');
  if (!button) return;
  const data = {source: button.dataset.source};
  if (button.dataset.page) turn(button.dataset.page);
  if (button.dataset.act === 'retry') trigger('retry', data);
  if (button.dataset.act === 'remove') {
    window.kb.confirm(button.dataset.source).then((yes) => yes && trigger('remove', data));
  }
});
element.addEventListener('change', (event) => {
  if (event.target.matches('[data-page-number]')) turn(event.target.value);
});
watch('value', () => {
  focusAgain();
  if (turned && element.getBoundingClientRect().top < 0) element.scrollIntoView();
  turned = false;
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
    # With the names as they were given: Gradio takes characters out of those that it keeps, so that
    # `~$a.docx` would not be known for what it is.
    upload.preprocess = _named
    notice = gr.HTML("", elem_id="kb-notice", apply_default_css=False, js_on_load=None)
    state = gr.HTML(
        lambda: library_state(service),
        elem_id="kb-state",
        apply_default_css=False,
        js_on_load=None,
    )
    with gr.Row(elem_id="kb-library-tools"):
        status = gr.Radio(
            [("All", "all"), *((name.capitalize(), name) for name in STATUSES)],
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
        lambda: files_html(files_page(service)),
        elem_id="kb-files",
        apply_default_css=False,
        js_on_load=_ON_LOAD,
    )
    page = gr.State(1)
    filters = [status, name, page]

    def show(status: str | None, name: str | None, page: int) -> str:
        return files_html(files_page(service, status, name, page))

    def look_for(status: str | None, name: str | None) -> tuple[str, int]:
        return show(status, name, 1), 1

    def turn(status: str | None, name: str | None, event: gr.EventData) -> tuple[str, int]:
        number = event_text(event, "page")
        is_number = number.isdecimal() and len(number) <= _MAX_PAGE_DIGITS
        found = files_page(service, status, name, int(number) if is_number else 1)
        return files_html(found), found.page

    def add(files: list[tuple[str, str]] | None, *filters: Any) -> tuple[Any, ...]:
        added: list[str] = []
        errors: list[str] = []
        # Two uploads of the same bytes and name are one file of the upload folder.
        given = dict(files or [])
        for path, name in given.items():
            try:
                with opened_upload(path) as file:
                    added.append(service.upload(name, file))
            except KnowledgeBaseError as error:
                errors.append(f"{safe_name(name)}: {error}")
        for path in given:
            # A picture may also be in a question that is being written: the same upload.
            if not is_for_questions(path):
                service.scratch.forget(path)
        parts = []
        if added:
            noun = "file was" if len(added) == 1 else "files were"
            parts.append(message(f"{len(added)} {noun} added: {', '.join(added)}"))
        parts += [message(text, kind="error", title="Not added") for text in errors]
        return None, "".join(parts), show(*filters), library_state(service)

    def remove(
        status: str | None, name: str | None, page: int, event: gr.EventData
    ) -> tuple[str, str]:
        source = event_text(event, "source")
        try:
            service.remove(source)
        except KnowledgeBaseError as error:
            text = message(str(error), kind="error", title="Not deleted")
            return text, show(status, name, page)
        return message(f"{source} was deleted."), show(status, name, page)

    def retry(
        status: str | None, name: str | None, page: int, event: gr.EventData
    ) -> tuple[str, str]:
        source = event_text(event, "source")
        service.retry([source])
        return message(f"{source} will be read again."), show(status, name, page)

    def retry_failed(*filters: Any) -> tuple[str, str]:
        failed = [file.source for file in service.files() if file.status in {"failed", "partial"}]
        if not failed:
            return message("No file has failed."), show(*filters)
        service.retry(failed)
        noun = "file" if len(failed) == 1 else "files"
        return message(f"{len(failed)} {noun} will be read again."), show(*filters)

    upload.upload(add, [upload, *filters], [upload, notice, table, state], **QUIET)
    looked_for = [status.change, name.change]
    gr.on(looked_for, look_for, [status, name], [table, page], trigger_mode="always_last", **QUIET)
    # Each with data of its own, so none may be left out for another that is under way.
    each: dict[str, Any] = QUIET | {"trigger_mode": "multiple"}
    table.turn(turn, [status, name], [table, page], **each)
    table.remove(remove, filters, [notice, table], **each)
    table.retry(retry, filters, [notice, table], **each)
    retry_all.click(retry_failed, filters, [notice, table], **QUIET)
    return LibraryPage(state, table, filters)


def _named(payload: Any) -> list[tuple[str, str]]:
    """``(path, name)`` of each file that a page uploaded."""
    files = payload.root if hasattr(payload, "root") else [payload] if payload else []
    return [(file.path, file.orig_name or Path(file.path).name) for file in files]


def files_page(
    service: Service, status: str | None = None, name: str | None = None, page: int = 1
) -> FilesPage:
    """A page of the files that have a status and whose names contain `name`. Both are None while
    the page that chooses them has not been opened."""
    query = FileQuery(
        waiting=service.syncer.waiting(),
        reading=service.progress().current,
        status="" if status in {None, "all"} else str(status),
        name=(name or "").strip()[:_MAX_NAME_CHARS],
    )
    return list_page(service.kb.ledger, service.home.library, query, page)


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
