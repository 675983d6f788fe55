"""Qwen3VLGenerator beyond its contract: what a reader can't hold up."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.config.models import Qwen3VLGeneratorConfig
from kb.device.placement import SharedDevice
from kb.errors import ModelLoadError
from kb.index.assets import AssetStore
from kb.models.generators.qwen3_vl import Qwen3VLGenerator
from kb.protocols import GeneratorEvent
from kb.types import Chunk, Hit, Kind, Locator, Modality, Query

_WAIT_S = 60.0


@pytest.fixture
def device() -> SharedDevice:
    return SharedDevice.alone()


@pytest.fixture
def generator(tiny_qwen3_vl: Path, tmp_path: Path, device: SharedDevice) -> Qwen3VLGenerator:
    config = Qwen3VLGeneratorConfig(model="tiny", device="cpu", max_new_tokens=64, max_length=4096)
    return Qwen3VLGenerator(config, tiny_qwen3_vl, AssetStore(tmp_path), device)


def hits() -> list[Hit]:
    text = "To reset the device, hold the power button for ten seconds."
    return [Hit(Chunk("0", "0", 0, Kind.TEXT, Modality.TEXT, Locator(), text), "a.txt")]


def comes_true(what: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + _WAIT_S
    while not what():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


def is_free(device: SharedDevice) -> bool:
    users = [one.n_users for one in device.cache._residents.values()]
    return users == [0] and not device.scheduler._n_questions


def test_a_slow_reader_holds_neither_model_nor_device(
    generator: Qwen3VLGenerator, device: SharedDevice
) -> None:
    stream = generator.stream(Query("How do I reset the device?"), hits())
    events: list[GeneratorEvent] = [next(stream)]
    # Nothing more is read until all is written.
    assert comes_true(lambda: is_free(device))
    events += stream
    assert len(events) > 1


def test_a_reader_who_leaves_ends_the_writing(
    generator: Qwen3VLGenerator, device: SharedDevice
) -> None:
    stream = generator.stream(Query("How do I reset the device?"), hits())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert is_free(device)


def test_why_a_model_can_not_be_loaded_is_told(
    generator: Qwen3VLGenerator, device: SharedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ModelLoadError("The weights are damaged.", model_id="tiny")

    monkeypatch.setattr("kb.device.loading.load_module", refuse)
    with pytest.raises(ModelLoadError, match="The weights are damaged"):
        list(generator.stream(Query("How?"), hits()))
    assert not device.scheduler._n_questions
