from __future__ import annotations

from pathlib import Path

import pytest

from kb.config import ChunkingConfig, Config, Home
from kb.config.loading import available_profiles, load_config
from kb.errors import ConfigError


def test_every_shipped_profile_is_accepted(tmp_path: Path) -> None:
    assert "starter" in available_profiles()
    for name in available_profiles():
        assert load_config(Home(tmp_path), name).profile == name


def test_home_overrides_profile_and_caller_overrides_home(tmp_path: Path) -> None:
    (tmp_path / "kb.yaml").write_text("retrieve: {alpha: 0.5, n_recall: 50}\n")
    config = load_config(Home(tmp_path), overrides={"retrieve": {"alpha": 0.25}})
    assert config.retrieve.alpha == 0.25
    assert config.retrieve.n_recall == 50
    assert config.retrieve.n_results == Config().retrieve.n_results


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("retrieve: {alfa: 0.5}", ["retrieve.alfa", "did you mean 'alpha'"]),
        ("retrieve: {alpha: 2}", ["retrieve.alpha", "found 2"]),
        ("ingest: {chunking: {stratgy: fixed}}", ["'strategy'"]),
        ("ingest: {chunking: {chunk_tokens: 64, overlap_tokens: 64}}", ["overlap_tokens (64)"]),
        ("- a list", ["must hold names"]),
        ("a: [", ["not valid YAML"]),
        ("profile: nosuch", ["no profile 'nosuch'", "starter"]),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "kb.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(Home(tmp_path))
    for word in words:
        assert word in str(caught.value)


def test_presets_set_sizes_and_explicit_sizes_win() -> None:
    assert ChunkingConfig(preset="technical").sizes_tokens == (512, 50)
    assert ChunkingConfig(preset="news").sizes_tokens == (256, 30)
    assert ChunkingConfig(preset="legal").sizes_tokens == (1024, 100)
    assert ChunkingConfig(preset="legal", chunk_tokens=300).sizes_tokens == (300, 100)


def test_roots_are_the_library_then_configured_ones_relative_to_home(tmp_path: Path) -> None:
    (tmp_path / "kb.yaml").write_text("ingest: {roots: [papers, library]}\n")
    home = Home(tmp_path)
    assert home.roots(load_config(home)) == (home.library, home.path / "papers")


def test_default_home_is_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_HOME", str(tmp_path / "elsewhere"))
    assert Home.default().path == (tmp_path / "elsewhere").resolve()
    monkeypatch.delenv("KB_HOME")
    monkeypatch.chdir(tmp_path)
    assert Home.default().path == (tmp_path / "data").resolve()
