"""Questions and files as forms bring them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from fastapi import UploadFile

from kb.errors import ConfigError, SourceTooLargeError
from kb.types import Filters, Query
from ui.service.documents import Added
from ui.service.service import Service
from ui.service.uploads import safe_name

__all__ = ["MAX_FIELD_BYTES", "form_query", "take_files"]

MAX_FIELD_BYTES = 1 << 20
"""Of a field that is no file."""
_SHOWN_REASONS = 3


def form_query(
    service: Service,
    text: str,
    filters: Filters,
    images: Sequence[UploadFile],
    video: UploadFile | None,
    *,
    as_written: bool,
) -> Query:
    """The question of a form, whose files are copied for as long as they are read.

    Raises:
        ConfigError: See `Service.make_query`, as for the others.
    """
    # A form without a file in its field has one of no name and no bytes.
    images = [image for image in images if image.filename or image.size]
    if video is not None and not (video.filename or video.size):
        video = None
    with service.scratch.folder() as folder:
        paths = [_save(folder, image, n) for n, image in enumerate(images)]
        clip = _save(folder, video, len(paths)) if video else None
        return service.make_query(text, paths, clip, filters, as_written=as_written)


def take_files(
    service: Service, files: Sequence[UploadFile]
) -> tuple[list[Added], list[dict[str, str]]]:
    """Add files to the library: those that were added, and of the others ``{"name", "reason"}``.

    Raises:
        ConfigError: None was added.
        SourceTooLargeError: Likewise, since they are too large.
    """
    added: list[Added] = []
    refused: list[dict[str, str]] = []
    is_too_large = False
    for file in files:
        try:
            _check_size(file, service.config.limits.max_upload_file_bytes)
            added.append(service.add(file.filename or "file", file.file))
        except (ConfigError, SourceTooLargeError) as error:
            is_too_large |= isinstance(error, SourceTooLargeError)
            refused.append({"name": file.filename or "", "reason": str(error)})
    if refused and not added:
        reasons = " ".join(one["reason"] for one in refused[:_SHOWN_REASONS])
        raise SourceTooLargeError(reasons) if is_too_large else ConfigError(reasons)
    return added, refused


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
