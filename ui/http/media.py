"""Serves pictures and files by the ids that the ledger gives them; never by path."""

from __future__ import annotations

import functools
import io
import re
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import FileResponse, HTMLResponse, Response
from PIL import Image

from kb.tracks import Track
from ui.http.headers import policy_for
from ui.language import tr
from ui.service.spoken import web_vtt
from ui.web.html.viewer import Shelf, chunk_view, page_view
from ui.web.scripts import STATIC, page_script

__all__ = ["STATIC_FILES", "media_router"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
STATIC_FILES = {
    "app.css": "text/css",
    "app.js": "text/javascript",
    "page.js": "text/javascript",
    "passage.css": "text/css",
    "settings.css": "text/css",
    "talk.css": "text/css",
    "turn.css": "text/css",
    "icon.svg": "image/svg+xml",
}
_THUMBNAIL_PX = 320

_FOREVER = "private, max-age=31536000, immutable"
# What browsers show by themselves. The rest is downloaded.
_SHOWN = ("image/", "video/", "audio/", "text/", "application/pdf", "application/json")


def media_router(shelf: Shelf) -> APIRouter:
    """Routes under ``/media``: static files, assets, documents, and the viewer's content."""
    router = APIRouter(prefix="/media")
    both = ["GET", "HEAD"]

    @router.api_route("/static/{name}", methods=both)
    def static(name: str) -> Response:
        if name not in STATIC_FILES:
            raise HTTPException(404, tr("There is no such file."))
        headers = {"Cache-Control": "no-cache"}
        if name == "page.js":
            return Response(page_script(), media_type=STATIC_FILES[name], headers=headers)
        return FileResponse(STATIC / name, media_type=STATIC_FILES[name], headers=headers)

    @router.api_route("/assets/{sha256}", methods=both)
    def asset(sha256: str) -> Response:
        return _picture(_asset(shelf, sha256))

    @router.api_route("/assets/{sha256}/thumbnail", methods=both)
    def asset_thumbnail(sha256: str) -> Response:
        return _small(_asset(shelf, sha256)[0])

    @router.api_route("/documents/{sha256}/pages/{page}", methods=both)
    def page_image(sha256: str, page: int) -> Response:
        return _picture(_page(shelf, sha256, page))

    @router.api_route("/documents/{sha256}/pages/{page}/thumbnail", methods=both)
    def page_thumbnail(sha256: str, page: int) -> Response:
        return _small(_page(shelf, sha256, page)[0])

    @router.api_route("/documents/{sha256}/original", methods=both)
    def original(sha256: str) -> Response:
        document = shelf.document(sha256) if _SHA256.fullmatch(sha256) else None
        path = shelf.original(sha256) if document is not None else None
        if document is None or path is None:
            raise _no_file()
        return _original(path, document.media_type)

    @router.api_route("/documents/{sha256}/words.vtt", methods=both)
    def words(sha256: str, track: str) -> Response:
        tracks = shelf.spoken(sha256) if _SHA256.fullmatch(sha256) else {}
        named = Track.of(track)
        lines = tracks.get(named) if named is not None else None
        if lines is None:
            raise HTTPException(404, tr("That file has no such text track, or it is gone."))
        headers = {"Cache-Control": "private, no-cache"}
        return Response(web_vtt(lines), media_type="text/vtt", headers=headers)

    @router.get("/view/documents/{sha256}/pages/{page}")
    def view_page(sha256: str, page: int) -> Response:
        return _fragment(page_view(shelf, sha256, page) if _is_page(page) else None)

    @router.get("/view/{chunk_id}")
    def view(
        chunk_id: str,
        start: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
        end: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
        time_s: Annotated[float | None, Query(ge=0, lt=1e9, allow_inf_nan=False)] = None,
    ) -> Response:
        quoted = (start, end) if start is not None and end is not None else None
        return _fragment(chunk_view(shelf, chunk_id, quoted, time_s))

    return router


def _asset(shelf: Shelf, sha256: str) -> tuple[Path, str]:
    ref = shelf.asset(sha256) if _SHA256.fullmatch(sha256) else None
    path = shelf.asset_path(ref) if ref is not None else None
    if ref is None or path is None:
        raise _no_picture()
    return path, ref.media_type


def _page(shelf: Shelf, sha256: str, page: int) -> tuple[Path, str]:
    is_page = _is_page(page) and _SHA256.fullmatch(sha256)
    ref = shelf.page_image(sha256, page) if is_page else None
    path = shelf.asset_path(ref) if ref is not None else None
    if ref is None or path is None:
        raise _no_picture()
    return path, ref.media_type


def _is_page(page: int) -> bool:
    """Whether it is a number that a page can have; the ledger takes no larger ones."""
    return 1 <= page < 2**31


def _picture(found: tuple[Path, str]) -> Response:
    path, media_type = found
    headers = {"Cache-Control": _FOREVER, "Content-Security-Policy": policy_for(media_type)}
    try:
        # A sync may delete it at any time: whole or not at all.
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise _no_picture() from error
    return Response(content, media_type=media_type, headers=headers)


def _small(path: Path) -> Response:
    headers = {"Cache-Control": _FOREVER}
    try:
        content = _thumbnail(path)
    except FileNotFoundError as error:
        raise _no_picture() from error
    return Response(content, media_type="image/jpeg", headers=headers)


def _no_picture() -> HTTPException:
    return HTTPException(404, tr("There is no such picture, or no more."))


@functools.lru_cache(maxsize=512)
def _thumbnail(path: Path) -> bytes:
    with Image.open(path) as picture:
        # A JPEG decodes at a fraction of its size where that is enough.
        picture.draft("RGB", (_THUMBNAIL_PX, _THUMBNAIL_PX))
        small = picture.convert("RGB")
        small.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _original(path: Path, media_type: str) -> Response:
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": policy_for(media_type),
    }
    if media_type.startswith("text/"):
        # Without it Starlette claims utf-8, which would garble other charsets.
        headers["Content-Type"] = media_type
    shown = media_type.startswith(_SHOWN) or media_type.endswith("+xml")
    try:
        about = path.stat()
    except OSError as error:
        raise _no_file() from error
    return FileResponse(
        path,
        stat_result=about,
        media_type=media_type,
        filename=path.name,
        content_disposition_type="inline" if shown else "attachment",
        headers=headers,
    )


def _no_file() -> HTTPException:
    return HTTPException(404, tr("The file is no longer in the library."))


def _fragment(content: str | None) -> Response:
    if content is None:
        raise HTTPException(404, tr("That source is no longer in the library."))
    return HTMLResponse(content, headers={"Cache-Control": "no-store"})
