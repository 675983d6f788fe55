"""What a citation opens: the right page, the right box, the right second, escaped."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import numpy as np
from made_shelf import HOSTILE, PAGE_TEXT, MadeShelf

from kb.index.tables import Table, make_column
from kb.types import Box, Chunk, Kind, Locator, Modality
from ui.language import speaking
from ui.web.html.viewer import chunk_view, page_view


def marks(html: str) -> list[dict[str, float]]:
    """The boxes over a page, in percent."""
    styles = re.findall(r'class="kb-mark" style="([^"]*)"', html)
    return [{k: float(v) for k, v in re.findall(r"(\w+):([\d.]+)%", style)} for style in styles]


def test_quote_on_a_turned_page_is_marked_where_the_page_shows_it(shelf: MadeShelf) -> None:
    html = chunk_view(shelf, "pdf", (6, 6 + len(PAGE_TEXT)))
    assert html is not None
    # The page is displayed 800 points wide and 600 high.
    assert marks(html) == [{"left": 10.0, "top": 10.0, "width": 40.0, "height": 2.5}]
    assert 'alt="Page 2 of 手册 manual.pdf"' in html
    assert f'<mark class="kb-quote">{PAGE_TEXT}</mark>' in html
    assert "Manual" in html
    assert "Care" in html


def test_passage_without_a_quote_marks_its_whole_place(shelf: MadeShelf) -> None:
    html = chunk_view(shelf, "pdf")
    assert html is not None
    assert marks(html) == [{"left": 10.0, "top": 5.0, "width": 40.0, "height": 7.5}]
    assert "<mark" not in html


def test_page_image_as_a_whole_has_no_box(shelf: MadeShelf) -> None:
    html = chunk_view(shelf, "page")
    assert html is not None
    assert marks(html) == []
    assert "Page 2 of" in html


def test_a_chart_on_a_page_is_shown_there_with_a_box_around_it(shelf: MadeShelf) -> None:
    page = shelf.chunks["page"]
    place = Locator(page=2, boxes=(Box(80, 60, 480, 360),))
    cut_out = shelf.add_picture(400, 300)
    shelf.add_chunk(replace(page, id="chart", ordinal=2, locator=place, image=cut_out))
    html = chunk_view(shelf, "chart")
    assert html is not None
    assert marks(html) == [{"left": 10.0, "top": 10.0, "width": 50.0, "height": 50.0}]
    assert "Page 2 of" in html


def test_pages_turn_as_far_as_there_are_pages(shelf: MadeShelf) -> None:
    sha256 = shelf.chunks["pdf"].document_sha256
    first, second = page_view(shelf, sha256, 1), page_view(shelf, sha256, 2)
    assert first is not None
    assert second is not None
    assert re.search(r'data-page-turn="previous" disabled', first)
    assert f'data-page-turn="next" data-view="media/view/documents/{sha256}/pages/2"' in first
    assert f'data-page-turn="previous" data-view="media/view/documents/{sha256}/pages/1"' in second
    assert re.search(r'data-page-turn="next" disabled', second)
    assert page_view(shelf, sha256, 3) is None


def test_a_page_is_shown_with_its_marks_when_the_file_is_gone(shelf: MadeShelf) -> None:
    (shelf.library / "手册 manual.pdf").unlink()
    html = chunk_view(shelf, "pdf")
    assert html is not None
    assert len(marks(html)) == 1
    assert "Page 2 of" in html
    assert "Open original" not in html


def test_a_page_of_unknown_size_is_shown_without_marks(shelf: MadeShelf) -> None:
    shelf.sizes_points.clear()
    html = chunk_view(shelf, "pdf")
    assert html is not None
    assert marks(html) == []
    assert "Page 2 of" in html


def test_words_in_a_picture_are_marked_in_its_pixels(shelf: MadeShelf) -> None:
    html = chunk_view(shelf, "picture", (0, 4))
    assert html is not None
    assert marks(html) == [{"left": 10.0, "top": 10.0, "width": 10.0, "height": 10.0}]
    assert marks(chunk_view(shelf, "picture") or "") == []


def test_clip_starts_at_the_second_of_the_quote(shelf: MadeShelf) -> None:
    html = chunk_view(shelf, "clip", (9, 22))
    assert html is not None
    sha256 = shelf.chunks["clip"].document_sha256
    assert 'data-start-s="74"' in html
    assert f'src="media/documents/{sha256}/original#t=74"' in html
    assert '<mark class="kb-quote">Switch it on.</mark>' in html
    assert re.search(r'data-seek-s="75" aria-current=true', html)


def test_clip_found_by_a_picture_starts_at_its_frame(shelf: MadeShelf) -> None:
    assert 'data-start-s="61.5"' in (chunk_view(shelf, "clip", time_s=61.5) or "")
    assert 'data-start-s="60"' in (chunk_view(shelf, "clip") or "")


def test_clip_whose_file_is_gone_shows_its_frames(shelf: MadeShelf) -> None:
    (shelf.library / "tour.mp4").unlink()
    html = chunk_view(shelf, "clip")
    assert html is not None
    assert "<video" not in html
    assert html.count('class="kb-frame"') == 2


def test_a_recording_plays_from_the_second_of_the_quote_beside_its_transcript(
    shelf: MadeShelf,
) -> None:
    html = chunk_view(shelf, "talk", (16, 16 + len("Press <b>start</b> & wait.")))
    assert html is not None
    sha256 = shelf.chunks["talk"].document_sha256
    assert f'src="media/documents/{sha256}/original#t=65"' in html
    assert 'data-start-s="65"' in html
    assert '<mark class="kb-quote">Press &lt;b&gt;start&lt;/b&gt; &amp; wait.</mark>' in html
    assert re.findall(r'data-seek-s="([^"]+)">([^<]+)<', html) == [("3.2", "0:03"), ("65", "1:05")]
    assert "Speech in English" in html
    assert html.count("<mark") == 1
    assert "<script" not in html


def test_a_recording_that_is_gone_shows_its_words(shelf: MadeShelf) -> None:
    (shelf.library / "talk.mp3").unlink()
    html = chunk_view(shelf, "talk")
    assert html is not None
    assert "<audio" not in html
    assert "Oil it monthly." in html


def with_tracks(
    shelf: MadeShelf, *anchors: str | None, quoted: tuple[int, int] | None = None
) -> str:
    """The clip's view where its lines are of these text tracks."""
    clip = shelf.chunks["clip"]
    places = (
        replace(span.locator, anchor=anchor)
        for span, anchor in zip(clip.spans, anchors, strict=True)
    )
    spans = (replace(span, locator=place) for span, place in zip(clip.spans, places, strict=True))
    shelf.add_chunk(replace(clip, spans=tuple(spans)))
    return chunk_view(shelf, "clip", quoted) or ""


def labels(html: str) -> list[str]:
    """Of each text track; the one that is shown at first has a star."""
    tracks = re.findall(r'<track kind="\w+" label="([^"]*)"[^>]*?(default)?(?= src=)', html)
    return [f"{label}*" if shown else label for label, shown in tracks]


def test_words_on_screen_are_no_text_track(shelf: MadeShelf) -> None:
    html = with_tracks(shelf, None, None)
    assert "<video" in html
    assert "<track" not in html
    assert "Text tracks" not in html


def test_what_is_said_in_a_video_is_its_text_track(shelf: MadeShelf) -> None:
    html = with_tracks(shelf, "speech:en", None)
    sha256 = shelf.chunks["clip"].document_sha256
    assert (
        '<track kind="captions" label="Speech in English" srclang="en" default '
        f'src="media/documents/{sha256}/words.vtt?track=speech%3Aen">' in html
    )
    assert "Text tracks: Speech in English" in html
    # Of a recording the page draws it.
    talk = chunk_view(shelf, "talk") or ""
    assert labels(talk) == ["Speech in English*"]
    assert 'class="kb-caption"' in talk


def test_the_text_track_that_is_cited_or_understood_is_shown(shelf: MadeShelf) -> None:
    anchors = ("subtitles:de", "subtitles:zh-Hans")
    assert labels(with_tracks(shelf, *anchors)) == [
        "Subtitles in German*",
        "Subtitles in Chinese (Simplified)",
    ]
    assert labels(with_tracks(shelf, *anchors, quoted=(9, 22)))[1].endswith("*")
    with speaking("zh-CN"):
        assert labels(with_tracks(shelf, *anchors)) == ["德语字幕", "中文 (简体)字幕*"]
    assert labels(with_tracks(shelf, "subtitles:", "subtitles:xx-nowhere")) == [
        "Subtitles*",
        "Subtitles in xx-nowhere",
    ]


def test_the_date_of_the_content_stands_beside_that_of_the_file(shelf: MadeShelf) -> None:
    web = shelf.chunks["web"].document_sha256
    noon_s = 1_714_651_200  # of 2024-05-02, in UTC
    shelf.documents[web] = replace(shelf.documents[web], date_ns=noon_s * 10**9)
    os.utime(shelf.library / "faq.html", (noon_s + 86_400, noon_s + 86_400))
    assert ">2024-05-02 · changed 2024-05-03</span>" in (chunk_view(shelf, "web") or "")
    os.utime(shelf.library / "faq.html", (noon_s + 1, noon_s + 1))
    assert ">2024-05-02</span>" in (chunk_view(shelf, "web") or "")
    # What the content tells no date of has that of its file.
    os.utime(shelf.library / "faq.html", (noon_s, noon_s))
    assert ">changed 2024-05-02</span>" in (chunk_view(shelf, "web") or "")
    (shelf.library / "faq.html").unlink()
    assert ">2024-05-02</span>" in (chunk_view(shelf, "web") or "")


def test_web_page_is_shown_as_escaped_words_only(shelf: MadeShelf) -> None:
    start = HOSTILE.index("<script>")
    html = chunk_view(shelf, "web", (start, start + len("<script>alert(1)</script>")))
    assert html is not None
    assert "<script" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    expected = '<mark class="kb-quote">&lt;script&gt;alert(1)&lt;/script&gt;</mark>'
    assert expected in html


def test_unknown_chunk_is_none(shelf: MadeShelf) -> None:
    assert chunk_view(shelf, "no such chunk") is None


def test_rows_of_records_are_a_table_with_the_cited_one_marked(shelf: MadeShelf) -> None:
    evil = "<img src=x onerror=alert(1)>"
    lines = [f"code: E{n}; meaning: {evil}" for n in range(3)]
    sha256 = shelf.add_file("codes.csv", b"x", Kind.DATA, "text/csv")
    chunk = Chunk(
        "rows",
        sha256,
        0,
        Kind.DATA,
        Modality.TEXT,
        Locator(anchor="row-1"),
        text="\n".join(lines),
        title=evil,
    )
    shelf.add_chunk(chunk)
    starts = [sum(len(line) + 1 for line in lines[:n]) for n in range(3)]
    places = [(0, start, start + len(line)) for start, line in zip(starts, lines, strict=True)]
    columns = (
        make_column("code", ["E0", "E1", "E2"], range(3)),
        make_column(evil, [evil], [0, 0, 0]),
    )
    shelf.tables[sha256] = [
        Table(sha256, 0, evil, "", (), columns, ("rows",), np.array(places, np.int32))
    ]
    made = chunk_view(shelf, "rows", (starts[1], starts[1] + 8))
    assert made is not None
    assert made.count("kb-row-marked") == 1
    assert made.index("kb-row-marked") > made.index("<td>E0</td>")
    assert "<img src=x" not in made
    # Without a table it is the passage.
    shelf.tables.clear()
    passage = chunk_view(shelf, "rows", (starts[1], starts[1] + 8))
    assert passage is not None
    assert '<mark class="kb-quote">code: E1</mark>' in passage
