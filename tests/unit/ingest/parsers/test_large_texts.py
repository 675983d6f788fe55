"""Much of any one thing is read in seconds, and cut into chunks that have an end."""

from __future__ import annotations

import signal
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from ingest.chunk.chunker import Chunker
from ingest.decode.media import MEDIA_TYPES, SUFFIXES, sniff
from ingest.parsers import parser_for
from ingest.parsers.base import ParseContext
from ingest.parsers.linked_pictures import local_pictures
from kb.answer.extractive.question import Question
from kb.config import IngestConfig
from kb.errors import IngestError
from kb.text.sentences import Layout, units
from kb.text.terms import terms
from kb.types import Kind, Source

CONFIG = IngestConfig()
SIZE = 30_000
LIMIT_S = 2.0  # of the processor; what grows with the square of the size takes longer
MAX_CHUNK_CHARS = 20_000
PIECES = (
    *'<[|( \n#`*_>\\{,"&中é\u0301',
    *("a.", "。", "# ", "# a\n", "- a\n", "> ", "![", "![](", "<img ", "<!--", "[[", "a,", "\n\n"),
    *("**a ", "| a ", "|-|\n", "--\n", "```\n", "``a", "<div>", "<td>", '{"a":', "[1,", "[a]: b\n"),
    *("00:00:01,000 --> ", "1\n00:00:01,000 --> 00:00:02,000\na\n\n", "a\n=\n", " {#a", "word "),
)
NAMES = {
    "a.md": "text/markdown",
    "a.txt": "text/plain",
    "a.html": "text/html",
    "a.json": "application/json",
    "a.jsonl": "application/x-ndjson",
    "a.csv": "text/csv",
    "a.vtt": "text/vtt",
}


@contextmanager
def cpu_limit(limit_s: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise AssertionError(f"it takes more than {limit_s:g} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def read(path: Path, media_type: str) -> list[int]:
    """Lengths of the chunks of a file, with what stands before each."""
    kind = MEDIA_TYPES[media_type]
    source = Source(path.parent, path.name, media_type, kind, "0" * 64, path.stat().st_size, 0)
    parser = parser_for(media_type)
    assert parser is not None
    try:
        segments = list(parser.parse(source, ParseContext(CONFIG, None, lambda _: None)))
    except IngestError:
        return []
    return [
        len(chunk.text) + len(chunk.title) + sum(map(len, chunk.headings))
        for chunk in Chunker(CONFIG.chunking).split(segments)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_one_thing_over_and_over(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    for piece in PIECES:
        for head in ("", "x\n# "):
            path.write_text(head + piece * (SIZE // len(piece)) + "\nend", "utf-8")
            with cpu_limit(LIMIT_S):
                sniff(path)
                local_pictures(path)
                lengths = read(path, NAMES[name])
            assert max(lengths, default=0) <= MAX_CHUNK_CHARS, repr(piece)


@pytest.mark.parametrize("layout", Layout)
def test_a_question_or_passage_of_one_thing_over_and_over(layout: Layout) -> None:
    for piece in PIECES:
        text = piece * (SIZE // len(piece))
        with cpu_limit(LIMIT_S):
            units(text, layout)
            if layout is Layout.PROSE:
                Question.of(text)
                terms(text)


@pytest.mark.parametrize(
    "start",
    [
        "<!-- a -->\n" * 700,
        "<!---->" * 1000,
        "<?xml ?>" + "<!-- -->" * 900,
        " " * 8000,
        "<!--" * 2000,
    ],
)
def test_what_a_file_begins_with_is_looked_at_once(start: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(start + "x", "utf-8")
    with cpu_limit(1.0):
        assert sniff(path) == ("text/plain", Kind.TEXT)
    path.write_text(start[:7000] + "\n<!-- -->" * 3 + "<html>", "utf-8")
    with cpu_limit(1.0):
        sniff(path)


def test_comments_before_a_page_do_not_hide_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for start in ("<!-- a -->\n<!-- b > -->", "<?xml version='1.0'?>\n<!-- a -->", "\n\n"):
        path.write_text(f"{start}\n<!DOCTYPE  html><p>x", "utf-8")
        assert sniff(path) == ("text/html", Kind.HTML)
        path.write_text(f"{start}\n<svg><path/></svg>", "utf-8")
        assert sniff(path) is None


def test_a_long_heading_is_a_text_and_is_found_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"# {'word ' * 3000}end\n\nbelow\n", "utf-8")
    lengths = read(path, "text/markdown")
    assert sum(lengths) > 15_000
    assert max(lengths) < 5_000


def test_what_an_archive_holds_is_not_unpacked_to_tell_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.epub"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("mimetype", "w", force_zip64=True) as member,
    ):
        for _ in range(256):
            member.write(bytes(1024 * 1024))
    tracemalloc.start()
    try:
        assert sniff(path) == ("application/epub+zip", Kind.EBOOK)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_list_of_a_hundred_thousand_members_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "x")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x05\x06")
    data[at + 12 : at + 16] = (5 * 1024 * 1024).to_bytes(4, "little")
    path.write_bytes(data)
    with patch("zipfile.ZipFile", side_effect=AssertionError):
        assert sniff(path) == (SUFFIXES[".docx"], Kind.OFFICE)
