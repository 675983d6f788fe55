"""What `kb models` says of the model that hears speech."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_sound import needs_speech

from kb.config import Config, Home, IngestConfig, SoundConfig
from kb.hub import speech
from ui.cli.models import available_table, model_table

NAME = "faster-whisper-base"


def speech_row(home: Home, sound: SoundConfig | None = None) -> dict[str, Any]:
    config = Config(ingest=IngestConfig(sound=sound or SoundConfig()))
    (row,) = (row for row in model_table(home, config) if row["role"] == "speech")
    return row


def state(home: Home) -> str:
    (row,) = (row for row in available_table(home) if row["name"] == NAME)
    return str(row["state"])


@needs_speech
def test_the_model_of_the_packages_is_here_and_whole(tmp_path: Path) -> None:
    row = speech_row(Home(tmp_path))
    assert (row["name"], row["ok"], row["size_bytes"]) == (NAME, True, 147_882_941)
    assert state(Home(tmp_path)) == "here"


@needs_speech
def test_one_that_is_not_the_published_one_is_not_whole(tmp_path: Path) -> None:
    directory = Home(tmp_path).models / NAME
    directory.mkdir(parents=True)
    for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt"):
        (directory / name).write_bytes(b"{}")

    row = speech_row(Home(tmp_path))

    assert not row["ok"]
    assert "refused: config.json has sha256" in row["note"]


def test_it_may_be_missing_or_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "_MODULES", ("no_such_module_of_weights",))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    missing = speech_row(Home(tmp_path))
    off = speech_row(Home(tmp_path), SoundConfig(enabled=False))

    assert (missing["name"], missing["ok"]) == ("none", True)
    assert "pip install" in missing["note"]
    assert state(Home(tmp_path)) == "not here"
    assert (off["ok"], off["note"]) == (True, "switched off")
