"""Parsing a file as a worker does, without the process around it."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pymupdf
import pytest

import ingest.worker
from ingest.failures import ParserBugError
from ingest.parsers.base import ParseContext
from ingest.worker import ParsedFile, WorkerSettings, parse_file, read_file, unpack
from kb.config import IngestConfig
from kb.errors import IngestError, ParseError, SourceUnavailableError
from kb.index.assets import AssetStore
from kb.models.encoders.picture import PictureDescriptor
from kb.types import Box, Chunk, Kind, Locator, Modality, Segment, Source, Span

PROSE = "The valve opens when the pressure in the upper chamber rises over the set value. "


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path / "assets")


@pytest.fixture
def settings(assets: AssetStore, tmp_path: Path) -> WorkerSettings:
    return WorkerSettings(
        IngestConfig(),
        assets.root,
        PictureDescriptor(assets),
        tmp_path / "ocr",
        1,
        tmp_path / "spool",
        tmp_path / "speech",
        tmp_path / "models",
    )


@pytest.fixture
def manual(tmp_path: Path) -> Source:
    document = pymupdf.open()
    for number in range(3):
        page = document.new_page(width=595, height=842)
        page.insert_text((72, 90), f"{number + 1} Chapter on valves", fontsize=18)
        page.insert_textbox((72, 110, 523, 560), PROSE * (6 + 3 * number), fontsize=10.5)
        page.draw_rect((90 * number, 500, 300, 700), fill=(0.9, 0.2 * number, 0.1))
    path = tmp_path / "manual.pdf"
    path.write_bytes(document.tobytes())
    size_bytes = path.stat().st_size
    return Source(tmp_path, path.name, "application/pdf", Kind.PDF, "0" * 64, size_bytes, 0)


@pytest.fixture
def parsed(manual: Source, settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch) -> ParsedFile:
    # Without `initialise_worker`, whose limits would stay with the tests' own process.
    monkeypatch.setattr(ingest.worker, "_settings", settings)
    return parse_file(manual, "settings")


def test_each_picture_is_described(parsed: ParsedFile, assets: AssetStore) -> None:
    [(chunks, pictures)] = parsed.batches
    pictured = [chunk for chunk in chunks if chunk.modality is Modality.IMAGE]
    assert len(pictured) == 3
    assert set(pictures) == {chunk.id for chunk in pictured}
    stored = [PictureDescriptor(assets).encode_chunk(chunk)[0] for chunk in pictured]
    drawn = [pictures[chunk.id][0] for chunk in pictured]
    likeness = np.array(drawn) @ np.array(stored).T
    assert np.diag(likeness).min() > 0.97
    assert (likeness - 2 * np.eye(3)).max() < 0.97


def test_without_an_encoder_nothing_is_described(
    manual: Source, settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = replace(settings, pictures=None)
    monkeypatch.setattr(ingest.worker, "_settings", plain)
    parsed = parse_file(manual, "settings")
    [(chunks, pictures)] = parsed.batches
    assert chunks
    assert pictures == {}


def test_what_a_file_became_survives_the_way_to_another_process(parsed: ParsedFile) -> None:
    arrived = pickle.loads(pickle.dumps(parsed))
    [(chunks, pictures)], [(sent, described)] = arrived.batches, parsed.batches
    assert chunks == sent
    assert (arrived.title, arrived.warnings, arrived.date_ns) == (
        parsed.title,
        parsed.warnings,
        parsed.date_ns,
    )
    assert pictures.keys() == described.keys()
    for key, rows in described.items():
        np.testing.assert_array_equal(pictures[key], rows)


def test_the_settings_can_be_sent_to_a_worker(settings: WorkerSettings) -> None:
    arrived = pickle.loads(pickle.dumps(settings))
    assert arrived.pictures.fingerprint == settings.pictures.fingerprint


class Breaking:
    """A parser of which the third segment is what a test says."""

    version = 1
    media_types = frozenset({"text/plain"})

    def __init__(self, third: BaseException | Segment, n_good: int = 2) -> None:
        self._third = third
        self._n_good = n_good

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        for number in range(self._n_good):
            yield Segment(Modality.TEXT, Locator(page=number + 1), f"Page {number + 1}.")
        if isinstance(self._third, BaseException):
            raise self._third
        yield self._third


class UnpicklableError(Exception):
    """It takes two arguments and keeps a lambda: no other process can have it."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)
        self.two = lambda: two


@pytest.fixture
def note(tmp_path: Path) -> Source:
    path = tmp_path / "note.txt"
    path.write_text("Words.")
    return Source(tmp_path, path.name, "text/plain", Kind.TEXT, "0" * 64, 6, 0)


def read(
    note: Source, settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch, parser: Breaking
) -> ParsedFile:
    monkeypatch.setattr(ingest.worker, "_settings", settings)
    monkeypatch.setattr(ingest.worker, "parser_for", lambda _: parser)
    return unpack(read_file(note, "settings"))


def chunks_of(parsed: ParsedFile) -> list[Chunk]:
    return [chunk for batch in parsed.batches for chunk in batch.chunks]


SURPRISES = {
    "value": (ValueError("Exceeds the limit (4300 digits)"), "ValueError: Exceeds the limit", True),
    "mupdf": (RuntimeError("code=7: Invalid number of pages"), "Invalid number of pages", True),
    "pickle": (UnpicklableError("a", "b"), "UnpicklableError: a", True),
    "half a pair": (KeyError("\ud800"), "KeyError", True),
    "exit": (SystemExit(3), "SystemExit: 3", True),
    "interrupt": (KeyboardInterrupt(), "KeyboardInterrupt", True),
    "number": (OSError("not a picture"), "not a picture", True),
    "memory": (MemoryError(), "bytes of memory, the limit for its kind and its 6 bytes", False),
    "calloc": (RuntimeError("code=1: calloc (2 x 8 bytes) failed"), "bytes of memory", False),
    "depth": (RecursionError(), "too deep to be read", False),
    "format": (ParseError("The table can't be read beyond line 3."), "beyond line 3", False),
}


@pytest.mark.parametrize(("error", "told", "is_bug"), SURPRISES.values(), ids=SURPRISES)
def test_what_was_read_before_an_error_is_kept(
    note: Source,
    settings: WorkerSettings,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    told: str,
    is_bug: bool,
) -> None:
    parsed = read(note, settings, monkeypatch, Breaking(error))
    assert [chunk.text for chunk in chunks_of(parsed)] == ["Page 1.", "Page 2."]
    (*_, reason) = parsed.warnings
    assert "Only a part of the file was read" in parsed.warnings[0]
    assert told in reason
    assert bool(parsed.report) == is_bug
    assert ("Traceback" in parsed.report) == is_bug
    reason.encode()


@pytest.mark.parametrize(("error", "told", "is_bug"), SURPRISES.values(), ids=SURPRISES)
def test_a_file_that_breaks_its_parser_fails_with_a_reason(
    note: Source,
    settings: WorkerSettings,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    told: str,
    is_bug: bool,
) -> None:
    with pytest.raises(IngestError, match=re.escape(told)) as raised:
        read(note, settings, monkeypatch, Breaking(error, n_good=0))
    assert isinstance(raised.value, ParserBugError) == is_bug
    assert raised.value.source == "note.txt"


def test_a_file_that_vanished_half_way_is_not_kept_in_part(
    note: Source, settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceUnavailableError, match="next sync"):
        read(note, settings, monkeypatch, Breaking(FileNotFoundError(2, "No such file")))


def test_many_chunks_are_held_by_a_file_and_not_by_the_worker(
    note: Source, settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = Segment(Modality.TEXT, Locator(page=2001), "The last page.")
    monkeypatch.setattr(ingest.worker, "_settings", settings)
    monkeypatch.setattr(ingest.worker, "parser_for", lambda _: Breaking(last, n_good=2000))
    sent = read_file(note, "settings")
    assert len(sent) < 2000
    parsed = unpack(sent)
    assert parsed.batches.n_chunks == 2001
    chunks = chunks_of(parsed)
    assert [chunk.ordinal for chunk in chunks] == list(range(2001))
    assert chunks[-1].text == "The last page."


def test_a_long_file_that_is_not_kept_leaves_nothing_behind(
    note: Source, settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Breaking(FileNotFoundError(2, "No such file"), n_good=2000)
    with pytest.raises(SourceUnavailableError, match="next sync"):
        read(note, settings, monkeypatch, gone)
    assert not list(settings.spool.iterdir())


def test_what_the_ledger_can_not_hold_is_left_out(
    note: Source, settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    nan, inf = float("nan"), float("inf")
    strange = Segment(
        Modality.TEXT,
        Locator(10**30, (Box(nan, 0, 1, 1),), inf, -inf, "\udfff"),
        "a \ud83d b",
        "title \ud800",
        ("heading \udc00",),
        (Span(0, 1, Locator(1, (Box(0, 0, inf, 1),))),),
    )
    parsed = read(note, settings, monkeypatch, Breaking(strange, n_good=0))
    (chunk,) = chunks_of(parsed)
    assert chunk.locator == Locator(anchor="\ufffd")
    assert (chunk.text, chunk.title) == ("a \ufffd b", "title \ufffd")
    assert chunk.spans[0].locator == Locator(1)


def test_reading_ends_at_the_time_limit_with_what_there_is(
    note: Source, settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    brisk = replace(settings, config=IngestConfig(time_limit_s=0.001))
    slow = Breaking(Segment(Modality.TEXT, Locator(page=3), "Never."))
    clock = iter(range(100))
    monkeypatch.setattr(ingest.worker.time, "monotonic", lambda: next(clock))
    parsed = read(note, brisk, monkeypatch, slow)
    assert [chunk.text for chunk in chunks_of(parsed)] == ["Page 1."]
    assert "more than 0.001 s and was stopped" in parsed.warnings[0]


def test_what_a_parser_prints_does_not_get_into_the_output(settings: WorkerSettings) -> None:
    script = """
import os, pickle, sys
from ingest.worker import initialise_worker
initialise_worker(pickle.loads(bytes.fromhex(sys.argv[1])))
print("printed by Python", flush=True)
os.system("echo printed by a child")
os.write(1, b"printed by native code")
"""
    given = pickle.dumps(settings).hex()
    done = subprocess.run([sys.executable, "-c", script, given], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("printed by") == 3
