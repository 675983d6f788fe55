"""Kernels for a GPU: what torch does in several passes over memory, in one.

They are Triton's, but for the activation that cuBLAS computes with a product, and used where
`kernels_agree` finds that they compile and give what the plain way gives. Triton comes with
torch's CUDA builds and needs a C compiler at the first use.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from kb.models.qwen3_vl.elementwise import BFLOAT16_TOLERANCE, apply_rotary_emb, rms_norm

__all__ = ["add_layer_norm", "gated_silu", "kernels_agree", "linear_gelu", "rotate_heads"]

log = logging.getLogger(__name__)

_BLOCK = 1024
_OPTIONS = {"enable_fp_fusion": True}  # Triton 3.9 warns where nothing is said


def add_layer_norm(
    states: Tensor, branch: Tensor, weight: Tensor, bias: Tensor, epsilon: float
) -> Tensor:
    """Add `branch` to `states`, in place, and normalise the sum (Ba et al., "Layer
    Normalization", 2016).

    Args:
        states: ``(n, width)``, contiguous, on a GPU.
        branch: As `states`.
        weight: ``(width,)``.
        bias: ``(width,)``.

    Returns:
        ``(n, width)``: the sum, normalised.
    """
    n, width = states.shape
    assert states.is_contiguous()
    assert branch.is_contiguous()
    normed = torch.empty_like(states)
    if n:
        _kernel("add_layer_norm_kernel")[(n,)](
            states, branch, normed, weight, bias, width, epsilon, _power_of_two(width), **_OPTIONS
        )
    return normed


def linear_gelu(states: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """GELU by the hyperbolic tangent (Hendrycks and Gimpel, 2016) of a linear layer's output,
    within the product.

    Args:
        states: ``(n, n_in)``, on a GPU.
        weight: ``(n_out, n_in)``.
        bias: ``(n_out,)``.

    Returns:
        ``(n, n_out)``.
    """
    return torch._addmm_activation(bias, states, weight.T, use_gelu=True)


def gated_silu(gate_up: Tensor) -> Tensor:
    """SiLU of the first half times the second half of the last dimension (Shazeer, "GLU
    Variants Improve Transformer", 2020).

    Args:
        gate_up: ``(n, 2 * width)``, contiguous, on a GPU.

    Returns:
        ``(n, width)``.
    """
    n, width = gate_up.shape[0], gate_up.shape[1] // 2
    product = gate_up.new_empty(n, width)
    if n:
        grid = (n, -(-width // _BLOCK))
        _kernel("gated_silu_kernel")[grid](gate_up, product, width, _BLOCK, **_OPTIONS)
    return product


def rotate_heads(
    heads: Tensor,
    n_rotated: int,
    cosine: Tensor,
    sine: Tensor,
    norm: tuple[Tensor, Tensor, int, float] | None = None,
) -> None:
    """Rotary position embedding (Su et al., 2021) of the first heads, in place.

    Args:
        heads: ``(n, n_heads, head_dim)``, contiguous, on a GPU.
        n_rotated: So many heads, the rest stay.
        cosine: ``(n, 1, head_dim)``, contiguous; its halves are equal.
        sine: As `cosine`.
        norm: Before it, root mean square normalisation with a weight ``(head_dim,)`` for the
            first heads, another for those after them, how many are the first, and epsilon.
    """
    n, n_heads, head_dim = heads.shape
    assert heads.is_contiguous()
    assert cosine.is_contiguous()
    assert sine.is_contiguous()
    if not n:
        return
    first, other, n_first, epsilon = norm or (cosine, cosine, 0, 0.0)
    _kernel("rotate_heads_kernel")[(n,)](
        heads,
        cosine,
        sine,
        first,
        other,
        n_heads * head_dim,
        epsilon,
        n_first,
        n_rotated,
        head_dim // 2,
        _power_of_two(n_rotated),
        _power_of_two(head_dim // 2),
        norm is not None,
        **_OPTIONS,
    )


@cache
def kernels_agree(device: torch.device) -> bool:
    """Whether the kernels work on `device` and give what the plain way gives. Where they do not,
    the log says why."""
    if device.type != "cuda":
        return False
    generator = torch.Generator(device).manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, device=device).bfloat16()

    try:
        with torch.inference_mode():
            gate_up = drawn(5, 2 * 1500)
            gate, up = gate_up.chunk(2, dim=-1)
            pairs = [(gated_silu(gate_up), F.silu(gate) * up), *_of_vision(drawn)]
            for head_dim in (128, 72, 64):
                heads, weights = drawn(7, 7, head_dim), (drawn(head_dim), drawn(head_dim))
                angles = torch.rand(7, head_dim // 2, generator=generator, device=device) * 6
                angles = torch.cat([angles, angles], dim=-1)[:, None]
                for dtype, normed in ((torch.bfloat16, True), (torch.float32, False)):
                    cosine, sine = angles.cos().to(dtype), angles.sin().to(dtype)
                    query, key, value = torch.split(heads, [3, 2, 2], dim=1)
                    if normed:
                        query, key = (
                            rms_norm(part.contiguous(), weight, 1e-6)
                            for part, weight in zip((query, key), weights, strict=True)
                        )
                    parts = [
                        apply_rotary_emb(query, cosine, sine),
                        apply_rotary_emb(key, cosine, sine),
                        value,
                    ]
                    found = heads.clone()
                    rotate_heads(found, 5, cosine, sine, (*weights, 3, 1e-6) if normed else None)
                    pairs.append((found, torch.cat(parts, dim=1)))
            for found, expected in pairs:
                apart = (found.float() - expected.float()).abs()
                worst = float((apart / expected.float().abs().clamp(min=1)).max())
                if not worst <= BFLOAT16_TOLERANCE:
                    log.warning("The GPU kernels differ by %.3f from the plain way.", worst)
                    return False
    except Exception as error:
        # Triton raises errors of its own, the compiler's and the driver's.
        log.warning("The GPU kernels do not work here, it goes slower without: %s", error)
        return False
    return True


def _of_vision(drawn: Callable[..., Tensor]) -> list[tuple[Tensor, Tensor]]:
    """What the vision tower's kernels give, and what the plain way gives."""
    pairs = []
    for width in (1024, 1152):
        states, branch, weight, bias = drawn(5, width), drawn(5, width), drawn(width), drawn(width)
        total = states + branch
        expected = F.layer_norm(total, (width,), weight, bias, 1e-6)
        pairs += [(add_layer_norm(states, branch, weight, bias, 1e-6), expected), (states, total)]
    rows, weight, bias = drawn(48, 64), drawn(96, 64) / 8, drawn(96)
    expected = F.gelu(F.linear(rows, weight, bias), approximate="tanh")
    return [*pairs, (linear_gelu(rows, weight, bias), expected)]


def _power_of_two(n: int) -> int:
    return 1 << (n - 1).bit_length()


@cache
def _kernel(name: str) -> Any:
    from kb.models.qwen3_vl import triton_kernels

    return getattr(triton_kernels, name)
