"""Supersampled drawing on Pillow: gradients, soft shadows and glows, anti-aliased shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from scripts.samples import fonts

Paint = str | Sequence[str]
"""A colour, or the stops of a gradient."""
BoxPx = tuple[float, float, float, float]
Point = tuple[float, float]
SCALE = 3


def rgb(colour: str) -> tuple[int, int, int]:
    """``#rrggbb`` as numbers."""
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))


class Canvas:
    """A picture drawn at three times its size. Coordinates are pixels of the final picture.

    A paint of several colours is a gradient over the shape's box, downwards or `across`.
    """

    def __init__(self, width_px: int, height_px: int, background: Paint = "#ffffff") -> None:
        self.width_px, self.height_px = width_px, height_px
        self.picture = Image.new("RGB", (width_px * SCALE, height_px * SCALE))
        self.rect((0, 0, width_px, height_px), background)

    def finish(self) -> Image.Image:
        """The picture at its final size."""
        return self.picture.resize((self.width_px, self.height_px), Image.Resampling.LANCZOS)

    def rect(
        self,
        box: BoxPx,
        paint: Paint,
        radius: float = 0,
        opacity: float = 1.0,
        across: bool = False,
        blur: float = 0,
    ) -> None:
        """A rectangle with round corners."""
        self._fill(
            box,
            paint,
            opacity,
            across,
            blur,
            lambda draw, up: draw.rounded_rectangle(
                (*up(box[:2]), *up(box[2:])), radius * SCALE, 255
            ),
        )

    def ellipses(
        self,
        boxes: Sequence[BoxPx],
        paint: Paint,
        opacity: float = 1.0,
        across: bool = False,
        blur: float = 0,
    ) -> None:
        """Ellipses filling `boxes`, painted as one shape."""

        def plot(draw: ImageDraw.ImageDraw, up: Callable[[Point], Point]) -> None:
            for box in boxes:
                draw.ellipse((*up(box[:2]), *up(box[2:])), 255)

        edges = (
            min(b[0] for b in boxes),
            min(b[1] for b in boxes),
            max(b[2] for b in boxes),
            max(b[3] for b in boxes),
        )
        self._fill(edges, paint, opacity, across, blur, plot)

    def ellipse(
        self,
        box: BoxPx,
        paint: Paint,
        opacity: float = 1.0,
        across: bool = False,
        blur: float = 0,
    ) -> None:
        """An ellipse filling `box`."""
        self.ellipses([box], paint, opacity, across, blur)

    def circle(
        self, x: float, y: float, r: float, paint: Paint, opacity: float = 1.0, blur: float = 0
    ) -> None:
        """A disc."""
        self.ellipses([(x - r, y - r, x + r, y + r)], paint, opacity, blur=blur)

    def polygon(
        self,
        points: Sequence[Point],
        paint: Paint,
        opacity: float = 1.0,
        across: bool = False,
        blur: float = 0,
    ) -> None:
        """A filled polygon."""
        self._fill(
            _edges(points, 0),
            paint,
            opacity,
            across,
            blur,
            lambda draw, up: draw.polygon([up(p) for p in points], 255),
        )

    def line(
        self,
        points: Sequence[Point],
        paint: Paint,
        width: float,
        opacity: float = 1.0,
        across: bool = False,
        blur: float = 0,
    ) -> None:
        """A line with round ends and joints."""

        def plot(draw: ImageDraw.ImageDraw, up: Callable[[Point], Point]) -> None:
            draw.line([up(p) for p in points], 255, round(width * SCALE), "curve")
            r = width * SCALE / 2
            for x, y in (up(points[0]), up(points[-1])):
                draw.ellipse((x - r, y - r, x + r, y + r), 255)

        self._fill(_edges(points, width), paint, opacity, across, blur, plot)

    def arc(self, box: BoxPx, start_deg: float, end_deg: float, colour: str, width: float) -> None:
        """A part of an ellipse's edge; degrees clockwise from three o'clock."""
        self._fill(
            box,
            colour,
            1.0,
            False,
            0,
            lambda draw, up: draw.arc(
                (*up(box[:2]), *up(box[2:])), start_deg, end_deg, 255, round(width * SCALE)
            ),
        )

    def text(
        self,
        xy: Point,
        text: str,
        size_px: float,
        colour: str = "#1d2b33",
        bold: bool = False,
        anchor: str = "la",
        family: str = "Sans",
        spacing: float = 1.5,
    ) -> None:
        """Lines of text from `xy`; `anchor` as Pillow's."""
        font = fonts.raster(round(size_px * SCALE), bold, family)
        draw = ImageDraw.Draw(self.picture)
        for i, line in enumerate(text.split("\n")):
            at = (xy[0] * SCALE, (xy[1] + i * size_px * spacing) * SCALE)
            draw.text(at, line, font=font, fill=colour, anchor=anchor)

    def text_width(self, text: str, size_px: float, bold: bool = False) -> float:
        """Width of a line in pixels of the final picture."""
        return fonts.raster(round(size_px * SCALE), bold).getlength(text) / SCALE

    def paste(self, picture: Image.Image, box: BoxPx, radius: float = 0) -> None:
        """`picture` stretched into `box`, with round corners."""
        x0, y0, x1, y1 = (round(v * SCALE) for v in box)
        mask = Image.new("L", (x1 - x0, y1 - y0))
        ImageDraw.Draw(mask).rounded_rectangle(
            (0, 0, x1 - x0 - 1, y1 - y0 - 1), radius * SCALE, 255
        )
        resized = picture.convert("RGB").resize(mask.size, Image.Resampling.LANCZOS)
        self.picture.paste(resized, (x0, y0), mask)

    def _fill(
        self,
        box: BoxPx,
        paint: Paint,
        opacity: float,
        across: bool,
        blur: float,
        plot: Callable[[ImageDraw.ImageDraw, Callable[[Point], Point]], None],
    ) -> None:
        pad = blur * 3 + 1
        x0, y0 = int((box[0] - pad) * SCALE), int((box[1] - pad) * SCALE)
        x1, y1 = int((box[2] + pad) * SCALE), int((box[3] + pad) * SCALE)
        mask = Image.new("L", (x1 - x0, y1 - y0))
        plot(ImageDraw.Draw(mask), lambda p: (p[0] * SCALE - x0, p[1] * SCALE - y0))
        if blur:
            small = mask.resize((mask.width // SCALE, mask.height // SCALE), Image.Resampling.BOX)
            mask = small.filter(ImageFilter.GaussianBlur(blur)).resize(mask.size)
        if opacity < 1:
            mask = mask.point(lambda value: round(value * opacity))
        if isinstance(paint, str):
            layer = Image.new("RGB", mask.size, rgb(paint))
        else:
            start, end = (box[0] * SCALE - x0, box[2] * SCALE - x0)
            length = mask.width
            if not across:
                start, end, length = box[1] * SCALE - y0, box[3] * SCALE - y0, mask.height
            layer = _gradient(paint, start, end, length, across).resize(mask.size)
        self.picture.paste(layer, (x0, y0), mask)


def grain(picture: Image.Image, strength: float, seed: int) -> Image.Image:
    """`picture` with photographic noise of `strength` levels (standard deviation)."""
    values = np.asarray(picture.convert("RGB"), np.float32)
    noise = np.random.default_rng(seed).normal(0, strength, values.shape[:2])
    return Image.fromarray(np.clip(values + noise[..., None], 0, 255).astype(np.uint8))


def _edges(points: Sequence[Point], pad: float) -> BoxPx:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return (min(xs) - pad, min(ys) - pad, max(xs) + pad, max(ys) + pad)


def _gradient(stops: Sequence[str], start: float, end: float, n: int, across: bool) -> Image.Image:
    colours = np.array([rgb(stop) for stop in stops], np.float32)
    at = np.linspace(start, end, len(stops))
    ramp = np.stack([np.interp(np.arange(n), at, colours[:, c]) for c in range(3)], axis=-1)
    strip = ramp.round().astype(np.uint8)
    return Image.fromarray(strip[None] if across else strip[:, None])
