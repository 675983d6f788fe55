"""Wrong passwords cost time: each one of an address more than the one before."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ui.http.addresses import network_of

__all__ = ["LoginDelays"]

_N_FREE = 5  # People mistype.
_FIRST_S = 1.0
_LONGEST_S = 60.0
_FORGOTTEN_S = 15 * 60.0
_MAX_ADDRESSES = 10_000


@dataclass(slots=True)
class _Record:
    n_wrong: int = 0
    last_s: float = 0.0
    until_s: float = 0.0
    last_given: bytes = b""


class LoginDelays:
    """How long an address has to wait before its next password is looked at.

    A right one in the meantime is not looked at either, or the delays would hinder nobody. It does
    not end them: people behind one address share them, and one who is in may not free another.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Seconds until a password from `address` is looked at; 0 where it is now."""
        record = self._records.get(network_of(address))
        return max(0.0, record.until_s - self._clock()) if record else 0.0

    def note_wrong(self, address: str, given: bytes) -> None:
        """Count a wrong password. The same one again, as a browser sends it with every picture of
        a page, tells a guesser nothing and counts once."""
        now_s = self._clock()
        key = network_of(address)
        record = self._records.pop(key, None)
        if record is None or now_s - record.last_s > _FORGOTTEN_S:
            record = _Record()
        self._records[key] = record
        record.last_s = now_s
        digest = hashlib.sha256(given).digest()
        if digest != record.last_given:
            record.last_given = digest
            record.n_wrong += 1
            if record.n_wrong > _N_FREE:
                doublings = min(record.n_wrong - _N_FREE - 1, 16)
                record.until_s = now_s + min(_LONGEST_S, _FIRST_S * 2.0**doublings)
        while len(self._records) > _MAX_ADDRESSES:
            self._records.popitem(last=False)
