"""In which numbers a model computes, and what its weights then take."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from made_contents import encoded
from safetensors.torch import load_file, save_file

from kb.config.models import Qwen3VLEncoderConfig
from kb.device.loading import load_module
from kb.device.placement import SharedDevice
from kb.device.precision import choose_dtype, resident_bytes, weights_bytes
from kb.errors import ModelLoadError
from kb.index.assets import AssetStore
from kb.models.encoders.qwen3_vl import Qwen3VLEncoder
from kb.types import Query

CPU = torch.device("cpu")


@pytest.fixture
def short(tiny_qwen3_vl: Path, tmp_path: Path) -> Path:
    """The checkpoint with its weights stored as bfloat16, as the published ones are."""
    directory = tmp_path / "short"
    shutil.copytree(tiny_qwen3_vl, directory)
    weights = load_file(directory / "model.safetensors")
    save_file(
        {name: weight.bfloat16() for name, weight in weights.items()},
        directory / "model.safetensors",
        metadata={"format": "pt"},
    )
    return directory


def processor(monkeypatch: pytest.MonkeyPatch, **capabilities: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)


def test_a_gpu_computes_in_bfloat16(tiny_qwen3_vl: Path) -> None:
    assert choose_dtype(tiny_qwen3_vl, "cuda", "auto") == torch.bfloat16


@pytest.mark.parametrize("capability", ["amx_bf16", "avx512_bf16"])
def test_a_processor_that_can_does_where_the_weights_are_stored_so(
    capability: str, tiny_qwen3_vl: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(monkeypatch, **{capability: True})
    assert choose_dtype(short, "cpu", "auto") == torch.bfloat16
    assert choose_dtype(tiny_qwen3_vl, "cpu", "auto") == torch.float32


def test_another_processor_computes_in_float32(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(monkeypatch, avx2=True, amx_bf16=False)
    assert choose_dtype(short, "cpu", "auto") == torch.float32


def test_a_setting_goes_before(short: Path) -> None:
    assert choose_dtype(short, "cuda", "float32") == torch.float32
    assert choose_dtype(short, "cpu", "bfloat16") == torch.bfloat16


def test_weights_are_counted_as_they_lie_in_memory(tiny_qwen3_vl: Path, short: Path) -> None:
    stored = sum(path.stat().st_size for path in short.glob("*.safetensors"))
    assert weights_bytes(short) == stored > 0
    assert resident_bytes(short, "cpu", "bfloat16") == stored
    assert resident_bytes(short, "cpu", "float32") == 2 * stored
    assert resident_bytes(tiny_qwen3_vl, "cuda", "auto") == weights_bytes(tiny_qwen3_vl) // 2
    for precision in ("float32", "bfloat16"):
        module = load_module(short, CPU, "language", precision)
        assert {weight.dtype for weight in module.parameters()} == {getattr(torch, precision)}


def test_vectors_are_nearly_the_same_in_either(short: Path, tmp_path: Path) -> None:
    def vectors(precision: str) -> np.ndarray:
        config = Qwen3VLEncoderConfig.model_validate(
            {"model": "m", "device": "cpu", "precision": precision}
        )
        encoder = Qwen3VLEncoder(config, short, AssetStore(tmp_path), SharedDevice.alone())
        return encoder.encode_queries([Query("How do I reset it?"), Query("如何重置设备？")])

    exact, rounded = vectors("float32"), vectors("bfloat16")
    assert ((exact * rounded).sum(axis=1) > 0.999).all()
    assert not np.array_equal(exact, rounded)


def test_in_bfloat16_batch_mates_change_no_more_than_is_told(short: Path, tmp_path: Path) -> None:
    config = Qwen3VLEncoderConfig(model="m", device="cpu", precision="bfloat16", batch_tokens=512)
    encoder = Qwen3VLEncoder(config, short, AssetStore(tmp_path), SharedDevice.alone())
    queries = [Query("How do I reset it? " * n) for n in range(1, 12)]
    queries += [Query("a page", images=(encoded(96, 64 * n),)) for n in range(1, 5)]
    together = encoder.encode_queries(queries)
    backwards = encoder.encode_queries(queries[::-1])[::-1]
    alone = np.concatenate([encoder.encode_queries([query]) for query in queries])
    for other in (backwards, alone):
        assert ((together * other).sum(axis=1) > 0.999).all()


def test_a_model_that_the_memory_does_not_hold_is_refused_before_it_is_read(
    tiny_qwen3_vl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100_000))
    with pytest.raises(ModelLoadError, match=r"takes .*B of memory, and 100 kB is free.*starter"):
        load_module(tiny_qwen3_vl, CPU, "base")
