"""``/api/v1/documents``: what is in the library, what comes and what goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, File, HTTPException, Path, Query, Response, UploadFile
from fastapi.responses import JSONResponse

from kb import FileRow
from kb.types import Kind
from ui.http.forms import MAX_FIELD_BYTES, take_files
from ui.http.v1 import schemas
from ui.service.documents import FoundDocument
from ui.service.service import Service

__all__ = ["documents_router"]

Json = dict[str, Any]

_PATH = "/api/v1/documents"
_Id = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The sha256 of its content.")]
_MAX_LIMIT = 200


def documents_router(service: Service, shown: Callable[[str], str]) -> APIRouter:
    """Routes below ``/documents``.

    Args:
        shown: Makes the reason of a failure one that anybody may read.
    """
    limits = service.config.limits
    router = APIRouter(
        prefix="/documents",
        tags=["documents"],
        form_limits={
            "max_files": limits.max_upload_files,
            "max_fields": limits.max_form_fields,
            "max_part_size": MAX_FIELD_BYTES,
        },
    )

    @router.get("", response_model=schemas.DocumentsPage)
    def documents(
        status: schemas.DocumentStatusName | None = None,
        kind: Kind | None = None,
        name: Annotated[str, Query(max_length=500, description="What the path contains.")] = "",
        limit: Annotated[int, Query(ge=1, le=_MAX_LIMIT)] = 50,
        offset: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    ) -> Json:
        """List the files of the library and of folders indexed in place, by path."""
        kind_name = kind.value if kind else ""
        rows, n_total = service.documents.page(status or "", kind_name, name, limit, offset)
        following = None
        if offset + limit < n_total:
            asked = {"status": status, "kind": kind_name, "name": name}
            kept = {key: value for key, value in asked.items() if value}
            following = f"{_PATH}?{urlencode(kept | {'limit': limit, 'offset': offset + limit})}"
        return {
            "documents": [_file(row, shown) for row in rows],
            "n_total": n_total,
            "limit": limit,
            "offset": offset,
            "next": following,
        }

    @router.post(
        "",
        status_code=201,
        response_model=schemas.AddedDocuments,
        responses={200: {"model": schemas.AddedDocuments, "description": "All were there already"}},
    )
    def add(file: Annotated[Sequence[UploadFile], File()]) -> Response:
        """Add files to the library. The same bytes again are the same document."""
        added, refused = take_files(service, file)
        documents = [
            {"id": one.sha256, "source": one.source, "is_new": one.is_new} for one in added
        ]
        status = 201 if any(one.is_new for one in added) else 200
        refused = [one | {"reason": shown(one["reason"])} for one in refused]
        return JSONResponse({"documents": documents, "refused": refused}, status)

    @router.post("/retry", status_code=202, response_class=Response)
    def retry(body: schemas.RetryRequest) -> Response:
        """Read failed files again, in the background: those that are named, or all."""
        service.retry(body.sources)
        return Response(status_code=202)

    @router.get("/{id}", response_model=schemas.DocumentBody)
    def document(id: _Id) -> Json:
        """One document, also while it waits to be indexed."""
        return _document(_found(service, id), shown)

    @router.delete("/{id}", response_model=schemas.DeletedDocument)
    def delete(id: _Id) -> Json:
        """Delete a document's files from the library, and it from the index."""
        found = _found(service, id)
        if found.outside:
            raise HTTPException(
                409,
                f"{found.outside[0]} does not lie in the library but in a folder that is indexed "
                "in place. Delete it where it lies.",
            )
        for source in found.sources:
            service.remove(source)
        return {"id": found.id, "sources": list(found.sources)}

    @router.post("/{id}/retry", status_code=202, response_class=Response)
    def retry_one(id: _Id) -> Response:
        """Read a failed document again, in the background."""
        service.retry(_found(service, id).sources)
        return Response(status_code=202)

    return router


def _found(service: Service, id: str) -> FoundDocument:
    found = service.documents.find(id)
    if found is None:
        raise HTTPException(404, "There is no such document, or no more.")
    return found


def _file(row: FileRow, shown: Callable[[str], str]) -> Json:
    return {
        "id": row.sha256,
        "source": row.path,
        "kind": row.kind,
        "size_bytes": row.size_bytes,
        "modified_ns": row.mtime_ns,
        "date_ns": row.date_ns,
        "status": row.status,
        "reason": shown(row.reason),
        "n_chunks": row.n_chunks,
    }


def _document(found: FoundDocument, shown: Callable[[str], str]) -> Json:
    return {
        "id": found.id,
        "source": found.sources[0],
        "sources": list(found.sources),
        "title": found.title,
        "kind": found.kind,
        "media_type": found.media_type,
        "size_bytes": found.size_bytes,
        "status": found.status,
        "reason": shown(found.reason),
        "n_chunks": found.n_chunks,
        "n_pages": found.n_pages,
        "original_url": f"/media/documents/{found.id}/original",
    }
