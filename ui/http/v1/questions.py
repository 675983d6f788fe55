"""Questions in the body of a request: JSON, or a form with files."""

from __future__ import annotations

import base64
import binascii
import io
import json
import mimetypes
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import HTTPException, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile as FormFile

from kb.errors import ConfigError
from kb.types import Query
from ui.http.forms import MAX_FIELD_BYTES, form_query
from ui.http.v1.schemas import QuestionRequest
from ui.service.service import Service

__all__ = ["MAX_JSON_BYTES", "Question", "attached", "checked", "question_of", "read_json"]

MAX_JSON_BYTES = 32 << 20
"""Of a body that is held in memory. Pictures and clips in a form may be larger."""
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_FILES = ("images", "video")
_AS_JSON = ("filters", "turns")

R = TypeVar("R", bound=QuestionRequest)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question(Generic[R]):
    """What was asked, with the files that came along."""

    asked: R
    images: Sequence[UploadFile]
    video: UploadFile | None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the files, as the sender calls them."""
        files = [*self.images, *([self.video] if self.video else [])]
        return tuple(file.filename for file in files if file.filename)

    def query(self, service: Service) -> Query:
        """It as a query. See `form_query` for what is raised."""
        return form_query(
            service,
            self.asked.text,
            self.asked.filters.made(),
            self.images,
            self.video,
            as_written=self.asked.as_written,
        )


@asynccontextmanager
async def question_of(
    request: Request, model: type[R], service: Service
) -> AsyncIterator[Question[R]]:
    """The question of a request, for as long as its files are needed.

    Raises:
        HTTPException: The body is of another type, or larger than it may be.
        RequestValidationError: It is not what `model` describes.
        ConfigError: A picture or a clip is no base64.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        body = await read_json(request)
        asked = checked(lambda: model.model_validate_json(body))
        images = [attached(text, f"images.{n}") for n, text in enumerate(asked.images)]
        yield Question(asked, images, attached(asked.video, "video") if asked.video else None)
        return
    if media_type not in _FORMS:
        raise HTTPException(415, f"Send application/json or {_FORMS[0]}.")
    limits = service.config.limits
    try:
        form = await request.form(
            max_files=limits.max_upload_files,
            max_fields=limits.max_form_fields,
            max_part_size=MAX_FIELD_BYTES,
        )
    except HTTPException:
        raise
    except Exception as error:  # of the parser, whatever was sent
        raise HTTPException(400, "The body can't be read as a form.") from error
    try:
        fields: dict[str, Any] = {}
        files: dict[str, list[UploadFile]] = {name: [] for name in _FILES}
        for name, value in form.multi_items():
            if name in files and isinstance(value, FormFile):
                files[name].append(UploadFile(value.file, size=value.size, filename=value.filename))
            elif not value and name in (*_FILES, *_AS_JSON):
                continue  # a field that was left empty
            elif isinstance(value, str) and name not in files:
                fields[name] = _json(name, value) if name in _AS_JSON else value
            else:
                raise _invalid(name, "a file belongs into `images` or `video`, words elsewhere")
        asked = checked(lambda: model.model_validate(fields))
        yield Question(asked, files["images"], next(iter(files["video"]), None))
    finally:
        await form.close()


async def read_json(request: Request) -> bytes:
    """The body of a request.

    Raises:
        HTTPException: It has more than `MAX_JSON_BYTES`.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_JSON_BYTES:
            raise HTTPException(
                413,
                f"The JSON is over the limit of {MAX_JSON_BYTES:,} bytes. Send pictures and clips "
                f"as files of {_FORMS[0]}.",
            )
    return bytes(body)


def attached(text: str, where: str) -> UploadFile:
    """A picture or a clip from base64, or from a data URI of it.

    Args:
        where: Its name, for the message.

    Raises:
        ConfigError: It is neither.
    """
    suffix = ""
    if text[:5].lower() == "data:":
        head, _, text = text.partition(",")
        media_type = head[5:].partition(";")[0].strip().lower()
        suffix = mimetypes.guess_extension(media_type) or ""
    elif "://" in text[:20]:
        raise ConfigError(
            f"{where} is an address. Nothing is loaded from elsewhere: send the file itself, in "
            "base64 or as a data URI."
        )
    try:
        content = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise ConfigError(f"{where} is neither base64 nor a data URI in base64.") from error
    return UploadFile(io.BytesIO(content), size=len(content), filename=f"file{suffix}")


def _json(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise _invalid(name, "this is no JSON") from error


def checked(validate: Callable[[], T]) -> T:
    """What `validate` makes of a body.

    Raises:
        RequestValidationError: It is not what a model describes.
    """
    try:
        return validate()
    except ValidationError as error:
        raise RequestValidationError(
            error.errors(include_url=False, include_input=False)
        ) from error


def _invalid(name: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": (name,), "msg": message, "type": "value_error"}])
