"""What can go wrong with a request to a running ``kb up``, as `kb.client` tells it.

::

    KnowledgeBaseError
    └── ClientError(status, error, request_id)
        ├── UnreachableError
        ├── AnswerBrokenOffError
        ├── RequestRefusedError
        │   ├── NotLetInError
        │   ├── NotFoundError
        │   └── TooManyRequestsError(retry_after_s)
        └── ServerFailedError
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from kb.errors import KnowledgeBaseError

__all__ = [
    "SHOWN_CHARS",
    "AnswerBrokenOffError",
    "ClientError",
    "NotFoundError",
    "NotLetInError",
    "RequestRefusedError",
    "ServerFailedError",
    "TooManyRequestsError",
    "UnreachableError",
    "broken_off",
    "error_of",
]

SHOWN_CHARS = 200
"""So much of an answer that is none of the API's is shown."""
_SERVER_FAILED = 500


class ClientError(KnowledgeBaseError):
    """What was asked of the server did not happen; the message says why and what to do.

    Attributes:
        status: The HTTP status; None where there was no answer.
        error: The server's name for it, as ``ConfigError``; empty where it gave none.
        request_id: By which the server's log knows the request; empty where it gave none.
    """

    def __init__(
        self, message: str, *, status: int | None = None, error: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.request_id = request_id


class UnreachableError(ClientError):
    """The server does not answer, or ended in the middle of it."""


class AnswerBrokenOffError(ClientError):
    """An answer failed after its first words."""


class RequestRefusedError(ClientError):
    """The request is not accepted, as it is: 4xx."""


class NotLetInError(RequestRefusedError):
    """A login is needed, or the token may not do this: 401, 403."""


class NotFoundError(RequestRefusedError):
    """There is no such thing, or no more: 404."""


class TooManyRequestsError(RequestRefusedError):
    """There were too many requests, or wrong passwords: 429.

    Attributes:
        retry_after_s: Seconds to wait before the next one.
    """

    retry_after_s: float = 1.0


class ServerFailedError(ClientError):
    """The server could not do it, though the request may be well: 5xx."""


def error_of(response: httpx.Response) -> ClientError:
    """The error that an answer which is no success stands for."""
    status = response.status_code
    try:
        told = response.json()
        detail, name = str(told["detail"]), str(told.get("error", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        detail, name = f"The server answered {status}: {response.text[:SHOWN_CHARS]}", ""
    kinds: dict[int, type[ClientError]] = {
        401: NotLetInError,
        403: NotLetInError,
        404: NotFoundError,
        429: TooManyRequestsError,
    }
    usual = RequestRefusedError if status < _SERVER_FAILED else ServerFailedError
    request_id = response.headers.get("X-Request-ID", "")
    error = kinds.get(status, usual)(detail, status=status, error=name, request_id=request_id)
    if isinstance(error, TooManyRequestsError):
        wait = response.headers.get("Retry-After", "")
        error.retry_after_s = float(wait) if wait.isascii() and wait.isdigit() else 1.0
    return error


def broken_off(response: httpx.Response, told: Mapping[str, Any]) -> AnswerBrokenOffError:
    """The error that a stream ends with.

    Args:
        told: The data of its event.
    """
    return AnswerBrokenOffError(
        str(told.get("detail", "")),
        status=response.status_code,
        error=str(told.get("error", "")),
        request_id=response.headers.get("X-Request-ID", ""),
    )
