"""The page's addresses: one page, which shows what its address names.

``/c/ID``, ``/search?q=…``, ``/library?folder=…``, ``/settings`` and ``/source/SHA256`` are the page
at ``/``, whose script (``static/address.js``) reads the rest. What is promised of ``/`` holds of
them, since whatever lies behind this sees a request for ``/``, without a query: ``page`` and others
of its fields mean something else to Gradio.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["PageAddresses"]

_ADDRESS = re.compile(r"/(?:search|library|settings|c/[A-Za-z0-9_-]{22}|source/[0-9a-f]{64})")


class PageAddresses:
    """Has `app` answer the page's addresses with its page, whose own addresses are relative to
    ``state["base"]``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if is_read and _ADDRESS.fullmatch(scope["path"]):
            base = "../" * (scope["path"].count("/") - 1) or "./"
            state = {**scope.get("state", {}), "base": base}
            scope = {**scope, "path": "/", "raw_path": b"/", "query_string": b"", "state": state}
        await self._app(scope, receive, send)
