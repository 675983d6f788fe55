"""Exports and backups of an index, while it is open, and what answers where they are taken in."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from command_line import Said, run_here, run_program

from kb import Query, backup_library, export_library, import_library, reembed_library
from kb.build import open_knowledge_base
from kb.config import Config, Home
from kb.config.loading import load_config
from kb.errors import StoreInUseError
from kb.index.ledger import Ledger
from kb.moving import vectors
from kb.types import Outcome
from tests.made_home import make_home
from ui.service.service import Service


class _Moved(NamedTuple):
    """A home that was exported and backed up while it was open."""

    home: Home
    config: Config
    export: Path
    without_vectors: Path
    backup: Path
    service: Service


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Moved]:
    base = tmp_path_factory.mktemp("moving")
    home = Home(make_home(base / "old"))
    outside = base / "outside"
    outside.mkdir()
    (outside / "tank.md").write_text("# Tank\n\nThe tank holds 90 litres.\n")
    service = Service(home, load_config(home))
    try:
        service.sync()
        service.sync([outside])
        kept = service.kb.ledger.conversations
        conversation, number = kept.begin_turn(None, "How loud is the pump?", "The pump")
        kept.save_turn(conversation, number, "40 decibels", "")
        config = service.kb.config
        export, without = base / "kb.zip", base / "without.zip"
        export_library(home, config, export, with_vectors=True, listen=_nobody)
        export_library(home, config, without, with_vectors=False, listen=_nobody)
        backup_library(home, config, base / "backup", listen=_nobody)
        yield _Moved(home, config, export, without, base / "backup", service)
    finally:
        service.close()


@pytest.mark.parametrize("made_by", ["export", "backup"])
def test_all_answers_elsewhere_and_nothing_is_read_again(
    moved: _Moved, made_by: str, tmp_path: Path
) -> None:
    new = Home(tmp_path / "new")
    imported = import_library(new, getattr(moved, made_by), None, is_tried=False, listen=_nobody)
    assert imported.has_vectors
    assert imported.manifest.outside == (str(moved.home.path.parent / "outside"),)
    service = Service(new, load_config(new))
    try:
        assert {one.outcome for one in service.sync().files} == {Outcome.UNCHANGED}
        hit = service.search(Query("decibels")).hits[0]
        assert hit.source == "pump.md"
        assert hit.dense is not None
        old = moved.service.search(Query("decibels")).hits[0]
        assert hit.dense == pytest.approx(old.dense, abs=1e-6)
        record = service.kb.ledger.record(hit.chunk.document_sha256)
        assert record is not None
        assert record.document.sources == ((new.library, "pump.md"),)
        (conversation,) = service.kb.ledger.conversations.find()
        assert conversation.title == "The pump"
        assert service.kb.ledger.conversations.turns(conversation.id)[0].answer == "40 decibels"
        assert service.kb.examine().is_sound
    finally:
        service.close()


def test_vectors_that_do_not_travel_are_made_from_the_ledger(moved: _Moved, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")
    imported = import_library(new, moved.without_vectors, None, is_tried=False, listen=_nobody)
    assert not imported.has_vectors
    progress = reembed_library(new, imported.config, lambda _: None, threading.Event())
    assert progress.n_done == progress.n_total > 0
    with open_knowledge_base(new) as kb:
        assert kb.search(Query("decibels")).hits[0].dense is not None
        assert kb.examine().is_sound


def test_other_encoders_make_their_own(moved: _Moved, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")
    new.path.mkdir()
    new.config.write_text("encoder: {model: all-MiniLM-L6-v2}\n")
    tried = import_library(new, moved.export, None, is_tried=True, listen=_nobody)
    assert not tried.has_vectors
    assert [path.name for path in new.path.iterdir()] == ["kb.yaml"]
    imported = import_library(new, moved.export, None, is_tried=False, listen=_nobody)
    assert not imported.has_vectors
    assert imported.keeps_settings
    # Whatever is run next makes them; nobody has to know.
    with open_knowledge_base(new) as kb:
        kb.recover()
        assert kb.examine().is_sound
        assert kb.search(Query("decibels")).hits[0].source == "pump.md"


def test_vectors_that_the_engine_can_not_open_are_made_anew(
    moved: _Moved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of another version of it."""
    whole = vectors.copy_vectors

    def damaged(home: Home, config: Config, target: Path) -> object:
        identity = whole(home, config, target)
        for file in target.rglob("segment.json"):
            file.write_text("{}")
        return identity

    monkeypatch.setattr("kb.moving.snapshot.copy_vectors", damaged)
    export_library(moved.home, moved.config, tmp_path / "kb.zip", with_vectors=True, listen=_nobody)
    new = Home(tmp_path / "new")
    imported = import_library(new, tmp_path / "kb.zip", None, is_tried=False, listen=_nobody)
    assert not imported.has_vectors
    assert not new.shard.exists()


def test_an_index_that_is_being_written_is_waited_for(
    moved: _Moved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_WAIT_S", 0.2)
    ledger = Ledger(moved.home.ledger)
    point = "11111111-1111-4111-8111-111111111111"
    try:
        ledger.announce([point])
        with pytest.raises(StoreInUseError, match="without a pause"):
            vectors.copy_vectors(moved.home, moved.config, tmp_path / "copy")
        ledger.settle([point])
        assert vectors.copy_vectors(moved.home, moved.config, tmp_path / "copy")
    finally:
        ledger.close()


def test_the_commands_say_what_they_do(moved: _Moved, tmp_path: Path) -> None:
    """Beside the process that has the index open."""
    file, folder, new = tmp_path / "kb.zip", tmp_path / "backup", tmp_path / "new"
    made = _kb("export", str(file), "--home", str(moved.home.path), by=run_program)
    assert (made["n_files"], made["n_documents"], made["n_conversations"]) == (1, 2, 1)
    kept = _kb("backup", str(folder), "--home", str(moved.home.path), by=run_program)
    assert kept["n_new_bytes"] > 0
    assert _kb("backup", str(folder), "--verify")["n_states"] == 1
    taken = _kb("import", str(file), "--home", str(new))
    assert taken["has_vectors"]
    with closing(sqlite3.connect(new / "index" / "ledger.sqlite3")) as db:
        roots = {root for (root,) in db.execute("SELECT root FROM paths")}
    assert roots == {str(new / "library"), str(moved.home.path.parent / "outside")}
    again = run_here("import", str(file), "--home", str(new))
    assert again.code == 1
    assert "its library has files" in again.err


def test_an_import_names_the_keys_that_its_settings_want(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, file = Home(make_home(tmp_path / "old")), tmp_path / "kb.zip"
    home.config.write_text(
        "profile: starter\ngenerator:\n  kind: remote\n  model: m\n"
        "  url: http://127.0.0.1:11434/v1\n  api_key: $KB_TEST_KEY\n"
    )
    export_library(home, load_config(home), file, with_vectors=True, listen=_nobody)
    monkeypatch.delenv("KB_TEST_KEY", raising=False)

    tried = run_here("import", file, "--dry-run", "--home", tmp_path / "new")
    assert tried.code == 0, tried.err
    told = " ".join((tried.out + tried.err).split())
    assert "environment variable $KB_TEST_KEY, which is not set here" in told
    monkeypatch.setenv("KB_TEST_KEY", "k")
    tried = run_here("import", file, "--dry-run", "--home", tmp_path / "new")
    told = " ".join((tried.out + tried.err).split())
    assert "$KB_TEST_KEY, whose value here is sent to those servers" in told


def _kb(*arguments: str, by: Callable[..., Said] = run_here) -> dict[str, object]:
    done = by(*arguments, "--json")
    assert done.code == 0, done.err
    value: dict[str, object] = json.loads(done.out)
    return value


def _nobody(_doing: str, _n_done: int, _n_total: int) -> None:
    pass
