"""The samples hold what `expected/samples.json` says of them, read with plain libraries.

`expected/samples.json` has three lists:

- `questions`: `question`, `language`, `kind`, `source` (relative to the samples), `page` (from 1;
  a slide or sheet for office files) or `start_s`/`end_s`, `quote_contains` (words that stand at
  that place; letters and digits as printed, white space may differ), `also` (other sources that
  answer as well), `scanned` (the words are in a picture only). `answerable: false`: nothing in the
  samples answers.
- `pictures`: `image`, the `edit` a test makes of it before asking with it (`crop`: fraction taken
  off each side; `brightness`: factor; `scale`: factor; `grey`; `mirror`; `jpeg_quality`) and the
  `source` to be found.
- `scenes`: the `title` on the screen from `at_s` seconds on.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import docx
import numpy as np
import openpyxl
import pptx
import pymupdf
import pytest
from bs4 import BeautifulSoup
from PIL import Image, ImageOps

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "data" / "samples"
EXPECTED = json.loads((Path(__file__).parent / "expected" / "samples.json").read_text("utf-8"))
ANSWERABLE = [q for q in EXPECTED["questions"] if q.get("answerable", True)]
MANUAL = SAMPLES / "manuals" / "Breeze 300 User Manual.pdf"
MANUAL_ZH = SAMPLES / "manuals" / "微风300空气净化器使用说明书.pdf"
NEWSLETTER = SAMPLES / "Clean Air Quarterly Spring 2026.pdf"
FILM = SAMPLES / "video" / "Breeze 300 in three minutes.mp4"


def squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def pages_of(path: Path) -> list[str]:
    with pymupdf.open(path) as document:
        return [squeeze(page.get_text()) for page in document]


def subtitles_of(path: Path) -> Iterator[tuple[float, float, str]]:
    def seconds(clock: str) -> float:
        hours, minutes, rest = clock.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(rest.replace(",", "."))

    for block in path.read_text("utf-8").strip().split("\n\n"):
        _, times, *lines = block.split("\n")
        start, end = times.split(" --> ")
        yield seconds(start), seconds(end), " ".join(lines)


def text_at(question: dict[str, Any]) -> str:
    """The text of the place that `question` names."""
    path = SAMPLES / question["source"]
    page = question.get("page", 1) - 1
    match path.suffix:
        case ".pdf":
            return pages_of(path)[page]
        case ".mp4":
            return " ".join(
                text
                for start, end, text in subtitles_of(path.with_suffix(".srt"))
                if start >= question["start_s"] and end <= question["end_s"]
            )
        case ".html":
            return squeeze(BeautifulSoup(path.read_text("utf-8"), "lxml").get_text(" "))
        case ".txt":
            return path.read_text("gb18030")
        case ".docx":
            document = docx.Document(str(path))
            cells = [c.text for t in document.tables for row in t.rows for c in row.cells]
            return " ".join([p.text for p in document.paragraphs] + cells)
        case ".pptx":
            slide = pptx.Presentation(str(path)).slides[page]
            return " ".join(s.text_frame.text for s in slide.shapes if s.has_text_frame)
        case ".xlsx":
            sheet = openpyxl.load_workbook(path).worksheets[page]
            return " ".join(str(c) for row in sheet.iter_rows(values_only=True) for c in row)
        case _:
            return path.read_text("utf-8")


@pytest.mark.parametrize(
    "question",
    [q for q in ANSWERABLE if q["kind"] != "image" and not q.get("scanned")],
    ids=lambda q: q["question"],
)
def test_the_quoted_words_stand_at_the_place_named(question: dict[str, Any]) -> None:
    assert squeeze(question["quote_contains"]) in squeeze(text_at(question))


@pytest.mark.parametrize("question", [q for q in ANSWERABLE if q.get("scanned")], ids=str)
def test_words_of_the_scan_are_text_nowhere(question: dict[str, Any]) -> None:
    assert question["quote_contains"] not in " ".join(pages_of(MANUAL) + pages_of(MANUAL_ZH))


def test_every_source_named_is_there() -> None:
    named = {q["source"] for q in ANSWERABLE} | {s for q in ANSWERABLE for s in q.get("also", [])}
    named |= {p["source"] for p in EXPECTED["pictures"]} | {s["source"] for s in EXPECTED["scenes"]}
    assert sorted(name for name in named if not (SAMPLES / name).is_file()) == []


def test_questions_cover_both_languages_and_every_kind() -> None:
    assert {q["language"] for q in ANSWERABLE} == {"en", "zh"}
    kinds = {"pdf", "image", "video", "html", "text", "data", "office"}
    assert {q["kind"] for q in ANSWERABLE} == kinds
    assert len({q["question"] for q in EXPECTED["questions"]}) == len(EXPECTED["questions"])


def test_the_samples_are_small() -> None:
    assert sum(p.stat().st_size for p in SAMPLES.rglob("*") if p.is_file()) < 6_000_000


def test_the_manual_has_twelve_pages_an_outline_and_a_scan() -> None:
    with pymupdf.open(MANUAL) as document:
        outline = [(title, page) for level, title, page in document.get_toc() if level == 1]
        texts = [page.get_text().strip() for page in document]
        images = document[11].get_image_rects(document[11].get_images()[0][0])
    assert len(texts) == 12
    assert [i for i, text in enumerate(texts, 1) if not text] == [12]
    assert ("Resetting the device", 9) in outline
    assert images[0].width == pytest.approx(420, abs=0.5)


def test_the_table_of_technical_data_is_found_as_a_table() -> None:
    with pymupdf.open(MANUAL) as document:
        page = document[10]
        table = page.find_tables().tables[0]
        # Not table.extract(), which loses the spaces of small print.
        rows = [[squeeze(page.get_textbox(cell)) for cell in row.cells] for row in table.rows]
    assert rows[0] == ["Property", "Value"]
    assert ["Weight", "5.4 kg"] in rows


def test_the_chinese_manual_has_six_pages_and_carries_its_font() -> None:
    with pymupdf.open(MANUAL_ZH) as document:
        assert len(document) == 6
        assert ("恢复出厂设置", 5) in [(title, page) for _, title, page in document.get_toc()]
        fonts = {font[0] for page in document for font in page.get_fonts()}
        assert all(len(document.extract_font(xref)[3]) > 1000 for xref in fonts)


def test_the_newsletter_is_set_in_two_columns() -> None:
    with pymupdf.open(NEWSLETTER) as document:
        blocks = [b for b in document[1].get_text("blocks") if len(b[4]) > 120]
        middle = document[1].rect.width / 2
    assert any(block[2] < middle for block in blocks)
    assert any(block[0] > middle for block in blocks)


def test_the_film_is_three_minutes_of_h264_and_changes_at_the_scenes() -> None:
    starts = [scene["at_s"] for scene in EXPECTED["scenes"]]
    titles: dict[float, np.ndarray[Any, np.dtype[np.float32]]] = {}
    with av.open(str(FILM)) as film:
        stream = film.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height) == (640, 360)
        assert film.duration == 180 * av.time_base
        for frame in film.decode(stream):
            # The band with the title, without the number beside it.
            titles[round(frame.time, 2)] = frame.to_ndarray(format="gray")[:70, :560].astype("f4")
    times = sorted(titles)
    cuts = [
        after
        for before, after in itertools.pairwise(times)
        if np.abs(titles[after] - titles[before]).mean() > 3
    ]
    assert cuts == pytest.approx(starts[1:])


def test_the_subtitles_follow_each_other_within_the_film() -> None:
    lines = list(subtitles_of(FILM.with_suffix(".srt")))
    times = [time for start, end, _ in lines for time in (start, end)]
    assert times == sorted(times)
    assert times[-1] <= 180


def test_the_phones_photo_is_stored_turned_and_dated() -> None:
    with Image.open(SAMPLES / "pictures" / "IMG_20260314_092210.jpg") as photo:
        assert photo.size == (900, 1200)
        assert photo.getexif().get_ifd(0x8769)[0x9003] == "2026:03:14 09:22:10"
        assert ImageOps.exif_transpose(photo).size == (1200, 900)


def test_every_picture_opens_and_none_is_like_another() -> None:
    small = {}
    for entry in EXPECTED["pictures"]:
        with Image.open(SAMPLES / entry["source"]) as picture:
            thumbnail = picture.convert("RGB").resize((16, 16))
            small[entry["source"]] = np.asarray(thumbnail, np.float32)
    names = sorted(small)
    assert len(names) == 7
    differences = [np.abs(small[a] - small[b]).mean() for a in names for b in names if a < b]
    assert min(differences) > 20


def test_the_warranty_is_gb18030_beyond_gbk() -> None:
    data = (SAMPLES / "notes" / "产品保修条款.txt").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        data.decode("utf-8")
    with pytest.raises(UnicodeDecodeError):
        data.decode("gbk")
    assert "王䶮" in data.decode("gb18030")


def test_the_web_page_has_clutter_and_a_picture_beside_it() -> None:
    page = SAMPLES / "web" / "Breeze 300 FAQ.html"
    soup = BeautifulSoup(page.read_text("utf-8"), "lxml")
    image = soup.select_one("article figure img")
    assert image is not None
    assert (page.parent / str(image["src"])).is_file()
    assert image["alt"]
    assert all(soup.select_one(clutter) for clutter in ("nav", "aside", "footer", "#cookie-banner"))


def test_the_data_files_are_well_formed() -> None:
    parts = json.loads((SAMPLES / "service" / "spare-parts.json").read_text("utf-8"))["parts"]
    assert len({part["number"] for part in parts}) == 12
    table = io.StringIO((SAMPLES / "service" / "error codes.csv").read_text("utf-8"))
    rows = list(csv.reader(table))
    assert {len(row) for row in rows} == {5}
    assert len(rows) == 13
