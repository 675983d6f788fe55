from __future__ import annotations

import uuid
from dataclasses import replace

from kb.types import (
    Box,
    Chunk,
    Kind,
    Locator,
    Modality,
    Outcome,
    SourceOutcome,
    Span,
    SyncReport,
    chunk_id,
)


def test_chunk_ids_depend_on_content_place_order_and_configuration_alone() -> None:
    place = Locator(page=2, boxes=(Box(1, 2, 3, 4),))
    one = chunk_id("aa", place, 0, "v1")
    assert uuid.UUID(one).version == 5
    assert one == chunk_id("aa", Locator(page=2, boxes=(Box(1, 2, 3, 4),)), 0, "v1")
    others = {
        chunk_id("ab", place, 0, "v1"),
        chunk_id("aa", Locator(page=3, boxes=place.boxes), 0, "v1"),
        chunk_id("aa", Locator(page=2), 0, "v1"),
        chunk_id("aa", place, 1, "v1"),
        chunk_id("aa", place, 0, "v2"),
        chunk_id("aa", Locator(start_s=2.0), 0, "v1"),
    }
    assert len(others) == 6
    assert one not in others


def test_contextual_text_puts_each_heading_once_before_the_text() -> None:
    chunk = Chunk(
        "id",
        "doc",
        0,
        Kind.PDF,
        Modality.TEXT,
        Locator(),
        "Hold it.",
        "Manual",
        ("Manual", "Reset"),
    )
    assert chunk.contextual_text == "Manual › Reset\nHold it."
    bare = Chunk("id", "doc", 0, Kind.PDF, Modality.TEXT, Locator(), "Hold it.")
    assert bare.contextual_text == "Hold it."
    about = replace(chunk, about="Millrace Inc, 2018")
    assert about.contextual_text == "Manual › Millrace Inc, 2018 › Reset\nHold it."


def test_report_counts_every_outcome() -> None:
    report = SyncReport((SourceOutcome("a", Outcome.ADDED), SourceOutcome("b", Outcome.ADDED)), 1.0)
    assert report.counts[Outcome.ADDED] == 2
    assert report.counts[Outcome.FAILED] == 0
    assert set(report.counts) == set(Outcome)


def test_spans_narrow_the_place_of_words() -> None:
    cues = (
        Span(0, 4, Locator(start_s=1, end_s=3)),
        Span(5, 9, Locator(start_s=3, end_s=6)),
    )
    whole = Locator(start_s=0, end_s=64)
    clip = Chunk("c", "d", 0, Kind.VIDEO, Modality.VIDEO, whole, "one, two.", spans=cues)
    assert clip.place_of(5, 9) == Locator(start_s=3, end_s=6)
    assert clip.place_of(0, 9) == Locator(start_s=1, end_s=6)
    assert replace(clip, spans=()).place_of(0, 9) == whole
