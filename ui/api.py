"""The HTTP API: what the command line does, over a running server.

``POST /api/search`` and ``/api/ask`` take multipart forms (`text`, `image` files, a `video`
file, `top`, filters); ``/api/sync`` takes JSON. ``/api/ask`` and ``/api/sync`` answer one JSON
object a line: text and citations, then the answer; progress, then the report. Where that breaks
off, the last line holds the error.
"""

from __future__ import annotations

import itertools
import json
import logging
import queue
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

from ingest.progress import Progress
from kb.errors import (
    ConfigError,
    InferenceError,
    IngestError,
    KnowledgeBaseError,
    ModelError,
    PromptTooLongError,
    StoreUnavailableError,
)
from kb.masking import masked
from ui.login import Caller
from ui.service import Service
from ui.wire import (
    answer_lines,
    parse_filters,
    progress_json,
    search_json,
    status_json,
    sync_json,
)

__all__ = ["api_router", "error_response"]

_log = logging.getLogger(__name__)


class SyncRequest(BaseModel):
    """Body of ``POST /api/sync``."""

    folders: list[str] = []
    dry_run: bool = False
    allow_mass_delete: bool = False
    retry: list[str] | None = None


def error_response(error: KnowledgeBaseError) -> JSONResponse:
    """The error's message with the HTTP status that says whose turn it is."""
    status = 500
    if isinstance(error, ConfigError | IngestError):
        status = 400
    elif isinstance(error, PromptTooLongError):
        status = 413
    elif isinstance(error, InferenceError) and error.items:
        status = 422  # one of the question's own pictures; the model is well
    elif isinstance(error, StoreUnavailableError | ModelError):
        status = 503
    return JSONResponse(_error_json(error), status_code=status)


def _error_json(error: Exception) -> dict[str, Any]:
    name, message = type(error).__name__, masked(str(error))
    if not isinstance(error, KnowledgeBaseError):
        message = f"An unexpected error ({name}: {message}). See the log of `kb up`."
    return {"error": {"type": name, "message": message}}


def api_router(service: Service) -> APIRouter:
    """Routes below ``/api``."""
    router = APIRouter(prefix="/api")

    @router.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok", "home": str(service.home.path), "profile": service.profile}

    @router.get("/status")
    def status() -> dict[str, Any]:
        return status_json(service.status())

    @router.get("/progress")
    def progress() -> dict[str, Any]:
        return progress_json(service.progress())

    @router.post("/search")
    def search(
        text: Annotated[str, Form()] = "",
        top: Annotated[int | None, Form(ge=1, le=100)] = None,
        filters: Annotated[str, Form()] = "{}",
        image: Annotated[Sequence[UploadFile], File()] = (),
        video: Annotated[UploadFile | None, File()] = None,
    ) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            query = service.make_query(
                text, *_received(Path(folder), image, video), parse_filters(filters)
            )
        return search_json(service.search(query, top), service.kb.assets)

    @router.post("/ask", response_model=None)
    def ask(
        text: Annotated[str, Form()] = "",
        filters: Annotated[str, Form()] = "{}",
        image: Annotated[Sequence[UploadFile], File()] = (),
        video: Annotated[UploadFile | None, File()] = None,
    ) -> Response:
        with tempfile.TemporaryDirectory() as folder:
            query = service.make_query(
                text, *_received(Path(folder), image, video), parse_filters(filters)
            )
        lines = answer_lines(service.ask(query), service.kb.assets)
        # What fails before the first word is told by the status, too.
        try:
            first = next(lines)
        except KnowledgeBaseError:
            raise
        except Exception as error:
            _log.exception("The question was not answered")
            return JSONResponse(_error_json(error), status_code=500)
        return _lines(_closed_by_error(itertools.chain([first], lines)))

    @router.post("/sync", response_model=None)
    def sync(request: Request, body: SyncRequest) -> Response:
        if body.folders and not _is_command_line(request):
            return _for_the_command_line("index a folder of this machine: kb sync FOLDER")
        return _lines(_sync_lines(service, body))

    @router.post("/forget", response_model=None)
    def forget(request: Request, folder: Annotated[str, Form()]) -> dict[str, int] | Response:
        if not _is_command_line(request):
            return _for_the_command_line("forget a folder: kb sync --forget FOLDER")
        return {"n_files": service.syncer.forget(Path(folder))}

    @router.post("/upload", response_model=None)
    def upload(file: Annotated[Sequence[UploadFile], File()]) -> Response:
        sources: list[str] = []
        refused: list[dict[str, str]] = []
        for item in file:
            try:
                sources.append(service.upload(item.filename or "file", item.file))
            except ConfigError as error:
                refused.append({"name": item.filename or "", "reason": str(error)})
        if refused and not sources:
            raise ConfigError(" ".join(one["reason"] for one in refused))
        return JSONResponse({"sources": sources} | ({"refused": refused} if refused else {}))

    return router


def _is_command_line(request: Request) -> bool:
    return getattr(request.state, "caller", None) is Caller.COMMAND_LINE


def _for_the_command_line(what: str) -> JSONResponse:
    """The refusal of what names folders of this machine: not for a page, nor for a password."""
    error = ConfigError(f"Only the command line of this machine can {what}.")
    return JSONResponse(_error_json(error), status_code=403)


def _received(
    folder: Path, images: Sequence[UploadFile], video: UploadFile | None
) -> tuple[list[Path], Path | None]:
    paths = [_save(str(folder), image, n) for n, image in enumerate(images)]
    return paths, _save(str(folder), video, len(paths)) if video else None


def _save(folder: str, file: UploadFile, n: int) -> Path:
    # Only the suffix of the name is used: the rest is the sender's and could be any path.
    path = Path(folder, f"{n}{Path(file.filename or '').suffix[:16]}")
    with path.open("wb") as target:
        while block := file.file.read(1 << 20):
            target.write(block)
    return path


def _lines(items: Iterator[dict[str, Any]]) -> StreamingResponse:
    return StreamingResponse(
        (json.dumps(item, ensure_ascii=False) + "\n" for item in items),
        media_type="application/x-ndjson",
    )


def _closed_by_error(lines: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """`lines`; where they break off, the last one says why."""
    try:
        yield from lines
    except KnowledgeBaseError as error:
        yield _error_json(error)
    except Exception as error:
        # The reader must not take what came so far for all; the traceback is for whoever mends it.
        _log.exception("The answer broke off")
        yield _error_json(error)


def _sync_lines(service: Service, request: SyncRequest) -> Iterator[dict[str, Any]]:
    events: queue.Queue[dict[str, Any]] = queue.Queue()

    def heard(progress: Progress) -> None:
        events.put({"progress": progress_json(progress)})

    def run() -> None:
        try:
            report = service.sync(
                [Path(folder) for folder in request.folders],
                dry_run=request.dry_run,
                allow_mass_delete=request.allow_mass_delete,
                retry=None if request.retry is None else frozenset(request.retry),
                listen=heard,
            )
            events.put({"report": sync_json(report)})
        except KnowledgeBaseError as error:
            events.put(_error_json(error))
        except Exception as error:
            events.put(_error_json(error))
            raise

    threading.Thread(target=run, name="kb-sync-request", daemon=True).start()
    while True:
        item = events.get()
        yield item
        if "progress" not in item:
            return
