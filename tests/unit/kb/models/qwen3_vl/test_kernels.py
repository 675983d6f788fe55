"""The GPU kernels, run by Triton's interpreter, against the plain way."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kb.device.loading import load_module
from kb.models.qwen3_vl.kernels import kernels_agree
from kb.models.qwen3_vl.normalisation import read_normalisation
from kb.models.qwen3_vl.vision import VisionTower

ROOT = Path(__file__).parents[5]

PROGRAM = """
import torch, torch.nn.functional as F
from kb.models.qwen3_vl.elementwise import apply_rotary_emb, rms_norm
from kb.models.qwen3_vl.kernels import add_layer_norm, gated_silu, rotate_heads

generator = torch.Generator().manual_seed(0)
def drawn(*shape):
    return torch.randn(*shape, generator=generator)
def near(found, expected):
    torch.testing.assert_close(found.float(), expected.float(), atol=tolerance, rtol=tolerance)

for dtype, tolerance in ((torch.float32, 2e-5), (torch.bfloat16, 3e-2)):
    for n, width in ((0, 8), (1, 8), (5, 1500)):
        gate_up = drawn(n, 2 * width).to(dtype)
        gate, up = gate_up.chunk(2, dim=-1)
        near(gated_silu(gate_up), F.silu(gate) * up)
    for n, width in ((0, 8), (1, 8), (5, 1152)):
        states, branch = drawn(n, width).to(dtype) * 3 + 1, drawn(n, width).to(dtype)
        weight, bias = drawn(width).to(dtype), drawn(width).to(dtype)
        total = states + branch
        near(add_layer_norm(states, branch, weight, bias, 1e-6),
             F.layer_norm(total, (width,), weight, bias, 1e-6))
        near(states, total)
    for head_dim in (128, 72, 16):
        for n, counts in ((0, (2, 1, 1)), (1, (1, 1, 0)), (4, (5, 2, 2))):
            heads = drawn(n, sum(counts), head_dim).to(dtype)
            angles = torch.rand(n, head_dim // 2, generator=generator) * 6
            angles = torch.cat([angles, angles], dim=-1)[:, None]
            cosine, sine = angles.cos(), angles.sin()
            query, key, value = torch.split(heads, counts, dim=1)
            found = heads.clone()
            rotate_heads(found, counts[0] + counts[1], cosine, sine)
            rotated = [apply_rotary_emb(part, cosine, sine) for part in (query, key)]
            near(found, torch.cat([*rotated, value], 1))
            cosine, sine = cosine.to(dtype), sine.to(dtype)
            weights = drawn(head_dim).to(dtype), drawn(head_dim).to(dtype)
            query, key = (rms_norm(p, w, 1e-6) for p, w in zip((query, key), weights))
            found = heads.clone()
            norm = (*weights, counts[0], 1e-6)
            rotate_heads(found, counts[0] + counts[1], cosine, sine, norm)
            rotated = [apply_rotary_emb(part, cosine, sine) for part in (query, key)]
            near(found, torch.cat([*rotated, value], 1))
print("agreed")
"""


def test_the_kernels_give_what_the_plain_way_gives() -> None:
    if importlib.util.find_spec("triton") is None:
        pytest.skip("needs Triton, which torch's CUDA builds bring")
    # The interpreter is chosen when a kernel is made: in a process of its own.
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "agreed", done.stderr


def test_a_processor_has_no_kernels() -> None:
    assert not kernels_agree(torch.device("cpu"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_they_work_on_this_gpu() -> None:
    assert kernels_agree(torch.device("cuda"))


def test_cudnn_is_used_for_large_pictures_of_sizes_seen_often(tiny_qwen3_vl: Path) -> None:
    vision = load_module(tiny_qwen3_vl, torch.device("cpu"), "base", "float32").visual
    plain = read_normalisation(tiny_qwen3_vl)
    assert not any(VisionTower(vision, *plain, flash=False)._is_dense([5120]) for _ in range(99))
    tower = VisionTower(vision, *plain, flash=False, dense=True)
    assert not any(tower._is_dense([5120] * 6) for _ in range(2))
    assert tower._is_dense([5120] * 6)
    assert not tower._is_dense([5120, 4096])
    # Small ones leave the device idle, one by one; and many sizes are many plans.
    assert not any(tower._is_dense([1024] * 6) for _ in range(9))
    for length in range(3000, 4200):
        tower._is_dense([length])
    assert len(tower._n_seen) <= 1000
