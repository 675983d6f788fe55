"""Pictures: the products, charts, a receipt, and a phone's photo with EXIF data."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from scripts.samples import products, tabletop
from scripts.samples.canvas import Canvas, grain

SALES = {
    "Breeze 300": ("#1f6f68", (1240, 1510, 1985, 2640)),
    "Skylark": ("#2f9be8", (860, 1120, 1340, 980)),
    "Millrace": ("#e0a458", (1050, 930, 890, 1720)),
}
CITIES = (("昆明", 9.6), ("广州", 8.4), ("上海", 7.8), ("北京", 6.2), ("成都", 5.9))


def write(folder: Path) -> None:
    """Write the pictures below `folder`."""
    shop, charts, receipts = folder / "products", folder / "charts", folder / "receipts"
    for each in (shop, charts, receipts):
        each.mkdir(parents=True, exist_ok=True)
    products.room_with_purifier().save(shop / "Breeze 300 living room.jpg", quality=86)
    products.weather_station().save(shop / "Skylark weather station.jpg", quality=86)
    tabletop.coffee_grinder().save(shop / "Millrace coffee grinder.webp", quality=84)
    tabletop.kettle().save(shop / "Ember kettle.jpg", quality=86)
    _flat(tabletop.desk_lamp()).save(shop / "Lantern desk lamp.png", optimize=True)
    _flat(sales_chart()).save(charts / "Units sold 2025.png", optimize=True)
    _flat(filter_chart()).save(charts / "各城市滤网更换周期.png", optimize=True)
    receipt().save(receipts / "Receipt 2026-02-18.jpg", quality=80)
    photo = products.parcel()
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: to be turned 90 degrees clockwise for viewing
    exif[0x010F] = "Hazelwick"
    exif[0x0110] = "Sample camera"
    exif[0x0132] = "2026:03:14 09:22:10"
    exif.get_ifd(0x8769)[0x9003] = "2026:03:14 09:22:10"
    turned = photo.transpose(Image.Transpose.ROTATE_90)
    turned.save(folder / "IMG_20260314_092210.jpg", quality=84, exif=exif)


def _flat(picture: Image.Image) -> Image.Image:
    """`picture` with 256 colours, which makes a PNG small."""
    return picture.quantize(256, dither=Image.Dither.NONE)


def sales_chart() -> Image.Image:
    """Units sold by quarter as a bar chart."""
    c = Canvas(1200, 760, "#ffffff")
    c.text((70, 38), "Units sold by quarter, 2025", 38, bold=True)
    c.text((70, 92), "Hazelwick, all countries", 22, "#66767e")
    left, right, top, bottom = 110, 1150, 170, 650
    for units in range(0, 3001, 500):
        y = bottom - (bottom - top) * units / 3000
        c.line([(left, y), (right, y)], "#dfe6e5" if units else "#1d2b33", 1.6)
        c.text((left - 14, y), f"{units:,}", 20, "#66767e", anchor="rm")
    for quarter in range(4):
        middle = left + (right - left) * (quarter + 0.5) / 4
        for i, (ink, sold) in enumerate(SALES.values()):
            x = middle + (i - 1) * 72
            y = bottom - (bottom - top) * sold[quarter] / 3000
            c.rect((x - 32, y, x + 32, bottom), ink)
            c.text((x, y - 18), f"{sold[quarter]:,}", 19, bold=True, anchor="mm")
        c.text((middle, bottom + 28), f"Q{quarter + 1}", 24, bold=True, anchor="mm")
    x = 640
    for name, (ink, _) in SALES.items():
        c.rect((x, 706, x + 22, 728), ink, 4)
        c.text((x + 32, 717), name, 21, anchor="lm")
        x += 180
    return c.finish()


def filter_chart() -> Image.Image:
    """How long a filter lasts in five cities, in Chinese."""
    c = Canvas(1200, 760, "#fbf8f3")
    c.text((70, 36), "各城市滤网更换周期", 42, bold=True)
    c.text((70, 100), "每天使用十二小时，单位：月，2025 年用户数据", 24, "#6f6557")
    for i, (city, months) in enumerate(CITIES):
        y = 200 + i * 100
        c.text((180, y + 30), city, 32, bold=True, anchor="rm")
        c.rect((210, y, 210 + 900 * 10 / 11, y + 60), "#efe7da", 10)
        c.rect((210, y, 210 + 900 * months / 11, y + 60), ("#1f6f68", "#52b788"), 10, across=True)
        c.text((210 + 900 * months / 11 - 20, y + 30), f"{months}", 30, "#ffffff", True, "rm")
    c.text((70, 708), "空气越干净，滤网寿命越长。", 22, "#6f6557")
    return c.finish()


def receipt() -> Image.Image:
    """A till receipt on a table, photographed a little askew."""
    c = Canvas(620, 1020, "#fbfaf6")
    c.text((310, 62), "CORNER ELECTRIC", 42, "#22262a", True, "mm")
    c.text((310, 112), "12 Mill Lane, Oakford", 25, "#22262a", anchor="mm")
    c.text((310, 150), "18 February 2026   16:42", 25, "#22262a", anchor="mm")
    c.text((310, 188), "Receipt no. 20518", 25, "#22262a", anchor="mm")
    lines = (
        ("HF-30 filter 2 x 39.90", "79.80"),
        ("Cotton swabs HC-05", "4.50"),
        ("Extension lead 3 m", "12.90"),
    )
    _dashes(c, 228)
    y = 272
    for name, price in lines:
        c.text((60, y), name, 28, "#22262a", anchor="lm")
        c.text((560, y), price, 28, "#22262a", anchor="rm")
        y += 52
    y -= 20
    _dashes(c, y)
    c.text((60, y + 56), "TOTAL EUR", 40, "#22262a", True, "lm")
    c.text((560, y + 56), "97.20", 40, "#22262a", True, "rm")
    c.text((60, y + 112), "incl. 19 % VAT", 25, "#22262a", anchor="lm")
    c.text((560, y + 112), "15.52", 25, "#22262a", anchor="rm")
    c.text((60, y + 160), "Card ending 4406", 25, "#22262a", anchor="lm")
    c.text((560, y + 160), "97.20", 25, "#22262a", anchor="rm")
    _dashes(c, y + 204)
    c.text((310, y + 252), "Exchange within 30 days", 25, "#22262a", anchor="mm")
    c.text((310, y + 290), "with this receipt.", 25, "#22262a", anchor="mm")
    c.text((310, y + 352), "THANK YOU", 34, "#22262a", True, "mm")
    rng = np.random.default_rng(7)
    x = 130.0
    while x < 480:
        width = float(rng.choice([2.0, 3.0, 5.0]))
        c.rect((x, y + 394, x + width, y + 466), "#22262a")
        x += width + float(rng.choice([2.0, 3.0, 5.0]))
    paper = c.finish().crop((0, 0, 620, y + 510))
    return _on_table(paper)


def _dashes(c: Canvas, y: float) -> None:
    for x in range(60, 560, 16):
        c.rect((x, y, x + 9, y + 2), "#55595d")


def _on_table(paper: Image.Image) -> Image.Image:
    width, height = 900, 1200
    table = Canvas(width, height, ("#8a6a4d", "#6f5238"))
    for i in range(5):
        table.rect((i * 190 - 30, 0, i * 190 - 27, height), "#4e3825", opacity=0.7)
        for k in range(9):
            x = i * 190 + 10 + (k * 53) % 150
            wave = [(x + 5 * math.sin(j / 3 + k), j * 80) for j in range(17)]
            table.line(wave, "#5f4530", 1.2, 0.4)
    wood = table.finish()
    layer = Image.new("RGBA", (width, height))
    layer.paste(paper.convert("RGBA"), ((width - paper.width) // 2, (height - paper.height) // 2))
    layer = layer.rotate(-2.6, Image.Resampling.BICUBIC)
    shadow = Image.new("RGBA", (width, height))
    dark = Image.new("L", (width, height))
    dark.paste(layer.getchannel("A"), (14, 18))
    shadow.putalpha(dark.filter(ImageFilter.GaussianBlur(14)).point(lambda value: value // 2))
    wood.paste(shadow, (0, 0), shadow)
    wood.paste(layer, (0, 0), layer)
    light = np.linspace(1.05, 0.86, width)[None, :, None]
    lit = np.clip(np.asarray(wood, np.float32) * light, 0, 255).astype(np.uint8)
    return grain(Image.fromarray(lit), 3.0, 31)
