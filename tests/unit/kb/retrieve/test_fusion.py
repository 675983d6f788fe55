from __future__ import annotations

import numpy as np
import pytest

from kb.protocols import COSINE_MINIMUM
from kb.retrieve.fusion import ScoredList, fuse


def scores(*lists: ScoredList) -> dict[str, float]:
    fused = fuse(lists)
    return dict(zip(fused.ids, fused.scores.tolist(), strict=True))


def test_the_convex_combination_by_hand() -> None:
    dense = ScoredList({"a": 0.8, "b": 0.2}, 0.6, COSINE_MINIMUM)
    sparse = ScoredList({"b": 10.0, "c": 5.0}, 0.4, 0.0, absent=0.0)
    found = scores(dense, sparse)
    low = (0.2 + 1) / (0.8 + 1)
    assert found["a"] == pytest.approx(0.6)
    assert found["b"] == pytest.approx(0.6 * low + 0.4)
    assert found["c"] == pytest.approx(0.6 * low + 0.4 * 0.5), "absent takes the lowest cosine"


def test_a_list_that_found_nothing_gives_its_weight_away() -> None:
    only = ScoredList({"a": 4.0, "b": 2.0}, 0.2, 0.0, absent=0.0)
    assert scores(ScoredList({}, 0.8, COSINE_MINIMUM), only) == pytest.approx({"a": 1.0, "b": 0.5})


def test_a_list_without_weight_has_no_say() -> None:
    assert scores(ScoredList({"a": 1.0}, 0.0, 0.0), ScoredList({"b": 1.0}, 1.0, 0.0)) == {"b": 1.0}


def test_a_known_maximum_keeps_a_weak_best_weak() -> None:
    assert scores(ScoredList({"a": 0.3}, 1.0, 0.0, maximum=1.0))["a"] == pytest.approx(0.3)


def test_parts_sum_to_the_score_and_stay_within_bounds() -> None:
    random = np.random.default_rng(0)
    lists = [
        ScoredList({f"d{i}": float(random.uniform(-1, 1)) for i in range(20)}, 0.7, COSINE_MINIMUM),
        ScoredList({f"d{i}": float(random.uniform(0, 30)) for i in range(10, 30)}, 0.3, 0.0),
    ]
    fused = fuse(lists)
    assert fused.parts.shape == (30, 2)
    assert fused.parts.sum(axis=1) == pytest.approx(fused.scores)
    assert fused.scores.min() >= 0
    assert fused.scores.max() <= 1 + 1e-6


@pytest.mark.parametrize("lists", [[], [ScoredList({}, 1.0, 0.0)]])
def test_nothing_found(lists: list[ScoredList]) -> None:
    assert fuse(lists).ids == ()


def test_scores_at_their_minimum_say_nothing() -> None:
    assert scores(ScoredList({"a": 0.0}, 1.0, 0.0)) == {"a": 0.0}
