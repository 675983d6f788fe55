"""``/api/v1/trash``: files that were deleted from the library, until they are deleted for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path

from ui.http.v1 import schemas
from ui.service.conversation_export import date_text
from ui.service.service import Service
from ui.service.trash import KEPT_DAYS, Trashed

__all__ = ["trash_router"]

Json = dict[str, Any]

_Id = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]


def trash_router(service: Service, shown: Callable[[str], str]) -> APIRouter:
    """Routes below ``/trash``.

    Args:
        shown: Makes the reason of a failure one that anybody may read.
    """
    router = APIRouter(prefix="/trash", tags=["trash"])
    shelf = service.shelf

    def found(id: str) -> None:
        if all(one.id != id for one in shelf.trash.find()):
            raise HTTPException(404, "This file is not in the trash any more.")

    @router.get("", response_model=schemas.TrashBody)
    def trash() -> Json:
        """List what is in the trash, the newest first."""
        return {"files": [_trashed(one) for one in shelf.trash.find()], "kept_days": KEPT_DAYS}

    @router.post("/{id}/restore", response_model=schemas.RestoredFile)
    def restore(id: _Id) -> Json:
        """Put a file back where it was, beside what has its name by now; it is indexed again."""
        found(id)
        sources, errors = shelf.restore([id])
        if errors:
            raise HTTPException(409, shown(str(errors[0])))
        return {"id": id, "source": sources[0]}

    @router.delete("/{id}", response_model=schemas.PurgedFiles)
    def purge(id: _Id) -> Json:
        """Delete a file for good, with what was read and heard in it."""
        found(id)
        return {"n_files": len(shelf.purge([id]))}

    @router.delete("", response_model=schemas.PurgedFiles)
    def empty() -> Json:
        """Empty the trash: delete all that is in it for good."""
        return {"n_files": len(shelf.purge())}

    return router


def _trashed(one: Trashed) -> Json:
    return {
        "id": one.id,
        "source": one.source,
        "also": list(one.sources[1:]),
        "document_id": one.sha256,
        "deleted": date_text(one.deleted_ns),
        "size_bytes": one.size_bytes,
    }
