"""Pictures and clips of questions: the same as of files, with less to take, in other processes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import query_crashes
from made_videos import BLUE, RED, as_bytes, card, make_video, plain
from PIL import Image

from ingest.decode.frames import frames_of_clip
from ingest.decode.pictures import encode_picture, load_picture
from ingest.query_media import QueryLimits, QueryMedia
from kb.config import IngestConfig
from kb.errors import (
    IngestError,
    ParseError,
    ParseTimeoutError,
    SourceTooLargeError,
    SourceUnavailableError,
)

CONFIG = IngestConfig()
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def media() -> Iterator[QueryMedia]:
    limits = QueryLimits(picture_bytes=256 * MIB, clip_bytes=1024 * MIB, picture_s=20.0)
    media = QueryMedia(CONFIG, limits)
    media.warm()
    yield media
    media.close()


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """Under 300 kB, and over 400 MB while it is read."""
    path = tmp_path / "bomb.tif"
    grey = np.zeros((7000, 7000), np.float32)
    Image.fromarray(grey).save(path, compression="tiff_adobe_deflate")
    assert path.stat().st_size < 320_000
    return path


def test_a_picture_is_what_it_is_in_a_library(media: QueryMedia, tmp_path: Path) -> None:
    for name, kind in (("a.jpg", "JPEG"), ("a.png", "PNG")):
        path = tmp_path / name
        path.write_bytes(as_bytes(card("LANTERN"), kind))
        assert media.read_picture(path) == encode_picture(load_picture(path, CONFIG.max_image_px))


def test_a_clip_is_what_it_is_in_a_library(media: QueryMedia, tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [(plain(RED), 1), (plain(BLUE), 1)])
    assert media.read_clip(path) == frames_of_clip(path, CONFIG)


def test_too_many_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(as_bytes(card("LANTERN"), "PNG"))
    clip = make_video(tmp_path / "a.mp4", [(plain(RED), 1)])
    small = QueryMedia(CONFIG, QueryLimits(max_px=100))
    try:
        for read, asked in ((small.read_picture, path), (small.read_clip, clip)):
            with pytest.raises(
                SourceTooLargeError, match=r"limit of 100\. Ask with a smaller"
            ) as e:
                read(asked)
            assert e.value.source == asked.name
    finally:
        small.close()


def test_pictures_that_take_gigabytes_are_refused_one_by_one(
    media: QueryMedia, bomb: Path, tmp_path: Path
) -> None:
    good = tmp_path / "good.png"
    good.write_bytes(as_bytes(card("LANTERN"), "PNG"))
    me = psutil.Process()
    others = set(me.children())
    media.read_picture(good)
    before_bytes = me.memory_info().rss
    found: list[object] = []

    def ask(path: Path) -> None:
        try:
            found.append(media.read_picture(path))
        except IngestError as error:
            found.append(error)

    threads = [threading.Thread(target=ask, args=(path,)) for path in [bomb] * 6 + [good]]
    for thread in threads:
        thread.start()
    peak_bytes = 0
    while any(thread.is_alive() for thread in threads):
        workers = [child.memory_info().rss for child in set(me.children()) - others]
        peak_bytes = max(peak_bytes, sum(workers))
        time.sleep(0.01)
    refused = [one for one in found if isinstance(one, SourceTooLargeError)]
    assert len(refused) == 6
    assert len(found) == 7
    assert "more than 256 MiB of memory" in str(refused[0])
    assert "Ask with a smaller one" in str(refused[0])
    assert me.memory_info().rss - before_bytes < 64 * MIB
    assert peak_bytes < 1024 * MIB


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda path: path.write_bytes(b"x" * 100), ParseError, "not a picture"),
        (lambda path: path.write_bytes(b""), ParseError, "empty"),
        (lambda path: path.write_bytes(as_bytes(card("A"), "PNG")[:90]), ParseError, "damaged"),
        (lambda path: None, SourceUnavailableError, "can't be read"),
        (lambda path: path.mkdir(), SourceUnavailableError, "can't be read"),
    ],
    ids=["noise", "empty", "cut", "gone", "folder"],
)
def test_a_file_that_is_no_picture(
    media: QueryMedia,
    tmp_path: Path,
    make: Callable[[Path], object],
    error: type[IngestError],
    words: str,
) -> None:
    path = tmp_path / "a.png"
    make(path)
    for read in (media.read_picture, media.read_clip):
        with pytest.raises(IngestError) as raised:
            read(path)
        assert raised.value.source == "a.png"
        if read == media.read_picture:
            assert isinstance(raised.value, error)
            assert words in str(raised.value)


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        (query_crashes.crash, ParseError, "its decoder crashed"),
        (query_crashes.hang, ParseTimeoutError, "more than 0.5 s"),
        (query_crashes.raise_what_nobody_foresaw, ParseError, "LookupError: no such table"),
    ],
)
def test_what_a_decoder_does_ends_one_question(
    media: QueryMedia,
    tmp_path: Path,
    what: Callable[..., Any],
    error: type[IngestError],
    words: str,
) -> None:
    limit_s = 0.5 if what is query_crashes.hang else 20.0
    for _ in range(3):
        with pytest.raises(error, match=words):
            media._run(what, tmp_path / "a.png", "picture", MIB, limit_s)
    good = tmp_path / "good.png"
    good.write_bytes(as_bytes(card("LANTERN"), "PNG"))
    assert media.read_picture(good).width_px > 0


def test_too_many_at_once_are_told_to_come_again(tmp_path: Path) -> None:
    media = QueryMedia(CONFIG)
    try:
        for _ in range(18):
            assert media._room.acquire(blocking=False)
        with pytest.raises(ParseTimeoutError, match="Ask again in a moment"):
            media.read_picture(tmp_path / "a.png")
    finally:
        media.close()


def test_closed_it_leaves_no_process_and_opens_again(tmp_path: Path) -> None:
    good = tmp_path / "good.png"
    good.write_bytes(as_bytes(card("LANTERN"), "PNG"))
    before = {child.pid for child in psutil.Process(os.getpid()).children()}
    media = QueryMedia(CONFIG)
    for _ in range(2):
        media.read_picture(good)
        media.close()
        media.close()
        assert {child.pid for child in psutil.Process().children()} <= before
