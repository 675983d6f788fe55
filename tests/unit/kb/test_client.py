"""What the client makes of whatever a server answers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from kb.client import (
    AnswerBrokenOffError,
    Client,
    ClientError,
    NotFoundError,
    NotLetInError,
    RequestRefusedError,
    ServerFailedError,
    TooManyRequestsError,
    UnreachableError,
)
from kb.errors import KnowledgeBaseError


def client(answer: Callable[[httpx.Request], httpx.Response], **more: Any) -> Client:
    return Client("http://kb.test", transport=httpx.MockTransport(answer), **more)


def problem(status: int, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    body = {"detail": "Do this.", "error": "ConfigError", "status": status}
    return lambda _: httpx.Response(status, json=body, headers={"X-Request-ID": "id-1"} | headers)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRefusedError),
        (401, NotLetInError),
        (403, NotLetInError),
        (404, NotFoundError),
        (409, RequestRefusedError),
        (413, RequestRefusedError),
        (422, RequestRefusedError),
        (429, TooManyRequestsError),
        (500, ServerFailedError),
        (503, ServerFailedError),
    ],
)
def test_a_problem_is_an_error(status: int, kind: type[ClientError]) -> None:
    with client(problem(status)) as kb:
        for ask in (kb.status, lambda: kb.ask("x"), lambda: list(kb.ask_events("x"))):
            with pytest.raises(kind) as caught:
                ask()
            assert type(caught.value) is kind
            assert isinstance(caught.value, KnowledgeBaseError)
            told = (str(caught.value), caught.value.status, caught.value.error)
            assert told == ("Do this.", status, "ConfigError")
            assert caught.value.request_id == "id-1"


@pytest.mark.parametrize(
    ("given", "wait_s"), [("7", 7.0), ("", 1.0), ("soon", 1.0), ("²", 1.0), ("-3", 1.0)]
)
def test_how_long_to_wait(given: str, wait_s: float) -> None:
    headers = {"Retry-After": given.encode("latin-1")}
    with (
        client(lambda _: httpx.Response(429, json={"detail": "Wait."}, headers=headers)) as kb,
        pytest.raises(TooManyRequestsError) as caught,
    ):
        kb.status()
    assert caught.value.retry_after_s == wait_s


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b"[]", b"null", b'"x"', b'{"detail": 1}', b"\xff"]
)
def test_an_error_of_something_else_is_one_too(body: bytes) -> None:
    with client(lambda _: httpx.Response(502, content=body)) as kb:
        with pytest.raises(ServerFailedError) as caught:
            kb.status()
        assert caught.value.status == 502


def test_what_is_no_json_is_no_answer() -> None:
    page = httpx.Response(200, text="<html>hello")
    with client(lambda _: page) as kb, pytest.raises(ServerFailedError, match="JSON was expected"):
        kb.status()


def test_nobody_there() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with client(refuse, token="kbt_secret") as kb:
        for ask in (kb.status, lambda: next(kb.ask_events("x"))):
            with pytest.raises(UnreachableError, match="kb up") as caught:
                ask()
            assert "secret" not in str(caught.value)


def stream(*events: tuple[str, Any]) -> Callable[[httpx.Request], httpx.Response]:
    text = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    return lambda _: httpx.Response(200, text=text)


def test_events_come_in_order() -> None:
    with client(stream(("delta", {"text": "a: b"}), ("done", {"answer": "a: b"}))) as kb:
        assert list(kb.ask_events("x")) == [
            ("delta", {"text": "a: b"}),
            ("done", {"answer": "a: b"}),
        ]


def test_a_stream_that_breaks_off_says_so() -> None:
    error = {"error": "InferenceError", "detail": "The model is gone."}
    with client(stream(("delta", {"text": "a"}), ("error", error))) as kb:
        events = kb.ask_events("x")
        assert next(events).name == "delta"
        with pytest.raises(AnswerBrokenOffError, match="gone") as caught:
            next(events)
        assert caught.value.error == "InferenceError"
    cut = stream(("delta", {"text": "a"}))
    with client(cut) as kb, pytest.raises(UnreachableError, match="in the middle"):
        list(kb.ask_events("x"))


def test_what_is_sent(tmp_path: Path) -> None:
    sent: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        request.read()
        sent.append(request)
        return httpx.Response(200, json={})

    (tmp_path / "a.png").write_bytes(b"PNG")
    with client(keep, token="kbt_x") as kb:
        kb.search("pump", top=3)
        kb.ask("pump", images=[tmp_path / "a.png", ("b.png", b"B")], filters={"kind": ["pdf"]})
        kb.ask("pump", conversation="../status?x")
        kb.document("a/../../b")
        with pytest.raises(RequestRefusedError, match="can't be read"):
            kb.ask(images=[tmp_path / "none.png"])
    search, ask, within, document = sent
    assert json.loads(search.content) == {"text": "pump", "top": 3}
    assert search.headers["X-KB-Request"] == "1"
    assert search.headers["Authorization"] == "Bearer kbt_x"
    assert ask.headers["Content-Type"].startswith("multipart/form-data")
    for part in (b'filename="a.png"', b'filename="b.png"', b'{"kind": ["pdf"]}'):
        assert part in ask.content
    assert within.url.raw_path == b"/api/v1/conversations/..%2Fstatus%3Fx/ask"
    assert document.url.raw_path == b"/api/v1/documents/a%2F..%2F..%2Fb"


def test_it_loads_no_model_and_no_index() -> None:
    code = "import sys, kb.client; print({'torch', 'numpy', 'kb.index'}.intersection(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
