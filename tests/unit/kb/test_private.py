from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from kb.config import Home
from kb.index.ledger import Ledger
from kb.private import make_private

pytestmark = pytest.mark.skipif(os.name == "nt", reason="has no such modes")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def open_umask() -> object:
    before = os.umask(0o000)
    yield before
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_a_new_home_is_its_owners_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "new" / "home")
    make_private(home)
    for folder in (home.path, home.library, home.index, home.assets):
        assert mode(folder) == 0o700, folder


@pytest.mark.usefixtures("open_umask")
def test_an_open_home_is_closed_but_for_the_users_own_files(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for folder in (home.library, home.assets, home.path / "models"):
        folder.mkdir(parents=True)
    home.config.write_text("")
    (home.library / "a.txt").write_text("a")
    make_private(home)
    assert mode(home.path) == mode(home.library) == mode(home.index) == 0o700
    assert mode(home.path / "models") == 0o700
    assert mode(home.config) == mode(home.library / "a.txt") == 0o666


@pytest.mark.usefixtures("open_umask")
def test_a_folder_that_serves_something_else_stays_open(tmp_path: Path) -> None:
    home = Home(tmp_path / "project")
    home.index.mkdir(parents=True)
    (home.path / "Makefile").write_text("")
    make_private(home)
    assert mode(home.path) == 0o777
    assert mode(home.index) == mode(home.library) == 0o700


@pytest.mark.usefixtures("open_umask")
def test_what_a_link_leads_to_stays_open(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    home = Home(tmp_path / "home")
    home.path.mkdir()
    home.library.symlink_to(shared)
    make_private(home)
    assert mode(shared) == 0o777


@pytest.mark.usefixtures("open_umask")
def test_the_ledger_and_its_log_are_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "index" / "ledger.sqlite3"
    ledger = Ledger(path)
    ledger.add_roots([tmp_path])
    files = [Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm")]
    assert [mode(file) for file in files] == [0o600] * 3
    for file in files:
        file.chmod(0o644)
    Ledger(path).close()
    assert [mode(file) for file in files if file.exists()] == [0o600] * 3
    ledger.close()
