"""A sync of a real folder, with the real encoders, parsers and store."""

from __future__ import annotations

import gc
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from kb.config import Home
from kb.config.loading import load_config
from kb.errors import ConfigError, StoreInUseError
from kb.types import Outcome, Query, SyncReport
from ui.service.service import Service

OLD_S = 1_700_000_000


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    # Older than the clock's grain, so that the next scan takes it for unchanged.
    os.utime(path, (OLD_S, OLD_S))


def outcomes(report: SyncReport) -> dict[str, Outcome]:
    return {file.source: file.outcome for file in report.files}


def found(service: Service, text: str) -> list[str]:
    return [hit.source for hit in service.search(Query(text=text)).hits]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    home = Home(tmp_path / "home")
    write(home.library / "pump.md", "# Pump\n\nThe pump hums at 40 decibels.\n")
    write(home.library / "lamp.md", "# Lamp\n\nThe lamp glows blue while it charges.\n")
    write(home.library / "gate.md", "# Gate\n\nThe gate opens at seven in the morning.\n")
    service = Service(home, load_config(home))
    yield service
    service.close()


def test_add_change_move_copy_and_delete(service: Service) -> None:
    library = service.home.library
    assert set(outcomes(service.sync()).values()) == {Outcome.ADDED}
    assert found(service, "how loud is the pump")[0] == "pump.md"
    assert set(outcomes(service.sync()).values()) == {Outcome.UNCHANGED}
    ids = service.kb.ledger.chunk_ids()

    (library / "sub").mkdir()
    (library / "pump.md").rename(library / "sub" / "pump 2.md")
    shutil.copy2(library / "lamp.md", library / "copy of lamp.md")
    report = service.sync()
    assert outcomes(report) == {
        "sub/pump 2.md": Outcome.MOVED,
        "copy of lamp.md": Outcome.ADDED,
        "lamp.md": Outcome.UNCHANGED,
        "gate.md": Outcome.UNCHANGED,
    }
    assert next(f for f in report.files if f.outcome is Outcome.MOVED).reason == "from pump.md"
    assert service.kb.ledger.chunk_ids() == ids
    assert found(service, "how loud is the pump")[0] == "sub/pump 2.md"

    write(library / "gate.md", "# Gate\n\nThe gate stays shut in winter.\n")
    os.utime(library / "gate.md", (OLD_S + 9, OLD_S + 9))
    (library / "lamp.md").unlink()
    report = service.sync()
    assert outcomes(report)["gate.md"] is Outcome.UPDATED
    assert outcomes(report)["lamp.md"] is Outcome.REMOVED
    assert found(service, "lamp glows blue")[0] == "copy of lamp.md"
    (library / "copy of lamp.md").unlink()
    service.sync()
    texts = [hit.chunk.text for hit in service.search(Query(text="gate lamp seven")).hits]
    assert not any("glows" in text or "seven" in text for text in texts)
    assert service.kb.examine().is_sound


def test_to_open_a_library_leaves_the_collector_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    before = gc.get_threshold(), gc.get_freeze_count()
    Service(home, load_config(home)).close()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_touching_a_file_reads_nothing(service: Service) -> None:
    service.sync()
    os.utime(service.home.library / "pump.md", (OLD_S + 5, OLD_S + 5))
    assert outcomes(service.sync())["pump.md"] is Outcome.UNCHANGED


def test_dry_run_tells_and_changes_nothing(service: Service) -> None:
    report = service.sync(dry_run=True)
    assert set(outcomes(report).values()) == {Outcome.ADDED}
    assert service.kb.ledger.n_chunks() == 0
    assert service.kb.ledger.paths() == {}


def test_losing_more_than_half_stops_and_asks(service: Service) -> None:
    service.sync()
    library = service.home.library
    (library / "pump.md").unlink()
    (library / "lamp.md").unlink()
    with pytest.raises(ConfigError, match="--allow-mass-delete"):
        service.sync()
    assert found(service, "how loud is the pump")[0] == "pump.md"
    report = service.sync(allow_mass_delete=True)
    assert report.counts[Outcome.REMOVED] == 2
    assert found(service, "how loud is the pump") != ["pump.md"]


def test_moving_everything_is_not_losing_it(service: Service) -> None:
    service.sync()
    library = service.home.library
    for path in list(library.iterdir()):
        (library / "all").mkdir(exist_ok=True)
        path.rename(library / "all" / path.name)
    assert service.sync().counts[Outcome.MOVED] == 3


def test_a_missing_root_stops_and_asks(service: Service, tmp_path: Path) -> None:
    other = tmp_path / "drive"
    write(other / "siren.md", "# Siren\n\nThe siren wails at noon.\n")
    assert service.sync([other]).counts[Outcome.ADDED] == 1
    assert service.syncer.roots() == (service.home.library, other)
    shutil.move(other, tmp_path / "unplugged")
    with pytest.raises(ConfigError, match="Connect the drive"):
        service.sync()
    assert found(service, "siren wails")[0] == "siren.md"
    shutil.move(tmp_path / "unplugged", other)
    service.sync()
    assert service.syncer.forget(other) == 1
    with pytest.raises(ConfigError, match="is not in the index"):
        service.syncer.forget(other)
    assert service.syncer.roots() == (service.home.library,)
    assert (other / "siren.md").exists()
    assert "siren.md" not in found(service, "siren wails")


def test_a_folder_below_a_root_is_synced_alone(service: Service) -> None:
    write(service.home.library / "sub" / "horn.md", "# Horn\n\nThe horn is brass.\n")
    report = service.sync([service.home.library / "sub"])
    assert outcomes(report) == {"sub/horn.md": Outcome.ADDED}
    assert service.syncer.roots() == (service.home.library,)


def test_a_configuration_change_reads_again_just_what_it_touches(
    service: Service, tmp_path: Path
) -> None:
    home = service.home
    samples = home.library / "dot.png"
    from PIL import Image

    Image.new("RGB", (64, 48), "navy").save(samples)
    os.utime(samples, (OLD_S, OLD_S))
    service.sync()
    service.close()
    changed = load_config(home, overrides={"ingest": {"chunking": {"preset": "news"}}})
    again = Service(home, changed)
    try:
        result = outcomes(again.sync())
        assert result.pop("dot.png") is Outcome.UNCHANGED
        assert set(result.values()) == {Outcome.UPDATED}
        assert again.kb.examine().is_sound
    finally:
        again.close()


def test_one_bad_file_stops_nothing_and_is_retried_when_told(service: Service) -> None:
    library = service.home.library
    (library / "bad.pdf").write_bytes(b"%PDF-1.7 this is cut")
    (library / "empty.pdf").write_bytes(b"")
    (library / "program.bin").write_bytes(bytes(range(256)) * 64)
    for name in ("bad.pdf", "empty.pdf", "program.bin"):
        os.utime(library / name, (OLD_S, OLD_S))
    report = service.sync()
    failed = {f.source: f.reason for f in report.files if f.outcome is Outcome.FAILED}
    assert set(failed) == {"bad.pdf", "empty.pdf", "program.bin"}
    assert all(reason for reason in failed.values())
    assert report.counts[Outcome.ADDED] == 3
    start = time.perf_counter()
    again = service.sync()
    assert {f.source: f.reason for f in again.files if f.outcome is Outcome.FAILED} == failed
    assert time.perf_counter() - start < 60
    retried = service.sync(retry=frozenset(["bad.pdf"]))
    assert outcomes(retried)["bad.pdf"] is Outcome.FAILED


def test_an_unreadable_folder_keeps_what_it_held(service: Service) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read every folder")
    library = service.home.library
    write(library / "locked" / "safe.md", "# Safe\n\nThe safe has two keys.\n")
    service.sync()
    (library / "locked").chmod(0)
    try:
        report = service.sync()
    finally:
        (library / "locked").chmod(0o755)
    assert outcomes(report)["locked"] is Outcome.FAILED
    assert found(service, "safe keys")[0] == "locked/safe.md"


def test_two_processes_do_not_open_one_index(service: Service) -> None:
    service.sync()
    with pytest.raises(StoreInUseError):
        Service(service.home, service.config)


def test_a_rebuild_keeps_folders_and_conversations(service: Service, tmp_path: Path) -> None:
    other = tmp_path / "more"
    write(other / "siren.md", "# Siren\n\nThe siren wails at noon.\n")
    service.sync()
    service.sync([other])
    before = service.kb.ledger.chunk_ids()
    conversation, _ = service.kb.ledger.conversations.begin_turn(None, "How loud?", "How loud?")
    service.close()
    rebuilt = Service(service.home, service.config, rebuild=True)
    try:
        assert rebuilt.kb.ledger.n_chunks() == 0
        (turn,) = rebuilt.kb.ledger.conversations.turns(conversation)
        assert turn.question == "How loud?"
        rebuilt.sync()
        assert rebuilt.kb.ledger.chunk_ids() == before
        assert rebuilt.kb.examine().is_sound
    finally:
        rebuilt.close()


def test_the_doctor_mends_what_is_broken(service: Service) -> None:
    from PIL import Image

    picture = service.home.library / "dot.png"
    Image.new("RGB", (64, 48), "navy").save(picture)
    os.utime(picture, (OLD_S, OLD_S))
    service.sync()
    (asset,) = service.kb.assets.files()
    asset.unlink()
    stray = service.home.assets / "ab" / ("ab" * 32 + ".jpg")
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"stray")
    found = service.kb.examine()
    assert len(found.missing_assets) == len(found.orphan_assets) == 1
    service.kb.repair(found)
    service.sync()
    assert asset.exists()
    assert service.kb.examine().is_sound


def test_files_changing_while_they_are_read_are_left_for_the_next_sync(service: Service) -> None:
    from ingest import reading

    library = service.home.library
    original = reading._check_unchanged

    def change_first(job: reading.Job) -> None:
        if job.source.path == "pump.md":
            write(library / "pump.md", "# Pump\n\nThe pump is silent now.\n")
            os.utime(library / "pump.md", (OLD_S + 7, OLD_S + 7))
        original(job)

    reading._check_unchanged = change_first
    try:
        report = service.sync()
    finally:
        reading._check_unchanged = original
    assert outcomes(report)["pump.md"] is Outcome.FAILED
    assert outcomes(report)["lamp.md"] is Outcome.ADDED
    assert outcomes(service.sync())["pump.md"] in (Outcome.ADDED, Outcome.UPDATED)
    assert "silent" in service.search(Query(text="pump")).hits[0].chunk.text
    assert service.kb.examine().is_sound


def test_a_picture_that_is_too_large_keeps_no_page_from_being_found(service: Service) -> None:
    library = service.home.library
    picture = library / "plan.png"
    write(library / "horn.html", "<p>The horn is made of brass.</p><img src=plan.png alt=Plan>")
    write(picture, "")
    os.truncate(picture, 20 << 30)
    os.utime(picture, (OLD_S, OLD_S))
    start_s = time.monotonic()
    files = {file.source: file for file in service.sync().files}
    assert time.monotonic() - start_s < 60  # hashing it takes longer
    assert files["horn.html"].outcome is Outcome.PARTIAL
    assert "plan.png" in files["horn.html"].reason
    assert "max_file_bytes" in files["horn.html"].reason
    assert files["plan.png"].outcome is Outcome.FAILED
    assert found(service, "what is the horn made of")[0] == "horn.html"
    assert outcomes(service.sync())["horn.html"] is Outcome.UNCHANGED

    Image.new("RGB", (64, 64), "red").save(picture)
    assert outcomes(service.sync())["horn.html"] is Outcome.UPDATED
