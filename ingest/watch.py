"""Syncing when files change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import watchfiles

__all__ = ["watch"]

# Long enough that a copy of many files is one sync, short enough to feel prompt.
_DEBOUNCE_MS = 1600
_POLL_DELAY_MS = 2000


def watch(
    roots: Sequence[Path], on_change: Callable[[], None], stop: threading.Event, *, poll: bool
) -> None:
    """Call `on_change` after each burst of changes below `roots`, until `stop` is set.

    Args:
        poll: Look at the folders again and again, for network drives that send no events.
    """
    present = [root for root in roots if root.is_dir()]
    if not present:
        stop.wait()
        return
    for _ in watchfiles.watch(
        *present,
        debounce=_DEBOUNCE_MS,
        stop_event=stop,
        force_polling=poll,
        poll_delay_ms=_POLL_DELAY_MS,
        watch_filter=None,
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        on_change()
