from __future__ import annotations

from pathlib import Path

import pytest

from kb.errors import ConfigError
from ui.service.library import delete_file
from ui.service.uploads import add_file


@pytest.fixture
def content(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_text("content")
    return path


def test_only_files_of_the_library_are_deleted(tmp_path: Path, content: Path) -> None:
    library = tmp_path / "library"
    add_file(library, "a.txt", content)
    with pytest.raises(ConfigError, match="does not lie in the library"):
        delete_file(library, "../upload")
    assert content.exists()
    delete_file(library, "a.txt")
    assert not (library / "a.txt").exists()
    delete_file(library, "a.txt")
