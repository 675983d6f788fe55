"""A home that moves, and one that it moves to."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.config import Home
from tests.made_moving import made_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return made_home(tmp_path / "old")


@pytest.fixture
def new(tmp_path: Path) -> Home:
    return Home(tmp_path / "new")
