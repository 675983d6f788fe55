"""``/api/v1``: whether answers that a conversation keeps were right, as people or programs say."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Response

from kb import Feedback
from kb.errors import ConfigError
from ui.http.v1 import schemas
from ui.service.conversation_export import feedback_json
from ui.service.feedback import feedback_set, queries_text
from ui.service.service import Service

__all__ = ["feedback_router"]

Json = dict[str, Any]

_JSON_LINES = "application/jsonl"
_Id = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{22}$")]
_Number = Annotated[int, Path(ge=1, le=1_000_000, description="Of the turn, from 1.")]


def feedback_router(service: Service) -> APIRouter:
    """Routes of feedback."""
    router = APIRouter(tags=["conversations"])
    path = "/conversations/{id}/turns/{number}/feedback"

    def rate(id: str, number: int, feedback: Feedback | None) -> None:
        try:
            service.conversations.rate(id, number, feedback)
        except ConfigError as error:
            raise HTTPException(404, str(error)) from error

    @router.put(path, response_model=schemas.FeedbackBody)
    def give(id: _Id, number: _Number, body: schemas.FeedbackBody) -> Json:
        """Say whether an answer is good, in place of what was said of it before."""
        feedback = Feedback(body.is_good, body.reason, body.note)
        rate(id, number, feedback)
        return feedback_json(feedback) or {}

    @router.delete(path, status_code=204)
    def take_back(id: _Id, number: _Number) -> Response:
        """Take back what was said of an answer."""
        rate(id, number, None)
        return Response(status_code=204)

    @router.get(
        "/feedback",
        response_class=Response,
        responses={
            200: {
                "description": "An evaluation set's questions, JSON lines",
                "content": {_JSON_LINES: {"schema": {"type": "string"}}},
            }
        },
    )
    def judged() -> Response:
        """The questions whose answers were judged, as `queries.jsonl` of an evaluation set."""
        text = queries_text(feedback_set(service.conversations.rated()).queries)
        headers = {
            "Content-Disposition": 'attachment; filename="queries.jsonl"',
            "Cache-Control": "no-store",
        }
        return Response(text, media_type=_JSON_LINES, headers=headers)

    return router
