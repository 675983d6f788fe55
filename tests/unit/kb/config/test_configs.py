"""The files that ship for the profile `remote`: its settings, the template, and the servers."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment
from made_contents import clip, picture

from kb.config import Home
from kb.config.loading import available_profiles, load_config
from kb.config.models import (
    RemoteEncoderConfig,
    RemoteGeneratorConfig,
    RemoteRerankerConfig,
)
from kb.content import Content
from kb.errors import ConfigError
from kb.models.qwen3_vl.prompts import embedding_prompt, rerank_prompt
from kb.models.remote.content import RerankQuery, embedding_body

CONFIGS = resources.files("configs")
TEMPLATE = CONFIGS.joinpath("qwen3_vl.jinja").read_text("utf-8")


def rendered(body: dict[str, Any]) -> str:
    """As vLLM shows parts to the template, and transformers renders it."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    messages = [
        {
            "role": message["role"],
            "content": [
                part if part["type"] == "text" else {"type": part["type"].removesuffix("_url")}
                for part in message["content"]
            ],
        }
        for message in body["messages"]
    ]
    return environment.from_string(TEMPLATE).render(messages=messages)


class TestTemplate:
    @pytest.mark.parametrize(
        "content",
        [
            Content("Hold the button."),
            Content(),
            Content("with {{ braces }} and {% tags %} & <b>"),
            Content(" two\n\nlines\n"),
            Content("both", (picture(), picture())),
        ],
        ids=["text", "nothing", "braces", "lines", "pictures"],
    )
    def test_it_writes_the_published_prompts(self, content: Content) -> None:
        found = rendered(embedding_body("m", content, "Find it."))
        assert found == f"{embedding_prompt(content, 'Find it.')}<|im_end|>\n"
        query = Content("How?", (picture(),))
        asked = RerankQuery("m", query, "Find the page.", takes_clips=True)
        found = rendered(asked.body(content))
        expected = "".join(rerank_prompt(query, content, "Find the page."))
        assert found == f"{expected}<|im_end|>\n"

    def test_a_clip_has_no_marks_around_it(self) -> None:
        found = rendered(embedding_body("m", Content("both", clip=clip(4)), "Find it."))
        assert "user\n<|video_pad|>both<|im_end|>" in found

    def test_words_alone_and_the_turn_that_is_written(self) -> None:
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        found = environment.from_string(TEMPLATE).render(
            messages=[{"role": "user", "content": "How?"}], add_generation_prompt=True
        )
        assert found == "<|im_start|>user\nHow?<|im_end|>\n<|im_start|>assistant\n"


class TestProfile:
    def test_the_profile_is_valid(self, tmp_path: Path) -> None:
        config = load_config(Home(tmp_path), "remote")
        assert isinstance(config.encoder, RemoteEncoderConfig)
        assert isinstance(config.reranker, RemoteRerankerConfig)
        assert isinstance(config.generator, RemoteGeneratorConfig)

    def test_the_servers_are_no_profile(self) -> None:
        assert "remote" in available_profiles()
        assert not [name for name in available_profiles() if "docker" in name]

    @pytest.mark.parametrize(
        ("url", "base"),
        [
            ("http://127.0.0.1:8001", "http://127.0.0.1:8001/v1"),
            ("http://127.0.0.1:8001/", "http://127.0.0.1:8001/v1"),
            ("https://models.example/v1/", "https://models.example/v1"),
            ("https://models.example/openai/v3", "https://models.example/openai/v3"),
        ],
    )
    def test_the_address_may_end_with_its_version(self, url: str, base: str) -> None:
        assert RemoteRerankerConfig(url=url, model="m").base_url == base

    @pytest.mark.parametrize(
        "url",
        [
            "127.0.0.1:8001",
            "ftp://x",
            "http://",
            "",
            "http://me:secret@host",
            "http://a b",
            "http://h:x",
            "http://[::1",
        ],
    )
    def test_another_address_is_an_error(self, tmp_path: Path, url: str) -> None:
        with pytest.raises(ConfigError, match=r"encoder\.url"):
            load_config(Home(tmp_path), "remote", {"encoder": {"url": url}})

    def test_the_key_is_not_in_the_representation(self) -> None:
        config = RemoteRerankerConfig(url="http://h", model="m", api_key="sk-secret")
        assert "sk-secret" not in repr(config)


class TestServers:
    @pytest.fixture
    def services(self) -> dict[str, Any]:
        text = CONFIGS.joinpath("docker-compose.yml").read_text("utf-8")
        found: dict[str, Any] = yaml.safe_load(text)["services"]
        return found

    def options(self, service: dict[str, Any]) -> dict[str, str]:
        return dict(one.split("=", 1) for one in service["command"][1:] if "=" in one)

    def test_each_is_on_the_loopback_and_has_a_health_check(self, services: dict[str, Any]) -> None:
        assert set(services) == {"qdrant", "embedding", "reranker", "chat"}
        for service in services.values():
            assert service["healthcheck"]["test"][0] == "CMD"
            assert all(port.startswith("127.0.0.1:") for port in service["ports"])

    def test_the_models_reserve_a_gpu_and_share_it(self, services: dict[str, Any]) -> None:
        shares = []
        for name in ("embedding", "reranker", "chat"):
            (device,) = services[name]["deploy"]["resources"]["reservations"]["devices"]
            assert device["capabilities"] == ["gpu"]
            shares.append(float(self.options(services[name])["--gpu-memory-utilization"]))
        assert sum(shares) < 0.95

    def test_the_profile_asks_where_the_servers_are(
        self, services: dict[str, Any], tmp_path: Path
    ) -> None:
        config = load_config(Home(tmp_path), "remote")
        for section, name in (
            (config.encoder, "embedding"),
            (config.reranker, "reranker"),
            (config.generator, "chat"),
        ):
            assert not isinstance(section, str)
            port = services[name]["ports"][0].split(":")[1]
            assert getattr(section, "base_url") == f"http://127.0.0.1:{port}/v1"  # noqa: B009
            assert section.model == services[name]["command"][0]  # type: ignore[union-attr]

    def test_the_reranker_reads_yes_and_no(self, services: dict[str, Any]) -> None:
        overrides = json.loads(self.options(services["reranker"])["--hf-overrides"])
        assert overrides["classifier_from_token"] == ["no", "yes"]
        assert overrides["architectures"] == ["Qwen3VLForSequenceClassification"]
        assert overrides["is_original_qwen3_reranker"] is True

    @pytest.mark.parametrize("name", ["embedding", "reranker"])
    def test_what_is_shown_is_what_was_trained(self, services: dict[str, Any], name: str) -> None:
        options = self.options(services[name])
        assert options["--runner"] == "pooling"
        assert json.loads(options["--mm-processor-kwargs"]) == {"do_resize": False}
        assert "--trust-request-mm-kwargs" in services[name]["command"]
        host, inside, mode = services[name]["volumes"][1].split(":")
        assert inside == options["--chat-template"]
        assert mode == "ro"
        assert CONFIGS.joinpath(host).is_file()
