"""Qwen3-VL against what the published code gave, by the benchmark that reports it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.parity import PARITY, differences

PARITY_SET = Path(__file__).parents[3] / "shared" / "parity"


@pytest.mark.skipif(
    not PARITY_SET.is_dir(), reason="needs shared/parity: the published code's outputs"
)
def test_embeddings_and_scores_are_the_published_ones() -> None:
    found = differences(PARITY_SET)
    assert PARITY == 1e-4
    for stage, shown in (("embedding of", "text"), ("embedding of", "image + text"),
                         ("embedding of", "video"), ("score of", "image")):  # fmt: skip
        assert any(name.startswith(stage) and shown in name for name in found)
    too_large = {name: value for name, value in found.items() if not value <= PARITY}
    assert not too_large
