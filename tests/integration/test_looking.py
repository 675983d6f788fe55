"""What a file is, is found out in processes that it may end."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_looks import look_or_end

from ingest import looking
from ingest.looking import Look, look_at_all
from ingest.scan import Found
from ingest.worker import WorkerSettings
from ingest.workers import Workers
from kb.config import IngestConfig
from kb.errors import IngestError, ParseError, ParseTimeoutError, UnsupportedMediaError
from kb.types import Kind

CONFIG = IngestConfig()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    def settings(n_threads: int) -> WorkerSettings:
        config = IngestConfig.model_validate({"ocr": {"enabled": False}})
        return WorkerSettings(
            config,
            tmp_path / "assets",
            None,
            tmp_path / "ocr",
            n_threads,
            tmp_path / "spool",
            tmp_path / "speech",
            tmp_path / "models",
        )

    with Workers(2, settings, lambda: False) as pool:
        yield pool


def found(folder: Path, name: str, data: bytes = b"Words.") -> Found:
    path = folder / name
    path.write_bytes(data)
    about = path.stat()
    return Found(str(folder), name, about.st_size, about.st_mtime_ns)


def test_a_look_tells_kind_and_companions(workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "lamp.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    files = [
        found(tmp_path, "note.txt"),
        found(tmp_path, "page.html", b"<!doctype html><img src=lamp.png>"),
        found(tmp_path, "blob.bin", os.urandom(64)),
        found(tmp_path, "picture.dat", b"\xff\xd8\xff\xe0" + bytes(64)),
    ]
    text, page, blob, picture = look_at_all(files, workers, CONFIG)
    assert text == Look("text/plain", Kind.TEXT, ())
    assert isinstance(page, Look)
    assert [Path(one.path).name for one in page.companions] == ["lamp.png"]
    assert isinstance(blob, UnsupportedMediaError)
    assert isinstance(picture, Look)
    assert picture.kind is Kind.IMAGE


def test_one_that_ends_its_process_spoils_no_other(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "look_at", look_or_end)
    monkeypatch.setattr(looking, "_BATCH", 6)
    monkeypatch.setattr(looking, "_BATCH_S", 20.0)
    monkeypatch.setattr(looking, "_FILE_S", 3.0)
    names = [*(f"{n}.txt" for n in range(9)), "crash.txt", "hang.txt", "last.txt"]
    looks = look_at_all([found(tmp_path, name) for name in names], workers, CONFIG)
    by_name = dict(zip(names, looks, strict=True))
    crashed, hung = by_name.pop("crash.txt"), by_name.pop("hang.txt")
    assert all(isinstance(look, Look) for look in by_name.values())
    assert isinstance(crashed, ParseError)
    assert "crashed" in str(crashed)
    assert isinstance(hung, ParseTimeoutError)
    assert isinstance(hung, IngestError)
    assert hung.source == "hang.txt"


def test_a_clip_of_frames_without_end_takes_no_memory_of_ours(
    workers: Workers, tmp_path: Path
) -> None:
    """A GIF says its size itself, and is opened to see whether it is a clip."""
    head = b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\xf7\x00\x00" + bytes(768)
    frame = b"," + struct.pack("<HHHH", 0, 0, 65_535, 65_535) + b"\x00\x08\x02\x00\x01\x00"
    (look,) = look_at_all([found(tmp_path, "huge.gif", head + frame * 50)], workers, CONFIG)
    if isinstance(look, Look):
        assert look.media_type == "image/gif"
    else:
        assert isinstance(look, IngestError)


def test_nothing_to_look_at_starts_no_process() -> None:
    def never(_: int) -> WorkerSettings:
        pytest.fail("a process was started")

    with Workers(1, never, lambda: False) as workers:
        assert look_at_all([], workers, CONFIG) == []
