"""``/api/v1/conversations``: the conversations that are kept, the page's among them, and questions
asked within them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from kb import MAX_TURNS, Conversation, TextDelta
from kb.config.named import QUOTES
from kb.errors import KnowledgeBaseError
from kb.types import Answer, Citation
from ui.http.streams import EVENT_STREAM
from ui.http.v1 import schemas
from ui.http.v1.answers import answered
from ui.http.v1.description import body_of
from ui.http.v1.questions import Question, question_of
from ui.service.conversation_export import as_json, as_markdown, date_text, kept_turn_json
from ui.service.scope import scope_of
from ui.service.service import Service
from ui.service.turns import Stage, Turn
from ui.service.wire import answer_lines, understood_text

__all__ = ["conversations_router"]

Json = dict[str, Any]

_PATH = "/api/v1/conversations"
_Id = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{22}$")]
_MAX_LIMIT = 200
_EXPORTS = {"md": ("text/markdown", as_markdown), "json": ("application/json", as_json)}


def conversations_router(service: Service, shown: Callable[[str], str]) -> APIRouter:
    """Routes below ``/conversations``.

    Args:
        shown: Makes what an answer failed by one that anybody may read.
    """
    router = APIRouter(prefix="/conversations", tags=["conversations"])
    kept = service.conversations

    def found(id: str) -> Conversation:
        conversation = kept.get(id)
        if conversation is None:
            raise HTTPException(404, "There is no such conversation, or it has been deleted.")
        return conversation

    @router.get("", response_model=schemas.ConversationsPage)
    def conversations(
        text: Annotated[
            str, Query(max_length=200, description="Words that its title or a turn holds.")
        ] = "",
        limit: Annotated[int, Query(ge=1, le=_MAX_LIMIT)] = 50,
        offset: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    ) -> Json:
        """List the conversations: those that are pinned, then by when they were last asked in."""
        listed = kept.find(text, limit + 1, offset)
        following = None
        if len(listed) > limit:
            asked = ({"text": text} if text else {}) | {"limit": limit, "offset": offset + limit}
            following = f"{_PATH}?{urlencode(asked)}"
        return {
            "conversations": [_conversation(one) for one in listed[:limit]],
            "limit": limit,
            "offset": offset,
            "next": following,
        }

    async def ask_in(request: Request, id: str) -> Response:
        async with question_of(request, schemas.KeptAskRequest, service) as question:
            lines = service.askers.each(lambda: _lines(service, question, id))
            return await answered(request, lines, shown, is_streamed=question.asked.stream)

    described: Json = {
        "response_model": schemas.KeptAnswerBody,
        "responses": {200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}},
        "openapi_extra": body_of(schemas.KeptAskRequest),
    }

    @router.post("", **described)
    async def begin(request: Request) -> Response:
        """Begin a conversation with its first question, and answer it."""
        return await ask_in(request, "")

    @router.post("/{id}/ask", **described)
    async def ask(request: Request, id: _Id) -> Response:
        """Ask within a conversation; a question goes on from those before it."""
        found(id)
        return await ask_in(request, id)

    @router.get("/{id}", response_model=schemas.ConversationBody)
    def conversation(
        id: _Id,
        last: Annotated[int, Query(ge=1, le=_MAX_LIMIT, description="So many turns.")] = 50,
    ) -> Json:
        """One conversation with its last turns, in order, and what they cite."""
        turns = kept.turns(found(id).id, last)
        return _conversation(found(id)) | {
            "turns": [kept_turn_json(turn) for turn in _shown(turns, shown)]
        }

    @router.patch("/{id}", response_model=schemas.ConversationSummary)
    def change(id: _Id, body: schemas.ConversationChange) -> Json:
        """Rename a conversation, or pin it above the others."""
        found(id)
        if body.title is not None:
            kept.rename(id, body.title)
        if body.is_pinned is not None:
            kept.pin(id, is_pinned=body.is_pinned)
        return _conversation(found(id))

    @router.delete("/{id}", response_model=schemas.DeletedConversation)
    def delete(id: _Id) -> Json:
        """Delete a conversation."""
        found(id)
        kept.delete(id)
        return {"id": id}

    @router.get(
        "/{id}/export",
        response_class=Response,
        responses={
            200: {
                "description": "All of its turns, with what they cite",
                "content": {media_type: {} for media_type, _ in _EXPORTS.values()},
            }
        },
    )
    def export(id: _Id, format: Literal["md", "json"] = "json") -> Response:
        """A whole conversation as a file to keep."""
        conversation = found(id)
        media_type, write = _EXPORTS[format]
        turns = _shown(kept.turns(id, n_last=None), shown)
        headers = {
            "Content-Disposition": f'attachment; filename="conversation.{format}"',
            "Cache-Control": "no-store",
        }
        return Response(write(conversation, turns), media_type=media_type, headers=headers)

    return router


def _lines(
    service: Service, question: Question[schemas.KeptAskRequest], conversation_id: str
) -> Iterator[Json]:
    """As of `answer_lines`, first which turn of which conversation it is. The turn is kept when it
    begins and when it ends, however it ends; not where there is nothing to ask."""
    query = question.query(service)
    past = service.conversations.turns(conversation_id) if conversation_id else []
    turn = Turn(
        number=1,
        question=question.asked.text.strip(),
        attachments=question.names,
        generator=QUOTES if question.asked.quotes_only else "",
        scope=scope_of(query.filters),
    )
    turn.attach(query)
    kept_in = service.conversations.begin(conversation_id, turn)
    if kept_in != conversation_id:
        past = []  # it was deleted a moment ago
    where = {"conversation_id": kept_in, "number": turn.number}
    try:
        yield {"turn": where}
        query = service.understood(query, [one.earlier for one in past[-MAX_TURNS:]])
        turn.understood = understood_text(query)
        events = _taken(turn, service.ask(query, turn.generator))
        for line in answer_lines(query, events, None):
            answer = line.get("answer")
            yield line if answer is None else {"answer": where | answer}
        turn.stage = Stage.WHOLE
    except KnowledgeBaseError as error:
        turn.error = str(error)
        turn.stage = Stage.WHOLE
        raise
    finally:
        if turn.stage is Stage.RUNNING:
            turn.stage = Stage.STOPPED
        service.conversations.save(kept_in, turn)


def _taken(
    turn: Turn, events: Iterable[TextDelta | Citation | Answer]
) -> Iterator[TextDelta | Citation | Answer]:
    for event in events:
        turn.take(event)
        yield event


def _shown(turns: Sequence[Turn], shown: Callable[[str], str]) -> list[Turn]:
    """Turns whose notes name no path of the server."""
    return [
        replace(
            turn,
            error=shown(turn.error),
            note=shown(turn.note),
            check_error=shown(turn.check_error),
        )
        for turn in turns
    ]


def _conversation(conversation: Conversation) -> Json:
    return {
        "id": conversation.id,
        "title": conversation.title,
        "is_pinned": conversation.is_pinned,
        "created": date_text(conversation.created_ns),
        "changed": date_text(conversation.changed_ns),
        "n_turns": conversation.n_turns,
    }
