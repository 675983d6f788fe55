"""Plain text by paragraphs, subtitles by cues."""

from __future__ import annotations

from pathlib import Path

import pytest
from parsing import parse

from ingest.parsers.text import TextParser
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Segment, Span


def read(
    content: str | bytes, folder: Path, name: str = "notes.txt", media_type: str = "text/plain"
) -> list[Segment]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    segments, warnings = parse(TextParser(), path, media_type)
    assert warnings == []
    return segments


def test_each_paragraph_knows_its_line(tmp_path: Path) -> None:
    segments = read("One\r\nstill one\r\n\r\n \r\n  Two.\rtoo\n\n\nThree", tmp_path)
    assert [(s.text, s.locator.anchor) for s in segments] == [
        ("One\nstill one", "L1"),
        ("  Two.\ntoo", "L5"),
        ("Three", "L9"),
    ]


def test_the_encoding_is_found(tmp_path: Path) -> None:
    text = "如何重置设备？请长按电源键十秒。"
    assert [s.text for s in read(text.encode("gb18030"), tmp_path)] == [text]


@pytest.mark.parametrize(
    ("content", "name", "title"),
    [
        ("Pump manual\n\nBody of it.", "a1.txt", "Pump manual"),
        ("Pump manual\n===========\nBody.", "a1.txt", "Pump manual"),
        ("A sentence that ends.\n\nBody.", "old notes.txt", "old notes"),
        ("Running on\nin the next line.\n\nBody.", "notes.txt", "notes"),
        ("import os\n\nprint(1)", "tool.py", "tool"),
        ("Just a line", "0042.txt", ""),
    ],
)
def test_the_title(content: str, name: str, title: str, tmp_path: Path) -> None:
    assert read(content, tmp_path, name)[0].title == title


SRT = (
    "\ufeff1\n00:00:01,000 --> 00:00:04,500\n<i>Hold</i> the key\nfor long\n\n"
    "2\n00:01:06,5 --> 01:00:07,000\nBye\n"
)
VTT = (
    "WEBVTT - x\n\nNOTE nothing\n\nintro\n00:01.000 --> 00:04.500 align:left\n"
    "<v Bob>Hold</v> the key\nfor long\n\n00:04.500 --> 00:05.000\nHold the key\nfor long\n\n"
    "01:06.500 --> 01:00:07.000\nBye"
)


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [(SRT, "a.srt", "application/x-subrip"), (VTT, "a.vtt", "text/vtt")],
)
def test_cues_have_seconds(content: str, name: str, media_type: str, tmp_path: Path) -> None:
    one, two = read(content, tmp_path, name, media_type)
    assert (one.text, one.locator.start_s, one.locator.end_s) == (
        "Hold the key\nfor long",
        1.0,
        4.5,
    )
    assert one.spans == (Span(0, len(one.text), one.locator),)
    assert (two.text, two.locator.start_s, two.locator.end_s) == ("Bye", 66.5, 3607.0)


def test_subtitles_without_cues_are_text(tmp_path: Path) -> None:
    assert [s.text for s in read("no times", tmp_path, "a.srt", "application/x-subrip")] == [
        "no times"
    ]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="empty"):
        read(" \n", tmp_path)


def test_a_huge_file_is_refused_by_size(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("line")
    with pytest.raises(SourceTooLargeError, match="Split it"):
        parse(TextParser(), path, "text/plain", size_bytes=1 << 30)
