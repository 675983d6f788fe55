"""Answers that are sent as they come: JSON lines, and server-sent events."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from kb.errors import KnowledgeBaseError, StoreUnavailableError
from kb.stopping import StoppedError
from ui.http.api_errors import error_json
from ui.service.asking import while_connected

__all__ = ["EVENT_STREAM", "JSON_LINES", "event_data", "json_line", "server_sent_event", "stream"]

Json = dict[str, Any]

JSON_LINES = "application/x-ndjson"
EVENT_STREAM = "text/event-stream"
_log = logging.getLogger(__name__)


def json_line(item: Json) -> str:
    """`item` on a line of its own."""
    return json.dumps(item, ensure_ascii=False) + "\n"


def server_sent_event(event: str, data: Json) -> str:
    """An event of the format of https://html.spec.whatwg.org/multipage/server-sent-events.html;
    JSON holds no line break."""
    return f"event: {event}\n{event_data(data)}"


def event_data(data: Json) -> str:
    """An event without a name."""
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


async def stream(
    request: Request,
    items: AsyncGenerator[Json, None],
    encode: Callable[[Json], str],
    media_type: str,
    failure: Callable[[Exception], Response],
) -> Response:
    """`items` as they come, for as long as somebody reads them. Where they break off, the last
    one is what `error_json` tells.

    Args:
        request: Of which the body has been read.
        encode: Gives what is sent of an item; may be empty.
        failure: The answer where a bug shows before the first item. Other errors that come before
            it are raised, so that the status tells of them, too.
    """
    try:
        first = await while_connected(request.receive, anext(items))
    except (KnowledgeBaseError, StoppedError):
        raise
    except Exception as error:
        _log.exception("%s was not answered", request.url.path)
        return failure(error)
    return _Stream(_closed_by_error(first, items), encode, media_type)


class _Stream(StreamingResponse):
    def __init__(
        self, items: AsyncGenerator[Json, None], encode: Callable[[Json], str], media_type: str
    ) -> None:
        self._items = items
        headers = {"Cache-Control": "no-store"} if media_type == EVENT_STREAM else None
        super().__init__((encode(item) async for item in items), 200, headers, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        async with aclosing(self._items):
            with suppress(StoppedError):
                await while_connected(receive, self.stream_response(send))


async def _closed_by_error(
    first: Json, items: AsyncGenerator[Json, None]
) -> AsyncGenerator[Json, None]:
    """`first` and `items`; where they break off, the last one says why."""
    async with aclosing(items):
        try:
            yield first
            async for item in items:
                yield item
        except KnowledgeBaseError as error:
            yield error_json(error)
        except StoppedError:
            yield error_json(StoreUnavailableError("It was stopped: the server ends."))
        except Exception as error:
            # The reader must not take what came so far for all; the traceback is for whoever
            # mends it.
            _log.exception("The answer broke off")
            yield error_json(error)
