"""The Search page: results as cards, with filters and the JSON that programs get."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from kb import AssetStore
from kb.errors import KnowledgeBaseError
from kb.types import Kind, SearchResult
from ui.language import later, ntr, tr
from ui.service.scope import KIND_LABELS, folders_of
from ui.service.service import Service
from ui.service.wire import make_filters, search_json
from ui.told import told
from ui.web.asking import QUESTION_FILE_TYPES, split_attachments
from ui.web.events import N_AT_ONCE, ON_ASK
from ui.web.html.render import escape, hit_card, mended_html, message
from ui.web.page_errors import event_text
from ui.web.spoken_page import made_html
from ui.web.upload_folder import received

__all__ = ["build_search", "menu_choices", "results_html"]

# The words become part of the page's address.
_ON_LOAD = f"""{ON_ASK}
watch('value', () => window.kb && window.kb.searched && window.kb.searched());
"""


def build_search(service: Service) -> list[gr.Dropdown]:
    """The page's components and their events, in the current Blocks context.

    Returns:
        The folder and file menus, whose choices follow the library.
    """
    with gr.Column(elem_id="kb-search-box"):
        box = gr.MultimodalTextbox(
            elem_id="kb-search-query",
            placeholder=later("Search with words, a picture or a clip"),
            label=later("Search"),
            show_label=False,
            file_types=QUESTION_FILE_TYPES,
            file_count="multiple",
            max_lines=4,
            max_plain_text_length=100_000,
        )
    with gr.Accordion(later("Filters"), open=False, elem_id="kb-filters"):
        kinds = gr.CheckboxGroup(
            [(label, kind) for kind, label in KIND_LABELS.items()], label=later("Kind of file")
        )
        with gr.Row():
            folders = gr.Dropdown([], label=later("Folders"), multiselect=True, value=[])
            sources = gr.Dropdown([], label=later("Files"), multiselect=True, value=[])
        with gr.Row():
            after = gr.DateTime(label=later("Not older than"), include_time=False)
            before = gr.DateTime(label=later("Older than"), include_time=False)
    results = made_html(_empty, elem_id="kb-results", js_on_load=_ON_LOAD)

    async def search(
        value: dict[str, Any] | None,
        kinds: list[Kind],
        folders: list[str],
        sources: list[str],
        after: float | None,
        before: float | None,
        event: gr.EventData,
        request: gr.Request,
    ) -> str:
        given = value or {}
        text = str(given.get("text") or "").strip()
        if event.target is results:
            text = event_text(event, "text").strip()
        files = list(given.get("files") or [])
        if not text and not files:
            return _empty()

        def find() -> str:
            filters = make_filters(folders or [], kinds or [], sources or [], after, before)
            with received(files, service.config.limits, service.scratch.root) as copies:
                query = service.make_query(text, *split_attachments(copies), filters)
            return results_html(service.search(query), service.kb.assets)

        try:
            return await service.askers.one(find, request.session_hash)
        except KnowledgeBaseError as error:
            return message(told(error), kind="error", title=tr("This search failed"))

    fields = [kinds, folders, sources, after, before]
    gr.on(
        [box.submit, results.submit, *(component.change for component in fields)],
        search,
        [box, *fields],
        results,
        trigger_mode="always_last",
        concurrency_limit=N_AT_ONCE,
        api_visibility="private",
    )
    return [folders, sources]


def _empty() -> str:
    hint = tr("Search by words, a picture, a clip, or several at once. Filters narrow it down.")
    return f'<div class="kb-hint">{escape(hint)}</div>'


_STAGES = {
    "encode": later("encode"),
    "retrieve": later("retrieve"),
    "rerank": later("rerank"),
    "assemble": later("assemble"),
}


def _stage(name: str) -> str:
    return tr(_STAGES.get(name, name))


def menu_choices(service: Service) -> tuple[gr.Dropdown, gr.Dropdown]:
    """The folders and files that can be chosen now."""
    sources = sorted({file.source for file in service.files()})
    folders = folders_of(sources)
    return gr.Dropdown(choices=folders), gr.Dropdown(choices=sources)


def results_html(result: SearchResult, assets: AssetStore) -> str:
    """Cards of the hits, the time by stage, and the JSON."""
    query = result.query
    mended = mended_html(query.text, query.instead_of) if query.instead_of else ""
    if not result.hits:
        return mended + message(
            tr("Nothing was found. Try other words or fewer filters."), title=tr("No results")
        )
    cards = "".join(hit_card(rank, hit, query.text) for rank, hit in enumerate(result.hits, 1))
    stages = " · ".join(
        f"{escape(_stage(name))} {ms:.1f} ms" for name, ms in result.timings_ms.items()
    )
    n_results = ntr("{n} result", "{n} results", len(result.hits))
    text = json.dumps(search_json(result, assets), ensure_ascii=False, indent=2)
    return (
        f"{mended}"
        f'<div class="kb-results-head" role="status"><b>{escape(n_results)}</b>'
        f'<span class="kb-muted" title="{stages}">{result.total_time_ms:.0f} ms</span>'
        f'<span class="kb-muted kb-stages">{stages}</span></div>'
        f'<ol class="kb-hits">{cards}</ol>'
        '<details class="kb-json"><summary>JSON</summary>'
        '<button type="button" class="kb-link kb-copy" data-copy=".kb-json pre">'
        f"{escape(tr('Copy JSON'))}</button>"
        f'<pre tabindex="0">{escape(text)}</pre></details>'
    )
