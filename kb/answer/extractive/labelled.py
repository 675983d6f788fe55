"""What a label on a picture, a form or a chart says to a question: the value that stands by it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kb.answer.extractive.asked import WITH_UNIT, Asked, holds
from kb.answer.extractive.periods import PERIODS, kind_asked_for, period_of
from kb.answer.extractive.placed import Cell, Pair, Placed, read
from kb.answer.extractive.question import Question
from kb.answer.extractive.superlatives import SUPERLATIVE, is_largest_meant
from kb.text.scripts import COMMON_HAN
from kb.text.terms import content_terms, find_terms, fold_width
from kb.types import Hit, Modality

__all__ = ["Labelled", "is_of_chart", "labelled"]

# The best few hits: what a label says to a question can't be told without its subject.
_N_HITS = 3
_MIN_SAID = 0.6
_MIN_SAID_CHINESE = 2
_MIN_COMPARED = 3
_N_BEFORE_MOST = 12
_HAN = re.compile(f"[{COMMON_HAN}]")
# "Lasts longest" (用得最久): what a thing does, said of whatever is compared.
_COMPLEMENT = re.compile(f"[{COMMON_HAN}]得(?=最)")
# Irregular verbs that are words of grammar elsewhere, and stand alone on forms ("Done").
_VERBS = {"done": "do", "given": "give", "made": "make"}
_WHEN = re.compile(r"^\W*when\b|\bhow (?:many|much)\b|什么时候|何时|多少")
# A label that is only what the question is about: "done to the device".
_ABOUT = r"\b(?:of|to|on|for|in|with|by|at|from|about) (?:(?:the|a|an|this|that|my|its) )?"
_SUM = re.compile(
    r"\b(?:total|whole|together|altogether|overall|sum|in all|all (?:four|of))\b"
    r"|一共|总共|合计|总计|总和|全年"
)
_CURRENCY = re.compile(r"[$€£¥￥]|\b(?:EUR|USD|GBP|CHF|CNY|RMB|JPY)\b")
_AVERAGE = re.compile(r"\b(?:average|mean)\b|平均")
_UNIT = re.compile(
    r"(?:单位|units?)\s*[:：]\s*(?P<said>[^\s，,。;；)）]{1,12})|\b[Ii]n (?P<named>[a-z]{2,12})$"
    r"|[,，]\s*(?P<after>[^\s\d,，:：]{1,8})$|[(（](?P<within>[^()（）\d]{1,10})[)）]$"
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value with the label that it stands by.

    Attributes:
        text: Both, as they are shown.
        ranges: Of the hit's text, the value's first; one where both stand together.
    """

    hit_index: int
    text: str
    ranges: tuple[tuple[int, int], ...]


def labelled(text: str, question: Question, hits: Sequence[Hit]) -> Labelled | None:
    """The value by the label that the question `text` names, or the largest or smallest of a
    chart; None where no label, or more than one, is meant."""
    asked = _Asked(text, question)
    if asked.is_stated(hits):
        return None
    for index, hit in enumerate(hits[:_N_HITS]):
        placed = read(hit.chunk)
        if not (placed.form or placed.chart) or not asked.is_about(hit, placed):
            continue
        has_total = any(_SUM.search(_small(pair.label)) for pair in placed.form)
        if not has_total and len(pairs := asked.sum_of(placed)) >= _MIN_COMPARED:
            return _summed(index, pairs, _unit(hit, placed))
        pair, unit = asked.in_chart(placed, hit), _unit(hit, placed)
        if pair is None:
            pair, unit = asked.in_form(placed), ""
        if pair is not None:
            return _shown(index, pair, unit, hit)
    return None


def is_of_chart(question: Question, hit: Hit, start: int, end: int) -> bool:
    """Whether an amount is asked for and ``hit.chunk.text[start:end]`` is a part of a chart: of a
    picture all that is written on it, of a page its labels and numbers."""
    if question.asked not in WITH_UNIT:
        return False
    placed = read(hit.chunk)
    if hit.chunk.modality is Modality.IMAGE:
        return placed.is_grouped
    cells = [cell for pair in placed.chart for cell in (pair.label, pair.value)]
    return placed.is_grouped and any(cell.start < end and start < cell.end for cell in cells)


def _small(label: Cell) -> str:
    """The words of `label`, without the currency of its value."""
    return _CURRENCY.sub("", fold_width(label.text)).strip(" :：()").lower()


def _stems(text: str) -> frozenset[str]:
    return frozenset(_VERBS.get(term.stem, term.stem) for term in content_terms(text))


class _Asked:
    """The question with what tells which label it means."""

    def __init__(self, text: str, question: Question) -> None:
        self._question = question
        self._folded = fold_width(text)
        self._text = self._folded.lower()
        self._stems = _stems(text)
        self._superlative = SUPERLATIVE.search(self._text)
        self._is_sum = bool(_SUM.search(self._text))
        self._is_average = bool(_AVERAGE.search(self._text))

    def is_stated(self, hits: Sequence[Hit]) -> bool:
        """Whether a text says in Chinese what the superlative of the question asks for ("滤网寿命，
        最长"), so that no chart need be compared."""
        if self._superlative is None or not self._superlative["han"]:
            return False
        most = self._superlative.group()[:2]
        for hit in hits:
            text = hit.chunk.text if hit.chunk.modality is Modality.TEXT else ""
            for piece in text.split(most)[:-1]:
                before = piece[-_N_BEFORE_MOST:]
                if sum(stem in before for stem in self._stems) >= _MIN_SAID_CHINESE:
                    return True
        return False

    def is_about(self, hit: Hit, placed: Placed) -> bool:
        """Whether most of what the question says stands on the page, its names and codes
        among it."""
        all_text = hit.all_text
        # "December" and "12月" may stand there as "Dec".
        others = Question.of(self._without_periods(placed))
        if others.names_absent(all_text):
            return False
        if any(not code.present.search(all_text) for code in others.codes):
            return False
        on_page = {_VERBS.get(term.stem, term.stem) for term in content_terms(all_text)}
        on_page |= {term.stem for term in find_terms(all_text, self._question.stems)}
        periods = self._stems - _stems(self._without_periods(placed))
        if _HAN.search(self._text):
            if self._superlative is not None:
                # "The longest life" is no longest cycle, though both are of the filter.
                most = set(self._superlative.group())
                said = _stems(_COMPLEMENT.sub(" ", self._folded))
                rest = {stem for stem in said if not most & set(stem)}
                if 5 * len(rest & on_page) < 4 * len(rest):
                    return False
            is_period = bool(periods - on_page)
            return len(self._stems & on_page) + is_period >= _MIN_SAID_CHINESE
        left_out = _stems(self._superlative.group()) if self._superlative else frozenset()
        wanted = self._stems - left_out - self._question.asking
        named = {stem for stem in wanted if stem in on_page}
        named |= periods & wanted
        return bool(wanted) and len(named) >= _MIN_SAID * len(wanted)

    def _without_periods(self, placed: Placed) -> str:
        """The question without the quarters and months that are labels of the chart."""
        written = {period_of(_small(pair.label)) for pair in placed.chart}
        rest = self._folded
        for period in PERIODS:
            if period in written:
                rest = period.said.sub(" ", rest)
        return rest

    def names(self, label: Cell) -> bool:
        """Whether the question says all words of `label`."""
        name = _small(label)
        if period := period_of(name):
            return period.said.search(self._text) is not None
        if _HAN.search(name):
            return name in self._text
        stems = _stems(name)
        if not stems:
            return re.search(rf"\b{re.escape(name)}\b", self._text) is not None
        return stems <= self._stems

    def _is_held(self, said: str) -> bool:
        asked = self._question.asked
        return asked is Asked.YES_NO or holds(asked, said) is not False

    def _is_aside(self, label: Cell) -> bool:
        name = re.escape(_small(label))
        is_aside = rf"{_ABOUT}{name}\b" if not _HAN.search(label.text) else rf"{name}的"
        # "In total" asks for the total.
        return not _SUM.search(_small(label)) and re.search(is_aside, self._text) is not None

    def in_chart(self, placed: Placed, hit: Hit) -> Pair | None:
        """The number of a chart that is asked for."""
        if self._is_sum or self._is_average or not self._is_of_period(placed):
            return None
        pairs = self._named(placed)
        is_named = len(pairs) < len(placed.chart)
        if len(pairs) == 1 and is_named:
            return pairs[0] if self._is_fit(pairs[0], hit, placed) else None
        if self._superlative is None or len(pairs) < _MIN_COMPARED:
            return None
        if len({pair.label for pair in pairs}) > 1 and len({pair.series for pair in pairs}) > 1:
            return None
        return self._extreme(pairs, hit)

    def sum_of(self, placed: Placed) -> list[Pair]:
        """The numbers of one series, or of a chart that has but one, of which the sum is asked
        for."""
        pairs = self._named(placed)
        is_one = len({pair.series for pair in pairs}) == 1
        is_whole = {pair.label for pair in pairs} == {pair.label for pair in placed.chart}
        is_amount = self._question.asked in (Asked.AMOUNT, Asked.MONEY)
        is_count = all("%" not in pair.value.text for pair in pairs)
        is_sum = self._is_sum and is_one and is_whole and is_amount and is_count
        return pairs if is_sum and not self._superlative and not self._is_average else []

    def _named(self, placed: Placed) -> list[Pair]:
        """The numbers of the series and of the label that the question names, or of all."""
        pairs = list(placed.chart)
        for of in (_series_of, _label_of):
            named = self._closest(cell for pair in pairs if (cell := of(pair)) and self.names(cell))
            if named:
                pairs = [pair for pair in pairs if of(pair) in named]
        return pairs

    def in_form(self, placed: Placed) -> Pair | None:
        """The value of a form whose label the question names, if it says what the question does
        not and is of the kind that is asked for."""
        is_yes_no = self._question.asked is Asked.YES_NO and "什么" not in self._text
        if self._superlative is not None or is_yes_no:
            return None
        told = [
            pair
            for pair in placed.form
            if self.names(pair.label)
            and not self._is_aside(pair.label)
            and _stems(pair.value.text) - self._stems
            and self._is_held(f"{pair.label.text} {pair.value.text}")
        ]
        labels = self._closest(pair.label for pair in told)
        told = [pair for pair in told if pair.label in labels]
        return told[0] if len(told) == 1 else None

    def _closest(self, labels: Iterable[Cell]) -> list[Cell]:
        """Of the labels that the question names those that it says most of: "hood on" and "hood
        off" differ by a word that says nothing by itself."""
        by_words: dict[int, list[Cell]] = {}
        for label in labels:
            words = re.findall(r"\w+", label.text.lower())
            absent = sum(re.search(rf"\b{re.escape(w)}", self._text) is None for w in words)
            by_words.setdefault(len(_stems(label.text)) * 10 - absent, []).append(label)
        return by_words[max(by_words)] if by_words else []

    def _is_of_period(self, placed: Placed) -> bool:
        """Whether the labels that a superlative is looked for among are quarters or months if, and
        only if, those are asked for."""
        if self._superlative is None:
            return True
        labels = {_small(pair.label) for pair in placed.chart}
        periods = [period_of(label) for label in labels]
        kinds = {period.kind if period else None for period in periods}
        if asked := kind_asked_for(self._text):
            return kinds == {asked}
        is_single = len({pair.label for pair in placed.chart if self.names(pair.label)}) == 1
        return None in kinds or is_single or _WHEN.search(self._text) is not None

    def _is_fit(self, pair: Pair, hit: Hit, placed: Placed) -> bool:
        """Whether the number, in its unit, is of the kind that is asked for."""
        asked = self._question.asked
        said = f"{pair.value.text} {_unit(hit, placed)}"
        if asked is Asked.MONEY:
            return (
                re.search(r"[$€£¥￥元块]|\b(?:eur|usd|gbp|cny)\b", hit.chunk.text.lower())
                is not None
            )
        return holds(asked, said) is not False or asked in (Asked.PLACE, Asked.PERSON)

    def _extreme(self, pairs: Sequence[Pair], hit: Hit) -> Pair | None:
        if self._superlative is None:
            return None
        is_high = is_largest_meant(self._superlative, hit.chunk.text)
        if is_high is None:
            return None
        values = [pair.value.number or 0.0 for pair in pairs]
        extreme = max(values) if is_high else min(values)
        found = [pair for pair, value in zip(pairs, values, strict=True) if value == extreme]
        return found[0] if len(found) == 1 else None


def _series_of(pair: Pair) -> Cell | None:
    return pair.series


def _label_of(pair: Pair) -> Cell:
    return pair.label


def _unit(hit: Hit, placed: Placed) -> str:
    """The unit of the numbers of a chart, as it is said in a line above it ("in months",
    "单位：月"); nothing where none is said."""
    first = min((pair.label.start for pair in placed.chart), default=0)
    lines = hit.chunk.text[:first].strip().splitlines()
    found = [match for line in lines[-4:] if (match := _UNIT.search(line.strip()))]
    return next((group for group in found[-1].groups() if group), "") if found else ""


def _shown(index: int, pair: Pair, unit: str, hit: Hit) -> Labelled:
    said = [cell.text.strip(" :：") for cell in (pair.series, pair.label) if cell is not None]
    value = pair.value.text.strip()
    if unit and value[-1:].isdigit():
        value = f"{value} {unit}"
    between = hit.chunk.text[pair.label.end : pair.value.start]
    if (
        pair.series is None
        and pair.label.end <= pair.value.start
        and not between.strip(" \n:：.·|")
    ):
        ranges: tuple[tuple[int, int], ...] = ((pair.label.start, pair.value.end),)
    else:
        cells = [cell for cell in (pair.value, pair.label, pair.series) if cell is not None]
        ranges = tuple((cell.start, cell.end) for cell in cells)
    return Labelled(index, f"{', '.join(said)} — {value}", ranges)


def _summed(index: int, pairs: Sequence[Pair], unit: str) -> Labelled:
    """The sum with what it is of; Decimal, since 0.1 and 0.2 are 0.3 to who reads a chart."""
    values = [Decimal(str(pair.value.number or 0)).normalize() for pair in pairs]
    parts = " + ".join(f"{value:,f}" for value in values)
    series = pairs[0].series
    said = [series.text.strip()] if series is not None else []
    labels = " + ".join(pair.label.text.strip(" :：") for pair in pairs)
    total = f"{sum(values):,f} {unit}".strip()
    ranges = tuple((pair.value.start, pair.value.end) for pair in pairs)
    return Labelled(index, f"{', '.join([*said, labels])} — {total} = {parts}", ranges)
