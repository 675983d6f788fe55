"""What stands above a Markdown file's text: its title, author, date, tags, in YAML or TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

__all__ = ["FrontMatter", "read_front_matter"]

_YAML = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?)\n\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_MAX_CHARS = 100_000
_MAX_DEPTH = 20
_MAX_TITLE_CHARS = 500
_MAX_FIELDS = 200
_MAX_VALUE_CHARS = 500


class FrontMatter(NamedTuple):
    """What a text begins with.

    Attributes:
        title: Empty where there is none.
        fields: The others, a line each (``tags: pumps, valves``).
        end: Where the text itself begins.
    """

    title: str = ""
    fields: tuple[str, ...] = ()
    end: int = 0


def read_front_matter(text: str) -> FrontMatter:
    """The front matter of a text; nothing where it has none."""
    if (found := _YAML.match(text)) is not None:
        pairs = _of_yaml(found[1][:_MAX_CHARS])
    elif (found := _TOML.match(text)) is not None:
        pairs = _of_toml(found[1][:_MAX_CHARS])
    else:
        return FrontMatter()
    title = ""
    values: dict[str, list[str]] = {}
    for path, value in pairs:
        value = " ".join(value.split())[:_MAX_VALUE_CHARS]
        if not value:
            continue
        if path == "title":
            title = value[:_MAX_TITLE_CHARS]
        elif path in values or len(values) < _MAX_FIELDS:
            values.setdefault(path, []).append(value)
    fields = (
        f"{path}: {', '.join(said)}" if path else ", ".join(said) for path, said in values.items()
    )
    return FrontMatter(title, tuple(fields), found.end())


def _of_yaml(text: str) -> Iterator[tuple[str, str]]:
    """The path and the text of each value, by the events of YAML: to build its values takes memory
    and time that its size says nothing of (aliases, nesting), and fails on dates that no calendar
    has."""
    # One entry a collection that is open: its path, whether it is a list, and the key that waits.
    stack: list[tuple[str, bool]] = []
    keys: list[str | None] = []
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
                keys.pop()
            elif isinstance(event, yaml.CollectionStartEvent):
                if len(stack) > _MAX_DEPTH:
                    return
                stack.append((_path(stack, keys), isinstance(event, yaml.SequenceStartEvent)))
                if len(keys) and not stack[-2][1]:
                    keys[-1] = None
                keys.append(None)
            elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent) and stack:
                value = ""
                if isinstance(event, yaml.ScalarEvent) and not _is_null(event):
                    value = event.value.strip()
                if stack[-1][1]:
                    yield stack[-1][0], value
                elif keys[-1] is None:
                    keys[-1] = value
                else:
                    yield _path(stack, keys), value
                    keys[-1] = None
    except yaml.YAMLError:
        return


def _path(stack: list[tuple[str, bool]], keys: list[str | None]) -> str:
    if not stack:
        return ""
    above, is_list = stack[-1]
    return above if is_list or not keys[-1] else f"{above}.{keys[-1]}" if above else keys[-1]


def _is_null(event: yaml.ScalarEvent) -> bool:
    return event.implicit[0] and event.value.lower() in ("", "~", "null")


def _of_toml(text: str) -> Iterator[tuple[str, str]]:
    try:
        stack: list[tuple[str, Any]] = [("", tomllib.loads(text))]
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            items = reversed(value.items())
            stack += [(f"{path}.{key}" if path else key, below) for key, below in items]
        elif isinstance(value, list):
            stack += [(path, below) for below in reversed(value)]
        else:
            yield path, str(value)
