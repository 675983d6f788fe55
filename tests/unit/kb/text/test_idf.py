from __future__ import annotations

import math

import pytest

from kb.text.idf import idf


def test_what_few_hold_weighs_most_and_nothing_less_than_nothing() -> None:
    found = idf(["all", "one", "none"], [{"all", "one"}, {"all"}, {"all"}])
    assert found["none"] > found["one"] > found["all"] > 0
    assert found["one"] == pytest.approx(math.log(1 + 2.5 / 1.5))


def test_among_nothing_all_are_alike() -> None:
    assert idf(["a", "b"], []) == {"a": math.log(2), "b": math.log(2)}
