"""Keys of model servers that were given in the page: a file of the owner's alone, beside
``kb.yaml``, by the address that each goes to, and goes nowhere else."""

from __future__ import annotations

import json

from kb.config.models import RemoteGeneratorConfig
from kb.config.profile import Config, Home
from kb.errors import ConfigError
from kb.files import write_whole

__all__ = ["keep_key", "kept_key", "with_key"]


def with_key(config: Config, home: Home) -> Config:
    """`config`, whose generator has the key that was given for its address, unless ``kb.yaml``
    gives one.

    Raises:
        ConfigError: The file is not what was written.
    """
    generator = config.generator
    if not isinstance(generator, RemoteGeneratorConfig) or generator.api_key is not None:
        return config
    key = kept_key(home, generator.base_url)
    if key is None:
        return config
    return config.model_copy(update={"generator": generator.model_copy(update={"api_key": key})})


def kept_key(home: Home, base_url: str) -> str | None:
    """The key that was given for an address, as of `RemoteConfig.base_url`.

    Raises:
        ConfigError: The file is not what was written.
    """
    return _read(home).get(base_url)


def keep_key(home: Home, base_url: str, key: str) -> None:
    """Keep the key of an address in the place of the one that it has.

    Raises:
        ConfigError: It can't be kept.
    """
    known = _read(home)
    if known.get(base_url) == key:
        return
    try:
        write_whole(home.keys, json.dumps({**known, base_url: key}, ensure_ascii=False))
    except OSError as error:
        raise ConfigError(
            f"The key could not be kept ({error.strerror}). Free some disk space and try again."
        ) from error


def _read(home: Home) -> dict[str, str]:
    try:
        known = json.loads(home.keys.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        known = None
    is_known = isinstance(known, dict) and all(isinstance(one, str) for one in known.values())
    if not is_known:
        raise ConfigError(
            f"{home.keys} is not what was written. Delete it, and give the keys again."
        )
    return dict(known)
