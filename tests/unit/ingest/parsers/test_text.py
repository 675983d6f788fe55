"""Plain text by paragraphs, subtitles by cues."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from parsing import parse

from ingest.parsers import text
from ingest.parsers.base import ParseContext
from ingest.parsers.text import TextParser
from kb.config import IngestConfig
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Kind, Segment, Source, Span


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
    words = "如何重置设备？请长按电源键十秒。"
    assert [s.text for s in read(words.encode("gb18030"), tmp_path)] == [words]


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


def test_huge_subtitles_are_refused_by_size(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text(SRT)
    with pytest.raises(SourceTooLargeError, match="Split it"):
        parse(TextParser(), path, "application/x-subrip", size_bytes=1 << 30)


@pytest.mark.parametrize("line", ["a line of the log\n", "no line ends, "])
def test_of_a_huge_text_little_is_in_memory(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "_BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(text, "_MAX_PARAGRAPH_CHARS", 1 << 14)
    path = tmp_path / "a.log"
    n_lines = 200_000
    path.write_text(line * n_lines)
    n_bytes = path.stat().st_size
    source = Source(tmp_path, path.name, "text/plain", Kind.TEXT, "0" * 64, n_bytes, 0)
    tracemalloc.start()
    n_chars = n_last = 0
    for segment in TextParser().parse(source, ParseContext(IngestConfig(), None, print)):
        n_chars += len(segment.text)
        n_last = int((segment.locator.anchor or "L0")[1:])
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < n_bytes / 4
    assert n_bytes - 2000 < n_chars <= n_bytes
    assert n_last > 0.99 * n_lines if line.endswith("\n") else n_last == 1


def test_the_encoding_is_found_behind_much_ascii(tmp_path: Path) -> None:
    plain = "log line\n" * 150_000
    for encoding in ("gb18030", "utf-8", "iso2022_jp"):
        words = "電源キーを長押し" if encoding == "iso2022_jp" else "请长按电源键十秒"
        *_, last = read(f"{plain}\n{words}\n".encode(encoding), tmp_path)
        assert last.text == words
        assert last.locator.anchor == "L150002"
