"""Keys of model servers, each for one address."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kb.config import Home
from kb.config.choosing import choose_generator
from kb.config.keys import keep_key, kept_key
from kb.config.loading import load_config
from kb.config.models import RemoteGeneratorConfig
from kb.errors import ConfigError

URL = "https://models.example/v1"
KEY = "a-long-key-of-letters"


def generator(home: Home) -> RemoteGeneratorConfig:
    section = load_config(home).generator
    assert isinstance(section, RemoteGeneratorConfig)
    return section


def test_a_key_goes_to_its_address_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    keep_key(home, URL, KEY)
    assert stat.S_IMODE(home.keys.stat().st_mode) == 0o600
    choose_generator(home, {"kind": "remote", "url": URL, "model": "m"})
    assert generator(home).api_key == KEY
    assert KEY not in home.config.read_text()
    assert KEY not in repr(load_config(home))
    for other in ("https://models.example/v2", "http://models.example/v1", "https://other/v1"):
        choose_generator(home, {"kind": "remote", "url": other, "model": "m"})
        assert generator(home).api_key is None


def test_the_key_of_the_file_wins(tmp_path: Path) -> None:
    home = Home(tmp_path)
    keep_key(home, URL, KEY)
    choose_generator(home, {"kind": "remote", "url": URL, "model": "m", "api_key": "$MINE"})
    assert generator(home).api_key == "$MINE"


def test_a_new_key_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    home = Home(tmp_path)
    keep_key(home, URL, "old")
    keep_key(home, "http://other/v1", KEY)
    keep_key(home, URL, "new")
    assert (kept_key(home, URL), kept_key(home, "http://other/v1")) == ("new", KEY)
    assert kept_key(home, "http://a/v1") is None


@pytest.mark.parametrize("content", ["[]", '{"a": 1}', "{", "\xff"])
def test_a_file_of_another_kind_says_what_to_do(tmp_path: Path, content: str) -> None:
    home = Home(tmp_path)
    home.keys.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match="Delete it, and give the keys again"):
        kept_key(home, URL)


def test_a_section_takes_the_place_of_a_name_and_back(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.config.write_text("# mine\nretrieve: {n_results: 5}\ngenerator: laptop\n")
    choose_generator(home, {"kind": "remote", "url": URL, "model": "a: {b}, #c"})
    assert generator(home).model == "a: {b}, #c"
    assert home.config.read_text().startswith("# mine\nretrieve: {n_results: 5}\ngenerator: {")
    choose_generator(home, "quotes")
    assert home.config.read_text() == "# mine\nretrieve: {n_results: 5}\ngenerator: quotes\n"
