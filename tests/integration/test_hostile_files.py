"""Files that are made to break the sync: each has an outcome and a reason, the others are
indexed, nothing is run, fetched or unpacked elsewhere, and time and memory stay bounded."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from made_hostile_files import (
    crowded_json,
    fetching_files,
    hostile_notes,
    raw_pdf,
    sparse_xlsx,
    write_hostile_files,
)

from kb.config import Home
from kb.config.loading import load_config
from kb.errors import InferenceError, KnowledgeBaseError, StoreUnavailableError
from kb.types import Chunk, Filters, Outcome, Query, SourceOutcome, SyncReport
from ui.service.service import Service

MIB = 1024 * 1024


@dataclass(frozen=True)
class Synced:
    """A library of hostile files after one sync."""

    service: Service
    names: list[str]
    outcomes: dict[str, SourceOutcome]
    took_s: float

    def chunks(self, source: str) -> list[Chunk]:
        (file,) = (file for file in self.service.files() if file.source == source)
        assert file.document_sha256
        return self.service.kb.ledger.chunks_of(file.document_sha256)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    home = Home(tmp_path_factory.mktemp("hostile") / "home")
    home.library.mkdir(parents=True)
    names = write_hostile_files(home.library)
    (home.library / "good.md").write_text("# Heron\n\nThe heron stands in the shallow lake.\n")
    os.mkfifo(home.library / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listening:
        # A socket's address has room for a short name alone.
        was = Path.cwd()
        os.chdir(home.library)
        try:
            listening.bind("socket.md")
        finally:
            os.chdir(was)
        settings = {"time_limit_s": 20, "ocr": {"enabled": False}}
        service = Service(home, load_config(home, overrides={"ingest": settings}))
        try:
            began_s = time.monotonic()
            report = service.sync()
            took_s = time.monotonic() - began_s
            yield Synced(service, names, {f.source: f for f in report.files}, took_s)
        finally:
            service.close()


def test_every_file_has_an_outcome_and_the_good_one_answers(synced: Synced) -> None:
    assert set(synced.outcomes) == {*synced.names, "good.md"}
    assert synced.outcomes["good.md"].outcome is Outcome.ADDED
    hits = synced.service.search(Query(text="where does the heron stand")).hits
    assert hits[0].source == "good.md"
    assert synced.service.kb.examine().is_sound
    assert synced.took_s < 240


def test_what_is_not_read_says_why_and_what_to_do(synced: Synced) -> None:
    for name, told in synced.outcomes.items():
        if told.outcome is not Outcome.ADDED:
            assert told.outcome in (Outcome.FAILED, Outcome.PARTIAL), name
            assert re.search(
                r"again|split|flatten|save|smaller|raise|correct|convert|complete copy|"
                r"was read without|damaged",
                told.reason,
                re.IGNORECASE,
            ), told


def test_no_failure_is_a_surprise(synced: Synced) -> None:
    """What is known to break readers has a reason of its own; only a bug is in this log."""
    log = synced.service.home.index / "bugs.log"
    assert not log.exists(), log.read_text()


@pytest.mark.parametrize("name", sorted(hostile_notes()))
def test_a_note_is_read_whatever_its_front_matter_says(synced: Synced, name: str) -> None:
    if name == "front control.md":  # no text: a control character in few others
        assert synced.outcomes[name].outcome is Outcome.FAILED
        return
    assert synced.outcomes[name].outcome is Outcome.ADDED
    assert any("fired at night" in chunk.text for chunk in synced.chunks(name))


@pytest.mark.parametrize(
    "name", ["digits.json", "digits.jsonl", "digits.csv", "digits.md", "digits.html", "digits.srt"]
)
def test_numbers_of_thousands_of_digits_are_read(synced: Synced, name: str) -> None:
    assert synced.outcomes[name].outcome is Outcome.ADDED
    text = "".join(chunk.text + chunk.title for chunk in synced.chunks(name)).lower()
    assert "kiln" in text
    if name.endswith((".json", ".jsonl", ".csv")):
        assert "9" * 1_000 in text


@pytest.mark.parametrize("year", ["1500", "1960", "2300"])
def test_files_of_any_year_are_read_and_stay_unchanged(synced: Synced, year: str) -> None:
    name = f"year {year}.md"
    assert synced.outcomes[name].outcome is Outcome.ADDED
    hits = synced.service.search(
        Query(text="kiln fired at night", filters=Filters(sources=(name,)))
    ).hits
    assert [hit.source for hit in hits] == [name]


def test_a_second_sync_reads_nothing_again(synced: Synced) -> None:
    report = synced.service.sync()
    read = [f.source for f in report.files if f.outcome in (Outcome.ADDED, Outcome.UPDATED)]
    assert read == []
    status = synced.service.status()
    assert all(failure.reason for failure in status.failures)


def test_nothing_of_another_file_gets_in_and_nothing_gets_out(synced: Synced) -> None:
    for chunk in synced.service.kb.ledger.all_chunks():
        assert "root:" not in chunk.text
        assert "haha" * 3 not in chunk.text
    outside = synced.service.home.path.parent
    assert not list(outside.rglob("escaped*"))
    assert not Path("/abs.txt").exists()


def open_service(home: Home, **ingest: object) -> Service:
    settings = {"workers": 1, "ocr": {"enabled": False}, **ingest}
    return Service(home, load_config(home, overrides={"ingest": settings}))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.library.mkdir(parents=True)
    (home.library / "a heron.md").write_text("# Heron\n\nThe heron stands in the lake.\n")
    (home.library / "m poison.md").write_text("# Poison\n\nThe poison is in this text.\n")
    (home.library / "z swift.md").write_text("# Swift\n\nThe swift sleeps in the air.\n")
    return home


def by_source(report: SyncReport) -> dict[str, SourceOutcome]:
    return {file.source: file for file in report.files}


def test_of_a_sheet_its_cells_alone_are_read(home: Home) -> None:
    (home.library / "sparse.xlsx").write_bytes(sparse_xlsx())
    service = open_service(home)
    try:
        assert by_source(service.sync())["sparse.xlsx"].outcome is Outcome.ADDED
    finally:
        service.close()


def test_a_file_that_eats_memory_is_stopped_early(home: Home) -> None:
    (home.library / "crowded.json").write_bytes(crowded_json())
    service = open_service(home, memory_limit_bytes=256 * MIB)
    try:
        told = by_source(service.sync())["crowded.json"]
        assert told.outcome is Outcome.FAILED
        # On a busy machine the system's own limit, which is lower, may come first.
        found = re.search(r"more than ([\d,]+) (MiB|bytes) of memory", told.reason)
        assert found, told.reason
        used = int(found[1].replace(",", ""))
        assert (used * MIB if found[2] == "MiB" else used) < 600 * MIB
    finally:
        service.close()


# -- what the sync itself does with a file's content ------------------------------------------


def poison(call: Callable[..., object], error: Exception) -> Callable[..., object]:
    """`call`, which fails on whatever holds the word."""

    def poisoned(*arguments: object) -> object:
        if "poison" in repr(arguments).lower():
            raise error
        return call(*arguments)

    return poisoned


@pytest.mark.parametrize(
    ("stage", "error"),
    [
        ("encode", MemoryError()),
        ("encode", ValueError("bad shape")),
        ("write", OverflowError("Python int too large to convert to SQLite INTEGER")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_content_does_to_the_sync_is_its_own_failure(
    home: Home, monkeypatch: pytest.MonkeyPatch, stage: str, error: Exception
) -> None:
    service = open_service(home)
    try:
        with monkeypatch.context() as patched:
            if stage == "encode":
                sparse = service.kb._encoders.sparse
                patched.setattr(sparse, "encode_chunks", poison(sparse.encode_chunks, error))
            else:
                ledger = service.kb.ledger
                commit = ledger.commit

                def failing(
                    documents: list[tuple[object, Iterable[Chunk], object]], tables: object
                ) -> object:
                    whole = [(record, [*chunks], paths) for record, chunks, paths in documents]
                    if any("poison" in c.text for _, chunks, _ in whole for c in chunks):
                        raise error
                    return commit(whole, tables)

                patched.setattr(ledger, "commit", failing)
            told = by_source(service.sync())
        assert told["a heron.md"].outcome is Outcome.ADDED
        assert told["z swift.md"].outcome is Outcome.ADDED
        assert told["m poison.md"].outcome is Outcome.FAILED
        assert type(error).__name__ in told["m poison.md"].reason
        assert "bugs.log" in told["m poison.md"].reason
        log = service.home.index / "bugs.log"
        assert "m poison.md" in log.read_text()
        assert "Traceback" in log.read_text()
        assert log.stat().st_mode & 0o077 == 0
        assert service.kb.examine().is_sound
        assert (
            by_source(service.sync(retry=frozenset()))["m poison.md"].outcome is not Outcome.FAILED
        )
        assert service.kb.examine().is_sound
    finally:
        service.close()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StoreUnavailableError("The store is down."), "The store is down"),
        (InferenceError("The server of the encoder is down."), "server of the encoder"),
        (OSError(28, "No space left on device"), "No space left"),
        (KeyboardInterrupt("Ctrl+C"), "Ctrl"),
    ],
)
def test_what_no_file_is_to_blame_for_ends_the_sync(
    home: Home, monkeypatch: pytest.MonkeyPatch, error: BaseException, told: str
) -> None:
    service = open_service(home)
    try:
        with monkeypatch.context() as patched:
            sparse = service.kb._encoders.sparse
            patched.setattr(sparse, "encode_chunks", poison(sparse.encode_chunks, error))
            kind = KnowledgeBaseError if isinstance(error, Exception) else KeyboardInterrupt
            with pytest.raises(kind, match=told):
                service.sync()
        assert not (service.home.index / "bugs.log").exists()
        report = by_source(service.sync())
        assert {file.outcome for file in report.values()} <= {Outcome.ADDED, Outcome.UNCHANGED}
        assert service.kb.examine().is_sound
    finally:
        service.close()


# -- what happens between the walk and the reading --------------------------------------------


def to_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def to_link(path: Path) -> None:
    secret = path.parent.parent.parent / "secret.md"
    secret.write_text("# Secret\n\nThe secret of another folder.\n")
    path.unlink()
    path.symlink_to(secret)


def to_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("change", [to_pipe, to_link, to_device])
def test_files_that_are_replaced_after_the_scan_fail_alone(
    home: Home, change: Callable[[Path], None]
) -> None:
    path = home.library / "z swift.md"
    changed: list[bool] = []

    def listen(progress: object) -> None:
        if getattr(progress, "current", "") and not changed:
            changed.append(True)
            change(path)

    service = open_service(home, time_limit_s=20)
    try:
        began_s = time.monotonic()
        told = by_source(service.sync(listen=listen))
        assert time.monotonic() - began_s < 15
        assert told["a heron.md"].outcome is Outcome.ADDED
        assert told["z swift.md"].outcome is Outcome.FAILED
        texts = " ".join(chunk.text for chunk in service.kb.ledger.all_chunks())
        assert "secret" not in texts.lower()
        assert service.kb.examine().is_sound
    finally:
        service.close()


def test_a_link_in_an_indexed_file_s_place_is_not_served(home: Home) -> None:
    service = open_service(home)
    try:
        service.sync()
        sha256s = {file.source: file.document_sha256 for file in service.files()}
        to_link(home.library / "z swift.md")
        assert service.original(sha256s["z swift.md"]) is None
        assert service.original(sha256s["a heron.md"]) == home.library / "a heron.md"
    finally:
        service.close()


# -- what would fetch something ----------------------------------------------------------------


def test_no_file_has_anything_fetched(home: Home) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        listening.settimeout(0.5)
        files = fetching_files(f"http://127.0.0.1:{listening.getsockname()[1]}")
        for name, data in files.items():
            (home.library / name).write_bytes(data)
        service = open_service(home, time_limit_s=20)
        try:
            told = by_source(service.sync())
            assert set(files) <= set(told)
            for name in ("page.html", "page.md", "lottie.json"):
                assert told[name].outcome is Outcome.ADDED, told[name]
            assert not any("root:" in chunk.text for chunk in service.kb.ledger.all_chunks())
            # Had anybody asked, the system would have taken the connection by itself.
            with pytest.raises(TimeoutError):
                listening.accept()
        finally:
            service.close()


# -- what a PDF may carry ---------------------------------------------------------------------

_SCRIPT = "app.alert('zebra script ran'); app.launchURL('http://127.0.0.1:9/zebra');"
_PAGE = "BT /F1 12 Tf 72 700 Td (The okapi lives in the forest.) Tj ET"


def pdf_with_actions(folder: Path) -> bytes:
    """A PDF with JavaScript, a launch action, links outward, and a file attached to it."""
    target = folder / "launched"
    return raw_pdf(
        "<</Type/Catalog/Pages 2 0 R/OpenAction 5 0 R/AA<</WC 6 0 R>>"
        "/Names<</JavaScript<</Names[(zebra) 5 0 R]>>"
        "/EmbeddedFiles<</Names[(zebra.txt) 8 0 R]>>>>>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/AA<</O 6 0 R>>"
        "/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
        "/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 595 842]/A 7 0 R>>]>>",
        f"<</Length {len(_PAGE)}>>stream\n{_PAGE}\nendstream",
        f"<</S/JavaScript/JS({_SCRIPT.replace('(', '[').replace(')', ']')})>>",
        f"<</S/Launch/F({target})/Win<</F(/bin/touch)/P({target})>>>>",
        "<</S/GoToR/F<</FS/URL/F(http://127.0.0.1:9/zebra.pdf)>>/D[0/Fit]>>",
        "<</Type/Filespec/F(zebra.txt)/EF<</F 9 0 R>>>>",
        "<</Type/EmbeddedFile/Length 27>>stream\nThe zebra file is attached.\nendstream",
    )


def test_what_a_pdf_would_run_open_or_fetch_stays_where_it_is(home: Home) -> None:
    (home.library / "okapi.pdf").write_bytes(pdf_with_actions(home.path))
    service = open_service(home)
    try:
        told = by_source(service.sync())["okapi.pdf"]
        assert told.outcome is Outcome.ADDED
        chunks = list(service.kb.ledger.all_chunks())
        assert any("okapi lives in the forest" in chunk.text for chunk in chunks)
        # Scripts, the names of actions and attached files are no content.
        assert not any("zebra" in repr(chunk).lower() for chunk in chunks)
        assert not (home.path / "launched").exists()
    finally:
        service.close()
