"""What is told where a request reaches no route: in the shape that the errors of routes have."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse, PlainTextResponse, Response

from ui.http.problems import openai_error, problem
from ui.told import told

__all__ = ["refused", "too_large"]

# Addresses of programs that stand alone.
_SINGLE = ("/mcp", "/metrics")


def refused(
    path: str, message: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """The refusal of a request for `path`, in words for people where it is no program's."""
    if path.startswith("/api/v1/") or path in _SINGLE:
        return problem(status, message, "ConfigError", headers)
    if path.startswith("/v1/"):
        return openai_error(status, message, "ConfigError", headers)
    return PlainTextResponse(told(message), status, dict(headers) if headers else None)


def too_large(path: str, message: str) -> Response:
    """The refusal of a body that is over a limit."""
    if path.startswith(("/api/v1/", "/v1/")) or path in _SINGLE:
        return refused(path, message, 413)
    if not path.startswith("/api/"):
        message = told(message)  # a page's
    return JSONResponse({"error": {"type": "ConfigError", "message": message}}, status_code=413)
