"""When a sync runs by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from kb.errors import ConfigError, InferenceError, StoreUnavailableError
from kb.stopping import StoppedError
from ui.service.background import BackgroundSync, _delay_s


class Syncs:
    """What was asked, and what is to come of it."""

    def __init__(self) -> None:
        self.retries: list[frozenset[str] | None] = []
        self.times_s: list[float] = []
        self.outcomes: list[Exception | None] = []
        self.changed: Callable[[], None] = lambda: None
        self.watch_failures: list[Exception] = []

    def sync(self, retry: frozenset[str] | None) -> None:
        self.times_s.append(time.monotonic())
        self.retries.append(retry)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome

    def watch(self, on_change: Callable[[], None], stop: threading.Event) -> None:
        self.changed = on_change
        if self.watch_failures:
            raise self.watch_failures.pop()
        stop.wait()

    def wait(self, n: int) -> None:
        deadline_s = time.monotonic() + 10
        while len(self.times_s) < n:
            assert time.monotonic() < deadline_s
            time.sleep(0.005)


@pytest.fixture
def syncs() -> Syncs:
    return Syncs()


@pytest.fixture
def background(syncs: Syncs) -> Iterator[BackgroundSync]:
    background = BackgroundSync(syncs.sync, syncs.watch)
    yield background
    background.close(lambda: None)


def test_waits_grow_to_five_minutes() -> None:
    assert _delay_s(0) is None
    assert [_delay_s(n) for n in (1, 2, 3, 6, 7, 8, 9000)] == [5, 10, 20, 160, 300, 300, 300]


def test_a_failure_that_passes_is_tried_again_with_growing_waits(
    syncs: Syncs, background: BackgroundSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.service.background._FIRST_DELAY_S", 0.1)
    syncs.outcomes = [InferenceError("The server is down."), StoreUnavailableError("gone"), None]
    background.start()
    syncs.wait(3)
    first, second, third = syncs.times_s
    assert 0.1 <= second - first < 0.19 < third - second
    assert background.alert == "gone The sync is tried again by itself."
    # After a sync that went well nothing is tried unasked.
    time.sleep(0.4)
    assert len(syncs.times_s) == 3


def test_a_change_is_not_kept_waiting(syncs: Syncs, background: BackgroundSync) -> None:
    syncs.outcomes = [InferenceError("The server is down.")]
    background.start()
    syncs.wait(1)
    syncs.changed()
    syncs.wait(2)
    assert syncs.times_s[1] - syncs.times_s[0] < 1


def test_files_that_were_to_be_read_again_still_are(
    syncs: Syncs, background: BackgroundSync
) -> None:
    syncs.outcomes = [None, InferenceError("down"), InferenceError("down"), InferenceError("down")]
    background.start()
    syncs.wait(1)
    background.soon(frozenset())
    syncs.wait(2)
    background.soon()
    syncs.wait(3)
    background.soon(frozenset({"a.md"}))
    syncs.wait(4)
    background.soon()
    syncs.wait(5)
    background.soon()
    syncs.wait(6)
    named = frozenset({"a.md"})
    assert syncs.retries == [None, frozenset(), frozenset(), named, named, None]


def test_the_servers_end_is_no_failure(
    syncs: Syncs, background: BackgroundSync, caplog: pytest.LogCaptureFixture
) -> None:
    syncs.outcomes = [StoppedError()]
    background.start()
    syncs.wait(1)
    background._threads[0].join(5)
    assert not background._threads[0].is_alive()
    assert not background.alert
    assert not caplog.records


@pytest.mark.parametrize("error", [ConfigError("A root is missing."), ZeroDivisionError("bug")])
def test_what_somebody_has_to_mend_is_not_tried_again(
    syncs: Syncs,
    background: BackgroundSync,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    monkeypatch.setattr("ui.service.background._FIRST_DELAY_S", 0.05)
    syncs.outcomes = [InferenceError("down"), error]
    background.start()
    syncs.wait(2)
    time.sleep(0.4)
    assert len(syncs.times_s) == 2
    assert background.alert.startswith(("A root is missing.", "The last sync ended"))
    assert "by itself" not in background.alert
    syncs.changed()
    syncs.wait(3)


def test_a_watcher_that_fails_is_no_end_of_watching(
    syncs: Syncs,
    background: BackgroundSync,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("ui.service.background._FIRST_DELAY_S", 0.1)
    syncs.watch_failures = [PermissionError("no"), RuntimeError("Unable to decode path")]
    background.start()
    syncs.wait(3)  # at the start, and unasked after each failure
    deadline_s = time.monotonic() + 10
    while syncs.watch_failures or len(syncs.times_s) < 3:
        assert time.monotonic() < deadline_s
        time.sleep(0.005)
    syncs.changed()
    syncs.wait(4)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
