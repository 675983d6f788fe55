from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kb.config import Home
from kb.hub.catalog import KNOWN_MODELS
from ui.cli.choose_profile import choose_profile


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def with_gpu(monkeypatch: pytest.MonkeyPatch, gigabytes: int) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(
        "ui.cli.choose_profile.gpu_memory", lambda: ("NVIDIA Test", gigabytes * 10**9)
    )


def put_models(home: Home, size: str, checkpoint: Path) -> None:
    for model in KNOWN_MODELS:
        if size in model.name:
            shutil.copytree(checkpoint, home.models / model.name)


def test_without_a_gpu(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    profile, why = choose_profile(home)
    assert profile == "starter"
    assert "no GPU" in why


def test_what_was_chosen_before_is_kept_and_told(
    home: Home, monkeypatch: pytest.MonkeyPatch, tiny_qwen3_vl: Path
) -> None:
    put_models(home, "8B", tiny_qwen3_vl)
    with_gpu(monkeypatch, 80)
    home.index.mkdir()
    home.profile.write_text("starter\n", "utf-8")
    profile, why = choose_profile(home)
    assert profile == "starter"
    assert "the index was made with it" in why
    assert "--reembed" in why
    home.config.write_text("profile: remote\n", "utf-8")
    profile, why = choose_profile(home)
    assert profile == "remote"
    assert "kb.yaml says" in why


def test_models_that_the_file_names_are_not_argued_with(
    home: Home, monkeypatch: pytest.MonkeyPatch, tiny_qwen3_vl: Path
) -> None:
    with_gpu(monkeypatch, 4)
    section = f"{{kind: qwen3-vl, model: {tiny_qwen3_vl}}}"
    home.config.write_text(f"encoder: {section}\n", "utf-8")
    profile, why = choose_profile(home)
    assert profile == "starter"
    assert "kb.yaml names" in why


def test_directories_count_by_their_size(
    home: Home, monkeypatch: pytest.MonkeyPatch, tiny_qwen3_vl: Path
) -> None:
    with_gpu(monkeypatch, 16)
    lines = [f"{role}: {{model: {tiny_qwen3_vl}}}" for role in ("encoder", "reranker", "generator")]
    home.config.write_text("\n".join(lines), "utf-8")
    assert choose_profile(home)[0] == "qwen3-vl-8b"
    with_gpu(monkeypatch, 4)
    assert choose_profile(home)[0] == "starter"


def test_what_alone_is_missing_is_named(
    home: Home, monkeypatch: pytest.MonkeyPatch, tiny_qwen3_vl: Path
) -> None:
    put_models(home, "2B", tiny_qwen3_vl)
    shutil.rmtree(home.models / "Qwen3-VL-2B-Instruct")
    with_gpu(monkeypatch, 80)
    profile, why = choose_profile(home)
    assert profile == "starter"
    assert "`kb models pull qwen3-vl-2b` gets Qwen3-VL-2B-Instruct, which is not here" in why


@pytest.mark.parametrize(("gigabytes", "size"), [(16, "2b"), (24, "2b"), (80, "8b")])
def test_a_gpu_without_models_is_told_what_to_pull(
    home: Home, monkeypatch: pytest.MonkeyPatch, gigabytes: int, size: str
) -> None:
    with_gpu(monkeypatch, gigabytes)
    profile, why = choose_profile(home)
    assert profile == "starter"
    assert f"kb models pull qwen3-vl-{size}" in why


def test_a_gpu_that_is_too_small(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpu(monkeypatch, 8)
    profile, why = choose_profile(home)
    assert profile == "starter"
    assert "has 8.0 GB" in why


def test_the_largest_that_is_here_and_fits(
    home: Home, monkeypatch: pytest.MonkeyPatch, tiny_qwen3_vl: Path
) -> None:
    put_models(home, "2B", tiny_qwen3_vl)
    with_gpu(monkeypatch, 24)
    assert choose_profile(home)[0] == "qwen3-vl-2b"
    put_models(home, "8B", tiny_qwen3_vl)
    assert choose_profile(home)[0] == "qwen3-vl-2b"
    with_gpu(monkeypatch, 80)
    assert choose_profile(home)[0] == "qwen3-vl-8b"


def test_a_larger_gpu_goes_on_with_the_smaller_models_that_are_here(
    home: Home, monkeypatch: pytest.MonkeyPatch, tiny_qwen3_vl: Path
) -> None:
    put_models(home, "2B", tiny_qwen3_vl)
    with_gpu(monkeypatch, 80)
    assert choose_profile(home)[0] == "qwen3-vl-2b"
