"""What programs are told when a request fails: ``{"error": {"type", "message"}}`` with the status
that says whose turn it is."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from kb.errors import (
    ConfigError,
    InferenceError,
    IngestError,
    KnowledgeBaseError,
    ModelError,
    PromptTooLongError,
    SourceTooLargeError,
    StoreError,
)
from kb.masking import masked
from kb.stopping import StoppedError
from ui.service.wire import explained

__all__ = [
    "GRADIO_HANDLERS",
    "STOPPED",
    "TOO_MUCH",
    "error_json",
    "error_response",
    "handle_errors",
    "status_of",
]

TOO_MUCH = ("Too many", "Part exceeded")
"""What Starlette says of a form with more in it than it may hold."""
STOPPED = "The answer was stopped, since the server ends. Ask again when it is back."
_log = logging.getLogger(__name__)


def error_response(error: KnowledgeBaseError) -> JSONResponse:
    """The error's message with its HTTP status."""
    return JSONResponse(error_json(error), status_code=status_of(error))


def status_of(error: Exception) -> int:
    """The HTTP status of an error: 500 where it is a bug."""
    status = 500
    if isinstance(error, PromptTooLongError | SourceTooLargeError):
        status = 413
    elif isinstance(error, ConfigError | IngestError):
        status = 400
    elif isinstance(error, InferenceError) and error.items:
        status = 422  # one of the question's own pictures; the model is well
    elif isinstance(error, StoreError | ModelError):
        status = 503
    return status


def error_json(error: Exception) -> dict[str, Any]:
    """The error as JSON. One that is a bug says so."""
    name, message = type(error).__name__, masked(str(error))
    if not isinstance(error, KnowledgeBaseError):
        message = f"An unexpected error ({name}: {message}). See the log of `kb up`."
    return {"error": {"type": name, "message": message}}


def not_from_the_page(request: Request, error: Exception) -> Response:
    """Gradio's routes take what its own script sends, and trip over all else."""
    _log.warning("Gradio could not take a request for %s: %r", request.url.path, error)
    return JSONResponse({"detail": "This is not what the page sends."}, status_code=400)


def validation_response(_: Request, error: Exception) -> Response:
    """Which parameter is not accepted. FastAPI would repeat the value, which may be none that
    JSON can hold."""
    assert isinstance(error, RequestValidationError)
    message = f"The request is not accepted: {explained(error.errors())}"
    return JSONResponse({"error": {"type": "ConfigError", "message": message}}, status_code=422)


def handle_errors(app: FastAPI) -> None:
    """Answer errors of `app`'s routes in this way."""

    async def known(_: Request, error: Exception) -> Response:
        assert isinstance(error, KnowledgeBaseError)
        return error_response(error)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if not request.url.path.startswith("/api/"):
            return await http_exception_handler(request, error)
        is_too_much = str(error.detail).startswith(TOO_MUCH)
        return JSONResponse(
            {"error": {"type": "ConfigError", "message": str(error.detail)}},
            status_code=413 if is_too_much else error.status_code,
            headers=error.headers,
        )

    async def stopped(_: Request, __: Exception) -> Response:
        return JSONResponse(
            {"error": {"type": "StoreUnavailableError", "message": STOPPED}}, status_code=503
        )

    app.add_exception_handler(KnowledgeBaseError, known)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(StoppedError, stopped)
    app.add_exception_handler(RequestValidationError, validation_response)


_TRIPS: tuple[type[Exception], ...] = (
    *(ValueError, TypeError, AttributeError),
    *(AssertionError, RecursionError, OSError),
)
# For Gradio's own app.
GRADIO_HANDLERS: dict[Any, Any] = {
    RequestValidationError: validation_response,
    **dict.fromkeys(_TRIPS, not_from_the_page),
}
