"""The list of models that an OpenAI-compatible server gives, read from whatever answers."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import httpx

__all__ = ["NoModelListError", "listed_models", "read_answer", "read_json"]

Json = dict[str, Any]

_MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
_MAX_NAME_CHARS: Final = 200


class NoModelListError(Exception):
    """What answers is no such server."""


def read_answer(response: httpx.Response, deadline_s: float) -> bytes:
    """The body of a response that is streamed.

    Args:
        deadline_s: By the clock of `time.monotonic`.

    Raises:
        NoModelListError: It is longer than any list.
        httpx.HTTPError: It breaks off, or does not end in time.
    """
    answer = bytearray()
    for part in response.iter_bytes():
        answer += part
        if len(answer) > _MAX_ANSWER_BYTES:
            raise NoModelListError
        if time.monotonic() > deadline_s:
            raise httpx.ReadTimeout("The answer does not end.")
    return bytes(answer)


def read_json(answer: bytes) -> Any:
    """What `answer` says.

    Raises:
        NoModelListError: It is no JSON.
    """
    try:
        return json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise NoModelListError from error


def listed_models(answer: Any) -> list[Json]:
    """The models of ``/v1/models`` with a name that can be shown and written.

    Raises:
        NoModelListError: It is no such list.
    """
    models = answer.get("data") if isinstance(answer, dict) else None
    if models is None and isinstance(answer, dict) and answer.get("object") == "list":
        models = []  # Ollama's, while it has none
    if not isinstance(models, list):
        raise NoModelListError
    return [one for one in models if isinstance(one, dict) and _is_name(one.get("id"))]


def _is_name(name: Any) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= _MAX_NAME_CHARS
        and name.isprintable()
        and name.strip() == name
    )
