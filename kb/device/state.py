"""Which model does what, where, and whether it is in memory."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ModelState"]


@dataclass(frozen=True, slots=True)
class ModelState:
    """One model of the profile, as ``kb status`` shows it.

    Attributes:
        role: ``encoder``, ``reranker`` or ``generator``.
        where: The device's name, or a server's address.
        size_bytes: Of the weights in memory; 0 where another machine holds them.
        is_loaded: Whether they are there now. Qwen3-VL's are loaded at their first use, and
            where not all fit, one makes room for another; None for what has no such plan.
    """

    role: str
    name: str
    where: str
    size_bytes: int
    is_loaded: bool | None
