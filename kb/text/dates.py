"""Calendar dates in English and Chinese text, however they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["iso_dates"]

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_YEAR = r"(?:1[5-9]|20)\d\d"
_DATE = re.compile(
    rf"(?<![\d.])(?:(?P<y1>{_YEAR})(?:[-/.](?P<m1>\d\d?)[-/.](?P<d1>\d\d?)(?![\d-])"
    r"|\s?年\s?(?P<m2>\d\d?)\s?月\s?(?P<d2>\d\d?)\s?[日号號])"
    rf"|(?P<d3>\d\d?)(?:\.\s?(?P<m3>\d\d?)\.\s?|(?:st|nd|rd|th)?\s(?:of\s)?(?P<n3>{_MONTH}),?\s)"
    rf"(?P<y3>{_YEAR})(?!\d))"
    rf"|\b(?P<n4>{_MONTH})\s(?P<d4>\d\d?)(?:st|nd|rd|th)?,?\s(?P<y4>{_YEAR})(?!\d)",
    re.IGNORECASE,
)


def iso_dates(text: str) -> Iterator[str]:
    """The dates of `text` that name day, month and year, in order, as ``YYYY-MM-DD``.

    Of numbers alone the year comes first, or the day with points between (``5.3.2022``); which of
    two numbers between slashes is the month can't be told.
    """
    for match in _DATE.finditer(text):
        year = match["y1"] or match["y3"] or match["y4"]
        day = match["d1"] or match["d2"] or match["d3"] or match["d4"]
        name = match["n3"] or match["n4"]
        if name:
            month = _MONTHS.index(name[:3].lower()) + 1
        else:
            month = int(match["m1"] or match["m2"] or match["m3"])
        if 1 <= month <= 12 and 1 <= int(day) <= 31:
            yield f"{year}-{month:02d}-{int(day):02d}"
