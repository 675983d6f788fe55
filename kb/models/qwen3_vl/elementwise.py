"""What is done to each number between the matrix products, in few passes over memory."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

__all__ = ["BFLOAT16_TOLERANCE", "apply_rotary_emb", "rms_norm"]

BFLOAT16_TOLERANCE: Final = 0.06
"""How far two ways to compute the same in bfloat16, which has three digits, may be apart where
values are about one."""


def rms_norm(states: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Root mean square layer normalisation (Zhang and Sennrich, 2019) over the last dimension."""
    if states.is_cuda:
        return F.rms_norm(states, (states.shape[-1],), weight, epsilon)
    # On a processor torch squares, sums and scales one after the other.
    wide = states.float()
    norm: Tensor = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
    scale = norm.square_().div_(states.shape[-1]).add_(epsilon).rsqrt_()
    scaled = wide * scale if wide is states else wide.mul_(scale)
    return scaled.mul_(weight).to(states.dtype)


def apply_rotary_emb(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position embedding (Su et al., 2021) of ``(n, n_heads, head_dim)``.

    Args:
        cosine: ``(n, 1, head_dim)``, in whose precision it is computed.
        sine: As `cosine`; its halves are equal.

    Returns:
        As `states`.
    """
    half = states.shape[-1] // 2
    turned = states * cosine
    turned[..., :half].addcmul_(states[..., half:], sine[..., :half], value=-1)
    turned[..., half:].addcmul_(states[..., :half], sine[..., half:])
    return turned.to(states.dtype)
