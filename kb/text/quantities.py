"""Numbers with their units in English and Chinese text, however they are written."""

from __future__ import annotations

import re
from typing import NamedTuple

from kb.text.terms import fold_width

__all__ = ["DIGITS", "NUMBER_WORDS", "Quantity", "han_value", "quantities"]

DIGITS = {
    word: str(number)
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), 1
    )
}
"""English words of the numbers that are mostly written so, in digits."""

NUMBER_WORDS = "|".join(
    [word for word in DIGITS if word != "one"]
    + "fifteen twenty thirty forty fifty sixty hundred thousand half".split()
)
"""English words that are numbers wherever they stand, as "one" is not: alternatives of a
pattern."""

# By what people mean; the first name stands for all.
_UNITS = (
    "s sec secs second seconds 秒 秒钟",
    "min mins minute minutes 分钟",
    "h hr hrs hour hours 小时",
    "day days 天 日",
    "week weeks 周 星期",
    "month months 个月 月",
    "year years 年",
    "kg kilogram kilograms 公斤 千克",
    "g gram grams 克",
    "mm millimetre millimetres millimeter millimeters 毫米",
    "cm centimetre centimetres centimeter centimeters 厘米",
    "m metre metres meter meters 米",
    "m² m2 平方米",
    "l litre litres liter liters 升",
    "ml millilitre millilitres milliliter milliliters 毫升",
    "w watt watts 瓦",
    "kw kilowatt kilowatts 千瓦",
    "v volt volts 伏",
    "hz hertz 赫兹",
    "ghz",
    "db decibel decibels 分贝",
    "°c ℃ degrees 摄氏度",
    "% percent 百分之",
    "euros euro eur €",
    "dollars dollar usd $",
    "yuan cny 元",
)
_UNIT = {name: names.split()[0] for names in _UNITS for name in names.split()}
_ENGLISH = dict(
    zip(
        """two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty
        ninety hundred thousand""".split(),
        """2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 30 40 50 60 70 80 90 100
        1000""".split(),
        strict=True,
    )
)
_HAN_DIGITS = {char: n for n, char in enumerate("一二三四五六七八九", 1)} | {"两": 2}
_HAN_PLACES = {"十": 10, "百": 100, "千": 1000}
_LONGEST_FIRST = sorted(_UNIT, key=len, reverse=True)
_UNIT_PATTERN = "|".join(
    re.escape(name) + (r"(?![A-Za-z0-9])" if name[-1].isascii() else "") for name in _LONGEST_FIRST
)
_QUANTITY = re.compile(
    # The 30 of HF-30 is a part of a name.
    rf"(?:(?<![A-Za-z0-9.])(?<![A-Za-z]-)(?P<digits>\d+(?:[.,:]\d+)*)|\b(?P<word>{'|'.join(_ENGLISH)})\b"
    # Without a measure such a character is a part of other words as often as a number.
    r"|(?<![二两三四五六七八九十百千])(?P<han>[二两三四五六七八九十百千][一二三四五六七八九十百千]{0,7})"
    rf"(?=\s?(?:{_UNIT_PATTERN}|[个次步台层级位种块片节])))"
    rf"(?:[\s-]?(?P<unit>{_UNIT_PATTERN}))?",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")


class Quantity(NamedTuple):
    """A number as it is compared, and its range of characters.

    Attributes:
        value: Digits without separators of thousands and idle zeros.
        unit: The name that stands for all of its kind; empty where none is known.
    """

    value: str
    unit: str
    start: int
    end: int


def quantities(text: str) -> list[Quantity]:
    """The numbers of `text`, in order. Small ones may be words (``ten seconds``, ``十秒``);
    "one" is not counted, since it seldom counts anything."""
    found = []
    for match in _QUANTITY.finditer(fold_width(text)):
        written = match["digits"] or _ENGLISH.get((match["word"] or "").lower())
        if written is None:
            written = han_value(match["han"])
        value = _without_idle_zeros(_THOUSANDS.sub("", written)).rstrip(".,:")
        unit = _UNIT[match["unit"].lower()] if match["unit"] else ""
        found.append(Quantity(value, unit, *match.span()))
    return found


def _without_idle_zeros(value: str) -> str:
    """``3.50`` → ``3.5``."""
    whole, point, fraction = value.rpartition(".")
    return f"{whole}.{fraction.rstrip('0')}" if point and fraction.isdecimal() else value


def han_value(written: str) -> str:
    """``二十四`` → ``24``; `written` is of such characters alone."""
    total, digit = 0, 0
    for char in written:
        if char in _HAN_PLACES:
            total += (digit or 1) * _HAN_PLACES[char]
            digit = 0
        else:
            digit = _HAN_DIGITS[char]
    return str(total + digit)
