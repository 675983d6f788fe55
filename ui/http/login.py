"""Who asks: the command line of this machine, a person, or somebody who is not let in."""

from __future__ import annotations

import base64
import secrets
from enum import Enum

from starlette.datastructures import Headers

from ui.http.login_delays import LoginDelays

__all__ = ["USER", "Caller", "Login"]

USER = "kb"


class Caller(Enum):
    """Whom a request comes from, as far as it shows."""

    NOBODY = "nobody"
    PERSON = "person"
    COMMAND_LINE = "command line"


class Login:
    """Looks at the login that a request carries.

    Args:
        token: The command line's, from the note that its user alone can read.
        password: Everybody else's; None asks for none.
        delays: Of addresses that gave wrong ones.
    """

    def __init__(self, token: str, password: str | None, delays: LoginDelays | None = None) -> None:
        self._delays = delays or LoginDelays()
        self._token = token.encode()
        self._password = None if password is None else f"{USER}:{password}".encode()

    def wait_s(self, headers: Headers, address: str) -> float:
        """Seconds until a password from `address` is looked at again, after wrong ones; 0 where
        none is given. The command line's token can't be guessed, and does not wait."""
        scheme, _ = _given(headers)
        if self._password is None or scheme != "basic":
            return 0.0
        return self._delays.wait_s(address)

    def caller(self, headers: Headers, address: str = "") -> Caller:
        """Whom a request with these headers comes from. A wrong password is held against its
        address."""
        scheme, value = _given(headers)
        if scheme == "bearer" and secrets.compare_digest(value, self._token):
            return Caller.COMMAND_LINE
        if self._password is None:
            return Caller.PERSON
        wanted = base64.b64encode(self._password)
        if scheme == "basic":
            if secrets.compare_digest(value, wanted):
                return Caller.PERSON
            self._delays.note_wrong(address, value)
        return Caller.NOBODY


def _given(headers: Headers) -> tuple[str, bytes]:
    """The scheme in lower case, and what is given by it."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    # Header values are latin-1 here; compare_digest takes no other text than ASCII.
    return scheme.lower(), given.strip().encode("latin-1")
