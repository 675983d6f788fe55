"""Sections that have kinds: which model a stage has, and what mistakes in them say."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.config import Config, Home
from kb.config.loading import load_config
from kb.config.models import (
    ExtractiveConfig,
    Qwen3VLEncoderConfig,
    Qwen3VLGeneratorConfig,
    Qwen3VLRerankerConfig,
    RemoteEncoderConfig,
    TextEncoderConfig,
)
from kb.errors import ConfigError


def load(tmp_path: Path, text: str) -> Config:
    (tmp_path / "kb.yaml").write_text(text, "utf-8")
    return load_config(Home(tmp_path), "starter")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("encoder: {modle: x}", "encoder.modle: no such setting; did you mean 'model'?"),
        (
            "encoder: {batch_toknes: 9}",
            "encoder.batch_toknes: no such setting; did you mean 'batch_tokens'?",
        ),
        (
            "encoder: {kind: qwen3-vl, model: x, max_lenght: 9}",
            "encoder.max_lenght: no such setting; did you mean 'max_length'?",
        ),
        # A setting of another kind is no help here.
        ("encoder: {max_lenght: 9}", "encoder.max_lenght: no such setting"),
        (
            "generator: {kind: qwen3-vl, model: x, max_quotes: 3}",
            "generator.max_quotes: no such setting",
        ),
        ("reranker: {kind: lexical, model: x}", "reranker.model: no such setting"),
        ("encodr: {kind: text}", "encodr: no such setting; did you mean 'encoder'?"),
        (
            "ingest: {chunking: {stratgy: fixed}}",
            "ingest.chunking.stratgy: no such setting; did you mean 'strategy'?",
        ),
        (
            "encoder: {kind: qwen3vl, model: x}",
            "encoder.kind: 'qwen3vl' is none of 'text', 'qwen3-vl', 'remote'",
        ),
        (
            "generator: {kind: lexical}",
            "generator.kind: 'lexical' is none of 'extractive', 'qwen3-vl', 'llama', 'remote'",
        ),
        ("encoder: {kind: qwen3-vl}", "encoder.model: this setting is needed"),
    ],
)
def test_a_mistake_is_named_as_it_stands_in_the_file(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert str(caught.value).splitlines()[1:] == [f"  {line}"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("encoder: {kind: qwen3-vl, model: x, dim: 32}", ["encoder.dim: ", "64", "found 32"]),
        ("encoder: {kind: qwen3-vl, model: x, device: gpu}", ["encoder.device: ", "'cuda'"]),
        (
            "generator: {kind: qwen3-vl, model: x, max_length: 1024, max_new_tokens: 4000}",
            ["generator.max_new_tokens: ", "leave 0 of max_length (1,024)", "found 4000"],
        ),
        (
            "generator: {kind: remote, url: 'http://h', model: x, max_length: 1400, api_key: s3}",
            ["generator.max_new_tokens: ", "leave 376 of max_length", "512 at least"],
        ),
        ("generator: {max_quotes: 0}", ["generator.max_quotes: ", "found 0"]),
        ("encoder: {model: a + b + c}", ["encoder.model: ", "two as", "found 'a + b + c'"]),
        ("encoder: all-MiniLM-L6-v2", ["encoder: ", "found 'all-MiniLM-L6-v2'"]),
    ],
)
def test_a_value_that_is_not_accepted_is_shown(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    for word in words:
        assert word in str(caught.value)
    assert "s3" not in str(caught.value)


def test_an_answer_may_take_all_but_what_is_read_at_least(tmp_path: Path) -> None:
    text = "generator: {kind: qwen3-vl, model: x, max_length: 2048, max_new_tokens: 1536}"
    assert load(tmp_path, text).generator == Qwen3VLGeneratorConfig(
        model="x", max_length=2048, max_new_tokens=1536
    )


@pytest.mark.parametrize("kind", ["remote", "remot"])
def test_a_key_is_not_shown_with_a_mistake_beside_it(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"encoder: {{kind: {kind}, url: 'http://h/v1', api_key: s3cret}}")
    assert "s3cret" not in str(caught.value)


class TestAnotherKind:
    def test_settings_of_the_profiles_kind_are_left_behind(self, tmp_path: Path) -> None:
        config = load(
            tmp_path,
            "generator: {kind: qwen3-vl, model: Qwen3-VL-2B-Instruct}\n"
            "reranker: {kind: qwen3-vl, model: Qwen3-VL-Reranker-2B}\n"
            "encoder: {kind: qwen3-vl, model: Qwen3-VL-Embedding-2B, dim: 1024}\n",
        )
        assert config.generator == Qwen3VLGeneratorConfig(model="Qwen3-VL-2B-Instruct")
        assert config.reranker == Qwen3VLRerankerConfig(model="Qwen3-VL-Reranker-2B")
        assert config.encoder == Qwen3VLEncoderConfig(model="Qwen3-VL-Embedding-2B", dim=1024)

    def test_a_model_is_not_taken_over_from_another_kind(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"encoder\.model: this setting is needed"):
            load(tmp_path, "encoder: {kind: remote, url: 'http://h/v1', dim: 64}")

    def test_the_same_kind_keeps_the_profiles_settings(self, tmp_path: Path) -> None:
        config = load(tmp_path, "encoder: {kind: text, threads: 3}\ngenerator: {max_quotes: 5}")
        both = "all-MiniLM-L6-v2 + multilingual-e5-small"
        assert config.encoder == TextEncoderConfig(model=both, threads=3)
        assert config.generator == ExtractiveConfig(max_quotes=5)

    def test_the_command_line_may_change_the_kind_too(self, tmp_path: Path) -> None:
        (tmp_path / "kb.yaml").write_text("encoder: {kind: qwen3-vl, model: x, dim: 128}")
        config = load_config(
            Home(tmp_path),
            "starter",
            {"encoder": {"kind": "remote", "url": "http://h/v1", "model": "y", "dim": 64}},
        )
        assert isinstance(config.encoder, RemoteEncoderConfig)
        assert config.encoder.dim == 64
