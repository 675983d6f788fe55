"""Tokens on the Settings page."""

from __future__ import annotations

from ui.service.tokens import Token, TokenScope
from ui.web.html.tokens import NewToken, tokens_html

EVIL = '"><img src=x onerror=alert(1)>'


def test_what_is_kept_is_shown_and_escaped() -> None:
    kept = Token(
        name=EVIL, scopes=frozenset(TokenScope), sha256="0" * 64, created_s=1_790_000_000.0
    )
    made = tokens_html([kept], may_choose=True)
    assert EVIL not in made
    assert "may add, delete, read · made 2026-09-2" in made
    assert "0" * 64 not in made
    assert "kb-new-token" not in made


def test_a_new_one_is_shown_whole() -> None:
    made = tokens_html([], may_choose=True, new=NewToken("agent", "kbt_x"))
    assert ">kbt_x</code>" in made
    assert "No program has a token." in made


def test_who_may_not_make_one_is_told_where() -> None:
    made = tokens_html([], may_choose=False)
    assert "kb token create NAME" in made
    assert "data-token-make" not in made
