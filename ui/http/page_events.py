"""The streams in which a page hears of its events, and their end."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["EndedStreams"]

_STREAM = "/gradio_api/queue/data"


class EndedStreams:
    """Ends the stream of a session that is not known, or is no more.

    Gradio tells of it in the stream, which the page's script understands, and then raises what can
    be no answer any more: the connection would be broken off, with a traceback in the log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(_STREAM):
            await self._app(scope, receive, send)
            return
        is_begun = False

        async def noted(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except RuntimeError as error:
            if not is_begun or not isinstance(error.__cause__, HTTPException):
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})
