"""A newsletter in two columns with figures."""

from __future__ import annotations

from pathlib import Path

import pymupdf
from PIL import Image

from scripts.samples import products, tabletop
from scripts.samples.booklet import ACCENT, INK, SOFT, Booklet, colour

COLUMNS = ((48.0, 288.0), (308.0, 547.0))
PEAKS = (
    ("Boiling pasta", 18, "#8fb8b2"),
    ("Baking bread", 46, "#8fb8b2"),
    ("Three candles", 64, "#8fb8b2"),
    ("Frying, hood on", 95, "#e0a458"),
    ("Frying, hood off", 312, "#b3261e"),
)
FRYING = (
    "The kitchen is the dustiest room of the home, and nobody sees it. Last winter we lent a "
    "Breeze 300 with a logging sensor to fourteen families and asked them to cook as they always "
    "do. For three weeks the sensors wrote down the fine dust in kitchen, living room and "
    "bedroom, once a minute.",
    "Boiling hardly shows: a pot of pasta raised the reading to 18 µg/m³. Baking and candles lie "
    "in the middle. Frying is another matter. A pan of fish without the hood took the kitchen to "
    "312 µg/m³ on average, fourteen minutes after the oil went in.",
    "More surprising was how far the dust travels. With all doors open, the bedroom at the other "
    "end of the corridor reached 88 µg/m³, and it stayed above the good range until two hours "
    "after dinner. The people at the table had long stopped smelling anything.",
    "The hood makes the largest difference, but only if it is switched on before the pan gets "
    "hot. Families who started it five minutes early had peaks a third lower than those who "
    "reached for the switch when they saw smoke.",
)
FRYING_MORE = (
    "A purifier cannot replace the hood: it stands in the wrong place. It shines afterwards. In "
    "homes that left the device on Auto in the living room, the air there was good again 26 "
    "minutes after the meal; without it, families waited an hour and fifty minutes.",
    "Our advice fits on a note for the fridge: hood on early, kitchen door shut, purifier in the "
    "next room, and a lid on the pan.",
)
SENSOR = (
    "Every spring the same question reaches our workshop: why does my new weather station claim "
    "thirty degrees in April? Nearly always the station is right, and the wall is warm.",
    "We hung six Skylark sensors around one house and compared them with a ventilated reference "
    "in the garden. On the north wall the error was 0.4&#160;°C at noon. Under the eaves on the "
    "east side it was 1.1&#160;°C. On the south wall, an arm's length above the paving, it was "
    "3.8&#160;°C.",
    "So hang the sensor on the north side, about two metres above grass, and a hand's width away "
    "from the wall. The rain gauge wants the opposite: open sky, at least as far from the house "
    "as the house is high.",
)
COFFEE = (
    "The dial of the Millrace has forty clicks, and the manual only names three of them. Our "
    "tasters spent a rainy month on the others. Their table hangs in the canteen now.",
    "Count from the finest setting. Espresso likes six clicks, a moka pot ten, paper filters "
    "sixteen and a French press twenty-two. Cold brew wants the coarsest setting that still "
    "tastes of something: thirty.",
    "Beans change with the weather, so move one click finer when the cup turns sour and one click "
    "coarser when it turns bitter. Never more than one at a time.",
)
QUIET = (
    "<b>Ines Caldera builds fans for us. How does a fan become quiet?</b> You cannot remove "
    "noise, but you can spread it. The nine blades of the Breeze 300 stand at uneven angles, so "
    "their hum falls apart into a soft rush.",
    "<b>Which tool do you like best?</b> A strip of felt. Most rattles are two parts that touch "
    "when they should not.",
    "<b>And what do you listen to at home?</b> Nothing at all. I live next to a mill stream.",
)


def write(path: Path) -> None:
    """Write the newsletter to `path`."""
    book = Booklet(
        595,
        842,
        Path(__file__).read_text("utf-8"),
        size=9.8,
        leading=1.42,
        family="Serif",
        justify=True,
    )
    _first(book)
    _second(book)
    book.save(
        path,
        title="Clean Air Quarterly, Spring 2026",
        author="Hazelwick",
        date="D:20260320080000Z",
        footer="Clean Air Quarterly · Spring 2026 · Hazelwick",
    )


def _column(book: Booklet, number: int, y: float) -> None:
    book.left, book.right = COLUMNS[number]
    book.y = y


def _paragraphs(book: Booklet, texts: tuple[str, ...]) -> None:
    for text in texts:
        book.html(f"<p>{text}</p>", 5.5)


def _first(book: Booklet) -> None:
    book.new_page()
    book.left, book.right = 48, 547
    book.below(lambda page: page.draw_rect((0, 0, 595, 92), fill=colour(ACCENT), width=0))
    book.place(
        (48, 28, 400, 90),
        '<p style="font-size:27pt;line-height:1.2;color:#ffffff;text-align:left"><b>Clean Air '
        "Quarterly</b></p>",
    )
    book.place(
        (380, 40, 547, 90),
        '<p style="font-size:9pt;color:#cfe6e2;text-align:right">Spring 2026 · No. 17<br>News '
        "from Hazelwick</p>",
    )
    book.y = 112
    book.outline(1, "What frying does to the air at home")
    book.html(
        '<p style="font-size:23pt;line-height:1.2;text-align:left"><b>What frying does to the '
        "air at home</b></p>",
        4,
    )
    book.html(
        f'<p style="font-size:11pt;color:{SOFT};text-align:left">Fourteen families measured their '
        "kitchens for three weeks. The dust goes further than the smell.</p>",
        14,
    )
    top = book.y
    _column(book, 0, top)
    _paragraphs(book, FRYING)
    _column(book, 1, top)
    _bars(book)
    book.heading(2, "What helps afterwards", 4)
    _paragraphs(book, FRYING_MORE)
    lower = 536.0
    book.picture((48, lower, 547, lower + 250), _strip(), 1000)
    book.left, book.right, book.y = 48, 547, lower + 255
    book.html(
        f'<p style="font-size:8pt;color:{SOFT};text-align:left">Picture: the living room of one '
        f"of the "
        "families. The device stands between the kitchen door and the sofa.</p>"
    )


def _strip() -> Image.Image:
    room = products.room_with_purifier()
    return room.crop((0, 258, 1200, 859))


def _bars(book: Booklet) -> None:
    x0, x1, top = book.left, book.right, book.y + 2
    zero, step = x0 + 82, 20.0

    def draw(page: pymupdf.Page) -> None:
        page.draw_rect((x0, top, x1, top + 142), fill=colour("#f4f7f6"), width=0)
        for i, (_, peak, ink) in enumerate(PEAKS):
            y = top + 34 + i * step
            page.draw_rect((zero, y - 6, zero + peak * 0.37, y + 6), fill=colour(ink), width=0)
        page.draw_line((zero, top + 24), (zero, top + 130), color=colour(INK), width=0.8)

    book.below(draw)
    book.label(
        x0 + 8, top + 12, "Highest fine dust in the kitchen, µg/m³", 8.5, bold=True, width=220
    )
    for i, (name, peak, _) in enumerate(PEAKS):
        y = top + 34 + i * step
        book.label(zero - 5, y, name, 7.8, "right", width=78)
        book.label(zero + peak * 0.37 + 4, y, str(peak), 7.8, bold=True, width=30)
    book.y = top + 148
    book.html(
        f'<p style="font-size:8pt;color:{SOFT};text-align:left">Figure 1. Average peak PM2.5 of '
        f"fourteen "
        "homes.</p>"
    )


def _second(book: Booklet) -> None:
    book.new_page()
    _column(book, 0, 52)
    book.outline(1, "Where to hang a weather sensor")
    book.html(
        '<p style="font-size:19pt;line-height:1.2;text-align:left"><b>Where to hang a weather '
        "sensor</b></p>",
        8,
    )
    _paragraphs(book, SENSOR)
    book.picture((48, book.y + 6, 288, book.y + 186), products.weather_station(), 760)
    book.y += 192
    book.html(
        f'<p style="font-size:8pt;color:{SOFT};text-align:left">Figure 2. The Skylark station '
        f"with shield, "
        "wind vane and rain gauge.</p>"
    )
    _column(book, 1, 52)
    book.outline(1, "Three questions about quiet fans")
    book.html(
        '<p style="font-size:19pt;line-height:1.2;text-align:left"><b>Three questions about '
        "quiet fans</b></p>",
        8,
    )
    _paragraphs(book, QUIET)
    book.y += 8
    book.outline(1, "Dates")
    book.html('<p style="font-size:15pt;text-align:left"><b>Dates</b></p>', 6)
    book.table(
        [
            ["When", "What"],
            ["11 April 2026", "Repair café in the Hazelwick workshop, 10 to 15 o'clock"],
            ["9 May 2026", "Open day of the test laboratory"],
            ["20 June 2026", "Coffee morning with the Millrace grinder"],
        ],
        (1.1, 2),
    )
    book.y += 4
    book.heading(2, "Write to us", 4)
    book.html(
        '<p style="text-align:left">Letters that make us laugh are printed and rewarded with a '
        "filter: quarterly@hazelwick.example.</p>"
    )
    _coffee(book, 566)


def _coffee(book: Booklet, y: float) -> None:
    book.below(
        lambda page: page.draw_line((48, y - 12), (547, y - 12), color=colour(ACCENT), width=1.2)
    )
    _column(book, 0, y)
    book.outline(1, "What the clicks mean")
    book.html(
        '<p style="font-size:19pt;line-height:1.2;text-align:left"><b>What the clicks mean</b></p>',
        8,
    )
    _paragraphs(book, COFFEE)
    picture = tabletop.coffee_grinder().crop((0, 90, 900, 1000))
    book.picture((308, y + 4, 547, y + 244), picture, 640)
