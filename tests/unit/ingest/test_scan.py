from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.decode.media import MEDIA_TYPES, SUFFIXES
from ingest.scan import (
    LEADS_OUT,
    Found,
    check_place,
    find_companions,
    is_unchanged,
    walk,
)
from kb.errors import SourceUnavailableError
from kb.index.ledger import PathRecord
from kb.types import Kind

IGNORE = (".*", "*.tmp")
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


def found_in(root: Path, prefix: str = "") -> tuple[dict[str, Found], dict[str, str]]:
    problems: dict[str, str] = {}
    files = {f.path: f for f in walk(root, IGNORE, problems.__setitem__, prefix)}
    return files, problems


def record_of(found: Found, sha256: str = "aa") -> PathRecord:
    return PathRecord(
        found.root,
        found.path,
        sha256,
        found.size_bytes,
        found.mtime_ns,
        seen_ns=found.mtime_ns + 10_000_000_000,
        companions=find_companions(found),
    )


def test_walk_finds_files_with_any_name_and_passes_over_ignored(tmp_path: Path) -> None:
    names = ["a b.txt", "-dash.txt", 'it\'s "q".md', "zeile\numbruch.txt", "😀.png", "说明书.pdf"]
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    for name in names:
        (tmp_path / "sub" / "deep" / name).write_text("x")
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "half.tmp").write_text("x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("x")
    files, problems = found_in(tmp_path)
    assert set(files) == {f"sub/deep/{name}" for name in names}
    assert problems == {}
    assert set(found_in(tmp_path, "sub/deep/")[0]) == set(files)
    assert found_in(tmp_path, "sub/deep/")[0] == files


def test_links_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("x")
    (tmp_path / "real" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    files, problems = found_in(tmp_path)
    assert [path for path in files if path.endswith("a.txt")] == ["real/a.txt"]
    assert set(problems) == {"self", "gone"}
    assert "leads back to itself" in problems["self"]
    assert "not there" in problems["gone"]


def test_pipes_and_sockets_are_not_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert found_in(tmp_path) == ({}, {})


def test_names_that_are_not_unicode_are_reported(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/bad\xff.txt", "wb") as file:
        file.write(b"x")
    files, problems = found_in(tmp_path)
    assert files == {}
    assert "rename" in next(iter(problems.values()))


def test_subtitles_belong_to_the_video_beside_them(tmp_path: Path) -> None:
    for name in ("tour.mp4", "tour.srt", "tour.zh.vtt", "tours.srt", "alone.srt"):
        (tmp_path / name).write_text(name)
    files, _ = found_in(tmp_path)
    assert set(files) == {"tour.mp4", "tours.srt", "alone.srt"}
    assert files["tour.mp4"].siblings == ("tour.srt", "tour.zh.vtt")


def test_a_file_is_unchanged_until_size_time_or_companions_change(tmp_path: Path) -> None:
    video, subtitle = tmp_path / "a.mp4", tmp_path / "a.srt"
    video.write_text("v")
    subtitle.write_text("one")
    found = found_in(tmp_path)[0]["a.mp4"]
    known = record_of(found)
    assert is_unchanged(found, known)

    subtitle.write_text("another")
    assert not is_unchanged(found_in(tmp_path)[0]["a.mp4"], known)
    known = record_of(found_in(tmp_path)[0]["a.mp4"])
    (tmp_path / "a.en.srt").write_text("new")
    assert not is_unchanged(found_in(tmp_path)[0]["a.mp4"], known)
    subtitle.unlink()
    (tmp_path / "a.en.srt").unlink()
    assert not is_unchanged(found_in(tmp_path)[0]["a.mp4"], known)

    known = record_of(found_in(tmp_path)[0]["a.mp4"])
    os.utime(video, ns=(1, known.mtime_ns + 1))
    assert not is_unchanged(found_in(tmp_path)[0]["a.mp4"], known)


def test_a_picture_of_a_page_that_appears_later_changes_the_page(tmp_path: Path) -> None:
    (tmp_path / "faq.html").write_text("<p>Hello</p><img src='shot.png' alt='The window'>")
    found = found_in(tmp_path)[0]["faq.html"]
    known = record_of(found)
    assert [Path(c.path).name for c in known.companions] == ["shot.png"]
    assert is_unchanged(found, known)
    (tmp_path / "shot.png").write_bytes(PNG)
    assert not is_unchanged(found_in(tmp_path)[0]["faq.html"], known)


def test_a_file_hashed_right_after_it_was_written_is_hashed_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    found = found_in(tmp_path)[0]["a.txt"]
    fresh = PathRecord(found.root, "a.txt", "aa", 1, found.mtime_ns, time.time_ns())
    assert not is_unchanged(found, fresh)


def test_a_path_that_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    found = found_in(tmp_path)[0]["a.txt"]
    known = PathRecord(
        found.root, "a.txt", None, 1, found.mtime_ns, found.mtime_ns * 2, reason="No permission"
    )
    assert not is_unchanged(found, known)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_no_picture_of_a_page(tmp_path: Path, make: Callable[..., None]) -> None:
    (tmp_path / "faq.html").write_text("<p>Hello</p><img src=shot.png>")
    make(tmp_path / "shot.png")
    (found,) = [f for f in walk(tmp_path, (), lambda *_: None) if f.path == "faq.html"]
    assert [companion.size_bytes for companion in find_companions(found)] == [None]


@pytest.mark.parametrize(
    "suffix", [suffix for suffix, kind in SUFFIXES.items() if MEDIA_TYPES[kind] is Kind.VIDEO]
)
def test_subtitles_belong_to_every_kind_of_video(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"clip{suffix}").write_bytes(b"x")
    (tmp_path / "clip.en.srt").write_text("x")
    (found,) = walk(tmp_path, (), lambda *_: None)
    assert found.siblings == ("clip.en.srt",)


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A root with links of every kind, and a secret beside it."""
    root, outside = tmp_path / "root", tmp_path / "root and more"
    (root / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    (root / "sub" / "own.txt").write_text("own")
    (root / "to a file.txt").symlink_to(outside / "secret.txt")
    (root / "to a folder").symlink_to(outside, target_is_directory=True)
    (root / "to what is above").symlink_to(tmp_path, target_is_directory=True)
    (root / "to all").symlink_to("/", target_is_directory=True)
    (root / "climbing").symlink_to("../root and more", target_is_directory=True)
    (root / "through.txt").symlink_to(root / "to a folder" / "secret.txt")
    (root / "inside.txt").symlink_to("sub/own.txt")
    (root / "to the root").symlink_to(".", target_is_directory=True)
    return root


def test_links_that_lead_out_are_not_followed(linked: Path) -> None:
    files, problems = found_in(linked)
    assert set(files) == {"sub/own.txt", "inside.txt"}
    assert set(problems) == {
        "to a file.txt",
        "to a folder",
        "to what is above",
        "to all",
        "climbing",
        "through.txt",
    }
    assert set(problems.values()) == {LEADS_OUT}
    assert "ingest.follow_links" in LEADS_OUT


def test_links_that_lead_out_are_followed_where_that_is_configured(linked: Path) -> None:
    (linked / "to all").unlink()
    (linked / "to what is above").unlink()
    problems: dict[str, str] = {}
    files = {f.path for f in walk(linked, IGNORE, problems.__setitem__, follow_links=True)}
    assert problems == {}
    assert {"to a file.txt", "through.txt", "inside.txt", "sub/own.txt"} <= files
    assert len({path for path in files if path.endswith("/secret.txt")}) == 1


def test_a_root_that_is_a_link_itself_is_walked(linked: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(linked, target_is_directory=True)
    assert set(found_in(tmp_path / "alias")[0]) == {"sub/own.txt", "inside.txt"}


def test_folders_whose_names_are_not_unicode_are_reported(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff"))
    folder.mkdir()
    (folder / "a.txt").write_text("x")
    files, problems = found_in(tmp_path)
    assert files == {}
    (name,) = problems
    name.encode()
    assert "rename" in problems[name]


@pytest.mark.parametrize("seconds", [10_413_792_000, -9_300_000_000, 2**33, 0])
def test_times_beyond_64_bits_are_clamped(tmp_path: Path, seconds: int) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")
    os.utime(path, ns=(seconds * 10**9, seconds * 10**9))
    found = found_in(tmp_path)[0]["a.txt"]
    assert -(2**63) <= found.mtime_ns < 2**63
    assert is_unchanged(found, record_of(found))


def test_what_took_a_files_place_is_not_opened(linked: Path, tmp_path: Path) -> None:
    path = linked / "sub" / "own.txt"
    check_place(path, linked, follow_links=False)
    path.unlink()
    with pytest.raises(SourceUnavailableError, match="next sync"):
        check_place(path, linked, follow_links=True)
    os.mkfifo(path)
    with pytest.raises(SourceUnavailableError, match="no file any more"):
        check_place(path, linked, follow_links=True)
    path.unlink()
    path.symlink_to(tmp_path / "root and more" / "secret.txt")
    with pytest.raises(SourceUnavailableError, match="leads out"):
        check_place(path, linked, follow_links=False)
    check_place(path, linked, follow_links=True)
    (linked / "sub" / "own.txt").unlink()
    (linked / "sub").rmdir()
    (linked / "sub").symlink_to(tmp_path / "root and more", target_is_directory=True)
    with pytest.raises(SourceUnavailableError, match="leads out"):
        check_place(linked / "sub" / "secret.txt", linked, follow_links=False)
