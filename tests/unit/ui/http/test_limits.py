from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.types import Message

from kb.config import LimitsConfig
from ui.http.limits import BodyLimits

MIB = 1 << 20


def app() -> BodyLimits:
    inner = FastAPI()

    @inner.post("/api/search")
    async def search(request: Request) -> dict[str, int]:
        return {"n": len(await request.body())}

    @inner.post("/ignores")
    async def ignores() -> dict[str, int]:
        return {"n": 0}

    return BodyLimits(inner, LimitsConfig(max_question_bytes=MIB))


async def call(
    path: str, body: AsyncIterator[bytes], headers: dict[str, str]
) -> tuple[int, dict[str, str], bytes, int]:
    """Status, headers and body of the answer, and how many bytes were taken."""
    sent: list[Message] = []
    n_taken = 0

    async def receive() -> Message:
        nonlocal n_taken
        try:
            part = await anext(body)
        except StopAsyncIteration:
            return {"type": "http.request", "body": b"", "more_body": False}
        n_taken += len(part)
        return {"type": "http.request", "body": part, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
        "root_path": "",
        "scheme": "http",
        "server": ("a", 1),
        "client": ("b", 2),
        "http_version": "1.1",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }
    await asyncio.wait_for(app()(scope, receive, send), 20)
    answered = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(m.get("body", b"") for m in sent[1:]), n_taken


async def parts(n: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(n):
        yield b"x" * size


def test_what_fits_passes() -> None:
    status, _, body, _ = asyncio.run(call("/api/search", parts(16, MIB // 16), {}))
    assert (status, json.loads(body)) == (200, {"n": MIB})


@pytest.mark.parametrize("length", ["50000000000", str(MIB + 1), "9" * 20])
def test_what_is_announced_too_large_is_refused_unread(length: str) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        await asyncio.sleep(3600)
        yield b""

    status, headers, body, n_taken = asyncio.run(
        call("/api/search", nothing(), {"content-length": length})
    )
    assert status == 413
    assert n_taken == 0
    assert headers["connection"] == "close"
    message = json.loads(body)["error"]["message"]
    assert f"{int(length):,} bytes, over the limit of 1,048,576" in message
    assert "limits.max_question_bytes" in message


@pytest.mark.parametrize("announced", [{}, {"content-length": "10"}])
def test_what_passes_the_limit_is_cut_off(announced: dict[str, str]) -> None:
    status, headers, body, n_taken = asyncio.run(
        call("/api/search", parts(50_000, 65536), announced)
    )
    assert status == 413
    assert headers["connection"] == "close"
    assert b"over the limit of 1,048,576 bytes" in body
    assert n_taken < 8 * MIB


def test_other_requests_have_a_limit_too() -> None:
    status, *_ = asyncio.run(call("/ignores", parts(1, 1), {"content-length": str(9 * MIB)}))
    assert status == 413
    status, *_ = asyncio.run(call("/ignores", parts(1, 1), {"content-length": str(MIB)}))
    assert status == 200


def test_other_messages_pass() -> None:
    seen: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(BodyLimits(inner, LimitsConfig())({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
