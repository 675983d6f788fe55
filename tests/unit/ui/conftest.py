"""What the tests of the pages share."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_shelf import MadeShelf, made_shelf


@pytest.fixture
def shelf(tmp_path: Path) -> MadeShelf:
    """Made files and their chunks."""
    return made_shelf(tmp_path)
