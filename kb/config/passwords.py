"""Passwords of documents that were given in the page: a file of the owner's alone, beside
``kb.yaml``, whose own ones (`ingest.pdf_passwords`) come first."""

from __future__ import annotations

import json
from typing import Final

from kb.config.profile import Config, Home
from kb.errors import ConfigError
from kb.files import write_whole

__all__ = ["add_password", "with_passwords"]

_MAX_CHARS: Final = 127  # ISO 32000-2, 7.6.4: longer ones are cut there.
_MAX_PASSWORDS: Final = 200  # Each is tried on each locked document.


def with_passwords(config: Config, home: Home) -> Config:
    """`config` with the passwords that were given for `home`."""
    given = tuple(one for one in _read(home) if one not in config.ingest.pdf_passwords)
    if not given:
        return config
    passwords = (*config.ingest.pdf_passwords, *given)
    ingest = config.ingest.model_copy(update={"pdf_passwords": passwords})
    return config.model_copy(update={"ingest": ingest})


def add_password(home: Home, password: str) -> None:
    """Keep a password for the documents of `home`.

    Raises:
        ConfigError: It is none, or can't be kept.
    """
    if not password or len(password) > _MAX_CHARS:
        raise ConfigError(f"A password has 1 to {_MAX_CHARS} characters. Give another one.")
    known = _read(home)
    if password in known:
        return
    if len(known) >= _MAX_PASSWORDS:
        raise ConfigError(
            f"{_MAX_PASSWORDS} passwords are kept already, the most that there can be. Delete "
            f"{home.passwords} to begin anew."
        )
    try:
        write_whole(home.passwords, json.dumps([*known, password], ensure_ascii=False))
    except OSError as error:
        raise ConfigError(
            f"The password could not be kept ({error.strerror}). Free some disk space and try "
            "again."
        ) from error


def _read(home: Home) -> list[str]:
    try:
        known = json.loads(home.passwords.read_text("utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        known = None
    if not isinstance(known, list) or not all(isinstance(one, str) for one in known):
        raise ConfigError(
            f"{home.passwords} is not what was written. Delete it, and give the passwords again."
        )
    return known
