"""`kb up` against clients that send too much, too slowly, too often, or leave."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from browser_parts import REPO, Server, running_server
from chat_server import ChatServer, says
from made_home import make_home

PROGRAM = {"X-KB-Request": "1"}
MIB = 1 << 20
SETTINGS = """
limits:
  max_question_chars: 500
  max_question_bytes: 1048576
  max_upload_file_bytes: 100000
  max_upload_bytes: 2000000
  max_upload_files: 3
  header_timeout_s: 2
  body_timeout_s: 2
  max_connections: 40
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(make_home(tmp_path_factory.mktemp("limits"), SETTINGS)) as started:
        yield started


def connect(server: Server, address: str = "127.0.0.1") -> socket.socket:
    where = urlsplit(server.url)
    return socket.create_connection(
        (where.hostname or "", where.port or 0), timeout=20, source_address=(address, 0)
    )


def head(server: Server, path: str, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: {urlsplit(server.url).netloc}", "X-KB-Request: 1"]
    return "\r\n".join((*lines, *more, "", "")).encode()


def answer(wire: socket.socket) -> bytes:
    with contextlib.suppress(ConnectionResetError):
        return b"".join(iter(lambda: wire.recv(65536), b""))
    return b""


def test_50_gb_announced_are_refused_at_once(server: Server) -> None:
    for path in ("/api/search", "/api/ask", "/api/upload", "/api/sync"):
        with connect(server) as wire:
            wire.sendall(head(server, path, "Content-Length: 50000000000"))
            start_s = time.monotonic()
            said = answer(wire)
            assert said.startswith(b"HTTP/1.1 413"), said
            assert b"50,000,000,000 bytes" in said
            assert time.monotonic() - start_s < 4


@pytest.mark.parametrize("path", ["/api/search", "/api/upload", "/gradio_api/upload"])
def test_what_is_not_announced_is_cut_off(server: Server, path: str) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\n"
    )
    origin = f"Origin: {server.url}"
    kind = "Content-Type: multipart/form-data; boundary=b"
    with connect(server) as wire:
        wire.sendall(head(server, path, kind, origin, "Transfer-Encoding: chunked"))
        wire.sendall(b"%x\r\n%b\r\n" % (len(form), form))
        n_sent = 0
        with contextlib.suppress(ConnectionError, TimeoutError):
            while n_sent < 200 * MIB:
                wire.sendall(b"%x\r\n%b\r\n" % (65536, b"x" * 65536))
                n_sent += 65536
        assert n_sent < 50 * MIB
        said = answer(wire)
        assert said == b"" or said.startswith(b"HTTP/1.1 413"), said[:300]


@pytest.mark.parametrize("size", [100_001, 1_500_000])
@pytest.mark.parametrize("path", ["/api/upload", "/gradio_api/upload"])
def test_one_file_is_limited(server: Server, path: str, size: int) -> None:
    field = "file" if path.startswith("/api/") else "files"
    headers = PROGRAM | {"Origin": server.url}
    sent = httpx.post(server.url + path, headers=headers, files={field: ("large.txt", b"x" * size)})
    assert sent.status_code == 413
    assert "100,000" in sent.text or "100000" in sent.text
    assert not (server.library / "large.txt").exists()
    some = [("file", ("large.txt", b"x" * size)), ("file", ("small.txt", b"Small."))]
    if path == "/api/upload":
        sent = httpx.post(server.url + path, headers=headers, files=some)
        assert sent.json()["sources"] == ["small.txt"]
        assert "large.txt has" in sent.json()["refused"][0]["reason"]
        (server.library / "small.txt").unlink()


def test_files_and_fields_are_counted(server: Server) -> None:
    files = [("file", (f"{n}.txt", b"x")) for n in range(4)]
    sent = httpx.post(f"{server.url}/api/upload", headers=PROGRAM, files=files)
    assert sent.status_code == 413
    assert "Maximum number of files is 3" in sent.json()["error"]["message"]
    fields = {f"f{n}": "x" for n in range(200)}
    sent = httpx.post(f"{server.url}/api/search", headers=PROGRAM, data=fields)
    assert sent.status_code == 413, sent.text


@pytest.mark.parametrize("path", ["/api/search", "/api/ask"])
def test_a_long_question_is_refused_with_its_length(server: Server, path: str) -> None:
    for text in ("pump " * 200_000, "x" * 501):
        sent = httpx.post(server.url + path, headers=PROGRAM, data={"text": text})
        assert sent.status_code == 413, sent.text
        error = sent.json()["error"]
        assert error["type"] == "PromptTooLongError"
        assert f"{len(text.strip()):,} characters, over the limit of 500" in error["message"]
    # The first question loads the models.
    last = {"text": "pump " * 100}
    sent = httpx.post(server.url + path, headers=PROGRAM, data=last, timeout=60)
    assert sent.status_code == 200


def test_slow_clients_are_hung_up_on(server: Server) -> None:
    begun = head(server, "/api/search", "Content-Length: 100")
    slow = {
        "silent": b"",
        "in its headers": begun[:-20],
        "in its body": begun + b"x",
    }
    for what, sent in slow.items():
        with connect(server) as wire:
            wire.sendall(sent)
            start_s = time.monotonic()
            said = answer(wire)
            assert time.monotonic() - start_s < 8, what
            assert said == b"" or said.startswith(b"HTTP/1.1 4"), said[:100]


@pytest.mark.parametrize("part", ["headers", "second request", "body"])
def test_a_byte_now_and_then_is_slow_too(server: Server, part: str) -> None:
    with connect(server) as wire:
        if part == "second request":
            wire.sendall(head(server, "/api/nothing", "Content-Length: 0"))
            assert wire.recv(65536).startswith(b"HTTP/1.1 404")
        if part == "body":
            wire.sendall(head(server, "/api/search", "Content-Length: 100000"))
        else:
            wire.sendall(b"GET / HTTP/1.1\r\nX: ")
        start_s = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - start_s < 12:
                wire.sendall(b"x")
                time.sleep(0.3)
        assert time.monotonic() - start_s < 10


def test_a_steady_upload_and_an_idle_page_are_left_alone(server: Server) -> None:
    form = b'\r\n--b\r\nContent-Disposition: form-data; name="text"\r\n\r\npump\r\n--b--\r\n'
    kind = "Content-Type: multipart/form-data; boundary=b"
    other = b'--b\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\n'
    padding = other + b"x" * 400_000
    length = len(padding) + len(form)
    with connect(server) as wire:
        wire.sendall(head(server, "/api/search", kind, f"Content-Length: {length}"))
        for start in range(0, len(padding), 80_000):
            time.sleep(0.8)  # twice the time limit in all, and a piece in each
            wire.sendall(padding[start : start + 80_000])
        wire.sendall(form)
        assert wire.recv(65536).startswith(b"HTTP/1.1 200")


def test_one_address_holds_half_of_the_connections(server: Server) -> None:
    wires = [connect(server, "127.0.0.2") for _ in range(30)]
    try:
        time.sleep(0.3)
        assert httpx.get(f"{server.url}/api/health").status_code == 200
        n_open = 0
        for wire in wires:
            wire.settimeout(0.05)
            try:
                wire.recv(1)
            except TimeoutError:
                n_open += 1
            except ConnectionError:
                pass
        assert n_open == 20
    finally:
        for wire in wires:
            wire.close()


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Words until the other side hangs up, which is noted."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    try:
        for _ in range(2_000):
            handler.wfile.write(says("word "))
            handler.wfile.flush()
            time.sleep(0.02)
    except OSError:
        handler.server.hung_up = time.monotonic()  # type: ignore[attr-defined]
        raise


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Thinks until the other side hangs up, which is noted."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    handler.wfile.flush()
    handler.connection.settimeout(60)
    handler.connection.recv(1)
    handler.server.hung_up = time.monotonic()  # type: ignore[attr-defined]


def chat_settings(url: str) -> str:
    return json.dumps({"generator": {"kind": "remote", "url": url, "model": "m", "timeout_s": 60}})


def unanswered(handler: BaseHTTPRequestHandler) -> None:
    """Not even a header."""
    handler.connection.settimeout(60)
    handler.connection.recv(1)


def test_work_stops_when_its_asker_leaves_or_the_server_ends(tmp_path: Path) -> None:
    with ChatServer() as chat:
        chat.plays = [endless, silent, unanswered]
        settings = {"kind": "remote", "url": chat.url, "model": "m", "timeout_s": 60}
        home = make_home(tmp_path / "home", json.dumps({"generator": settings}))
        kb = str(Path(sys.executable).with_name("kb"))
        process = subprocess.Popen(
            [kb, "up", "--home", str(home), "--port", "0", "--no-browser", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=REPO,
            env=os.environ | {"GRADIO_ANALYTICS_ENABLED": "False"},
        )
        try:
            assert process.stdout is not None
            said = b""
            while not said.rstrip().endswith(b"}"):
                said += process.stdout.readline()
            server = Server(json.loads(said)["url"], home / "library")
            wait_until_indexed(server)
            for n_asked in (1, 2):  # to a server that writes, and to one that thinks
                with asking(server):
                    wait_until(lambda n=n_asked: len(chat.bodies) == n)
                    time.sleep(0.3)
                start_s = time.monotonic()
                wait_until(lambda: hasattr(chat._server, "hung_up"))
                del chat._server.hung_up  # type: ignore[attr-defined]
                assert time.monotonic() - start_s < 3
            with asking(server):
                wait_until(lambda: len(chat.bodies) == 3)
                process.send_signal(signal.SIGINT)
                start_s = time.monotonic()
                process.wait(20)
                # A second, and what Python takes to end on a machine with much to do.
                assert time.monotonic() - start_s < 5
        finally:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def asking(server: Server) -> Iterator[None]:
    """A question on its way; its asker hangs up at the end."""
    body = b"text=how+loud+is+the+pump"
    kind = "Content-Type: application/x-www-form-urlencoded"
    with connect(server) as wire:
        wire.sendall(head(server, "/api/ask", kind, f"Content-Length: {len(body)}") + body)
        yield


def wait_until_indexed(server: Server) -> None:
    def is_there() -> bool:
        return bool(httpx.get(f"{server.url}/api/status").json()["counts"]["indexed"])

    wait_until(is_there, 60)


def wait_until(is_true: object, limit_s: float = 20) -> None:
    end_s = time.monotonic() + limit_s
    while not is_true():  # type: ignore[operator]
        assert time.monotonic() < end_s
        time.sleep(0.05)
