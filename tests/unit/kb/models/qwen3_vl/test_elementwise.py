"""In few passes as in many, against float64 step by step."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kb.models.qwen3_vl.elementwise import apply_rotary_emb, rms_norm

DTYPES = {torch.float32: 2e-6, torch.bfloat16: 2e-2}


def drawn(*shape: int, dtype: torch.dtype) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 64), (5, 48), (7, 3, 16), (0, 16)])
def test_root_mean_square(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    states, weight = drawn(*shape, dtype=dtype) * 3, drawn(shape[-1], dtype=dtype)
    before = states.clone()
    wide = states.double()
    expected = wide * (wide.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * weight.double()
    found = rms_norm(states, weight, 1e-6)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), expected, atol=DTYPES[dtype], rtol=DTYPES[dtype])
    assert torch.equal(states, before)


def test_states_of_zero_stay_zero() -> None:
    assert torch.equal(rms_norm(torch.zeros(2, 8), torch.ones(8), 1e-6), torch.zeros(2, 8))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("angles_dtype", DTYPES)
def test_rotation_of_a_part_of_a_joined_tensor(
    dtype: torch.dtype, angles_dtype: torch.dtype
) -> None:
    joined = drawn(6, 5, 16, dtype=dtype)
    states = joined[:, 1:4]
    angles = torch.rand(6, 8).repeat(1, 2)[:, None] * 6
    cosine, sine = angles.cos().to(angles_dtype), angles.sin().to(angles_dtype)
    left, right = states.double().chunk(2, dim=-1)
    across = torch.cat([-right, left], dim=-1)
    expected = states.double() * cosine.double() + across * sine.double()
    before = joined.clone()
    found = apply_rotary_emb(states, cosine, sine)
    assert found.dtype == dtype
    atol = max(DTYPES[dtype], DTYPES[angles_dtype])
    torch.testing.assert_close(found.double(), expected, atol=atol, rtol=atol)
    assert torch.equal(joined, before)
