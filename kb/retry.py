"""How often a server is asked, and how long is waited between."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential

from kb.stopping import pause

__all__ = ["PassingError", "Tries", "asked_delay_s", "asks_to_wait"]

T = TypeVar("T")

_FIRST_DELAY_S: Final = 0.5
_LONGEST_DELAY_S: Final = 8.0
# A server that asks for more is not waited for: the person is told instead.
_LONGEST_ASKED_DELAY_S: Final = 60.0


class PassingError(Exception):
    """What may be gone at the next try.

    Args:
        final: What to raise when it is not.
        delay_s: What the server asks to wait, if it says.
    """

    def __init__(self, final: Exception, delay_s: float | None = None) -> None:
        super().__init__(str(final))
        self.final = final
        self.delay_s = delay_s


class Tries:
    """One request, tried again while what hinders it may pass. As text, how often and how long.

    Args:
        n_retries: Tries after the first.
        factor: By which each wait is longer than the one before.
    """

    def __init__(self, n_retries: int, *, factor: float = 2.0) -> None:
        self._n_retries = n_retries
        self._longest_s = wait_exponential(_FIRST_DELAY_S, _LONGEST_DELAY_S, factor)
        self._n = 1
        self._started_s = time.monotonic()

    def __str__(self) -> str:
        elapsed_s = time.monotonic() - self._started_s
        return f"{self._n} {'try' if self._n == 1 else 'tries'}, {elapsed_s:.1f} s in all"

    def run(self, once: Callable[[], T]) -> T:
        """What `once` returns, called again while it raises PassingError: after longer each time,
        or after as long as the server asks.

        Raises:
            Exception: The PassingError's `final`, after the last try or where the server asks to
                wait for more than a minute; what else `once` raises.
            StoppedError: Nobody wants the result any more, while it is waited.
        """
        retrying = Retrying(
            before=self._count,
            retry=retry_if_exception_type(PassingError),
            stop=self._is_over,
            wait=self._delay_s,
            sleep=pause,
            retry_error_callback=_give_up,
        )
        return retrying(once)

    def _count(self, state: RetryCallState) -> None:
        self._n = state.attempt_number

    def _is_over(self, state: RetryCallState) -> bool:
        asks_too_much = (_passing(state).delay_s or 0.0) > _LONGEST_ASKED_DELAY_S
        return state.attempt_number > self._n_retries or asks_too_much

    def _delay_s(self, state: RetryCallState) -> float:
        asked_s = _passing(state).delay_s
        # Spread, so that all that failed together do not come back together.
        spread = random.uniform(0.5, 1.0)  # noqa: S311
        return self._longest_s(state) * spread if asked_s is None else asked_s


def _passing(state: RetryCallState) -> PassingError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, PassingError)
    return error


def _give_up(state: RetryCallState) -> Any:
    error = _passing(state)
    raise error.final from error.__cause__


def asked_delay_s(header: str) -> float | None:
    """Of ``Retry-After``, which holds seconds or a date (RFC 9110, 10.2.3)."""
    if not header:
        return None
    try:
        delay_s = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        delay_s = (moment - datetime.now(UTC)).total_seconds()
    return max(0.0, delay_s) if math.isfinite(delay_s) else None


def asks_to_wait(delay_s: float | None) -> str:
    """What to tell of a server that asks to wait so long, after "is overloaded"."""
    if not delay_s:
        return ""
    if delay_s > _LONGEST_ASKED_DELAY_S:
        limit = f", longer than the {_LONGEST_ASKED_DELAY_S:g} s that are waited for"
        return f" and asks to wait {delay_s:.0f} s{limit}"
    return f" and asks to wait {delay_s:.0f} s"
