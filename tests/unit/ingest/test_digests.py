"""Hashing has an end, whatever lies beside a page, and is done once."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ingest import digests as digests_module
from ingest.companions import read_beside, split_by_size
from ingest.digests import Digests, StoppedError
from ingest.failures import BugLog
from ingest.plan import Scope, make_plan
from ingest.scan import Found, find_companions, walk
from ingest.worker import WorkerSettings
from ingest.workers import Workers
from kb.config import IngestConfig
from kb.errors import SourceTooLargeError, SourceUnavailableError
from kb.index.ledger import Companion, Ledger

GIB = 1 << 30


def found_in(root: Path, name: str) -> Found:
    return next(f for f in walk(root, (), lambda *_: None) if f.path == name)


def sparse(path: Path, n_bytes: int) -> Path:
    path.touch()
    os.truncate(path, n_bytes)
    return path


def page(root: Path, *pictures: str, name: str = "p.html") -> Found:
    (root / name).write_text("<p>Words.</p>" + "".join(f"<img src={p}>" for p in pictures))
    return found_in(root, name)


def digest(found: Found, max_bytes: int = 100) -> str:
    return Digests(max_bytes).content_sha256(found, find_companions(found))


def test_hash_covers_companions_and_respects_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("v")
    (tmp_path / "a.srt").write_text("s")
    found = found_in(tmp_path, "a.mp4")
    alone = Digests(100).content_sha256(found, ())
    together = digest(found)
    assert alone == hashlib.sha256(b"v").hexdigest()
    assert len(together) == 64
    assert alone != together
    with pytest.raises(SourceTooLargeError, match="max_file_bytes"):
        Digests(0).content_sha256(found, ())
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(SourceUnavailableError, match="vanished"):
        Digests(100).content_sha256(found, ())


def test_a_huge_picture_is_no_part_of_its_page(tmp_path: Path) -> None:
    found = page(tmp_path, "z.png")
    missing = digest(found, 4 * GIB)
    sparse(tmp_path / "z.png", 20 * GIB)
    start_s = time.monotonic()
    too_large = digest(found, 4 * GIB)
    assert time.monotonic() - start_s < 1
    sparse(tmp_path / "z.png", 100)
    # Three contents: with its picture, without, and with one that is told to be too large.
    assert len({missing, too_large, digest(found, 4 * GIB)}) == 3


def test_all_pictures_of_a_page_have_one_limit(tmp_path: Path) -> None:
    for name, n_bytes in {"a.png": 60, "b.png": 60, "c.png": 30, "d.png": 101}.items():
        sparse(tmp_path / name, n_bytes)
    found = page(tmp_path, "a.png", "b.png", "c.png", "d.png", "gone.png")
    taken, left_out = split_by_size(find_companions(found), 100)
    assert [Path(one.path).name for one in taken] == ["a.png", "c.png"]
    assert [Path(one.path).name for one in left_out] == ["b.png", "d.png"]


def test_what_many_pages_show_is_hashed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = digests_module.open_regular
    monkeypatch.setattr(
        digests_module, "open_regular", lambda path: opened.append(path.name) or real(path)
    )
    (tmp_path / "logo.png").write_bytes(b"x" * 99)
    pages = [page(tmp_path, "logo.png", name=f"{number}.html") for number in range(50)]
    all_of_them = Digests(1000)
    with ThreadPoolExecutor(8) as threads:
        hashes = list(
            threads.map(lambda p: all_of_them.content_sha256(p, find_companions(p)), pages)
        )
    assert len(set(hashes)) == 1  # of pages of the same bytes
    assert opened.count("logo.png") == 1


def test_a_picture_that_can_not_be_read_fails_every_page_that_shows_it(tmp_path: Path) -> None:
    pages = [page(tmp_path, "gone.png", name=f"{number}.html") for number in range(3)]
    companion = Companion(str(tmp_path / "gone.png"), 5, 5)
    all_of_them = Digests(1000)
    for one in pages:
        with pytest.raises(SourceUnavailableError, match="vanished") as caught:
            all_of_them.content_sha256(one, [companion])
        assert caught.value.source == one.path


def test_a_file_that_grows_while_it_is_hashed_has_an_end(tmp_path: Path) -> None:
    found = page(tmp_path)
    sparse(tmp_path / "p.html", 1 * GIB)
    start_s = time.monotonic()
    with pytest.raises(SourceTooLargeError):
        Digests(3_000_000).content_sha256(found, ())
    assert time.monotonic() - start_s < 1


def test_stopping_ends_the_hashing(tmp_path: Path) -> None:
    found = page(tmp_path, "z.png")
    sparse(tmp_path / "z.png", 4000 * GIB)
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    start_s = time.monotonic()
    with pytest.raises(StoppedError):
        Digests(5000 * GIB, stop.is_set).content_sha256(found, find_companions(found))
    assert time.monotonic() - start_s < 2


def test_a_plan_that_is_stopped_does_nothing(tmp_path: Path) -> None:
    root = tmp_path / "library"
    root.mkdir()
    page(root)
    config = IngestConfig.model_validate({"ocr": {"enabled": False}, "workers": 1})
    settings = WorkerSettings(
        config,
        tmp_path / "assets",
        None,
        tmp_path / "ocr",
        1,
        tmp_path / "spool",
        tmp_path / "speech",
        tmp_path / "models",
    )
    with Workers(1, lambda _: settings, lambda: True) as workers:
        plan = make_plan(
            Ledger(tmp_path / "ledger.db"),
            [Scope(root)],
            config,
            bugs=BugLog(tmp_path / "bugs.log"),
            workers=workers,
            is_stopped=lambda: True,
        )
    assert (plan.settled, plan.paths, plan.jobs, plan.removed) == ([], [], [], [])


def test_what_is_read_beside_a_file_has_a_size_and_is_a_file(tmp_path: Path) -> None:
    path = sparse(tmp_path / "a.png", 10)
    assert read_beside(path, 10) == bytes(10)
    for size in (11, 20 * GIB):
        with pytest.raises(OSError, match="more than 10 bytes"):
            read_beside(sparse(path, size), 10)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(OSError, match="a pipe"):
        read_beside(tmp_path / "pipe.png", 10)
    with pytest.raises(OSError, match="no file any more"):
        read_beside(tmp_path, 10)
