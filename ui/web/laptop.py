"""Getting the model that writes on this computer's processor, on the Settings page and on a card
under the first answer in quotes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from kb.config.named import LAPTOP
from kb.errors import KnowledgeBaseError
from ui.service.service import Service
from ui.told import told
from ui.web.events import QUIET
from ui.web.html.laptop import laptop_html, offer_html
from ui.web.page_errors import event_text
from ui.web.spoken_page import made_html

__all__ = ["build_laptop", "build_offer"]

# While something is under way the page asks how far it is.
_ON_LOAD = """
const root = document.documentElement;
if (localStorage.getItem('kb-offer') === 'later') root.classList.add('kb-no-offer');
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-laptop]');
  if (!button) return;
  if (button.dataset.laptop === 'later') {
    localStorage.setItem('kb-offer', 'later');
    root.classList.add('kb-no-offer');
    return;
  }
  button.disabled = true;
  trigger('submit', {act: button.dataset.laptop});
});
const ask = () => {
  if (element.querySelector('progress')) setTimeout(() => trigger('retry', {}), 1000);
};
const begin = () => watch('value', window.kb.keepFocus(element));
if (window.kb && window.kb.keepFocus) begin();
else document.addEventListener('kb-ready', begin, {once: true});
watch('value', ask);
ask();
"""


def build_offer(service: Service, *, may_choose: bool) -> gr.HTML:
    """The card of the Chat page, in the current Blocks context; empty for those who can't choose
    what writes."""
    return made_html(
        lambda: _offer(service) if may_choose else "", elem_id="kb-offer", js_on_load=_ON_LOAD
    )


def build_laptop(
    service: Service,
    offer: gr.HTML,
    settings: gr.HTML,
    mode: gr.Radio,
    show_settings: Callable[[str], str],
    *,
    may_choose: bool,
) -> None:
    """The part of the Settings page, in the current Blocks context, and the events of both.

    Args:
        offer: As of `build_offer`.
        settings: Shows what writes, by `show_settings`, which takes why a choice failed.
        mode: The switch at the question's box, which is there where a model writes.
        may_choose: Whether those who open the page may change what writes answers.
    """
    may_choose = may_choose and service.writers.has_quotes
    laptop = service.writers.laptop

    def show() -> str:
        writers = service.writers
        return laptop_html(laptop.now(), is_writing=writers.is_laptop, may_choose=may_choose)

    view = made_html(show, elem_id="kb-laptop", js_on_load=_ON_LOAD)
    outputs = [view, offer, settings, mode]

    def card() -> str:
        return _offer(service) if may_choose else ""

    def shown(error: str = "") -> tuple[Any, ...]:
        is_writing = gr.Radio(visible=service.writers.is_writing)
        return show(), card(), show_settings(error), is_writing

    def act(event: gr.EventData) -> tuple[Any, ...]:
        if not may_choose:
            return (gr.skip(),) * len(outputs)
        error = ""
        match event_text(event, "act"):
            case "get":
                laptop.start()
            case "cancel":
                laptop.cancel()
            case "use":
                try:
                    service.writers.choose(LAPTOP)
                except KnowledgeBaseError as failure:
                    error = told(failure)
        return shown(error)

    def look() -> tuple[Any, ...]:
        # What else Settings shows, servers that were found perhaps, stays until there is news.
        if laptop.now().is_under_way:
            return show(), card(), gr.skip(), gr.skip()
        return shown()

    gr.on([view.submit, offer.submit], act, None, outputs, trigger_mode="multiple", **QUIET)
    gr.on([view.retry, offer.retry], look, None, outputs, concurrency_limit=None, **QUIET)


def _offer(service: Service) -> str:
    writers = service.writers
    if not writers.has_quotes:
        return ""
    is_laptop = writers.is_laptop
    is_other = writers.is_writing and not is_laptop
    return offer_html(writers.laptop.now(), is_writing=is_laptop, is_other=is_other)
