"""OpenDocument and RTF files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from parsing import parse, png

from ingest.decode.media import sniff
from ingest.parsers import parser_for
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Modality, Segment

URN = "urn:oasis:names:tc:opendocument:xmlns:"
NAMES = {"svg": "svg-compatible", "draw": "drawing"}
SPACES = " ".join(
    f'xmlns:{short}="{URN}{NAMES.get(short, short)}:1.0"'
    for short in ("office", "text", "table", "draw", "style", "presentation", "svg")
)
SPACES += ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def make(
    folder: Path, kind: str, body: str, *, styles: str = "", more: str = "", automatic: str = ""
) -> Path:
    path = folder / f"a.od{kind[0]}"
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", mimetype)
        archive.writestr(
            "content.xml",
            f"<office:document-content {SPACES}><office:automatic-styles>{automatic}"
            f"</office:automatic-styles><office:body><office:{kind}>{body}</office:{kind}>"
            "</office:body></office:document-content>",
        )
        archive.writestr(
            "styles.xml", f"<office:document-styles {SPACES}>{styles}</office:document-styles>"
        )
        archive.writestr("META-INF/manifest.xml", f"<manifest>{more}</manifest>")
        archive.writestr("Pictures/1.png", png("blue", 80, 60))
    return path


def read(path: Path) -> tuple[list[Segment], list[str]]:
    media = sniff(path)
    assert media is not None
    parser = parser_for(media[0])
    assert parser is not None
    return parse(parser, path, media[0])


def row(*cells: str) -> str:
    inside = "".join(
        f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in cells
    )
    return f"<table:table-row>{inside}</table:table-row>"


def test_a_text_document(tmp_path: Path) -> None:
    note = (
        "<office:annotation><dc:creator>Ana</dc:creator><dc:date>2024-05-02</dc:date>"
        "<text:p>Really two?</text:p></office:annotation>"
    )
    spanned = (
        '<table:table-row><table:table-cell table:number-rows-spanned="2"><text:p>North</text:p>'
        "</table:table-cell><table:table-cell><text:p>Pump</text:p></table:table-cell></table:table-row>"
        "<table:table-row><table:covered-table-cell/><table:table-cell><text:p>Bellows</text:p>"
        "</table:table-cell></table:table-row>"
    )
    path = make(
        tmp_path,
        "text",
        "<text:tracked-changes><text:p>deleted words</text:p></text:tracked-changes>"
        '<text:h text:outline-level="1">Manual</text:h>'
        '<text:h text:outline-level="2">Warranty</text:h>'
        f"<text:p>It lasts{note} two<text:s/>years<text:note><text:note-citation>1"
        f"</text:note-citation>"
        "<text:note-body><text:p>from delivery</text:p></text:note-body></text:note>.</text:p>"
        "<text:list><text:list-item><text:p>Keep dry</text:p></text:list-item></text:list>"
        f"<table:table>{row('Region', 'Product')}{spanned}</table:table>"
        '<text:p><draw:frame><draw:image xlink:href="Pictures/1.png"/>'
        "<svg:title>Floor plan</svg:title>"
        "</draw:frame><draw:frame><draw:text-box><text:p>Wear gloves.</text:p></draw:text-box>"
        "</draw:frame></text:p>",
        styles="<style:master-page><style:header><text:p>QP-7731 revision D</text:p></style:header>"
        "<style:footer><text:p>Page <text:page-number>1</text:page-number></text:p></style:footer>"
        "</style:master-page>",
    )
    segments, warnings = read(path)
    assert warnings == []
    assert {s.headings for s in segments[:-1]} == {("Manual", "Warranty")}
    texts = [s.text for s in segments if s.modality is Modality.TEXT]
    assert sorted(texts) == sorted(
        [
            "It lasts two years from delivery.\n\n- Keep dry",
            "| Region | Product |\n| --- | --- |\n| North | Pump |\n| North | Bellows |",
            "Wear gloves.",
            "Comment by Ana: Really two?",
            "QP-7731 revision D",
        ]
    )
    (picture,) = (s for s in segments if s.modality is Modality.IMAGE)
    assert picture.text == "Floor plan"


def test_sheets_show_their_cells_and_no_endless_rows(tmp_path: Path) -> None:
    noted = (
        "<table:table-cell><office:annotation><dc:creator>Bo</dc:creator>"
        "<text:p>Count again.</text:p>"
        "</office:annotation><text:p>00501</text:p></table:table-cell>"
    )
    endless = (
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row>'
    )
    twice = (
        '<table:table-row table:number-rows-repeated="2"><table:table-cell '
        'table:number-columns-repeated="2"><text:p>N/A</text:p></table:table-cell></table:table-row>'
    )
    path = make(
        tmp_path,
        "spreadsheet",
        f'<table:table table:name="Parts">{row("Code", "Share")}'
        f"<table:table-row>{noted}<table:table-cell><text:p>19.5%</text:p></table:table-cell>"
        f'</table:table-row>{twice}{endless}</table:table><table:table table:name="Margins" '
        f'table:style-name="t2">{row("Item", "Margin")}{row("Gasket", "0.3")}</table:table>',
        automatic='<style:style style:name="t2"><style:table-properties table:display="false"/>'
        "</style:style>",
    )
    segments, warnings = read(path)
    assert warnings == []
    assert [(s.locator.page, s.headings, s.text) for s in segments] == [
        (
            1,
            ("Parts",),
            "| Code | Share |\n| --- | --- |\n| 00501 | 19.5% |\n| N/A | N/A |\n| N/A | N/A |",
        ),
        (1, ("Parts",), "Comment by Bo on “00501”: Count again."),
        (2, ("Margins (hidden)",), "| Item | Margin |\n| --- | --- |\n| Gasket | 0.3 |"),
    ]


def test_slides_are_pages_with_their_notes(tmp_path: Path) -> None:
    slide = (
        '<draw:page><draw:frame presentation:class="title"><draw:text-box>'
        "<text:p>Slide {0}</text:p>"
        "</draw:text-box></draw:frame><draw:frame><draw:text-box><text:p>Point {0}</text:p>"
        "</draw:text-box></draw:frame><presentation:notes><draw:frame><draw:text-box>"
        "<text:p>Say {0}."
        "</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>"
    )
    segments, _ = read(make(tmp_path, "presentation", slide.format(1) + slide.format(2)))
    assert [(s.locator.page, s.headings, s.text) for s in segments] == [
        (1, ("Slide 1",), "Point 1"),
        (1, ("Slide 1", "Notes:"), "Say 1."),
        (2, ("Slide 2",), "Point 2"),
        (2, ("Slide 2", "Notes:"), "Say 2."),
    ]


def test_what_is_not_read_is_said(tmp_path: Path) -> None:
    _, warnings = read(make(tmp_path, "text", "<text:p>A <draw:object/></text:p>"))
    assert "Embedded objects" in warnings[0]
    path = make(tmp_path, "text", "<text:p/>", more="<file-entry><encryption-data/></file-entry>")
    with pytest.raises(ParseError, match="encrypted"):
        read(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ParseError, match="damaged"):
        read(path)


def test_an_archive_that_fills_the_memory_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path, "text", "<text:p>A</text:p>")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Pictures/bomb.png", b"\0" * (40 * 1024 * 1024))
    with pytest.raises(SourceTooLargeError, match="unpacks to"):
        read(path)


def test_elements_that_nest_deep(tmp_path: Path) -> None:
    deep = "<text:section>" * 200 + "<text:p>Deep.</text:p>" + "</text:section>" * 200
    segments, _ = read(make(tmp_path, "text", deep))
    assert [s.text for s in segments] == ["Deep."]


@pytest.mark.parametrize("name", ["a.rtf", "a.doc"])
def test_rich_text(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\b Title\b0\par Gr\'f6\'dfe 31"
        rb" \u8364?.\par "
        rb"\trowd\cellx100\cellx200 Part\cell Price\cell\row}"
    )
    segments, warnings = read(path)
    text = "\n".join(s.text for s in segments)
    assert "Title\n\nGröße 31 €." in text
    assert "Part|Price|" in text
    assert warnings == []


def test_pictures_in_rich_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes(rb"{\rtf1 Above.\par{\pict\pngblip 00}}")
    segments, warnings = read(path)
    assert [s.text for s in segments] == ["Above."]
    assert "Pictures" in warnings[0]
