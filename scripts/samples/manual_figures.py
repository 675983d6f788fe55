"""The drawings of the manuals: parts, clearances, buttons, a chart."""

from __future__ import annotations

import math

import pymupdf

from scripts.samples.booklet import ACCENT, INK, SOFT, Booklet, colour

BUTTONS = ("Power", "Mode", "Timer", "Filter")


def parts(book: Booklet) -> None:
    """The device with numbers on its parts, down the rest of the page."""
    top = book.y + 4

    def draw(page: pymupdf.Page) -> None:
        ink, fill = colour(INK), colour("#f4f7f7")
        page.draw_rect((150, top + 16, 250, top + 226), color=ink, fill=fill, width=1.1)
        page.draw_oval((150, top + 210, 250, top + 242), color=ink, fill=fill, width=1.1)
        page.draw_rect((150.8, top + 200, 249.2, top + 225), fill=fill, width=0)
        page.draw_oval((150, top, 250, top + 32), color=ink, fill=colour("#ffffff"), width=1.1)
        page.draw_oval((157, top + 3, 243, top + 29), color=colour("#2f9be8"), width=2.4)
        page.draw_oval((168, top + 7, 232, top + 25), color=ink, fill=colour("#dfe5e6"), width=0.8)
        for row in range(11):
            for column in range(13):
                angle = math.radians(-66 + column * 11)
                x = 200 + math.sin(angle) * 48
                y = top + 100 + row * 10.5 + math.cos(angle) * 7
                page.draw_oval(
                    (x - math.cos(angle), y - 1, x + math.cos(angle), y + 1),
                    fill=colour("#7c8a90"),
                    width=0,
                )
        page.draw_rect((188, top + 56, 212, top + 63), color=ink, width=0.7, radius=0.3)
        for start, end in (
            ((238, top + 5), (290, top - 1)),
            ((214, top + 14), (290, top + 34)),
            ((212, top + 60), (290, top + 69)),
            ((240, top + 130), (290, top + 130)),
            ((172, top + 18), (112, top + 2)),
            ((158, top + 150), (112, top + 150)),
            ((170, top + 234), (112, top + 222)),
        ):
            page.draw_line(start, end, color=colour(ACCENT), width=0.7)
            page.draw_circle(start, 1.6, fill=colour(ACCENT), width=0)

    book.below(draw)
    for y, text in (
        (-1, "<b>1</b> Light ring"),
        (34, "<b>2</b> Air outlet"),
        (69, "<b>3</b> Dust sensor"),
        (130, "<b>4</b> Air inlet with pre-filter"),
    ):
        book.label(294, top + y, text, 8, width=90)
    for y, text in (
        (2, "<b>5</b> Button panel"),
        (150, "<b>6</b> Filter cover (rear)"),
        (222, "<b>7</b> Foot"),
    ):
        book.label(108, top + y, text, 8, align="right", width=72)


def clearances(book: Booklet) -> None:
    """How far the device stands from wall and furniture."""
    top = book.y + 6

    def draw(page: pymupdf.Page) -> None:
        ink = colour(INK)
        page.draw_rect((60, top, 360, top + 172), fill=colour("#f1f6f5"), width=0)
        page.draw_rect((60, top, 72, top + 172), fill=colour("#b8c6c4"), width=0)
        page.draw_rect((60, top + 160, 360, top + 172), fill=colour("#b8c6c4"), width=0)
        page.draw_rect((150, top + 78, 196, top + 160), color=ink, fill=colour("#ffffff"), width=1)
        page.draw_oval((150, top + 72, 196, top + 86), color=ink, fill=colour("#dfe5e6"), width=1)
        page.draw_rect((274, top + 108, 350, top + 160), color=ink, fill=colour("#dde7e5"), width=1)
        accent = colour(ACCENT)
        for a, b in (((74, top + 124), (148, top + 124)), ((198, top + 124), (272, top + 124))):
            _arrow(page, a, b, accent)
            _arrow(page, b, a, accent)
        _arrow(page, (173, top + 68), (173, top + 6), accent)
        _arrow(page, (173, top + 6), (173, top + 68), accent)

    book.below(draw)
    book.label(111, top + 115, "30 cm", 8, "center", ACCENT, bold=True)
    book.label(235, top + 115, "30 cm", 8, "center", ACCENT, bold=True)
    book.label(180, top + 36, "80 cm", 8, ink=ACCENT, bold=True)
    book.label(312, top + 134, "Sideboard", 8, "center", SOFT)
    book.y = top + 190


def panel(
    book: Booklet, top: float, names: tuple[str, ...] = BUTTONS, pressed: tuple[int, ...] = ()
) -> None:
    """The four buttons, those in `pressed` lit."""

    def draw(page: pymupdf.Page) -> None:
        page.draw_rect((80, top, 340, top + 64), fill=colour("#27343b"), width=0, radius=0.25)
        for i in range(len(names)):
            x, on = 118 + i * 62, i in pressed
            page.draw_circle(
                (x, top + 25),
                15,
                color=colour("#f0b04c" if on else "#8fa1a8"),
                fill=colour("#f0b04c" if on else "#36464e"),
                width=1.2,
            )
            _icon(page, i, x, top + 25, colour("#27343b" if on else "#ffffff"))

    book.below(draw)
    for i, name in enumerate(names):
        book.label(118 + i * 62, top + 51, name, 8, "center", "#ffffff", bold=True, width=60)


def _icon(
    page: pymupdf.Page, button: int, x: float, y: float, ink: tuple[float, float, float]
) -> None:
    if button == 0:
        page.draw_circle((x, y + 1), 5.5, color=ink, width=1.4)
        page.draw_line((x, y - 8), (x, y), color=ink, width=1.6)
    elif button == 1:
        for k in range(3):
            page.draw_curve(
                (x - 7, y - 4 + k * 4),
                (x, y - 8 + k * 4),
                (x + 7, y - 4 + k * 4),
                color=ink,
                width=1.3,
            )
    elif button == 2:
        page.draw_circle((x, y), 6.5, color=ink, width=1.3)
        page.draw_polyline([(x, y - 4), (x, y), (x + 3, y + 2)], color=ink, width=1.3)
    else:
        page.draw_rect((x - 6, y - 6, x + 6, y + 6), color=ink, width=1.2)
        for k in (-3, 0, 3):
            page.draw_line((x + k, y - 6), (x + k, y + 6), color=ink, width=0.9)


def cleaning_chart(book: Booklet) -> None:
    """Fine dust over time in three modes, with its caption to follow."""
    left, right, top, bottom = 78.0, 350.0, book.y + 14, book.y + 186
    curves = (
        ("Turbo", 0.21, "#1f6f68", (0.6, 24)),
        ("Auto", 0.133, "#2f9be8", (10.5, 46)),
        ("Sleep", 0.055, "#c2571a", (24, 50)),
    )

    def at(minute: float, dust: float) -> tuple[float, float]:
        return (left + (right - left) * minute / 50, bottom - (bottom - top) * dust / 160)

    def draw(page: pymupdf.Page) -> None:
        page.draw_rect((38, top - 16, 382, bottom + 34), fill=colour("#f6f9f9"), width=0)
        for dust in range(0, 161, 40):
            page.draw_line(at(0, dust), at(50, dust), color=colour("#d3dddc"), width=0.6)
        page.draw_line(at(0, 12), at(50, 12), color=colour("#b3261e"), width=0.8, dashes="[3 3] 0")
        for _, rate, ink, _ in curves:
            points = [at(m / 2, 150 * math.exp(-rate * m / 2)) for m in range(101)]
            page.draw_polyline(points, color=colour(ink), width=1.9)
        page.draw_line(at(0, 0), at(50, 0), color=colour(INK), width=0.9)

    book.below(draw)
    for dust in range(0, 161, 40):
        book.label(left - 5, at(0, dust)[1], str(dust), 7, "right", SOFT, width=30)
    for minute in range(0, 51, 10):
        book.label(at(minute, 0)[0], bottom + 9, str(minute), 7, "center", SOFT, width=30)
    book.label((left + right) / 2, bottom + 22, "Minutes after switching on", 7.5, "center")
    book.label(left - 36, top - 9, "PM2.5 in µg/m³", 7.5)
    book.label(at(34, 0)[0], at(0, 12)[1] - 6, "Limit for good air: 12", 7, "right", "#b3261e")
    for name, _, ink, spot in curves:
        book.label(*at(*spot), name, 8, ink=ink, bold=True, width=60)
    book.y = bottom + 38


def _arrow(
    page: pymupdf.Page,
    start: tuple[float, float],
    end: tuple[float, float],
    ink: tuple[float, float, float],
) -> None:
    page.draw_line(start, end, color=ink, width=0.9)
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    wings = [
        (end[0] - 5 * math.cos(angle + turn), end[1] - 5 * math.sin(angle + turn))
        for turn in (0.45, -0.45)
    ]
    page.draw_polyline([wings[0], end, wings[1], wings[0]], color=ink, fill=ink, width=0.3)
