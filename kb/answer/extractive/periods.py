"""Years, quarters and months, as a chart's labels and as questions name them, in English and
Chinese."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Period", "PeriodKind", "kind_asked_for", "period_of"]


class PeriodKind(StrEnum):
    """What a period is one of."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"


class Period(NamedTuple):
    """A year, a quarter or a month; `label` is all of a label that names it, `said` stands in a
    text that speaks of it. Both are for text in small letters."""

    kind: PeriodKind
    label: re.Pattern[str]
    said: re.Pattern[str]


def _quarter(number: int, word: str, short: str, han: str) -> Period:
    names = rf"q{number}|(?:{word}|{short}) quarter|第?[{han}{number}]季度?"
    said = rf"\bq{number}\b|\b(?:{word}|{short}) quarter\b|[{han}{number}]季度"
    return Period(PeriodKind.QUARTER, re.compile(names), re.compile(said, re.IGNORECASE))


def _month(number: int, name: str, han: str) -> Period:
    # Not "may" alone, which is more often a verb.
    english = rf"{name[:3]}(?:{name[3:]})?" if name != "may" else r"(?:in|of|for|last) may"
    chinese = rf"(?<!\d)0?{number} ?月|(?<!十){han}月"
    names = rf"{name[:3]}\.?|{name}|{'sept|' if number == 9 else ''}0?{number} ?月|{han}月"
    said = rf"\b{english}\b|{chinese}"
    return Period(PeriodKind.MONTH, re.compile(names), re.compile(said, re.IGNORECASE))


_QUARTERS = ("first 1st 一", "second 2nd 二", "third 3rd 三", "fourth 4th 四")
_MONTHS = (
    "january 一", "february 二", "march 三", "april 四", "may 五", "june 六",
    "july 七", "august 八", "september 九", "october 十", "november 十一", "december 十二",
)  # fmt: skip
_PERIODS = (
    *(_quarter(number, *names.split()) for number, names in enumerate(_QUARTERS, 1)),
    *(_month(number, *names.split()) for number, names in enumerate(_MONTHS, 1)),
)
_YEAR = re.compile(r"(?:fy ?)?((?:19|20)\d\d(?:[/–-]\d{2,4})?) ?(?:年度?)?")
_ASKED = {
    PeriodKind.YEAR: re.compile(
        r"\b(?:which|what) (?:(?:calendar|financial|fiscal|business) )?year\b|哪一?个?年"
    ),
    PeriodKind.QUARTER: re.compile(r"\b(?:which|what) quarter\b|哪一?个?季度"),
    PeriodKind.MONTH: re.compile(r"\b(?:which|what) month\b|哪一?个?月|几月"),
}


def period_of(label: str) -> Period | None:
    """The period that `label`, in small letters, names."""
    if year := _YEAR.fullmatch(label):
        return _year(year[1])
    return next((period for period in _PERIODS if period.label.fullmatch(label)), None)


@lru_cache(maxsize=512)
def _year(written: str) -> Period:
    said = rf"(?<!\d){re.escape(written)}(?![\d/])"
    return Period(PeriodKind.YEAR, re.compile(re.escape(written)), re.compile(said))


def kind_asked_for(question: str) -> PeriodKind | None:
    """Whether `question`, in small letters, asks for a year, a quarter or a month."""
    return next((kind for kind, words in _ASKED.items() if words.search(question)), None)
