from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kb.config import Home
from kb.config.loading import load_config
from kb.config.passwords import add_password
from kb.errors import ConfigError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "kb.yaml").write_text("ingest:\n  pdf_passwords: [first]\n")
    return Home(tmp_path)


def test_passwords_that_were_given_come_after_those_of_the_settings(home: Home) -> None:
    for password in ("zwei 二", "first", "zwei 二"):
        add_password(home, password)
    assert load_config(home).ingest.pdf_passwords == ("first", "zwei 二")
    assert stat.S_IMODE(home.passwords.stat().st_mode) == 0o600
    assert "zwei" not in repr(load_config(home))


@pytest.mark.parametrize("password", ["", "x" * 128])
def test_what_is_no_password_is_not_kept(home: Home, password: str) -> None:
    with pytest.raises(ConfigError, match="1 to 127 characters"):
        add_password(home, password)
    assert not home.passwords.exists()


def test_there_are_not_any_number_of_them(home: Home) -> None:
    for number in range(200):
        add_password(home, f"password {number}")
    with pytest.raises(ConfigError, match="kept already"):
        add_password(home, "one more")
    assert len(load_config(home).ingest.pdf_passwords) == 201


@pytest.mark.parametrize("content", ["{", "{}", "[1]", "\xff"])
def test_a_file_that_is_something_else_is_told_of(home: Home, content: str) -> None:
    home.passwords.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match="is not what was written"):
        load_config(home)
