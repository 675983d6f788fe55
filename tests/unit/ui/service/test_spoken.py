from __future__ import annotations

from kb.types import Chunk, Kind, Locator, Modality, Span
from ui.service.spoken import SpokenLine, spoken_lines, web_vtt


def window(*lines: tuple[float, float, str], heading: str = "Speech in English") -> Chunk:
    text, spans = "", []
    for start_s, end_s, words in lines:
        spans.append(Span(len(text), len(text) + len(words), Locator(start_s=start_s, end_s=end_s)))
        text += words + "\n"
    headings = (heading,) if heading else ()
    place = Locator(start_s=0, end_s=64)
    return Chunk(
        "id", "0" * 64, 0, Kind.VIDEO, Modality.VIDEO, place, text, "", headings, tuple(spans)
    )


def test_words_on_the_screen_are_not_said() -> None:
    said = [(1.0, 2.0, "Oil it."), (4.0, 6.0, "Then wait.")]
    shown = [(0.0, 9.0, "CHAPTER 1"), (3.0, 9.0, "Oiling")]

    assert [line.text for line in spoken_lines([window(*said, *shown)])] == [
        "Oil it.",
        "Then wait.",
    ]
    # Lines of one picture are there at once.
    assert len(spoken_lines([window(*said, (7.0, 9.0, "A"), (7.0, 9.0, "B"))])) == 3


def test_subtitles_and_words_on_the_screen_are_no_speech() -> None:
    assert spoken_lines([window((1.0, 2.0, "Oil it."), heading="")]) == ()


def test_a_text_track_holds_no_markup_and_no_other_times() -> None:
    lines = [SpokenLine(3_725.5, 3_725.5, "a <b>\n\n00:00.000 --> 00:01.000 &c")]
    assert web_vtt(lines) == (
        "WEBVTT\n\n01:02:05.500 --> 01:02:05.600\na &lt;b&gt; 00:00.000 --&gt; 00:01.000 &amp;c\n"
    )
