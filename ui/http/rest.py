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
import json
import logging
import os
import shutil
from collections.abc import (
    AsyncGenerator,
    Iterator,
    Sequence,
)
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from ingest.progress import Progress
from kb.config.named import QUOTES
from kb.errors import (
    ConfigError,
    KnowledgeBaseError,
    SourceTooLargeError,
    StoreUnavailableError,
)
from kb.stopping import StoppedError
from kb.types import Query
from ui.http.api_errors import error_json
from ui.http.login import Caller
from ui.service.asking import while_connected
from ui.service.conversation import parse_turns
from ui.service.service import Service
from ui.service.uploads import safe_name
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

_log = logging.getLogger(__name__)
_JSON_LINES = "application/x-ndjson"
_SHOWN_REASONS = 3
_MAX_FIELD_BYTES = 1 << 20


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
            "max_part_size": _MAX_FIELD_BYTES,
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
            query = _query(service, text, filters, image, video, as_written=as_written)
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
            query = _query(service, text, filters, image, video, as_written=as_written)
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
        sources: list[str] = []
        refused: list[dict[str, str]] = []
        is_too_large = False
        for item in file:
            try:
                _check_size(item, service.config.limits.max_upload_file_bytes)
                sources.append(service.upload(item.filename or "file", item.file))
            except (ConfigError, SourceTooLargeError) as error:
                is_too_large |= isinstance(error, SourceTooLargeError)
                refused.append({"name": item.filename or "", "reason": str(error)})
        if refused and not sources:
            reasons = " ".join(one["reason"] for one in refused[:_SHOWN_REASONS])
            raise SourceTooLargeError(reasons) if is_too_large else ConfigError(reasons)
        return JSONResponse({"sources": sources} | ({"refused": refused} if refused else {}))

    return router


def _is_command_line(request: Request) -> bool:
    return getattr(request.state, "caller", None) is Caller.COMMAND_LINE


def _for_the_command_line(what: str) -> JSONResponse:
    """The refusal of what names folders of this machine: not for a page, nor for a password."""
    error = ConfigError(f"Only the command line of this machine can {what}.")
    return JSONResponse(error_json(error), status_code=403)


def _query(
    service: Service,
    text: str,
    filters: str,
    images: Sequence[UploadFile],
    video: UploadFile | None,
    *,
    as_written: bool,
) -> Query:
    """The question of a form, whose files are copied for as long as they are read."""
    checked = parse_filters(filters)
    # A form without a file in its field has one of no name and no bytes.
    images = [image for image in images if image.filename or image.size]
    if video is not None and not (video.filename or video.size):
        video = None
    with service.scratch.folder() as folder:
        paths = [_save(folder, image, n) for n, image in enumerate(images)]
        clip = _save(folder, video, len(paths)) if video else None
        return service.make_query(text, paths, clip, checked, as_written=as_written)


def _check_size(file: UploadFile, max_bytes: int) -> None:
    if (file.size or 0) > max_bytes:
        raise SourceTooLargeError(
            f"{safe_name(file.filename or 'The file')} has {file.size:,} bytes, over the limit of "
            f"{max_bytes:,}. Split it, raise `limits.max_upload_file_bytes` in kb.yaml, or copy it "
            "into the library folder."
        )


def _save(folder: Path, file: UploadFile, n: int) -> Path:
    # Only the suffix of the name is used: the rest is the sender's and could be any path.
    suffix = safe_name(f"a{Path(file.filename or '').suffix[:16]}")[1:]
    path = folder / f"{n}{suffix}"
    with path.open("wb") as target:
        shutil.copyfileobj(file.file, target, 1 << 20)
    return path


class _Lines(StreamingResponse):
    """One JSON object a line, for as long as somebody reads them."""

    def __init__(self, items: AsyncGenerator[Json, None]) -> None:
        self._items = items
        super().__init__((_line(item) async for item in items), media_type=_JSON_LINES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        async with aclosing(self._items):
            with suppress(StoppedError):
                await while_connected(receive, self.stream_response(send))


async def _lines(request: Request, lines: AsyncGenerator[Json, None]) -> Response:
    """`lines`, of which the last one says why where they break off."""
    # What fails before the first one is told by the status, too.
    try:
        first = await while_connected(request.receive, anext(lines))
    except (KnowledgeBaseError, StoppedError):
        raise
    except Exception as error:
        _log.exception("%s was not answered", request.url.path)
        return JSONResponse(error_json(error), status_code=500)
    return _Lines(_closed_by_error(first, lines))


def _line(item: Json) -> str:
    return json.dumps(item, ensure_ascii=False) + "\n"


async def _closed_by_error(
    first: Json, lines: AsyncGenerator[Json, None]
) -> AsyncGenerator[Json, None]:
    """`first` and `lines`; where they break off, the last one says why."""
    async with aclosing(lines):
        try:
            yield first
            async for line in lines:
                yield line
        except KnowledgeBaseError as error:
            yield error_json(error)
        except StoppedError:
            yield error_json(StoreUnavailableError("It was stopped: the server ends."))
        except Exception as error:
            # The reader must not take what came so far for all; the traceback is for whoever
            # mends it.
            _log.exception("The answer broke off")
            yield error_json(error)


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
