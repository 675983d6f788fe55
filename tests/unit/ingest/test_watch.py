from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.watch import watch

PATIENCE_S = 30.0


def test_without_a_folder_it_waits_for_the_end(tmp_path: Path) -> None:
    stop, called = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=watch, args=([tmp_path / "missing"], called.set, stop), kwargs={"poll": False}
    )
    thread.start()
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert not called.is_set()


class Names:
    """What a sync would find in a folder each time it is called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: set[bytes] = set()
        self.last: set[bytes] = set()
        self.n_calls = 0

    def __call__(self) -> None:
        self.n_calls += 1
        if self.folder.is_dir():
            self.last = {os.fsencode(one.name) for one in self.folder.iterdir()}
            self.found |= self.last

    def wait(self, is_so: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline_s, self.found
            time.sleep(0.01)

    def wait_for_silence(self) -> None:
        """Until nothing is called any more, as while nothing changes."""
        n_calls = -1
        while n_calls != self.n_calls:
            n_calls = self.n_calls
            time.sleep(0.5)


@contextmanager
def watched(folder: Path, poll: bool = False) -> Iterator[Names]:
    names, stop = Names(folder), threading.Event()
    thread = threading.Thread(target=watch, args=([folder], names, stop), kwargs={"poll": poll})
    thread.start()
    try:
        yield names
        assert thread.is_alive()
    finally:
        stop.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.watch._DEBOUNCE_MS", 100)
    monkeypatch.setattr("ingest.watch._POLL_DELAY_MS", 100)
    monkeypatch.setattr("ingest.watch._ROOTS_MS", 200)
    monkeypatch.setattr("ingest.watch._FIRST_DELAY_S", 0.1)


def write_until_heard(names: Names, stem: str) -> None:
    """The watcher says nothing when it is ready."""
    for number in range(round(PATIENCE_S)):
        (names.folder / f"{stem}{number}.md").write_text("new")
        for _ in range(100):
            if any(name.startswith(stem.encode()) for name in names.found):
                return
            time.sleep(0.01)
    pytest.fail(f"{stem} was never noticed")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("poll", [False, True], ids=["events", "polling"])
def test_calls_back_when_a_file_comes_and_when_one_goes(tmp_path: Path, poll: bool) -> None:
    with watched(tmp_path, poll) as names:
        write_until_heard(names, "new")
        names.wait_for_silence()
        (tmp_path / "new0.md").unlink()
        names.wait(lambda: b"new0.md" not in names.last)


needs_any_name = pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode here")


@needs_any_name
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("poll", [False, True], ids=["events", "polling"])
@pytest.mark.parametrize("name", [b"caf\xe9.txt", b"\xff", b"a\xed\xa0\x80.md", b"\n\x80"])
def test_a_name_that_is_no_unicode_is_survived(tmp_path: Path, name: bytes, poll: bool) -> None:
    with watched(tmp_path, poll) as names:
        write_until_heard(names, "before")
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
        names.wait(lambda: name in names.found)
        write_until_heard(names, "after")


@needs_any_name
@pytest.mark.usefixtures("quick")
def test_a_folder_that_can_not_be_watched_is_looked_at(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.watch._LONGEST_DELAY_S", 0.5)
    bad = tmp_path / os.fsdecode(b"dir\xff")
    bad.mkdir()
    with caplog.at_level(logging.INFO), watched(tmp_path) as names:
        write_until_heard(names, "after")
        names.wait(lambda: names.n_calls > 10)
        assert len(caplog.records) == 1  # and not one a second
        assert "dir" in caplog.text
        bad.rmdir()
        names.wait_for_silence()  # It is watched again.
        write_until_heard(names, "again")


@pytest.mark.usefixtures("quick")
def test_a_folder_that_is_replaced_or_comes_later_is_watched(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with watched(root) as names:
        root.mkdir()
        (root / "a.md").write_text("x")
        names.wait(lambda: b"a.md" in names.found)
        shutil.move(root, tmp_path / "other")
        root.mkdir()
        (root / "b.md").write_text("x")
        names.wait(lambda: b"b.md" in names.found)
        write_until_heard(names, "after")


@pytest.mark.usefixtures("quick")
def test_a_listener_that_fails_is_called_again(tmp_path: Path) -> None:
    n_calls, stop = 0, threading.Event()

    def fail() -> None:
        nonlocal n_calls
        n_calls += 1
        raise ZeroDivisionError

    thread = threading.Thread(target=watch, args=([tmp_path], fail, stop), kwargs={"poll": False})
    thread.start()
    deadline_s = time.monotonic() + PATIENCE_S
    while n_calls < 3 and time.monotonic() < deadline_s:
        (tmp_path / "a.md").write_text(str(n_calls))
        time.sleep(0.1)
    stop.set()
    thread.join(PATIENCE_S)
    assert n_calls >= 3
