"""What programs are told when a request fails: problem details (RFC 9457), and where they speak
OpenAI's API, its errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from kb.errors import KnowledgeBaseError
from kb.stopping import StoppedError
from ui.http.api_errors import STOPPED, TOO_MUCH, error_json, status_of
from ui.request_id import current_request_id
from ui.service.wire import explained

__all__ = [
    "PROBLEM",
    "error_body",
    "handle_problems",
    "openai_error",
    "problem",
    "problem_of",
]

# Of a status, a sentence for people and one of the project's names.
_Told = Callable[[int, str, str, Mapping[str, str] | None], JSONResponse]

PROBLEM = "application/problem+json"


def problem(
    status: int, detail: str, error: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A problem of the type ``about:blank``, whose title is the status's phrase, with the id of the
    request that it answers.

    Args:
        error: A name of `kb.errors`, or of the exception that is a bug: for programs.
    """
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "error": error,
    }
    if request_id := current_request_id():
        content["request_id"] = request_id
    return JSONResponse(content, status, dict(headers) if headers else None, PROBLEM)


def openai_error(
    status: int, detail: str, error: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An error as clients of OpenAI's API read it. See `problem`."""
    return JSONResponse(error_body(detail, error), status, dict(headers) if headers else None)


def error_body(detail: str, error: str) -> dict[str, Any]:
    """What `openai_error` says, also within a stream."""
    return {"error": {"message": detail, "type": error, "param": None, "code": None}}


def problem_of(
    error: Exception, shown: Callable[[str], str], told: _Told = problem
) -> JSONResponse:
    """An error as a problem; one that is a bug says so.

    Args:
        shown: Makes a message one that anybody may read.
        told: `problem` or `openai_error`.
    """
    about = error_json(error)["error"]
    return told(status_of(error), shown(about["message"]), about["type"], None)


def handle_problems(app: FastAPI, shown: Callable[[str], str], told: _Told = problem) -> None:
    """Answer errors of `app`'s routes in this way.

    Args:
        shown: See `problem_of`, likewise `told`.
    """

    async def known(_: Request, error: Exception) -> Response:
        return problem_of(error, shown, told)

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        is_too_much = str(error.detail).startswith(TOO_MUCH)
        status = 413 if is_too_much else error.status_code
        return told(status, str(error.detail), "ConfigError", error.headers)

    async def stopped(_: Request, __: Exception) -> Response:
        return told(503, STOPPED, "StoreUnavailableError", None)

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        detail = f"The request is not accepted: {explained(error.errors())}"
        return told(422, detail, "ConfigError", None)

    handlers: dict[Any, Callable[[Request, Exception], Any]] = {
        KnowledgeBaseError: known,
        HTTPException: refused,
        StoppedError: stopped,
        RequestValidationError: invalid,
        Exception: known,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
