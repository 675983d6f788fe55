from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest import listening
from ingest.limits import MemoryLimit, listening_limit_s
from ingest.listening import Listener, heard_s
from ingest.parsers.base import Heard
from kb.config import IngestConfig, SoundConfig
from kb.types import Kind, Source

LONG = Source(Path("/"), "a.mp3", "audio/mpeg", Kind.AUDIO, "0" * 64, 1 << 30, 0)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(listening, "time", made)
    return made


def hear(_: Iterable[object]) -> Iterator[Heard]:
    for minute in (1, 2, 3):
        yield Heard((), 60.0 * minute, "")


def test_listening_ends_when_its_time_is_up(tmp_path: Path, clock: Clock) -> None:
    def hear_slowly(blocks: Iterable[object]) -> Iterator[Heard]:
        for piece in hear(blocks):
            clock.now_s += 50.0
            yield piece

    warnings: list[str] = []
    config = IngestConfig(sound=SoundConfig(time_limit_s=70.0))
    listener = Listener(hear_slowly, LONG, config, MemoryLimit(0, None), warnings.append, tmp_path)

    heard = []
    for piece in listener.listen([]):
        heard.append(piece.until_s)
        clock.now_s += 1000.0  # what others do meanwhile does not count

    assert heard == [60.0, 120.0]
    assert "up to 2:00: that took 100 s, over the limit of 70 s" in warnings[0]
    assert "--retry` goes on from there" in warnings[0]
    assert listener.spent_s == 100.0


def test_in_time_all_is_heard_and_nothing_told(tmp_path: Path) -> None:
    warnings: list[str] = []
    listener = Listener(hear, LONG, IngestConfig(), MemoryLimit(0, None), warnings.append, tmp_path)

    assert [piece.until_s for piece in listener.listen([])] == [60.0, 120.0, 180.0]
    assert not warnings


def test_others_see_how_far_it_has_come(tmp_path: Path) -> None:
    listener = Listener(hear, LONG, IngestConfig(), MemoryLimit(0, None), print, tmp_path)

    assert heard_s(tmp_path, LONG) is None
    assert [heard_s(tmp_path, LONG) for _ in listener.listen([])] == [60.0, 120.0, 180.0]
    assert heard_s(tmp_path, LONG) is None


@pytest.mark.parametrize(
    ("media_type", "kind", "size_bytes", "limit_s"),
    [
        ("audio/mpeg", Kind.AUDIO, 10_000, 60.0),
        ("video/mp4", Kind.VIDEO, 1_000_000, 100.0),
        ("audio/mpeg", Kind.AUDIO, 1 << 32, IngestConfig().sound.time_limit_s),
        ("message/rfc822", Kind.TEXT, 10_000, 60.0),
        ("application/pdf", Kind.PDF, 1 << 32, 0.0),
    ],
)
def test_the_time_grows_with_the_file(
    media_type: str, kind: Kind, size_bytes: int, limit_s: float
) -> None:
    source = replace(LONG, media_type=media_type, kind=kind, size_bytes=size_bytes)
    assert listening_limit_s(source, IngestConfig()) == limit_s
    assert listening_limit_s(source, IngestConfig(sound=SoundConfig(enabled=False))) == 0.0
