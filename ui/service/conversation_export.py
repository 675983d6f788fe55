"""A conversation as Markdown for people and as JSON for programs, with what it cites."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from kb import Conversation, Feedback
from kb.types import Citation
from ui.language import tr
from ui.service.places import place
from ui.service.scope import scope_text
from ui.service.turns import Turn
from ui.service.wire import citation_json
from ui.told import told

__all__ = [
    "answer_with_sources",
    "as_json",
    "as_markdown",
    "date_text",
    "feedback_json",
    "kept_turn_json",
    "plain_answer",
]

_CITATION = re.compile(r" ?\[(\d{1,3})\]")


def as_markdown(conversation: Conversation, turns: Sequence[Turn]) -> str:
    """Questions as headings, answers with their numbers, and below each what the numbers mean."""
    parts = [f"# {conversation.title}", date_text(conversation.created_ns)]
    for turn in turns:
        parts += _turn_parts(turn)
    return "\n\n".join(parts) + "\n"


def as_json(conversation: Conversation, turns: Sequence[Turn]) -> str:
    """The conversation with each turn as `kept_turn_json` has it."""
    made = {
        "id": conversation.id,
        "title": conversation.title,
        "created": date_text(conversation.created_ns),
        "changed": date_text(conversation.changed_ns),
        "turns": [kept_turn_json(turn) for turn in turns],
    }
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"


def kept_turn_json(turn: Turn) -> dict[str, Any]:
    """A turn: the fields of ``kb ask --json`` that are kept, and what it was asked with."""
    return {
        "number": turn.number,
        "query": turn.question,
        "understood": turn.understood or None,
        "attachments": list(turn.attachments),
        "scope": list(turn.scope),
        "answer": turn.text,
        "status": turn.status.value if turn.status else None,
        "stage": turn.stage.value,
        "error": turn.error or None,
        "citations": [citation_json(one) for one in turn.citations],
        "closest_passages": [citation_json(one) for one in turn.closest],
        "feedback": feedback_json(turn.feedback),
    }


def feedback_json(feedback: Feedback | None) -> dict[str, Any] | None:
    """What was said of an answer; None where nothing was."""
    if feedback is None:
        return None
    return {"is_good": feedback.is_good, "reason": feedback.reason, "note": feedback.note}


def plain_answer(turn: Turn) -> str:
    """A turn's answer as Markdown, without the numbers of what it cites."""
    numbers = {citation.number for citation in turn.citations}

    def mark(found: re.Match[str]) -> str:
        return "" if int(found[1]) in numbers else found[0]

    return _CITATION.sub(mark, turn.text)


def answer_with_sources(turn: Turn) -> str:
    """A turn's answer as Markdown with its numbers, and what they mean below."""
    return "\n\n".join([turn.text, "\n".join(map(_cited, turn.citations))])


def _turn_parts(turn: Turn) -> Iterator[str]:
    question = " ".join(turn.question.split())
    yield f"## {question or ', '.join(turn.attachments) or tr('Question')}"
    if turn.attachments and question:
        yield tr("With: {names}", names=", ".join(turn.attachments))
    if turn.scope:
        yield tr("Within: {where}", where=scope_text(turn.scope))
    if turn.understood:
        yield tr("Asked as: {question}", question=turn.understood)
    if turn.error:
        yield tr("Not answered: {error}", error=told(turn.error))
    if turn.text:
        yield turn.text
    elif turn.closest and not turn.error:
        yield tr("No answer was found in the files.")
    if turn.citations:
        yield "\n".join(map(_cited, turn.citations))


def _cited(citation: Citation) -> str:
    quote = " ".join(citation.quote.split())
    said = f": “{quote}”" if quote else ""
    where = ", ".join(filter(None, (citation.source, place(citation.source, citation.locator))))
    return f"- [{citation.number}] {where}{said}"


def date_text(time_ns: int) -> str:
    """Nanoseconds since the epoch as ISO 8601, to the second, in UTC."""
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="seconds")
