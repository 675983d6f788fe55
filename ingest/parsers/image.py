"""Pictures: one segment each, with the words that are read in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from PIL.Image import Image
from PIL.TiffImagePlugin import TiffImageFile

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
from kb.errors import ParseError
from kb.types import Box, EncodedImage, Kind, Locator, Modality, Segment, Source, Span

__all__ = ["ImageParser", "capture_date_ns"]

_EXIF_IFD = 0x8769
_DATE_TIME_ORIGINAL = 0x9003
_OFFSET_TIME_ORIGINAL = 0x9011
_MANY_FRAMES = frozenset({"TIFF", "GIF", "WEBP", "PNG"})
_MAX_PAGES = 1000
_MAX_ANIMATED = 16
# TIFF 6.0, p. 36: a page that is another one, smaller.
_SUBFILE_TYPE, _PREVIEW = 254, 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ImageParser:
    """Reads JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC and AVIF: one IMAGE segment a file, or a page of
    it: those of a scan or fax in one TIFF, the pictures of an animation.

    Its text is what OCR reads, line by line; the boxes of its spans are in pixels of the
    segment's picture (not of the file's, which may be larger or turned), and
    ``locator.page`` is None where the file is one picture. The words of a long, narrow picture
    are read before it is shrunk. Of an animation the pictures that look different are taken, some
    of many; a GIF whose source has the kind VIDEO is read as a clip.
    """

    version = 3
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
        """An IMAGE segment a page, or the segments of a clip; see `Parser.parse`."""
        if source.kind is Kind.VIDEO:
            yield from VideoParser().parse(source, context)
            return
        path = source.absolute
        frames, n_frames = _frames(path)
        if len(frames) < n_frames:
            context.warn(
                f"{len(frames):,} of its {n_frames:,} pages or pictures were read. Split the file "
                "to have all of them."
            )
        seen: set[bytes] = set()
        for number, frame in enumerate(frames, start=1):
            try:
                segment = _segment(path, frame, context, number if len(frames) > 1 else None)
            except ParseError as error:
                if number == 1:
                    raise
                context.warn(f"Page {number} was left out: {error}")
                continue
            assert segment.image is not None
            digest = sha256(segment.image.data).digest()
            if digest not in seen:
                seen.add(digest)
                yield segment


def _frames(path: Path) -> tuple[tuple[int, ...], int]:
    """Which frames of a picture are read, and how many there are. Previews are none."""
    try:
        with open_picture(path) as image:
            if image.format not in _MANY_FRAMES:
                return (0,), 1
            n_frames = int(getattr(image, "n_frames", 1))
            if not isinstance(image, TiffImageFile):
                step = max(1, -(-n_frames // _MAX_ANIMATED))
                return tuple(range(0, n_frames, step)), 1
            pages: list[int] = []
            for frame in range(min(n_frames, _MAX_PAGES)):
                image.seek(frame)
                if frame == 0 or not int(image.tag_v2.get(_SUBFILE_TYPE, 0)) & _PREVIEW:
                    pages.append(frame)
            return tuple(pages), len(pages) + max(0, n_frames - _MAX_PAGES)
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError):
        # What the first frame lacks is told where that is read.
        return (0,), 1


def _segment(path: Path, frame: int, context: ParseContext, page: int | None) -> Segment:
    picture = load_picture(path, context.config.max_image_px, legible=True, frame=frame)
    image = encode_picture(fit(picture, *BOUND_PX))
    words = OcrText("", ())
    if context.read_words is not None:
        words = _words(path, picture, image, context.read_words)
    spans = words.spans
    if page is not None:
        spans = tuple(replace(s, locator=replace(s.locator, page=page)) for s in spans)
    return Segment(
        modality=Modality.IMAGE,
        locator=Locator(page=page),
        text=words.text,
        title=path.stem,
        spans=spans,
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
