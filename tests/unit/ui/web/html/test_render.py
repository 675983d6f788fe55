"""Escaped HTML: nothing of a document, a name or a question becomes markup."""

from __future__ import annotations

import html
import io
import re

import pytest
from PIL import Image

from kb.text.humanize import duration_text, size_text, timestamp
from kb.types import Chunk, Citation, EncodedImage, Hit, ImageRef, Kind, Locator, Modality
from ui.service.places import place
from ui.service.turns import thumbnail_data_uri
from ui.web.html.render import (
    chip,
    citation_card,
    hit_card,
    mended_html,
    message,
    view_url,
)

EVIL = "\"'><img src=x onerror=alert(1)>"


def chunk(text: str = "Hold the button.", **values: object) -> Chunk:
    fields: dict[str, object] = {
        "id": "id-1",
        "document_sha256": "0" * 64,
        "ordinal": 0,
        "kind": Kind.PDF,
        "modality": Modality.TEXT,
        "locator": Locator(page=3),
        "text": text,
    }
    return Chunk(**(fields | values))  # type: ignore[arg-type]


def citation(quote: str = "Hold the button.", **values: object) -> Citation:
    fields: dict[str, object] = {
        "number": 1,
        "chunk_id": "id-1",
        "source": "manual.pdf",
        "locator": Locator(page=3),
        "quote": quote,
    }
    return Citation(**(fields | values))  # type: ignore[arg-type]


def words_of(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0:00"), (64.9, "1:04"), (3599, "59:59"), (3661, "1:01:01")]
)
def test_timestamp(seconds: float, expected: str) -> None:
    assert timestamp(seconds) == expected


@pytest.mark.parametrize(
    ("source", "locator", "time_s", "expected"),
    [
        ("a.pdf", Locator(page=42), None, "page 42"),
        ("a.PPTX", Locator(page=2), None, "slide 2"),
        ("a.xlsx", Locator(page=1), None, "sheet 1"),
        ("a.mp4", Locator(start_s=64, end_s=128), None, "1:04–2:08"),
        ("a.mp4", Locator(start_s=64, end_s=128), 70.0, "1:10"),
        ("a.txt", Locator(anchor="x"), None, ""),
    ],
)
def test_place(source: str, locator: Locator, time_s: float | None, expected: str) -> None:
    assert place(source, locator, time_s) == expected


@pytest.mark.parametrize(
    ("n_bytes", "expected"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (3_200_000, "3.2 MB"), (5 * 10**9, "5.0 GB")],
)
def test_size(n_bytes: int, expected: str) -> None:
    assert size_text(n_bytes) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.2, "1 s"), (40, "40 s"), (90, "2 min"), (5400, "1.5 h")]
)
def test_duration(seconds: float, expected: str) -> None:
    assert duration_text(seconds) == expected


def test_view_url_is_encoded() -> None:
    assert view_url("a/b", (3, 9)) == "media/view/a%2Fb?start=3&end=9"
    assert view_url("x", time_s=61.5) == "media/view/x?time_s=61.5"


def test_chip_names_its_source_to_screen_readers() -> None:
    made = chip(citation(), chunk())
    assert 'aria-label="Source 1: manual.pdf page 3"' in made
    assert 'data-view="media/view/id-1?start=0&amp;end=16"' in made


def test_citation_of_a_clip_opens_at_its_second() -> None:
    clip = chunk("It starts.", kind=Kind.VIDEO, modality=Modality.VIDEO)
    made = chip(citation("", source="a.mp4", locator=Locator(start_s=64.5, end_s=70)), clip)
    assert 'data-view="media/view/id-1?time_s=64.5"' in made


def test_citation_card_escapes_names_and_quotes() -> None:
    made = citation_card(citation(EVIL, source=EVIL), chunk(EVIL))
    assert "<img src=x" not in made
    assert html.escape(EVIL) in made


def test_hit_card_shows_only_scores_that_there_are() -> None:
    hit = Hit(chunk(), "manual.pdf", dense=0.5, fused=0.25, rerank=1.5)
    made = words_of(hit_card(1, hit, "button"))
    assert "meaning 0.500" in made
    assert "fused 0.250" in made
    assert "rerank 1.500" in made
    assert "picture" not in made


def test_hit_card_cuts_long_text_around_the_words_of_the_query() -> None:
    text = "Nothing here. " * 100 + "The pump needs oil. " + "Nothing there. " * 100
    made = hit_card(1, Hit(chunk(text), "a.txt"), "oil for the pump")
    assert "<mark>pump</mark> needs <mark>oil</mark>" in made
    assert len(words_of(made)) < 700


def test_hit_card_escapes_everything() -> None:
    evil = chunk(EVIL, title=EVIL, headings=(EVIL,))
    assert "<img src=x" not in hit_card(1, Hit(evil, EVIL), EVIL)


def test_thumbnail_of_an_image_chunk_is_its_asset() -> None:
    image = ImageRef("a" * 64, "image/jpeg", 10, 10)
    made = hit_card(1, Hit(chunk(modality=Modality.IMAGE, image=image), "a.pdf"), "")
    assert f'src="media/assets/{"a" * 64}/thumbnail"' in made


def test_thumbnail_data_uri_is_a_small_jpeg() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 320)).save(buffer, "PNG")
    uri = thumbnail_data_uri(EncodedImage(buffer.getvalue(), "image/png", 640, 320))
    assert uri.startswith("data:image/jpeg;base64,")


def test_message_escapes_and_says_how_urgent_it_is() -> None:
    made = message(EVIL, kind="error", title=EVIL)
    assert 'role="alert"' in made
    assert "<img" not in made


def test_mended_question_offers_the_written_one_in_quotation_marks() -> None:
    shown = mended_html("the filter", 'the "fitler"')
    assert "“the filter” instead of" in shown
    assert html.unescape(re.findall(r'data-ask="([^"]*)"', shown)[0]) == '"the fitler"'
    assert "data-ask" not in mended_html("the filter", "the fitler", is_askable=False)
    assert "<img" not in mended_html(EVIL, EVIL)
