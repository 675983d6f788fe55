from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest
import torch

from kb.device.placement import WORKING_BYTES, PlacedModel, Placement, find_gpu

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
    plan = Placement.plan((), "cpu")
    assert (plan.note, plan.stay_loaded) == ("", True)


@pytest.mark.parametrize(
    ("free_bytes", "stay_loaded", "words"),
    [(20 * 10**9, True, "stay on the processor"), (10 * 10**9, False, "take turns on the proc")],
)
def test_the_processor_s_memory_is_a_budget_too(
    free_bytes: int, stay_loaded: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=free_bytes))
    plan = Placement.plan(MODELS, "cpu")
    assert plan.stay_loaded is stay_loaded
    assert f"12.5 GB of models {words}" in plan.note
    assert plan.note.endswith("A GPU is meant for them: here they are slow.")


@pytest.mark.usefixtures("gpu")
def test_what_does_not_fit_beside_a_batch_takes_turns() -> None:
    plan = Placement.plan(MODELS, "cuda")
    assert plan.budget_bytes == 16 * 10**9 - WORKING_BYTES
    assert not plan.stay_loaded
    assert "take turns on GPU (16.0 GB free)" in plan.note


@pytest.mark.usefixtures("gpu")
def test_what_fits_stays() -> None:
    plan = Placement.plan(MODELS[:2], "cuda")
    assert plan.stay_loaded
    assert "8.0 GB of models stay on GPU" in plan.note


@pytest.mark.usefixtures("gpu")
def test_a_configured_processor_is_not_argued_with() -> None:
    assert not Placement.plan(MODELS, "cpu").is_gpu


@pytest.mark.usefixtures("gpu")
def test_a_gpu_is_found_by_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_gpu()
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert not find_gpu()
