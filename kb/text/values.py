"""What a cell holds: a number with its unit, a date, yes or no, or words."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import NamedTuple

from kb.text.scripts import COMMON_HAN

__all__ = [
    "CURRENCIES",
    "DAY_FIRST",
    "MONTHS",
    "Number",
    "clean_cell",
    "parse_date",
    "parse_number",
    "split_unit",
    "truth",
]

CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "欧元": "EUR",
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "美元": "USD",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "英镑": "GBP",
    "¥": "CNY", "￥": "CNY", "cny": "CNY", "rmb": "CNY", "yuan": "CNY", "元": "CNY",
    "人民币": "CNY", "chf": "CHF", "jpy": "JPY", "日元": "JPY", "万元": "万元", "亿元": "亿元",
}  # fmt: skip
"""Signs and words of money, and its code in ISO 4217."""

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
            "august aug", "september sep sept", "october oct", "november nov", "december dec",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
"""English names of months, in small letters, by number."""

# As column names write them after the last underline: "price_eur", "weight_kg".
_UNITS_IN_NAMES = frozenset(
    """eur usd gbp cny rmb chf jpy kg g mg t lb lbs oz km m cm mm mi ft in l ml kwh wh kw w mw mah
    v a ma hz khz mhz ghz db bar pa hpa kpa c f h min s ms d days hours minutes seconds months
    years weeks percent pct gb mb kb tb px rpm kmh mph ppm""".split()
)
_MAX_NUMBER_CHARS = 60
_SIGN = r"[-+−–]?"
_DIGITS = r"(?:\d{1,3}(?:[ ,.'’\u00a0\u202f]\d{3})+|\d+)(?:[.,]\d+)?|[.,]\d+"
_NUMBER = re.compile(
    rf"(?P<before>[^\d\s.,+−–\-]{{0,4}}?)\s{{0,3}}(?P<number>{_SIGN}\s?(?:{_DIGITS}))"
    r"(?P<exponent>e[-+]?\d{1,3})?\s{0,3}(?P<unit>\D[^\n]{0,20})?$",
    re.IGNORECASE,
)
_UNIT = re.compile(rf"[A-Za-zµμΩ°%‰€$£¥￥{COMMON_HAN}²³/·.*\-^()0-9\s]{{1,24}}$")
_BARE_UNIT = re.compile(r"[^\W\d_]|[%‰€$£¥￥°]")
_IN_BRACKETS = re.compile(
    r"^(?P<name>.*\S)\s*[(\[（【](?P<unit>[^()\[\]（）【】]{1,16})[)\]）】]\s*$"
)
_AFTER_COMMA = re.compile(r"^(?P<name>[^,，]*\S)\s*[,，/]\s*(?:in\s+)?(?P<unit>[^\s,，]{1,8})\s*$")
_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?$"
)
_PARTS = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$")
_CHINESE_DATE = re.compile(r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(?:(\d{1,2})\s*[日号])?$")
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?([A-Za-z]{3,9})\.?,?\s+(\d{4})$")
_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})$")
_MONTH_YEAR = re.compile(r"([A-Za-z]{3,9})\.?\s+(\d{4})$")
_TRUE = frozenset({"yes", "y", "true", "✓", "✔", "x", "是", "有", "√", "needed", "required"})
_FALSE = frozenset({"no", "n", "false", "✗", "✘", "-", "–", "—", "否", "无", "没有", "×"})

DAY_FIRST = True
"""Of a date in digits, whether the day comes before the month where both can be either: as most
of the world writes it. A column in which a second part is over 12 is read the other way."""


class Number(NamedTuple):
    """A number and its unit as it stands beside it; the code of a currency."""

    value: float
    unit: str


def clean_cell(text: str) -> str:
    """A cell on one line, without Markdown's marks of emphasis around all of it."""
    text = " ".join(text.replace("\\|", "|").replace("<br>", " ").split())
    for mark in ("**", "__", "`", "*", "_"):
        n = len(mark)
        if len(text) > 2 * n and text.startswith(mark) and text.endswith(mark):
            inner = text[n:-n]
            if mark not in inner:
                return inner.strip()
    return text


def parse_number(text: str, *, decimal_comma: bool = False) -> Number | None:
    """The number that `text` is, with at most a unit beside it; None for anything else: a range,
    a date, a code with letters, an article number that begins with 0.

    Args:
        decimal_comma: A comma before three digits parts the fraction, not thousands.
    """
    text = unicodedata.normalize("NFKC", text.replace("￥", "¥").strip())
    if not text or len(text) > _MAX_NUMBER_CHARS or not any(char.isdigit() for char in text):
        return None
    match = _NUMBER.match(text)
    if match is None:
        return None
    before, unit = match["before"].strip(), (match["unit"] or "").strip()
    digits = re.sub(r"[\s'’\u00a0\u202f]", "", match["number"]).replace("−", "-").replace("–", "-")
    if before and before.casefold() not in CURRENCIES:
        return None
    if re.match(r"[-+]?0\d", digits) or (unit and not _is_unit(unit)):
        return None
    try:
        value = float(_decimal(digits, decimal_comma) + (match["exponent"] or ""))
    except ValueError:
        return None
    return Number(value, _unit(before or unit))


def _is_unit(unit: str) -> bool:
    """Whether what stands behind a number can be its unit: no further number or clause."""
    plain = unit.replace("²", "").replace("³", "")
    return (
        _UNIT.match(unit) is not None
        and _BARE_UNIT.match(unit.lstrip("(")) is not None
        and not re.search(r"(?<![A-Za-z])\d|\d[A-Za-z]", plain)
        and len(unit.split()) <= 3
        and not re.search(r"\b(?:to|or|and|at|bis|of)\b|[至到~]", unit)
    )


def _unit(unit: str) -> str:
    return CURRENCIES.get(unit.casefold(), unit)


def _decimal(digits: str, decimal_comma: bool) -> str:
    dot, comma = digits.rfind("."), digits.rfind(",")
    if dot >= 0 and comma >= 0:
        first = "," if comma < dot else "."
        return digits.replace(first, "").replace(",", ".")
    if comma >= 0:
        n_after = len(digits) - comma - 1
        is_thousands = digits.count(",") > 1 or (n_after == 3 and not decimal_comma)
        return digits.replace(",", "" if is_thousands else ".")
    if digits.count(".") > 1 or (decimal_comma and dot >= 0 and len(digits) - dot - 1 == 3):
        return digits.replace(".", "")
    return digits


def split_unit(name: str) -> tuple[str, str]:
    """The name of a column and the unit in it: ``Preis (€)``, ``重量（千克）``, ``price_eur``,
    ``Length, mm``."""
    if (match := _IN_BRACKETS.match(name)) is not None and _looks_like_unit(match["unit"]):
        return match["name"].strip(), _unit(match["unit"].strip())
    head, _, tail = name.rpartition("_")
    if head and tail.casefold() in _UNITS_IN_NAMES:
        return head, _unit(tail)
    if (match := _AFTER_COMMA.match(name)) is not None and (
        match["unit"].casefold() in _UNITS_IN_NAMES or match["unit"].casefold() in CURRENCIES
    ):
        return match["name"].strip(), _unit(match["unit"])
    return name, ""


def _looks_like_unit(text: str) -> bool:
    text = text.strip()
    known = text.casefold() in _UNITS_IN_NAMES or text.casefold() in CURRENCIES
    return known or (len(text) <= 10 and not text[:1].isdigit() and " " not in text)


def parse_date(text: str, *, day_first: bool = DAY_FIRST) -> dt.date | None:
    """The day that `text` is, or the first of the month it is; None for anything else."""
    text = unicodedata.normalize("NFKC", text.strip())
    if not 6 <= len(text) <= 32 or not any(char.isdigit() for char in text):
        return None
    if (match := _ISO.match(text)) is not None:
        return _date(match[1], match[2], match[3])
    if (match := _PARTS.match(text)) is not None:
        first, second = (match[1], match[2]) if day_first else (match[2], match[1])
        return _date(match[3], second, first)
    if (match := _CHINESE_DATE.match(text)) is not None:
        return _date(match[1], match[2], match[3] or "1")
    for pattern, day, month, year in ((_DAY_MONTH, 1, 2, 3), (_MONTH_DAY, 2, 1, 3)):
        if (match := pattern.match(text)) is not None:
            return _date(match[year], str(MONTHS.get(match[month].casefold(), 0)), match[day])
    if (match := _MONTH_YEAR.match(text)) is not None:
        return _date(match[2], str(MONTHS.get(match[1].casefold(), 0)), "1")
    return None


def _date(year: str, month: str, day: str) -> dt.date | None:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def truth(text: str) -> bool | None:
    """Whether a cell says yes or no; None where it says anything else."""
    word = text.strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None
