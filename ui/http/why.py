"""``/api/why``: what the page shows of how an answer came about. It is asked for by a click, and
costs as much as a search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from kb.errors import KnowledgeBaseError
from ui.service.asking import while_connected
from ui.service.service import Service
from ui.web.html.why import error_html
from ui.web.why import lost_page_html, why_answer_html

__all__ = ["why_router"]

_Id = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{22}$")]
_Number = Annotated[int, Path(ge=1, le=1_000_000)]


def why_router(service: Service) -> APIRouter:
    """``GET /api/why/ID/N``, and ``/page`` below it: parts of the page."""
    router = APIRouter(prefix="/api/why")

    async def shown(request: Request, make: Callable[[], str]) -> HTMLResponse:
        def work() -> str:
            try:
                return make()
            except KnowledgeBaseError as error:
                return error_html(str(error))

        content = await while_connected(request.receive, service.askers.one(work))
        return HTMLResponse(content, headers={"Cache-Control": "no-store"})

    @router.get("/{id}/{number}")
    async def why(request: Request, id: _Id, number: _Number) -> HTMLResponse:
        return await shown(request, lambda: why_answer_html(service, id, number))

    @router.get("/{id}/{number}/page")
    async def page(
        request: Request,
        id: _Id,
        number: _Number,
        source: Annotated[str, Query(max_length=500)],
        page: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    ) -> HTMLResponse:
        return await shown(request, lambda: lost_page_html(service, id, number, source, page))

    return router
