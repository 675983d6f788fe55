"""What a document says of itself at its beginning: whose it is, of which year, of what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from kb.text.scripts import COMMON_HAN
from kb.types import Modality, Segment

__all__ = ["describe", "with_about"]

# About a page. A document that ends before it is short enough to speak for itself.
_HEAD_CHARS = 3000
_HEAD_SEGMENTS = 32
_HEAD_PICTURES = 2
_SHORT_LINE_CHARS = 80

_NAME = r"[A-Z0-9][\w&.'’-]{0,30}+"
_LEGAL_FORM = (
    r"(?:Inc|INC|Incorporated|INCORPORATED|Corp|CORP|Corporation|CORPORATION|Company|COMPANY|Ltd|LTD|"
    r"Limited|LIMITED|LLC|PLC|plc|AG|GmbH|SE|N\.V|S\.A|Holdings|HOLDINGS)\b"
)
_ORGANISATION = re.compile(
    rf"(?<![\w&.'’-])(?!(?:The|THE|This|Our|OUR)\s)(?:{_NAME},?[ ]){{1,5}}{_LEGAL_FORM}"
    rf"|[{COMMON_HAN}]{{2,16}}?(?:股份有限公司|有限责任公司|有限公司|集团|集團)"
)
_YEAR = r"((?:19|20)\d\d)(?!\d)"
_PERIOD = re.compile(
    rf"\b(?:year|period|quarter|months|weeks)s?\s+(?:ended|ending)\s[^\n\d]{{0,20}}(?:\d\d?,?\s)?{_YEAR}"
    rf"|\bannual\s+report(?:\s+(?:for|of))?,?\s+{_YEAR}|(?<!\d){_YEAR}\s+annual\s+report"
    rf"|\bFY\s?{_YEAR}|(?<!\d){_YEAR}\s?年(?:年?度|年报|年報|报告|報告|财报|財報)",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"\b(?:version|release|revision|rev\.|firmware)\s?[:：]?\s?v?\d+(?:\.\d+){0,3}\b(?![.,]\d)"
    r"|\b(?:revision|rev\.)\s?[:：]?\s?[A-Z]\b|版本\s?[:：]?\s?v?\d+(?:\.\d+){0,3}",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"(?:\b(?:model|product|part)(?:\s(?:no\.|number))?|型号|型號|产品名称)\s?[:：]\s?"
    r"([^\s,;，；。|]{2,30})",
    re.IGNORECASE,
)


def with_about(segments: Iterable[Segment]) -> Iterator[Segment]:
    """The same segments, each of a long document of pages with `describe` of its beginning: texts
    without pages have no cover, but a title.

    Holds back what stands on about the first page.
    """
    source = iter(segments)
    head: list[Segment] = []
    n_chars = n_pictures = 0
    for segment in source:
        head.append(segment)
        if segment.locator.page is None:
            yield from head
            yield from source
            return
        n_chars += len(segment.text)
        n_pictures += segment.modality is not Modality.TEXT
        if n_chars >= _HEAD_CHARS or n_pictures == _HEAD_PICTURES or len(head) == _HEAD_SEGMENTS:
            break
    else:
        yield from head
        return
    # Rows and records tell of others.
    texts = (one.text for one in head if one.modality is Modality.TEXT and not one.atomic)
    about = describe(head[0].title, "\n".join(texts)[:_HEAD_CHARS])
    while head:
        yield replace(head.pop(0), about=about)
    for segment in source:
        yield replace(segment, about=about)


def describe(title: str, text: str) -> str:
    """Organisation, year, model and version that `text` names as the document's own, as far as
    `title` does not; empty where it names none.

    They count where they stand in a short line, as on a cover; a year where it is the period that
    is reported on, a model where it is labelled so: of others nobody knows what they are.
    """
    short = "\n".join(line for line in text.splitlines() if len(line) <= _SHORT_LINE_CHARS)
    parts: list[str] = []
    for pattern, searched in (
        (_ORGANISATION, short),
        (_PERIOD, text),
        (_MODEL, short),
        (_VERSION, short),
    ):
        match = pattern.search(searched)
        if match is None:
            continue
        part = next((group for group in match.groups() if group), match.group())
        part = " ".join(part.split())
        if part.casefold() not in f"{title} {' '.join(parts)}".casefold():
            parts.append(part)
    return ", ".join(parts)
