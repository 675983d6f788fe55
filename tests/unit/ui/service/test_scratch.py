from __future__ import annotations

import os
import time
from pathlib import Path

from kb.config import Home
from ui.service.scratch import Scratch


def test_what_was_left_goes_at_start(tmp_path: Path) -> None:
    scratch = Scratch(Home(tmp_path), keep_s=60)
    left = scratch.page / "00" / "a.pdf"
    left.parent.mkdir(parents=True)
    left.write_text("left")
    scratch.clear()
    assert list(scratch.page.iterdir()) == []
    assert scratch.page.stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_a_question_leaves_nothing(tmp_path: Path) -> None:
    scratch = Scratch(Home(tmp_path), keep_s=60)
    with scratch.folder() as folder:
        (folder / "0.png").write_text("picture")
        assert folder.parent == tmp_path / "index" / "uploads"
    assert not folder.exists()


def test_old_uploads_are_swept_and_new_ones_stay(tmp_path: Path) -> None:
    scratch = Scratch(Home(tmp_path), keep_s=60)
    scratch.clear()
    old, new = scratch.page / "aa" / "old.pdf", scratch.page / "bb" / "new.pdf"
    for path in (old, new):
        path.parent.mkdir()
        path.write_text("x")
    long_ago_s = time.time() - 3600
    for path in (old, old.parent):
        os.utime(path, (long_ago_s, long_ago_s))
    scratch.sweep()
    assert not old.exists()
    assert new.exists()
    # Its folder was changed just now, by the deletion; later it goes, too.
    os.utime(old.parent, (long_ago_s, long_ago_s))
    scratch.sweep()
    assert not old.parent.exists()
    assert scratch.page.is_dir()
