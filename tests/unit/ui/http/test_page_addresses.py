"""The page's addresses are the page, and nothing else is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from ui.http.page_addresses import PageAddresses

TALK = "/c/AbCdEfGhIjKlMnOpQrSt-_"


def seen(path: str, method: str = "GET") -> Scope:
    """What lies behind sees of a request."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError(message)

    given: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"page=2",
        "state": {"a": 1},
    }
    asyncio.run(PageAddresses(app)(given, receive, send))
    assert given["path"] == path
    return scopes[0]


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/search", "./"),
        ("/library", "./"),
        ("/settings", "./"),
        (TALK, "../"),
        (f"/source/{'a1' * 32}", "../"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_address_of_the_page_is_the_page(path: str, base: str, method: str) -> None:
    scope = seen(path, method)
    assert (scope["path"], scope["raw_path"], scope["method"]) == ("/", b"/", method)
    assert scope["state"] == {"a": 1, "base": base}
    assert scope["query_string"] == b""


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/c", "/c/", "/c/short", f"{TALK}/", f"{TALK}x", f"/x{TALK}", f"{TALK}\n"),
        *("/search/", "/library/x", "/source/x", f"/source/{'A1' * 32}", "//search", "/c/../api"),
        *("/api/status", "/config", "/gradio_api/runs"),
    ],
)
def test_any_other_path_stays_what_it_is(path: str) -> None:
    scope = seen(path)
    assert (scope["path"], scope["query_string"]) == (path, b"page=2")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_the_page_is_only_read(method: str) -> None:
    assert seen(TALK, method)["path"] == TALK
