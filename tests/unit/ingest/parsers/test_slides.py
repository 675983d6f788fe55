"""What of a PowerPoint file stands in charts, diagrams, merged cells and comments."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pptx
from parsing import parse
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingest.parsers.office.parser import OfficeParser
from kb.types import Segment

PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
AT = (Inches(1), Inches(2), Inches(6), Inches(4))
OOXML = "http://schemas.openxmlformats.org/"
DIAGRAM = f"""<dgm:dataModel xmlns:dgm="{OOXML}drawingml/2006/diagram"
xmlns:a="{OOXML}drawingml/2006/main"><dgm:ptLst><dgm:pt modelId="0" type="doc"/>
<dgm:pt modelId="2"><dgm:t><a:p><a:r><a:t>Rinse</a:t></a:r></a:p></dgm:t></dgm:pt>
<dgm:pt modelId="1"><dgm:t><a:p><a:r><a:t>Soak the filter</a:t></a:r></a:p></dgm:t></dgm:pt>
</dgm:ptLst><dgm:cxnLst><dgm:cxn modelId="3" srcId="0" destId="2" srcOrd="1"/>
<dgm:cxn modelId="4" srcId="0" destId="1" srcOrd="0"/></dgm:cxnLst></dgm:dataModel>"""


def show(title: str = "Heat") -> tuple[Any, Any]:
    """A presentation and its only slide."""
    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[5])
    slide.shapes.title.text = title
    return made, slide


def read(made: Any, folder: Path, parts: dict[str, tuple[str, str]] | None = None) -> list[Segment]:
    """The segments of a file with more parts: by name the kind of relationship that the first slide
    has to each, and its content."""
    data = io.BytesIO()
    made.save(data)
    path = folder / "a.pptx"
    with zipfile.ZipFile(data) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "ppt/slides/_rels/slide1.xml.rels":
                links = "".join(
                    f'<Relationship Id="x{i}" Target="/{part}" Type="{kind}"/>'
                    for i, (part, (kind, _)) in enumerate((parts or {}).items())
                    if kind
                )
                text = text.replace(b"</Relationships>", f"{links}</Relationships>".encode())
            new.writestr(name, text)
        for part, (_, content) in (parts or {}).items():
            new.writestr(part, content)
    segments, warnings = parse(OfficeParser(), path, PPTX)
    assert warnings == []
    assert {s.locator.page for s in segments} == {1}
    return segments


def test_a_scatter_chart_has_its_points(tmp_path: Path) -> None:
    made, slide = show()
    data = XyChartData()
    series = data.add_series("Run")
    series.add_data_point(1.5, 88)
    series.add_data_point(2.5, 91.25)
    slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, *AT, data)
    (table,) = read(made, tmp_path)
    assert table.text.split("\n")[2:] == ["| Run | 1.5 | 88 |", "| Run | 2.5 | 91.25 |"]


def test_a_bar_chart_has_its_values(tmp_path: Path) -> None:
    made, slide = show()
    data = CategoryChartData()
    data.categories = ["May", "June"]
    data.add_series("Boiler", (17.3, 4))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *AT, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Heat by month"
    text = "\n".join(s.text for s in read(made, tmp_path))
    assert "Heat by month" in text
    assert "|  | Boiler |\n| --- | --- |\n| May | 17.3 |\n| June | 4 |" in text


def test_cells_that_are_merged_over_rows_stand_in_each(tmp_path: Path) -> None:
    made, slide = show()
    table = slide.shapes.add_table(3, 2, *AT).table
    for i, word in enumerate(("Region", "Product", "North", "Pump", "", "Bellows")):
        table.cell(i // 2, i % 2).text = word
    table.cell(1, 0).merge(table.cell(2, 0))
    (found,) = read(made, tmp_path)
    assert found.text.split("\n")[2:] == ["| North | Pump |", "| North | Bellows |"]


def test_diagrams_and_comments_old_and_new(tmp_path: Path) -> None:
    made, _ = show()
    kinds = f"{OOXML}officeDocument/2006/relationships/"
    new = "http://schemas.microsoft.com/office/2018/10/relationships/comments"
    main = f'xmlns:p="{OOXML}presentationml/2006/main" xmlns:a="{OOXML}drawingml/2006/main"'
    segments = read(
        made,
        tmp_path,
        {
            "ppt/diagrams/data1.xml": (f"{kinds}diagramData", DIAGRAM),
            "ppt/comments/comment1.xml": (
                f"{kinds}comments",
                f'<p:cmLst {main}><p:cm authorId="0"><p:text>Too hot?</p:text></p:cm></p:cmLst>',
            ),
            "ppt/comments/modern1.xml": (
                new,
                f'<q:cmLst xmlns:q="q" {main}><q:cm authorId="{{A}}"><q:replyLst>'
                '<q:reply authorId="0">'
                "<q:txBody><a:p><a:r><a:t>Yes.</a:t></a:r></a:p></q:txBody></q:reply></q:replyLst>"
                "<q:txBody><a:p><a:r><a:t>Check it.</a:t></a:r></a:p></q:txBody></q:cm></q:cmLst>",
            ),
            "ppt/commentAuthors.xml": (
                "",
                f'<p:cmAuthorLst {main}><p:cmAuthor id="0" name="Ana"/></p:cmAuthorLst>',
            ),
            "ppt/authors.xml": (
                "",
                '<q:authorLst xmlns:q="q"><q:author id="{A}" name="Bo"/></q:authorLst>',
            ),
        },
    )
    assert [s.text for s in segments] == [
        "- Soak the filter\n- Rinse",
        "Comment by Ana: Too hot?",
        "Comment by Bo: Check it.",
        "Comment by Ana: Yes.",
    ]
    assert {s.headings for s in segments} == {("Heat",)}
