"""A ledger that is damaged: every command says so and what to do, none calls a file unchanged
that it can't read, the doctor finds it, and `kb sync --rebuild` makes everything anew."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from made_damage import (
    broken_bodies,
    garbled_chunks,
    not_a_database,
    zeroed_chunks,
    zeroed_schema,
)

from kb.config import Home
from kb.config.loading import load_config
from kb.errors import StoreError
from kb.types import Query
from ui.cli.commands import main
from ui.http.api_errors import error_response
from ui.service.service import Service


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an index, and a folder beside it that was synced by name."""
    home = Home(tmp_path_factory.mktemp("sound") / "home")
    home.library.mkdir(parents=True)
    home.config.write_text("ingest: {ocr: {enabled: false}, workers: 1}\n")
    for bird in ("heron", "swift", "tern"):
        parts = (f"## Part {n}\n\nThe {bird} number {n} flies. " + "Words. " * 90 for n in range(9))
        (home.library / f"{bird}.md").write_text(f"# {bird}\n\n" + "\n\n".join(parts))
    beside = home.path.parent / "beside"
    beside.mkdir()
    (beside / "owl.md").write_text("# Owl\n\nThe owl hunts at night.\n")
    service = Service(home, load_config(home))
    try:
        service.sync()
        service.sync([beside])
    finally:
        service.close()
    with sqlite3.connect(home.ledger) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return home.path


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def home(indexed: Path, tmp_path: Path) -> Home:
    shutil.copytree(indexed, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def kb(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Runs the command line in this process."""

    def run(*words: str) -> Said:
        monkeypatch.setattr("sys.argv", ["kb", *words, "--home", str(home.path)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


@pytest.mark.parametrize("damage", [garbled_chunks, broken_bodies, not_a_database])
def test_every_command_says_that_the_ledger_is_damaged_and_what_to_do(
    home: Home, kb: Callable[..., Said], damage: Callable[[Path], None]
) -> None:
    damage(home.ledger)
    for words in (("sync",), ("search", "which heron flies"), ("ask", "which heron flies")):
        said = kb(*words)
        assert said.code == 1, (words, said)
        assert "ledger" in said.err, (words, said)
        assert "kb sync --rebuild" in said.err, (words, said)
        assert "unchanged" not in (said.out + said.err).lower()
        assert "Traceback" not in said.out + said.err
    # It reads files and counts; where those can be read, it may answer.
    said = kb("status")
    assert said.code == 0 or "kb sync --rebuild" in said.err
    assert "Traceback" not in said.out + said.err

    for option in ((), ("--repair",)):
        said = kb("doctor", "--json", *option)
        assert said.code == 1
        found = json.loads(said.out)
        assert found["is_sound"] is False
        assert found["ledger"]
    assert "kb sync --rebuild" in kb("doctor").out


@pytest.mark.parametrize("damage", [zeroed_chunks, zeroed_schema])
def test_a_rebuild_mends_it(
    home: Home, kb: Callable[..., Said], damage: Callable[[Path], None]
) -> None:
    damage(home.ledger)
    said = kb("sync", "--rebuild", "--json")
    assert said.code == 0, said
    files = {file["source"]: file["outcome"] for file in json.loads(said.out)["files"]}
    # Where its list of folders can be read, those are made anew as well.
    assert {name: files.pop(name) for name in ("heron.md", "swift.md", "tern.md")} == dict.fromkeys(
        ("heron.md", "swift.md", "tern.md"), "added"
    )
    assert files == ({"owl.md": "added"} if damage is zeroed_chunks else {})
    assert "heron" in kb("search", "which heron flies", "--json").out
    assert json.loads(kb("doctor", "--json").out)["is_sound"] is True
    assert "unchanged" in kb("sync", "--json").out


def test_garbage_in_the_log_loses_nothing(home: Home, kb: Callable[..., Said]) -> None:
    Path(f"{home.ledger}-wal").write_bytes(bytes(range(256)) * 64)
    assert kb("search", "which heron flies").code == 0
    assert kb("sync").code == 0
    assert json.loads(kb("doctor", "--json").out)["is_sound"] is True


def test_an_empty_file_in_its_place_is_filled_again(home: Home, kb: Callable[..., Said]) -> None:
    home.ledger.write_bytes(b"")
    said = kb("sync", "--json")
    assert json.loads(said.out)["counts"]["added"] == 3
    assert json.loads(kb("doctor", "--json", "--repair").out)["is_sound"] is True


def test_damage_that_comes_while_it_is_open_is_told_by_reads_and_stops_the_next_sync(
    home: Home,
) -> None:
    service = Service(home, load_config(home))
    try:
        service.sync()
        broken_bodies(home.ledger)
        with pytest.raises(StoreError, match="kb sync --rebuild") as raised:
            service.search(Query(text="which heron flies"))
        response = error_response(raised.value)
        assert response.status_code == 503
        assert b"kb sync --rebuild" in response.body
        with pytest.raises(StoreError, match="chunks are not what was written"):
            service.sync()
    finally:
        service.close()
