"""The Chat page: conversations of questions in words, pictures and a clip, and answers whose
numbers open their sources."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import gradio as gr

from kb.config.named import QUOTES
from ui.language import later, tr
from ui.service.scope import scope_choices, scope_text
from ui.service.service import Service
from ui.service.turns import Stage
from ui.told import told
from ui.web.asking import (
    QUESTION_FILE_TYPES,
    Asked,
    Question,
    answered,
    asked_before,
    number_of,
    past_of,
    shown_turn,
)
from ui.web.events import N_AT_ONCE, ON_ASK, QUIET
from ui.web.html.render import escape, message
from ui.web.laptop import build_offer
from ui.web.page_errors import event_text
from ui.web.spoken_page import made_html
from ui.web.talks import WHERE, build_talks, shown_talks
from ui.web.upload_folder import is_uploaded
from ui.web.welcome import Welcome

__all__ = ["ChatPage", "build_chat"]

_WRITTEN = "written"
# A new turn is scrolled to once, and has the page take its conversation's address.
_ON_LOAD_LIVE = f"""{ON_ASK}
element.setAttribute('aria-live', 'polite');
watch('value', () => window.kb && window.kb.onTurn && window.kb.onTurn(element));
"""
# The number of the turn that is being edited: static/talk.js.
_AFTER = "(window.kb && kb.rewritten) || ''"
_SHOWN = "() => { window.kb && kb.turnsShown && kb.turnsShown(); return []; }"


@dataclass(frozen=True)
class ChatPage:
    """What other parts of the app refresh."""

    welcome: gr.HTML
    suggestions: Welcome
    mode: gr.Radio
    offer: gr.HTML


def build_chat(service: Service, app: gr.Blocks, *, may_choose: bool = False) -> ChatPage:
    """The page's components and their events, within `app`.

    Args:
        may_choose: As of `build_app`.
    """
    suggestions = Welcome(service)
    with gr.Row(elem_id="kb-chat"):
        with gr.Column(elem_id="kb-talk-side", min_width=0, scale=0):
            talks = build_talks(service, app)
        with gr.Column(elem_id="kb-chat-main", min_width=0):
            made_html(_talk_toggle, elem_id="kb-talk-toggle")
            # Apart from the turns, so that nothing it is filled with can overwrite one: a question
            # may be sent before what the page loads has come. The stylesheet shows one or the
            # other.
            welcome = made_html(suggestions.html, elem_id="kb-welcome", js_on_load=ON_ASK)
            past = gr.HTML("", elem_id="kb-past", apply_default_css=False, js_on_load=ON_ASK)
            live = gr.HTML("", elem_id="kb-live", apply_default_css=False, js_on_load=_ON_LOAD_LIVE)
            offer = build_offer(service, may_choose=may_choose)
            box, scope, mode, new = _composer(service)
    running = gr.State(None)
    after = gr.Textbox(visible=False)
    outputs = [box, past, live, running]

    async def ask(
        value: dict[str, Any] | None,
        where: str | None,
        mode: str | None,
        text: str | None,
        after: str | None,
        scope: list[str] | None,
        event: gr.EventData,
        request: gr.Request,
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        def shown() -> Iterator[tuple[Any, ...]]:
            by = QUOTES if mode == QUOTES else ""
            talk = str(where or "")
            given = value or {}  # Nothing is what an empty box sends.
            files = tuple(given.get("files") or ())
            within = tuple(scope or ())
            is_typed = not isinstance(event.target, gr.HTML)
            if is_typed:
                words = str(given.get("text") or "")
                question = Question(words, files, by, number_of(after), within)
            elif words := event_text(event, "text"):
                question = Question(words, (), by, None, within)
            else:
                question = asked_before(service, talk, number_of(event_text(event, "again")), by)
            return _shown(service, talk, question, str(text or ""), is_typed=is_typed)

        # The Stop button cancels this, and with it the thread that answers.
        async with aclosing(service.askers.each(shown, request.session_hash)) as shown_so_far:
            async for outputs in shown_so_far:
                yield outputs

    def stop(asked: Asked | None) -> tuple[Any, ...]:
        if asked is None or asked.turn.stage is Stage.WHOLE:
            return _box(), gr.skip(), None
        asked.turn.stage = Stage.STOPPED
        return _box(), shown_turn(service, asked), None

    def rewrite(where: str | None, event: gr.EventData) -> tuple[Any, ...]:
        number = number_of(event_text(event, "again"))
        question = asked_before(service, str(where or ""), number)
        chosen = gr.Dropdown(choices=_choices(service, question.scope), value=[*question.scope])
        return _filled(question), chosen

    def choices(scope: list[str] | None) -> gr.Dropdown:
        return gr.Dropdown(choices=_choices(service, scope or ()))

    def give_back(value: dict[str, Any] | None, asked: Asked | None) -> Any:
        """What was attached to a question that failed, beside what has been typed since."""
        if asked is None or not asked.is_typed or not asked.turn.error or not asked.turn.files:
            return gr.skip()
        given = value or {}
        text = str(given.get("text") or "") or asked.turn.question
        files = (*asked.turn.files, *(given.get("files") or ()))
        return _filled(Question(text, tuple(dict.fromkeys(files))))

    def open_talk(where: str | None) -> tuple[Any, ...]:
        return _box(), _opened(service, str(where or "")), "", None

    # What is there while the page is built may have changed when it is opened.
    app.load(lambda: gr.Radio(visible=service.writers.is_writing), None, mode, **QUIET)
    loaded = app.load(
        lambda where: _opened(service, str(where or "")),
        talks.where,
        past,
        js=f"() => [{WHERE}]",
        **QUIET,
    )
    loaded.then(None, js=_SHOWN, **QUIET)
    scope.focus(choices, scope, scope, **QUIET)
    # One event for every way to ask: it takes one question at a time.
    asked = gr.on(
        [box.submit, welcome.submit, past.submit, live.submit],
        ask,
        [box, talks.where, mode, talks.text, after, scope],
        [*outputs, talks.view],
        js=f"(value, _, mode, text, __, scope) => [value, {WHERE}, mode, text, {_AFTER}, scope]",
        trigger_mode="once",
        concurrency_limit=N_AT_ONCE,
        **QUIET,
    )
    asked.then(give_back, [box, running], box, **QUIET)
    gr.on(
        [past.edit, live.edit],
        rewrite,
        talks.where,
        [box, scope],
        js=f"() => [{WHERE}]",
        trigger_mode="multiple",
        **QUIET,
    )
    box.stop(stop, running, [box, live, running], cancels=[asked], **QUIET)
    # Opened after the answer under way is stopped: what still comes of it would be shown there.
    leaving = talks.view.select(None, cancels=[asked], trigger_mode="multiple", **QUIET)
    opened = leaving.then(
        open_talk, talks.where, outputs, js="() => [window.kbTalks.wanted]", **QUIET
    )
    opened.then(None, js=_SHOWN, **QUIET)
    new.click(None, js="() => { window.kb && kb.newTalk && kb.newTalk(); return []; }", **QUIET)
    return ChatPage(welcome, suggestions, mode, offer)


def _composer(service: Service) -> tuple[gr.MultimodalTextbox, gr.Dropdown, gr.Radio, gr.Button]:
    with gr.Column(elem_id="kb-composer"):
        scope = gr.Dropdown(
            scope_choices([]),
            value=[],
            multiselect=True,
            label=later("Ask within"),
            show_label=False,
            container=False,
            elem_id="kb-scope",
        )
        box = gr.MultimodalTextbox(
            elem_id="kb-question",
            placeholder=later("Ask with words, a picture or a clip"),
            label=later("Question"),
            show_label=False,
            file_types=QUESTION_FILE_TYPES,
            file_count="multiple",
            max_lines=8,
            max_plain_text_length=100_000,
            stop_btn=False,
            autofocus=True,
        )
        with gr.Row(elem_id="kb-composer-foot"):
            made_html(lambda: _profile_note(service))
            mode = gr.Radio(
                [(later("Quotes"), QUOTES), (later("Written"), _WRITTEN)],
                value=_WRITTEN,
                label=later("Answer in"),
                show_label=False,
                container=False,
                visible=service.writers.is_writing,
                elem_id="kb-mode",
            )
            new = gr.Button(later("New conversation"), size="sm", elem_id="kb-new")
    return box, scope, mode, new


def _talk_toggle() -> str:
    return (
        '<button type="button" class="kb-button kb-button-quiet" data-talks-toggle '
        'aria-expanded="false" aria-controls="kb-talk-side">'
        f"{escape(tr('Conversations'))}</button>"
    )


def _profile_note(service: Service) -> str:
    note = escape(told(service.profile_note))
    return f'<div class="kb-muted kb-note" title="{note}">{note}</div>'


def _shown(
    service: Service, conversation: str, question: Question, looked_for: str, *, is_typed: bool
) -> Iterator[tuple[Any, ...]]:
    """What to show, again and again, while a question is answered: box, turns before it, its own,
    what the Stop button needs, and the list of conversations.

    Args:
        is_typed: It comes from the box, which is emptied.
    """
    is_first = True
    last: Asked | None = None
    for asked in answered(service, conversation, question):
        last = asked
        asked.is_typed = is_typed
        if is_first:
            # The page takes the question itself out of the box (static/talk.js): whatever has been
            # typed since stays. Attachments only go with all that is in it.
            box = _box(is_busy=True, is_emptied=is_typed and bool(question.files))
            talks = shown_talks(service, looked_for)
            yield box, asked.past, shown_turn(service, asked), asked, talks
            is_first = False
        else:
            yield gr.skip(), gr.skip(), shown_turn(service, asked), asked, gr.skip()
    if last is None:
        yield (gr.skip(),) * 5
        return
    yield _box(), gr.skip(), shown_turn(service, last), last, gr.skip()


def _choices(service: Service, chosen: Sequence[str]) -> list[tuple[str, str]]:
    """Where a question can be asked now, and where one is asked that may be gone."""
    choices = scope_choices([file.source for file in service.files()])
    known = {value for _, value in choices}
    return choices + [(scope_text([one]), one) for one in chosen if one not in known]


def _filled(question: Question) -> gr.MultimodalTextbox:
    """The box with a question in it, and those of its files that are still kept."""
    files = [path for path in question.files if is_uploaded(path)]
    return gr.MultimodalTextbox(value={"text": question.text, "files": files})


def _opened(service: Service, conversation: str) -> str:
    """The turns of a conversation that is opened."""
    if not conversation:
        return ""
    if service.conversations.get(conversation) is None:
        return message(
            tr("It was deleted, or the address is not whole. Choose another, or begin a new one."),
            kind="warning",
            title=tr("There is no such conversation"),
        )
    return past_of(service, service.conversations.turns(conversation), conversation)


def _box(*, is_busy: bool = False, is_emptied: bool = False) -> gr.MultimodalTextbox:
    """The question box, with a button to stop the answer while one comes."""
    buttons = {"submit_btn": not is_busy, "stop_btn": is_busy}
    return gr.MultimodalTextbox(**({"value": None} if is_emptied else {}), **buttons)
