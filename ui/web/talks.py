"""The conversations that are kept, at the side of the Chat page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from kb.errors import KnowledgeBaseError
from ui.language import later, tr
from ui.service.service import Service
from ui.told import told
from ui.web.events import QUIET
from ui.web.html.render import escape
from ui.web.html.talks import talks_html
from ui.web.page_errors import event_text
from ui.web.spoken_page import made_html

__all__ = ["WHERE", "TalkList", "build_talks", "shown_talks"]

# The conversation that the page's address names: without any script of ours, which comes later
# than the first question may.
WHERE = "((location.pathname.match(/\\/c\\/([\\w-]{22})$/) || ['', ''])[1])"
_MAX_TEXT_CHARS = 200
_ON_LOAD = """
window.kbTalks = {
  wanted: '',
  open(id) {
    this.wanted = id;
    trigger('select', {});
  },
  act: (act, id, text) => trigger('edit', {act, id, text: text || ''}),
  show: () => trigger('focus', {}),
};
watch('value', () => window.kb && window.kb.talksShown && window.kb.talksShown(element));
"""


@dataclass(frozen=True)
class TalkList:
    """The list.

    Attributes:
        text: Words that are looked for.
        where: Id of the conversation that is open; filled by the events' scripts alone.
    """

    view: gr.HTML
    text: gr.Textbox
    where: gr.Textbox


def build_talks(service: Service, app: gr.Blocks) -> TalkList:
    """The list's components and those of its events that concern nothing else, within `app`."""
    made_html(_head)
    text = gr.Textbox(
        placeholder=later("Search conversations"),
        label=later("Search conversations"),
        show_label=False,
        container=False,
        max_length=_MAX_TEXT_CHARS,
        elem_id="kb-talk-search",
    )
    view = gr.HTML("", elem_id="kb-talks", apply_default_css=False, js_on_load=_ON_LOAD)
    where = gr.Textbox(visible=False)

    def show(text: str | None) -> str:
        return shown_talks(service, text)

    def act(text: str | None, event: gr.EventData) -> str:
        kept = service.conversations
        what, talk_id, said = (event_text(event, name) for name in ("act", "id", "text"))
        deleted = None
        try:
            match what:
                case "rename":
                    kept.rename(talk_id, said)
                case "pin" | "unpin":
                    kept.pin(talk_id, is_pinned=what == "pin")
                case "delete":
                    deleted = kept.get(talk_id)
                    kept.delete(talk_id)
                case "restore":
                    kept.restore(talk_id)
        except KnowledgeBaseError as error:
            return shown_talks(service, text, error=told(error))
        return shown_talks(service, text, deleted=deleted)

    app.load(show, text, view, **QUIET)
    gr.on([text.change, view.focus], show, text, view, trigger_mode="always_last", **QUIET)
    view.edit(act, text, view, trigger_mode="multiple", **QUIET)
    return TalkList(view, text, where)


def _head() -> str:
    return (
        '<div class="kb-talk-head"><button type="button" class="kb-button kb-talk-new" '
        f'data-talk="">{escape(tr("New conversation"))}</button></div>'
    )


def shown_talks(service: Service, text: str | None, **more: Any) -> str:
    """The list's HTML.

    Args:
        text: Words that are looked for; None and empty for all.
        more: As of `talks_html`.
    """
    words = str(text or "")[:_MAX_TEXT_CHARS]
    return talks_html(service.conversations.find(words), text=words, **more)
