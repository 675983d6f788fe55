"""Which requests are answered: those of the page and of programs of this machine or with a login.

Any web page that a person has open can make his browser send requests here. It can't read the
answers, nor send a header of its own, and the browser says where a request comes from. So:

- A request that the browser marks as another site's is refused; only the page itself may be
  opened from anywhere. Other ports of this machine are other sites.
- A request that changes something or searches must show that it comes from the page or from a
  program: by `REQUEST_HEADER`, by the command line's or a program's token, or for Gradio's own
  requests by the browser's word.
- A program's token opens what is for programs, as far as its scopes go.
- Without a password only names of this machine are answered to (DNS rebinding).
- Nothing is served that is not on a list; see `ui.http.gradio_routes` for Gradio's.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.http.addresses import network_of
from ui.http.gradio_routes import is_asset, methods_of
from ui.http.login import Caller, Login
from ui.http.rates import Rates
from ui.http.refusals import refused
from ui.service.tokens import TokenScope

__all__ = ["REQUEST_HEADER", "Guard", "is_loopback"]

REQUEST_HEADER = "X-KB-Request"

_READS = frozenset({"GET", "HEAD"})
_OURS = ("/api/", "/media/", "/v1/")
# Where what is sent stays.
_KEPT = ("/api/v1/documents", "/api/v1/conversations", "/api/v1/trash")
_PROGRAMS = ("/api/v1/", "/v1/", "/media/")
# For programs as well: an address alone, with its methods. Below the page's addresses all else is
# Gradio's.
_SINGLE = {"/metrics": frozenset({"GET"}), "/mcp": frozenset({"POST"})}
_RATED = ("/api/", "/v1/", "/mcp")
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
# What a browser would run or apply. Only the page's own files are for that, so that no file of
# the library becomes a script of the page.
_CODE = frozenset(
    {"script", "style", "worker", "sharedworker", "serviceworker", "xslt"}
    | {"audioworklet", "paintworklet"}
)


class Guard:
    """Answers what must not reach `app` in its place.

    What passes carries ``state["caller"]``, a `Caller`.

    Args:
        login: Who is let in.
        any_name: Whether it answers to every host name; otherwise to those of this machine.
        rates: Of those who are let in; None sets no limit.
    """

    def __init__(
        self, app: ASGIApp, login: Login, *, any_name: bool, rates: Rates | None = None
    ) -> None:
        self._app = app
        self._rates = rates
        self._login = login
        self._any_name = any_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = Headers(scope=scope)
            address = scope["client"][0] if scope.get("client") else ""
            refusal = self._foreign(scope, headers)
            if refusal is None:
                # A link elsewhere may open the page with a wrong password in it: that is held
                # against such links from the address, not against the person at it.
                who = network_of(address)
                if _is_elsewhere(headers):
                    who = f"links followed on {who}"
                refusal = self._has_to_wait(scope["path"], headers, who)
            if refusal is None:
                caller = self._login.caller(headers, who)
                refusal = self._refusal(scope, headers, caller) or self._too_many(
                    scope["path"], headers, caller, who
                )
            if refusal is None:
                scope.setdefault("state", {})["caller"] = caller
                await self._app(scope, receive, send)
            else:
                await refusal(scope, receive, send)

    def _has_to_wait(self, path: str, headers: Headers, who: str) -> Response | None:
        wait_s = math.ceil(self._login.wait_s(headers, who))
        if not wait_s:
            return None
        return refused(
            path,
            f"There were too many wrong passwords or tokens from {who}. Try again in {wait_s} s.",
            429,
            {"Retry-After": str(wait_s)},
        )

    def _too_many(self, path: str, headers: Headers, caller: Caller, who: str) -> Response | None:
        """The refusal of a program's request that comes too soon after its others. The command
        line's, of this machine's own user, never does; nor does what the page loads."""
        if self._rates is None or not path.startswith(_RATED) or caller is Caller.COMMAND_LINE:
            return None
        sender = who
        if caller is Caller.PROGRAM:
            who = "this token"
            sender = hashlib.sha256(headers["authorization"].encode("latin-1")).hexdigest()
        wait_s = math.ceil(self._rates.wait_s(sender))
        if not wait_s:
            return None
        return refused(
            path,
            f"There were too many requests from {who}, over the limit of "
            f"{self._rates.per_minute:,} a minute. Try again in {wait_s} s, or raise "
            "`limits.max_requests_per_minute` in kb.yaml.",
            429,
            {"Retry-After": str(wait_s)},
        )

    def _foreign(self, scope: Scope, headers: Headers) -> Response | None:
        """The refusal of what another site sent. The login is not looked at: it is the site's."""
        path = scope["path"]
        hosts = headers.getlist("host")
        match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if match is None:
            return refused(path, "The header Host names no host.", 400)
        if not self._any_name and not is_loopback(match["name"].strip("[]")):
            # A foreign name that was pointed at this address.
            return refused(path, f"This server does not answer to the name {match['name']!r}.", 421)
        if _is_foreign(scope["method"], path, headers, hosts[0]):
            return refused(path, "Requests from other sites are refused.", 403)
        return None

    def _refusal(self, scope: Scope, headers: Headers, caller: Caller) -> Response | None:
        method, path = scope["method"], scope["path"]
        if caller is Caller.NOBODY and headers.get("authorization", "")[:7].lower() == "bearer ":
            challenge = {"WWW-Authenticate": 'Bearer realm="Knowledge base", error="invalid_token"'}
            return refused(path, "This token lets nobody in, or no more.", 401, challenge)
        if caller is Caller.NOBODY:
            challenge = {"WWW-Authenticate": 'Basic realm="Knowledge base", charset="UTF-8"'}
            return refused(path, "A login is needed.", 401, challenge)
        if path.startswith(_OURS) and "\n" in path:
            # No route of ours takes a second line, and it would end at Gradio's.
            return refused(path, "There is nothing at this address.", 404)
        if not path.startswith(_OURS):
            methods = _SINGLE.get(path) or methods_of(path)
            if not methods:
                return refused(path, "There is nothing at this address.", 404)
            if method not in methods:
                return refused(path, "Not in this way.", 405, {"Allow": ", ".join(sorted(methods))})
        is_for_programs = path.startswith(_PROGRAMS) or path in _SINGLE
        if caller is Caller.PROGRAM and not is_for_programs:
            return refused(path, "A token is for /api/v1, /v1, /mcp and /metrics alone.", 403)
        if caller is Caller.PROGRAM:
            wanted = _scope_of(method, path)
            if wanted not in (self._login.scopes(headers) or ()):
                return refused(
                    path,
                    f"This token may not {wanted}. Make one that may: "
                    f"`kb token create NAME --scope {wanted}`.",
                    403,
                )
        if method not in _READS and not _is_meant(path, headers, caller):
            return refused(
                path,
                f"Programs send the header {REQUEST_HEADER}: 1 with what is not a GET, so that no "
                "web page can do it in their place.",
                403,
            )
        return None


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_foreign(method: str, path: str, headers: Headers, host: str) -> bool:
    """Whether the browser says that another site's page sent it, or would run what it gets."""
    if not all(_is_own(origin, host) for origin in headers.getlist("origin")):
        return True
    code = _CODE.intersection(headers.getlist("sec-fetch-dest"))
    if code and not (is_asset(path) or path.startswith("/media/static/")):
        return True
    sites = set(headers.getlist("sec-fetch-site")) - {"same-origin"}
    if not sites:
        return False
    # "none" is the person: an address typed in, a bookmark.
    if method in _READS and sites == {"none"}:
        return False
    opens_the_page = (
        method == "GET"
        and path == "/"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
    return not opens_the_page


def _is_elsewhere(headers: Headers) -> bool:
    """Whether the browser says that another site's page led here."""
    return not {"same-origin", "none"}.issuperset(headers.getlist("sec-fetch-site"))


def _is_own(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()


def _scope_of(method: str, path: str) -> TokenScope:
    """What a program's token must allow for a request."""
    if method == "DELETE":
        return TokenScope.DELETE
    is_added = method not in _READS and path.startswith(_KEPT)
    return TokenScope.ADD if is_added else TokenScope.READ


def _is_meant(path: str, headers: Headers, caller: Caller) -> bool:
    """Whether a request that changes something shows that no other page sent it."""
    # No page elsewhere knows a token.
    if caller in (Caller.COMMAND_LINE, Caller.PROGRAM) or headers.get(REQUEST_HEADER):
        return True
    # Gradio's own script sends no header of ours. Browsers put the origin on every POST.
    is_gradio = not path.startswith(_OURS) and path not in _SINGLE
    return is_gradio and ("origin" in headers or "sec-fetch-site" in headers)
