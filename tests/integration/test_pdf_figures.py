"""A chart that was pasted into a PDF as a picture answers, and its citation shows it there."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pymupdf
import pytest
from command_line import run_here
from PIL import Image, ImageDraw, ImageFont

from kb import Query, open_knowledge_base
from kb.types import AnswerStatus

PROSE = (
    "The harbour of Quillhaven was dredged in spring. Ferries called daily from May to October,",
    "and the pier was painted. The harbour master retired after many years and was thanked by all.",
)
VALUES = {"2020": "3,410", "2021": "5,260", "2022": "4,180", "2023": "7,930"}
AT = pymupdf.Rect(80, 220, 520, 470)


def chart() -> bytes:
    """Bars with their numbers above them and the years below."""
    image = Image.new("RGB", (1056, 600), "white")
    draw = ImageDraw.Draw(image)
    large, font = (ImageFont.load_default(size=size) for size in (34, 28))
    draw.text((528, 30), "Ferry passengers per year", "black", large, anchor="mm")
    for n, (year, value) in enumerate(VALUES.items()):
        x, top = 170 + 240 * n, 520 - int(value.replace(",", "")) // 20
        draw.rectangle((x - 60, top, x + 60, 520), fill="steelblue")
        draw.text((x, top - 24), value, "black", font, anchor="mm")
        draw.text((x, 552), year, "black", font, anchor="mm")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "library").mkdir()
    document = pymupdf.open()
    for number in (1, 2):
        page = document.new_page(width=595, height=842)
        page.insert_text((60, 70), f"Harbour report, part {number}", fontsize=18)
        for line, text in enumerate(PROSE):
            page.insert_text((60, 110 + 16 * line), text, fontsize=11)
        if number == 2:
            page.insert_image(AT, stream=chart())
    document.save(home / "library" / "harbour.pdf")
    done = run_here("sync", "--home", home, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["counts"]["added"] == 1
    return home


def test_the_number_above_its_bar_is_cited_on_its_page_and_place(home: Path) -> None:
    with open_knowledge_base(home) as knowledge_base:
        answer = knowledge_base.answer(Query(text="How many ferry passengers were there in 2021?"))
    assert answer.status is AnswerStatus.ANSWERED
    assert VALUES["2021"] in answer.text
    locator = answer.citations[0].locator
    assert locator.page == 2
    box = locator.boxes[0]
    # The number stands over the second bar: at 410 of 1056 px, 520 - 263 - 24 of 600.
    assert box.x0 < 80 + 410 * 440 / 1056 < box.x1
    assert box.y0 < 220 + 233 * 250 / 600 < box.y1
    assert box.x1 - box.x0 < 60
