"""The id of the request that is being answered: in its answer, in its errors, and in the log."""

from __future__ import annotations

import uuid
from contextvars import ContextVar

__all__ = ["current_request_id", "enter_request"]

_MIN_CHARS, _MAX_CHARS = 8, 128
# What ids of the usual makers consist of. Nothing else would stay itself in a header and in a log.
_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")

_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """The id of the request that this task or thread works for; empty where it works for none."""
    return _current.get()


def enter_request(given: str) -> str:
    """Give the request that this task answers its id, and return it. It holds until the task ends,
    so that a traceback which the server logs last of all has it, too.

    Args:
        given: What the sender calls it. It is taken where it has 8 to 128 letters, digits, ``-``,
            ``_`` and ``.``; else one is made.
    """
    is_sane = _MIN_CHARS <= len(given) <= _MAX_CHARS and _CHARACTERS.issuperset(given)
    request_id = given if is_sane else uuid.uuid4().hex
    _current.set(request_id)
    return request_id
