"""A conversation as Markdown for people and as JSON for programs, with what it cites."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from kb import Conversation
from kb.types import Citation
from ui.service.places import place
from ui.service.scope import scope_text
from ui.service.turns import Turn
from ui.service.wire import citation_json

__all__ = [
    "answer_with_sources",
    "as_json",
    "as_markdown",
    "kept_turn_json",
    "plain_answer",
]

_CITATION = re.compile(r" ?\[(\d{1,3})\]")
_NOTHING = "No answer was found in the files."


def as_markdown(conversation: Conversation, turns: Sequence[Turn]) -> str:
    """Questions as headings, answers with their numbers, and below each what the numbers mean."""
    parts = [f"# {conversation.title}", _date(conversation.created_ns)]
    for turn in turns:
        parts += _turn_parts(turn)
    return "\n\n".join(parts) + "\n"


def as_json(conversation: Conversation, turns: Sequence[Turn]) -> str:
    """The conversation with each turn as `kept_turn_json` has it."""
    made = {
        "id": conversation.id,
        "title": conversation.title,
        "created": _date(conversation.created_ns),
        "changed": _date(conversation.changed_ns),
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
    }


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
    yield f"## {question or ', '.join(turn.attachments) or 'Question'}"
    if turn.attachments and question:
        yield f"With: {', '.join(turn.attachments)}"
    if turn.scope:
        yield f"Within: {scope_text(turn.scope)}"
    if turn.understood:
        yield f"Asked as: {turn.understood}"
    if turn.error:
        yield f"Not answered: {turn.error}"
    if turn.text:
        yield turn.text
    elif turn.closest and not turn.error:
        yield _NOTHING
    if turn.citations:
        yield "\n".join(map(_cited, turn.citations))


def _cited(citation: Citation) -> str:
    quote = " ".join(citation.quote.split())
    said = f": “{quote}”" if quote else ""
    where = ", ".join(filter(None, (citation.source, place(citation.source, citation.locator))))
    return f"- [{citation.number}] {where}{said}"


def _date(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="seconds")
