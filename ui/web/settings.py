"""The Settings page: what writes answers."""

from __future__ import annotations

import gradio as gr

from kb.errors import ConfigError, KnowledgeBaseError
from ui.service.service import Service
from ui.told import told
from ui.web.address import build_address
from ui.web.events import QUIET
from ui.web.html.writers import writers_html
from ui.web.laptop import build_laptop
from ui.web.page_errors import event_text
from ui.web.spoken_page import made_html

__all__ = ["build_settings"]

_ON_LOAD = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button) return;
  button.disabled = true;
  if (button.dataset.act === 'look') trigger('retry', {});
  if (button.dataset.act === 'choose') trigger('submit', {name: button.dataset.name});
});
"""


def build_settings(service: Service, mode: gr.Radio, offer: gr.HTML, *, may_choose: bool) -> None:
    """The page's components and their events, in the current Blocks context.

    Args:
        mode: The switch at the question's box, which is there where a model writes.
        offer: The card of the Chat page, as of `build_offer`.
        may_choose: Whether those who open the page may change what writes answers.
    """
    writers = service.writers

    def show(found: bool, error: str = "") -> str:
        return writers_html(
            writers.shown,
            writers.found() if found else None,
            is_writing=writers.is_writing,
            may_choose=may_choose and writers.has_quotes,
            sent_to=writers.sent_to,
            error=error,
        )

    view = made_html(lambda: show(False), elem_id="kb-settings", js_on_load=_ON_LOAD)

    def look() -> str:
        return show(may_choose)

    def choose(event: gr.EventData) -> tuple[str, gr.Radio]:
        name = event_text(event, "name")
        error = ""
        try:
            if not may_choose:
                raise ConfigError("What writes answers is chosen at this computer.")
            writers.choose(name)
        except KnowledgeBaseError as failure:
            error = told(failure)
        return show(may_choose, error), gr.Radio(visible=writers.is_writing)

    view.retry(look, None, view, **QUIET)
    view.submit(choose, None, [view, mode], **QUIET)
    build_laptop(
        service, offer, view, mode, lambda error: show(False, error), may_choose=may_choose
    )
    build_address(service, view, mode, lambda: show(False), may_choose=may_choose)
