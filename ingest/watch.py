"""Syncing when files change."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import watchfiles

__all__ = ["watch"]

_log = logging.getLogger(__name__)

# Long enough that a copy of many files is one sync, short enough to feel prompt.
_DEBOUNCE_MS = 1600
_POLL_DELAY_MS = 2000
# How often it is looked whether the roots themselves are still the same folders.
_ROOTS_MS = 5000
# Between attempts to watch, each of which is a sync as well: of unchanged files it is cheap.
_FIRST_DELAY_S: Final = 2.0
_LONGEST_DELAY_S: Final = 60.0


def watch(
    roots: Sequence[Path], on_change: Callable[[], None], stop: threading.Event, *, poll: bool
) -> None:
    """Call `on_change` after each burst of changes below `roots`, until `stop` is set.

    Nothing ends it before. Where the folders can't be watched (a name that is not valid Unicode
    is enough), `on_change` is called unasked, at least once a minute, and watching is tried
    again. A root that comes, or is replaced by another folder, is watched from then on.

    Args:
        poll: Look at the folders again and again, for network drives that send no events.
    """
    n_failures = 0
    # What came since the caller looked, and before this watches, is told as well.
    is_anew = True
    while not stop.is_set():
        start_s = time.monotonic()
        why = "it ended by itself"
        try:
            present = _present(roots)
            if not present:
                stop.wait(_ROOTS_MS / 1000)
                is_anew = True
                continue
            if _watch_once(present, roots, on_change, stop, poll=poll, is_anew=is_anew):
                is_anew = True
                continue
        except Exception as error:
            why = str(error) or type(error).__name__
        if stop.is_set():
            return
        if time.monotonic() - start_s > _LONGEST_DELAY_S:
            n_failures = 0
        delay_s = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(n_failures, 30))
        if not n_failures:
            _log.warning(
                "Changes in the folders can't be watched for (%s). Until they can, all files are "
                "looked at every %.0f s at most. A name that is not valid Unicode can be the "
                "reason: rename what has one.",
                why,
                _LONGEST_DELAY_S,
            )
        n_failures += 1
        is_anew = True
        _call(on_change)
        stop.wait(delay_s)


def _watch_once(
    present: dict[Path, tuple[int, int]],
    roots: Sequence[Path],
    on_change: Callable[[], None],
    stop: threading.Event,
    *,
    poll: bool,
    is_anew: bool,
) -> bool:
    """Watch until the roots are others, True, or watching ends by itself, False.

    Args:
        is_anew: There was a time without a watcher, whose changes are still to be told.
    """
    for changes in watchfiles.watch(
        *present,
        debounce=_DEBOUNCE_MS,
        stop_event=stop,
        force_polling=poll,
        poll_delay_ms=_POLL_DELAY_MS,
        watch_filter=None,
        raise_interrupt=False,
        ignore_permission_denied=True,
        rust_timeout=_ROOTS_MS,
        yield_on_timeout=True,
    ):
        if stop.is_set():
            return False
        if changes or is_anew:
            is_anew = False
            _call(on_change)
        if _present(roots) != present:
            return True
    return False


def _call(on_change: Callable[[], None]) -> None:
    try:
        on_change()
    except Exception:
        _log.exception("A change of the folders could not be passed on")


def _present(roots: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """The roots that are there, with what tells each from another folder of its name."""
    present = {}
    for root in roots:
        try:
            if root.is_dir():
                about = root.stat()
                present[root] = (about.st_dev, about.st_ino)
        except OSError:
            continue
    return present
