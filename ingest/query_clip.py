"""Frames of a clip that is asked with, read in a process of its own."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from ingest.frames import frames_of_clip
from kb.config import IngestConfig
from kb.errors import ParseError, ParseTimeoutError
from kb.types import Frame

__all__ = ["read_clip"]


def read_clip(path: Path, config: IngestConfig, time_limit_s: float) -> tuple[Frame, ...]:
    """At most ``config.video.max_frames`` frames across a clip.

    A decoder can hang or crash on a damaged file; here that ends one question, not the server.

    Raises:
        ParseError: It is no clip, or is damaged.
        ParseTimeoutError: Reading it took too long.
    """
    with ProcessPool(1, context=multiprocessing.get_context("spawn")) as pool:
        future = pool.schedule(frames_of_clip, args=(path, config), timeout=time_limit_s)
        try:
            frames: tuple[Frame, ...] = future.result()
        except TimeoutError as error:
            raise ParseTimeoutError(
                f"Reading the clip took more than {time_limit_s:g} s. Ask with a shorter one.",
                source=path.name,
            ) from error
        except ProcessExpired as error:
            raise ParseError(
                "The clip is damaged: its decoder crashed. Save it anew as MP4 and try again.",
                source=path.name,
            ) from error
    return frames
