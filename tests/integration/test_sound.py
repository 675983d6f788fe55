"""What is said in recordings and videos, through a whole sync: found, cited to the second, and
honest where nothing is heard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from made_home import make_home
from made_sound import SPOKEN, add_sound, needs_speech, speech, tone, write_sound
from made_videos import BLUE, make_video, plain

from kb.config import Home
from kb.config.loading import load_config
from kb.types import Kind, Outcome, Query, SourceOutcome, SyncReport
from ui.service.service import Service

QUICK = "ingest: {workers: 1, ocr: {enabled: false}"


def by_name(report: SyncReport) -> dict[str, SourceOutcome]:
    return {file.source: file for file in report.files}


def put_video(path: Path, folder: Path) -> None:
    silent = make_video(folder / "silent.mp4", [(plain(BLUE), 13.0)], rate=2)
    add_sound(silent, speech(), path)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("sound")
    home = Home(make_home(folder / "home", QUICK + "}"))
    (home.library / "maintenance.opus").write_bytes(SPOKEN.read_bytes())
    write_sound(home.library / "beep.flac", tone(3.0), "flac")
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@b.c", "Voice mail"
    mail["Date"] = "Mon, 4 May 2026 10:00 +0000"
    mail.set_content("See what is attached.")
    mail.add_attachment(SPOKEN.read_bytes(), "audio", "ogg", filename="memo.ogg")
    (home.library / "voice.eml").write_bytes(mail.as_bytes())
    put_video(home.library / "clip.mp4", folder)
    service = Service(home, load_config(home))
    yield service
    service.close()


@needs_speech
def test_spoken_words_are_found_and_cited_to_the_second(service: Service) -> None:
    report = by_name(service.sync())

    assert {name: file.outcome for name, file in report.items()} == {
        "pump.md": Outcome.ADDED,
        "maintenance.opus": Outcome.ADDED,
        "clip.mp4": Outcome.ADDED,
        "voice.eml": Outcome.ADDED,
        "beep.flac": Outcome.FAILED,
    }
    assert "No speech was found" in report["beep.flac"].reason

    hits = service.search(Query(text="When does the pump need oil?")).hits
    spoken = next(hit for hit in hits if hit.source == "maintenance.opus")
    assert spoken.chunk.kind is Kind.AUDIO
    assert spoken.chunk.headings == ("Speech in English",)
    assert {"clip.mp4", "voice.eml"} <= {hit.source for hit in hits}

    answer = service.kb.answer(Query(text="How often must the filter be cleaned?"))
    (citation, *_) = answer.citations
    assert "every two weeks" in citation.quote
    assert citation.source in {"maintenance.opus", "clip.mp4", "voice.eml"}
    assert citation.locator.start_s is not None
    assert citation.locator.start_s < 1.5
    ((track, lines),) = service.spoken(spoken.chunk.document_sha256).items()
    assert (track.kind, track.language, len(lines)) == ("speech", "en", 2)


@needs_speech
def test_what_was_heard_once_is_not_listened_to_again(service: Service) -> None:
    service.sync()
    cache = service.home.index / "speech"
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*.json")}
    (service.home.library / "maintenance.opus").rename(service.home.library / "moved.opus")
    (service.home.library / "moved.srt").write_text("no times yet")  # which makes it another

    report = by_name(service.sync())

    assert report["moved.opus"].outcome is Outcome.PARTIAL
    assert "hold no line with times" in report["moved.opus"].reason
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.json")} == kept


def test_without_what_hears_it_is_said_and_videos_are_found_by_their_frames(
    tmp_path: Path,
) -> None:
    home = Home(make_home(tmp_path / "home", QUICK + ", sound: {model: /no/model}}"))
    (home.library / "maintenance.opus").write_bytes(SPOKEN.read_bytes())
    put_video(home.library / "clip.mp4", tmp_path)
    service = Service(home, load_config(home))
    try:
        report = by_name(service.sync())
    finally:
        service.close()

    said = r"faster-whisper is not installed|`ingest\.sound\.model` in kb\.yaml"
    assert report["maintenance.opus"].outcome is Outcome.FAILED
    assert report["clip.mp4"].outcome is Outcome.PARTIAL
    assert report["clip.mp4"].n_chunks == 1
    for name in ("maintenance.opus", "clip.mp4"):
        assert re.search(said, report[name].reason)
