from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kb.errors import StoreError
from ui.service.shown import Shown

HOME = Path("/home/somebody/data")
MANUALS = Path("/srv/files/manuals")


def shown(roots: Any) -> Shown:
    syncer = SimpleNamespace(roots=roots)
    return Shown(cast(Any, SimpleNamespace(home=SimpleNamespace(path=HOME), syncer=syncer)))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("No such file.", "No such file."),
        (f"{HOME}/index/ledger.sqlite3 is damaged.", "data/index/ledger.sqlite3 is damaged."),
        (f"{HOME}/library/a/b.pdf and {HOME}", "library/a/b.pdf and data"),
        (f"'{MANUALS}/pump.pdf' can't be opened", "'manuals/pump.pdf' can't be opened"),
        ("and/or", "and/or"),
    ],
)
def test_folders_lose_what_is_above_them(message: str, said: str) -> None:
    assert shown(lambda: (HOME / "library", MANUALS))(message) == said


def test_what_is_said_of_a_damaged_ledger_can_be_shown() -> None:
    def roots() -> tuple[Path, ...]:
        raise StoreError("damaged")

    assert shown(roots)(f"{HOME}/index is damaged") == "data/index is damaged"
