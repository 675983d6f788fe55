"""How the models of a profile share one device."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import psutil

from kb.device.cache import ModelCache
from kb.device.scheduler import DeviceScheduler
from kb.text.humanize import size_text

__all__ = ["PlacedModel", "Placement", "SharedDevice", "find_gpu"]

# Beside the weights: one batch's states, keys and values, and the pictures of the next ones.
WORKING_BYTES = 4_000_000_000
_PROCESSOR_WORKING_BYTES = 2_000_000_000  # its batches are small


def find_gpu() -> bool:
    """Whether torch can compute on a GPU."""
    # torch takes seconds to import, and without a driver there is nothing to ask it.
    if not shutil.which("nvidia-smi"):
        return False
    import torch

    return bool(torch.cuda.is_available())


@dataclass(frozen=True, slots=True)
class SharedDevice:
    """What models on one device have in common."""

    scheduler: DeviceScheduler
    cache: ModelCache

    @classmethod
    def alone(cls) -> SharedDevice:
        """For models that always fit."""
        return cls(DeviceScheduler(), ModelCache(None))


@dataclass(frozen=True, slots=True)
class PlacedModel:
    """A model of the plan.

    Attributes:
        role: ``encoder``, ``reranker`` or ``generator``.
        n_bytes: Of its weights in the device's memory.
    """

    role: str
    name: str
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Placement:
    """The plan, as ``kb status`` shows it.

    Attributes:
        device: Its name, for people.
        memory_bytes: Free on it when the plan was made.
    """

    device: str
    memory_bytes: int
    models: tuple[PlacedModel, ...]
    is_gpu: bool = False

    @classmethod
    def plan(cls, models: Sequence[PlacedModel], device_type: Literal["cuda", "cpu"]) -> Placement:
        """The plan for `models` on the first GPU or on the processor, by what is free there."""
        if device_type == "cuda":
            import torch

            free_bytes, _ = torch.cuda.mem_get_info(0)
            name = torch.cuda.get_device_name(0)
            return cls(name, int(free_bytes), tuple(models), is_gpu=True)
        return cls("the processor", psutil.virtual_memory().available, tuple(models))

    @property
    def budget_bytes(self) -> int:
        """What weights may take."""
        working_bytes = WORKING_BYTES if self.is_gpu else _PROCESSOR_WORKING_BYTES
        return max(0, self.memory_bytes - working_bytes)

    @property
    def stay_loaded(self) -> bool:
        """Whether all models fit together."""
        n_bytes = sum(model.n_bytes for model in self.models)
        return n_bytes <= self.budget_bytes

    @property
    def note(self) -> str:
        """The plan in a sentence; empty where no model is placed."""
        if not self.models:
            return ""
        size = size_text(sum(model.n_bytes for model in self.models))
        free = size_text(self.memory_bytes)
        slow = "" if self.is_gpu else " A GPU is meant for them: here they are slow."
        if self.stay_loaded:
            return f"{size} of models stay on {self.device} ({free} free).{slow}"
        return (
            f"{size} of models take turns on {self.device} ({free} free): the one that "
            "was used longest ago makes room, which takes seconds. Smaller models or "
            f"`generator.kind: extractive` avoid that.{slow}"
        )
