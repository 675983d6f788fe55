"""What is made ready before the first question."""

from __future__ import annotations

import threading

from kb.errors import ModelLoadError
from ui.service.warming import Warmer


def test_it_is_done_once_and_nobody_waits_for_it() -> None:
    may_end, done = threading.Event(), []

    def warm() -> None:
        assert may_end.wait(10)
        done.append(1)

    warmer = Warmer(warm)
    warmer.start()
    warmer.start()
    assert not done
    may_end.set()
    warmer.wait()
    assert done == [1]


def test_what_fails_is_left_to_the_question() -> None:
    def warm() -> None:
        raise ModelLoadError("It is damaged.", model_id="m")

    warmer = Warmer(warm)
    warmer.start()
    warmer.wait()


def test_nothing_begun_is_not_waited_for() -> None:
    Warmer(lambda: None).wait()
