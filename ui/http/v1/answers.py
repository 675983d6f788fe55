"""Answers of ``/api/v1``: whole, or as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from ui.http.problems import problem_of
from ui.http.streams import EVENT_STREAM, server_sent_event, stream
from ui.service.asking import while_connected

__all__ = ["answered"]

Json = dict[str, Any]


async def answered(
    request: Request,
    lines: AsyncGenerator[Json, None],
    shown: Callable[[str], str],
    *,
    is_streamed: bool,
) -> Response:
    """The response of an answer's lines, as `answer_lines` makes them.

    Args:
        request: Of which the body has been read.
        shown: Makes a message one that anybody may read.
    """
    if not is_streamed:
        return JSONResponse(await while_connected(request.receive, _whole(lines)))

    def encode(line: Json) -> str:
        return "".join(server_sent_event(*event) for event in _events(line, shown))

    return await stream(
        request, lines, encode, EVENT_STREAM, lambda error: problem_of(error, shown)
    )


async def _whole(lines: AsyncGenerator[Json, None]) -> Json:
    """The answer, which comes last."""
    answer: Json = {}
    async with aclosing(lines):
        async for line in lines:
            answer = line.get("answer", answer)
    return answer


def _events(line: Json, shown: Callable[[str], str]) -> Iterator[tuple[str, Json]]:
    """The names and the data of the events for a line, or for an error."""
    for name, value in line.items():
        if name == "text":
            yield "delta", {"text": value}
        elif name == "understood":
            yield "understood", {"text": value}
        elif name == "answer":
            for claim in value["claims"]:
                yield "claim", claim
            yield "done", value
        elif name == "error":
            yield "error", {"error": value["type"], "detail": shown(value["message"])}
        else:
            yield name, value
