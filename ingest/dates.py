"""Times as the ledger keeps them: nanoseconds since the epoch in 64 bits."""

from __future__ import annotations

__all__ = ["clamp_ns"]

_MIN_NS, _MAX_NS = -(2**63), 2**63 - 1


def clamp_ns(time_ns: int) -> int:
    """`time_ns`, or the nearest time that 64 bits hold: they reach from 1677 to 2262, while
    file systems and EXIF reach further."""
    return max(_MIN_NS, min(_MAX_NS, time_ns))
