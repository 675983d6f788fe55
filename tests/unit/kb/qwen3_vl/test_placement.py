from __future__ import annotations

from pathlib import Path

import pytest
import torch

from kb.qwen3_vl.placement import WORKING_BYTES, PlacedModel, Placement, weights_bytes

MODELS = (
    PlacedModel("encoder", "e", 4_000_000_000),
    PlacedModel("reranker", "r", 4_000_000_000),
    PlacedModel("generator", "g", 4_500_000_000),
)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a GPU of 16 GB free, as torch would tell of it."""
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (16 * 10**9, 24 * 10**9))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "GPU")


def test_without_models_there_is_nothing_to_say() -> None:
    plan = Placement.plan((), "auto")
    assert (plan.note, plan.budget_bytes, plan.stay_loaded) == ("", None, True)


def test_the_processor_has_no_budget() -> None:
    plan = Placement.plan(MODELS, "cpu")
    assert plan.budget_bytes is None
    assert "12.5 GB" in plan.note
    assert "GPU is meant" in plan.note


@pytest.mark.usefixtures("gpu")
def test_what_does_not_fit_beside_a_batch_takes_turns() -> None:
    plan = Placement.plan(MODELS, "auto")
    assert plan.budget_bytes == 16 * 10**9 - WORKING_BYTES
    assert not plan.stay_loaded
    assert "take turns on GPU (16.0 GB free)" in plan.note


@pytest.mark.usefixtures("gpu")
def test_what_fits_stays() -> None:
    plan = Placement.plan(MODELS[:2], "auto")
    assert plan.stay_loaded
    assert "8.0 GB of models stay on GPU" in plan.note


@pytest.mark.usefixtures("gpu")
def test_a_configured_processor_is_not_argued_with() -> None:
    assert Placement.plan(MODELS, "cpu").memory_bytes is None


def test_weights_are_counted_as_stored(tiny_qwen3_vl: Path) -> None:
    found = sum(path.stat().st_size for path in tiny_qwen3_vl.glob("*.safetensors"))
    assert weights_bytes(tiny_qwen3_vl) == found > 0
