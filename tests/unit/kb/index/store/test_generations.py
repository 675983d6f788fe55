"""The embedded store's folder: the current shard, leftovers, copies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from kb.errors import StoreUnavailableError
from kb.index.store.generations import Generations, Meta, copy_sparse, disk_bytes

IDENTITY = {"schema": "1", "dense": "text@1 (6)"}


def make_shard(path: Path, number: int) -> Path:
    shard = path / f"shard-{number:06d}"
    (shard / "segments").mkdir(parents=True)
    (shard / "segments" / "data").write_bytes(b"data")
    return shard


def test_what_was_written_is_read(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    assert generations.read() is None
    shard = make_shard(tmp_path, 3)
    generations.write(Meta(IDENTITY, shard.name))
    assert generations.read() == Meta(IDENTITY, shard.name)
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"shard": "shard-000001"}', '{"identity": 3}'])
def test_a_damaged_meta_file_is_told(tmp_path: Path, text: str) -> None:
    make_shard(tmp_path, 1)
    (tmp_path / "meta.json").write_text(text, "utf-8")
    with pytest.raises(StoreUnavailableError, match="kb sync --rebuild"):
        Generations(tmp_path).read()


def test_a_missing_shard_is_told(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    generations.write(Meta(IDENTITY, "shard-000009"))
    with pytest.raises(StoreUnavailableError, match="shard-000009 is missing"):
        generations.read()


def test_a_fresh_shard_has_a_number_of_its_own(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    assert generations.fresh().name == "shard-000001"
    make_shard(tmp_path, 7)
    (tmp_path / "shard-000011.lock").touch()
    assert generations.fresh().name == "shard-000012"


def test_leftovers_go_and_the_current_shard_stays(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        make_shard(tmp_path, number)
        (tmp_path / f"shard-{number:06d}.lock").touch()
    held = FileLock(tmp_path / "shard-000003.lock")
    with held:  # An orphaned compaction is still writing.
        Generations(tmp_path).remove_leftovers("shard-000002")
        assert {entry.name for entry in tmp_path.iterdir() if entry.is_dir()} == {
            "shard-000002",
            "shard-000003",
        }
    Generations(tmp_path).remove_leftovers("shard-000002")
    assert {entry.name for entry in tmp_path.iterdir()} == {"shard-000002", "shard-000002.lock"}


def test_a_copy_is_equal_and_keeps_holes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    n_bytes = 32 * 1024 * 1024 + 5
    with open(source / "deep" / "sparse", "wb") as file:
        file.seek(3 * 1024 * 1024 + 17)
        file.write(b"in the middle")
        file.truncate(n_bytes)
    (source / "empty").touch()
    (source / "plain").write_bytes(os.urandom(2_500_000))
    copy_sparse(source, tmp_path / "target")
    for name in ("deep/sparse", "empty", "plain"):
        assert (tmp_path / "target" / name).read_bytes() == (source / name).read_bytes()
    if hasattr(os.stat_result, "st_blocks"):
        assert disk_bytes(tmp_path / "target") < 8 * 1024 * 1024
