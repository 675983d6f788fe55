"""The Chat page: a question of words, pictures and a clip, and an answer whose numbers open
their sources."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from kb import MAX_TURNS, TextDelta
from kb.config.named import QUOTES
from kb.errors import ConfigError, KnowledgeBaseError
from kb.types import Answer, Chunk, Citation, Filters
from ui.service.service import Service
from ui.service.wire import understood_text
from ui.web.html.render import escape
from ui.web.html.turn import past_html, turn_html
from ui.web.page_errors import event_text
from ui.web.turns import Stage, Turn, read_turns
from ui.web.upload_folder import received
from ui.web.welcome import Welcome

__all__ = [
    "N_AT_ONCE",
    "ON_ASK",
    "QUESTION_FILE_TYPES",
    "QUIET",
    "ChatPage",
    "build_chat",
    "is_for_questions",
    "split_attachments",
]

QUESTION_FILE_TYPES = ["image", "video", ".heic", ".heif", ".mkv", ".avi"]
# Events show their own progress, and are for the page alone: programs have the API.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
N_AT_ONCE = 4  # Questions; Gradio's default is one, for all people together.
_WRITTEN = "written"
_VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"})
# Faster repainting than this is not seen, and each one carries the whole answer so far.
_REPAINT_S = 0.05

# What suggests a question is asked on click.
ON_ASK = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-ask]');
  if (button) trigger('submit', {text: button.dataset.ask});
});
"""
# A new turn is scrolled to once, and kept.
_ON_LOAD_LIVE = f"""{ON_ASK}
element.setAttribute('aria-live', 'polite');
watch('value', () => window.kb && window.kb.onTurn(element));
"""
# What the browser kept (static/app.js). A question may come before that script does: the page is
# used as soon as the box is there.
_KEPT = "(() => { try { return window.kb ? kb.%s() : sessionStorage['kb-turns']; } catch {} })()"
_KEPT_AT_LOAD = f"() => [{_KEPT % 'turnsAtLoad'} ?? null]"
_KEPT_NOW = f"(value, _, mode) => [value, {_KEPT % 'turns'} ?? null, mode]"
_SHOWN = "() => { window.kb && kb.turnsShown(); return []; }"
_FORGET = "() => { window.kb && kb.forgetTurns(); return []; }"


@dataclass(frozen=True)
class ChatPage:
    """What other parts of the app refresh."""

    welcome: gr.HTML
    suggestions: Welcome
    mode: gr.Radio


def build_chat(service: Service, app: gr.Blocks) -> ChatPage:
    """The page's components and their events, within `app`."""
    suggestions = Welcome(service)
    # Apart from the turns, so that nothing it is filled with can overwrite one: a question may be
    # sent before what the page loads has come. The stylesheet shows one or the other.
    welcome = gr.HTML(
        suggestions.html, elem_id="kb-welcome", apply_default_css=False, js_on_load=ON_ASK
    )
    past = gr.HTML("", elem_id="kb-past", apply_default_css=False, js_on_load=ON_ASK)
    live = gr.HTML("", elem_id="kb-live", apply_default_css=False, js_on_load=_ON_LOAD_LIVE)
    with gr.Column(elem_id="kb-composer"):
        box = gr.MultimodalTextbox(
            elem_id="kb-question",
            placeholder="Ask with words, a picture or a clip",
            label="Question",
            show_label=False,
            file_types=QUESTION_FILE_TYPES,
            file_count="multiple",
            max_lines=8,
            max_plain_text_length=100_000,
            stop_btn=False,
            autofocus=True,
        )
        with gr.Row(elem_id="kb-composer-foot"):
            gr.HTML(
                f'<div class="kb-muted kb-note" title="{escape(service.profile_note)}">'
                f"{escape(service.profile_note)}</div>",
                apply_default_css=False,
                js_on_load=None,
            )
            mode = gr.Radio(
                [("Quotes", QUOTES), ("Written", _WRITTEN)],
                value=_WRITTEN,
                label="Answer in",
                show_label=False,
                container=False,
                visible=service.writers.is_writing,
                elem_id="kb-mode",
            )
            new = gr.Button("New conversation", size="sm", elem_id="kb-new")
    # Filled by the events' scripts alone.
    kept = gr.Textbox(visible=False)
    running = gr.State(None)
    outputs = [box, past, live, running]

    def show_kept(kept: str | None) -> str:
        return _past(service, read_turns(kept))

    async def ask(
        value: dict[str, Any] | None,
        kept: str | None,
        mode: str | None,
        event: gr.EventData,
        request: gr.Request,
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        def answer() -> Iterator[tuple[Any, ...]]:
            turns = read_turns(kept)
            by = QUOTES if mode == QUOTES else ""
            if isinstance(event.target, gr.HTML):
                return _ask(service, event_text(event, "text"), (), turns, by, is_typed=False)
            given = value or {}  # Nothing is what an empty box sends.
            return _ask(service, str(given.get("text") or ""), given.get("files") or (), turns, by)

        # The Stop button cancels this, and with it the thread that answers.
        async with aclosing(service.askers.each(answer, request.session_hash)) as shown:
            async for outputs in shown:
                yield outputs

    def stop(turn: Turn | None) -> tuple[Any, ...]:
        if turn is None or turn.stage is not Stage.RUNNING:
            return _box(), gr.skip(), None
        turn.stage = Stage.STOPPED
        return _box(), turn_html(turn, _chunks(service, [turn])), None

    def clear() -> tuple[Any, ...]:
        return _box(is_emptied=True), "", "", None

    # What is there while the page is built may have changed when it is opened.
    app.load(lambda: gr.Radio(visible=service.writers.is_writing), None, mode, **QUIET)
    shown = app.load(show_kept, kept, past, js=_KEPT_AT_LOAD, **QUIET)
    shown.then(None, js=_SHOWN, **QUIET)
    # One event for every way to ask: it takes one question at a time.
    asked = gr.on(
        [box.submit, welcome.submit, past.submit, live.submit],
        ask,
        [box, kept, mode],
        outputs,
        js=_KEPT_NOW,
        trigger_mode="once",
        concurrency_limit=N_AT_ONCE,
        **QUIET,
    )
    box.stop(stop, running, [box, live, running], cancels=[asked], **QUIET)
    # Cleared after the answer under way is stopped: what still comes of it would be shown again.
    stopped = new.click(None, js=_FORGET, cancels=[asked], **QUIET)
    stopped.then(clear, None, outputs, **QUIET)
    return ChatPage(welcome, suggestions, mode)


def is_for_questions(path: str) -> bool:
    """Whether the question's box takes a file of that name."""
    kind = mimetypes.guess_type(path)[0] or ""
    suffix = Path(path).suffix.lower()
    return kind.startswith(("image/", "video/")) or suffix in QUESTION_FILE_TYPES


def split_attachments(paths: Sequence[Path]) -> tuple[list[Path], Path | None]:
    """The pictures and the clip among what was attached.

    Raises:
        ConfigError: There is more than one clip.
    """
    clips = [path for path in paths if path.suffix.lower() in _VIDEO_SUFFIXES]
    if len(clips) > 1:
        raise ConfigError(
            f"A question takes one clip, {len(clips)} were attached. Remove all but one."
        )
    return [path for path in paths if path not in clips], clips[0] if clips else None


def _ask(
    service: Service,
    text: str,
    files: Sequence[str],
    past: Sequence[Turn],
    generator: str = "",
    *,
    is_typed: bool = True,
) -> Iterator[tuple[Any, ...]]:
    """What to show, again and again, while a question is answered.

    Args:
        generator: As of `Service.ask`.
        is_typed: It comes from the box, which is emptied.
    """
    text = text.strip()
    if not text and not files:
        yield (gr.skip(),) * 4
        return
    turn = Turn(number=past[-1].number + 1 if past else 1, question=text)
    chunks: dict[str, Chunk] = {}
    # The page takes the question itself out of the box (static/app.js): whatever has been typed
    # since stays. Attachments only go with all that is in it.
    box = _box(is_busy=True, is_emptied=is_typed and bool(files))
    yield box, _past(service, past), turn_html(turn, chunks), turn
    try:
        with received(files, service.config.limits, service.scratch.root) as copies:
            query = service.make_query(text, *split_attachments(copies), Filters())
        query = service.understood(query, [one.earlier for one in past[-MAX_TURNS:]])
        turn.understood = understood_text(query)
        turn.attach(query)
        painted_s = time.monotonic()
        for event in service.ask(query, generator):
            match event:
                case TextDelta():
                    turn.begin_writing()
                    turn.text += event.text
                case Citation():
                    turn.begin_writing()
                    chunk = service.chunk(event.chunk_id)
                    if chunk is not None:
                        chunks[event.chunk_id] = chunk
                        turn.citations.append(event)
                case Answer():
                    chunks |= _chunks_of(service, [*event.citations, *event.closest])
                    turn.answered(event)
            # A whole answer is shown before its claims are checked.
            if isinstance(event, Answer) or time.monotonic() - painted_s > _REPAINT_S:
                yield gr.skip(), gr.skip(), turn_html(turn, chunks), turn
                painted_s = time.monotonic()
    except KnowledgeBaseError as error:
        turn.error = str(error)
    turn.stage = Stage.WHOLE
    yield _box(), gr.skip(), turn_html(turn, chunks), turn


def _past(service: Service, turns: Sequence[Turn]) -> str:
    return past_html(turns, _chunks(service, turns))


def _chunks(service: Service, turns: Sequence[Turn]) -> dict[str, Chunk]:
    return _chunks_of(service, [one for turn in turns for one in (*turn.citations, *turn.closest)])


def _chunks_of(service: Service, citations: Sequence[Citation]) -> dict[str, Chunk]:
    return service.kb.ledger.chunks(list({citation.chunk_id for citation in citations}))


def _box(*, is_busy: bool = False, is_emptied: bool = False) -> gr.MultimodalTextbox:
    """The question box, with a button to stop the answer while one comes."""
    buttons = {"submit_btn": not is_busy, "stop_btn": is_busy}
    return gr.MultimodalTextbox(**({"value": None} if is_emptied else {}), **buttons)
