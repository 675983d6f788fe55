"""A typed and stamped sheet as it comes from a scanner: a picture without a text layer."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

TYPEWRITER = Path("/usr/share/fonts/truetype/liberation/LiberationMono-Bold.ttf")
ROWS = (
    ("DEVICE", "Breeze 300   S/N HB3-2503-01177"),
    ("COMPLAINT", "rattles at full speed"),
    ("FOUND", "front fan bearing dry,\none screw of the motor\nmount missing"),
    ("DONE", "bearing 608-ZZ replaced,\ntwo drops of PTFE oil"),
    ("TORQUE", "fan screws 0.6 Nm, not more"),
    ("FUSE F2", "T 2.5 A / 250 V, checked"),
    ("SERVICE MENU", "hold Filter 12 s, code 4173"),
    ("TEST RUN", "45 minutes, 51 dB, passed"),
    ("NEXT CHECK", "September 2027"),
)


def service_sheet() -> bytes:
    """The sheet as a grey JPEG of A5 at 150 dpi, turned by 0.9 degrees, with noise."""
    width, height = 875, 1240
    paper = Image.new("RGB", (width, height), (247, 244, 235))
    rng = np.random.default_rng(417)
    _form(paper)
    y = 262
    for label, text in ROWS:
        _type(paper, (78, y), label, 21, (70, 70, 74), rng)
        for line in text.split("\n"):
            _type(paper, (300, y), line, 25, (28, 30, 44), rng)
            y += 37
        y += 27
    _type(paper, (78, 1060), "TECHNICIAN", 21, (70, 70, 74), rng)
    _type(paper, (300, 1058), "M. Okafor", 25, (28, 30, 44), rng)
    _signature(paper)
    paper = _stamp(paper)
    turned = paper.rotate(0.9, Image.Resampling.BICUBIC, fillcolor=(226, 224, 216))
    values = np.asarray(turned.convert("L").filter(ImageFilter.GaussianBlur(0.55)), np.float32)
    shade = np.linspace(1.0, 0.93, width)[None, :] * np.linspace(0.985, 1.0, height)[:, None]
    values = (values * shade + rng.normal(0, 4.5, values.shape)).astype(np.float32)
    specks = rng.random(values.shape) < 0.00012
    values[specks] -= 120
    scan = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8), "L")
    data = io.BytesIO()
    scan.save(data, "JPEG", quality=62, dpi=(150, 150))
    return data.getvalue()


def _form(paper: Image.Image) -> None:
    draw = ImageDraw.Draw(paper)
    title = ImageFont.truetype(str(TYPEWRITER), 37)
    small = ImageFont.truetype(str(TYPEWRITER), 22)
    draw.text((76, 92), "SERVICE WORKSHOP SHEET", font=title, fill=(30, 30, 34))
    draw.text((78, 152), "Hazelwick workshop   No. 0417", font=small, fill=(60, 60, 66))
    draw.line((76, 196, 800, 196), fill=(50, 50, 54), width=4)
    y = 248
    for _, text in ROWS:
        y += 37 * (text.count("\n") + 1) + 27
        draw.line((60, y, 815, y), fill=(170, 170, 168), width=1)
    draw.rectangle((60, 232, 815, y), outline=(120, 120, 122), width=2)
    draw.line((284, 232, 284, y), fill=(150, 150, 150), width=2)
    draw.line((290, 1108, 640, 1108), fill=(120, 120, 122), width=2)


def _type(
    paper: Image.Image,
    xy: tuple[int, int],
    text: str,
    size_px: int,
    ink: tuple[int, int, int],
    rng: np.random.Generator,
) -> None:
    """Type `text` as a worn machine does: letters a little high, low, pale or dark."""
    font = ImageFont.truetype(str(TYPEWRITER), size_px)
    draw = ImageDraw.Draw(paper)
    x = float(xy[0])
    for letter in text:
        fade = int(rng.integers(0, 34))
        draw.text(
            (round(x), xy[1] + int(rng.choice((-1, 0, 0, 0, 0, 1)))),
            letter,
            font=font,
            fill=(ink[0] + fade, ink[1] + fade, ink[2] + fade),
        )
        x += font.getlength(letter)


def _signature(paper: Image.Image) -> None:
    draw = ImageDraw.Draw(paper)
    points = [
        (
            500 + i * 2.1 + 9 * math.sin(i / 4.0),
            1080 - 26 * math.sin(i / 3.1) * math.exp(-i / 60) - i * 0.12,
        )
        for i in range(118)
    ]
    draw.line(points, fill=(38, 52, 120), width=4, joint="curve")


def _stamp(paper: Image.Image) -> Image.Image:
    size = 300
    layer = Image.new("L", (size * 2, size))
    draw = ImageDraw.Draw(layer)
    draw.rounded_rectangle((10, 60, 560, 230), 24, outline=255, width=9)
    draw.text(
        (285, 112), "SERVICED", font=ImageFont.truetype(str(TYPEWRITER), 74), fill=255, anchor="mm"
    )
    draw.text(
        (285, 188),
        "14 MARCH 2026",
        font=ImageFont.truetype(str(TYPEWRITER), 46),
        fill=255,
        anchor="mm",
    )
    worn = np.asarray(
        layer.resize((340, 170)).rotate(9, Image.Resampling.BICUBIC, expand=True), np.float32
    )
    worn *= np.random.default_rng(3).uniform(0.62, 1.0, worn.shape)
    mask = Image.fromarray(worn.astype(np.uint8), "L")
    paper.paste((150, 40, 46), (480, 1052), mask)
    return paper
