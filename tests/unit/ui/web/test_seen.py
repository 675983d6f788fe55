from __future__ import annotations

from ingest.progress import Progress
from ui.web.seen import Seen


def is_sent(seen: Seen, files: str, progress: Progress, *, is_drawn: bool = False) -> bool:
    return bool(seen.list_news(files, progress, None, is_drawn=is_drawn) == files)


def test_a_tick_without_a_step_has_no_news() -> None:
    seen, progress = Seen(), Progress()
    assert seen.is_behind(progress, None)
    assert is_sent(seen, "a", progress)
    assert not seen.is_behind(progress, None)
    assert seen.is_behind(Progress(), None)


def test_while_a_sync_runs_the_same_list_is_sent_once() -> None:
    seen = Seen()
    assert is_sent(seen, "a", Progress(stage="scan"))
    assert not is_sent(seen, "a", Progress(stage="scan"))
    assert is_sent(seen, "b", Progress(stage="scan"))


def test_a_list_that_somebody_chose_before_the_first_tick_is_sent_by_the_second() -> None:
    # The folder that is shown was deleted, and the sync had ended, before the first tick came.
    seen, ended = Seen(), Progress()
    assert not is_sent(seen, "without the folder", ended, is_drawn=True)
    assert seen.is_behind(ended, None)
    assert is_sent(seen, "without the folder", ended, is_drawn=True)
    assert not seen.is_behind(ended, None)


def test_the_end_of_a_sync_is_shown_whatever_was_drawn_since_the_last_tick() -> None:
    # Somebody deleted a file in the page, which drew the list, and copied it back at once.
    seen = Seen()
    assert is_sent(seen, "with the file", Progress())
    assert is_sent(seen, "with the file", Progress())


def test_other_parts_are_sent_when_they_change() -> None:
    seen = Seen()
    assert seen.news("header", "a") == "a"
    assert seen.news("header", "a") != "a"
    assert seen.news("trash", "a") == "a"
