from __future__ import annotations

import pytest

from ui.http.rates import Rates


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_minutes_requests_may_come_at_once_and_then_as_many_as_come_by() -> None:
    clock = Clock()
    rates = Rates(60, clock)
    assert [rates.wait_s("a") for _ in range(60)] == [0.0] * 60
    assert rates.wait_s("a") == pytest.approx(1)
    clock.now_s += 0.75
    # Those that were refused cost nothing.
    assert rates.wait_s("a") == pytest.approx(0.25)
    clock.now_s += 0.25
    assert rates.wait_s("a") == 0
    assert rates.wait_s("a") == pytest.approx(1)
    clock.now_s += 1e6
    assert [rates.wait_s("a") for _ in range(61)].count(0.0) == 60


def test_others_do_not_wait() -> None:
    rates = Rates(2, Clock())
    assert [rates.wait_s(who) for who in ("a", "a", "b", "b")] == [0.0] * 4
    assert rates.wait_s("a") > 0
    assert rates.wait_s("c") == 0


def test_senders_without_number_are_forgotten() -> None:
    rates = Rates(1, Clock())
    for n in range(20_000):
        assert rates.wait_s(str(n)) == 0
    assert len(rates._buckets) == 10_000
    assert rates.wait_s("19999") > 0
