"""Events out of bytes, however they are cut."""

from __future__ import annotations

import random

import pytest

from kb.models.remote.events import EventDecoder

STREAM = (
    ": a comment\r\n\r\nevent: message\ndata: one\n\ndata:two\r\n\r\nretry: 5\n\n"
    'data: {"按": "ü"}\n\n\n\ndata: a\ndata:  b\ndata:\n\nid: 7\ndata: last'
).encode()
EVENTS = ["one", "two", '{"按": "ü"}', "a\n b\n", "last"]


@pytest.mark.parametrize("seed", range(20))
def test_in_any_pieces(seed: int) -> None:
    generator = random.Random(seed)
    cuts = sorted(generator.sample(range(len(STREAM)), 12))
    decoder = EventDecoder()
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True):
        found += decoder.feed(STREAM[start:end])
    assert found + decoder.end() == EVENTS
    assert decoder.beginning == STREAM.decode()[:80]


def test_an_event_is_given_when_it_is_whole() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: one\n") == []
    assert decoder.feed(b"\ndata: t") == ["one"]
    assert decoder.feed(b"wo\n\n") == ["two"]
    assert decoder.end() == []


def test_a_line_without_end_is_not_kept() -> None:
    decoder = EventDecoder()
    for _ in range(300):
        assert decoder.feed(b"x" * 65_536) == []
    assert decoder.beginning == "x" * 80
    assert decoder.end() == []
