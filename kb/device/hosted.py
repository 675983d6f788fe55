"""A model that is loaded at its first use, and makes room for others where it must."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from kb.config.models import Qwen3VLConfig
from kb.device.placement import SharedDevice
from kb.device.precision import resident_bytes
from kb.hub.directory import text_dim

__all__ = ["HostedModel", "Role", "model_key"]

T = TypeVar("T")
Role = Literal["encoder", "reranker", "generator"]


def model_key(role: Role, directory: Path) -> str:
    """By which `ModelCache` knows a model: one checkpoint may have two roles."""
    return f"{role} {directory}"


class HostedModel(Generic[T]):
    """What `finish` makes of a checkpoint, in memory as long as it fits beside the other models
    of `device`.

    Args:
        config: Of the model.
        directory: Of the checkpoint; with `role` it tells models apart.
        role: What the model does.
        device: Shared with the other models on it.
        finish: Called with what `load_module` gives.

    Attributes:
        full_dim: Length of the language model's states.
        scheduler: Of the device.

    Raises:
        ModelLoadError: The directory is no Qwen3-VL model.
    """

    def __init__(
        self,
        config: Qwen3VLConfig,
        directory: Path,
        role: Role,
        device: SharedDevice,
        finish: Callable[[Any], T],
    ) -> None:
        self.full_dim = text_dim(directory)
        self.scheduler = device.scheduler
        self._config = config
        self._directory = directory
        self._role = role
        self._cache = device.cache
        self._finish = finish
        self._n_bytes: int | None = None

    @contextmanager
    def loaded(self) -> Iterator[T]:
        """The model, which stays until the end of the block.

        Raises:
            ModelLoadError: It can't be loaded.
        """
        # torch and transformers take seconds to import: not before they are needed.
        from kb.device.loading import choose_device, load_module

        device = choose_device(self._config.device)
        if self._n_bytes is None:  # it reads the weights' header: once
            self._n_bytes = resident_bytes(self._directory, device.type, self._config.precision)

        def load() -> T:
            part: Literal["base", "language"] = "base" if self._role == "encoder" else "language"
            return self._finish(load_module(self._directory, device, part, self._config.precision))

        key = model_key(self._role, self._directory)
        with self._cache.using(key, self._n_bytes, load) as model:
            yield model

    def warm(self) -> None:
        """Load the model now.

        Raises:
            ModelLoadError: It can't be loaded.
        """
        with self.loaded():
            pass
