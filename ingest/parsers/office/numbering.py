"""The numbers that Word puts before paragraphs: they stand nowhere in the text.

ECMA-376 part 1, 17.9: a paragraph, or its style, names a list and a level; the list's abstract
definition says how each level counts and what is written (``%1.%2.``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from lxml import etree

from ingest.parsers.office.xml import W, flag, value

__all__ = ["Numbering"]

_N_LEVELS = 9
_MAX_NUMBER = 100_000
_MAX_STYLES = 50
_PLACE = re.compile(r"%([1-9])")
_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
    (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_HAN = "〇一二三四五六七八九"
_HAN_FORMATS = frozenset(
    {"chineseCounting", "chineseCountingThousand", "taiwaneseCounting", "japaneseCounting",
     "taiwaneseCountingThousand", "ideographDigital", "japaneseDigitalTenThousand"}
)  # fmt: skip
_SERIES = {
    "ideographTraditional": "甲乙丙丁戊己庚辛壬癸",
    "ideographZodiac": "子丑寅卯辰巳午未申酉戌亥",
    "hebrew2": "אבגדהוזחטיכלמנסעפצקרשת",
    "arabicAlpha": "أبتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "arabicAbjad": "أبجدهوزحطيكلمنسعفصقرشتثخذضظغ",
    "russianLower": "абвгдежзиклмнопрстуфхцчшщыэюя",
    "russianUpper": "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЫЭЮЯ",
    "ganada": "가나다라마바사아자차카타파하",
}


@dataclass(frozen=True, slots=True)
class _Level:
    format: str
    text: str
    start: int
    restarts_after: int
    all_decimal: bool
    follows: str


@dataclass(slots=True)
class _List:
    """What the lists of one abstract definition have counted so far, by level."""

    levels: dict[int, _Level]
    counts: list[int | None] = field(default_factory=lambda: [None] * _N_LEVELS)


class Numbering:
    """Counts the numbered paragraphs of a document, which are given in order.

    Args:
        numbering: Root of ``numbering.xml``; None where there is none.
        styles: Root of ``styles.xml``; likewise.
    """

    def __init__(self, numbering: etree._Element | None, styles: etree._Element | None) -> None:
        self._styles = {
            style.get(f"{W}styleId", ""): style
            for style in (() if styles is None else styles.iter(f"{W}style"))
        }
        self._abstract: dict[str, etree._Element] = {}
        self._nums: dict[str, etree._Element] = {}
        if numbering is not None:
            for one in numbering.iter(f"{W}abstractNum"):
                self._abstract[one.get(f"{W}abstractNumId", "")] = one
            for one in numbering.iter(f"{W}num"):
                self._nums[one.get(f"{W}numId", "")] = one
        self._lists: dict[str, _List] = {}
        self._levels: dict[str, dict[int, _Level]] = {}
        self._begun: set[tuple[str, int]] = set()

    def label(self, paragraph: etree._Element) -> str | None:
        """What Word writes before a paragraph (``2.1 ``); nothing but a blank string where its
        numbers are hidden, None where it is in no list, or in one of bullets."""
        num_id, depth = self._place(paragraph.find(f"{W}pPr"))
        num = self._nums.get(num_id)
        if num is None:
            return None
        abstract_id = value(num, "abstractNumId")
        levels = self._levels_of(num_id, num)
        level = levels.get(depth)
        if level is None:
            return None
        counted = self._lists.setdefault(abstract_id, _List(levels))
        for one in num.iter(f"{W}lvlOverride"):
            start, which = value(one, "startOverride"), _int(one.get(f"{W}ilvl"), 0)
            # The first paragraph of a list that starts anew.
            if start and which == depth and (num_id, which) not in self._begun:
                counted.counts[which] = None
        self._begun.add((num_id, depth))
        before = counted.counts[depth]
        counted.counts[depth] = level.start if before is None else before + 1
        for deeper in range(depth + 1, _N_LEVELS):
            below = levels.get(deeper)
            if below is None or below.restarts_after > depth:
                counted.counts[deeper] = None
        if level.format == "bullet":
            return None
        return self._written(level, levels, counted)

    def _written(self, level: _Level, levels: dict[int, _Level], counted: _List) -> str:
        def number(match: re.Match[str]) -> str:
            which = int(match[1]) - 1
            other = levels.get(which)
            if other is None:
                return ""
            count = counted.counts[which]
            count = other.start if count is None else count
            return _formatted(count, "decimal" if level.all_decimal else other.format)

        text = _PLACE.sub(number, level.text).strip()
        return f"{text} " if text and level.follows != "nothing" else text

    def _place(self, properties: etree._Element | None) -> tuple[str, int]:
        """Id of its list and level of a paragraph, by itself or its styles."""
        own_id = value(properties, "numPr/numId")
        own_level = value(properties, "numPr/ilvl")
        style_id = value(properties, "pStyle")
        if own_id and own_level:
            return own_id, _int(own_level, 0)
        for _ in range(_MAX_STYLES):
            style = self._styles.get(style_id)
            if style is None:
                break
            about = style.find(f"{W}pPr")
            styled_id = value(about, "numPr/numId")
            if styled_id:
                level = own_level or value(about, "numPr/ilvl")
                return own_id or styled_id, _int(level, self._styled_level(styled_id, style_id))
            style_id = value(style, "basedOn")
        return own_id, _int(own_level, 0)

    def _styled_level(self, num_id: str, style_id: str) -> int:
        num = self._nums.get(num_id)
        abstract = self._abstract.get(value(num, "abstractNumId"))
        for level in () if abstract is None else abstract.iter(f"{W}lvl"):
            if value(level, "pStyle") == style_id:
                return _int(level.get(f"{W}ilvl"), 0)
        return 0

    def _levels_of(self, num_id: str, num: etree._Element) -> dict[int, _Level]:
        if num_id in self._levels:
            return self._levels[num_id]
        abstract = self._abstract.get(value(num, "abstractNumId"))
        linked = value(abstract, "numStyleLink")
        if linked:
            style = self._styles.get(linked)
            other = self._nums.get(value(style, "pPr/numPr/numId"))
            abstract = self._abstract.get(value(other, "abstractNumId"), abstract)
        levels: dict[int, _Level] = {}
        for element in () if abstract is None else abstract.iter(f"{W}lvl"):
            depth = _int(element.get(f"{W}ilvl"), 0)
            levels[depth] = _level(element, depth)
        for override in num.iter(f"{W}lvlOverride"):
            depth = _int(override.get(f"{W}ilvl"), 0)
            element = override.find(f"{W}lvl")
            if element is not None:
                levels[depth] = _level(element, depth)
            start = value(override, "startOverride")
            if start and depth in levels:
                levels[depth] = replace(levels[depth], start=_int(start, 1))
        self._levels[num_id] = {d: one for d, one in levels.items() if 0 <= d < _N_LEVELS}
        return self._levels[num_id]


def _level(element: etree._Element, depth: int) -> _Level:
    return _Level(
        value(element, "numFmt", "decimal"),
        value(element, "lvlText"),
        _int(value(element, "start"), 1),
        # 17.9.10: from 1; 0 for never.
        _int(value(element, "lvlRestart"), depth),
        flag(element, "isLgl"),
        value(element, "suff", "tab"),
    )


def _int(text: str | None, default: int) -> int:
    try:
        number = int(text or "")
    except ValueError:
        return default
    return min(max(number, 0), _MAX_NUMBER)


def _formatted(number: int, format: str) -> str:
    if format == "none":
        return ""
    if format in ("upperLetter", "lowerLetter"):
        # 27 is "aa", 28 "bb".
        letter = chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 20)
        text = letter if number > 0 else str(number)
        return text.upper() if format == "upperLetter" else text
    if format in ("upperRoman", "lowerRoman"):
        return _roman(number).lower() if format == "lowerRoman" else _roman(number)
    if format == "decimalZero":
        return f"{number:02d}"
    if format == "ordinal":
        is_teen = number % 100 in (11, 12, 13)
        return f"{number}{'th' if is_teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
    if format in ("decimalEnclosedCircle", "decimalEnclosedCircleChinese") and 1 <= number <= 20:
        return chr(0x2460 + number - 1)
    if format in _HAN_FORMATS:
        return _han(number)
    if (series := _SERIES.get(format)) and number > 0:
        return series[(number - 1) % len(series)]
    return str(number)


def _roman(number: int) -> str:
    if not 0 < number < 10_000:
        return str(number)
    text = ""
    for size, letters in _ROMAN:
        count, number = divmod(number, size)
        text += letters * count
    return text


def _han(number: int) -> str:
    if not 0 < number < 100:
        return "".join(_HAN[int(digit)] for digit in str(number))
    tens, ones = divmod(number, 10)
    return (_HAN[tens] if tens > 1 else "") + ("十" if tens else "") + (_HAN[ones] if ones else "")
