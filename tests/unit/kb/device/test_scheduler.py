"""Who goes first on the device."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from kb.device.scheduler import DeviceScheduler

PATIENCE_S = 10.0


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def wait_until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.001)


def waiting(scheduler: DeviceScheduler) -> int:
    """How many threads wait for the device."""
    return len(scheduler._changed._waiters)  # type: ignore[attr-defined]


def test_a_waiting_question_goes_before_waiting_ingest() -> None:
    scheduler = DeviceScheduler()
    order: list[str] = []

    def take(name: str, *, is_query: bool) -> Callable[[], None]:
        def work() -> None:
            with scheduler.turn(is_query=is_query):
                order.append(name)

        return work

    threads = []
    with scheduler.turn(is_query=False):
        names = ["ingest 1", "ingest 2", "question 1", "ingest 3", "question 2"]
        for n, name in enumerate(names):
            threads.append(started(take(name, is_query=name.startswith("q"))))
            wait_until(lambda n=n: waiting(scheduler) == n + 1)  # type: ignore[misc]
        assert order == []
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(order[:2]) == ["question 1", "question 2"]
    assert sorted(order[2:]) == ["ingest 1", "ingest 2", "ingest 3"]


def test_one_at_a_time() -> None:
    scheduler = DeviceScheduler()
    inside = 0
    most = 0

    def work(is_query: bool) -> None:
        nonlocal inside, most
        for _ in range(50):
            with scheduler.turn(is_query=is_query):
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    threads = [started(lambda n=n: work(n % 2 == 0)) for n in range(6)]  # type: ignore[misc]
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert most == 1


@pytest.mark.parametrize("is_query", [True, False])
def test_an_error_gives_the_turn_back(is_query: bool) -> None:
    scheduler = DeviceScheduler()
    with pytest.raises(ZeroDivisionError), scheduler.turn(is_query=is_query):
        _ = 1 / 0
    done = threading.Event()

    def work() -> None:
        with scheduler.turn(is_query=False):
            done.set()

    started(work)
    assert done.wait(PATIENCE_S)


def test_a_question_that_gives_up_waiting_lets_ingest_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scheduler = DeviceScheduler()
    done = threading.Event()
    wait_for = scheduler._changed.wait_for

    def work() -> None:
        with scheduler.turn(is_query=False):
            done.set()

    def interrupted(condition: Callable[[], bool]) -> None:
        if threading.current_thread() is threading.main_thread():
            # While the question waits, ingest comes and stands behind it.
            scheduler._changed.release()
            thread = started(work)
            wait_until(lambda: waiting(scheduler) == 1)
            scheduler._changed.acquire()
            assert thread.is_alive()
            raise KeyboardInterrupt
        wait_for(condition)

    monkeypatch.setattr(scheduler._changed, "wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt), scheduler.turn(is_query=True):
        pass
    assert done.wait(PATIENCE_S)


def test_ingest_rests_while_an_answer_is_written() -> None:
    scheduler = DeviceScheduler()
    done = threading.Event()

    def work() -> None:
        with scheduler.turn(is_query=False):
            done.set()

    with scheduler.answering():
        thread = started(work)
        wait_until(lambda: waiting(scheduler) == 1)
        with scheduler.turn(is_query=True):
            pass  # other questions are answered meanwhile
        assert not done.wait(0.05)
    assert done.wait(PATIENCE_S)
    thread.join(PATIENCE_S)


def test_an_answer_that_breaks_off_lets_ingest_go_on() -> None:
    scheduler = DeviceScheduler()
    with pytest.raises(ZeroDivisionError), scheduler.answering():
        _ = 1 / 0
    with scheduler.turn(is_query=False):
        pass
