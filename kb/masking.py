"""Secrets kept out of what is shown: messages, logs, the status."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MASK", "is_secret_name", "keep_secret", "masked"]

MASK: Final = "***"
# A shorter one would also be found in words that have nothing to do with it.
_MIN_KEPT_CHARS: Final = 8

# Every repetition is bounded: messages quote what others wrote.
_NAME: Final = (
    r"(?:[a-z0-9]{1,32}[_\-.]){0,4}(?:api[_\-]?key|access[_\-]?key|key|token|secret|passwords?|passwd|pwd"
    r"|signature|sig|credentials?|authorization)"
)
_SECRET_NAME: Final = re.compile(_NAME, re.IGNORECASE)
_PATTERNS: Final = (
    # http://NAME:PASSWORD@host: up to the last @, since passwords hold such signs, too.
    (re.compile(r"(?<=://)[^\s/?#'\"<>]{1,500}@"), f"{MASK}@"),
    # ?api_key=VALUE, api_key: "VALUE" and "api_key": "VALUE"
    (re.compile(rf"(?<![\w$])({_NAME}=)[^\s&#'\",;)\]}}]+", re.IGNORECASE), rf"\g<1>{MASK}"),
    (
        re.compile(rf"(?<![\w$])({_NAME}['\"]?\s?[:=]\s?)(['\"])(?:(?!\2).){{1,500}}\2", re.I),
        rf"\g<1>\g<2>{MASK}\g<2>",
    ),
    (re.compile(r"\b(Bearer|Basic) [\w\-.~+/]{6,500}=*", re.IGNORECASE), rf"\1 {MASK}"),
    # Tokens that tell by themselves what they are: of model servers and hubs, JSON web tokens.
    (re.compile(r"\b(?:sk|hf|ghp|xoxb|pk|rk|gsk|kbt)[-_][\w\-]{8,500}"), MASK),
    (re.compile(r"\beyJ[\w\-]{8,500}+\.[\w\-]{8,4000}(?:\.[\w\-]{1,4000})?"), MASK),
)
_kept: set[str] = set()


def keep_secret(value: str | None) -> None:
    """Have `masked` hide `value` wherever it stands, if it is long enough to be told from words."""
    if value is not None and len(value) >= _MIN_KEPT_CHARS:
        _kept.add(value)


def is_secret_name(name: object) -> bool:
    """Whether a setting of that name holds a secret."""
    return isinstance(name, str) and _SECRET_NAME.fullmatch(name) is not None


def masked(text: str) -> str:
    """`text` with `MASK` in place of passwords in addresses, of keys and of tokens."""
    for secret in _kept:
        text = text.replace(secret, MASK)
    for pattern, shown in _PATTERNS:
        text = pattern.sub(shown, text)
    return text
