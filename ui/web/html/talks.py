"""The list of conversations beside the question's box."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby

from kb import Conversation
from ui.language import tr
from ui.web.html.templates import render

__all__ = ["talks_html"]

_DAY_NS = 86_400 * 10**9


def talks_html(
    found: Sequence[Conversation],
    *,
    text: str = "",
    deleted: Conversation | None = None,
    error: str = "",
) -> str:
    """Conversations by when they were last asked in; those that are pinned stand first.

    Args:
        found: Pinned ones first, then by time.
        text: What was looked for.
        deleted: What was deleted last, which can be taken back.
        error: What could not be done.
    """
    return render(
        "talks",
        groups=list(_groups(found)),
        deleted=deleted,
        error=error,
        why_empty=(
            tr("No conversation has these words.") if text else tr("What you ask is kept here.")
        ),
    )


def _groups(found: Sequence[Conversation]) -> Iterator[dict[str, object]]:
    now_ns = time.time_ns()

    def name(talk: Conversation) -> str:
        if talk.is_pinned:
            return tr("Pinned")
        age_ns = now_ns - talk.changed_ns
        if age_ns < _DAY_NS:
            return tr("Last 24 hours")
        return tr("Last 7 days") if age_ns < 7 * _DAY_NS else tr("Earlier")

    for key, talks in groupby(found, name):
        yield {"name": key, "talks": list(talks)}
