from __future__ import annotations

from pathlib import Path

import pytest

from kb.config import Home
from kb.config.choosing import choose_generator
from kb.config.loading import load_config
from kb.config.models import ExtractiveConfig, RemoteGeneratorConfig
from kb.config.named import LOCAL_SERVERS, named_generator
from kb.errors import ConfigError


@pytest.fixture(autouse=True)
def _default_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)


@pytest.mark.parametrize(
    ("name", "url", "model"),
    [
        ("ollama/qwen3-vl:2b", "http://127.0.0.1:11434/v1", "qwen3-vl:2b"),
        ("lmstudio/qwen/qwen3-vl-4b", "http://127.0.0.1:1234/v1", "qwen/qwen3-vl-4b"),
        ("llama-server/a.gguf", "http://127.0.0.1:8080/v1", "a.gguf"),
        ("vllm/Qwen/Qwen3-VL-2B-Instruct", "http://127.0.0.1:8000/v1", "Qwen/Qwen3-VL-2B-Instruct"),
    ],
)
def test_one_line_is_a_section(tmp_path: Path, name: str, url: str, model: str) -> None:
    (tmp_path / "kb.yaml").write_text(f"generator: {name}\n")
    config = load_config(Home(tmp_path), "starter")
    assert isinstance(config.generator, RemoteGeneratorConfig)
    assert (config.generator.url, config.generator.model) == (url, model)
    assert config.encoder.kind == "text"


def test_quotes_take_the_place_of_a_section(tmp_path: Path) -> None:
    (tmp_path / "kb.yaml").write_text("generator: {kind: remote, url: 'http://h', model: m}\n")
    config = load_config(Home(tmp_path), "starter", {"generator": "quotes"})
    assert isinstance(config.generator, ExtractiveConfig)


def test_nothing_of_another_server_goes_along(tmp_path: Path) -> None:
    (tmp_path / "kb.yaml").write_text(
        "generator: {kind: remote, url: 'https://elsewhere', model: m, api_key: sk-secret}\n"
    )
    for profile in ("starter", "remote"):
        config = load_config(Home(tmp_path), profile, {"generator": "ollama/m"})
        assert isinstance(config.generator, RemoteGeneratorConfig)
        assert config.generator.api_key is None


@pytest.mark.parametrize("name", ["", "ollama", "ollama/", "openai/gpt", "http://h/v1", "../x"])
def test_another_name_is_an_error_that_tells_the_names(tmp_path: Path, name: str) -> None:
    (tmp_path / "kb.yaml").write_text(f"generator: '{name}'\n")
    with pytest.raises(
        ConfigError, match=r"`quotes`, `laptop`, one of ollama/MODEL, .*kb models servers"
    ):
        load_config(Home(tmp_path), "starter")


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("127.0.0.1:11500", 11500),
        ("0.0.0.0:11500", 11500),
        (":11500", 11500),
        ("http://localhost:11500", 11500),
        ("[::1]:11500", 11500),
        ("127.0.0.1", 11434),
        ("192.168.1.7:11500", 11434),
        ("example.org:11500", 11434),
        ("127.0.0.1:99999999", 11434),
        ("nonsense:", 11434),
    ],
)
def test_ollama_is_where_its_variable_says_if_that_is_here(
    monkeypatch: pytest.MonkeyPatch, host: str, port: int
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert named_generator("ollama/m")["url"] == f"http://127.0.0.1:{port}/v1"
    others = [one.url for one in LOCAL_SERVERS if one.key != "ollama"]
    assert all(str(port) not in url for url in others)


class TestChoosing:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (None, "generator: ollama/m:2b\n"),
            ("", "generator: ollama/m:2b\n"),
            ("profile: starter", "profile: starter\ngenerator: ollama/m:2b\n"),
            ("generator: quotes\n# why\nocr: 1\n", "generator: ollama/m:2b\n# why\nocr: 1\n"),
            (
                "# mine\ngenerator:\n  kind: remote  # a server\n\n  url: http://h\n  model: m\n"
                "\n# next\nretrieve:\n  alpha: 0.8\n",
                "# mine\ngenerator: ollama/m:2b\n\n# next\nretrieve:\n  alpha: 0.8\n",
            ),
            (
                "generator: {kind: remote,\n  url: 'http://h', model: m}\nretrieve: {alpha: 0.8}\n",
                "generator: ollama/m:2b\nretrieve: {alpha: 0.8}\n",
            ),
        ],
    )
    def test_one_line_changes(self, tmp_path: Path, before: str | None, after: str) -> None:
        home = Home(tmp_path / "home")
        if before is not None:
            home.path.mkdir()
            home.config.write_text(before)
        choose_generator(home, "ollama/m:2b")
        assert home.config.read_text() == after

    @pytest.mark.parametrize("text", ['"generator": {kind: extractive}\n', "{generator: quotes}\n"])
    def test_a_form_that_is_not_read_by_lines_is_left(self, tmp_path: Path, text: str) -> None:
        home = Home(tmp_path)
        home.config.write_text(text)
        with pytest.raises(ConfigError, match="in a form of its own"):
            choose_generator(home, "ollama/m")
        assert home.config.read_text() == text

    def test_a_broken_file_and_a_wrong_name_are_left(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        home.config.write_text("a: [\n")
        with pytest.raises(ConfigError, match="not valid YAML"):
            choose_generator(home, "ollama/m")
        with pytest.raises(ConfigError, match="names no generator"):
            choose_generator(home, "http://elsewhere/v1")
        assert home.config.read_text() == "a: [\n"
