"""How much a request may send: what is announced too large is refused at once, and what is not
announced is cut off as it passes the limit."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kb.config import LimitsConfig
from ui.http.refusals import too_large

__all__ = ["BodyLimits"]

# What the page tells of itself: its fields, and the conversation that it kept.
_MAX_OTHER_BYTES = 8 << 20
# A client that is told while it sends hears it only if what it sends is read for a little longer.
_LINGER_BYTES = 4 << 20
_LINGER_S = 1.0
# As much unread is discarded, and the connection goes on.
_DISCARDED_BYTES = 1 << 16
_LENGTH_DIGITS = 20
_ASKED_IN = re.compile(r"/api/v1/conversations(?:/[^/]{1,100}/ask)?")


class BodyLimits:
    """Refuses bodies that are larger than `limits` allows for their path, with 413."""

    def __init__(self, app: ASGIApp, limits: LimitsConfig) -> None:
        self._app = app
        uploads = (limits.max_upload_bytes, "limits.max_upload_bytes")
        questions = (limits.max_question_bytes, "limits.max_question_bytes")
        self._limits = {
            "/api/upload": uploads,
            "/api/v1/documents": uploads,
            "/gradio_api/upload": uploads,
            "/api/search": questions,
            "/api/ask": questions,
            "/api/v1/search": questions,
            "/api/v1/ask": questions,
            "/v1/chat/completions": questions,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].rstrip("/")
        if _ASKED_IN.fullmatch(path):
            path = "/api/v1/ask"
        max_bytes, setting = self._limits.get(path, (_MAX_OTHER_BYTES, ""))
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "0")[:_LENGTH_DIGITS]
        n_bytes = int(announced) if announced.isascii() and announced.isdigit() else 0
        is_large = n_bytes > _DISCARDED_BYTES or "transfer-encoding" in headers
        body = _Body(receive, scope["path"], max_bytes, setting, is_read=not is_large)
        if n_bytes > max_bytes:
            body.is_too_large = True
            await body.refusal(n_bytes)(scope, receive, body.lingering(send))
            return
        try:
            await self._app(scope, body.receive, body.lingering(send))
        except HTTPException:
            if not body.is_too_large or body.is_answered:
                raise
            await body.refusal()(scope, receive, body.lingering(send))


class _Body:
    """One request's body, counted as it comes."""

    def __init__(
        self, receive: Receive, path: str, max_bytes: int, setting: str, *, is_read: bool
    ) -> None:
        self._is_read = is_read
        self.is_too_large = False
        self.is_answered = False
        self._receive = receive
        self._path = path
        self._max_bytes = max_bytes
        self._setting = setting
        self._n_bytes = 0

    async def receive(self) -> Message:
        if self.is_too_large:
            # Whoever reads on after the error gets no more of it.
            raise self._error()
        message = await self._receive()
        if message["type"] == "http.request":
            self._is_read |= not message.get("more_body", False)
            self._n_bytes += len(message.get("body", b""))
            if self._n_bytes > self._max_bytes:
                self.is_too_large = True
                raise self._error()
        return message

    def lingering(self, send: Send) -> Send:
        """`send`, which has the connection closed after an answer to what was not read, and reads
        some more of it before that. The server would read all of it, to throw it away."""
        is_cut = False

        async def send_and_linger(message: Message) -> None:
            nonlocal is_cut
            self.is_answered = True
            if message["type"] == "http.response.start":
                is_cut = self.is_too_large or not self._is_read
            if not is_cut:
                await send(message)
                return
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            is_last = not message.get("more_body", False)
            if message["type"] != "http.response.body" or not is_last:
                await send(message)
                return
            await send({**message, "more_body": True})
            with suppress(TimeoutError):
                await asyncio.wait_for(self._discard(), _LINGER_S)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        return send_and_linger

    def refusal(self, n_bytes: int | None = None) -> Response:
        return too_large(self._path, self._message(n_bytes))

    def _error(self) -> HTTPException:
        return HTTPException(413, self._message())

    def _message(self, n_bytes: int | None = None) -> str:
        if n_bytes is None:
            message = f"The request is over the limit of {self._max_bytes:,} bytes."
        else:
            message = (
                f"The request has {n_bytes:,} bytes, over the limit of {self._max_bytes:,} bytes."
            )
        if not self._setting:
            return message
        return " ".join([message, f"Send less, or raise `{self._setting}` in kb.yaml."])

    async def _discard(self) -> None:
        n_bytes = 0
        while n_bytes < _LINGER_BYTES:
            message = await self._receive()
            if message["type"] != "http.request" or not message.get("more_body", False):
                return
            n_bytes += len(message.get("body", b""))
