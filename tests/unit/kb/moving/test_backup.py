"""Backups of a library: what is copied, kept, compared and taken back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kb.config import Config, Home
from kb.errors import ArchiveError, ConfigError, StoreInUseError
from kb.moving import backup
from kb.moving.backup import Backup, backup_library, verify_backup
from tests.made_moving import FILES, files_of, made_home, take_in


def back_up(home: Home, folder: Path) -> Backup:
    return backup_library(home, Config(), folder, listen=lambda *_: None)


def verify(folder: Path) -> tuple[int, int]:
    return verify_backup(folder, listen=lambda *_: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def test_only_what_is_new_is_copied(home: Home, folder: Path, new: Home) -> None:
    first = back_up(home, folder)
    assert first.n_new_bytes == sum(map(len, FILES.values()))
    assert back_up(home, folder).n_new_bytes == 0
    (home.library / "more.md").write_bytes(b"more")
    (home.library / "copy.md").write_bytes(FILES["pump.md"])
    (home.library / "empty.txt").unlink()
    assert back_up(home, folder).n_new_bytes == 4
    assert verify(folder) == (3, sum(map(len, FILES.values())) + 4)
    take_in(new, folder)
    assert files_of(new) == files_of(home)


def test_the_end_of_a_file_that_grew_is_copied(
    home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "BLOCK_BYTES", 1000)
    log = home.library / "log.txt"
    content = b"".join(b"line %06d\n" % number for number in range(1000))
    log.write_bytes(content)
    back_up(home, folder)
    log.write_bytes(content + b"more\n")
    assert back_up(home, folder).n_new_bytes == 5


def test_an_earlier_state_is_taken_back_by_the_file_that_tells_it(
    home: Home, folder: Path, new: Home
) -> None:
    first = back_up(home, folder)
    (home.library / "pump.md").write_bytes(b"# Other\n")
    back_up(home, folder)
    take_in(new, first.path)
    assert files_of(new) == FILES


def test_old_states_and_what_only_they_have_go(
    home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "N_KEPT", 2)
    for number in range(4):
        (home.library / "pump.md").write_bytes(b"%d" % number)
        back_up(home, folder)
    n_states, n_bytes = verify(folder)
    assert n_states == 2
    assert n_bytes == 100_000 + 2
    assert len(list((folder / "objects").glob("??/*"))) == 3


def test_damage_is_told_and_mended_by_the_next_backup(home: Home, folder: Path, new: Home) -> None:
    back_up(home, folder)
    part = next(
        path for path in (folder / "objects").glob("??/*") if path.stat().st_size == 100_000
    )
    part.write_bytes(b"y" * 100_000)
    with pytest.raises(ArchiveError, match=r"damaged.*not what was written"):
        verify(folder)
    with pytest.raises(ArchiveError, match=r"damaged.*not what was written"):
        take_in(new, folder)
    assert not new.path.exists()
    part.unlink()
    with pytest.raises(ArchiveError, match=r"damaged.*can't be read"):
        verify(folder)
    with pytest.raises(ArchiveError, match=r"damaged.*missing"):
        take_in(new, folder)
    assert back_up(home, folder).n_new_bytes == 100_000
    verify(folder)


def test_a_part_is_named_by_its_digest_alone(home: Home, folder: Path, new: Home) -> None:
    made = back_up(home, folder)
    manifest = json.loads(made.path.read_text())
    manifest["members"][0]["blocks"] = ["../../../secret"]
    made.path.write_text(json.dumps(manifest))
    with pytest.raises(ArchiveError, match="which no backup does"):
        take_in(new, folder)


def test_a_backup_that_fails_leaves_the_one_before(
    home: Home, folder: Path, new: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(home, folder)
    (home.library / "more.md").write_bytes(b"more")

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(backup, "settle_tree", full)
        with pytest.raises(ArchiveError, match=r"No space left.*as it was"):
            back_up(home, folder)
    assert verify(folder)[0] == 1
    take_in(new, folder)
    assert files_of(new) == FILES
    assert back_up(home, folder).n_new_bytes == 4


def test_other_folders_are_refused(home: Home, tmp_path: Path, new: Home) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.jpg").write_bytes(b"x")
    with pytest.raises(ConfigError, match="holds other files"):
        back_up(home, tmp_path / "mine")
    with pytest.raises(ConfigError, match="which it is to hold"):
        back_up(home, home.library / "backup")
    with pytest.raises(ArchiveError, match="holds no backup"):
        take_in(new, tmp_path / "mine")
    with pytest.raises(ArchiveError, match="holds no backup"):
        verify(tmp_path / "mine")


def test_two_at_a_time_are_told(home: Home, folder: Path) -> None:
    with backup._locked(folder), pytest.raises(StoreInUseError, match="Wait for it to end"):
        back_up(home, folder)


def test_another_home_does_not_push_out_the_states_of_the_first(
    home: Home, folder: Path, tmp_path: Path
) -> None:
    back_up(home, folder)
    other = made_home(tmp_path / "other")
    with pytest.raises(ConfigError, match=r"is the backup of .*old.*folder of its own"):
        back_up(other, folder)
    assert verify(folder)[0] == 1


def test_a_library_whose_disk_is_gone_does_not_push_out_what_it_held(
    home: Home, folder: Path, new: Home
) -> None:
    back_up(home, folder)
    home.library.rename(home.path / "elsewhere")
    with pytest.raises(ConfigError, match=r"no files, and had 3 .* disk connected"):
        back_up(home, folder)
    home.library.mkdir()
    with pytest.raises(ConfigError, match=r"no files, and had 3 .* disk connected"):
        back_up(home, folder)
    take_in(new, folder)
    assert files_of(new) == FILES
