"""The Library page: upload, progress, the files and what is done with them, and the trash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr

from ingest.progress import Progress
from kb.errors import KnowledgeBaseError
from kb.text.humanize import duration_text, timestamp
from ui.language import later, ntr, tr
from ui.service.service import Service
from ui.service.uploads import safe_name
from ui.told import told
from ui.web.asking import is_for_questions
from ui.web.events import QUIET, with_script
from ui.web.html.files import STATUSES, files_html, folders_html
from ui.web.html.render import escape, message
from ui.web.html.trash import trash_html, undo_html
from ui.web.looked import Looked, files_page
from ui.web.looking import build_looking
from ui.web.page_errors import event_text, event_texts
from ui.web.spoken_page import made_html
from ui.web.upload_folder import opened_upload

__all__ = ["LibraryPage", "build_library", "library_state", "progress_html"]

# Gradio takes events alone whose names stand here in quotes.
_ON_FILES = with_script("window.kb.files(element, trigger, watch)") + (
    "// 'turn' 'folder' 'sort' 'kind' 'look' 'all' 'rename' 'remove' 'retry' 'unlock' 'many'"
)
_ON_TRASH = with_script("window.kb.trash(element, trigger, watch)")
_ON_NOTICE = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-undo]');
  if (!button) return;
  button.disabled = true;
  trigger('undo', {ids: button.dataset.undo.split(' ')});
});
"""


@dataclass(frozen=True)
class LibraryPage:
    """What the app's timer refreshes."""

    state: gr.HTML
    table: gr.HTML
    trash: gr.HTML
    filters: list[gr.components.Component]


def build_library(service: Service, *, is_owner: bool) -> LibraryPage:
    """The page's components and their events, in the current Blocks context.

    Args:
        is_owner: Whether those who open the page are at this computer, and may see its folders.
    """
    upload = gr.File(
        label=later("Add files"),
        show_label=False,
        file_count="multiple",
        height=132,
        elem_id="kb-upload",
    )
    # With the names as they were given: Gradio takes characters out of those that it keeps, so that
    # `~$a.docx` would not be known for what it is.
    upload.preprocess = _named
    if is_owner:
        made_html(lambda: folders_html(service.syncer.roots()), elem_id="kb-where")
    notice = gr.HTML("", elem_id="kb-notice", apply_default_css=False, js_on_load=_ON_NOTICE)
    state = made_html(lambda: library_state(service), elem_id="kb-state")
    with gr.Row(elem_id="kb-library-tools"):
        status = gr.Radio(
            [(later("All"), "all"), *((name, status) for status, name in STATUSES.items())],
            value="all",
            label=later("Status"),
            show_label=False,
            container=False,
            elem_id="kb-status-filter",
            scale=3,
        )
        name = gr.Textbox(
            placeholder=later("Find a file by name"),
            label=later("Find a file by name"),
            show_label=False,
            container=False,
            elem_id="kb-name-filter",
            scale=1,
            min_width=180,
        )
        retry_all = gr.Button(later("Retry failed"), size="sm", elem_id="kb-retry-all", scale=0)
    table = made_html(
        lambda: files_html(files_page(service)),
        elem_id="kb-files",
        js_on_load=_ON_FILES,
    )

    def in_trash() -> str:
        return trash_html(service.shelf.trash.find())

    trash = made_html(in_trash, elem_id="kb-trash", js_on_load=_ON_TRASH)
    looked = build_looking(service, status, name, table)
    filters = [status, name, looked]

    def show(status: str | None, name: str | None, looked: Looked) -> str:
        return files_html(files_page(service, status, name, looked))

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
                errors.append(f"{safe_name(name)}: {told(error)}")
        for path in given:
            # A picture may also be in a question that is being written: the same upload.
            if not is_for_questions(path):
                service.scratch.forget(path)
        parts = []
        if added:
            said = ntr(
                "{n} file was added: {names}",
                "{n} files were added: {names}",
                len(added),
                names=", ".join(added),
            )
            parts.append(message(said))
        parts += [message(text, kind="error", title=tr("Not added")) for text in errors]
        return None, "".join(parts), show(*filters), library_state(service)

    def removed(sources: list[str], *filters: Any) -> tuple[str, str, str]:
        moved, errors = service.shelf.remove(sources)
        parts = [undo_html(moved)] if moved else []
        if n_gone := len(sources) - len(moved) - len(errors):
            said = ntr("{n} file was gone already.", "{n} files were gone already.", n_gone)
            parts.append(message(said))
        parts += [not_done(tr("Not deleted"), error) for error in errors.values()]
        return "".join(parts), show(*filters), in_trash()

    def remove(
        status: str | None, name: str | None, looked: Looked, event: gr.EventData
    ) -> tuple[str, str, str]:
        return removed([event_text(event, "source")], status, name, looked)

    def many(
        status: str | None, name: str | None, looked: Looked, event: gr.EventData
    ) -> tuple[str, str, str]:
        sources, what = event_texts(event, "sources"), event_text(event, "what")
        if what == "remove":
            return removed(sources, status, name, looked)
        if what == "move":
            folder = event_text(event, "folder")
            targets = {source: f"{folder}/{PurePosixPath(source).name}" for source in sources}
            return moved(targets, status, name, looked)
        said = will_be_read(service.shelf.read_again(sources))
        return said, show(status, name, looked), in_trash()

    def moved(targets: dict[str, str], *filters: Any) -> tuple[str, str, str]:
        done, errors = service.shelf.move(targets)
        parts = []
        if len(done) == 1:
            ((source, target),) = done.items()
            parts.append(message(tr("{source} is {target} now.", source=source, target=target)))
        elif done:
            parts.append(message(ntr("{n} file was moved.", "{n} files were moved.", len(done))))
        parts += [not_done(tr("Not moved"), error) for error in errors]
        return "".join(parts), show(*filters), in_trash()

    def rename(
        status: str | None, name: str | None, looked: Looked, event: gr.EventData
    ) -> tuple[str, str, str]:
        targets = {event_text(event, "source"): event_text(event, "target")}
        return moved(targets, status, name, looked)

    def put_back(ids: list[str], *filters: Any) -> tuple[str, str, str]:
        sources, errors = service.shelf.restore(ids)
        parts = []
        if sources:
            said = ntr(
                "{n} file was put back: {names}",
                "{n} files were put back: {names}",
                len(sources),
                names=", ".join(sources),
            )
            parts.append(message(said))
        parts += [not_done(tr("Not put back"), error) for error in errors]
        return "".join(parts), show(*filters), in_trash()

    def undo(
        status: str | None, name: str | None, looked: Looked, event: gr.EventData
    ) -> tuple[str, str, str]:
        return put_back(event_texts(event, "ids"), status, name, looked)

    def act(
        status: str | None, name: str | None, looked: Looked, event: gr.EventData
    ) -> tuple[str, str, str]:
        what, trash_id = event_text(event, "what"), event_text(event, "id")
        if what == "restore":
            return put_back([trash_id], status, name, looked)
        n = len(service.shelf.purge([trash_id] if what == "purge" else None))
        said = ntr("{n} file was deleted for good.", "{n} files were deleted for good.", n)
        return message(said), show(status, name, looked), in_trash()

    def retry(
        status: str | None, name: str | None, looked: Looked, event: gr.EventData
    ) -> tuple[str, str]:
        source = event_text(event, "source")
        service.retry([source])
        return message(tr("{source} will be read again.", source=source)), show(
            status, name, looked
        )

    def unlock(
        status: str | None, name: str | None, looked: Looked, event: gr.EventData
    ) -> tuple[str, str]:
        source, password = event_text(event, "source"), event_text(event, "password")
        try:
            service.shelf.unlock(source, password)
        except KnowledgeBaseError as error:
            return not_done(tr("Not unlocked"), error), show(status, name, looked)
        said = tr("{source} will be read again.", source=source)
        return message(said), show(status, name, looked)

    def retry_failed(*filters: Any) -> tuple[str, str]:
        failed = [file.source for file in service.files() if file.status in {"failed", "partial"}]
        if not failed:
            return message(tr("No file has failed.")), show(*filters)
        service.retry(failed)
        return will_be_read(len(failed)), show(*filters)

    upload.upload(add, [upload, *filters], [upload, notice, table, state], **QUIET)
    # Each with data of its own, so none may be left out for another that is under way.
    each: dict[str, Any] = QUIET | {"trigger_mode": "multiple"}
    shown = [notice, table, trash]
    table.remove(remove, filters, shown, **each)
    table.rename(rename, filters, shown, **each)
    table.many(many, filters, shown, **each)
    notice.undo(undo, filters, shown, **each)
    trash.submit(act, filters, shown, **each)
    table.unlock(unlock, filters, [notice, table], **each)
    table.retry(retry, filters, [notice, table], **each)
    retry_all.click(retry_failed, filters, [notice, table], **QUIET)
    return LibraryPage(state, table, trash, filters)


def will_be_read(n_files: int) -> str:
    """What is said when files were asked to be read again."""
    return message(ntr("{n} file will be read again.", "{n} files will be read again.", n_files))


def not_done(title: str, error: KnowledgeBaseError) -> str:
    """What is said of a file with which something could not be done."""
    return message(told(error), kind="error", title=title)


def _named(payload: Any) -> list[tuple[str, str]]:
    """``(path, name)`` of each file that a page uploaded."""
    files = payload.root if hasattr(payload, "root") else [payload] if payload else []
    return [(file.path, file.orig_name or Path(file.path).name) for file in files]


def library_state(service: Service) -> str:
    """How far the running sync has come, or what stopped the last one."""
    progress = service.progress()
    if progress.running:
        return progress_html(progress)
    alert = service.alert
    if not alert or service.held is not None:
        return ""  # A sync that is held is told of on every page.
    return message(told(alert), kind="warning", title=tr("The last sync was stopped"))


def progress_html(progress: Progress) -> str:
    """A bar with the file being read, the rate and the time left."""
    facts = []
    if progress.n_total:
        facts.append(tr("{n} of {total} files", n=progress.n_done, total=progress.n_total))
    if progress.rate_per_s:
        facts.append(tr("{n} files/s", n=f"{progress.rate_per_s:.1f}"))
    if progress.eta_s is not None:
        facts.append(tr("{time} left", time=duration_text(progress.eta_s)))
    if progress.heard_s is not None:
        facts.append(tr("heard to {time}", time=timestamp(progress.heard_s)))
    share = 100 * progress.n_done / progress.n_total if progress.n_total else 0.0
    doing = {"scan": tr("Looking for changes"), "tidy": tr("Tidying up")}.get(progress.stage)
    return (
        '<div class="kb-progress"><div class="kb-progress-text">'
        f'<span class="kb-name">{escape(doing or progress.current or tr("Reading files"))}</span>'
        f'<span class="kb-muted">{escape(" · ".join(facts))}</span></div>'
        f'<progress max="100" value="{share:.1f}" aria-label="{escape(tr("Indexing"))}">'
        "</progress></div>"
    )
