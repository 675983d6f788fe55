"""`kb sync --reembed`: new vectors beside the present ones."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kb import ReembedProgress, reembed_library
from kb.config import Config, Home
from kb.config.loading import settled_profile
from ui.cli.options import print_json, say
from ui.cli.progress import ProgressBar
from ui.service.server_note import ServerNote

__all__ = ["reembed_now"]


def reembed_now(home: Home, config: Config, *, as_json: bool) -> None:
    """Embed all that is indexed with the models of `config`, show how far it is, and say what
    it came to. Ctrl+C ends it; the next run goes on."""
    start_s = time.perf_counter()
    stop = threading.Event()
    with ProgressBar("Embedding") as bar, _ended_by_ctrl_c(stop):
        progress = reembed_library(
            home, config, lambda progress: bar.at(progress.n_done, progress.n_total), stop
        )
    is_whole = progress.n_done == progress.n_total
    if as_json:
        print_json(
            {
                "profile": config.profile,
                "n_chunks": progress.n_total,
                "n_done": progress.n_done,
                "n_refused": progress.n_refused,
                "is_whole": is_whole,
                "total_time_ms": (time.perf_counter() - start_s) * 1000,
            }
        )
    for line in _words(home, config, progress):
        say(line)


def _words(home: Home, config: Config, progress: ReembedProgress) -> Iterator[str]:
    if progress.n_done < progress.n_total:
        yield (
            f"{progress.n_done:,} of {progress.n_total:,} chunks have their new vectors. The "
            "present ones go on answering; the same command goes on from here."
        )
        return
    if not progress.n_total:
        yield f"The index has the vectors of {config.profile}: nothing to do."
        return
    yield f"{progress.n_total:,} chunks have the vectors of {config.profile}, which answer now."
    if progress.n_refused:
        yield (
            f"{progress.n_refused:,} of them the model refused: they are found by their words. "
            "`kb status` says why."
        )
    if (settled := settled_profile(home)) != config.profile:
        yield (
            f"{home.config} says `profile: {settled}`. Set it to {config.profile}, or give "
            f"`--profile {config.profile}` with every command."
        )
    if ServerNote(home).read() is not None:
        yield "The running `kb up` goes over to them by itself."


@contextmanager
def _ended_by_ctrl_c(stop: threading.Event) -> Iterator[None]:
    """The first Ctrl+C ends after the batch at hand, the second at once."""

    def end(_number: int, _frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
