"""From the host's memory to the device's, without waiting."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["pinned", "to_device"]


def to_device(host: Tensor, device: torch.device) -> Tensor:
    """`host` on `device`.

    From memory that the system may swap out, a copy to a GPU waits until all that was queued
    before it is done, and the device then idles while the next batch is prepared. Pinned memory
    is copied in its turn.
    """
    return pinned(host, device).to(device, non_blocking=True)


def pinned(host: Tensor, device: torch.device) -> Tensor:
    """`host` in memory from which a copy to `device` does not wait. Pinned memory is made slowly
    (some 5 ms for a page image), so that what is large is pinned by the thread that reads it."""
    return host.pin_memory() if device.type == "cuda" else host
