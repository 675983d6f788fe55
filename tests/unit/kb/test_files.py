"""Files that are written whole, and that come and go while they are looked at."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kb.files import move_whole, sha256_of, size_bytes, tree_bytes, write_whole


class TestWriteWhole:
    def test_it_replaces_what_was_there(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        write_whole(path, "größer\n")
        assert path.read_bytes() == "größer\n".encode()
        write_whole(path, b"\x00\r\n")
        assert path.read_bytes() == b"\x00\r\n"
        assert [entry.name for entry in tmp_path.iterdir()] == ["a"]

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
    def test_it_is_the_owners_alone_unless_others_are_to_read_it(self, tmp_path: Path) -> None:
        (tmp_path / "own").touch(0o666)
        before = os.umask(0o022)
        try:
            write_whole(tmp_path / "own", b"")
            write_whole(tmp_path / "shared", b"", mode=0o666)
        finally:
            os.umask(before)
        modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("own", "shared")]
        assert modes == [0o600, 0o644]

    def test_the_bytes_are_on_the_disk_before_the_name_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"old")
        fsync, seen = os.fsync, []

        def watched(descriptor: int) -> None:
            about = os.fstat(descriptor)
            what = "folder" if stat.S_ISDIR(about.st_mode) else about.st_size
            seen.append((what, path.read_bytes()))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", watched)
        write_whole(path, b"newer")
        folder = [] if os.name == "nt" else [("folder", b"newer")]
        assert seen == [(5, b"old"), *folder]

    def test_what_fails_leaves_the_old_and_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"old")

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_whole(path, b"new")
        assert path.read_bytes() == b"old"
        assert [entry.name for entry in tmp_path.iterdir()] == ["a"]

    def test_of_several_at_once_each_is_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        contents = [bytes([number]) * 100_000 for number in range(8)]
        write_whole(path, contents[0])
        with ThreadPoolExecutor(4) as pool:
            writes = [pool.submit(write_whole, path, content) for content in contents * 3]
            while not all(write.done() for write in writes):
                assert path.read_bytes() in contents
            for write in writes:
                write.result()
        assert path.read_bytes() in contents
        assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_file_is_moved_over_another(tmp_path: Path) -> None:
    written, path = tmp_path / "a.part", tmp_path / "a"
    written.write_bytes(b"new")
    path.write_bytes(b"old")
    move_whole(written, path)
    assert path.read_bytes() == b"new"
    assert not written.exists()


def test_the_size_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert size_bytes(path) is None
    assert size_bytes(path / "below") is None
    path.write_bytes(b"four")
    assert size_bytes(path) == 4
    assert size_bytes(path / "below") is None
    assert size_bytes(tmp_path) is None


def test_a_tree_counts_what_lies_below(tmp_path: Path) -> None:
    assert tree_bytes(tmp_path / "nothing") == 0
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "one").write_bytes(b"1")
    (tmp_path / "two").write_bytes(b"22")
    assert tree_bytes(tmp_path) == 3


def test_a_tree_in_which_files_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "stays").write_bytes(b"stays")
    is_over = threading.Event()

    def change() -> None:
        while not is_over.is_set():
            for number in range(20):
                folder = tmp_path / f"{number:02}"
                folder.mkdir()
                (folder / "goes").write_bytes(b"")
            for number in range(20):
                (tmp_path / f"{number:02}" / "goes").unlink()
                (tmp_path / f"{number:02}").rmdir()

    changing = threading.Thread(target=change)
    changing.start()
    try:
        assert {tree_bytes(tmp_path) for _ in range(300)} == {5}
    finally:
        is_over.set()
        changing.join()


def test_a_file_is_digested_once(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1111")
    two.write_bytes(b"2222")
    os.utime(one, ns=(0, 10**18))
    whole = hashlib.sha256(b"11112222").hexdigest()
    assert sha256_of([one, two]) == whole
    # Of the same size and time, so it is not read; a later time tells.
    one.write_bytes(b"3333")
    os.utime(one, ns=(0, 10**18))
    assert sha256_of([one, two]) == whole
    os.utime(one, ns=(0, 10**18 + 10**9))
    assert sha256_of([one, two]) == hashlib.sha256(b"33332222").hexdigest()
    assert sha256_of([one]) == hashlib.sha256(b"3333").hexdigest()
