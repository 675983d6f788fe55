"""The Chat page: a question of words, pictures and a clip, and an answer whose numbers open
their sources."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from kb.errors import ConfigError, KnowledgeBaseError
from kb.protocols import TextDelta
from kb.types import Answer, AnswerStatus, Chunk, Citation, Filters, Query
from ui.answer_html import answer_html
from ui.claims_html import checked_html, weak_parts
from ui.render import (
    chip,
    citation_card,
    escape,
    icon,
    message,
    thumbnail_data_uri,
)
from ui.service import Service
from ui.welcome import Welcome

__all__ = [
    "N_AT_ONCE",
    "QUESTION_FILE_TYPES",
    "QUIET",
    "ChatPage",
    "Conversation",
    "build_chat",
    "split_attachments",
]

QUESTION_FILE_TYPES = ["image", "video", ".heic", ".heif", ".mkv", ".avi"]
# Events show their own progress, and are for the page alone: programs have the API.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
N_AT_ONCE = 4  # Questions; Gradio's default is one, for all people together.
_VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"})
# Faster repainting than this is not seen, and each one carries the whole answer so far.
_REPAINT_S = 0.05

# Suggestions are asked on click, and a new turn is scrolled to once.
_ON_LOAD = """
element.setAttribute('aria-live', 'polite');
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-ask]');
  if (button) trigger('ask', {text: button.dataset.ask});
});
watch('value', () => window.kb && window.kb.onTurn(element));
"""


@dataclass
class Conversation:
    """The turns of one person's page, as HTML: those before, and the last one."""

    past: list[str] = field(default_factory=list)
    live: str = ""


@dataclass(frozen=True)
class ChatPage:
    """What other parts of the app refresh."""

    live: gr.HTML
    conversation: gr.State
    welcome: Welcome


@dataclass
class _Turn:
    query: Query
    number: int
    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    chunks: dict[str, Chunk] = field(default_factory=dict)
    answer: Answer | None = None
    error: str = ""


def build_chat(service: Service) -> ChatPage:
    """The page's components and their events, in the current Blocks context."""
    welcome = Welcome(service)
    conversation = gr.State(Conversation())
    past = gr.HTML("", elem_id="kb-past", apply_default_css=False)
    live = gr.HTML(
        value=welcome.html,
        elem_id="kb-live",
        apply_default_css=False,
        js_on_load=_ON_LOAD,
    )
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
            new = gr.Button("New conversation", size="sm", elem_id="kb-new", visible=False)

    outputs = [box, past, live, conversation, new]

    def ask(value: dict[str, Any], state: Conversation) -> Iterator[tuple[Any, ...]]:
        yield from _ask(service, value, state)

    def ask_suggestion(state: Conversation, event: gr.EventData) -> Iterator[tuple[Any, ...]]:
        yield from _ask(service, {"text": str(event.text), "files": []}, state)

    def idle(state: Conversation) -> tuple[Any, ...]:
        if state.live:
            state.live = state.live.replace('aria-busy="true"', 'aria-busy="false"')
        return _box(), gr.skip(), state.live or welcome.html(), state, gr.skip()

    def clear() -> tuple[Any, ...]:
        return _box(), "", welcome.html(), Conversation(), gr.Button(visible=False)

    several: dict[str, Any] = QUIET | {"concurrency_limit": N_AT_ONCE}
    running = [
        box.submit(ask, [box, conversation], outputs, **several),
        live.ask(ask_suggestion, [conversation], outputs, **several),
    ]
    box.stop(idle, [conversation], outputs, cancels=running, **QUIET)
    new.click(clear, None, outputs, cancels=running, **QUIET)
    return ChatPage(live, conversation, welcome)


def split_attachments(files: Sequence[str]) -> tuple[list[Path], Path | None]:
    """The pictures and the clip among what was attached.

    Raises:
        ConfigError: There is more than one clip.
    """
    paths = [Path(file) for file in files]
    clips = [path for path in paths if path.suffix.lower() in _VIDEO_SUFFIXES]
    if len(clips) > 1:
        raise ConfigError(
            f"A question takes one clip, {len(clips)} were attached. Remove all but one."
        )
    return [path for path in paths if path not in clips], clips[0] if clips else None


def _ask(service: Service, value: dict[str, Any], state: Conversation) -> Iterator[tuple[Any, ...]]:
    text = str(value.get("text") or "").strip()
    files = list(value.get("files") or [])
    if not text and not files:
        yield (gr.skip(),) * 5
        return
    if state.live:
        state.past.append(state.live)
    turn = _Turn(query=Query(text=text), number=len(state.past) + 1)

    def paint(*, first: bool = False, last: bool = False) -> tuple[Any, ...]:
        state.live = _turn_html(turn, busy=not last)
        return (
            _box(busy=True) if first else _box(keep=True) if last else gr.skip(),
            "".join(state.past) if first else gr.skip(),
            state.live,
            state,
            gr.Button(visible=True) if first else gr.skip(),
        )

    yield paint(first=True)
    try:
        images, clip = split_attachments(files)
        turn.query = service.make_query(text, images, clip, Filters())
        painted_s = time.monotonic()
        for event in service.ask(turn.query):
            match event:
                case TextDelta():
                    turn.text += event.text
                case Citation():
                    chunk = service.chunk(event.chunk_id)
                    if chunk is not None:
                        turn.chunks[event.chunk_id] = chunk
                        turn.citations.append(event)
                case Answer():
                    turn.answer = event
                    turn.text = event.text
            # A whole answer is shown before its claims are checked.
            if isinstance(event, Answer) or time.monotonic() - painted_s > _REPAINT_S:
                yield paint()
                painted_s = time.monotonic()
    except KnowledgeBaseError as error:
        turn.error = str(error)
    yield paint(last=True)


def _box(*, busy: bool = False, keep: bool = False) -> gr.MultimodalTextbox:
    """The question box: emptied, unless what is typed meanwhile is to be kept."""
    if keep:
        return gr.MultimodalTextbox(submit_btn=True, stop_btn=False)
    return gr.MultimodalTextbox(value=None, submit_btn=not busy, stop_btn=busy)


def _turn_html(turn: _Turn, *, busy: bool) -> str:
    cited = [(c, turn.chunks[c.chunk_id]) for c in turn.citations]
    chips = {citation.number: chip(citation, chunk) for citation, chunk in cited}
    claims = turn.answer.claims if turn.answer else ()
    parts = [answer_html(turn.text, chips, weak_parts(claims))]
    if turn.error:
        parts.append(message(turn.error, kind="error", title="This question was not answered"))
    if busy and not turn.text:
        parts.append('<p class="kb-thinking">Looking through your files<span></span></p>')
    if turn.answer is not None:
        parts += [_foot(turn.answer), checked_html(turn.answer)]
    sources = ""
    if cited:
        cards = "".join(citation_card(citation, chunk) for citation, chunk in cited)
        sources = (
            f'<aside class="kb-sources" aria-label="Sources of answer {turn.number}">'
            f"<h3>Sources</h3><ol>{cards}</ol></aside>"
        )
    return (
        f'<article class="kb-turn" data-turn="{turn.number}" aria-busy="{str(busy).lower()}">'
        f'<div class="kb-question">{_attachments(turn.query)}'
        f"{f'<p>{escape(turn.query.text)}</p>' if turn.query.text else ''}</div>"
        f'<div class="kb-turn-body"><div class="kb-answer">{"".join(parts)}</div>{sources}</div>'
        "</article>"
    )


def _attachments(query: Query) -> str:
    pictures = [
        f'<img src="{thumbnail_data_uri(image)}" alt="Picture in the question">'
        for image in query.images
    ]
    if query.clip:
        middle = query.clip[len(query.clip) // 2].image
        pictures.append(
            f'<span class="kb-attached-clip"><img src="{thumbnail_data_uri(middle)}" '
            f'alt="Clip in the question">{icon("video")}</span>'
        )
    return f'<div class="kb-attached">{"".join(pictures)}</div>' if pictures else ""


def _foot(answer: Answer) -> str:
    n_sources = len({citation.source for citation in answer.citations})
    if answer.status is AnswerStatus.NO_EVIDENCE:
        note = "Try other words, or add files about it"
    else:
        note = f"From {n_sources} {'file' if n_sources == 1 else 'files'}"
    seconds = answer.total_time_ms / 1000
    return f'<p class="kb-foot">{note} · {seconds:.2f} s</p>'
