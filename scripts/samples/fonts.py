"""Noto Sans and Serif CJK SC (SIL Open Font License), whole for pictures and subset for PDFs."""

from __future__ import annotations

import functools
import io
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from PIL import ImageFont

FOLDER = Path("/usr/share/fonts/opentype/noto")
SIMPLIFIED_CHINESE = 2
"""Index of the SC face in the Noto CJK collections."""


def _path(family: str, weight: str) -> Path:
    path = FOLDER / f"Noto{family}CJK-{weight}.ttc"
    if not path.exists():
        raise SystemExit(f"{path} is missing. Install the Noto CJK fonts (fonts-noto-cjk).")
    return path


@functools.cache
def raster(size_px: int, bold: bool = False, family: str = "Sans") -> ImageFont.FreeTypeFont:
    """A font for Pillow."""
    path = _path(family, "Bold" if bold else "Regular")
    return ImageFont.truetype(str(path), size_px, index=SIMPLIFIED_CHINESE)


def subset_font(family: str, weight: str, text: str) -> bytes:
    """An OpenType font with the glyphs of `text` only.

    MuPDF writes glyph numbers where a CID-keyed font wants CIDs, so the CIDs are renumbered to
    equal the glyph numbers.
    """
    font = TTFont(_path(family, weight), fontNumber=SIMPLIFIED_CHINESE, lazy=True)
    font.recalcTimestamp = False
    options = subset.Options()
    options.layout_features = ["kern"]
    options.notdef_outline = True
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=text + " \N{NO-BREAK SPACE}•–")
    subsetter.subset(font)
    small = io.BytesIO()
    font.save(small)

    font = TTFont(io.BytesIO(small.getvalue()), recalcTimestamp=False)
    top = font["CFF "].cff.topDictIndex[0]
    names = [".notdef", *(f"cid{i:05d}" for i in range(1, len(top.charset)))]
    glyphs = top.CharStrings.charStrings
    top.CharStrings.charStrings = {
        new: glyphs[old] for old, new in zip(top.charset, names, strict=True)
    }
    top.charset = names
    renumbered = io.BytesIO()
    font.save(renumbered)
    return renumbered.getvalue()
