"""A question of the Chat page while it is answered."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kb import MAX_TURNS
from kb.errors import ConfigError, KnowledgeBaseError
from kb.types import Answer, Chunk
from ui.language import tr
from ui.service.scope import scope_filters
from ui.service.service import Service
from ui.service.turns import Stage, Turn
from ui.service.wire import understood_text
from ui.told import told
from ui.web.html.turn import past_html, turn_html
from ui.web.upload_folder import received

__all__ = [
    "QUESTION_FILE_TYPES",
    "Asked",
    "Question",
    "answered",
    "asked_before",
    "is_for_questions",
    "number_of",
    "past_of",
    "shown_turn",
    "split_attachments",
]

QUESTION_FILE_TYPES = ["image", "video", ".heic", ".heif", ".mkv", ".avi"]
_VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"})
_MAX_DIGITS = 6
# Faster repainting than this is not seen, and each one carries the whole answer so far.
_REPAINT_S = 0.05


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        files: Uploads of the page.
        generator: As of `Service.ask`.
        after: It is understood after the turns before this number; None: after all.
        scope: As of `Turn`.
    """

    text: str
    files: tuple[str, ...] = ()
    generator: str = ""
    after: int | None = None
    scope: tuple[str, ...] = ()


@dataclass
class Asked:
    """A question under way.

    Attributes:
        conversation: Its id; empty where it can't be kept.
        past: HTML of the turns before it, while that has not been shown.
        is_typed: It came from the box.
    """

    turn: Turn
    conversation: str = ""
    past: str | None = None
    is_typed: bool = True


def asked_before(
    service: Service, conversation: str, number: int | None, generator: str = ""
) -> Question:
    """A question of a conversation, to be asked once more as it was; an empty one where there is
    none."""
    turn = service.conversations.turn(conversation, number) if number else None
    if turn is None:
        return Question("")
    return Question(turn.question, turn.files, generator, number, turn.scope)


def number_of(text: str | None) -> int | None:
    """The number of a turn in what a page sent; None for anything else."""
    if not isinstance(text, str) or not text.isascii() or not text.isdigit():
        return None
    return int(text) if len(text) <= _MAX_DIGITS else None


def answered(service: Service, conversation: str, question: Question) -> Iterator[Asked]:
    """The turn of a question, again and again while it is answered; the last one is whole. It is
    kept when it begins and when it ends, however it ends.

    Args:
        conversation: Id of the one that it goes on; empty begins one.
    """
    text = question.text.strip()
    if not text and not question.files:
        return
    past = service.conversations.turns(conversation) if conversation else []
    names = tuple(Path(path).name for path in question.files)
    turn = Turn(
        number=past[-1].number + 1 if past else 1,
        question=text,
        attachments=names,
        files=question.files,
        generator=question.generator,
        scope=question.scope,
    )
    asked = Asked(turn)
    try:
        asked.conversation = service.conversations.begin(conversation, turn)
        if asked.conversation != conversation:
            past = []
    except KnowledgeBaseError as error:
        turn.note = _not_kept(error)
    asked.past = past_of(service, past, asked.conversation)
    try:
        yield asked
        asked.past = None
        before = [one for one in past if question.after is None or one.number < question.after]
        yield from _answering(service, asked, question, before)
        turn.stage = Stage.WHOLE
    except KnowledgeBaseError as error:
        turn.error = str(error)
        turn.stage = Stage.WHOLE
    finally:
        if turn.stage is Stage.RUNNING:
            turn.stage = Stage.STOPPED
        if asked.conversation:
            service.conversations.save(asked.conversation, turn)
    yield asked


def _not_kept(error: KnowledgeBaseError) -> str:
    return tr("This conversation can't be kept: {error}", error=told(error))


def _answering(
    service: Service, asked: Asked, question: Question, past: Sequence[Turn]
) -> Iterator[Asked]:
    turn = asked.turn
    is_mixed = len(question.scope) > 1
    sources = (file.source for file in service.files()) if is_mixed else ()
    filters = scope_filters(question.scope, sources)
    with received(question.files, service.config.limits, service.scratch.root) as copies:
        query = service.make_query(turn.question, *split_attachments(copies), filters)
    query = service.understood(query, [one.earlier for one in past[-MAX_TURNS:]])
    turn.understood = understood_text(query)
    if question.files:
        turn.attach(query)
        service.conversations.save(asked.conversation, turn)
    note = turn.note
    painted_s = time.monotonic()
    for event in service.ask(query, question.generator):
        turn.take(event)
        if isinstance(event, Answer):
            turn.note = " ".join(filter(None, (turn.note, note)))
        # A whole answer is shown before its claims are checked.
        if isinstance(event, Answer) or time.monotonic() - painted_s > _REPAINT_S:
            yield asked
            painted_s = time.monotonic()


def shown_turn(service: Service, asked: Asked) -> str:
    """The HTML of a turn as it is now."""
    return turn_html(asked.turn, _chunks(service, [asked.turn]), asked.conversation)


def past_of(service: Service, turns: Sequence[Turn], conversation: str) -> str:
    """The HTML of turns that are over, but for those that another page asks now."""
    running = {
        turn.number for turn in turns if service.conversations.is_running(conversation, turn.number)
    }
    return past_html(turns, _chunks(service, turns), running, conversation)


def _chunks(service: Service, turns: Sequence[Turn]) -> dict[str, Chunk]:
    cited = [one for turn in turns for one in (*turn.citations, *turn.closest)]
    return service.kb.ledger.chunks(list({citation.chunk_id for citation in cited}))


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
