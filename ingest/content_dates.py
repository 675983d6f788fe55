"""When a file's content was made, as it says itself; the file's own date stands beside it.

Asked in this order, the first that tells counts:

1. what the content says on purpose: when a mail was sent, a picture taken (EXIF), the ``date`` of
   the front matter;
2. the name that somebody gave the file: ``minutes 2024-05-02.pdf``, ``IMG_20240502_101500.jpg``;
3. what the program that wrote the file noted: a PDF's creation, the last change of an Office file
   (its creation is often that of a template).

A day without a time is taken for its noon in UTC, which is the same day nearly everywhere.
"""

from __future__ import annotations

import email
import email.policy
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path, PurePosixPath

from ingest.dates import clamp_ns
from kb.types import Source

__all__ = ["content_date_ns"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD_BYTES = 256 * 1024
_MAX_PART_BYTES = 1 << 20
# Earlier ones are a program's zero (1601, 1899-12-30); of names, which people give, any century.
_FIRST_NOTED_YEAR = 1980
_NAMED_DAY = re.compile(
    # Without anything between, a number of eight digits may be no date: of two centuries only.
    r"(?<!\d)(?P<year>1[5-9]\d\d(?=[-_.])|(?:19|20)\d\d)(?P<between>[-_.]?)"
    r"(?P<month>0[1-9]|1[0-2])(?P=between)(?P<day>0[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?P<y>1[5-9]\d\d|20\d\d)年(?P<m>\d\d?)月(?P<d>\d\d?)日"
)
# ISO 8601 as people and programs write it; ISO 32000-1, 7.9.4 for PDF.
_WRITTEN = re.compile(
    r"(?:D:)?(?P<year>\d{4})-?(?P<month>\d\d)-?(?P<day>\d\d)"
    r"(?:[T ]?(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:\.\d{1,9})?)?"
    r" ?(?P<zone>Z|[+-]\d\d[:']?(?:\d\d'?)?)?)?"
)
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_FRONT_MATTER_KEYS = ("date", "published", "created")


def content_date_ns(source: Source) -> int | None:
    """When the content of a file was made, nanoseconds since the epoch; None where nothing tells.

    Whatever is damaged tells nothing: the file itself has been read.
    """
    for asked in (_said, _named, _noted):
        try:
            moment = asked(source)
        except Exception:  # noqa: S112 - metadata in ever new forms of damage
            continue
        if moment is not None:
            age = moment - _EPOCH
            return clamp_ns((age.days * 86_400 + age.seconds) * 1_000_000_000)
    return None


def _said(source: Source) -> datetime | None:
    if source.media_type.startswith("image/"):
        from ingest.parsers.image import capture_date_ns

        taken_ns = capture_date_ns(source.absolute)
        return None if taken_ns is None else _EPOCH + timedelta(microseconds=taken_ns // 1000)
    says: dict[str, Callable[[Path], datetime | None]] = {
        "message/rfc822": _sent,
        "application/vnd.ms-outlook": _sent_by_outlook,
        "text/markdown": _of_front_matter,
    }
    ask = says.get(source.media_type)
    return None if ask is None else ask(source.absolute)


def _sent(path: Path) -> datetime | None:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    header = email.message_from_bytes(head, policy=email.policy.compat32)["Date"]
    return None if header is None else _aware(parsedate_to_datetime(str(header)))


def _sent_by_outlook(path: Path) -> datetime | None:
    from oxmsg import Message

    sent = Message.load(path.read_bytes()).sent_date
    return _aware(sent) if isinstance(sent, datetime) else None


def _of_front_matter(path: Path) -> datetime | None:
    from ingest.parsers.front_matter import read_front_matter

    with path.open("rb") as file:
        text = file.read(_HEAD_BYTES).decode("utf-8-sig", "replace").replace("\r\n", "\n")
    said = dict(field.partition(": ")[::2] for field in reversed(read_front_matter(text).fields))
    found = (_written(said[key]) for key in _FRONT_MATTER_KEYS if key in said)
    return next((moment for moment in found if moment is not None), None)


def _named(source: Source) -> datetime | None:
    match = _NAMED_DAY.search(PurePosixPath(source.path).name)
    if match is None:
        return None
    pairs = (("year", "y"), ("month", "m"), ("day", "d"))
    year, month, day = (int(match[digits] or match[chinese]) for digits, chinese in pairs)
    return datetime(year, month, day, 12, tzinfo=UTC)


def _noted(source: Source) -> datetime | None:
    moment = None
    if source.media_type == "application/pdf":
        import pymupdf

        with pymupdf.open(source.absolute, filetype="pdf") as document:
            moment = _written((document.metadata or {}).get("creationDate") or "")
    elif source.media_type.startswith(_OFFICE):
        names = ("{http://purl.org/dc/terms/}modified", "{http://purl.org/dc/terms/}created")
        moment = _of_part(source.absolute, "docProps/core.xml", names)
    elif source.media_type.startswith(_OPEN_DOCUMENT):
        meta = "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}creation-date"
        names = ("{http://purl.org/dc/elements/1.1/}date", meta)
        moment = _of_part(source.absolute, "meta.xml", names)
    if moment is None or moment.year < _FIRST_NOTED_YEAR or moment > datetime.now(UTC):
        return None
    return moment


def _of_part(path: Path, part: str, names: tuple[str, ...]) -> datetime | None:
    from ingest.parsers.office.xml import parse_xml

    with zipfile.ZipFile(path) as archive, archive.open(part) as file:
        root = parse_xml(file.read(_MAX_PART_BYTES))
    found = (_written((element.text or "").strip()) for n in names for element in root.iter(n))
    return next((moment for moment in found if moment is not None), None)


def _written(text: str) -> datetime | None:
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    if match["hour"] is None:
        return datetime(year, month, day, 12, tzinfo=UTC)
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    zone = (match["zone"] or "Z").replace("'", "").replace(":", "")
    if zone != "Z" and len(zone) == 3:
        zone += "00"
    written = f"{year:04d}{month:02d}{day:02d}{hour:02d}{minute:02d}{second:02d}{zone}"
    return datetime.strptime(written, "%Y%m%d%H%M%S%z")


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
