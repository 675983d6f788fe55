"""docs/security.md names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_every_test_that_a_promise_names_is_there() -> None:
    page = (TESTS.parent / "docs" / "security.md").read_text("utf-8")
    named = set(re.findall(r"`((?:unit|contract|integration|browser)/[\w/]+\.py)`", page))
    assert len(named) > 20
    assert {name for name in named if not (TESTS / name).is_file()} == set()
