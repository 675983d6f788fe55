from __future__ import annotations

import pytest

from kb.answer.extractive.superlatives import SUPERLATIVE, is_largest_meant


@pytest.mark.parametrize(
    ("question", "written", "is_largest"),
    [
        ("which one sold best", "Tickets", True),
        ("which one sold worst", "Tickets", False),
        ("which bag is the heaviest", "Weight in kg", True),
        ("which bag is the lightest", "Weight in kg", False),
        ("which bag is the cheapest", "Weight in kg", None),
        ("哪个最重", "重量（千克）", True),
        ("哪个最便宜", "重量（千克）", None),
        ("哪个最少", "数量", False),
    ],
)
def test_which_end_is_meant(question: str, written: str, is_largest: bool | None) -> None:
    found = SUPERLATIVE.search(question)
    assert found is not None
    assert is_largest_meant(found, written) is is_largest
