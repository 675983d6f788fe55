"""The server of `kb up`: page, API and media in one process that owns the index."""

from __future__ import annotations

import base64
import ipaddress
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from kb.errors import ConfigError, KnowledgeBaseError
from ui.api import api_router, error_response
from ui.app import build_app, mount_options
from ui.media import media_router
from ui.server_note import ServerNote
from ui.service import Service

__all__ = ["make_server_app", "run_server"]

_USER = "kb"


def make_server_app(service: Service, *, token: str, password: str | None = None) -> FastAPI:
    """The whole web application.

    Args:
        token: Lets the command line in without a password.
        password: Asked of everybody else; None lets everybody in, for loopback only.
    """
    app = FastAPI(title="Knowledge base", docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(KnowledgeBaseError)
    def on_error(_: Request, error: KnowledgeBaseError) -> JSONResponse:
        return error_response(error)

    @app.middleware("http")
    async def guard(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        refusal = _refusal(request, token, password)
        if refusal is not None:
            return refusal
        response = await call_next(request)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return response

    app.include_router(api_router(service))
    app.include_router(media_router(service))
    mounted: FastAPI = gr.mount_gradio_app(app, build_app(service), path="/", **mount_options())
    return mounted


def _refusal(request: Request, token: str, password: str | None) -> Response | None:
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    if origin and origin != "null" and urlsplit(origin).netloc != host:
        # A page of another site must not use the reader's browser to write here.
        return PlainTextResponse("Requests from other sites are refused.", 403)
    if password is None:
        name = urlsplit(f"//{host}").hostname or ""
        if name != "localhost" and not _is_loopback(name):
            # A foreign name that was pointed at this address (DNS rebinding).
            return PlainTextResponse(f"This server does not answer to the name {name!r}.", 421)
        return None
    given = request.headers.get("authorization", "")
    wanted = base64.b64encode(f"{_USER}:{password}".encode()).decode()
    if secrets.compare_digest(given, f"Bearer {token}") or secrets.compare_digest(
        given, f"Basic {wanted}"
    ):
        return None
    return PlainTextResponse(
        "A login is needed.", 401, {"WWW-Authenticate": 'Basic realm="Knowledge base"'}
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def run_server(service: Service, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        on_ready: Called with the page's address once it answers.

    Raises:
        ConfigError: The port is taken, or a password is missing for an open address.
    """
    password = os.environ.get("KB_PASSWORD") or None
    if not _is_loopback(host) and password is None:
        raise ConfigError(
            f"Listening on {host} lets other machines in, so a login is needed: set the "
            f"environment variable KB_PASSWORD (the user is {_USER!r}), or use --host 127.0.0.1."
        )
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else ("127.0.0.1" if host == "0.0.0.0" else host)  # noqa: S104
    url = f"http://{shown}:{port}"
    token = secrets.token_urlsafe(32)
    note = ServerNote(service.home)
    app = make_server_app(service, token=token, password=None if _is_loopback(host) else password)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            note.write(url, token)
            on_ready(url)

    service.start()
    try:
        Server(config).run(sockets=[listener])
    finally:
        note.remove()
        service.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"Port {port} of {host} can't be used ({error.strerror}). Choose another with --port."
        ) from error
    return listener
