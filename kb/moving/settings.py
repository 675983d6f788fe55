"""Settings that may travel: what ``kb.yaml`` holds but for its secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from kb.masking import is_secret_name, masked

__all__ = ["without_secrets"]

_COMMENT = (
    "# Written by an export or a backup: tokens, keys and passwords were left out, and comments.\n"
)


def without_secrets(settings: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """YAML of `settings` without tokens, keys and passwords, and the names of what was left out.
    A name of a variable of the environment (``$NAME``) is no secret, and stays."""
    left_out: list[str] = []
    kept = _without(settings, "", left_out)
    text = yaml.safe_dump(kept, allow_unicode=True, sort_keys=False) if kept else ""
    return _COMMENT + text, tuple(left_out)


def _without(value: Any, name: str, left_out: list[str]) -> Any:
    if isinstance(value, Mapping):
        return dict(_kept(value.items(), name, left_out))
    if isinstance(value, list | tuple):
        items = [(index, item) for index, item in enumerate(value)]
        return [item for _, item in _kept(items, name, left_out)]
    return value


def _kept(items: Any, name: str, left_out: list[str]) -> Iterator[tuple[Any, Any]]:
    for key, value in items:
        path = f"{name}.{key}" if name else str(key)
        is_variable = isinstance(value, str) and value.startswith("$")
        is_secret = is_secret_name(key) and value is not None and not is_variable
        if is_secret or (isinstance(value, str) and masked(value) != value):
            left_out.append(path)
        else:
            yield key, _without(value, path, left_out)
