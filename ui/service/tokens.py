"""Tokens by which programs are let in: each with a name, what it may do, and an end by hand."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Sequence
from enum import StrEnum

from filelock import FileLock
from pydantic import BaseModel, TypeAdapter, ValidationError

from kb.config import Home
from kb.errors import ConfigError
from kb.files import write_whole
from kb.private import private_folder

__all__ = ["TOKEN_PREFIX", "Token", "TokenScope", "Tokens"]

TOKEN_PREFIX = "kbt_"  # noqa: S105 - by it a token is known as one
_MAX_NAME_CHARS = 100
_MAX_TOKENS = 1_000


class TokenScope(StrEnum):
    """What a token lets a program do."""

    READ = "read"
    ADD = "add"
    DELETE = "delete"


class Token(BaseModel):
    """What is kept of a token.

    Attributes:
        sha256: Of the token. It is no password but 32 random bytes, which nobody finds by trying
            however fast the digest is made.
        created_s: Seconds since the epoch.
    """

    name: str
    scopes: frozenset[TokenScope]
    sha256: str
    created_s: float


_TOKENS = TypeAdapter(list[Token])


class Tokens:
    """The tokens of a home, in a file that its user alone can read. Several processes may use it.

    Args:
        home: Whose they are.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.path / "tokens.json"
        self._lock_path = home.index / "tokens.lock"
        self._seen: tuple[int, int, int] | None = None
        self._known: list[Token] = []

    def create(self, name: str, scopes: Sequence[TokenScope]) -> str:
        """A new token, which is told this once.

        Raises:
            ConfigError: The name is taken or none, or the file can't be written.
        """
        if not name.strip() or len(name) > _MAX_NAME_CHARS or not name.isprintable():
            raise ConfigError(
                f"{name[:_MAX_NAME_CHARS]!r} is no name for a token. Expected one to "
                f"{_MAX_NAME_CHARS} printable characters, such as the program's name."
            )
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)

        def add(tokens: list[Token]) -> list[Token]:
            if any(one.name == name for one in tokens):
                raise ConfigError(
                    f"There is a token {name!r}. Choose another name, or revoke that one first: "
                    "`kb token revoke`."
                )
            if len(tokens) >= _MAX_TOKENS:
                raise ConfigError(f"There are {_MAX_TOKENS:,} tokens. Revoke some first.")
            made = Token(
                name=name,
                scopes=frozenset(scopes),
                sha256=_digest(token.encode()),
                created_s=time.time(),
            )
            return [*tokens, made]

        self._change(add)
        return token

    def revoke(self, name: str) -> None:
        """Let no program in by a token from now on.

        Raises:
            ConfigError: There is none of that name.
        """

        def drop(tokens: list[Token]) -> list[Token]:
            kept = [one for one in tokens if one.name != name]
            if len(kept) == len(tokens):
                raise ConfigError(
                    f"There is no token {name!r}. `kb token list` shows those there are."
                )
            return kept

        self._change(drop)

    def all(self) -> list[Token]:
        """Those there are, in the order in which they were made.

        Raises:
            ConfigError: The file can't be read.
        """
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(f"{self._path} can't be read ({error.strerror}).") from error
        try:
            return _TOKENS.validate_json(text)
        except ValidationError as error:
            raise ConfigError(
                f"{self._path} is damaged: it is no list of tokens. Delete it, and make the tokens "
                "anew with `kb token create`."
            ) from error

    def find(self, given: bytes) -> Token | None:
        """What is kept of the token that a program gave. What another process revoked a moment ago
        is not found any more.

        Raises:
            ConfigError: The file can't be read.
        """
        self._look()
        digest = _digest(given)
        found = None
        for one in self._known:
            # Each is compared, whichever it is.
            if secrets.compare_digest(one.sha256, digest):
                found = one
        return found

    def _look(self) -> None:
        try:
            about = self._path.stat()
        except OSError:
            self._seen, self._known = None, []
            return
        seen = (about.st_ino, about.st_size, about.st_mtime_ns)
        if seen != self._seen:
            self._known = self.all()
            self._seen = seen

    def _change(self, change: Callable[[list[Token]], list[Token]]) -> None:
        private_folder(self._lock_path.parent)
        try:
            with FileLock(self._lock_path):
                tokens = change(self.all())
                write_whole(self._path, _TOKENS.dump_json(tokens, indent=1))
        except OSError as error:
            reason = error.strerror or os.fspath(self._path)
            raise ConfigError(f"{self._path} can't be written ({reason}).") from error


def _digest(token: bytes) -> str:
    return hashlib.sha256(token).hexdigest()
