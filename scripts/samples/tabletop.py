"""The products that stand on a table: grinder, kettle, lamp."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from scripts.samples.canvas import Canvas, Point, grain
from scripts.samples.products import BLACK, COPPER, STEEL


def coffee_grinder() -> Image.Image:
    """The Millrace coffee grinder on a kitchen counter."""
    c = Canvas(900, 1100, "#e8efed")
    for row in range(7):
        for column in range(-1, 6):
            x = column * 190 + (row % 2) * 95
            c.rect((x + 4, row * 118 + 4, x + 186, row * 118 + 114), ("#f8fbfa", "#dbe7e4"), 6)
    c.rect((0, 790, 900, 1100), ("#5a4231", "#3f2c20"))
    c.rect((0, 780, 900, 806), ("#7a5a43", "#5a4231"))
    c.ellipse((230, 910, 740, 1010), "#000000", 0.5, blur=22)
    # Body.
    c.rect((290, 880, 610, 960), BLACK, 18, across=True)
    c.rect(
        (310, 460, 590, 900),
        ("#173d39", "#2d6b64", "#4b978e", "#2f6f68", "#1d4b46", "#123430"),
        26,
        across=True,
    )
    c.rect((336, 474, 348, 880), "#ffffff", 6, 0.25, blur=4)
    c.polygon([(420, 700), (480, 700), (500, 748), (400, 748)], BLACK, across=True)
    c.ellipse((400, 738, 500, 758), "#0e1113")
    c.rect((378, 760, 522, 906), ("#92754f", "#e6d6b8", "#c9ae83", "#7d603c"), 10, across=True)
    c.ellipse((378, 748, 522, 776), ("#5b3a22", "#3a2313"))
    c.circle(450, 588, 62, ("#f4f7f8", "#9aa5ab"))
    c.circle(450, 588, 52, ("#343c41", "#14181b"))
    for i in range(24):
        a = math.radians(i * 15 - 90)
        r0 = 66 if i % 6 else 64
        c.line(
            [
                (450 + math.cos(a) * r0, 588 + math.sin(a) * r0),
                (450 + math.cos(a) * 76, 588 + math.sin(a) * 76),
            ],
            "#e8efed",
            2.4 if i % 6 else 4,
        )
    c.line([(450, 588), (482, 548)], "#f0b04c", 6)
    c.text((450, 492), "hazelwick", 21, "#e8efed", bold=True, anchor="mm")
    c.text((450, 686), "MILLRACE", 20, "#e8efed", bold=True, anchor="mm")
    # Hopper of beans.
    c.polygon(
        [(300, 190), (600, 190), (560, 450), (340, 450)],
        ("#cfdcda", "#eff6f5", "#ffffff", "#dfe9e7", "#b4c4c1"),
        0.75,
        across=True,
    )
    c.polygon([(323, 300), (577, 300), (558, 446), (342, 446)], "#3d2413")
    rng = np.random.default_rng(8)
    for _ in range(330):
        height = rng.uniform(278, 440)
        half = 128 - (height - 190) * 0.155
        at = 450 + rng.uniform(-half, half)
        shade = ("#6b4226", "#4a2b17") if rng.random() < 0.5 else ("#7d5030", "#54331c")
        c.ellipse((at - 13, height - 9, at + 13, height + 9), shade)
        c.line([(at - 9, height + 1), (at, height - 2), (at + 9, height + 1)], "#2c180b", 1.8)
    c.polygon([(312, 200), (336, 200), (366, 440), (350, 440)], "#ffffff", 0.45, blur=3)
    c.rect((330, 444, 570, 470), STEEL, 8, across=True)
    c.rect((286, 168, 614, 200), BLACK, 14, across=True)
    c.rect((412, 146, 488, 174), BLACK, 12, across=True)
    # A cup beside.
    c.arc((720, 850, 800, 930), -100, 100, "#dfe6e4", 13)
    c.polygon(
        [(628, 836), (768, 836), (746, 950), (650, 950)],
        ("#b9c4c2", "#ffffff", "#eef3f2", "#a9b5b3"),
        across=True,
    )
    c.ellipse((628, 822, 768, 850), ("#ffffff", "#dfe6e4"))
    c.ellipse((640, 827, 756, 847), ("#4d2c16", "#7b4c29"))
    return grain(c.finish(), 1.5, 13)


def kettle() -> Image.Image:
    """The Ember kettle in copper, before a dark wall."""
    c = Canvas(1200, 900, ("#27343b", "#33434b", "#202a30"))
    c.circle(600, 380, 330, "#6b7f88", 0.35, blur=90)
    c.rect((0, 690, 1200, 900), ("#8d8f8c", "#5b5d5b"))
    rng = np.random.default_rng(21)
    for _ in range(700):
        x, y = rng.uniform(0, 1200), rng.uniform(692, 900)
        c.circle(x, y, rng.uniform(0.6, 2.2), "#c9cbc7" if rng.random() < 0.5 else "#3d3f3e", 0.5)
    c.rect((0, 690, 1200, 696), "#b3b5b1")
    c.ellipse((290, 740, 930, 840), "#000000", 0.55, blur=24)
    c.rect((380, 742, 820, 790), BLACK, 18, across=True)
    c.ellipse((402, 720, 798, 764), ("#4a555b", "#1d2327"))
    # Spout.
    spout = _bezier((440, 650), (270, 640), (390, 330), (262, 338))
    c.line(spout, ("#c9764a", "#6b3518"), 34)
    c.line([(x - 6, y - 5) for x, y in spout], "#f3b78e", 8, 0.8, blur=3)
    # Handle.
    handle = _bezier((726, 452), (930, 380), (990, 600), (842, 668))
    c.line(handle, "#14181b", 34)
    c.line([(x - 5, y - 5) for x, y in handle], "#5b666d", 7, 0.7, blur=2)
    c.polygon([(470, 400), (730, 400), (800, 728), (400, 728)], COPPER, across=True)
    c.ellipse((400, 704, 800, 752), COPPER, across=True)
    c.polygon([(512, 410), (540, 410), (500, 720), (462, 720)], "#ffffff", 0.45, blur=9)
    c.ellipse((470, 380, 730, 422), COPPER, across=True)
    c.ellipse((492, 368, 708, 408), ("#e9a87d", "#a3572f"))
    c.rect((584, 336, 616, 380), STEEL, 6, across=True)
    c.circle(600, 326, 26, ("#4a555b", "#14181b"))
    c.text((600, 600), "hazelwick", 30, "#5a2c14", bold=True, anchor="mm")
    c.text((600, 640), "EMBER 1.0 L", 20, "#5a2c14", anchor="mm")
    for i in range(60):
        t = i / 60
        x = 250 - 40 * math.sin(t * 5.2) * (0.4 + t) - t * 36
        c.circle(x, 322 - t * 280, 12 + 32 * t, "#ffffff", 0.06 * (1 - t) + 0.008, blur=8)
    return grain(c.finish(), 1.8, 14)


def desk_lamp() -> Image.Image:
    """The Lantern desk lamp at night."""
    c = Canvas(1200, 900, ("#131a2b", "#1c2540", "#2a2f45"))
    c.rect((720, 70, 1110, 470), "#0b1020", 4)
    c.rect((736, 86, 1094, 454), ("#0a1230", "#22315f", "#5a4a6e"))
    rng = np.random.default_rng(9)
    for _ in range(60):
        c.circle(
            rng.uniform(744, 1086), rng.uniform(92, 300), rng.uniform(0.6, 1.8), "#ffffff", 0.8
        )
    c.circle(1010, 160, 34, "#fdf3d0")
    c.circle(1026, 150, 30, "#14204a")
    c.rect((909, 86, 921, 454), "#0b1020")
    c.rect((736, 262, 1094, 272), "#0b1020")
    c.polygon([(470, 330), (90, 700), (900, 700)], ("#ffdf9a", "#ffcf78"), 0.30, blur=46)
    c.rect((0, 690, 1200, 900), ("#6d472b", "#3a2415"))
    c.rect((0, 690, 1200, 698), "#8d6140")
    c.ellipse((110, 700, 880, 860), "#ffd58a", 0.55, blur=50)
    # Book and pencil.
    c.polygon([(560, 770), (800, 742), (862, 806), (600, 842)], ("#f6f1e4", "#d9cfb8"))
    c.polygon([(600, 842), (862, 806), (862, 820), (600, 857)], "#7b2d35")
    for i in range(6):
        c.line([(600 + i * 9, 778 + i * 9), (786 + i * 10, 757 + i * 8)], "#9a8f7a", 2, 0.7)
    c.line([(900, 812), (1040, 782)], "#e9b03f", 9)
    c.polygon([(1036, 777), (1064, 776), (1040, 789)], "#f1dcc0")
    # Lamp.
    c.ellipse((200, 770, 440, 836), "#000000", 0.45, blur=14)
    c.ellipse((214, 750, 426, 812), ("#e9e2d4", "#a89f8d"))
    c.ellipse((214, 742, 426, 800), ("#fff7e6", "#cfc4ae"))
    c.line([(320, 768), (238, 470)], ("#d8cdb8", "#8d826d"), 15)
    c.line([(238, 470), (430, 262)], ("#fff2d6", "#a99d86"), 15)
    c.circle(238, 470, 18, ("#f3e9d6", "#8d826d"))
    c.circle(320, 768, 15, ("#f3e9d6", "#8d826d"))
    c.polygon([(414, 206), (506, 236), (548, 356), (372, 296)], ("#3f8f86", "#2a645e", "#184540"))
    c.ellipse((366, 272, 556, 372), ("#fff8de", "#ffd98a"))
    c.circle(462, 324, 34, "#ffffff", 0.95, blur=9)
    c.circle(430, 246, 14, ("#f3e9d6", "#8d826d"))
    c.text((320, 778), "hazelwick", 15, "#6d6350", bold=True, anchor="mm")
    return grain(c.finish(), 1.6, 15)


def _bezier(p0: Point, p1: Point, p2: Point, p3: Point) -> list[Point]:
    """A cubic Bezier curve as 41 points."""
    t = np.linspace(0, 1, 41)[:, None]
    curve = (
        (1 - t) ** 3 * np.array(p0)
        + 3 * (1 - t) ** 2 * t * np.array(p1)
        + 3 * (1 - t) * t**2 * np.array(p2)
        + t**3 * np.array(p3)
    )
    return [(float(x), float(y)) for x, y in curve]
