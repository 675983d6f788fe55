from __future__ import annotations

from kb.tracks import Track, TrackKind
from kb.types import Chunk, Kind, Locator, Modality, Span
from ui.service.spoken import SpokenLine, spoken_tracks, web_vtt

Line = tuple[float, float, str, str | None]


def window(*lines: Line, kind: Kind = Kind.VIDEO) -> Chunk:
    text, spans = "", []
    for start_s, end_s, words, anchor in lines:
        place = Locator(start_s=start_s, end_s=end_s, anchor=anchor)
        spans.append(Span(len(text), len(text) + len(words), place))
        text += words + "\n"
    place = Locator(start_s=0, end_s=64)
    return Chunk("id", "0" * 64, 0, kind, Modality.VIDEO, place, text, "", (), tuple(spans))


def test_each_track_has_its_own_lines_in_order_of_time() -> None:
    first = window(
        (4.0, 6.0, "Then wait.", "subtitles:en"),
        (1.0, 2.0, "Oil it.", "subtitles:en"),
        (1.0, 2.0, "Ölen.", "subtitles:de"),
        (0.0, 9.0, "CHAPTER 1", None),
    )
    # A chunk that begins with the last line of the one before.
    second = window((4.0, 6.0, "Then wait.", "subtitles:en"), (64.0, 65.0, "Done.", "subtitles:en"))

    tracks = spoken_tracks([second, first])

    assert list(tracks) == [
        Track(TrackKind.SUBTITLES, "de"),
        Track(TrackKind.SUBTITLES, "en"),
    ]
    assert [line.text for line in tracks[Track(TrackKind.SUBTITLES, "en")]] == [
        "Oil it.",
        "Then wait.",
        "Done.",
    ]


def test_a_documents_headings_are_no_tracks() -> None:
    assert spoken_tracks([window((1.0, 2.0, "x", "speech:en"), kind=Kind.HTML)]) == {}
    assert spoken_tracks([window((1.0, 2.0, "x", "introduction"))]) == {}


def test_a_text_track_holds_no_markup_and_no_other_times() -> None:
    lines = [SpokenLine(3_725.5, 3_725.5, "a <b>\n\n00:00.000 --> 00:01.000 &c")]
    assert web_vtt(lines) == (
        "WEBVTT\n\n01:02:05.500 --> 01:02:05.600\na &lt;b&gt; 00:00.000 --&gt; 00:01.000 &amp;c\n"
    )
