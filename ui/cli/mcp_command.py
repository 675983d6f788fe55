"""``kb mcp``: the Model Context Protocol over stdin and stdout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from fastapi import FastAPI

from kb.config import Config, Home
from ui.cli.client import find_server
from ui.cli.collector import calm_collector
from ui.http.mcp_app import mcp_server
from ui.http.media import media_router
from ui.http.v1.app import v1_app
from ui.service.server_note import ServerNote
from ui.service.service import Service

__all__ = ["serve_mcp"]

_CONNECT_S = 5.0


def serve_mcp(home: Home, config: Config, profile: str | None) -> None:
    """Answer on stdin and stdout until stdin ends.

    Args:
        profile: That was asked for by name; None takes the one that answers.

    Raises:
        ConfigError: The running server answers with another profile.
        StoreInUseError: Another process has the index open.
    """
    with _library(home, config, profile) as http:
        mcp_server(http).run("stdio")


@contextmanager
def _library(home: Home, config: Config, profile: str | None) -> Iterator[httpx.AsyncClient]:
    """The running server of `home`, else the index itself, in this process."""
    client = find_server(home, profile)
    note = ServerNote(home).read()
    if client is not None and note is not None:
        client.close()
        url, token = note
        yield httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(None, connect=_CONNECT_S),
            trust_env=False,
        )
        return
    service = Service(home, config)
    calm_collector()
    try:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.mount("/api/v1", v1_app(service))
        app.include_router(media_router(service))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        # An answer takes as long as its model does.
        waits = httpx.Timeout(None)
        yield httpx.AsyncClient(base_url="http://127.0.0.1", transport=transport, timeout=waits)
    finally:
        service.close()
