"""How the models of a profile share one device."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kb.qwen3_vl.residency import Residency
from kb.qwen3_vl.turns import Turns

__all__ = ["PlacedModel", "Placement", "SharedDevice", "weights_bytes"]

# Beside the weights: one batch's states, keys and values, and the pictures of the next ones.
WORKING_BYTES = 4_000_000_000


@dataclass(frozen=True, slots=True)
class SharedDevice:
    """What models on one device have in common."""

    turns: Turns
    residency: Residency

    @classmethod
    def alone(cls) -> SharedDevice:
        """For models that always fit."""
        return cls(Turns(), Residency(None))


@dataclass(frozen=True, slots=True)
class PlacedModel:
    """A model of the plan.

    Attributes:
        role: ``encoder``, ``reranker`` or ``generator``.
        n_bytes: Of its weights.
    """

    role: str
    name: str
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Placement:
    """The plan, as ``kb status`` shows it.

    Attributes:
        device: Its name, for people.
        memory_bytes: Free on it when the plan was made; None for the processor.
    """

    device: str
    memory_bytes: int | None
    models: tuple[PlacedModel, ...]

    @classmethod
    def plan(cls, models: Sequence[PlacedModel], device: str) -> Placement:
        """The plan for `models` on the configured `device` (``auto``, ``cuda`` or ``cpu``)."""
        # torch takes seconds to import, and without a driver there is nothing to ask it.
        if device != "cpu" and models and shutil.which("nvidia-smi"):
            import torch

            if torch.cuda.is_available():
                free_bytes, _ = torch.cuda.mem_get_info(0)
                return cls(torch.cuda.get_device_name(0), int(free_bytes), tuple(models))
        return cls("the processor", None, tuple(models))

    @property
    def budget_bytes(self) -> int | None:
        """What weights may take; None where the system's memory is all there is."""
        return None if self.memory_bytes is None else max(0, self.memory_bytes - WORKING_BYTES)

    @property
    def stay_loaded(self) -> bool:
        """Whether all models fit together."""
        n_bytes = sum(model.n_bytes for model in self.models)
        return self.budget_bytes is None or n_bytes <= self.budget_bytes

    @property
    def note(self) -> str:
        """The plan in a sentence; empty where no model is placed."""
        if not self.models:
            return ""
        gigabytes = sum(model.n_bytes for model in self.models) / 1e9
        if self.memory_bytes is None:
            return f"{gigabytes:.1f} GB of models on the processor: slow, a GPU is meant for them."
        free = f"{self.memory_bytes / 1e9:.1f} GB"
        if self.stay_loaded:
            return f"{gigabytes:.1f} GB of models stay on {self.device} ({free} free)."
        return (
            f"{gigabytes:.1f} GB of models take turns on {self.device} ({free} free): the one that "
            "was used longest ago makes room, which takes seconds. Smaller models or "
            "`generator.kind: extractive` avoid that."
        )


def weights_bytes(directory: Path) -> int:
    """Of a checkpoint's weights, as they are stored."""
    return sum(path.stat().st_size for path in directory.glob("*.safetensors"))
