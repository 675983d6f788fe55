"""From the host's memory to the device's, without waiting."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["to_device"]


def to_device(host: Tensor, device: torch.device) -> Tensor:
    """`host` on `device`.

    From memory that the system may swap out, a copy to a GPU waits until all that was queued
    before it is done, and the device then idles while the next batch is prepared. Pinned memory
    is copied in its turn.
    """
    if device.type != "cuda":
        return host.to(device)
    return host.pin_memory().to(device, non_blocking=True)
