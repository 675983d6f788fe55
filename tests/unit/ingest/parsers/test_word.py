"""What of a Word file stands outside of its running text, or in no text at all."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from parsing import parse

from ingest.parsers.office.parser import OfficeParser
from kb.types import Segment

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
WPS = (
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
) + nsdecls("w", "a", "wp", "r")


def read(document: Any, folder: Path) -> tuple[list[Segment], list[str]]:
    path = folder / "a.docx"
    document.save(str(path))
    return parse(OfficeParser(), path, DOCX)


def texts(document: Any, folder: Path) -> list[str]:
    segments, warnings = read(document, folder)
    assert warnings == []
    return [segment.text for segment in segments]


def inside(paragraph: Any, xml: str) -> None:
    """Put XML into a paragraph."""
    for element in parse_xml(f"<w:x {WPS}>{xml}</w:x>"):
        paragraph._p.append(element)


def number(document: Any, levels: Sequence[tuple[str, str, str]], *, starts: str = "") -> int:
    """A list of ``(format, text, style)`` a level; returns its id."""
    root = document.part.numbering_part.element
    which = len(root) + 100
    definition = "".join(
        f'<w:lvl w:ilvl="{i}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
        + (f'<w:pStyle w:val="{style}"/>' if style else "")
        + f'<w:lvlText w:val="{text}"/></w:lvl>'
        for i, (form, text, style) in enumerate(levels)
    )
    first_num = next((i for i, one in enumerate(root) if one.tag == qn("w:num")), len(root))
    root.insert(
        first_num,
        parse_xml(f'<w:abstractNum {WPS} w:abstractNumId="{which}">{definition}</w:abstractNum>'),
    )
    root.append(num(which, which, starts))
    return which


def num(which: int, abstract: int, starts: str = "") -> Any:
    return parse_xml(
        f'<w:num {WPS} w:numId="{which}"><w:abstractNumId w:val="{abstract}"/>{starts}</w:num>'
    )


def item(document: Any, text: str, which: int, level: int = 0) -> None:
    properties = document.add_paragraph(text)._p.get_or_add_pPr()
    properties.append(
        parse_xml(f'<w:numPr {WPS}><w:ilvl w:val="{level}"/><w:numId w:val="{which}"/></w:numPr>')
    )


def test_numbers_are_those_that_word_shows(tmp_path: Path) -> None:
    document = docx.Document()
    levels = [("decimal", "§ %1", ""), ("lowerLetter", "%1(%2)", ""), ("upperRoman", "%3.", "")]
    which = number(document, levels)
    for text, level in (
        ("Rent", 0), ("due", 1), ("late", 1), ("first", 2), ("second", 2), ("Heat", 0), ("oil", 1)
    ):  # fmt: skip
        item(document, text, which, level)
        if text == "late":
            document.add_paragraph("A paragraph between them.")
    assert texts(document, tmp_path) == [
        "§ 1 Rent\n1(a) due\n1(b) late\n\nA paragraph between them.\n\nI. first\nII. second\n"
        "§ 2 Heat\n2(a) oil"
    ]


def test_a_list_that_starts_anew_and_one_that_goes_on(tmp_path: Path) -> None:
    document = docx.Document()
    first = number(document, [("decimal", "%1)", "")])
    root = document.part.numbering_part.element
    anew = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
    root.append(num(900, first, anew))
    root.append(num(901, first))
    for text, which in (("a", first), ("b", first), ("c", 900), ("d", 900), ("e", 901)):
        item(document, text, which)
    assert texts(document, tmp_path) == ["1) a\n2) b\n5) c\n6) d\n7) e"]


def test_headings_are_numbered_by_their_styles(tmp_path: Path) -> None:
    document = docx.Document()
    levels = [("chineseCounting", "第%1章", "Heading1"), ("decimal", "%1.%2", "Heading2")]
    which = number(document, [levels[0], levels[1]])
    # 17.9.4: legal numbering.
    level = document.part.numbering_part.element.findall(qn("w:abstractNum"))[-1][1]
    level.insert(1, parse_xml(f"<w:isLgl {WPS}/>"))
    for depth, name in enumerate(("Heading 1", "Heading 2")):
        about = document.styles[name].element.get_or_add_pPr()
        about.append(
            parse_xml(
                f'<w:numPr {WPS}><w:ilvl w:val="{depth}"/><w:numId w:val="{which}"/></w:numPr>'
            )
        )
    document.add_heading("总则", 1)
    document.add_paragraph("一些文字。")
    document.add_heading("附则", 1)
    document.add_heading("生效", 2)
    document.add_paragraph("自公布之日起。")
    segments, _ = read(document, tmp_path)
    assert [s.headings for s in segments] == [("第一章 总则",), ("第二章 附则", "2.1 生效")]


def test_bullets_stay_bullets(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Keep dry", style="List Bullet")
    document.add_paragraph("Keep cool", style="List Bullet")
    document.add_paragraph("Unpack", style="List Number")
    assert texts(document, tmp_path) == ["- Keep dry\n- Keep cool\n1. Unpack"]


def test_headers_and_footers_once_each_without_page_numbers(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Body.")
    section = document.sections[0]
    section.different_first_page_header_footer = True
    section.first_page_header.paragraphs[0].text = "Cover sheet AX-7"
    table = section.header.add_table(1, 2, docx.shared.Cm(10))
    table.cell(0, 0).text, table.cell(0, 1).text = "QP-31", "Revision C"
    inside(section.footer.paragraphs[0], "<w:r><w:t>12</w:t></w:r>")
    section.footer.add_paragraph("Kept by the lab")
    document.add_section()
    document.sections[1].footer.is_linked_to_previous = False
    document.sections[1].footer.paragraphs[0].text = "Kept by the lab"
    body, margins = texts(document, tmp_path)
    assert body == "Body."
    assert sorted(margins.split("\n")) == [
        "Cover sheet AX-7",
        "Kept by the lab",
        "QP-31; Revision C",
    ]


BOX = "<w:txbxContent><w:p><w:r><w:t>Wear gloves.</w:t></w:r></w:p></w:txbxContent>"
SHAPE = (
    f"<a:graphic><a:graphicData><wps:wsp><wps:txbx>{BOX}</wps:txbx></wps:wsp></a:graphicData>"
    "</a:graphic>"
)
OLD = f"<w:pict><v:shape><v:textbox>{BOX}</v:textbox></v:shape></w:pict>"


@pytest.mark.parametrize(
    "box",
    [
        f"<w:r><w:drawing><wp:anchor>{SHAPE}</wp:anchor></w:drawing></w:r>",
        f"<w:r>{OLD}</w:r>",
        "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:anchor>"
        f"{SHAPE}</wp:anchor></w:drawing></mc:Choice><mc:Fallback>{OLD}</mc:Fallback>"
        "</mc:AlternateContent></w:r>",
    ],
)
def test_text_boxes_once_behind_their_paragraph(box: str, tmp_path: Path) -> None:
    document = docx.Document()
    inside(document.add_paragraph("Open the valve."), box)
    document.add_paragraph("Close it.")
    assert texts(document, tmp_path) == ["Open the valve.\n\nWear gloves.\n\nClose it."]


def test_fields_moves_and_links_keep_their_words(tmp_path: Path) -> None:
    document = docx.Document()
    inside(
        document.add_paragraph("Figure "),
        '<w:fldSimple w:instr=" SEQ Figure "><w:r><w:t>3</w:t></w:r></w:fldSimple>'
        '<w:moveFrom w:id="1"><w:r><w:t> gone</w:t></w:r></w:moveFrom>'
        '<w:moveTo w:id="2"><w:r><w:t> shows</w:t></w:r></w:moveTo>'
        '<w:del w:id="3"><w:r><w:delText> old</w:delText></w:r></w:del>'
        '<w:ins w:id="4"><w:r><w:t> the pump</w:t></w:r></w:ins>',
    )
    paragraph = document.add_paragraph("See the ")
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
    which = document.part.relate_to("https://example.org/kb/", kind, is_external=True)
    inside(paragraph, f'<w:hyperlink r:id="{which}"><w:r><w:t>portal</w:t></w:r></w:hyperlink>')
    assert texts(document, tmp_path) == [
        "Figure 3 shows the pump\n\nSee the portal (https://example.org/kb)"
    ]


def test_comments_have_their_place_and_are_no_part_of_a_table(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Warranty", 1)
    paragraph = document.add_paragraph("It lasts two years.")
    document.add_comment(paragraph.runs, "Legal asked for five.", author="Ana", initials="A")
    table = document.add_table(2, 2)
    for i, word in enumerate(("part", "price", "pump", "3")):
        table.cell(i // 2, i % 2).text = word
    document.add_comment(table.cell(1, 1).paragraphs[0].runs, "Without tax?", author="")
    segments, warnings = read(document, tmp_path)
    assert (warnings, {s.headings for s in segments}) == ([], {("Warranty",)})
    assert sorted(s.text for s in segments) == [
        "Comment by Ana on “It lasts two years.”: Legal asked for five.",
        "Comment on “3”: Without tax?",
        "It lasts two years.",
        "| part | price |\n| --- | --- |\n| pump | 3 |",
    ]


FRACTION = (
    "<m:oMath><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num>"
    "<m:den><m:r><m:t>b</m:t></m:r></m:den></m:f></m:oMath>"
)
BOXED = FRACTION.replace("m:oMath>", "m:borderBox>")
# The limit of something that is no known function, and indices before their sign.
STRANGE = (
    "<m:oMath><m:limLow><m:e><m:r><m:t>wob</m:t></m:r></m:e><m:lim><m:r><m:t>x7</m:t></m:r></m:lim>"
    "</m:limLow></m:oMath>"
)
BEFORE = (
    "<m:oMath><m:sPre><m:sub><m:r><m:t>92</m:t></m:r></m:sub><m:sup><m:r><m:t>238</m:t></m:r>"
    "</m:sup><m:e><m:r><m:t>U</m:t></m:r></m:e></m:sPre></m:oMath>"
)


def test_an_equation_that_is_not_understood_costs_no_other(tmp_path: Path) -> None:
    document = docx.Document()
    inside(document.add_paragraph("First "), f"{FRACTION}<w:r><w:t> here.</w:t></w:r>")
    inside(document.add_paragraph("Then "), STRANGE + BEFORE)
    inside(document.add_paragraph("Boxed "), f"<m:oMath>{BOXED}</m:oMath>")
    inside(document.add_paragraph(), f"<m:oMathPara>{FRACTION}</m:oMathPara>")
    segments, warnings = read(document, tmp_path)
    (text,) = (s.text for s in segments)
    assert (
        re.sub(r"\s", "", text)
        == r"First$\frac{a}{b}$here.Thenwobx792238UBoxed$\frac{a}{b}$$\frac{a}{b}$"
    )
    (warning,) = warnings
    assert "2 of its 5 equations" in warning


CHART = f"""<c:chartSpace {WPS}><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Heat by month</a:t>
</a:r></a:p></c:rich></c:tx></c:title><c:plotArea>{{}}</c:plotArea></c:chart></c:chartSpace>"""
BARS = """<c:barChart><c:ser><c:tx><c:strRef><c:strCache><c:pt idx="0"><c:v>Boiler</c:v></c:pt>
</c:strCache></c:strRef></c:tx><c:cat><c:strRef><c:strCache><c:pt idx="0"><c:v>May</c:v></c:pt>
<c:pt idx="1"><c:v>June</c:v></c:pt></c:strCache></c:strRef></c:cat><c:val><c:numRef><c:numCache>
<c:pt idx="0"><c:v>17.300000000000001</c:v></c:pt><c:pt idx="1"><c:v>4</c:v></c:pt></c:numCache>
</c:numRef></c:val></c:ser></c:barChart>"""
POINTS = """<c:scatterChart><c:ser><c:tx><c:v>Run</c:v></c:tx><c:xVal><c:numRef><c:numCache>
<c:pt idx="0"><c:v>1.5</c:v></c:pt></c:numCache></c:numRef></c:xVal><c:yVal><c:numRef><c:numCache>
<c:pt idx="0"><c:v>88</c:v></c:pt></c:numCache></c:numRef></c:yVal></c:ser></c:scatterChart>"""
DIAGRAM = f"""<dgm:dataModel {WPS}><dgm:ptLst><dgm:pt modelId="0" type="doc"/>
<dgm:pt modelId="2"><dgm:t><a:p><a:r><a:t>Rinse</a:t></a:r></a:p></dgm:t></dgm:pt>
<dgm:pt modelId="1"><dgm:t><a:p><a:r><a:t>Soak the filter</a:t></a:r></a:p></dgm:t></dgm:pt>
<dgm:pt modelId="9" type="pres"/></dgm:ptLst><dgm:cxnLst>
<dgm:cxn modelId="3" srcId="0" destId="2" srcOrd="1"/>
<dgm:cxn modelId="4" srcId="0" destId="1" srcOrd="0"/></dgm:cxnLst></dgm:dataModel>"""


def with_part(folder: Path, drawing: str, kind: str, part: str) -> list[str]:
    """The texts of a document with a drawing and what that refers to as ``rId99``."""
    document = docx.Document()
    inside(document.add_paragraph("Above."), f"<w:r><w:drawing>{drawing}</w:drawing></w:r>")
    data = io.BytesIO()
    document.save(data)
    path = folder / "a.docx"
    about = (
        f'<Relationship Id="rId99" Target="x/part.xml" Type="http://schemas.openxmlformats.org/'
        f'officeDocument/2006/relationships/{kind}"/></Relationships>'
    )
    with zipfile.ZipFile(data) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "word/_rels/document.xml.rels":
                text = text.replace(b"</Relationships>", about.encode())
            new.writestr(name, text)
        if part:
            new.writestr("word/x/part.xml", part)
    segments, warnings = parse(OfficeParser(), path, DOCX)
    assert len(warnings) == (not part)
    return [segment.text for segment in segments]


@pytest.mark.parametrize(
    ("plot", "rows"),
    [
        (BARS, "|  | Boiler |\n| --- | --- |\n| May | 17.3 |\n| June | 4 |"),
        (POINTS, "|  | X | Y |\n| --- | --- | --- |\n| Run | 1.5 | 88 |"),
    ],
)
def test_the_values_of_charts(plot: str, rows: str, tmp_path: Path) -> None:
    drawing = '<wp:inline><a:graphic><c:chart r:id="rId99"/></a:graphic></wp:inline>'
    above, table = with_part(tmp_path, drawing, "chart", CHART.format(plot))
    assert (above, table) == ("Above.\n\nHeat by month", rows)


def test_the_boxes_of_diagrams_in_order(tmp_path: Path) -> None:
    drawing = '<wp:inline><a:graphic><dgm:relIds r:dm="rId99"/></a:graphic></wp:inline>'
    assert with_part(tmp_path, drawing, "diagramData", DIAGRAM) == [
        "Above.\n\nSoak the filter\n\nRinse"
    ]
    assert with_part(tmp_path, drawing, "diagramData", "") == ["Above."]


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        ('<w:object><o:OLEObject ProgID="Visio.Drawing.15"/></w:object>', "Visio.Drawing.15"),
        ('<w:altChunk r:id="rId77"/>', "Other documents"),
    ],
)
def test_what_is_not_read_is_said(xml: str, reason: str, tmp_path: Path) -> None:
    document = docx.Document()
    inside(document.add_paragraph("Above."), f"<w:r>{xml}</w:r>")
    _, warnings = read(document, tmp_path)
    (warning,) = warnings
    assert reason in warning


def test_a_table_in_a_cell_is_a_table_behind_it(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(2, 2)
    for i, word in enumerate(("Unit", "Data", "Mill", "")):
        table.cell(i // 2, i % 2).text = word
    inner = table.cell(1, 1).add_table(2, 2)
    for i, word in enumerate(("Key", "Value", "Torque", "18 Nm")):
        inner.cell(i // 2, i % 2).text = word
    assert texts(document, tmp_path) == [
        "| Unit | Data |\n| --- | --- |\n| Mill |  |",
        "| Key | Value |\n| --- | --- |\n| Torque | 18 Nm |",
    ]


def test_words_with_marks_of_markdown_stay_as_they_are(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Set MAX_RATE_2 to 3*4 and #7.")
    document.add_paragraph("# no heading")
    assert texts(document, tmp_path) == ["Set MAX_RATE_2 to 3*4 and #7.\n\n# no heading"]


@pytest.mark.parametrize("comments", [b"", b"<w:comments", b"no XML"])
def test_broken_comments_cost_no_text(comments: bytes, tmp_path: Path) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("It lasts two years.")
    document.add_comment(paragraph.runs, "Legal asked for five.", author="Ana", initials="A")
    data = io.BytesIO()
    document.save(data)
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(data) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, comments if name == "word/comments.xml" else old.read(name))
    segments, warnings = parse(OfficeParser(), path, DOCX)
    assert [s.text for s in segments] == ["It lasts two years."]
    assert warnings == ["The comments in it are damaged and were left out."]
