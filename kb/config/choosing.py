"""Writing the choice of a generator into ``kb.yaml``, one line of it, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from kb.config.loading import own_settings
from kb.config.named import named_generator
from kb.config.profile import Home
from kb.errors import ConfigError
from kb.files import write_whole

__all__ = ["choose_generator"]

_KEY = "generator"
_END = "...\n"  # after a value alone


def choose_generator(home: Home, chosen: str | Mapping[str, Any]) -> None:
    """Have ``kb.yaml`` say ``generator: NAME``, or a section on a line of its own, in the place of
    what it says of it now.

    Raises:
        ConfigError: There is no such name, the file is not YAML or can't be written, or what it
            says of the generator stands in a form that is not changed by a line.
    """
    if isinstance(chosen, str):
        named_generator(chosen)
    before = own_settings(home)
    text = home.config.read_text("utf-8") if home.config.exists() else ""
    value = chosen if isinstance(chosen, str) else dict(chosen)
    flow = yaml.safe_dump(
        value, allow_unicode=True, width=10_000, default_flow_style=True, sort_keys=False
    )
    line = f"{_KEY}: {flow.removesuffix(_END)}"
    after = _with_line(text, line, has_section=_KEY in before)
    try:
        is_kept = yaml.safe_load(after) == {**before, _KEY: value}
    except yaml.YAMLError:
        is_kept = False
    if not is_kept:
        raise ConfigError(
            f"{home.config} says in a form of its own what writes answers, and was left as it is. "
            f"Write `{line.strip()}` there in place of its section `{_KEY}`."
        )
    try:
        home.path.mkdir(parents=True, exist_ok=True)
        write_whole(home.config, after)
    except OSError as error:
        raise ConfigError(
            f"{home.config} can't be written ({error.strerror or error}). Let this program write "
            f"it, or write `{line.strip()}` there yourself."
        ) from error


def _with_line(text: str, line: str, *, has_section: bool) -> str:
    """`text` with `line` in place of the section, where that begins a line; else at its end."""
    lines = text.splitlines(keepends=True)
    begin = next((at for at, one in enumerate(lines) if one.startswith(f"{_KEY}:")), None)
    if begin is None and not has_section:
        return text + ("\n" if text and not text.endswith("\n") else "") + line
    if begin is None:
        return text
    end = begin + 1
    for at in range(end, len(lines)):
        if lines[at][:1] in (" ", "\t") and lines[at].strip():
            end = at + 1
        elif lines[at].strip() and not lines[at].startswith("#"):
            break
    return "".join(lines[:begin]) + line + "".join(lines[end:])
