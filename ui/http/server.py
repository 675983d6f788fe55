"""The server of `kb up`: page, API and media in one process that owns the index."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.routing import Mount
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from kb.errors import ConfigError
from kb.masking import keep_secret
from ui.http.api_errors import handle_errors
from ui.http.connections import limited_protocol
from ui.http.conversations import conversations_router
from ui.http.guard import Guard, is_loopback
from ui.http.headers import Policies
from ui.http.languages import Languages
from ui.http.limits import BodyLimits
from ui.http.login import USER, Login
from ui.http.mcp_http import McpOverHttp
from ui.http.media import media_router
from ui.http.observed import Observed
from ui.http.openai_app import openai_app
from ui.http.page_addresses import PageAddresses
from ui.http.page_events import EndedStreams
from ui.http.page_template import prepare_template
from ui.http.rates import Rates
from ui.http.rest import api_router
from ui.http.unread import Unread
from ui.http.v1.app import v1_app
from ui.http.why import why_router
from ui.logs import mask_logs
from ui.service.server_note import ServerNote
from ui.service.service import Service
from ui.service.tokens import Tokens
from ui.web.app import build_app, mount_options

__all__ = ["make_app", "make_server_app", "run_server"]

# For answers under way to say that the server ends.
_LAST_WORDS_S = 0.8


def make_server_app(service: Service, *, token: str, password: str | None = None) -> ASGIApp:
    """The whole web application.

    Args:
        token: Lets the command line in without a password.
        password: Asked of everybody else; None lets everybody in, for loopback only.
    """
    login = Login(token, password, tokens=Tokens(service.home))
    # Without a password only this computer is answered.
    app = make_app(service, may_choose=password is None)
    rates = Rates(service.config.limits.max_requests_per_minute)
    guard = Guard(app, login, any_name=password is not None, rates=rates)
    limited = BodyLimits(guard, service.config.limits)
    return Observed(PageAddresses(Policies(Languages(limited))), service.metrics)


def make_app(service: Service, *, may_choose: bool = False) -> FastAPI:
    """The page, the API and the media, open to every request.

    Args:
        may_choose: As of `build_app`.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(Unread(blocks).sweep_on())
        try:
            async with mcp.running():
                yield
        finally:
            sweeping.cancel()

    app = FastAPI(
        lifespan=lifespan,
        title="Knowledge base",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )

    handle_errors(app)
    # Gradio asks for it at every turn, and makes files in it.
    service.scratch.clear()
    os.environ["GRADIO_TEMP_DIR"] = str(service.scratch.page)
    # Its monitoring, which is not served, makes a table of the last 10,000 events after each.
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)
    app.include_router(api_router(service))
    app.include_router(media_router(service))
    app.mount("/api/v1", v1_app(service))
    app.mount("/v1", openai_app(service))
    app.include_router(conversations_router(service))
    app.include_router(why_router(service))

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    mcp = McpOverHttp(app)
    prepare_template()
    blocks = build_app(service, may_choose=may_choose)
    options = mount_options(service.config.limits.max_upload_file_bytes)
    mounted: FastAPI = gr.mount_gradio_app(app, blocks, path="/", **options)
    page = mounted.routes[-1]
    assert isinstance(page, Mount)
    assert isinstance(page.app, FastAPI)
    page.app.add_exception_handler(LookupError, _no_such_event)
    page.app.add_middleware(EndedStreams)
    # Gradio looks where a file lies that a page names only when it believes to have been launched.
    blocks.has_launched = True
    return mounted


async def _no_such_event(_: Request, __: Exception) -> Response:
    """What Gradio's routes look up by a number or a name that the sender made up."""
    return JSONResponse({"detail": "There is no such event."}, 404)


def run_server(service: Service, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        on_ready: Called with the page's address once it answers.

    Raises:
        ConfigError: The port is taken, or a password is missing for an open address.
    """
    password = os.environ.get("KB_PASSWORD") or None
    if not is_loopback(host) and password is None:
        raise ConfigError(
            f"Listening on {host} lets other machines in, so a login is needed: set the "
            f"environment variable KB_PASSWORD (the user is {USER!r}), or use --host 127.0.0.1."
        )
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else ("127.0.0.1" if host == "0.0.0.0" else host)  # noqa: S104
    url = f"http://{shown}:{port}"
    token = secrets.token_urlsafe(32)
    keep_secret(token)
    note = ServerNote(service.home)
    app = make_server_app(service, token=token, password=password)
    limits = service.config.limits
    config = uvicorn.Config(
        app,
        http=limited_protocol(limits),
        log_config=None,  # as the process logs
        log_level="warning",
        # Beyond `_LAST_WORDS_S`: what it cancels shows in the terminal as a traceback.
        timeout_graceful_shutdown=3,
        ws="none",
        # Anybody may write X-Forwarded-For, and with it be another address with every password.
        proxy_headers=False,
    )
    mask_logs()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            note.write(url, token)
            on_ready(url)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            service.stop()
            # The streams of an open page would wait for ever.
            loop = asyncio.get_running_loop()
            hanging_up = loop.call_later(_LAST_WORDS_S, _hang_up, self.server_state)
            await super().shutdown(sockets)
            hanging_up.cancel()

    service.start()
    try:
        Server(config).run(sockets=[listener])
    finally:
        note.remove()
        service.close()


def _hang_up(state: ServerState) -> None:
    """End what answers as if the askers had gone."""
    for connection in tuple(state.connections):
        transport = getattr(connection, "transport", None)
        if transport is not None:
            transport.abort()


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
