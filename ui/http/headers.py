"""What every response tells the browser that it may do with it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.http.page_policy import page_policy

__all__ = ["Policies", "policy_for"]

# Opened by itself, it runs nothing, loads nothing, and is of no origin.
_NOTHING = "default-src 'none'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'"
_SANDBOXED = f"sandbox; {_NOTHING}"
# What browsers write around a file that they show are styles.
_SHOWN = f"{_NOTHING}; style-src 'unsafe-inline'"

_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            "accelerometer browsing-topics camera display-capture geolocation "
            "gyroscope hid magnetometer microphone midi payment serial usb xr-spatial-tracking"
        ).split()
    ),
}
_PAGE = {"Referrer-Policy": "same-origin"}
_REST = {"Referrer-Policy": "no-referrer", "Content-Security-Policy": _SANDBOXED}


def policy_for(media_type: str) -> str:
    """The Content-Security-Policy of a file of the library that is opened by itself."""
    if media_type == "application/pdf":
        # Browsers' PDF viewers do not work in a sandbox. They run a PDF's scripts, if at all, apart
        # from every page.
        return f"{_SHOWN}; object-src 'self'"
    if media_type.startswith(("video/", "audio/")):
        # A player loads its file once more, which a sandbox makes another site's request.
        return f"{_SHOWN}; media-src 'self'"
    return f"sandbox; {_SHOWN}; img-src data:"


class Policies:
    """Puts security headers on every response of `app`. What a route says itself stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = _REST
        if scope["path"] == "/":
            nonce = secrets.token_urlsafe(18)
            scope.setdefault("state", {})["nonce"] = nonce
            own = _PAGE | {"Content-Security-Policy": page_policy(nonce)}

        async def send_with_policies(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(MutableHeaders(scope=message), _EVERYWHERE | own)
            await send(message)

        await self._app(scope, receive, send_with_policies)


def _add(headers: MutableHeaders, policies: Mapping[str, str]) -> None:
    for name, value in policies.items():
        headers.setdefault(name, value)
