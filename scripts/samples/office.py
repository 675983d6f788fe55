"""A Word report, a Chinese presentation and a workbook with two sheets."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from pathlib import Path

import docx
import openpyxl
import pptx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Cm as DocxCm
from docx.shared import Pt as DocxPt
from docx.shared import RGBColor as DocxColour
from openpyxl.styles import Font, PatternFill
from PIL import Image
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.util import Cm, Pt

from scripts.samples import products, tabletop

DATE = dt.datetime(2026, 3, 27, 8, 0, 0)
INVENTORY = (
    ("Item", "SKU", "Warehouse", "In stock", "Reorder below"),
    ("Breeze 300 air purifier", "HW-B300", "Oakford", 412, 150),
    ("Skylark weather station", "HW-S20", "Oakford", 268, 100),
    ("Millrace coffee grinder", "HW-M48", "Harbour", 95, 120),
    ("Ember kettle", "HW-E10", "Harbour", 341, 90),
    ("Lantern desk lamp", "HW-L05", "Oakford", 57, 60),
    ("HF-30 filter", "HF-30", "Harbour", 1880, 600),
)
ORDERS = (
    ("Order", "Date", "Customer", "Item", "Quantity", "Amount (EUR)"),
    ("A-20731", dt.date(2026, 3, 2), "Fernhill School", "Breeze 300 air purifier", 24, 5976.00),
    ("A-20745", dt.date(2026, 3, 5), "Café Lindqvist", "Millrace coffee grinder", 3, 597.00),
    ("A-20752", dt.date(2026, 3, 9), "Oakford Library", "Lantern desk lamp", 40, 2760.00),
    ("A-20768", dt.date(2026, 3, 12), "Moorland Farm", "Skylark weather station", 2, 358.00),
    ("A-20770", dt.date(2026, 3, 13), "Dr. Ruiz, dentist", "Breeze 300 air purifier", 5, 1245.00),
    ("A-20791", dt.date(2026, 3, 20), "Hotel Brenner", "Ember kettle", 62, 3658.00),
    ("A-20804", dt.date(2026, 3, 26), "Fernhill School", "HF-30 filter", 48, 1776.00),
)
SLIDES = (
    ("2026 年客服培训", ("榛维电器售后服务部", "2026 年 3 月 27 日，橡滩市")),
    (
        "产品系列一览",
        (
            "微风 300 空气净化器：适用于 38 平方米以下的房间",
            "云雀气象站：测量温度、湿度、风速和雨量",
            "磨坊咖啡研磨机：四十档研磨粗细",
            "余烬电热水壶：容量一升",
        ),
    ),
    (
        "接待客户的四个步骤",
        (
            "先听客户说完，再提问",
            "核对机身底部的序列号和发票日期",
            "按照说明书引导客户自行排查",
            "二十四小时内回复邮件，四十八小时内给出处理方案",
        ),
    ),
    (
        "最常见的三个问题",
        (
            "手机连不上机器（占 41%）：多数是使用了 5 GHz 网络",
            "灯环一直亮紫灯（占 23%）：传感器镜头有灰尘",
            "新滤网有塑料味（占 12%）：强力模式运行一天即可散去",
        ),
    ),
    (
        "2026 年目标",
        (
            "退货率从 2.6% 降到 1.5%",
            "电话平均等待时间不超过 50 秒",
            "客户满意度达到 4.7 分（满分 5 分）",
        ),
    ),
)


def write(folder: Path) -> None:
    """Write the three files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _report(folder / "Millrace field test report.docx")
    _training(folder / "客服培训 2026.pptx")
    _workbook(folder / "Stock and orders March 2026.xlsx")


def _jpeg(picture: Image.Image, width_px: int) -> io.BytesIO:
    data = io.BytesIO()
    height_px = round(picture.height * width_px / picture.width)
    picture.resize((width_px, height_px)).save(data, "JPEG", quality=84)
    data.seek(0)
    return data


def _save(package: bytes, path: Path) -> None:
    """Write a zip package with every member dated `DATE`, so that it is always the same."""
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.infolist():
            info = zipfile.ZipInfo(member.filename, DATE.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            data = old.read(member)
            if member.filename == "docProps/core.xml":  # openpyxl writes the time of saving
                now = rb"(<dcterms:modified[^>]*>)[^<]*"
                data = re.sub(now, rb"\g<1>" + f"{DATE.isoformat()}Z".encode(), data)
            new.writestr(info, data)


def _report(path: Path) -> None:
    document = docx.Document()
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", DocxPt(11)
    for level in (1, 2):
        document.styles[f"Heading {level}"].font.color.rgb = DocxColour(0x1F, 0x6F, 0x68)
    document.add_heading("Millrace coffee grinder: field test report", 0)
    document.add_paragraph("Test laboratory, 27 March 2026. Author: Ines Caldera.")
    document.add_heading("Summary", 1)
    document.add_paragraph(
        "Twelve households used the Millrace for eight weeks and ground 214 kilograms of coffee. "
        "Eleven of them would buy it. The only serious complaint concerns coffee dust that sticks "
        "to the cup in dry weather."
    )
    document.add_heading("How we tested", 1)
    document.add_paragraph(
        "Every household received a new grinder, a scale and a diary. We measured noise and grain "
        "size on the first and on the last day. Two grinders ran in the laboratory for comparison."
    )
    document.add_picture(_jpeg(tabletop.coffee_grinder(), 640), width=DocxCm(7.5))
    document.paragraphs[-1].alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption = document.add_paragraph("Figure 1. The Millrace as it was delivered.", "Caption")
    caption.alignment = WD_ALIGN_PARAGRAPH.CENTER
    document.add_heading("Results", 1)
    document.add_heading("Measurements", 2)
    rows = (
        ("Quantity", "First day", "After eight weeks"),
        ("Noise at one metre", "71 dB(A)", "73 dB(A)"),
        ("Time for 18 g, espresso", "11.4 s", "11.9 s"),
        ("Coffee left in the grinder", "0.4 g", "0.6 g"),
        ("Temperature of the grounds", "34 °C", "35 °C"),
    )
    table = document.add_table(0, 3, "Light Grid Accent 1")
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.add_heading("Static electricity", 2)
    document.add_paragraph(
        "Below 35 % relative humidity, grounds cling to the catch cup. A single drop of water on "
        "the beans before grinding cured it in every case. We will line the cup with a conductive "
        "coating from June 2026."
    )
    document.add_heading("Recommendation", 1)
    document.add_paragraph(
        "Release the grinder for sale. Replace the burr, a 48 mm cone of hardened steel, after "
        "500 kilograms of coffee, and say so in the manual."
    )
    core = document.core_properties
    core.title, core.author = "Millrace coffee grinder: field test report", "Hazelwick"
    core.created = core.modified = DATE
    data = io.BytesIO()
    document.save(data)
    _save(data.getvalue(), path)


def _training(path: Path) -> None:
    deck = pptx.Presentation()
    deck.slide_width, deck.slide_height = Cm(33.867), Cm(19.05)
    for number, (title, lines) in enumerate(SLIDES):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        first = number == 0
        bar = slide.shapes.add_shape(
            MSO_SHAPE.RECTANGLE, 0, 0, deck.slide_width, deck.slide_height if first else Cm(3.4)
        )
        bar.fill.solid()
        bar.fill.fore_color.rgb = RGBColor(0x1F, 0x6F, 0x68)
        bar.line.fill.background()
        slide.shapes._spTree.insert(2, bar._element)
        heading = slide.shapes.title
        heading.left, heading.top = Cm(2), Cm(6) if first else Cm(0.6)
        heading.width, heading.height = Cm(29), Cm(2.4)
        heading.text_frame.text = title
        heading.text_frame.paragraphs[0].alignment = 1
        run = heading.text_frame.paragraphs[0].runs[0].font
        run.size, run.bold, run.color.rgb = Pt(54 if first else 36), True, RGBColor(255, 255, 255)
        body = slide.shapes.add_textbox(
            Cm(2), Cm(9.4) if first else Cm(4.6), Cm(19 if number == 1 else 29), Cm(10)
        )
        body.text_frame.word_wrap = True
        for i, line in enumerate(lines):
            paragraph = body.text_frame.paragraphs[0] if i == 0 else body.text_frame.add_paragraph()
            paragraph.text = line if first else f"• {line}"
            paragraph.font.size, paragraph.space_after = Pt(24), Pt(16)
            ink = (0xD9, 0xEF, 0xEB) if first else (0x1D, 0x2B, 0x33)
            paragraph.font.color.rgb = RGBColor(*ink)
        if number == 1:
            picture = products.room_with_purifier().crop((380, 180, 860, 900))
            slide.shapes.add_picture(_jpeg(picture, 480), Cm(22.6), Cm(4.6), height=Cm(13))
    slide.notes_slide.notes_text_frame.text = "提醒大家：目标每季度检查一次，下次检查在六月三十日。"
    core = deck.core_properties
    core.title, core.author = "2026 年客服培训", "榛维电器"
    core.created = core.modified = DATE
    data = io.BytesIO()
    deck.save(data)
    _save(data.getvalue(), path)


def _workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    stock = book.active
    stock.title = "Stock"
    orders = book.create_sheet("Orders")
    for sheet, rows in ((stock, INVENTORY), (orders, ORDERS)):
        for row in rows:
            sheet.append(row)
        for cell in sheet[1]:
            cell.font = Font(bold=True, color="FFFFFF")
            cell.fill = PatternFill("solid", fgColor="1F6F68")
        for column, width in zip("ABCDEF", (26, 14, 20, 26, 15, 15), strict=True):
            sheet.column_dimensions[column].width = width
        sheet.freeze_panes = "A2"
    for row in orders.iter_rows(min_row=2):
        row[1].number_format = "yyyy-mm-dd"
        row[5].number_format = "#,##0.00"
    book.properties.creator = "Hazelwick"
    book.properties.created = book.properties.modified = DATE
    data = io.BytesIO()
    book.save(data)
    _save(data.getvalue(), path)
