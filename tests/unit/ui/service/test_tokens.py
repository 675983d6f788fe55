from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kb.config import Home
from kb.errors import ConfigError
from kb.masking import masked
from ui.service.tokens import TOKEN_PREFIX, Tokens, TokenScope


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_token_is_told_once_and_kept_as_a_digest(home: Home) -> None:
    token = Tokens(home).create("n8n", [TokenScope.READ, TokenScope.ADD])
    assert token.startswith(TOKEN_PREFIX)
    kept = home.path / "tokens.json"
    assert token not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0
    found = Tokens(home).find(token.encode())
    assert found is not None
    assert (found.name, found.scopes) == ("n8n", {TokenScope.READ, TokenScope.ADD})
    assert token not in masked(f"It was {token}.")


@pytest.mark.parametrize("given", [b"", b"kbt_", b"kbt_x", b"\xff", b"kbt_" + b"a" * 43])
def test_another_is_not_found(home: Home, given: bytes) -> None:
    tokens = Tokens(home)
    assert tokens.find(given) is None
    token = tokens.create("a", [TokenScope.READ])
    assert tokens.find(given) is None
    assert tokens.find(token.encode() + b"x") is None
    assert tokens.find(token.encode()[:-1]) is None


def test_what_another_process_revokes_is_gone_at_once(home: Home) -> None:
    server = Tokens(home)
    tokens = {name: Tokens(home).create(name, [TokenScope.READ]) for name in "abc"}
    assert all(server.find(token.encode()) for token in tokens.values())
    Tokens(home).revoke("b")
    found = {name: server.find(token.encode()) is not None for name, token in tokens.items()}
    assert found == {"a": True, "b": False, "c": True}
    assert [one.name for one in server.all()] == ["a", "c"]
    (home.path / "tokens.json").unlink()
    assert server.find(tokens["a"].encode()) is None


def test_names_are_ones_own(home: Home) -> None:
    tokens = Tokens(home)
    tokens.create("a", [TokenScope.READ])
    with pytest.raises(ConfigError, match="There is a token 'a'"):
        tokens.create("a", [TokenScope.READ])
    for name in ("", "  ", "x" * 101, "a\nb", "\x1b[2J"):
        with pytest.raises(ConfigError, match="is no name"):
            tokens.create(name, [TokenScope.READ])
    with pytest.raises(ConfigError, match="There is no token 'b'"):
        tokens.revoke("b")


def test_those_made_at_once_are_all_kept(home: Home) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: Tokens(home).create(f"{n}", [TokenScope.READ]), range(16)))
    assert all(Tokens(home).find(token.encode()) for token in made)


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"name": "a"}]'])
def test_a_damaged_file_lets_nobody_in_and_says_so(home: Home, content: str) -> None:
    (home.path / "tokens.json").write_text(content)
    with pytest.raises(ConfigError, match="is damaged"):
        Tokens(home).find(b"kbt_x")
