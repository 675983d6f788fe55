"""The products of Hazelwick, drawn."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from scripts.samples.canvas import Canvas, grain

PLASTIC = ("#aab3b8", "#e9eced", "#ffffff", "#f6f8f8", "#dde2e4", "#a3acb1")
STEEL = ("#6f7a80", "#c9d1d5", "#f4f7f8", "#b7c0c5", "#8a959b", "#5d676d")
COPPER = ("#7a3f1f", "#c9764a", "#f3b78e", "#d98a5c", "#a3572f", "#6b3518")
BLACK = ("#14181b", "#3a4349", "#5b666d", "#343c41", "#1b2023", "#0e1113")


def purifier(c: Canvas, x: float, y: float, h: float, light: str = "#2f9be8") -> None:
    """The Breeze 300, its foot's middle at (x, y), `h` pixels high, its ring lit in `light`."""
    w = h * 0.46
    left, right, top = x - w / 2, x + w / 2, y - h
    tilt = w * 0.13
    c.ellipse(
        (left - w * 0.12, y - tilt, right + w * 0.3, y + tilt * 1.2), "#000000", 0.34, blur=w * 0.07
    )
    c.ellipse(
        (left + w * 0.03, y - tilt * 1.4, right - w * 0.03, y + tilt * 0.55), BLACK, across=True
    )
    c.ellipse((left, y - tilt * 2, right, y), PLASTIC, across=True)
    c.rect((left, top + tilt, right, y - tilt), PLASTIC, across=True)
    holes = []
    for row in range(26):
        for column in range(27):
            angle = math.radians(-76 + column * 152 / 26 + (row % 2) * 2.9)
            if abs(angle) > math.radians(78):
                continue
            hx = x + math.sin(angle) * w / 2
            hy = top + h * 0.37 + row * h * 0.0205 + math.cos(angle) * tilt * 0.95 - tilt * 0.3
            rx, ry = w * 0.0088 * math.cos(angle), w * 0.0088
            holes.append((hx - rx, hy - ry, hx + rx, hy + ry))
    c.ellipses(holes, "#6d777d")
    c.rect(
        (left + w * 0.1, top + h * 0.2, left + w * 0.15, y - h * 0.08),
        "#ffffff",
        w * 0.02,
        0.5,
        blur=w * 0.02,
    )
    c.ellipse((left, top, right, top + tilt * 2), ("#e3e7e9", "#ffffff", "#f3f5f6"))
    inset = w * 0.07
    c.ellipse(
        (left + inset, top + inset * 0.27, right - inset, top + tilt * 2 - inset * 0.27),
        light,
        0.9,
        blur=w * 0.025,
    )
    c.ellipse(
        (left + inset, top + inset * 0.27, right - inset, top + tilt * 2 - inset * 0.27), light
    )
    inset = w * 0.105
    well = (left + inset, top + inset * 0.27, right - inset, top + tilt * 2 - inset * 0.27)
    c.ellipse(well, ("#20272b", "#3c464c"))
    for i in range(1, 7):
        shrink = i * (well[2] - well[0]) / 15
        c.arc(
            (well[0] + shrink, well[1] + shrink * 0.26, well[2] - shrink, well[3] - shrink * 0.26),
            0,
            360,
            "#566269",
            max(h * 0.003, 0.5),
        )
    c.ellipse(
        (x - w * 0.1, top + tilt - w * 0.027, x + w * 0.1, top + tilt + w * 0.027),
        PLASTIC,
        across=True,
    )
    c.text((x, top + h * 0.225), "hazelwick", h * 0.034, "#5b666d", anchor="mm", bold=True)
    c.text((x, top + h * 0.268), "BREEZE 300", h * 0.019, "#8a949a", anchor="mm")


def room_with_purifier() -> Image.Image:
    """A living room with the Breeze 300."""
    c = Canvas(1200, 900, ("#dfe6e3", "#cfd9d6"))
    c.rect((90, 80, 470, 520), "#f7f7f2", 4)
    c.rect((106, 96, 454, 504), ("#9fd0ee", "#d9edf5", "#f6f3e2"))
    c.polygon(
        [(106, 430), (200, 360), (300, 420), (380, 370), (454, 410), (454, 504), (106, 504)],
        ("#7fa58a", "#a6c0a0"),
    )
    c.rect((274, 96, 286, 504), "#f7f7f2")
    c.rect((106, 292, 454, 303), "#f7f7f2")
    c.rect((70, 516, 490, 534), ("#ffffff", "#d9dbd6"), 3)
    c.rect((0, 690, 1200, 900), ("#c39a6b", "#a67a4c"))
    for i, edge in enumerate((690, 722, 768, 828)):
        c.rect((0, edge, 1200, edge + 2), "#8c6339", opacity=0.55)
        for k in range(5):
            at = (i * 137 + k * 271) % 1200
            c.line(
                [(at, edge + 2), (at - (600 - at) * 0.03 * -1, edge + 34 + i * 12)],
                "#8c6339",
                1.4,
                0.5,
            )
    c.rect((0, 668, 1200, 690), ("#fbfbf8", "#e4e6e0"))
    c.polygon([(330, 900), (470, 760), (1010, 760), (1180, 900)], ("#e9e2d4", "#dcd2bf"))
    c.polygon([(372, 890), (490, 772), (990, 772), (1130, 890)], ("#5f8a83", "#4f7770"))
    c.polygon([(398, 882), (504, 778), (976, 778), (1098, 882)], ("#efe9dc", "#e2d9c8"))
    # A sofa behind, a plant beside.
    c.rect((800, 420, 1260, 640), ("#7d97a6", "#6b8594"), 40)
    c.rect((770, 520, 850, 740), ("#89a2b0", "#66808f"), 34)
    c.rect((820, 580, 1260, 700), ("#8fa8b6", "#728c9b"), 24)
    c.rect((820, 690, 1260, 745), ("#66808f", "#566f7d"), 10)
    c.rect((930, 470, 1070, 600), ("#e9b65e", "#d69a3c"), 26)
    c.rect((800, 738, 820, 772), "#4c3a2b", 3)
    c.ellipse((140, 755, 330, 800), "#000000", 0.3, blur=12)
    leaves = [
        (-74, 210),
        (-52, 260),
        (-30, 300),
        (-8, 320),
        (16, 305),
        (38, 270),
        (60, 225),
        (-64, 150),
        (70, 160),
        (4, 240),
    ]
    for angle, length in leaves:
        a = math.radians(angle)
        tip = (235 + math.sin(a) * length, 660 - math.cos(a) * length)
        mid = (235 + math.sin(a) * length * 0.55, 660 - math.cos(a) * length * 0.55)
        nx, ny = math.cos(a) * 26, math.sin(a) * 26
        c.polygon(
            [(235, 660), (mid[0] - nx, mid[1] - ny), tip, (mid[0] + nx, mid[1] + ny)],
            ("#5d9a5b", "#2f6d44"),
        )
        c.line([(235, 660), tip], "#8fc487", 2, 0.7)
    c.polygon(
        [(170, 640), (300, 640), (282, 780), (188, 780)],
        ("#b0502f", "#de8356", "#c0623a", "#8f3f22"),
        across=True,
    )
    c.rect((162, 626, 308, 654), ("#b0502f", "#e48f63", "#c0623a", "#8f3f22"), 5, across=True)
    purifier(c, 610, 826, 560)
    return grain(c.finish(), 1.6, 11)


def weather_station() -> Image.Image:
    """The Skylark weather station in a garden."""
    c = Canvas(1200, 900, ("#5fa4d6", "#a8d3ec", "#e9f3ef"))
    for x, y, r in (
        (190, 190, 70),
        (270, 170, 92),
        (360, 200, 72),
        (880, 130, 60),
        (960, 110, 84),
        (1050, 140, 62),
    ):
        c.ellipse((x - r * 1.3, y - r * 0.62, x + r * 1.3, y + r * 0.62), "#ffffff", 0.85, blur=14)
    c.polygon(
        [
            (0, 640),
            (200, 520),
            (420, 610),
            (660, 500),
            (900, 600),
            (1200, 510),
            (1200, 900),
            (0, 900),
        ],
        ("#7fae9a", "#5f9478"),
    )
    c.polygon(
        [(0, 720), (260, 640), (560, 720), (860, 650), (1200, 700), (1200, 900), (0, 900)],
        ("#6a9d58", "#3f7a3d"),
    )
    rng = np.random.default_rng(5)
    for _ in range(260):
        at, foot = rng.uniform(0, 1200), rng.uniform(770, 905)
        blade = [(at, foot), (at + rng.uniform(-8, 8), foot - rng.uniform(16, 40))]
        c.line(blade, "#2f6a33", 2.2, 0.6)
    c.rect((588, 330, 612, 900), STEEL, across=True)
    c.rect((330, 318, 870, 338), ("#f4f7f8", "#9aa5ab"), 8)
    # Radiation shield: a stack of plates.
    for i in range(7):
        y = 400 + i * 30
        c.ellipse((500, y, 700, y + 44), "#000000", 0.18, blur=4)
        c.ellipse((500, y - 6, 700, y + 32), PLASTIC, across=True)
        c.ellipse((512, y - 6, 688, y + 20), ("#ffffff", "#eef1f2"))
    c.rect((560, 352, 640, 402), PLASTIC, 8, across=True)
    # Rain gauge.
    c.polygon([(770, 214), (890, 214), (874, 318), (786, 318)], BLACK, across=True)
    c.ellipse((770, 198, 890, 230), ("#2a3135", "#4d585e"))
    c.ellipse((784, 203, 876, 226), ("#0c0f11", "#232a2e"))
    # Anemometer.
    c.rect((376, 190, 392, 322), STEEL, 4, across=True)
    for dx, dy in ((-92, 8), (86, 14), (-6, -34)):
        c.line([(384, 176), (384 + dx, 176 + dy)], "#2b3338", 6)
        c.ellipse((384 + dx - 32, 176 + dy - 26, 384 + dx + 32, 176 + dy + 26), BLACK, across=True)
        c.ellipse(
            (384 + dx - 22, 176 + dy - 18, 384 + dx + 24, 176 + dy + 18), ("#0b0d0f", "#2d353a")
        )
    c.circle(384, 178, 17, ("#f2f5f6", "#8a959b"))
    # Vane.
    c.rect((594, 196, 606, 322), STEEL, 3, across=True)
    c.line([(530, 186), (690, 186)], "#2b3338", 8)
    c.polygon([(514, 186), (550, 170), (550, 202)], "#d9482b")
    c.polygon(
        [(640, 186), (684, 150), (706, 150), (690, 186), (706, 222), (684, 222)],
        ("#3c464c", "#1d2327"),
    )
    # The indoor display.
    c.rect((836, 496, 1126, 746), "#000000", 22, 0.4, blur=18)
    c.rect((830, 480, 1120, 730), ("#fafbfb", "#d4dadd"), 22)
    c.rect((848, 498, 1102, 690), ("#10303f", "#0a212d"), 10)
    c.text((866, 508), "OUTDOOR", 15, "#7fb7cc", bold=True)
    c.text((864, 524), "18.4", 62, "#ffffff", bold=True)
    c.text((996, 538), "°C", 28, "#ffffff")
    c.text((866, 616), "Humidity 62 %", 18, "#bfe3f0")
    c.text((866, 646), "Wind 3.1 m/s NW", 18, "#bfe3f0")
    c.circle(1064, 536, 18, "#ffc94a")
    c.text((975, 709), "hazelwick skylark", 17, "#5b666d", bold=True, anchor="mm")
    return grain(c.finish(), 1.4, 12)


def parcel() -> Image.Image:
    """A customer's photo of a dented parcel with its label."""
    c = Canvas(1200, 900, ("#b9b4ab", "#a49d92"))
    for i in range(7):
        c.rect((0, 470 + i * 66, 1200, 472 + i * 66), "#8b8478", opacity=0.4)
    c.rect((0, 470, 1200, 900), ("#9b7c5c", "#7d6146"), opacity=0.75)
    c.ellipse((90, 700, 1150, 880), "#000000", 0.45, blur=30)
    c.polygon([(150, 210), (1010, 210), (1010, 800), (150, 800)], ("#cda673", "#b88d57"))
    c.polygon([(150, 210), (240, 130), (1090, 130), (1010, 210)], ("#dab988", "#c89f69"))
    c.polygon([(1010, 210), (1090, 130), (1090, 700), (1010, 800)], ("#a97d49", "#8c6436"))
    c.polygon([(540, 210), (612, 130), (700, 130), (640, 210)], "#e9dcb8", 0.8)
    c.rect((540, 210, 640, 330), "#e9dcb8", opacity=0.8)
    # The dent.
    c.polygon(
        [(850, 800), (1010, 800), (1010, 640), (960, 690), (930, 760)], ("#8c6436", "#6d4a25")
    )
    c.line([(850, 800), (930, 758), (962, 690), (1010, 640)], "#5b3d1d", 5)
    c.line([(900, 796), (960, 750), (1000, 690)], "#4d3317", 3)
    # Label.
    c.rect((226, 372, 826, 716), "#000000", 3, 0.25, blur=5)
    c.rect((222, 366, 822, 710), ("#fdfdfb", "#f1f0ec"), 3)
    c.text((248, 380), "HAZELWICK", 40, "#111111", bold=True)
    c.rect((248, 436, 796, 440), "#111111")
    c.text((248, 452), "Breeze 300 air purifier", 30, "#111111", bold=True)
    c.text((248, 500), "Model HW-B300   Colour: white", 25, "#111111")
    c.text((248, 540), "S/N HB3-2611-00482", 34, "#111111", bold=True)
    c.text((248, 592), "Net 5.4 kg   Gross 6.9 kg", 25, "#111111")
    rng = np.random.default_rng(4)
    x = 250.0
    while x < 600:
        width = float(rng.choice([2.0, 3.0, 5.0, 7.0]))
        c.rect((x, 636, x + width, 696), "#111111")
        x += width + float(rng.choice([2.0, 3.0, 5.0]))
    c.text((640, 642), "FRAGILE", 36, "#c0392b", bold=True)
    # A foldable mark for "this side up".
    for dx in (870, 930):
        c.line([(dx, 320), (dx, 250)], "#6d4a25", 9)
        c.polygon([(dx - 24, 262), (dx, 226), (dx + 24, 262)], "#6d4a25")
    c.rect((846, 330, 954, 338), "#6d4a25")
    return grain(c.finish(), 4.0, 16)
