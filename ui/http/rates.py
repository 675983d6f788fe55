"""How many requests a program may send: more than any person, and no more than leaves the others
their turn."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Rates"]

_MINUTE_S = 60.0
_MAX_SENDERS = 10_000


@dataclass(slots=True)
class _Bucket:
    n_left: float
    seen_s: float


class Rates:
    """A token bucket for each sender: a minute's requests at once, and then as many as come by.

    Args:
        per_minute: Requests of one sender.
        clock: Seconds that only grow.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, sender: str) -> float:
        """Count a request; seconds until it may come, 0 where it may now. One that has to wait
        costs nothing."""
        now_s = self._clock()
        bucket = self._buckets.pop(sender, None) or _Bucket(self.per_minute, now_s)
        self._buckets[sender] = bucket  # the latest last
        per_s = self.per_minute / _MINUTE_S
        bucket.n_left = min(self.per_minute, bucket.n_left + (now_s - bucket.seen_s) * per_s)
        bucket.seen_s = now_s
        while len(self._buckets) > _MAX_SENDERS:
            self._buckets.popitem(last=False)
        if bucket.n_left < 1:
            return (1 - bucket.n_left) / per_s
        bucket.n_left -= 1
        return 0.0
