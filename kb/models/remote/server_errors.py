"""What a server says, as it may be shown."""

from __future__ import annotations

import json
from typing import Final

__all__ = ["is_too_long", "plain", "reason"]

_SHOWN_CHARACTERS: Final = 300
# vLLM, OpenAI, llama.cpp and others.
_TOO_LONG = (
    "context length",
    "context size",
    "context window",
    "maximum model length",
    "max_model_len",
    "longer than the maximum",
)


def plain(text: str, key: str | None) -> str:
    """`text` of a server, short, and without the key that it may repeat."""
    if key:
        text = text.replace(key, "***")
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def reason(answer: bytes, key: str | None) -> str:
    """What a server says about an error, in whichever of the usual places."""
    try:
        found = json.loads(answer)
    except ValueError:
        return plain(answer.decode("utf-8", "replace"), key)
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and name in found:
            found = found[name]
    return plain(found if isinstance(found, str) else json.dumps(found, ensure_ascii=False), key)


def is_too_long(reason: str) -> bool:
    """Whether a server's words say that the input is over the model's context."""
    return any(words in reason.lower() for words in _TOO_LONG)
