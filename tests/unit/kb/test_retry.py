"""How often a server is asked, and how long is waited between."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from kb.errors import InferenceError
from kb.retry import PassingError, Tries, asked_delay_s
from kb.stopping import Stop, StoppedError, pause, stoppable


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


class TestTries:
    def test_it_is_tried_again_until_it_passes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        waits_s: list[float] = []
        monkeypatch.setattr("kb.stopping.time.sleep", waits_s.append)
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
        monkeypatch.setattr("kb.stopping.time.sleep", lambda _: None)
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

    def test_each_wait_may_be_longer_by_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        waits_s: list[float] = []
        monkeypatch.setattr("kb.stopping.time.sleep", waits_s.append)

        def once() -> None:
            raise PassingError(InferenceError("busy"))

        with pytest.raises(InferenceError):
            Tries(4, factor=4.0).run(once)
        bounds_s = [(0.25, 0.5), (1.0, 2.0), (4.0, 8.0), (4.0, 8.0)]
        assert len(waits_s) == len(bounds_s)
        for wait_s, (least_s, most_s) in zip(waits_s, bounds_s, strict=True):
            assert least_s <= wait_s <= most_s

    def test_whoever_goes_is_not_waited_for(self) -> None:
        stop = Stop()
        n_asked = 0

        def once() -> None:
            nonlocal n_asked
            n_asked += 1
            threading.Timer(0.1, stop.set).start()
            raise PassingError(InferenceError("busy"), 50.0)

        began_s = time.monotonic()
        with stoppable(stop), pytest.raises(StoppedError):
            Tries(5).run(once)
        assert n_asked == 1
        assert time.monotonic() - began_s < 25.0


def test_a_pause_ends_by_itself() -> None:
    began_s = time.monotonic()
    with stoppable(Stop()):
        pause(0.05)
    pause(0.05)
    assert time.monotonic() - began_s >= 0.1
