"""Conversations as files to keep."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Response

from ui.service.conversation_export import as_json, as_markdown
from ui.service.service import Service

__all__ = ["conversations_router"]

_FORMATS = {
    "md": (as_markdown, "text/markdown; charset=utf-8"),
    "json": (as_json, "application/json"),
}


def conversations_router(service: Service) -> APIRouter:
    """``GET /api/conversations/ID.md`` and ``.json``: all of a conversation, to be saved."""
    router = APIRouter(prefix="/api")

    @router.get("/conversations/{conversation_id}.{form}")
    def export(conversation_id: str, form: str) -> Response:
        conversation = service.conversations.get(conversation_id)
        if conversation is None or form not in _FORMATS:
            raise HTTPException(404, "There is no such conversation, or it has been deleted.")
        write, media_type = _FORMATS[form]
        turns = service.conversations.turns(conversation_id, n_last=None)
        headers = {
            "Content-Disposition": f'attachment; filename="conversation.{form}"',
            "Cache-Control": "no-store",
        }
        return Response(write(conversation, turns), media_type=media_type, headers=headers)

    return router
