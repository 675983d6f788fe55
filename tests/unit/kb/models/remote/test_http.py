"""Keys and waiting times; the client itself is tested against a server in
``tests/integration/test_remote.py``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from kb.config.models import RemoteRerankerConfig
from kb.errors import ConfigError, InferenceError
from kb.models.remote.http import RefusedError
from kb.models.remote.key import read_api_key
from kb.retry import PassingError, Tries, asked_delay_s


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
    ("header", "delay_s"),
    [("2", 2.0), ("0.5", 0.5), ("-3", 0.0), ("", None), ("soon", None), ("nan", None)],
)
def test_retry_after_in_seconds(header: str, delay_s: float | None) -> None:
    assert asked_delay_s(header) == delay_s


def test_retry_after_as_a_date() -> None:
    later = datetime.now(UTC) + timedelta(seconds=30)
    found_s = asked_delay_s(format_datetime(later, usegmt=True))
    assert found_s == pytest.approx(30, abs=2)
    past = datetime.now(UTC) - timedelta(days=1)
    assert asked_delay_s(format_datetime(past, usegmt=True)) == 0.0


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


class TestTries:
    def test_it_is_tried_again_until_it_passes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        waits_s: list[float] = []
        monkeypatch.setattr("kb.retry.time.sleep", waits_s.append)
        tries = Tries(5)
        told: list[str] = []

        def once() -> str:
            told.append(str(tries).partition(",")[0])
            if len(told) < 4:
                raise PassingError(InferenceError("busy"), 7.0 if len(told) == 3 else None)
            return "fine"

        assert tries.run(once) == "fine"
        assert told == ["1 try", "2 tries", "3 tries", "4 tries"]
        assert 0.25 <= waits_s[0] <= 0.5 <= waits_s[1] <= 1.0
        assert waits_s[2:] == [7.0]

    def test_the_last_failure_is_raised_with_its_cause(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kb.retry.time.sleep", lambda _: None)
        tries = Tries(2)

        def once() -> None:
            try:
                raise OSError("lost")
            except OSError as error:
                raise PassingError(InferenceError(f"gone ({tries})")) from error

        with pytest.raises(InferenceError, match=r"gone \(3 tries, 0\.\d s in all\)") as raised:
            tries.run(once)
        assert isinstance(raised.value.__cause__, OSError)

    def test_what_asks_for_too_long_a_wait_is_not_tried_again(self) -> None:
        n_asked = 0

        def once() -> None:
            nonlocal n_asked
            n_asked += 1
            raise PassingError(InferenceError("quota"), 61.0)

        with pytest.raises(InferenceError, match="quota"):
            Tries(5).run(once)
        assert n_asked == 1
