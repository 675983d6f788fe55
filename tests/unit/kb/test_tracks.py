from __future__ import annotations

import pytest

from kb.tracks import Track, TrackKind


@pytest.mark.parametrize(
    "track",
    [Track(TrackKind.SPEECH, "en"), Track(TrackKind.SUBTITLES, "zh-Hans"), Track(TrackKind.SPEECH)],
)
def test_a_track_is_known_by_its_anchor(track: Track) -> None:
    assert Track.of(track.anchor) == track


@pytest.mark.parametrize("anchor", [None, "", "speech", "overview", "chapter:1"])
def test_other_anchors_are_no_track(anchor: str | None) -> None:
    assert Track.of(anchor) is None
