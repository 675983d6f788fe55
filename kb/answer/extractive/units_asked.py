"""The unit in which a question wants its number: "how many watts", 多少瓦."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kb.answer.extractive.asked import Asked
from kb.text.quantities import NUMBER_WORDS
from kb.text.terms import fold_width

__all__ = ["UnitAsked", "unit_asked", "unit_of_kind"]

# Units of one measure may stand for each other: "how many minutes?" is answered by half an hour.
# By line: words for them in English and in Chinese, and how numbers carry them.
_MEASURES = (
    (
        r"seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|centur(?:y|ies)",
        r"秒钟?|分钟|小时|天|日|周|星期|个?月|年",
        "s|min|h",
    ),
    (r"kilograms?|kilos?|grams?|pounds?|tons?|tonnes?", r"千克|公斤|克|吨", "kg|g|mg|lbs?|oz|t"),
    (
        r"(?:milli|centi|kilo)?met(?:er|re)s?|miles?|feet|foot|inch(?:es)?",
        r"毫米|厘米|公里|千米|米(?!饭)|英寸",
        "mm|cm|m|km|ft|in",
    ),
    (
        r"square (?:kilo)?(?:met(?:er|re)s?|feet|miles?)|hectares?|acres?",
        r"平方米|平方公里|平米|公顷|亩",
        "m²|m2|km²|km2|ha|sqm",
    ),
    (r"(?:milli)?lit(?:er|re)s?|gallons?", r"毫升|升", "mL|ml|L|l"),
    (r"(?:kilo|mega|giga)?watts?", r"千瓦|兆瓦|瓦特?", "W|kW|MW|GW"),
    (r"(?:kilo)?volts?", r"千伏|伏特?", "V|kV"),
    (r"(?:milli)?amp(?:ere)?s?", r"毫安|安培?", "A|mA"),
    (r"(?:kilo|mega|giga)?hertz", r"赫兹?|兆赫", "Hz|kHz|MHz|GHz"),
    (r"(?:kilo|mega|giga|tera)bytes?", r"字节|兆", "kB|KB|MB|GB|TB"),
    (r"decibels?", r"分贝", "dB"),
    (r"(?:kilo|mega)?watt[ -]?hours?", r"千瓦时|度电", "kWh|MWh|Wh"),
    (
        r"kilocalories?|kcals?|calories?|kilojoules?",
        r"千卡|大卡|卡路里|千焦",
        "kcal|kJ|cal",
    ),
    (r"degrees?", r"摄氏度|度(?!电)", "°C|°F|℃|°"),
)


@dataclass(frozen=True, slots=True)
class UnitAsked:
    """A measure whose unit is asked for.

    Attributes:
        number: Finds a number with a unit of that measure.
        unit: Finds such a unit by itself, as the head of a column has it.
    """

    number: re.Pattern[str]
    unit: re.Pattern[str]

    def is_held(self, said: str, beside: str) -> bool:
        """Whether `said` has a number of that measure: with its unit, or, where the unit stands
        `beside` (in the head of its table, on the same picture), a number with no unit."""
        folded = fold_width(said)
        if self.number.search(folded):
            return True
        bare = _BARE.search(folded) is not None
        return bare and self.unit.search(fold_width(beside)) is not None


_WRITTEN = rf"(?:\d|\b(?:an?|one|{NUMBER_WORDS})\b|[一二两三四五六七八九十百千万半几]个?)"
_BARE = re.compile(r"(?<![\w.])\d++(?:[.,]\d++)*+(?!\s?(?:[^\W\d_]|%))")


def _measure(english: str, chinese: str, symbols: str) -> tuple[re.Pattern[str], UnitAsked]:
    asked = rf"\bhow many (?:{english})\b|(?:多少|几)(?:{chinese})"
    unit = rf"(?<![A-Za-z])(?:(?:{english})\b|(?-i:{symbols})(?![A-Za-z0-9²])|{chinese})"
    # A number may stand before the first of two units: "3 to 5 hours", "two or three days".
    number = rf"{_WRITTEN}[^.。\n]{{0,12}}?{unit}"
    return re.compile(asked, re.IGNORECASE), UnitAsked(
        re.compile(number, re.IGNORECASE), re.compile(unit, re.IGNORECASE)
    )


_UNITS = tuple(_measure(*words) for words in _MEASURES)


def _unit(name: str) -> UnitAsked:
    return next(unit for _, unit in _UNITS if unit.unit.fullmatch(name))


_OF_KIND = {
    Asked.DURATION: _unit("hours"),
    Asked.WEIGHT: _unit("kg"),
    Asked.LOUDNESS: _unit("dB"),
}


def unit_of_kind(asked: Asked) -> UnitAsked | None:
    """The unit of what a question asks for ("how heavy"), where it is known."""
    return _OF_KIND.get(asked)


def unit_asked(question: str) -> UnitAsked | None:
    """What unit `question` names for the number that it wants; None where it names none."""
    folded = fold_width(question)
    return next((unit for asked, unit in _UNITS if asked.search(folded)), None)
