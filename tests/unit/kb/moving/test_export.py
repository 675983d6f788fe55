"""Exports of a library, and what is refused at the import."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from filelock import FileLock

from kb.arrival import arrived, arriving, finish_import
from kb.config import Home
from kb.errors import ArchiveError, ConfigError, StoreInUseError
from kb.index.store.lock import acquire
from kb.moving import arrive
from kb.moving.manifest import MANIFEST
from tests.made_moving import FILES, export, files_of, rewritten, take_in


@pytest.fixture
def exported(home: Home, tmp_path: Path) -> Path:
    export(home, tmp_path / "kb.zip")
    return tmp_path / "kb.zip"


def test_files_come_with_their_paths_times_and_bytes(exported: Path, new: Home) -> None:
    take_in(new, exported)
    assert files_of(new) == FILES
    about = (new.library / "pump.md").stat()
    assert about.st_mtime_ns == 1_700_000_000_123_456_700
    assert os.name == "nt" or about.st_mode & 0o077 == 0
    assert sorted(path.name for path in new.path.iterdir()) == ["library"]


def test_any_program_that_reads_zip_files_gets_the_files_out(exported: Path) -> None:
    with zipfile.ZipFile(exported) as archive:
        assert archive.testzip() is None
        assert {f"library/{name}" for name in FILES} | {MANIFEST} == set(archive.namelist())
        manifest = json.loads(archive.read(MANIFEST))
    assert manifest["format"] == 1
    digests = {one["name"]: one["sha256"] for one in manifest["members"]}
    assert digests["library/pump.md"] == hashlib.sha256(FILES["pump.md"]).hexdigest()


def test_secrets_stay_and_other_settings_travel(home: Home, new: Home, tmp_path: Path) -> None:
    home.config.write_text(
        "profile: starter\n"
        "ingest:\n  pdf_passwords: [s3cr3t-one]\n  workers: 2\n  roots: [/mnt/drive]\n"
        "generator:\n  kind: remote\n  url: http://127.0.0.1:11434/v1\n  model: m\n"
        "  api_key: s3cr3t-two  # s3cr3t-three\n"
        "store:\n  url: http://me:s3cr3t-four@db:6333\n  api_key: $QDRANT_KEY\n"
    )
    (home.path / "tokens.json").write_text('["s3cr3t-five"]')
    home.index.mkdir()
    (home.index / "server.json").write_text('{"token": "s3cr3t-six"}')
    manifest = export(home, tmp_path / "kb.zip")
    with zipfile.ZipFile(tmp_path / "kb.zip") as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"s3cr3t" not in everything
    assert {name for name, why in manifest.left_out.items() if why == "a secret"} == {
        "kb.yaml: ingest.pdf_passwords",
        "kb.yaml: generator.api_key",
        "kb.yaml: store.url",
    }
    imported = take_in(new, tmp_path / "kb.zip")
    assert imported.leads_to == ("http://127.0.0.1:11434/v1", "/mnt/drive")
    assert imported.variables == ("$QDRANT_KEY",)
    config = new.config.read_text()
    assert "workers: 2" in config
    assert "$QDRANT_KEY" in config


def test_settings_that_are_there_stay(home: Home, new: Home, tmp_path: Path) -> None:
    home.config.write_text("ingest: {workers: 2, roots: [/mnt/drive]}\n")
    export(home, tmp_path / "kb.zip")
    new.path.mkdir()
    new.config.write_text("ingest: {workers: 3}\n")
    imported = take_in(new, tmp_path / "kb.zip")
    assert imported.keeps_settings
    assert imported.leads_to == ()
    assert imported.variables == ()
    assert new.config.read_text() == "ingest: {workers: 3}\n"
    assert files_of(new) == FILES


def test_a_trial_changes_nothing(exported: Path, new: Home) -> None:
    assert take_in(new, exported, is_tried=True).manifest.n_files == len(FILES)
    assert not new.path.exists()


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_links_travel_as_what_they_lead_to_inside_the_library(
    home: Home, new: Home, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (home.library / "out.txt").symlink_to(tmp_path / "secret.txt")
    (home.library / "in.md").symlink_to(home.library / "pump.md")
    (home.library / "folder").symlink_to(tmp_path)
    (home.library / os.fsdecode(b"not-utf8-\xff.txt")).write_bytes(b"x")
    manifest = export(home, tmp_path / "kb.zip")
    assert set(manifest.left_out) == {
        "library/out.txt",
        "library/folder",
        "library/not-utf8-\\udcff.txt",
    }
    take_in(new, tmp_path / "kb.zip")
    assert files_of(new) == {**FILES, "in.md": FILES["pump.md"]}
    assert not (new.library / "in.md").is_symlink()


def test_an_export_overwrites_nothing_and_holds_not_itself(home: Home, exported: Path) -> None:
    with pytest.raises(ConfigError, match="there already"):
        export(home, exported)
    with pytest.raises(ConfigError, match="lies in the library"):
        export(home, home.library / "kb.zip")


def test_an_export_that_fails_leaves_nothing(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "exports" / "kb.zip"

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(ArchiveError, match=r"No space left.*Nothing is left"):
        export(home, target)
    assert list(target.parent.iterdir()) == []


def test_what_a_killed_export_left_is_cleared_by_the_next(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "exports" / "kb.zip"
    target.parent.mkdir()
    target.with_name(".kb.zip.part").write_bytes(b"half")
    target.with_name(".kb.zip.work").mkdir()
    target.with_name(".kb.zip.lock").write_bytes(b"")
    export(home, target)
    assert list(target.parent.iterdir()) == [target]
    assert os.name == "nt" or target.stat().st_mode & 0o077 == 0


def test_two_exports_to_one_file_are_told(home: Home, tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".kb.zip.lock"),
        pytest.raises(StoreInUseError, match="Another export"),
    ):
        export(home, tmp_path / "kb.zip")


# -- what is refused -----------------------------------------------------------------------------


class _Harm(NamedTuple):
    says: str
    change: Callable[[dict[str, Any]], None] = lambda _: None
    members: dict[str, bytes | None] = {}  # noqa: RUF012


def _named(name: str) -> _Harm:
    def change(manifest: dict[str, Any]) -> None:
        digest = hashlib.sha256(b"x").hexdigest()
        member = {"name": name, "size_bytes": 1, "sha256": digest, "mtime_ns": 0}
        manifest["members"].append(member)

    return _Harm("names a file that is not taken in", change, {name: b"x"})


HARMS = {
    "above": _named("library/../../evil.txt"),
    "absolute": _named("/etc/evil.txt"),
    "outside": _named("evil.txt"),
    "token": _named("tokens.json"),
    "server": _named("index/server.json"),
    "vectors": _named("index/vectors.json"),
    "dot": _named("library/./evil.txt"),
    "library itself": _named("library"),
    "newer": _Harm("newer version", lambda m: m.update(format=2, members="otherwise")),
    "newer ledger": _Harm("newer version", lambda m: m.update(ledger_version=10_000)),
    "no manifest": _Harm("no manifest", lambda m: m.pop("members")),
    "missing": _Harm("is missing", members={"library/pump.md": None}),
    "untold": _Harm("does not tell", members={"library/more.md": b"x"}),
    "other size": _Harm("another size", members={"library/pump.md": b"# Pump"}),
    "other bytes": _Harm(
        "not what was written", members={"library/pump.md": b"# Pump\n\nIt hisses\n"[:17]}
    ),
    "twice": _Harm("twice", lambda m: m["members"].append(m["members"][0])),
    "time": _Harm("no manifest", lambda m: m["members"][0].update(mtime_ns=10**30)),
    "bomb": _Harm(
        "would unpack to",
        lambda m: m["members"].append(
            {"name": "library/b", "size_bytes": 1 << 45, "sha256": "0" * 64, "mtime_ns": 0}
        ),
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_would_do_harm_is_refused_and_changes_nothing(
    harm: str, exported: Path, new: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = HARMS[harm]
    changed = rewritten(exported, tmp_path / "changed.zip", made.change, made.members)
    if harm == "bomb":
        _grow(monkeypatch, "library/b", 1 << 45)
    with pytest.raises(ArchiveError, match=made.says):
        take_in(new, changed)
    assert not new.path.exists()
    assert not (tmp_path / "evil.txt").exists()


def _grow(monkeypatch: pytest.MonkeyPatch, name: str, n_bytes: int) -> None:
    """Have zip files tell of one more member, of another size than is in them."""
    listed = zipfile.ZipFile.infolist

    def infolist(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        info = zipfile.ZipInfo(name)
        info.file_size = n_bytes
        return [*listed(archive), info]

    monkeypatch.setattr(zipfile.ZipFile, "infolist", infolist)


def test_a_bomb_of_zeros_ends_where_its_manifest_says(
    exported: Path, new: Home, tmp_path: Path
) -> None:
    """What is told is small, and so is what is unpacked of it."""
    zeros = bytes(50 << 20)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        with zipfile.ZipFile(exported) as old:
            manifest = json.loads(old.read(MANIFEST))
            manifest["members"][0]["size_bytes"] = 10
            for name in old.namelist():
                if name != MANIFEST:
                    is_first = name == manifest["members"][0]["name"]
                    archive.writestr(name, zeros if is_first else old.read(name))
        archive.writestr(MANIFEST, json.dumps(manifest))
    with pytest.raises(ArchiveError, match="another size"):
        take_in(new, tmp_path / "b.zip")


def test_a_link_is_refused(exported: Path, new: Home, tmp_path: Path) -> None:
    changed = tmp_path / "changed.zip"
    shutil.copy(exported, changed)
    with zipfile.ZipFile(changed, "a") as archive:
        info = zipfile.ZipInfo("library/link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ArchiveError, match="holds a link"):
        take_in(new, changed)


def test_what_no_export_packs_so_is_refused(exported: Path, new: Home, tmp_path: Path) -> None:
    """Other decoders fail in other ways, and unpack far more."""
    with (
        zipfile.ZipFile(exported) as old,
        zipfile.ZipFile(tmp_path / "c.zip", "w", zipfile.ZIP_BZIP2) as changed,
    ):
        for name in old.namelist():
            changed.writestr(name, old.read(name))
    with pytest.raises(ArchiveError, match="packed as no export does"):
        take_in(new, tmp_path / "c.zip")


def test_every_changed_byte_is_told_or_means_nothing(
    exported: Path, new: Home, tmp_path: Path
) -> None:
    """Some bytes of a zip file say nothing that is read (times, a comment's length of a copy)."""
    whole = exported.read_bytes()
    n_refused = 0
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        changed = tmp_path / "changed.zip"
        changed.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            take_in(new, changed)
        except ArchiveError:
            n_refused += 1
            assert not new.path.exists()
        else:
            assert files_of(new) == FILES
            shutil.rmtree(new.path)
    assert n_refused > 30


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_file_that_was_cut_is_refused(
    exported: Path, new: Home, tmp_path: Path, share: float
) -> None:
    whole = exported.read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ArchiveError, match="can't be read as an export"):
        take_in(new, tmp_path / "cut.zip")


def test_a_zip_file_of_something_else_is_told(new: Home, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(ArchiveError, match="no export of `kb export`"):
        take_in(new, tmp_path / "other.zip")


def test_a_home_with_files_is_refused(exported: Path, home: Home) -> None:
    with pytest.raises(ConfigError, match=r"its library has files.*--home"):
        take_in(home, exported)
    assert files_of(home) == FILES


def test_a_disk_without_room_is_told(
    exported: Path, new: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(exported.parent)
    monkeypatch.setattr(arrive.shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
    with pytest.raises(ArchiveError, match="1 MiB free, and 64 MiB are needed"):
        take_in(new, exported)
    assert not new.path.exists()


def test_an_open_store_is_told(exported: Path, new: Home) -> None:
    lock = acquire(new.shard)
    try:
        with pytest.raises(StoreInUseError, match="open in another process"):
            take_in(new, exported)
    finally:
        lock.release()
    assert not new.library.exists()
    assert not arriving(new).exists()


# -- ended in the middle -------------------------------------------------------------------------


def test_an_import_that_is_ended_before_it_is_whole_has_not_happened(
    exported: Path, new: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(arrive, "settle_tree", ended)
        with pytest.raises(KeyboardInterrupt):
            take_in(new, exported)
    assert not new.path.exists()
    # Killed, it can't even tidy up.
    (arriving(new) / "library").mkdir(parents=True)
    (arriving(new) / "library" / "half.txt").write_text("half")
    take_in(new, exported)
    assert files_of(new) == FILES
    assert not arriving(new).exists()


def test_an_import_that_is_ended_when_it_is_whole_is_finished_by_who_comes_next(
    exported: Path, new: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(home: Home) -> None:
        if arrived(home).exists():
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(arrive, "finish_import", ended)
        with pytest.raises(KeyboardInterrupt):
            take_in(new, exported)
    new.library.mkdir()
    (new.library / "own.txt").write_text("own")
    with pytest.raises(ConfigError, match="must be empty"):
        finish_import(new)
    (new.library / "own.txt").unlink()
    finish_import(new)
    assert files_of(new) == FILES
    assert not arrived(new).exists()
