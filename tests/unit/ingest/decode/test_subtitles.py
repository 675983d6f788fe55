from __future__ import annotations

from pathlib import Path

import pytest
from made_videos import RED, make_video, plain

from ingest.decode.subtitles import Cue, parse_subtitles, read_embedded
from kb.errors import ParseError
from kb.tracks import Track, TrackKind

UNTOLD = Track(TrackKind.SUBTITLES)
SRT = """1
00:00:01,500 --> 00:00:04,000
<i>Press</i> and hold
the <b>reset</b> button.

2
00:01:02,250 --> 00:01:05,000 X1:10 X2:20
{\\an8}Wait for 10 &amp; 20 seconds.

3
01:00:00,000 --> 01:00:01,000
I <3 it & 1 < 2.
"""
VTT = """WEBVTT - a title

STYLE
::cue { color: red }

NOTE
00:00 is not a cue

intro
00:01.000 --> 00:03.000 align:start position:0%
<v Anna>Good <c.loud>morning</c>, <00:02.000>all.

00:00:05.000 --> 00:00:06.000

1:00:00.000 --> 1:00:01.500
The end
"""


def test_subrip() -> None:
    assert parse_subtitles(SRT.encode()) == (
        Cue(1.5, 4.0, "Press and hold the reset button.", UNTOLD),
        Cue(62.25, 65.0, "Wait for 10 & 20 seconds.", UNTOLD),
        Cue(3600.0, 3601.0, "I <3 it & 1 < 2.", UNTOLD),
    )


def test_webvtt() -> None:
    assert parse_subtitles(VTT.encode()) == (
        Cue(1.0, 3.0, "Good morning, all.", UNTOLD),
        Cue(3600.0, 3601.5, "The end", UNTOLD),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_charsets(encoding: str) -> None:
    words = "长按复位键十秒钟,直到指示灯闪烁。设备将恢复出厂设置。"
    text = f"1\r\n00:00:01,000 --> 00:00:02,000\r\n{words}\r\n"

    assert parse_subtitles(text.encode(encoding)) == (Cue(1.0, 2.0, words, UNTOLD),)


def test_cues_out_of_order_are_sorted() -> None:
    text = "00:00:09,0 --> 00:00:10,0\nlater\n\n00:00:01,0 --> 00:00:02,0\nsooner\n"

    assert [cue.text for cue in parse_subtitles(text.encode())] == ["sooner", "later"]


def test_cues_without_a_blank_line_between() -> None:
    text = "1\n00:00:01,0 --> 00:00:02,0\none\n2\n00:00:03,0 --> 00:00:04,0\ntwo\n"

    assert [cue.text for cue in parse_subtitles(text.encode())] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\none\n\nNOTE not said\nby anybody\n\n"
            "intro\n00:03.000 --> 00:04.000\ntwo\n",
            [(1.0, "one"), (3.0, "two")],
        ),
        (
            "1\n00:00:01,000 --> 00:00:02,000\nFrom 00:00:05,000 to 00:00:06,000\n",
            [(1.0, "From 00:00:05,000 to 00:00:06,000")],
        ),
        ("1\n100:00:01,000 --> 100:00:02,000\nlong\n", [(360_001.0, "long")]),
        ("1\n00:00:01,000 --> 00:00:02,000\nthe year was\n1984\n", [(1.0, "the year was 1984")]),
        (
            "1\n00:00:01,000 --> 00:00:02,000\na < b and c > d in {1, 2} of C:\\new\n",
            [(1.0, "a < b and c > d in {1, 2} of C:\\new")],
        ),
    ],
    ids=["notes", "times that are said", "days", "a number at the end", "no tags"],
)
def test_only_what_is_said_is_kept_and_all_of_it(text: str, cues: list[tuple[float, str]]) -> None:
    assert [(cue.start_s, cue.text) for cue in parse_subtitles(text.encode())] == cues


def test_an_end_before_the_start_is_the_start() -> None:
    assert parse_subtitles(b"00:00:05,000 --> 00:00:01,000\nx\n") == (Cue(5.0, 5.0, "x", UNTOLD),)


def test_rolling_captions_are_unrolled() -> None:
    text = (
        "WEBVTT\n\n00:00.000 --> 00:02.000\nfirst line\n\n"
        "00:02.000 --> 00:02.010\nfirst line\n\n"
        "00:02.010 --> 00:04.000\nfirst line\nsecond line\n\n"
        "00:04.000 --> 00:06.000\nsecond line\nthird line\n\n"
        "00:20.000 --> 00:22.000\nthird line\n"
    )

    assert [(cue.start_s, cue.text) for cue in parse_subtitles(text.encode())] == [
        (0.0, "first line"),
        (2.01, "second line"),
        (4.0, "third line"),
        (20.0, "third line"),
    ]


@pytest.mark.parametrize("data", [b"", b"WEBVTT\n", b"Just a letter.\n\nYours", bytes(range(256))])
def test_no_cues(data: bytes) -> None:
    assert parse_subtitles(data) == ()


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_embedded_tracks(tmp_path: Path, suffix: str) -> None:
    cues = [(0.5, 2.0, "Hello {\\i1}there{\\i0}"), (3.5, 5.0, "one\\Ntwo")]
    path = make_video(tmp_path / f"a.{suffix}", [(plain(RED), 6.0)], subtitles=cues)

    assert read_embedded(path) == (
        Cue(0.5, 2.0, "Hello there", UNTOLD),
        Cue(3.5, 5.0, "one two", UNTOLD),
    )


def test_an_embedded_track_tells_its_language(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mkv",
        [(plain(RED), 3.0)],
        subtitles=[(0.5, 2.0, "Guten Tag")],
        subtitle_language="ger",
    )

    assert [cue.track for cue in read_embedded(path)] == [Track(TrackKind.SUBTITLES, "de")]


def test_no_track_and_no_video(tmp_path: Path) -> None:
    assert read_embedded(make_video(tmp_path / "a.mp4", [(plain(RED), 1.0)])) == ()
    garbage = tmp_path / "b.mp4"
    garbage.write_bytes(b"\0" * 500)
    with pytest.raises(ParseError):
        read_embedded(garbage)
