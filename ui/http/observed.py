"""What is known of each request when it has been answered: its id, its line in the log, and its
numbers among the metrics."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.request_id import enter_request
from ui.service.metrics import Metrics

__all__ = ["REQUEST_ID_HEADER", "Observed"]

REQUEST_ID_HEADER = "X-Request-ID"
# Nobody was there any more to be answered; nginx's number for it.
_HUNG_UP = 499
_log = logging.getLogger(__name__)


# Applications of their own, whose routes do not tell where they are mounted.
_MOUNTED = frozenset({"/api/v1", "/v1"})


class Observed:
    """Gives each request of `app` an id, and logs and counts it when it has been answered.

    The log has no query string: there stand questions.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).getlist(REQUEST_ID_HEADER)
        request_id = enter_request(given[0] if len(given) == 1 else "")
        state = scope.setdefault("state", {})
        # The routes rewrite the scope as they pass it on.
        method, path = scope["method"], scope["path"]
        status = _HUNG_UP
        start_s = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            if status == _HUNG_UP:
                status = 500
            raise
        finally:
            duration_s = time.perf_counter() - start_s
            self._metrics.requested(method, _route(scope), status, duration_s)
            client = scope.get("client")
            _log.info(
                "%s %s %d",
                method,
                path,
                status,
                extra={
                    "method": method,
                    "path": path,
                    "status": status,
                    "duration_ms": round(duration_s * 1000, 1),
                    "address": client[0] if client else None,
                    "caller": state["caller"].value if "caller" in state else None,
                },
            )


def _route(scope: Scope) -> str:
    """The template of the route that answered; ``other`` where none did."""
    template = getattr(scope.get("route"), "path", None)
    if not isinstance(template, str):
        return "other"
    mounted_at = scope.get("root_path", "")
    return f"{mounted_at}{template}" if mounted_at in _MOUNTED else template
