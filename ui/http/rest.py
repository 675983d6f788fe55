"""The HTTP API: what the command line does, over a running server.

``POST /api/search`` and ``/api/ask`` take multipart forms (`text`, `image` files, a `video`
file, `top`, filters; ``/api/ask`` also `turns`, a JSON list of earlier questions, and `generator`,
``quotes`` for quotes alone); ``/api/sync`` takes JSON. ``/api/ask`` and ``/api/sync`` answer one
JSON object a line: how a follow-up was understood, the quotes where an answer is written after
them, text and citations, then the answer; progress, then the report. Where that breaks off, the
last line holds the error.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from ingest.progress import Progress
from kb.config.named import QUOTES
from kb.errors import ConfigError
from ui.http.api_errors import error_json
from ui.http.forms import MAX_FIELD_BYTES, form_query, take_files
from ui.http.login import Caller
from ui.http.streams import JSON_LINES, json_line, stream
from ui.service.asking import while_connected
from ui.service.conversation import parse_turns
from ui.service.service import Service
from ui.service.wire import (
    answer_lines,
    parse_filters,
    progress_json,
    search_json,
    status_json,
    sync_json,
)

__all__ = ["api_router"]

Json = dict[str, Any]


def _path(text: str) -> Path:
    """A path that the system can be asked about.

    Raises:
        ConfigError: It is none.
    """
    try:
        os.lstat(text)  # a NUL and half a character are ValueErrors, too
    except (FileNotFoundError, PermissionError):
        pass  # whoever uses it says so
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{text[:200]!r} is no path: {reason}.") from error
    return Path(text)


class SyncRequest(BaseModel):
    """Body of ``POST /api/sync``."""

    folders: list[str] = []
    dry_run: bool = False
    allow_mass_delete: bool = False
    retry: list[str] | None = None


def api_router(service: Service) -> APIRouter:
    """Routes below ``/api``."""
    limits = service.config.limits
    router = APIRouter(
        prefix="/api",
        form_limits={
            "max_files": limits.max_upload_files,
            "max_fields": limits.max_form_fields,
            "max_part_size": MAX_FIELD_BYTES,
        },
    )

    @router.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok", "home": str(service.home.path), "profile": service.profile}

    @router.get("/status")
    def status() -> dict[str, Any]:
        return status_json(service.status())

    @router.get("/progress")
    def progress() -> dict[str, Any]:
        return progress_json(service.progress())

    @router.post("/search", response_model=None)
    async def search(
        request: Request,
        text: Annotated[str, Form()] = "",
        top: Annotated[int | None, Form(ge=1, le=100)] = None,
        filters: Annotated[str, Form()] = "{}",
        as_written: Annotated[bool, Form()] = False,
        image: Annotated[Sequence[UploadFile], File()] = (),
        video: Annotated[UploadFile | None, File()] = None,
    ) -> Response:
        def find() -> dict[str, Any]:
            query = form_query(
                service, text, parse_filters(filters), image, video, as_written=as_written
            )
            return search_json(service.search(query, top), service.kb.assets)

        return JSONResponse(await while_connected(request.receive, service.askers.one(find)))

    @router.post("/ask", response_model=None)
    async def ask(
        request: Request,
        text: Annotated[str, Form()] = "",
        filters: Annotated[str, Form()] = "{}",
        as_written: Annotated[bool, Form()] = False,
        turns: Annotated[str, Form()] = "[]",
        generator: Annotated[str, Form(max_length=300)] = "",
        image: Annotated[Sequence[UploadFile], File()] = (),
        video: Annotated[UploadFile | None, File()] = None,
    ) -> Response:
        if generator not in ("", QUOTES) and not _is_command_line(request):
            return _for_the_command_line("have another model answer: kb ask --generator NAME")

        def answer() -> Iterator[dict[str, Any]]:
            earlier = parse_turns(turns)
            query = form_query(
                service, text, parse_filters(filters), image, video, as_written=as_written
            )
            query = service.understood(query, earlier)
            return answer_lines(query, service.ask(query, generator), service.kb.assets)

        return await _lines(request, service.askers.each(answer))

    @router.post("/sync", response_model=None)
    async def sync(request: Request, body: SyncRequest) -> Response:
        if body.folders and not _is_command_line(request):
            return _for_the_command_line("index a folder of this machine: kb sync FOLDER")
        return await _lines(request, _sync_lines(service, body))

    @router.post("/forget", response_model=None)
    async def forget(request: Request, folder: Annotated[str, Form()]) -> dict[str, int] | Response:
        if not _is_command_line(request):
            return _for_the_command_line("forget a folder: kb sync --forget FOLDER")

        def forget() -> int:
            return service.syncer.forget(_path(folder))

        asked = service.sync_askers.one(forget)
        return {"n_files": await while_connected(request.receive, asked)}

    @router.post("/upload", response_model=None)
    def upload(file: Annotated[Sequence[UploadFile], File()]) -> Response:
        added, refused = take_files(service, file)
        sources = [one.source for one in added]
        return JSONResponse({"sources": sources} | ({"refused": refused} if refused else {}))

    return router


def _is_command_line(request: Request) -> bool:
    return getattr(request.state, "caller", None) is Caller.COMMAND_LINE


def _for_the_command_line(what: str) -> JSONResponse:
    """The refusal of what names folders of this machine: not for a page, nor for a password."""
    error = ConfigError(f"Only the command line of this machine can {what}.")
    return JSONResponse(error_json(error), status_code=403)


async def _lines(request: Request, lines: AsyncGenerator[Json, None]) -> Response:
    """`lines`, of which the last one says why where they break off."""
    return await stream(request, lines, json_line, JSON_LINES, _bug)


def _bug(error: Exception) -> Response:
    return JSONResponse(error_json(error), status_code=500)


async def _sync_lines(service: Service, request: SyncRequest) -> AsyncGenerator[Json, None]:
    """The progress, as fast as it is read, and the report. A sync that is under way when its
    asker leaves goes on; one that waits for another is dropped."""
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()
    progress = service.progress()

    def heard(now: Progress) -> None:
        nonlocal progress
        progress = now
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(changed.set)

    def sync() -> Json:
        report = service.sync(
            [_path(folder) for folder in request.folders],
            dry_run=request.dry_run,
            allow_mass_delete=request.allow_mass_delete,
            retry=None if request.retry is None else frozenset(request.retry),
        )
        return sync_json(report)

    with service.heard_by(heard):
        synced = asyncio.ensure_future(service.sync_askers.one(sync))
        news = asyncio.ensure_future(changed.wait())
        try:
            # What is refused is so at once; whoever waits for another sync hears that soon.
            await asyncio.wait({synced, news}, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            changed.set()
            while not synced.done():
                await asyncio.wait({synced, news}, return_when=asyncio.FIRST_COMPLETED)
                if news.done():
                    changed.clear()
                    news = asyncio.ensure_future(changed.wait())
                    yield {"progress": progress_json(progress)}
            yield {"report": synced.result()}
        finally:
            for one in (synced, news):
                one.cancel()
            await asyncio.gather(synced, news, return_exceptions=True)
