"""Pictures and clips of noise, as the Qwen3-VL modules take them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from kb.content import ClipFrame, Content, Picture
from kb.models.qwen3_vl.sequence import PromptTokenizer, TokenSequence
from kb.types import EncodedImage, Frame

__all__ = ["BROKEN", "clip", "embedding", "encoded", "frames", "picture", "png"]

BROKEN = EncodedImage(b"\x89PNG\r\n\x1a\nand then nothing", "image/png", 64, 64)


def encoded(width_px: int = 64, height_px: int = 64, seed: int = 0) -> EncodedImage:
    """An RGB picture in PNG."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height_px, width_px, 3), np.uint8)
    return EncodedImage(png(Image.fromarray(pixels)), "image/png", width_px, height_px)


def png(image: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def picture(width_px: int = 64, height_px: int = 64, seed: int = 0) -> Picture:
    """As `encoded`, ready to be shown."""
    return Picture.of(encoded(width_px, height_px, seed))


def frames(n: int, width_px: int = 64, height_px: int = 48) -> tuple[Frame, ...]:
    """A frame a second."""
    return tuple(Frame(float(i), encoded(width_px, height_px, 1000 + i)) for i in range(n))


def clip(n: int, width_px: int = 64, height_px: int = 48) -> tuple[ClipFrame, ...]:
    """As `frames`, ready to be shown."""
    return tuple(
        ClipFrame(frame.time_s, Picture.of(frame.image)) for frame in frames(n, width_px, height_px)
    )


def embedding(
    tokenizer: PromptTokenizer, content: Content, instruction: str, *, may_cut: bool = True
) -> TokenSequence:
    """The sequence of one content; what it can't be is raised."""
    [found] = tokenizer.embeddings([(content, instruction)], may_cut=may_cut)
    if isinstance(found, Exception):
        raise found
    return found
