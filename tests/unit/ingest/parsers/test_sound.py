from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from made_sound import SPOKEN, add_sound, needs_speech, speech, tone, write_sound
from made_videos import RED, make_video, plain

from ingest.decode.media import sniff
from ingest.decode.speech import SpeechReader
from ingest.parsers import parser_for
from ingest.parsers.base import Heard, Listen, ParseContext
from kb.config import IngestConfig
from kb.errors import InferenceError, ModelLoadError, ParseError
from kb.models.speech import Utterance
from kb.types import Locator, Modality, Segment, Source

MISSING = "Speech is not transcribed here: faster-whisper is not installed."


class Parsed:
    def __init__(
        self, path: Path, listen: Listen | None, companions: tuple[Path, ...] = ()
    ) -> None:
        found = sniff(path)
        assert found
        source = Source(path.parent, path.name, *found, "0" * 64, 0, 0, companions)
        self.warnings: list[str] = []
        parser = parser_for(found[0])
        assert parser
        context = ParseContext(IngestConfig(), None, self.warnings.append, listen=listen)
        self.segments = list(parser.parse(source, context))


@pytest.fixture(scope="module")
def listen(tmp_path_factory: pytest.TempPathFactory) -> Listen:
    cache = tmp_path_factory.mktemp("speech")
    return SpeechReader(cache, "faster-whisper-base", Path("no models"), 2).hear


def missing(_: Iterable[object]) -> Iterator[Heard]:
    raise ModelLoadError(MISSING, model_id="faster-whisper")
    yield


def talk(*pieces: tuple[float, float, str]) -> Listen:
    """Hears these words, a minute at a time, whatever the sound is."""

    def hear(blocks: Iterable[object]) -> Iterator[Heard]:
        list(blocks)
        for start_s, end_s, text in pieces:
            yield Heard((Utterance(start_s, end_s, text),), end_s, "de")

    return hear


def lines(segment: Segment) -> dict[str, Locator]:
    return {segment.text[span.start : span.end]: span.locator for span in segment.spans}


@needs_speech
def test_a_recording_is_what_is_said_in_it(listen: Listen) -> None:
    parsed = Parsed(SPOKEN, listen)

    (segment,) = parsed.segments
    assert segment.modality is Modality.TEXT
    assert (segment.title, segment.headings) == ("maintenance", ("Speech in English",))
    (filter_line, filter_place), (pump_line, pump_place) = lines(segment).items()
    assert "two weeks with warm water" in filter_line
    assert "after 200 hours" in pump_line
    assert filter_place.start_s == segment.locator.start_s
    assert pump_place.end_s == segment.locator.end_s
    assert pump_place.start_s == pytest.approx(7.5, abs=0.5)
    assert not parsed.warnings


@needs_speech
def test_without_speech_nothing_is_indexed(tmp_path: Path, listen: Listen) -> None:
    with pytest.raises(ParseError, match=r"No speech was found .* silence, music or noise"):
        Parsed(write_sound(tmp_path / "a.flac", tone(4.0), "flac"), listen)


def test_long_talk_is_segments_of_about_a_minute(tmp_path: Path) -> None:
    said = [(20.0 * i, 20.0 * i + 18, f"Satz {i}.") for i in range(5)]
    path = write_sound(tmp_path / "a.flac", tone(0.5), "flac")

    segments = Parsed(path, talk(*said, (150.0, 151.0, "Nach der Pause."))).segments

    assert [(one.locator.start_s, one.locator.end_s) for one in segments] == [
        (0.0, 58.0),
        (60.0, 98.0),
        (150.0, 151.0),
    ]
    assert {one.headings for one in segments} == {("Speech in German",)}


def test_subtitles_beside_a_recording_win(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.flac", tone(0.5), "flac")
    (beside := tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,500\nAs written.\n")

    (segment,) = Parsed(path, talk((0.0, 1.0, "As heard.")), (beside,)).segments

    assert (segment.text, segment.headings) == ("As written.", ())
    assert segment.locator == Locator(start_s=1.0, end_s=2.5)


def test_subtitles_beside_a_recording_tell_their_language(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.flac", tone(0.5), "flac")
    beside = (tmp_path / "a.zh-Hans.srt", tmp_path / "a.de.srt")
    for one, words in zip(beside, ("你好。", "Guten Tag."), strict=True):
        one.write_text(f"1\n00:00:01,000 --> 00:00:02,500\n{words}\n", "utf-8")

    (segment,) = Parsed(path, missing, beside).segments

    assert {words: place.anchor for words, place in lines(segment).items()} == {
        "你好。": "subtitles:zh-Hans",
        "Guten Tag.": "subtitles:de",
    }


def test_a_recording_that_nothing_hears_says_what_to_install(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.flac", tone(0.5), "flac")
    with pytest.raises(ParseError, match=MISSING):
        Parsed(path, missing)
    with pytest.raises(ParseError, match=r"ingest\.sound\.enabled"):
        Parsed(path, None)


@pytest.mark.parametrize(
    "error",
    [InferenceError("Listening failed.", model_id="whisper"), ParseError("Its rate is absurd.")],
    ids=["model", "sound"],
)
def test_what_was_heard_before_something_failed_is_kept(tmp_path: Path, error: Exception) -> None:
    def breaks(blocks: Iterable[object]) -> Iterator[Heard]:
        yield from talk((0.0, 1.0, "Anfang."))(blocks)
        raise error

    parsed = Parsed(write_sound(tmp_path / "a.flac", tone(0.5), "flac"), breaks)

    assert [one.text for one in parsed.segments] == ["Anfang."]
    assert "Not all of its sound" in parsed.warnings[0]


@needs_speech
def test_what_is_said_in_a_video_stands_in_its_windows(tmp_path: Path, listen: Listen) -> None:
    silent = make_video(tmp_path / "silent.mp4", [(plain(RED), 13.0)], rate=2)
    parsed = Parsed(add_sound(silent, speech(), tmp_path / "a.mp4"), listen)

    (window,) = parsed.segments
    assert window.modality is Modality.VIDEO
    assert len(window.frames) == 13
    assert window.headings == ("Speech in English",)
    assert len(lines(window)) == 2
    assert [place.start_s for place in lines(window).values()] == [
        pytest.approx(0.8, abs=0.5),
        pytest.approx(7.5, abs=0.5),
    ]
    assert not parsed.warnings


def test_speech_falls_into_the_window_in_which_it_begins(tmp_path: Path) -> None:
    silent = make_video(tmp_path / "silent.mp4", [(plain(RED), 70.0)], rate=2)
    path = add_sound(silent, tone(0.5), tmp_path / "a.mp4")

    windows = Parsed(path, talk((1.0, 2.0, "Eins."), (63.0, 66.0, "Zwei."), (67.0, 68.0, "Drei.")))

    assert [one.text for one in windows.segments] == ["Eins.\nZwei.", "Drei.", ""]
    assert {place.anchor for place in lines(windows.segments[0]).values()} == {"speech:de"}
    assert windows.segments[2].headings == ()


def test_subtitles_of_a_video_win(tmp_path: Path) -> None:
    cues = [(0.0, 1.0, "As written.")]
    silent = make_video(tmp_path / "inside.mp4", [(plain(RED), 2.0)], subtitles=cues)
    video = make_video(tmp_path / "silent.mp4", [(plain(RED), 2.0)])
    beside = tmp_path / "a.vtt"
    beside.write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nAs written.\n")
    path = add_sound(video, tone(0.5), tmp_path / "a.mp4")

    for parsed in (
        Parsed(path, talk((0.0, 1.0, "As heard.")), (beside,)),
        Parsed(silent, talk((0.0, 1.0, "As heard."))),
    ):
        assert [(one.text, one.headings) for one in parsed.segments] == [("As written.", ())]
        assert lines(parsed.segments[0])["As written."].anchor == "subtitles:"


def test_a_video_that_nothing_hears_is_found_by_its_frames(tmp_path: Path) -> None:
    silent = make_video(tmp_path / "silent.mp4", [(plain(RED), 2.0)])
    path = add_sound(silent, tone(0.5), tmp_path / "a.mp4")

    parsed = Parsed(path, missing)
    assert [len(one.frames) for one in parsed.segments] == [2]
    assert parsed.warnings == [f"Its sound could not be listened to, or not all of it. {MISSING}"]
    # Without sound there is nothing to miss.
    assert not Parsed(silent, missing).warnings
    assert not Parsed(path, None).warnings


def test_a_video_of_sound_alone_is_a_recording(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "memo.webm", tone(1.0), "libopus", rate_hz=48_000)

    parsed = Parsed(path, talk((0.0, 1.0, "Ein Memo.")))
    assert [(one.modality, one.text) for one in parsed.segments] == [(Modality.TEXT, "Ein Memo.")]
    assert not parsed.warnings
    with pytest.raises(ParseError, match=f"only sound.*subtitles beside it.*{MISSING}"):
        Parsed(path, missing)
