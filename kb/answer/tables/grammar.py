"""What a question about a table asks to be done: count, add up, compare, take the largest, keep
what is above a number. What it is done with, columns and cells, is left for
`kb.answer.tables.link`.

Each rule is a pattern in English or Chinese. What a rule has read is blanked, so that no later one
reads it again, and what no rule reads is still there to be found in the table.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from kb.answer.tables.lexicon import CONCEPTS, english_forms
from kb.text.values import CURRENCIES, MONTHS, Number, parse_number

__all__ = ["Act", "Mark", "Operator", "days_meant", "is_yearless", "read_marks"]


class Act(StrEnum):
    """What a part of a question asks for."""

    TOP = "top"
    POSITION = "position"
    SUM = "sum"
    MEAN = "mean"
    COUNT = "count"
    THAN_NUMBER = "than number"
    THAN_COLUMN = "than column"
    DATE = "date"
    MEASURE = "measure"
    COMPARE = "compare"
    JOIN = "join"
    NOT = "not"
    ASK = "ask"
    LIST = "list"


class Operator(StrEnum):
    """How a cell stands to a number or to another cell."""

    GT = ">"
    GE = "≥"
    LT = "<"
    LE = "≤"
    EQ = "="


@dataclass(frozen=True, slots=True)
class Mark:
    """A part of a question that a rule has read: ``text[start:end]``.

    Attributes:
        concepts: What is measured (`kb.answer.tables.lexicon.CONCEPTS`); none where any number may be.
        likely: What is meant first where it may be of any: a larger field has more area.
        is_high: For TOP and COMPARE the most or more of it; for POSITION the last.
        rank: For TOP which one from the top, from 1; for POSITION likewise.
        n: For TOP how many.
        operator: For THAN_NUMBER, THAN_COLUMN.
        numbers: For THAN_NUMBER one, or two that the cell lies between; for DATE days since year
            1, the first and the last.
        unit: Of `numbers`; for COUNT and COMPARE the word by which Chinese counts (头, 件).
        is_added: For MEASURE whether what is spent or earned is asked for, several amounts
            together.
    """

    act: Act
    start: int
    end: int
    concepts: frozenset[str] = frozenset()
    likely: frozenset[str] = frozenset()
    is_high: bool = True
    rank: int = 1
    n: int = 1
    operator: Operator = Operator.EQ
    numbers: tuple[float, ...] = ()
    unit: str = ""
    is_added: bool = False


_RANKS = {
    word: number
    for number, words in enumerate(
        ("first 1st 一", "second 2nd 二 两", "third 3rd 三", "fourth 4th 四", "fifth 5th 五"), 1
    )
    for word in words.split()
}
_COUNTS = {
    word: number
    for number, words in enumerate(
        ("one 一", "two 二 两", "three 三", "four 四", "five 五", "six 六", "seven 七", "eight 八",
         "nine 九", "ten 十"),
        1,
    )
    for word in words.split()
}  # fmt: skip
_GENERIC_HIGH = "high large big great top".split()
_GENERIC_LOW = "low small little".split()


def _adjectives() -> dict[str, tuple[frozenset[str], bool]]:
    """Adjectives in their plain form: of what there is more or less."""
    found: dict[tuple[str, bool], set[str]] = {}
    for key, one in CONCEPTS.items():
        for word in one.high:
            found.setdefault((word, True), set()).add(key)
        for word in one.low:
            found.setdefault((word, False), set()).add(key)
    merged: dict[str, tuple[frozenset[str], bool]] = {}
    for (word, is_high), keys in found.items():
        # "Old" is much of an age and early of a date: the column decides, see `link`.
        if word in merged and merged[word][1] != is_high:
            keys = keys | merged[word][0]
            is_high = True
        merged[word] = (frozenset(keys), is_high)
    return merged


_MEASURED = _adjectives()
# The largest is of whatever is counted; how large something is, is an area or a size.
_ADJECTIVES = _MEASURED | {
    word: (frozenset[str](), is_high)
    for words, is_high in ((_GENERIC_HIGH, True), (_GENERIC_LOW, False))
    for word in words
}
_COMPARATIVES = {
    form: value
    for word, value in _ADJECTIVES.items()
    for form in (english_forms(word)[0], f"more {word}")
}
_COMPARATIVES |= {
    f"less {word}": (keys, not is_high) for word, (keys, is_high) in _ADJECTIVES.items()
}
_SUPERLATIVES = {
    form: value
    for word, value in _ADJECTIVES.items()
    for form in (english_forms(word)[1], f"most {word}")
}
_SUPERLATIVES |= {
    f"least {word}": (keys, not is_high) for word, (keys, is_high) in _ADJECTIVES.items()
}
_NONE: frozenset[str] = frozenset()
_SUPERLATIVES |= {
    "most": (_NONE, True), "maximum": (_NONE, True), "max": (_NONE, True), "best": (_NONE, True),
    "least": (_NONE, False), "fewest": (_NONE, False), "minimum": (_NONE, False),
    "min": (_NONE, False), "worst": (_NONE, False),
}  # fmt: skip
_COMPARATIVES |= {"more": (_NONE, True), "less": (_NONE, False), "fewer": (_NONE, False)}
_NUMEROUS = frozenset({"quantity", "population", "attendance"})
_LIKELY = {
    form: _MEASURED[word][0]
    for word in (*_GENERIC_HIGH, *_GENERIC_LOW)
    if word in _MEASURED
    for form in english_forms(word)
} | dict.fromkeys(("more", "most", "fewer", "fewest"), _NUMEROUS)


def _chinese() -> dict[str, tuple[frozenset[str], bool]]:
    found: dict[tuple[str, bool], set[str]] = {}
    for key, one in CONCEPTS.items():
        for word in one.high_chinese:
            found.setdefault((word, True), set()).add(key)
        for word in one.low_chinese:
            found.setdefault((word, False), set()).add(key)
    for word, is_high in (("高", True), ("大", True), ("多", True), ("好", True),
                          ("低", False), ("小", False), ("少", False), ("差", False)):  # fmt: skip
        found[word, is_high] = set()
    merged: dict[str, tuple[frozenset[str], bool]] = {}
    for (word, is_high), keys in found.items():
        if word in merged:
            keys = keys | merged[word][0]
        merged[word] = (frozenset(keys), is_high)
    merged["常见"] = (frozenset({"share", "quantity"}), True)
    return merged


_CHINESE = _chinese()
_LIKELY_CHINESE = {
    word: frozenset(
        key for key, one in CONCEPTS.items() if word in (*one.high_chinese, *one.low_chinese)
    )
    for word in "多少大小高低"
}


def _any(words: Iterable[str]) -> str:
    return "|".join(
        re.escape(word).replace(r"\ ", " ") for word in sorted(words, key=len, reverse=True)
    )


_UNITS = sorted(
    {unit for one in CONCEPTS.values() for unit in one.units} | set(CURRENCIES),
    key=len,
    reverse=True,
)
_UNIT = "(?:" + "|".join(
    re.escape(unit) + (r"\b" if unit[-1].isascii() and unit[-1].isalpha() else "") for unit in _UNITS
) + ")"  # fmt: skip
_NUM = rf"(?:[€$£¥] ?)?(?<![\d,.])\d[\d,]{{0,20}}+(?:\.\d{{1,9}}+)?(?: ?{_UNIT})?"
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = (
    rf"(?:\d{{4}}-\d{{1,2}}-\d{{1,2}}|{_DAY} (?:of )?(?:{_MONTH})\b(?:,? \d{{4}})?"
    rf"|(?:{_MONTH}) {_DAY}\b(?!\d)(?:,? \d{{4}})?|(?:{_MONTH})(?:,? \d{{4}})"
    rf"|(?:{_MONTH})\b|(?:19|20)\d{{2}}(?![\d年-]))"
)
_ZH_DATE = r"(?:\d{4} ?年 ?(?:\d{1,2} ?月 ?(?:份|\d{1,2} ?[日号])?)?|\d{1,2} ?月 ?(?:份|\d{1,2} ?[日号])?(?!\d)|\d{4}-\d{1,2}-\d{1,2})"
_YEARLY = re.compile(
    rf"(?P<day>\d{{1,2}})?(?:st|nd|rd|th)? ?(?:of )?(?P<month>{_MONTH})\b ?(?P<day2>\d{{1,2}}(?!\d))?(?:st|nd|rd|th)?,? ?(?P<year>\d{{4}})?",
    re.IGNORECASE,
)
_ZH_PARTS = re.compile(
    r"(?:(?P<year>\d{4}) ?年)? ?(?:(?P<month>\d{1,2}) ?月)? ?份?(?:(?P<day>\d{1,2}) ?[日号])?"
)

ANY_YEAR = 0
"""The year of a date that was asked for without one, as `Mark.numbers` has it."""


def _days(text: str) -> tuple[float, float] | None:
    """The first and the last day of a date, a month or a year; without a year as month and day
    in a year that leaps: see `is_yearless`."""
    text = text.strip()
    if match := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text):
        year, month, day = (int(part) for part in match.groups())
    elif match := re.fullmatch(r"(?:19|20)\d{2}", text):
        year, month, day = int(text), 0, 0
    elif match := _YEARLY.fullmatch(text):
        year = int(match["year"] or ANY_YEAR)
        month = MONTHS[match["month"].casefold()]
        day = int(match["day"] or match["day2"] or 0)
    elif (match := _ZH_PARTS.fullmatch(text)) and (match["year"] or match["month"]):
        year, month, day = (int(match[key] or 0) for key in ("year", "month", "day"))
    else:
        return None
    try:
        shown = year or 4
        first = dt.date(shown, month or 1, day or 1)
        if day:
            last = first
        elif month:
            last = (first.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(1)
        else:
            last = dt.date(shown, 12, 31)
    except ValueError:
        return None
    return first.toordinal(), last.toordinal()


def is_yearless(days: tuple[float, ...]) -> bool:
    """Whether a DATE was asked for without a year."""
    return bool(days) and days[0] < dt.date(5, 1, 1).toordinal()


def _number(text: str) -> Number | None:
    return parse_number(text)


_Make = Callable[[re.Match[str]], Mark | None]


def _than(operator: Operator, *, concept: str = "") -> _Make:
    def make(match: re.Match[str]) -> Mark | None:
        number = _number(match["number"])
        if number is None:
            return None
        concepts = frozenset({concept}) if concept else _NONE
        if "word" in match.groupdict() and match["word"]:
            word = match["word"].casefold()
            concepts = _COMPARATIVES.get(word, (_NONE, True))[0]
        return Mark(
            Act.THAN_NUMBER, *match.span(), concepts=concepts, operator=operator,
            numbers=(number.value,), unit=number.unit,
        )  # fmt: skip

    return make


def _comparative(match: re.Match[str]) -> Mark | None:
    word = match["word"].casefold()
    _, is_high = _COMPARATIVES[word]
    return _than(Operator.GT if is_high else Operator.LT)(match)


def _between(match: re.Match[str]) -> Mark | None:
    low, high = _number(match["low"]), _number(match["high"])
    if low is None or high is None:
        return None
    return Mark(
        Act.THAN_NUMBER, *match.span(), numbers=(low.value, high.value),
        unit=high.unit or low.unit,
    )  # fmt: skip


def _date(match: re.Match[str]) -> Mark | None:
    days = _days(match["date"])
    if days is None:
        return None
    groups = match.groupdict()
    operators = {
        "before": Operator.LT,
        "until": Operator.LE,
        "after": Operator.GT,
        "since": Operator.GE,
    }
    operator = next((one for key, one in operators.items() if groups.get(key)), Operator.EQ)
    return Mark(Act.DATE, *match.span(), operator=operator, numbers=days)


def days_meant(mark: Mark, year: int | None = None) -> tuple[float, float] | None:
    """The first and the last day that a DATE means, in days since year 1; None where it names no
    year and is a limit ("before August").

    Args:
        year: Meant where none is named.
    """
    first, last = mark.numbers
    if is_yearless(mark.numbers) and (year is not None or mark.operator is not Operator.EQ):
        if year is None:
            return None
        first, last = (_in_year(day, year) for day in (first, last))
    far = float(dt.date.max.toordinal())
    match mark.operator:
        case Operator.LT:
            return -1.0, first - 1
        case Operator.LE:
            return -1.0, last
        case Operator.GT:
            return last + 1, far
        case Operator.GE:
            return first, far
        case _:
            return first, last


def _in_year(day: float, year: int) -> float:
    date = dt.date.fromordinal(int(day))
    is_leap_day = date.month == 2 and date.day == 29
    return (date.replace(year=year, day=28) if is_leap_day else date.replace(year=year)).toordinal()


def _top(match: re.Match[str]) -> Mark | None:
    word, end = match["word"].casefold(), match.end()
    if word not in _SUPERLATIVES:
        # "The most moons": of what follows.
        word, blank, rest = word.partition(" ")
        end -= len(blank) + len(rest)
    if word not in _SUPERLATIVES:
        return None
    concepts, is_high = _SUPERLATIVES[word]
    likely = _LIKELY.get(word, _NONE)
    rank = _RANKS.get((match["rank"] or "").casefold(), 1)
    count = (match["n"] or "").casefold()
    n = int(count) if count.isdigit() else _COUNTS.get(count, 1)
    return Mark(
        Act.TOP, match.start(), end, concepts=concepts, likely=likely, is_high=is_high, rank=rank, n=n
    )  # fmt: skip


def _top_n(match: re.Match[str]) -> Mark:
    count = match["n"].casefold()
    return Mark(
        Act.TOP, *match.span(), is_high=True, n=int(count) if count.isdigit() else _COUNTS[count]
    )


def _chinese_top(match: re.Match[str]) -> Mark:
    concepts, is_high = _CHINESE[match["word"]]
    rank = _RANKS.get(match["rank"] or "", 1)
    count = match["n"] or ""
    n = int(count) if count.isdigit() else _COUNTS.get(count, 1)
    return Mark(
        Act.TOP, *match.span(), concepts=concepts, likely=_LIKELY_CHINESE.get(match["word"], _NONE),
        is_high=is_high, rank=rank, n=n,
    )  # fmt: skip


def _position(is_high: bool) -> _Make:
    return lambda match: Mark(Act.POSITION, *match.span(), is_high=is_high)


def _measure(match: re.Match[str]) -> Mark | None:
    word = match["word"].casefold()
    if word in _MEASURED:
        return Mark(Act.MEASURE, *match.span(), concepts=_MEASURED[word][0])
    if word in _CHINESE:
        return Mark(Act.MEASURE, *match.span(), concepts=_CHINESE[word][0])
    return None


def _compare(match: re.Match[str]) -> Mark:
    word = match["word"].casefold()
    concepts, is_high = _COMPARATIVES.get(word) or _CHINESE[word]
    likely = _LIKELY.get(word) or _LIKELY_CHINESE.get(word, _NONE)
    unit = match.groupdict().get("unit") or ""
    return Mark(
        Act.COMPARE, *match.span(), concepts=concepts, likely=likely, is_high=is_high, unit=unit
    )


def _count(match: re.Match[str]) -> Mark:
    return Mark(Act.COUNT, *match.span(), unit=match["unit"] or "")


def _spent(match: re.Match[str]) -> Mark:
    return Mark(Act.MEASURE, *match.span(), concepts=frozenset({"price"}), is_added=True)


def _act(act: Act, *concepts: str) -> _Make:
    return lambda match: Mark(act, *match.span(), concepts=frozenset(concepts))


_TWO = re.compile(r"\b(?:or|than)\b")
_SPENT = re.compile(r"\b(?:spend|spent|paid)\b")
_PAID = re.compile(r"\b(?:costs?|pay|paid|spend|spent|earn)\b")
_BESIDE = re.compile(r"比")


def _if(needed: re.Pattern[str], make: _Make) -> _Make:
    """`make` for questions that hold a word as well."""
    return lambda match: make(match) if needed.search(match.string) else None


def _than_column(operator: Operator) -> _Make:
    return lambda match: Mark(Act.THAN_COLUMN, *match.span(), operator=operator)


def _than_column_word(match: re.Match[str]) -> Mark:
    _, is_high = _COMPARATIVES[match["word"].casefold()]
    operator = Operator.GT if is_high else Operator.LT
    return Mark(Act.THAN_COLUMN, *match.span(), operator=operator)


_N = r"(?P<n>\d{1,2}|" + "|".join(word for word in _COUNTS if word.isascii()) + ")"
_ZH_N = r"(?P<n>\d{1,2}|[一二两三四五六七八九十])"
_RANK = r"(?P<rank>" + "|".join(word for word in _RANKS if word.isascii()) + ")"
_COUNTED = "个种条款人名台件家次项本辆只位张份所座间部头匹棵株箱袋瓶套组枚艘架册"

_TOPS = r"(?:most|least) [a-z]{3,15}|[a-z]{2,12}est|most|least|worst|max(?:imum)?|min(?:imum)?"

_RULES: tuple[tuple[str, _Make], ...] = (
    # Numbers that a cell is compared with.
    (rf"\bbetween (?P<low>{_NUM}) and (?P<high>{_NUM})", _between),
    (rf"(?:介于|在)?(?P<low>{_NUM}) ?(?:到|至|和|与|~|-|—) ?(?P<high>{_NUM}) ?之间", _between),
    # Dates.
    (rf"\b(?:(?P<before>before|prior to|earlier than)|(?P<after>after|later than)|(?P<since>since|from)"
     rf"|(?P<until>until|till|up to|by)) (?P<date>{_DATE})", _date),
    (rf"\b(?:in|during|on|of|for) (?:the year |the )?(?P<date>{_DATE})", _date),
    (rf"(?P<date>{_ZH_DATE}) ?(?:(?P<before>之前|以前|前)|(?P<after>之后|以后|后)|(?P<since>以来|起))", _date),
    (rf"(?:在)?(?P<date>{_ZH_DATE})(?:期间|里|内|当天)?", _date),
    (rf"\b(?P<date>(?:{_DAY} )?(?:{_MONTH}) \d{{4}})\b", _date),
    (rf"(?:\bat least|\bno(?:t)? (?:less|fewer|lower) than|\bnot (?:under|below)|>=|≥|至少|不低于|不少于|不小于) ?"
     rf"(?P<number>{_NUM})", _than(Operator.GE)),
    (rf"(?P<number>{_NUM}) ?(?:or (?:more|higher|above|over|greater|longer|heavier)|and (?:more|above|up)|(?:及|或)?以上)",
     _than(Operator.GE)),
    (rf"(?:\bat most|\bno(?:t)? (?:more|greater|higher) than|\bup to|\bnot (?:over|above)|<=|≤|至多|不超过|不高于|不大于|不多于) ?"
     rf"(?P<number>{_NUM})", _than(Operator.LE)),
    (rf"(?P<number>{_NUM}) ?(?:or (?:less|lower|below|under|fewer|shorter|lighter)|(?:及|或)?以[下内])",
     _than(Operator.LE)),
    (rf"\b(?P<word>{_any(_COMPARATIVES)}) than (?P<number>{_NUM})", _comparative),
    (rf"(?:\babove|\bover|\bexceed(?:s|ing)?|>|超过|高于|大于|多于|超出) ?(?P<number>{_NUM})",
     _than(Operator.GT)),
    (rf"(?:\bbelow|\bunder|<|低于|少于|小于|不到|不足) ?(?P<number>{_NUM})", _than(Operator.LT)),
    (rf"比 ?(?P<number>{_NUM}) ?(?:更)?[高多大贵重长晚久]", _than(Operator.GT)),
    (rf"比 ?(?P<number>{_NUM}) ?(?:更)?[低少小轻短早]|比 ?(?P<number2>{_NUM})便宜",
     lambda match: _than(Operator.LT)(match) if match["number"] else None),
    # The most and the least.
    (rf"\b(?:the )?(?:{_RANK}[ -])?(?:{_N} )?(?P<word>{_TOPS})\b(?! of (?:the|all)\b)", _top),
    (rf"\btop {_N}\b", _top_n),
    (rf"(?:第(?P<rank>[二三四五]))?最(?P<word>{_any(_CHINESE)})的?(?:前?{_ZH_N}[{_COUNTED}])?", _chinese_top),
    (rf"第(?P<rank>[二三四五])(?P<word>{_any(_CHINESE)})(?P<n>(?!))?", _chinese_top),
    (r"\bmost recent\b|\b(?:the )?last\b|最后(?:一[个条项次位名])?|最近(?:一[个条次])?", _position(True)),
    (r"\b(?:the )?first\b|第一[个条项次位名]|最先", _position(False)),
    # Adding up.
    (r"\baverage\b|\bon average\b|\bmean\b(?= (?:of|price|weight|value|number|age|score|amount|\w+ of))"
     r"|平均(?:值|数)?", _act(Act.MEAN)),
    (r"\b(?:in|the|a|grand)? ?(?:sum|total)(?: (?:up|number|amount))?\b|\badd(?:s|ed)?(?: \w+)? up(?: to)?\b"
     r"|\baltogether\b|\bin all\b|\bcombined\b|\boverall\b|\btogether\b"
     r"|总共|一共|合计|总计|总和|总数|总额|总量|加起来|加在一起|总(?=[^是])|共(?=有|计|多少|花|卖|订)", _act(Act.SUM)),
    # Two compared.
    (r"\b(?:what(?:'s| is) the )?difference\b|\bcompared?\b|相差(?:多少)?|差(?:多少|几)|差别|相比",
     lambda match: Mark(Act.COMPARE, *match.span())),
    (rf"\b(?:how much )?(?P<word>{_any(_COMPARATIVES)})\b", _if(_TWO, _compare)),
    (rf"(?<=[哪谁])(?:个|款|种|家|一个|位|台)?(?:更|比较)(?P<word>{_any(_CHINESE)})(?:一?些|一点)?", _compare),
    (rf"更(?P<word>{_any(_CHINESE)})", _compare),
    (rf"(?P<word>[多少])(?:多少|几)(?P<unit>[{_COUNTED}])?", _if(_BESIDE, _compare)),
    (rf"(?P<word>{_any(_CHINESE)})(?=一?[些点]?[吗嘛么]?[?？]?$)", _if(_BESIDE, _compare)),
    (rf"(?P<word>{_any(w for w in _CHINESE if w != '多')})多少|(?P<word2>(?!))", _compare),
    # Above or below another column.
    (rf"\b(?P<word>{_any(_COMPARATIVES)}) than\b", _than_column_word),
    (r"\b(?:above|over|exceed(?:s|ed|ing)?)\b|超过|高于|大于|多于|超出", _than_column(Operator.GT)),
    (r"\b(?:below|under)\b|低于|少于|小于|不到|不足", _than_column(Operator.LT)),
    # Asking.
    (rf"\bhow (?P<word>{_any(_MEASURED)})\b", _measure),
    (r"\bhow (?:much|many)(?: (?:money|euros?|dollars?|pounds?|yuan))?\b|\bwhat(?= (?:do|does|did)\b)",
     _if(_SPENT, _spent)),
    (r"(?:花|用)了?(?:多少钱|多少元)", _spent),
    (r"\bhow (?:much|many)(?: (?:money|euros?|dollars?|pounds?|yuan))?\b|\bwhat(?= (?:do|does|did|will|would)\b)",
     _if(_PAID, _act(Act.MEASURE, "price"))),
    (r"\bhow expensive\b|\bhow much (?:is|are|was|were|for)\b"
     r"|多少钱|价钱是?多少|怎么卖", _act(Act.MEASURE, "price")),
    (r"\bhow much\b", _act(Act.MEASURE)),
    (r"\bhow many (?:pieces|units|items|copies)\b|多少件|几件", _act(Act.COUNT, "quantity")),
    (r"\bhow many\b|\b(?:the )?number of\b|\b(?:the )?count(?: of)?\b"
     rf"|有?(?:多少|几)(?P<unit>[{_COUNTED}])|有多少(?=[^钱])|数量是多少", _count),
    (rf"多(?P<word>{_any(w for w in _CHINESE if w not in '多少')})", _measure),
    (r"\bwho(?:se|m)?\b|谁|哪位", _act(Act.ASK, "person")),
    (r"\bwhere\b|(?:在|到)?哪里|(?:在|到)?哪儿", _act(Act.ASK, "place")),
    (r"\bwhen\b|\bwhat date\b|什么时候|何时|(?:是)?哪[天一]天?日?(?=[^个种款些家位])", _act(Act.ASK, "date")),
    (r"\bwhat (?:should|can|must|do|shall) (?:i|we|you|one) do\b|怎么办|怎么处理|如何处理", _act(Act.ASK, "remedy")),
    (r"\bwhich(?: ones?)?\b|\bwhat(?:'s|’s)?\b|哪一?[个些种款家台条项名本]|哪|什么|多少|几", _act(Act.ASK)),
    (r"\b(?:list|show|give|tell|name|find|display)\b|列出|列举|显示|查一?下|查询|告诉我|给我|找出", _act(Act.LIST)),
    (r"\b(?:not|no|without|except|excluding|other than|never|isn't|aren't|doesn't|don't)\b|不是|没有|除了|不(?=需|用|能|在|会|可)",
     _act(Act.NOT)),
    (r"\bor\b|\band\b|\bversus\b|\bvs\b\.?|\bthan\b|还是|以及|和|与|跟|、|比(?![较例赛率])", _act(Act.JOIN)),
)  # fmt: skip


_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), make) for pattern, make in _RULES)


def read_marks(text: str) -> tuple[list[Mark], str]:
    """What the rules read in `text`, in order, and the text with that blanked."""
    found: list[Mark] = []
    for pattern, make in _COMPILED:
        for match in list(pattern.finditer(text)):
            if not text[match.start() : match.end()].strip() or not match.group():
                continue
            mark = make(match)
            if mark is None or not text[mark.start : mark.end].strip():
                continue
            found.append(mark)
            text = text[: mark.start] + " " * (mark.end - mark.start) + text[mark.end :]
    found.sort(key=lambda mark: mark.start)
    return found, text
