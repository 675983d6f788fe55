"""A model that is loaded at its first use, and makes room for others where it must."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from kb.qwen3_vl.placement import SharedDevice, weights_bytes

__all__ = ["HostedModel"]

T = TypeVar("T")


class HostedModel(Generic[T]):
    """What `load` makes, in memory as long as it fits beside the other models of `device`.

    Args:
        directory: Of the checkpoint; with `role` it tells models apart.
        role: What the model does.
        device: Shared with the other models on it.
        load: Makes it.
    """

    def __init__(
        self, directory: Path, role: str, device: SharedDevice, load: Callable[[], T]
    ) -> None:
        self.turns = device.turns
        self._residency = device.residency
        self._key = f"{role} {directory}"
        self._n_bytes = weights_bytes(directory)
        self._load = load

    @contextmanager
    def loaded(self) -> Iterator[T]:
        """The model, which stays until the end of the block.

        Raises:
            ModelLoadError: It can't be loaded.
        """
        with self._residency.using(self._key, self._n_bytes, self._load) as model:
            yield model
