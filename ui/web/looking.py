"""How the list of files is looked through: by folder, status, kind and name, sorted, a page at a
time. What is looked at is the page's address (``static/address.js``)."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import gradio as gr

from ui.service.folders import root_key
from ui.service.service import Service
from ui.web.events import QUIET, with_script
from ui.web.html.files import files_html
from ui.web.looked import ADDRESS_FIELDS, Looked, address_of, files_page, looked_at, matching_files
from ui.web.page_errors import event_text

__all__ = ["build_looking"]

# Whether somebody chose what is shown, or came to it by its address, which then stays one entry of
# the browser's history.
_CHOSEN, _CAME = "chosen", "came"


def build_looking(service: Service, status: gr.Radio, name: gr.Textbox, table: gr.HTML) -> gr.State:
    """The events of the list, in the current Blocks context; returns what is looked at, which
    begins with all files."""
    looked = gr.State(Looked())
    # The status and the name that an address has set: that they are others now is nobody's choice.
    came_to = gr.State(None)
    address = gr.HTML(
        "",
        visible="hidden",
        apply_default_css=False,
        html_template="",
        js_on_load=with_script("watch('value', () => window.kb.libraryIs(props.value))"),
    )

    picked = gr.HTML(
        "",
        visible="hidden",
        apply_default_css=False,
        html_template="",
        js_on_load=with_script("watch('value', () => window.kb.pickAll(props.value))"),
    )

    def roots() -> list[str]:
        return list(map(str, service.syncer.roots()))

    def shown(
        status: str | None, name: str | None, looked: Looked, how: str = _CHOSEN
    ) -> tuple[str, Looked, str]:
        found = files_page(service, status, name, looked)
        looked = replace(looked, page=found.page)
        return files_html(found), looked, f"{how} {address_of(status, name, looked, roots())}"

    def look_for(
        status: str | None, name: str | None, looked: Looked, came_to: tuple[str, str] | None
    ) -> tuple[Any, ...]:
        if (status, name or "") == came_to:
            return (gr.skip(),) * 4
        return *shown(status, name, replace(looked, page=1)), None

    def turn(
        status: str | None, name: str | None, looked: Looked, event: gr.EventData
    ) -> tuple[str, Looked, str]:
        return shown(status, name, looked.turned(event_text(event, "page")))

    def look_into(
        status: str | None, name: str | None, looked: Looked, event: gr.EventData
    ) -> tuple[str, Looked, str]:
        root = {root_key(root): root for root in roots()}.get(event_text(event, "root"), "")
        return shown(status, name, looked.into(root, event_text(event, "folder")))

    def sort(
        status: str | None, name: str | None, looked: Looked, event: gr.EventData
    ) -> tuple[str, Looked, str]:
        return shown(status, name, looked.sorted(event_text(event, "order")))

    def choose_kind(
        status: str | None, name: str | None, looked: Looked, event: gr.EventData
    ) -> tuple[str, Looked, str]:
        return shown(status, name, looked.of_kind(event_text(event, "kind")))

    def look(event: gr.EventData) -> tuple[Any, ...]:
        fields = {field: event_text(event, field) for field in ADDRESS_FIELDS}
        status, name, looked = looked_at(fields, roots())
        return *shown(status, name, looked, _CAME), status, name, (status, name)

    def pick_all(status: str | None, name: str | None, looked: Looked) -> str:
        ours, others = matching_files(service, status, name, looked)
        # Of the same files it is told again, too, when they are selected once more. Gradio takes a
        # name with `<` for a mistake in the page.
        told = json.dumps({"ours": ours, "others": others, "at": time.time_ns()})
        return told.replace("<", "\\u003c")

    filters = [status, name, looked]
    outputs = [table, looked, address]
    gr.on(
        [status.change, name.change],
        look_for,
        [*filters, came_to],
        [*outputs, came_to],
        trigger_mode="always_last",
        **QUIET,
    )
    # Each with data of its own, so none may be left out for another that is under way.
    each = QUIET | {"trigger_mode": "multiple"}
    table.turn(turn, filters, outputs, **each)
    table.folder(look_into, filters, outputs, **each)
    table.sort(sort, filters, outputs, **each)
    table.all(pick_all, filters, picked, **QUIET)
    table.kind(choose_kind, filters, outputs, **each)
    table.look(look, None, [*outputs, status, name, came_to], **each)
    return looked
