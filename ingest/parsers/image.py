"""Pictures: one segment each, with the words that are read in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from PIL.Image import Image

from ingest.decode.pictures import (
    BOUND_PX,
    PictureOfFile,
    encode_picture,
    fit,
    load_picture,
    open_picture,
)
from ingest.parsers.base import OcrText, ParseContext
from ingest.parsers.video.parser import VideoParser
from kb.types import Box, EncodedImage, Kind, Locator, Modality, Segment, Source, Span

__all__ = ["ImageParser", "capture_date_ns"]

_EXIF_IFD = 0x8769
_DATE_TIME_ORIGINAL = 0x9003
_OFFSET_TIME_ORIGINAL = 0x9011
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ImageParser:
    """Reads JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC and AVIF: one IMAGE segment a file.

    Its text is what OCR reads, line by line; the boxes of its spans are in pixels of the
    segment's picture (not of the file's, which may be larger or turned), and
    ``locator.page`` is None. The words of a long, narrow picture are read before it is
    shrunk. Of an animated picture the first frame is taken; a GIF whose
    source has the kind VIDEO is read as a clip.
    """

    version = 2
    media_types = frozenset(
        {
            "image/jpeg",
            "image/png",
            "image/webp",
            "image/gif",
            "image/bmp",
            "image/tiff",
            "image/heic",
            "image/avif",
        }
    )

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """One IMAGE segment, or the segments of a clip; see `Parser.parse`."""
        if source.kind is Kind.VIDEO:
            yield from VideoParser().parse(source, context)
            return
        path = source.absolute
        picture = load_picture(path, context.config.max_image_px, legible=True)
        image = encode_picture(fit(picture, *BOUND_PX))
        words = OcrText("", ())
        if context.read_words is not None:
            words = _words(path, picture, image, context.read_words)
        yield Segment(
            modality=Modality.IMAGE,
            locator=Locator(),
            text=words.text,
            title=path.stem,
            spans=words.spans,
            image=image,
            atomic=True,
        )


def _words(
    path: Path,
    picture: Image,
    shown: EncodedImage,
    read_words: Callable[[EncodedImage], OcrText],
) -> OcrText:
    """The words of `picture` with their places on `shown`, which may be smaller."""
    is_shrunk = picture.size != (shown.width_px, shown.height_px)
    read = encode_picture(picture) if is_shrunk else shown
    with open_picture(path) as opened:
        own_width_px, own_height_px = opened.size
    words = read_words(
        PictureOfFile(
            read.data,
            read.media_type,
            read.width_px,
            read.height_px,
            own_width_px=own_width_px,
            own_height_px=own_height_px,
        )
    )
    if not is_shrunk:
        return words
    x, y = shown.width_px / read.width_px, shown.height_px / read.height_px
    return OcrText(words.text, tuple(_scaled(span, x, y) for span in words.spans))


def _scaled(span: Span, x: float, y: float) -> Span:
    boxes = (Box(b.x0 * x, b.y0 * y, b.x1 * x, b.y1 * y) for b in span.locator.boxes)
    return replace(span, locator=replace(span.locator, boxes=tuple(boxes)))


def capture_date_ns(source_path: Path) -> int | None:
    """When a picture was taken (EXIF DateTimeOriginal), in nanoseconds since the epoch.

    A time without an offset (OffsetTimeOriginal) is taken for UTC, so that the same file
    has the same date on every machine. None where the file has no such date, or is no
    picture.
    """
    try:
        with open_picture(source_path) as image:
            exif = image.getexif().get_ifd(_EXIF_IFD)
        taken = str(exif[_DATE_TIME_ORIGINAL]).strip("\0 ")
        offset = str(exif.get(_OFFSET_TIME_ORIGINAL, "")).strip("\0 ") or "+00:00"
        moment = datetime.strptime(taken + offset, "%Y:%m:%d %H:%M:%S%z")
    except (OSError, SyntaxError, ValueError, KeyError, TypeError):
        return None
    age = moment - _EPOCH
    return (age.days * 86_400 + age.seconds) * 1_000_000_000
