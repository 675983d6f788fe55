"""What all suites share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_qwen3_vl import make_checkpoint


@pytest.fixture(scope="session")
def tiny_qwen3_vl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a tiny Qwen3-VL checkpoint. Copy it before you change it."""
    return make_checkpoint(tmp_path_factory.mktemp("models") / "tiny-qwen3-vl")
