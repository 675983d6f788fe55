"""What every response tells the browser that it may do with it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["NOTHING", "Policies"]

# Opened by itself, it runs nothing, loads nothing, and is of no origin.
NOTHING = "sandbox; default-src 'none'; frame-ancestors 'none'; form-action 'none'"

_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            "accelerometer bluetooth browsing-topics camera display-capture geolocation "
            "gyroscope hid magnetometer microphone midi payment serial usb xr-spatial-tracking"
        ).split()
    ),
}
_PAGE = {"Referrer-Policy": "same-origin"}
_REST = {"Referrer-Policy": "no-referrer", "Content-Security-Policy": NOTHING}


class Policies:
    """Puts security headers on every response of `app`. What a route says itself stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = _PAGE if scope["path"] == "/" else _REST

        async def send_with_policies(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(MutableHeaders(scope=message), _EVERYWHERE | own)
            await send(message)

        await self._app(scope, receive, send_with_policies)


def _add(headers: MutableHeaders, policies: Mapping[str, str]) -> None:
    for name, value in policies.items():
        headers.setdefault(name, value)
