"""An OpenAI-compatible server by its address and key, on the Settings page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from kb.errors import KnowledgeBaseError
from ui.language import later, tr
from ui.service.service import Service
from ui.told import told
from ui.web.events import QUIET
from ui.web.html.address import address_head_html, served_html
from ui.web.html.render import message
from ui.web.page_errors import event_text
from ui.web.spoken_page import made_html

__all__ = ["build_address"]

_MAX_CHARS = 2_000
_ON_LOAD = """
element.setAttribute('aria-live', 'polite');
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-served]');
  if (!button) return;
  button.disabled = true;
  trigger('submit', {model: button.dataset.served});
});
"""


def build_address(
    service: Service,
    settings: gr.HTML,
    mode: gr.Radio,
    show_settings: Callable[[], str],
    *,
    may_choose: bool,
) -> None:
    """The part of the page and its events, in the current Blocks context; nothing for those who
    can't choose what writes.

    Args:
        settings: Shows what writes, by `show_settings`.
        mode: The switch at the question's box, which is there where a model writes.
    """
    if not may_choose or not service.writers.has_quotes:
        return
    writers = service.writers
    with gr.Column(elem_id="kb-address"):
        made_html(address_head_html)
        with gr.Row(elem_id="kb-address-form"):
            url = gr.Textbox(
                label=later("Address"),
                placeholder="http://192.168.1.20:8000/v1",
                max_lines=1,
                max_length=_MAX_CHARS,
                scale=3,
            )
            key = gr.Textbox(
                label=later("Key"),
                placeholder=later("If it wants one"),
                type="password",
                max_length=_MAX_CHARS,
                scale=2,
            )
        connect = gr.Button(later("Connect"), size="sm", elem_id="kb-connect")
        view = gr.HTML("", elem_id="kb-served", apply_default_css=False, js_on_load=_ON_LOAD)

    def look(url: str | None, key: str | None) -> str:
        try:
            return served_html(writers.served(url or "", key or ""))
        except KnowledgeBaseError as error:
            return _error(error)

    def choose(url: str | None, key: str | None, event: gr.EventData) -> tuple[Any, ...]:
        try:
            writers.choose_served(url or "", key or "", event_text(event, "model"))
        except KnowledgeBaseError as error:
            return _error(error), gr.skip(), gr.skip(), gr.skip()
        done = message(tr("It writes from the next answer on."))
        # The key is kept: nothing shows it again.
        return done, "", show_settings(), gr.Radio(visible=writers.is_writing)

    gr.on([connect.click, url.submit, key.submit], look, [url, key], view, **QUIET)
    view.submit(choose, [url, key], [view, key, settings, mode], **QUIET)


def _error(error: KnowledgeBaseError) -> str:
    return message(told(error), kind="error", title=tr("Nothing was changed"))
