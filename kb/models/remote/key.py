"""The key for a model server, which is best not written in a file."""

from __future__ import annotations

import os
import re
from typing import Final

from kb.config.models import RemoteConfig
from kb.errors import ConfigError
from kb.masking import keep_secret

__all__ = ["read_api_key"]

_IS_TOKEN: Final = re.compile(r"[!-~]+")


def read_api_key(config: RemoteConfig, section: str) -> str | None:
    """The bearer token, read from the environment where the configuration says so.

    Raises:
        ConfigError: The variable is not set, or it can be no key.
    """
    key = config.api_key
    if key is not None and key.startswith("$"):
        name = key[1:]
        key = os.environ.get(name, "").strip()
        if not key:
            raise ConfigError(
                f"{section}.api_key in kb.yaml is read from the environment variable {name!r}, "
                "which is not set. Set it, or change the setting."
            )
    if key is not None and not _IS_TOKEN.fullmatch(key):
        # Not shown: it is a secret, if a mistyped one.
        raise ConfigError(
            f"{section}.api_key in kb.yaml holds spaces or characters other than ASCII, which no "
            "key does. Copy it anew."
        )
    keep_secret(key)
    return key
