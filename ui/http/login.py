"""Who asks: the command line of this machine, a person, a program with a token, or somebody who is
not let in."""

from __future__ import annotations

import base64
import logging
import secrets
from enum import Enum

from starlette.datastructures import Headers

from kb.errors import ConfigError
from ui.http.login_delays import LoginDelays
from ui.service.tokens import TOKEN_PREFIX, Tokens, TokenScope

__all__ = ["USER", "Caller", "Login"]

USER = "kb"
_log = logging.getLogger(__name__)


class Caller(Enum):
    """Whom a request comes from, as far as it shows."""

    NOBODY = "nobody"
    PERSON = "person"
    PROGRAM = "program"
    COMMAND_LINE = "command line"


class Login:
    """Looks at the login that a request carries.

    Args:
        token: The command line's, from the note that its user alone can read.
        password: Everybody else's; None asks for none.
        delays: Of addresses that gave wrong ones.
        tokens: Of programs; None where there are none.
    """

    def __init__(
        self,
        token: str,
        password: str | None,
        delays: LoginDelays | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        self._delays = delays or LoginDelays()
        self._tokens = tokens
        self._token = token.encode()
        self._password = None if password is None else f"{USER}:{password}".encode()

    def wait_s(self, headers: Headers, address: str) -> float:
        """Seconds until a password or a program's token from `address` is looked at again, after
        wrong ones; 0 where none is given. The command line's token does not wait."""
        scheme, value = _given(headers)
        is_password = self._password is not None and scheme == "basic"
        if is_password or _is_programs(scheme, value):
            return self._delays.wait_s(address)
        return 0.0

    def caller(self, headers: Headers, address: str = "") -> Caller:
        """Whom a request with these headers comes from. A wrong password is held against its
        address, and so is a wrong token, also where nobody else needs one: who brings it was let
        in by it once, or guesses."""
        scheme, value = _given(headers)
        if scheme == "bearer" and secrets.compare_digest(value, self._token):
            return Caller.COMMAND_LINE
        if _is_programs(scheme, value):
            if self.scopes(headers) is not None:
                return Caller.PROGRAM
            self._delays.note_wrong(address, value)
            return Caller.NOBODY
        if self._password is None:
            return Caller.PERSON
        wanted = base64.b64encode(self._password)
        if scheme == "basic":
            if secrets.compare_digest(value, wanted):
                return Caller.PERSON
            self._delays.note_wrong(address, value)
        return Caller.NOBODY

    def scopes(self, headers: Headers) -> frozenset[TokenScope] | None:
        """What the program's token in `headers` lets it do; None where it is none that is known."""
        _, value = _given(headers)
        try:
            found = self._tokens.find(value) if self._tokens is not None else None
        except ConfigError as error:
            _log.error("%s", error)
            return None
        return found.scopes if found is not None else None


def _is_programs(scheme: str, value: bytes) -> bool:
    return scheme == "bearer" and value.startswith(TOKEN_PREFIX.encode())


def _given(headers: Headers) -> tuple[str, bytes]:
    """The scheme in lower case, and what is given by it."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    # Header values are latin-1 here; compare_digest takes no other text than ASCII.
    return scheme.lower(), given.strip().encode("latin-1")
