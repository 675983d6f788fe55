"""Parsing a file as a worker does, without the process around it."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pymupdf
import pytest

import ingest.worker
from ingest.worker import ParsedFile, WorkerSettings, parse_file
from kb.assets import AssetStore
from kb.config import IngestConfig
from kb.encoders.picture import PictureDescriptor
from kb.types import Kind, Modality, Source

PROSE = "The valve opens when the pressure in the upper chamber rises over the set value. "


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path / "assets")


@pytest.fixture
def settings(assets: AssetStore, tmp_path: Path) -> WorkerSettings:
    return WorkerSettings(
        IngestConfig(), assets.root, PictureDescriptor(assets), tmp_path / "ocr", 1
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
    pictured = [chunk for chunk in parsed.chunks if chunk.modality is Modality.IMAGE]
    assert len(pictured) == 3
    assert set(parsed.pictures) == {chunk.id for chunk in pictured}
    stored = [PictureDescriptor(assets).encode_chunk(chunk)[0] for chunk in pictured]
    drawn = [parsed.pictures[chunk.id][0] for chunk in pictured]
    likeness = np.array(drawn) @ np.array(stored).T
    assert np.diag(likeness).min() > 0.97
    assert (likeness - 2 * np.eye(3)).max() < 0.97


def test_without_an_encoder_nothing_is_described(
    manual: Source, settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = WorkerSettings(settings.config, settings.assets, None, settings.ocr_cache, 1)
    monkeypatch.setattr(ingest.worker, "_settings", plain)
    parsed = parse_file(manual, "settings")
    assert parsed.chunks
    assert parsed.pictures == {}


def test_what_a_file_became_survives_the_way_to_another_process(parsed: ParsedFile) -> None:
    arrived = pickle.loads(pickle.dumps(parsed))
    assert arrived.chunks == parsed.chunks
    assert (arrived.title, arrived.warnings, arrived.date_ns) == (
        parsed.title,
        parsed.warnings,
        parsed.date_ns,
    )
    assert arrived.pictures.keys() == parsed.pictures.keys()
    for key, rows in parsed.pictures.items():
        np.testing.assert_array_equal(arrived.pictures[key], rows)


def test_the_settings_can_be_sent_to_a_worker(settings: WorkerSettings) -> None:
    arrived = pickle.loads(pickle.dumps(settings))
    assert arrived.pictures.fingerprint == settings.pictures.fingerprint
