"""The last step of an import, by several at once."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from kb.arrival import arrived, finish_import
from kb.config import Home


def test_of_two_that_finish_an_import_none_deletes_what_the_other_put_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    came = Home(arrived(home))
    for place, content in ((home, "old"), (came, "new")):
        place.index.mkdir(parents=True)
        place.ledger.write_text(content)
    others: list[threading.Thread] = []
    delete = shutil.rmtree

    def with_another(folder: Path, *, ignore_errors: bool) -> None:
        if not others:
            others.append(threading.Thread(target=finish_import, args=(home,)))
            others[0].start()
            others[0].join(timeout=0.3)
        delete(folder, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", with_another)
    finish_import(home)
    others[0].join()
    assert home.ledger.read_text() == "new"
    assert [path.name for path in home.path.iterdir()] == ["index"]
