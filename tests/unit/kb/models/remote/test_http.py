"""Keys and refusals; the client itself is tested against a server in
``tests/integration/test_remote.py``."""

from __future__ import annotations

import pytest

from kb.config.models import RemoteRerankerConfig
from kb.errors import ConfigError
from kb.models.remote.http import RefusedError
from kb.models.remote.key import read_api_key


def config(key: str | None) -> RemoteRerankerConfig:
    return RemoteRerankerConfig(url="http://127.0.0.1:1", model="m", api_key=key)


def test_a_key_is_taken_as_written_or_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_TEST_KEY", "sk-1")
    assert read_api_key(config(None), "encoder") is None
    assert read_api_key(config("sk-2"), "encoder") == "sk-2"
    assert read_api_key(config("$KB_TEST_KEY"), "encoder") == "sk-1"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_an_error(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("KB_TEST_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("KB_TEST_KEY", value)
    with pytest.raises(ConfigError, match=r"reranker\.api_key .*'KB_TEST_KEY'"):
        read_api_key(config("$KB_TEST_KEY"), "reranker")


def test_a_key_of_a_file_may_end_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_TEST_KEY", "sk-1\n")
    assert read_api_key(config("$KB_TEST_KEY"), "encoder") == "sk-1"


@pytest.mark.parametrize("key", ["sk 1", "sk-1\nX: y", "schlüssel", ""])
def test_what_can_be_no_key_is_an_error_that_does_not_show_it(key: str) -> None:
    with pytest.raises(ConfigError, match="Copy it anew") as raised:
        read_api_key(config(key), "encoder")
    assert not key or key not in str(raised.value)


@pytest.mark.parametrize(
    ("reason", "is_too_long"),
    [
        ("This model's maximum context length is 8192 tokens. However, you requested 9000", True),
        ("The decoder prompt (length 9000) is longer than the maximum model length of 8192", True),
        ("Failed to load image", False),
    ],
)
def test_a_refusal_knows_whether_the_input_was_too_long(reason: str, is_too_long: bool) -> None:
    assert RefusedError("x", model_id="m", reason=reason).is_too_long is is_too_long
