"""The API for programs, ``/api/v1``: search, ask, documents, conversations, and how the server
stands.

Bodies are JSON or forms, errors problem details. What it takes and gives is described at
``/api/v1/openapi.json``, and for people at ``/api/v1/docs``. No answer names a path of the server.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Path, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from kb.config.named import QUOTES
from ui.http.headers import policy_for
from ui.http.problems import handle_problems
from ui.http.streams import EVENT_STREAM
from ui.http.v1 import schemas
from ui.http.v1.answers import answered
from ui.http.v1.conversations import conversations_router
from ui.http.v1.description import PROBLEMS, body_of, describe
from ui.http.v1.docs import docs_page
from ui.http.v1.documents import documents_router
from ui.http.v1.feedback import feedback_router
from ui.http.v1.questions import Question, question_of
from ui.http.v1.trash import trash_router
from ui.service.asking import while_connected
from ui.service.conversation import check_turns
from ui.service.service import Service
from ui.service.shown import Shown
from ui.service.wire import answer_lines, hit_json, progress_json, search_json

__all__ = ["v1_app"]

Json = dict[str, Any]


def v1_app(service: Service) -> FastAPI:
    """The application that is mounted at ``/api/v1``."""
    shown = Shown(service)
    app = FastAPI(
        title="Knowledge base",
        version=importlib.metadata.version("multimodal-kb"),
        description="Search, cited answers, documents and conversations of one knowledge base.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=PROBLEMS,
    )
    handle_problems(app, shown)
    app.include_router(_questions_router(service, shown))
    app.include_router(documents_router(service, shown))
    app.include_router(conversations_router(service, shown))
    app.include_router(feedback_router(service))
    app.include_router(trash_router(service, shown))
    app.include_router(_state_router(service, shown))
    app.openapi = describe(app)  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        headers = {"Content-Security-Policy": policy_for("text/html")}
        return HTMLResponse(docs_page(app.openapi()), headers=headers)

    return app


def _questions_router(service: Service, shown: Shown) -> APIRouter:
    router = APIRouter(tags=["questions"])

    @router.post(
        "/search",
        response_model=schemas.SearchBody,
        openapi_extra=body_of(schemas.SearchRequest),
    )
    async def search(request: Request) -> Response:
        """Find pages, pictures and clips by words, by pictures, or by both."""
        async with question_of(request, schemas.SearchRequest, service) as question:

            def find() -> Json:
                result = service.search(question.query(service), question.asked.top)
                return search_json(result, None)

            found = await while_connected(request.receive, service.askers.one(find))
        return JSONResponse(found)

    @router.post(
        "/ask",
        response_model=schemas.AnswerBody,
        responses={200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}},
        openapi_extra=body_of(schemas.AskRequest),
    )
    async def ask(request: Request) -> Response:
        """Answer a question with numbered citations."""
        async with question_of(request, schemas.AskRequest, service) as question:
            lines = service.askers.each(lambda: _lines(service, question))
            return await answered(request, lines, shown, is_streamed=question.asked.stream)

    @router.get("/passages/{id}", response_model=schemas.PassageBody)
    def passage(id: Annotated[str, Path(max_length=100)]) -> Json:
        """The passage, picture or clip that a citation or a result shows, whole."""
        hit = service.kb.hit(id)
        if hit is None:
            raise HTTPException(404, "There is no such passage, or no more.")
        told = hit_json(hit, 1, None)
        return {key: told[key] for key in ("id", "content", "metadata")}

    return router


def _lines(service: Service, question: Question[schemas.AskRequest]) -> Iterator[Json]:
    check_turns(question.asked.turns)
    query = service.understood(question.query(service), question.asked.turns)
    generator = QUOTES if question.asked.quotes_only else ""
    return answer_lines(query, service.ask(query, generator), None)


def _state_router(service: Service, shown: Shown) -> APIRouter:
    router = APIRouter(tags=["state"])

    @router.get("/status", response_model=schemas.StatusBody)
    def status() -> Json:
        """Counts, sizes, and how far a running sync has come."""
        now = service.status()
        return {
            "profile": now.profile,
            "profile_note": shown(now.profile_note),
            "n_files": now.n_files,
            "n_documents": now.n_documents,
            "n_chunks": now.n_chunks,
            "n_unindexed": now.n_unindexed,
            "counts": now.counts,
            "kinds": now.kinds,
            "size_bytes": now.size_bytes,
            "progress": progress_json(service.progress()),
            "alert": shown(now.alert),
        }

    @router.get("/health", response_model=schemas.Health)
    def health() -> Json:
        """Whether the server is there."""
        return {"status": "ok"}

    @router.get("/ready", response_model=schemas.Health)
    def ready() -> Json:
        """Whether questions can be answered: the ledger and the vectors are there. Else 503."""
        service.kb.ledger.check()
        service.kb.store_stats()
        return {"status": "ready"}

    return router
