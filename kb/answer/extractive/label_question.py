"""Which label of a picture, a form or a chart a question means, or which of its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from kb.answer.extractive.asked import WITH_UNIT, Asked, holds
from kb.answer.extractive.periods import PeriodKind, kind_asked_for, period_of
from kb.answer.extractive.placed import Cell, Pair, Placed
from kb.answer.extractive.question import Question
from kb.answer.extractive.superlatives import (
    COMPARATIVE,
    SUPERLATIVE,
    is_largest_meant,
    is_more_meant,
)
from kb.answer.tables.lexicon import CONCEPTS
from kb.text.scripts import COMMON_HAN
from kb.text.terms import content_terms, find_terms, fold_width
from kb.types import Hit, Modality

__all__ = ["MIN_COMPARED", "SUM", "LabelQuestion", "number_of", "small", "unit_of"]

_MIN_SAID = 0.6
_MIN_SAID_CHINESE = 2
MIN_COMPARED = 3
_N_BEFORE_MOST = 12
_HAN = re.compile(f"[{COMMON_HAN}]")


def _words(text: str) -> frozenset[str]:
    return frozenset(term.stem for term in content_terms(text))


# "Lasts longest" (用得最久): what a thing does, said of whatever is compared.
_COMPLEMENT = re.compile(f"[{COMMON_HAN}]得(?=最)")
# Irregular verbs that are words of grammar elsewhere, and stand alone on forms ("Done").
_VERBS = {"done": "do", "given": "give", "made": "make"}
_WHEN = re.compile(r"^\W*when\b|\bhow (?:many|much)\b|什么时候|何时|多少")
# A label that is only what the question is about: "done to the device".
_ABOUT = r"\b(?:of|to|on|for|in|with|by|at|from|about) (?:(?:the|a|an|this|that|my|its) )?"
SUM = re.compile(
    r"\b(?:total|whole|together|altogether|overall|sum|in all|all (?:four|of))\b"
    r"|一共|总共|合计|总计|总和|全年"
)
# "What is the highest": the number itself.
_WHAT_IS = re.compile(r"\bwhat(?:'s| is| are| was| were)(?: the)?(?: \w+)? $")
_COUNTED = re.compile(
    r"\b(?:how many|(?:more|most|fewer|fewest|less|least|highest|lowest)"
    r"(?: (?:number|amount)s? of)?)"
    r" (?P<what>[a-z]{3,})"
)
_MONEY = _words("money")
_CURRENCY = re.compile(r"[$€£¥￥]|\b(?:EUR|USD|GBP|CHF|CNY|RMB|JPY)\b")
_DIFFERENCE = re.compile(r"\b(?:difference|compared?|versus|vs)\b|相差|差多少|差距")
# Of the picture itself, which seldom says what it is.
_MEDIUM = _words("chart graph diagram figure picture image photo plot")
_AVERAGE = re.compile(r"\b(?:average|mean)\b|平均")
_UNIT = re.compile(
    r"(?:单位|units?)\s*[:：]\s*(?P<said>[^\s，,。;；)）]{1,12})|\b[Ii]n (?P<named>[a-z]{2,12})$"
    r"|[,，]\s*(?P<after>[^\s\d,，:：]{1,8})$|[(（](?P<within>[^()（）\d]{1,10})[)）]$"
)


def small(label: Cell) -> str:
    """The words of `label`, without the currency of its value."""
    return _CURRENCY.sub("", fold_width(label.text)).strip(" :：()").lower()


def _stems(text: str) -> frozenset[str]:
    return frozenset(_VERBS.get(term.stem, term.stem) for term in content_terms(text))


class LabelQuestion:
    """A question with what tells which label of a picture, a form or a chart it means.

    Args:
        text: The question.
        question: It, taken apart.
    """

    def __init__(self, text: str, question: Question) -> None:
        self._question = question
        self._folded = fold_width(text)
        self._text = self._folded.lower()
        self._stems = _stems(text)
        self._superlative = SUPERLATIVE.search(self._text)
        self._comparative = COMPARATIVE.search(self._text)
        self._is_sum = bool(SUM.search(self._text))
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
            is_period = bool(periods - on_page) or self._asks_for_period_of(placed)
            return len(self._stems & on_page) + is_period >= _MIN_SAID_CHINESE
        left_out = set(_MEDIUM)
        for found in (self._superlative, self._comparative):
            left_out |= _stems(found.group()) if found else frozenset()
        wanted = self._stems - left_out - self._question.asking
        named = {stem for stem in wanted if stem in on_page}
        named |= periods & wanted
        return bool(wanted) and len(named) >= _MIN_SAID * len(wanted)

    def _without_periods(self, placed: Placed) -> str:
        """The question without the quarters and months that are labels of the chart."""
        rest = self._folded
        for period in {period_of(small(pair.label)) for pair in placed.chart}:
            if period is not None:
                rest = period.said.sub(" ", rest)
        return rest

    def _asks_for_period_of(self, placed: Placed) -> bool:
        """Whether a year, a quarter or a month is asked for, and the labels are such."""
        asked = kind_asked_for(self._text)
        return asked is not None and _kinds(placed) == {asked}

    def names(self, label: Cell) -> bool:
        """Whether the question says all words of `label`."""
        name = small(label)
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
        name = re.escape(small(label))
        is_aside = rf"{_ABOUT}{name}\b" if not _HAN.search(label.text) else rf"{name}的"
        # "In total" asks for the total.
        return not SUM.search(small(label)) and re.search(is_aside, self._text) is not None

    def in_chart(self, placed: Placed, hit: Hit) -> Pair | None:
        """The number of a chart that is asked for."""
        if self._is_sum or self._is_average or not self._is_of_period(placed):
            return None
        if not self._is_measured(hit):
            return None
        pairs = self._named(placed)
        is_named = len(pairs) < len(placed.chart)
        if len(pairs) == 1 and is_named:
            return pairs[0] if self._is_fit(pairs[0], hit, placed) else None
        if self._superlative is None or len(pairs) < MIN_COMPARED:
            return None
        if len({pair.label for pair in pairs}) > 1 and len({pair.series for pair in pairs}) > 1:
            return None
        return self._extreme(pairs, hit)

    def compares(self, placed: Placed) -> bool:
        """Whether the question compares two labels, or two series, of the chart."""
        if self._comparative is None and not _DIFFERENCE.search(self._text):
            return False
        cells = [[of(pair) for pair in placed.chart] for of in (_label_of, _series_of)]
        return any(len(self._whole(cell for cell in one if cell)) == 2 for one in cells)

    def compared(self, placed: Placed, hit: Hit) -> list[Pair]:
        """The two numbers that the question compares, what it asks for first; none where it does
        not name two labels of one series, or two series of one label, or compares what the chart
        does not measure."""
        is_more: bool | None = True
        if self._comparative is not None:
            is_more = is_more_meant(self._comparative, hit.chunk.text)
        if self._superlative or self._is_sum or self._is_average or is_more is None:
            return []
        if not self._is_measured(hit):
            return []
        for of, other in ((_label_of, _series_of), (_series_of, _label_of)):
            named = self._whole(cell for pair in placed.chart if (cell := of(pair)))
            if len(named) != 2:
                continue
            pairs = [pair for pair in placed.chart if of(pair) in named]
            others = [cell for pair in pairs if (cell := other(pair)) and self.names(cell)]
            if others:
                pairs = [pair for pair in pairs if other(pair) in others]
            if len(pairs) == 2 and all(self._is_comparable(p, hit, placed) for p in pairs):
                return sorted(pairs, key=number_of, reverse=is_more)
        return []

    def _is_measured(self, hit: Hit) -> bool:
        """Whether what is counted by the question ("how many staff", "the most rain") is written
        on the chart, by that word or by one for the like."""
        found = _COUNTED.search(self._text)
        if found is None:
            return True
        stems = {_VERBS.get(stem, stem) for stem in _stems(found["what"])}
        stems &= set(self._question.stems)
        written = hit.all_text
        said = {term.stem for term in find_terms(written, stems)}
        if not stems or said or (_stems(found["what"]) & _MONEY and _CURRENCY.search(written)):
            return True
        unit = self._question.unit
        if unit is not None and unit.unit.search(written):
            return True
        on_page = {term.stem for term in content_terms(written)}
        return any(one.english & stems and one.english & on_page for one in CONCEPTS.values())

    def _whole(self, labels: Iterable[Cell]) -> set[Cell]:
        """The labels that the question names, without those that are a part of another one."""
        named = {label for label in labels if self.names(label)}
        names = {label: small(label) for label in named}
        return {
            label
            for label in named
            if not any(names[label] != other and names[label] in other for other in names.values())
        }

    def _is_comparable(self, pair: Pair, hit: Hit, placed: Placed) -> bool:
        if self._question.asked not in WITH_UNIT or self._question.asked is Asked.DATE:
            return True
        return self._is_fit(pair, hit, placed)

    def sum_of(self, placed: Placed) -> list[Pair]:
        """The numbers of one series, or of a chart that has but one, of which the sum is asked
        for."""
        pairs = self._named(placed)
        is_one = len({pair.series for pair in pairs}) == 1
        is_whole = {pair.label for pair in pairs} == {pair.label for pair in placed.chart}
        is_amount = self._question.asked in (Asked.COUNT, Asked.AMOUNT, Asked.MONEY)
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
        kinds = _kinds(placed)
        if asked := kind_asked_for(self._text):
            return kinds == {asked}
        if _WHAT_IS.search(self._text, 0, self._superlative.start()):
            return True
        is_single = len({pair.label for pair in placed.chart if self.names(pair.label)}) == 1
        return None in kinds or is_single or _WHEN.search(self._text) is not None

    def _is_fit(self, pair: Pair, hit: Hit, placed: Placed) -> bool:
        """Whether the number, in its unit, is of the kind that is asked for."""
        asked = self._question.asked
        said = f"{pair.value.text} {unit_of(hit, placed)}"
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
        values = [number_of(pair) for pair in pairs]
        extreme = max(values) if is_high else min(values)
        found = [pair for pair, value in zip(pairs, values, strict=True) if value == extreme]
        return found[0] if len(found) == 1 else None


def _series_of(pair: Pair) -> Cell | None:
    return pair.series


def _label_of(pair: Pair) -> Cell:
    return pair.label


def number_of(pair: Pair) -> float:
    return pair.value.number or 0.0


def _kinds(placed: Placed) -> set[PeriodKind | None]:
    """What periods the labels are; None among them for one that is no period."""
    periods = (period_of(small(pair.label)) for pair in placed.chart)
    return {period.kind if period else None for period in periods}


def unit_of(hit: Hit, placed: Placed) -> str:
    """The unit of the numbers of a chart, as it is said in a line above it ("in months",
    "单位：月"); nothing where none is said."""
    first = min((pair.label.start for pair in placed.chart), default=0)
    lines = hit.chunk.text[:first].strip().splitlines()
    found = [match for line in lines[-4:] if (match := _UNIT.search(line.strip()))]
    return next((group for group in found[-1].groups() if group), "") if found else ""
