"""Main content of real pages against what Readability's authors expect of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.html import run

FILES = Path(__file__).parents[2].parent / "shared" / "files"


@pytest.mark.skipif(not (FILES / "html-expected").is_dir(), reason="shared/files is not there")
def test_main_content_of_real_pages() -> None:
    scores = run(FILES)
    assert sum(score.f1 for score in scores) / len(scores) >= 0.95
    assert min(score.f1 for score in scores) >= 0.85
