"""Each request is answered in the language of the person who sent it."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.language import chosen_language, speaking

__all__ = ["Languages"]


class Languages:
    """Has `app` speak the language of each request, see `ui.language.chosen_language`.

    The events of a page are answered later and elsewhere: `ui.web.page_errors` sees to them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        accepted, cookies = headers.get("accept-language", ""), headers.get("cookie", "")
        with speaking(chosen_language(accepted, cookies)):
            await self._app(scope, receive, send)
