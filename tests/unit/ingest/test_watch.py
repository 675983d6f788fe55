from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ingest.watch import watch

PATIENCE_S = 30.0


@pytest.mark.parametrize("poll", [False, True], ids=["events", "polling"])
def test_calls_back_when_a_file_comes_and_when_one_goes(tmp_path: Path, poll: bool) -> None:
    stop, called = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=watch, args=([tmp_path], called.set, stop), kwargs={"poll": poll}
    )
    thread.start()
    try:
        # The watcher says nothing when it is ready: write until it hears.
        for number in range(round(PATIENCE_S)):
            (tmp_path / f"{number}.md").write_text("new")
            if called.wait(1.0):
                break
        assert called.is_set()
        called.clear()
        while called.wait(4.0):
            called.clear()  # What was written while it woke.
        (tmp_path / "0.md").unlink()
        assert called.wait(PATIENCE_S)
    finally:
        stop.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


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
