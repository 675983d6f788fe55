from __future__ import annotations

import time
from pathlib import Path

import pytest

from kb.config import Home
from kb.config.loading import load_config
from kb.errors import ConfigError, StoreUnavailableError
from kb.masking import keep_secret, masked

SECRET = "s3cr3t-Pa55"


@pytest.mark.parametrize(
    "text",
    [
        f"The server at https://me:{SECRET}@qdrant.example:6333/x does not answer",
        f"http://{SECRET}@host",
        f"http://me:a@{SECRET}@host/",
        f"http://host/v1?a=1&api_key={SECRET}&b=2",
        f"http://host/v1?token={SECRET}",
        f'{{"api-key": "{SECRET}"}}',
        f"api_key: '{SECRET}'",
        f"X-Api-Key={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"Authorization: Basic {SECRET}==",
        f"Incorrect API key provided: sk-{SECRET}",
        f"OPENAI_API_KEY={SECRET} kb up",
    ],
)
def test_secrets_are_masked(text: str) -> None:
    assert SECRET not in masked(text)
    assert SECRET not in str(StoreUnavailableError(text))
    assert "***" in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "Set generator.api_key in kb.yaml, best as $NAME of an environment variable.",
        "It wants a password: set ingest.pdf_passwords in kb.yaml.",
        "http://127.0.0.1:7860/v1 does not answer",
        "me@example.com wrote key facts",
        "ask-me-anything.pdf, risk-assessment-2024.pdf and monkey=banana",
    ],
)
def test_other_words_are_kept(text: str) -> None:
    assert masked(text) == text


def test_a_key_is_masked_wherever_it_is_echoed() -> None:
    keep_secret("0123456789abcdef")
    assert masked("no such key: 0123456789abcdef!") == "no such key: ***!"


@pytest.mark.parametrize(
    "piece", ["://", "://a", "a_", "a-", "key=", "key: '", "Bearer a", "eyJa.", "sk-"]
)
def test_masking_takes_linear_time(piece: str) -> None:
    start_s = time.perf_counter()
    masked(piece * (200_000 // len(piece)))
    assert time.perf_counter() - start_s < 2


@pytest.mark.parametrize(
    "text",
    [
        f"store: {{api_key: [{SECRET}]}}",
        f"store: {{url: 'http://me:{SECRET}@host', timeout_s: x}}",
        f"store: 'http://me:{SECRET}@host'",
        f"store: [{{api_key: {SECRET}}}]",
        f"store: {{apikey: {SECRET}}}",
        f"ingest: {{pdf_passwords: {SECRET}}}",
        f"ingest: {{pdf_passwords: [[{SECRET}]]}}",
        f"generator: {{kind: remote, url: 'http://me:{SECRET}@host', model: m}}",
        f"generator: {{kind: remote, url: 'http://host', model: m, api_key: {{a: {SECRET}}}}}",
        f"generator: {{api_key: {SECRET}}}",
        f"generator: {{kind: remote, api_key: {SECRET}}}",
        f'store: {{api_key: "{SECRET}',
        f"store:\n  api_key: {SECRET}\n url: [\n",
        f"api_key: {SECRET}: x",
    ],
)
def test_settings_errors_show_no_secret(tmp_path: Path, text: str) -> None:
    (tmp_path / "kb.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(Home(tmp_path))
    assert SECRET not in str(caught.value)
    cause = caught.value.__cause__
    assert SECRET not in str(cause)


def test_a_configuration_shows_no_secret(tmp_path: Path) -> None:
    (tmp_path / "kb.yaml").write_text(
        f"store: {{api_key: {SECRET}}}\ningest: {{pdf_passwords: [{SECRET}]}}"
    )
    assert SECRET not in repr(load_config(Home(tmp_path)))
