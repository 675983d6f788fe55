"""The banner above every page while indexing waits, with its answer."""

from __future__ import annotations

import gradio as gr

from ui.service.service import Service
from ui.web.events import QUIET
from ui.web.html.held import held_html
from ui.web.page_errors import event_text
from ui.web.spoken_page import made_html

__all__ = ["build_held"]

_ON_LOAD = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-decide]');
  if (!button) return;
  button.disabled = true;
  trigger('submit', {what: button.dataset.decide});
});
"""


def build_held(service: Service) -> gr.HTML:
    """The banner's component and its event, in the current Blocks context."""

    def show() -> str:
        return held_html(service.held)

    view = made_html(show, elem_id="kb-held", js_on_load=_ON_LOAD)

    def decide(event: gr.EventData) -> str:
        what = event_text(event, "what")
        if what in ("remove", "keep"):
            service.decide(are_kept=what == "keep")
        return show()

    view.submit(decide, None, view, **QUIET)
    return view
