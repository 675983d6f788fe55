"""Sound is heard in pieces, each of them once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_sound import RATE_HZ, as_int16, needs_speech, noise, silence, speech

from ingest.decode import speech as reader_module
from ingest.decode.sound import BLOCK_S
from ingest.decode.speech import SpeechReader
from ingest.parsers.base import Samples

pytestmark = needs_speech


def blocks(samples: Samples) -> Iterator[Samples]:
    for start in range(0, len(samples), BLOCK_S * RATE_HZ):
        yield samples[start : start + BLOCK_S * RATE_HZ]


def reader(cache: Path) -> SpeechReader:
    return SpeechReader(cache, "faster-whisper-base", Path("no models"), 2)


def test_what_was_heard_before_is_not_heard_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = as_int16(speech())
    (first,) = reader(tmp_path).hear(blocks(sound))
    monkeypatch.setattr(reader_module, "SpeechModel", None)  # calling it would fail

    (again,) = reader(tmp_path).hear(blocks(sound))

    assert again == first
    assert first.until_s == pytest.approx(len(sound) / RATE_HZ)
    assert first.language == "en"
    assert len(first.utterances) == 2


def test_a_damaged_cache_is_heard_anew(tmp_path: Path) -> None:
    sound = as_int16(silence(1.0))
    (first,) = reader(tmp_path).hear(blocks(sound))
    (kept,) = tmp_path.rglob("*.json")
    kept.write_text("{")

    assert list(reader(tmp_path).hear(blocks(sound))) == [first]


def test_silence_needs_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "SpeechModel", None)
    pieces = list(reader(tmp_path).hear(blocks(as_int16(silence(250.0)))))

    assert [piece.until_s for piece in pieces] == [120.0, 240.0, 250.0]
    assert not any(piece.utterances or piece.language for piece in pieces)


def test_a_piece_ends_where_nobody_speaks(tmp_path: Path) -> None:
    said = speech()[: 5 * RATE_HZ]  # 1 s of silence, 3 s of speech
    sound = np.concatenate([silence(117.5), said, silence(5.0), noise(0.1)])

    first, second = reader(tmp_path).hear(blocks(as_int16(sound)))

    assert 117.5 < first.until_s < 119.0
    assert not first.utterances
    (one,) = second.utterances
    assert "two weeks with warm water" in one.text
    assert 118.0 < one.start_s < 119.0
