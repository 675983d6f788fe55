"""Pictures of every kind made alike: upright, RGB, at most 1280 x 1440 px.

Used for files, for pictures inside documents, and for the pictures of a query: what is
compared has gone the same way.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from pillow_heif import register_heif_opener

from ingest.decode.strips import is_strip, strip_side_px
from kb.errors import ParseError, SourceTooLargeError, SourceUnavailableError
from kb.types import EncodedImage

__all__ = [
    "BOUND_PX",
    "PictureOfFile",
    "encode_jpeg",
    "encode_picture",
    "fit",
    "load_picture",
    "normalise",
    "open_picture",
]

BOUND_PX = (1280, 1440)
"""Width and height of a picture that is stored, at most."""

_ADVICE = "Make it smaller, or raise `ingest.max_image_px` in kb.yaml."
# Decoding JPEG at a half, quarter or eighth of its size stops here: shrinking from twice the
# bound, or nearly so, looks as good as from the original.
_DRAFT_PX = 2880
_JPEG_QUALITY = 85
# Drawings and screenshots of few colours are exact, sharp and mostly smaller as PNG; a JPEG
# rings around their letters and lines. Coloured photographs have more colours than this.
_PNG_MAX_COLOURS = 256
_PART_PX = 1 << 20
_ORIENTATION_TAG = 0x0112
# EXIF 2.32, table of tag 274: what makes a picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})
# Above this mean luminance the visible part of a transparent picture is light: on white it
# would vanish.
_LIGHT = 224

register_heif_opener(thumbnails=False)
# Pillow warns of damaged metadata, which nobody can act on; damaged pictures raise.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

# What Pillow's decoders raise on damaged files.
_DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    ZeroDivisionError,
    struct.error,
    zlib.error,
)
# Pillow's own pixel limit is a global that also warns; the caller's limit takes its place
# while a header is read, and other code keeps Pillow's.
_pillow_limit = threading.Lock()


@dataclass(frozen=True, slots=True)
class PictureOfFile(EncodedImage):
    """A picture that may be smaller than its file's, or turned: messages tell the file's size."""

    own_width_px: int
    own_height_px: int


def load_picture(
    data: bytes | Path,
    max_px: int,
    *,
    legible: bool = False,
    advice: str = _ADVICE,
    frame: int = 0,
) -> Image.Image:
    """Decode a frame of a picture and `normalise` it.

    Args:
        data: The bytes of a picture file, or its path. JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC
            and AVIF are read.
        max_px: Pixels (width x height) over which the picture is refused. It is checked
            against the header, before anything is decoded.
        legible: Shrink a strip (see `is_strip`) to `strip_side_px` only: within `BOUND_PX`
            its words would be lost.
        advice: What to do with a picture of too many pixels.
        frame: Which of its pages or pictures, from 0.

    Returns:
        Mode RGB, within `BOUND_PX` unless `legible`.

    Raises:
        SourceTooLargeError: It has more than `max_px` pixels.
        ParseError: It is empty, damaged, cut short, or not a picture.
        SourceUnavailableError: The file vanished or may not be read.
    """
    if isinstance(data, bytes):
        return _load(io.BytesIO(data), max_px, legible, advice, frame)
    try:
        file = data.open("rb")
    except OSError as error:
        raise SourceUnavailableError(
            f"The picture can't be read ({error.strerror}). Give this user permission to read "
            "it, or put it back, then sync again."
        ) from error
    with file:
        return _load(file, max_px, legible, advice, frame)


def open_picture(file: IO[bytes] | Path) -> Image.Image:
    """A picture of which the header alone is read, of any size; Pillow raises as it does."""
    with _pillow_limit:
        saved = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            return Image.open(file)
        finally:
            Image.MAX_IMAGE_PIXELS = saved


def normalise(image: Image.Image, bound_px: tuple[int, int] = BOUND_PX) -> Image.Image:
    """`image` upright (EXIF), RGB, shrunk to fit in `bound_px`, never enlarged.

    Transparency is laid on white, or on black where what is visible is so light that it
    would vanish on white. 16-bit greys keep their high byte; 32-bit and float greys are
    stretched from their lowest to their highest value, for they have no fixed range.
    """
    orientation = _orientation(image)
    # Shrinking comes first: what follows then copies little, however large the original.
    image = fit(_to_8_bit(image), *(bound_px[::-1] if orientation in _SIDEWAYS else bound_px))
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    return _on_plain_ground(image) if image.has_transparency_data else image.convert("RGB")


def fit(image: Image.Image, width_px: int, height_px: int) -> Image.Image:
    """`image` shrunk to fit in ``width_px x height_px``, its aspect kept; never enlarged."""
    if image.width <= width_px and image.height <= height_px:
        return image
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    scale = min(width_px / image.width, height_px / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def encode_picture(image: Image.Image) -> EncodedImage:
    """`image` (mode RGB) as PNG where it has few colours and that is no larger, else as JPEG."""
    jpeg = encode_jpeg(image)
    if image.getcolors(_PNG_MAX_COLOURS) is None:
        return jpeg
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    if buffer.tell() > len(jpeg.data):
        return jpeg
    return EncodedImage(buffer.getvalue(), "image/png", image.width, image.height)


def encode_jpeg(image: Image.Image) -> EncodedImage:
    """`image` (mode RGB) as JPEG of quality 85."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return EncodedImage(buffer.getvalue(), "image/jpeg", image.width, image.height)


def _load(file: IO[bytes], max_px: int, legible: bool, advice: str, frame: int) -> Image.Image:
    try:
        with open_picture(file) as image:
            if frame:
                image.seek(frame)
            n_px = image.width * image.height
            if n_px > max_px:
                raise SourceTooLargeError(
                    f"The picture has {image.width:,} x {image.height:,} = {n_px:,} pixels, over "
                    f"the limit of {max_px:,}. {advice}"
                )
            bound_px = BOUND_PX
            if legible and is_strip(*image.size):
                bound_px = (strip_side_px(*image.size),) * 2
            image.draft(None, (_DRAFT_PX, _DRAFT_PX))
            image.load()
            return normalise(image, bound_px)
    except Image.DecompressionBombError as error:
        # A part of it has far more pixels than its header says of the whole.
        raise SourceTooLargeError(
            f"A part of the picture is too large ({error}). {advice}"
        ) from error
    except UnidentifiedImageError as error:
        raise ParseError(_not_a_picture(file)) from error
    except _DECODE_ERRORS as error:
        raise ParseError(
            f"The picture is damaged or cut short ({error}). Copy it again from where it came, "
            "or save it anew as PNG or JPEG."
        ) from error


def _not_a_picture(file: IO[bytes]) -> str:
    if file.seek(0, io.SEEK_END) == 0:
        return "The picture is empty: the file has 0 bytes. Copy it again from where it came."
    return (
        "The file is not a picture that can be read: its first bytes are of no known format, or "
        "it is damaged. Save it anew as PNG or JPEG."
    )


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except _DECODE_ERRORS:
        return 1  # Damaged EXIF does not take the picture with it.


def _to_8_bit(image: Image.Image) -> Image.Image:
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        return Image.fromarray((values >> 8).astype(np.uint8))
    # Some rows at a time: as float64 the whole would take eight times what it takes as grey.
    parts = np.array_split(values, min(len(values), -(-values.size // _PART_PX)))
    bounds = [(part.min(), part.max()) for part in map(_finite, parts)]
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    scale = 255.0 / (high - low or 1.0)
    grey = np.concatenate([((_finite(part) - low) * scale).astype(np.uint8) for part in parts])
    return Image.fromarray(grey)


def _finite(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)


def _on_plain_ground(image: Image.Image) -> Image.Image:
    picture = image.convert("RGBA")
    alpha = picture.getchannel("A")
    visible = np.asarray(alpha, dtype=np.float64)
    luminance = np.asarray(picture.convert("L"), dtype=np.float64)
    weight = visible.sum()
    is_light = weight > 0 and (luminance * visible).sum() / weight > _LIGHT
    ground = Image.new("RGB", picture.size, "black" if is_light else "white")
    ground.paste(picture, mask=alpha)
    return ground
