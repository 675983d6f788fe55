"""``/mcp``: the Model Context Protocol over HTTP, for programs that this machine does not start.

Each request stands alone: the server keeps no session, and answers with JSON. Who is let in, and
with which names and origins, is `ui.http.guard`'s, as everywhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from mcp.server.transport_security import TransportSecuritySettings

from ui.http.mcp_app import mcp_server

__all__ = ["McpOverHttp"]


class McpOverHttp:
    """The protocol's server.

    Args:
        app: Has ``/api/v1`` and ``/media``, which answer what is asked; gets the route ``/mcp``.
    """

    def __init__(self, app: FastAPI) -> None:
        self._http = httpx.AsyncClient(
            base_url="http://127.0.0.1",
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            timeout=httpx.Timeout(None),  # an answer takes as long as its model does
        )
        self._server = mcp_server(self._http)
        served = self._server.streamable_http_app(
            streamable_http_path="/mcp",
            json_response=True,
            stateless_http=True,
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        app.router.routes.extend(served.routes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer meanwhile. Once: what has ended does not begin again."""
        async with self._server.session_manager.run(), self._http:
            yield
