"""A chat server that answers what a test tells it to: whole streams, and every kind of nonsense."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

__all__ = ["DONE", "ChatServer", "Play", "drops", "event", "refuse", "says", "send", "stream"]

DONE = b"data: [DONE]\n\n"
Play = Callable[[BaseHTTPRequestHandler], None]


def event(data: object) -> bytes:
    """One server-sent event; text goes as it is."""
    return f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


def says(text: str | None = None, finish: str | None = None, **more: object) -> bytes:
    """An event with some words of the answer, as vLLM sends it."""
    delta: dict[str, object] = {} if text is None else {"content": text}
    return event({"choices": [{"index": 0, "delta": delta | more, "finish_reason": finish}]})


def send(body: bytes, kind: str, status: int = 200, **headers: str) -> Play:
    """Answers `body` at once."""

    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": kind, **headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return play


def refuse(status: int, message: str, **headers: str) -> Play:
    """An error in the usual form."""
    body = json.dumps({"error": {"message": message, "code": status}}).encode()
    return send(body, "application/json", status, **headers)


def stream(*parts: bytes | float) -> Play:
    """Sends the parts one after the other, waiting where one is a number of seconds, and closes
    the connection."""

    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for part in parts:
            if isinstance(part, float):
                time.sleep(part)
            else:
                handler.wfile.write(part)
                handler.wfile.flush()

    return play


class ChatServer:
    """On a free port of the loopback, in threads.

    Attributes:
        plays: What is answered, in order; the last one again and again.
        bodies: What was asked.
        key: That is wanted, where it is set.
    """

    def __init__(self) -> None:
        self.plays: list[Play] = []
        self.bodies: list[dict[str, Any]] = []
        self.key = ""
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                owner.bodies.append(json.loads(self.rfile.read(length)))
                if self._is_refused():
                    return
                play = owner.plays.pop(0) if len(owner.plays) > 1 else owner.plays[0]
                try:
                    play(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # whoever asked has had enough

            def _is_refused(self) -> bool:
                is_refused = self.headers["Authorization"] != f"Bearer {owner.key}"
                if owner.key and is_refused:
                    refuse(401, "a key is wanted")(self)
                return bool(owner.key) and is_refused

            def do_GET(self) -> None:
                if self._is_refused():
                    return
                models = {"data": [{"id": "served/model"}]}
                send(json.dumps(models).encode(), "application/json")(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"


def drops(part: bytes, step_s: float, n: int) -> Iterator[bytes | float]:
    """`part` again and again, as a server that keeps the line open sends comments."""
    for _ in range(n):
        yield step_s
        yield part
