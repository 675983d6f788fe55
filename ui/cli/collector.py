"""Python's garbage collector in the processes of the command line."""

from __future__ import annotations

import gc

__all__ = ["calm_collector"]


def calm_collector() -> None:
    """Have it look at less, and less often. Call it when the knowledge base is open.

    What is loaded by now lives as long as the process: out of the collector's sight it costs a
    scan of 10,000 files no full walks of the heap, 90 ms each. And such a scan makes tuples by
    the ten thousand, none of them in a circle: looking at them every 700 costs another 10 ms.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
