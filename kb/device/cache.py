"""Which models are in the device's memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["ModelCache"]

T = TypeVar("T")


@dataclass(slots=True)
class _Resident:
    model: Any
    n_bytes: int
    n_users: int = 0


class ModelCache:
    """Keeps models loaded as long as all that are wanted fit, and else lets go of the one that
    was used longest ago.

    Args:
        budget_bytes: Of weights; None for no limit.
    """

    def __init__(self, budget_bytes: int | None) -> None:
        self._budget_bytes = budget_bytes
        self._changed = threading.Condition()
        # In order of use, the latest last.
        self._residents: OrderedDict[str, _Resident] = OrderedDict()
        self._is_loading = False

    @contextmanager
    def using(self, key: str, n_bytes: int, load: Callable[[], T]) -> Iterator[T]:
        """The model `key`, loaded if need be, which stays until the end of the block.

        Waits where there is no room while other models are in use. A model that alone is over
        the budget is tried all the same: the device has the last word.

        Args:
            n_bytes: Of its weights.
            load: Makes it; what it raises is raised here.
        """
        resident = self._acquire(key, n_bytes, load)
        try:
            yield resident.model
        finally:
            with self._changed:
                resident.n_users -= 1
                self._changed.notify_all()

    def loaded(self) -> list[str]:
        """Keys of the models in memory, the latest used last."""
        with self._changed:
            return list(self._residents)

    def _acquire(self, key: str, n_bytes: int, load: Callable[[], T]) -> _Resident:
        with self._changed:
            self._changed.wait_for(lambda: self._is_ready(key, n_bytes))
            if key in self._residents:
                self._residents.move_to_end(key)
                self._residents[key].n_users += 1
                return self._residents[key]
            self._make_room(n_bytes)
            self._is_loading = True
        try:
            resident = _Resident(load(), n_bytes, n_users=1)
            with self._changed:
                self._residents[key] = resident
        finally:
            with self._changed:
                self._is_loading = False
                self._changed.notify_all()
        return resident

    def _is_ready(self, key: str, n_bytes: int) -> bool:
        if key in self._residents:
            return True
        busy_bytes = sum(one.n_bytes for one in self._residents.values() if one.n_users)
        return not self._is_loading and (not busy_bytes or self._fits(busy_bytes + n_bytes))

    def _make_room(self, n_bytes: int) -> None:
        for other in [key for key, one in self._residents.items() if not one.n_users]:
            if self._fits(sum(one.n_bytes for one in self._residents.values()) + n_bytes):
                return
            del self._residents[other]
            _release_memory()

    def _fits(self, n_bytes: int) -> bool:
        return self._budget_bytes is None or n_bytes <= self._budget_bytes


def _release_memory() -> None:
    """Hand freed blocks back to the device, which torch keeps for itself otherwise."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
