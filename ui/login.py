"""Who asks: the command line of this machine, a person, or somebody who is not let in."""

from __future__ import annotations

import base64
import secrets
from enum import Enum

from starlette.datastructures import Headers

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
    """

    def __init__(self, token: str, password: str | None) -> None:
        self._token = token.encode()
        self._password = None if password is None else f"{USER}:{password}".encode()

    def caller(self, headers: Headers) -> Caller:
        """Whom a request with these headers comes from."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Header values are latin-1 here; compare_digest takes no other text than ASCII.
        value = given.strip().encode("latin-1")
        if scheme.lower() == "bearer" and secrets.compare_digest(value, self._token):
            return Caller.COMMAND_LINE
        if self._password is None:
            return Caller.PERSON
        wanted = base64.b64encode(self._password)
        if scheme.lower() == "basic" and secrets.compare_digest(value, wanted):
            return Caller.PERSON
        return Caller.NOBODY
