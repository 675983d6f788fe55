"""Pictures inside web pages, Markdown and office files: beside the file, or in its bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from ingest.companions import read_beside
from ingest.decode.charset import decode
from ingest.decode.pictures import encode_picture, load_picture
from ingest.parsers.base import ParseContext
from kb.errors import IngestError
from kb.types import Locator, Modality, Segment, Source, Span

__all__ = ["PictureReader", "local_pictures", "picture_reference"]

_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"}
)
_MAX_SCANNED_BYTES = 64 * 1024 * 1024
_LARGE_BYTES = 4 * 1024 * 1024
_one_large = threading.Lock()
_MAX_PICTURES = 2000
# One that is larger has more pixels than are read, or is damaged.
_MAX_PICTURE_BYTES = 256 * 1024 * 1024
_NO_MEMORY = "It takes more memory than a file of this size may. Make the picture smaller."
# Spacers, bullets and icons say nothing and would be found for every question.
_MIN_SIDE_PX = 32
_PICTURE_TAG_START = re.compile(r"<(?:img|source)\b", re.IGNORECASE)
_DATA_URI = re.compile(r"data:[^\"'\s>]*", re.IGNORECASE)
# Descriptions, names and addresses in brackets have limits, or each of many that never end would
# be looked for to the end of the file.
_MARKDOWN_PICTURE = re.compile(
    r"!\[[^\]]{0,299}\]\(\s*+(?:<([^>\n]{1,499})>|([^()\s]++(?:\([^()\s]*+\)[^()\s]*+)*+))"
    r"|^[ ]{0,3}\[[^\]\n]{1,999}\]:\s*+(\S++)",
    re.MULTILINE,
)


def picture_reference(attributes: Mapping[str, str]) -> str:
    """Where an ``img`` element's picture is. Lazily loaded pages put a placeholder into
    ``src`` and the picture into another attribute."""
    for name in ("data-src", "data-original", "data-lazy-src", "src"):
        if value := attributes.get(name, "").strip():
            return value
    candidates = attributes.get("srcset", "").split(",")
    return (candidates[0].split() or [""])[0]


def local_pictures(path: Path) -> tuple[Path, ...]:
    """Files that a web page or Markdown file shows by a relative address.

    Args:
        path: The page.

    Returns:
        Absolute paths with links resolved, each once, existing or not, maybe outside the
        page's folder: the caller keeps those below its root. 2,000 at most.
    """
    try:
        size_bytes = path.stat().st_size
        if size_bytes > _MAX_SCANNED_BYTES:
            return ()
        # Many at once would take gigabytes.
        with _one_large if size_bytes > _LARGE_BYTES else nullcontext():
            pictures: dict[Path, None] = {}
            for picture in _references(path):
                pictures[picture] = None
                if len(pictures) == _MAX_PICTURES:
                    break
            return tuple(pictures)
    except OSError:
        return ()


def _references(path: Path) -> Iterator[Path]:
    text, _ = decode(path.read_bytes())
    tags = [_DATA_URI.sub("", tag) for tag in _picture_tags(text)]
    from bs4 import BeautifulSoup
    from bs4.filter import SoupStrainer

    soup = BeautifulSoup("".join(tags), "lxml", parse_only=SoupStrainer(["img", "source"]))
    references = [
        picture_reference({key: str(value) for key, value in tag.attrs.items()})
        for tag in soup.find_all(["img", "source"])
    ]
    if path.suffix.lower() not in (".html", ".htm", ".xhtml"):
        references += ["".join(match) for match in _MARKDOWN_PICTURE.findall(text)]
    for reference in dict.fromkeys(references):
        if (file := _resolve(path.parent, reference)) is not None:
            yield file


def _picture_tags(text: str) -> Iterator[str]:
    """The tags that show pictures, each up to the next ``>``."""
    at = 0
    while start := _PICTURE_TAG_START.search(text, at):
        at = text.find(">", start.end()) + 1
        if not at:
            return
        yield text[start.start() : at]


def _placed(span: Span, start: int, page: int | None) -> Span:
    """`span` of a text that begins at `start`, on the picture that stands on `page`."""
    return Span(span.start + start, span.end + start, replace(span.locator, page=page))


def _resolve(folder: Path, reference: str) -> Path | None:
    """The file a relative address means, or None for an address of another kind."""
    try:
        address = urlsplit(reference.strip().replace("\\", "/"))
        name = unquote(address.path)
        if address.scheme or address.netloc or not name or name.startswith("/"):
            return None
        file = (folder / name).resolve()
    except (ValueError, OSError, RuntimeError):
        return None
    return file if file.suffix.lower() in _SUFFIXES else None


class PictureReader:
    """Makes IMAGE segments of one file's pictures, each picture once.

    Only files among the source's companions are opened, since those alone are part of the
    content's hash, and only below its root. Nothing is fetched. A picture that can't be
    read is reported through `context.warn` and the rest goes on. The boxes of its words are in
    pixels of the segment's picture.
    """

    def __init__(self, source: Source, context: ParseContext) -> None:
        self._source = source
        self._context = context
        self._companions = frozenset(source.companions)
        self._seen: set[bytes] = set()
        self._asked: set[Path] = set()
        self._are_many = False

    def by_reference(
        self,
        reference: str,
        words: tuple[str, ...],
        locator: Locator,
        title: str,
        headings: tuple[str, ...],
    ) -> Segment | None:
        """The picture at a ``data:`` URI or a relative address, or None.

        Args:
            reference: As it stands in the file.
            words: Alternative text and caption, empty ones allowed.
        """
        if reference[:5].lower() == "data:":
            data = self._from_data_uri(reference)
        else:
            data = self._from_file(reference)
        if data is None:
            return None
        return self.by_bytes(data, words, locator, title, headings)

    def by_bytes(
        self,
        data: bytes,
        words: tuple[str, ...],
        locator: Locator,
        title: str,
        headings: tuple[str, ...],
    ) -> Segment | None:
        """The picture in `data`, or None when it was seen before, is an icon, or damaged."""
        digest = hashlib.sha256(data).digest()
        if digest in self._seen:
            return None
        if len(self._seen) == _MAX_PICTURES:
            self._warn_of_many()
        self._seen.add(digest)
        if len(self._seen) > _MAX_PICTURES:
            return None
        try:
            image = encode_picture(load_picture(data, self._context.config.max_image_px))
        except (IngestError, MemoryError) as error:
            name = f" ({words[0]})" if words and words[0] else ""
            why = str(error) if isinstance(error, IngestError) else _NO_MEMORY
            self._context.warn(f"A picture in it{name} was left out: {why}")
            return None
        if min(image.width_px, image.height_px) < _MIN_SIDE_PX:
            return None
        lines = [" ".join(part.split()) for part in words]
        text = "\n".join(dict.fromkeys(line for line in lines if line))
        spans: tuple[Span, ...] = ()
        if self._context.read_words is not None:
            read = self._context.read_words(image)
            if read.text not in ("", *lines):
                text += "\n" if text else ""
                spans = tuple(_placed(span, len(text), locator.page) for span in read.spans)
                text += read.text
        return Segment(
            Modality.IMAGE, locator, text, title, headings, spans, image=image, atomic=True
        )

    def _warn_of_many(self) -> None:
        if not self._are_many:
            self._are_many = True
            self._context.warn(
                f"Only the first {_MAX_PICTURES:,} pictures in it were read; split the file to "
                "have all of them."
            )

    def _from_file(self, reference: str) -> bytes | None:
        file = _resolve(self._source.absolute.resolve().parent, reference)
        if file is None:
            return None
        if len(self._asked) < _MAX_PICTURES:
            self._asked.add(file)
        if file not in self._companions:
            if file not in self._asked:
                self._warn_of_many()
            return None
        if not file.is_relative_to(self._source.root.resolve()):
            return None
        try:
            return read_beside(file, _MAX_PICTURE_BYTES)
        except OSError as error:
            self._context.warn(
                f"The picture {file.name} beside it can't be read ({error.strerror}); make it "
                "readable and sync again."
            )
            return None

    def _from_data_uri(self, uri: str) -> bytes | None:
        head, comma, body = uri.partition(",")
        if not comma or not head.lower().startswith("data:image/") or "svg" in head.lower():
            return None
        if not head.lower().rstrip().endswith(";base64"):
            return unquote_to_bytes(body)
        try:
            return base64.b64decode(unquote(body) + "==")
        except (binascii.Error, ValueError):
            self._context.warn(
                "A picture in it is a data: address with damaged base64 and was left out."
            )
            return None
