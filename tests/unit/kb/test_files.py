"""Files that come and go while they are looked at."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

from kb.files import sha256_of, size_bytes, tree_bytes


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
