"""Earlier questions of a conversation, as programs and files give them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from kb import MAX_TURNS as LAST_TURNS
from kb import Ledger, Turn
from kb.errors import ConfigError, PromptTooLongError
from ui.service.wire import explained

__all__ = [
    "MAX_TURNS",
    "EarlierTurn",
    "check_turns",
    "make_turns",
    "parse_turns",
    "read_conversation",
    "turn_json",
]

MAX_TURNS = 50
"""So many earlier questions may be given, as many as the page keeps."""
_MAX_TEXT_CHARS = 100_000
_MAX_CITATIONS = 100
# Of a conversation's file; what goes along with a question is less.
_MAX_FILE_BYTES = 16 << 20
_MAX_SENT_CHARS = 2_000
_N_CITED = 3


class _Cited(BaseModel):
    id: Annotated[str, Field(max_length=100)] = ""
    source: Annotated[str, Field(max_length=4096)] = ""


class EarlierTurn(BaseModel):
    """An earlier question: a part of what ``kb ask --json`` prints, whose other fields may stay.

    Attributes:
        query: As it was typed.
        understood: As it was understood, where that differs.
        answer: Markdown.
        citations: Of the answer, the first one first.
    """

    query: Annotated[str, Field(max_length=_MAX_TEXT_CHARS)]
    understood: Annotated[str, Field(max_length=_MAX_TEXT_CHARS)] | None = None
    answer: Annotated[str, Field(max_length=_MAX_TEXT_CHARS)] = ""
    citations: Annotated[list[_Cited], Field(max_length=_MAX_CITATIONS)] = []


_TURNS = TypeAdapter(list[EarlierTurn])


def parse_turns(text: str) -> list[EarlierTurn]:
    """Earlier questions from a JSON list, in order.

    Raises:
        ConfigError: It is none.
        PromptTooLongError: There are more than `MAX_TURNS`.
    """
    try:
        turns = _TURNS.validate_json(text)
    except ValidationError as error:
        raise ConfigError(
            f"The earlier questions are not accepted: {explained(error.errors())}. Expected a JSON "
            'list of {"query", "understood"?, "answer"?, "citations"?: [{"id", "source"}]}.'
        ) from error
    check_turns(turns)
    return turns


def check_turns(turns: Sequence[EarlierTurn]) -> None:
    """Make sure that there are not more than `MAX_TURNS`.

    Raises:
        PromptTooLongError: There are.
    """
    if len(turns) > MAX_TURNS:
        raise PromptTooLongError(
            f"There are {len(turns):,} earlier questions, over the limit of {MAX_TURNS}. Leave out "
            "the first ones."
        )


def make_turns(given: Sequence[EarlierTurn], ledger: Ledger) -> list[Turn]:
    """Turns with the titles of what they cite: the document's, else the file's name."""
    chunks = ledger.chunks(
        [one.id for turn in given for one in turn.citations[:_N_CITED] if one.id]
    )
    turns = []
    for turn in given:
        titles = [
            chunks[one.id].title if one.id in chunks else PurePosixPath(one.source).stem
            for one in turn.citations[:_N_CITED]
        ]
        titles = [title for title in titles if title]
        turns.append(Turn(turn.understood or turn.query, turn.answer, tuple(titles)))
    return turns


def read_conversation(path: Path) -> str:
    """The last turns of a file of JSON lines, as `parse_turns` reads them; none where there is no
    file yet.

    Raises:
        ConfigError: It can't be read, is too large, or a line is no turn.
    """
    if not path.exists():
        return "[]"
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ConfigError(
                f"{path} has {path.stat().st_size:,} bytes, over the limit of {_MAX_FILE_BYTES:,} "
                "of a conversation. Begin another file."
            )
        lines = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The conversation in {path} can't be read ({error}).") from error
    turns = []
    for number, line in enumerate(lines, 1):
        if number <= len(lines) - LAST_TURNS:
            continue
        try:
            turns.append(EarlierTurn.model_validate_json(line))
        except ValidationError as error:
            raise ConfigError(
                f"Line {number} of {path} is no earlier question: {explained(error.errors())}. "
                'Expected {"query", "understood"?, "answer"?, "citations"?} in each line.'
            ) from error
    for turn in turns:
        turn.answer = turn.answer[:_MAX_SENT_CHARS]
        turn.citations = turn.citations[:_N_CITED]
    return _TURNS.dump_json(turns).decode()


def turn_json(answer: dict[str, Any]) -> str:
    """The line that a conversation's file keeps of an answer as ``kb ask --json`` prints it."""
    kept = {
        "query": answer["query"],
        "understood": answer["understood"],
        "answer": answer["answer"],
        "status": answer["status"],
        "citations": [
            {"id": one["id"], "source": one["source"]}
            for one in answer["citations"][:_MAX_CITATIONS]
        ],
    }
    return json.dumps(kept, ensure_ascii=False) + "\n"
