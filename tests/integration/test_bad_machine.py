"""Files that hang, crash or eat memory, and a disk that is full: the others are indexed, no
worker is left behind, and the process lives."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from made_bad_files import explosive_pdf, flat_png, pdf_bytes
from made_videos import as_bytes, card
from PIL import Image

from kb.config import Home
from kb.config.loading import load_config
from kb.errors import KnowledgeBaseError
from kb.types import Outcome, Query, SyncReport
from ui.service.service import Service

MIB = 1024 * 1024


def outcomes(report: SyncReport) -> dict[str, Outcome]:
    return {file.source: file.outcome for file in report.files}


def reason(report: SyncReport, source: str) -> str:
    return next(file.reason for file in report.files if file.source == source)


def workers() -> list[psutil.Process]:
    """Parser processes that a test started; multiprocessing's own helper is none."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if child not in others
        and child.status() != psutil.STATUS_ZOMBIE
        and "spawn_main" in " ".join(child.cmdline())
    ]


others: set[psutil.Process] = set()


@pytest.fixture(autouse=True)
def _others() -> None:
    """A server that other tests share has processes of its own."""
    others.clear()
    others.update(psutil.Process().children(recursive=True))


def open_service(home: Home, **ingest: object) -> Service:
    return Service(home, load_config(home, overrides={"ingest": {"workers": 1, **ingest}}))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.library.mkdir(parents=True)
    (home.library / "a heron.md").write_text("# Heron\n\nThe heron stands in the lake.\n")
    (home.library / "z swift.md").write_text("# Swift\n\nThe swift sleeps in the air.\n")
    return home


def check_the_rest(service: Service, report: SyncReport) -> None:
    """The good files answer, the index is sound, and no process is left."""
    assert outcomes(report)["a heron.md"] is Outcome.ADDED
    assert outcomes(report)["z swift.md"] is Outcome.ADDED
    assert service.search(Query(text="where does the swift sleep")).hits[0].source == "z swift.md"
    assert service.kb.examine().is_sound
    assert workers() == []


def test_a_file_that_hangs_its_parser_is_stopped(home: Home) -> None:
    # Drawing it would take years, inside native code.
    (home.library / "explosive.pdf").write_bytes(explosive_pdf())
    service = open_service(home, time_limit_s=6.0)
    try:
        report = service.sync()
        assert outcomes(report)["explosive.pdf"] is Outcome.FAILED
        told = reason(report, "explosive.pdf")
        assert "more than 6 s" in told
        assert "Split the file, or raise `ingest.time_limit_s`" in told
        check_the_rest(service, report)
    finally:
        service.close()


def test_a_file_that_eats_memory_is_stopped(home: Home) -> None:
    (home.library / "huge.png").write_bytes(flat_png(13_000, 13_000))
    service = open_service(home, memory_limit_bytes=400 * MIB, ocr={"enabled": False})
    try:
        report = service.sync()
        assert outcomes(report)["huge.png"] is Outcome.FAILED
        told = reason(report, "huge.png")
        assert "memory" in told
        assert "`ingest.memory_limit_bytes`" in told
        check_the_rest(service, report)
    finally:
        service.close()


def test_a_file_that_crashes_its_parser_fails_alone_and_leaves_no_pictures(home: Home) -> None:
    (home.library / "long.pdf").write_bytes(pdf_bytes("The tern dives.", 600))
    service = open_service(home)
    done = threading.Event()

    def kill() -> None:
        while not done.wait(0.01):
            # Some of its pages are stored, and many are still to come.
            if any(service.kb.assets.files()):
                for worker in workers():
                    worker.send_signal(signal.SIGSEGV)
                return

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        report = service.sync()
        assert outcomes(report)["long.pdf"] is Outcome.FAILED
        told = reason(report, "long.pdf")
        assert "crashed (signal 11)" in told
        assert "convert it to PDF; `kb sync --retry`" in told
        assert list(service.kb.assets.files()) == []
        check_the_rest(service, report)
        assert outcomes(service.sync())["long.pdf"] is Outcome.FAILED
        assert outcomes(service.sync(retry=frozenset()))["long.pdf"] is not Outcome.FAILED
        assert service.kb.examine().is_sound
    finally:
        done.set()
        killer.join()
        service.close()


def test_a_failed_file_that_is_mended_is_indexed_by_the_next_sync(home: Home) -> None:
    mended = home.library / "book.pdf"
    whole = pdf_bytes("The gannet folds its wings.")
    mended.write_bytes(whole[:40])
    service = open_service(home)
    try:
        assert outcomes(service.sync())["book.pdf"] is Outcome.FAILED
        mended.write_bytes(whole)
        assert outcomes(service.sync())["book.pdf"] in (Outcome.ADDED, Outcome.UPDATED)
        hits = service.search(Query(text="gannet wings")).hits
        assert hits[0].source == "book.pdf"
        assert service.kb.examine().is_sound
    finally:
        service.close()


def test_a_file_that_failed_under_one_name_is_read_under_another(home: Home) -> None:
    wrong = home.library / "notes.json"
    wrong.write_text("The knot gathers in flocks; this is no JSON.\n")
    service = open_service(home)
    try:
        report = service.sync()
        assert outcomes(report)["notes.json"] is Outcome.FAILED
        assert "name it .txt" in reason(report, "notes.json")
        wrong.rename(home.library / "notes.txt")
        assert outcomes(service.sync())["notes.txt"] is not Outcome.FAILED
        assert service.search(Query(text="knot flocks")).hits[0].source == "notes.txt"
        assert service.kb.examine().is_sound
    finally:
        service.close()


def test_files_that_vanish_after_the_scan_are_told_of(home: Home) -> None:
    vanishing = home.library / "z vanishing.md"
    vanishing.write_text("# Gone\n\nSoon.\n")
    service = open_service(home)
    try:
        # The files before it are read first.
        report = service.sync(
            listen=lambda progress: vanishing.unlink(missing_ok=True) if progress.current else None
        )
        assert outcomes(report)["z vanishing.md"] is Outcome.FAILED
        assert "next sync" in reason(report, "z vanishing.md")
        check_the_rest(service, report)
        assert "z vanishing.md" in outcomes(service.sync())
        assert "z vanishing.md" not in outcomes(service.sync())
    finally:
        service.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(disk)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"a small file system can't be mounted here: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, leave_bytes: int) -> Path:
    """A file that takes all of a disk but so many bytes."""
    ballast = disk / "ballast"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - leave_bytes)
    return ballast


@pytest.mark.parametrize(
    "leave_bytes",
    [
        0,
        100_000,
        MIB,
    ],
)
def test_a_full_disk_loses_nothing_and_says_so(
    small_disk: Path, tmp_path: Path, leave_bytes: int
) -> None:
    home = Home(small_disk / "home")
    home.library.mkdir(parents=True)
    (home.library / "first.md").write_text("# Heron\n\nThe heron stands in the lake.\n")
    service = open_service(home, ocr={"enabled": False})
    try:
        service.sync()
        for number in range(24):
            picture = Image.effect_noise((700, 500), 90).convert("RGB")
            picture.paste(card(str(number), size=(320, 180)))
            (home.library / f"{number}.jpg").write_bytes(as_bytes(picture, "JPEG", quality=50))
        (home.library / "last.md").write_text("# Swift\n\nThe swift sleeps in the air.\n")
        ballast = fill(small_disk, leave_bytes)
        try:
            report = service.sync()
        except KnowledgeBaseError as error:
            told = str(error)
        else:
            told = " ".join(f.reason for f in report.files if f.outcome is Outcome.FAILED)
        assert "disk" in told
        assert "Free some space" in told
        assert service.search(Query(text="where does the heron stand")).hits[0].source == "first.md"

        ballast.unlink()
        report = service.sync()
        assert outcomes(report)["first.md"] is Outcome.UNCHANGED
        assert not report.counts[Outcome.FAILED]
        hits = service.search(Query(text="where does the swift sleep")).hits
        assert hits[0].source == "last.md"
        assert service.kb.examine().is_sound
    finally:
        service.close()
    assert workers() == []
