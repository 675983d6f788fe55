"""No text freezes a regular expression: its time grows as the text does, and no faster."""

from __future__ import annotations

import re

import pytest
from pattern_attacks import Found, attacks, find_patterns, is_frozen_by


def worst_text(one: Found) -> tuple[str, str, str] | None:
    """A text that freezes it: lead, what is repeated, and the end."""
    return next((attack for attack in attacks(one.pattern) if is_frozen_by(one, attack)), None)


@pytest.mark.parametrize(
    "text",
    [
        r"\s*(?:<!--.*?-->\s*)*<html\b",
        r"<(?:img|source)\b[^>]*>",
        r"(\d+\.?)+",
        r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$",
        r"(\*\*|__|\*|`)(?=\S)(.+?)(?<=\S)\1",
        r"(a|aa)+b",
        r"^(\s*)([#+\-=])",
    ],
)
def test_the_attack_finds_what_freezes(text: str) -> None:
    one = Found("", re.compile(text, re.DOTALL | re.MULTILINE), {"search", "match", "fullmatch"})
    assert worst_text(one)


@pytest.mark.parametrize("text", [r"[a-z]+\d", r"(?<!\s)\s++\[", r"<[^<>]*+>", r"\w+"])
def test_the_attack_lets_linear_ones_pass(text: str) -> None:
    assert not worst_text(Found("", re.compile(r"(?<![a-z])" + text), {"search"}))


PATTERNS = find_patterns()


def test_all_are_found() -> None:
    places = {one.where.split(":")[0].rsplit(".", 1)[0] for one in PATTERNS}
    assert len(PATTERNS) > 150
    assert {
        "ingest.decode.media",
        "ingest.parsers.linked_pictures",
        "kb.text.sentences",
        "ui.web.html.highlight",
    } <= places


@pytest.mark.parametrize("one", PATTERNS, ids=[one.where for one in PATTERNS])
def test_no_text_freezes_it(one: Found) -> None:
    assert not worst_text(one), "lead + n * pump + end: see pattern_attacks"
