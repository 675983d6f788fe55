"""What a label on a picture, a form or a chart says to a question: the value that stands by it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kb.answer.extractive.asked import WITH_UNIT, Asked, holds
from kb.answer.extractive.placed import Cell, Pair, Placed, read
from kb.answer.extractive.question import Question
from kb.answer.tables.lexicon import CONCEPTS
from kb.text.terms import content_terms, find_terms, fold_width
from kb.types import Hit, Modality

__all__ = ["Labelled", "is_of_chart", "labelled"]

# The best few hits: what a label says to a question can't be told without its subject.
_N_HITS = 3
_MIN_SAID = 0.6
_MIN_SAID_CHINESE = 2
_MIN_COMPARED = 3
_HAN = re.compile(r"[\u4e00-\u9fff]")
# Irregular verbs that stand on forms and charts in one tense and in questions in another.
_VERBS = {
    past: verb
    for verb, past in (
        pair.split("/")
        for pair in (
            "buy/bought do/done find/found give/given hold/held keep/kept leave/left make/made"
            " pay/paid see/seen sell/sold send/sent take/taken write/written"
        ).split()
    )
}
_ORDINALS = (
    ("first", "1st", "一"),
    ("second", "2nd", "二"),
    ("third", "3rd", "三"),
    ("fourth|last", "4th", "四"),
)
_QUARTERS = {
    f"q{number}": rf"\bq{number}\b|\b(?:{word}|{short}) quarter\b|第?[{han}{number}]季度"
    for number, (word, short, han) in enumerate(_ORDINALS, 1)
}
_MONTHS = {
    name[:3]: rf"\b{name[:3]}(?:{name[3:]})?\b|(?<!\d){number} ?月|(?<!十){han}月"
    for number, (name, han) in enumerate(
        zip(
            "january february march april may june july august september october november"
            " december".split(),
            "一 二 三 四 五 六 七 八 九 十 十一 十二".split(),
            strict=True,
        ),
        1,
    )
}
_CALENDARS = (
    (re.compile(r"\bquarters?\b|季度"), frozenset(_QUARTERS)),
    (re.compile(r"\b(?:which|what) month\b|哪个?月|哪一个?月|几月"), frozenset(_MONTHS)),
)
_WHEN = re.compile(r"^\W*when\b|\bhow (?:many|much)\b|什么时候|何时|多少")
# A label that is only what the question is about: "done to the device".
_ABOUT = r"\b(?:of|to|on|for|in|with|by|at|from|about) (?:(?:the|a|an|this|that|my|its) )?"
_HIGH = r"best|most|highest|largest|biggest|greatest|maximum|peak|strongest"
_LOW = r"worst|least|lowest|smallest|fewest|minimum|weakest|poorest"
_SUPERLATIVE = re.compile(
    rf"\b(?P<high>{_HIGH})\b|\b(?P<low>{_LOW})\b|\b(?P<word>[a-z]{{3,}})est\b|最(?P<han>[^\s，。？?]{{1,2}})"
)
_HAN_HIGH, _HAN_LOW = "多高大好强畅", "少低小差弱"
_ALL = re.compile(
    r"\b(?:total|whole|together|altogether|overall|sum|in all|average|mean|all (?:four|of))\b"
    r"|一共|总共|合计|总计|总和|全年|平均"
)
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
    for index, hit in enumerate(hits[:_N_HITS]):
        placed = read(hit.chunk)
        if not (placed.form or placed.chart) or not asked.is_about(hit):
            continue
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


def _stems(text: str) -> frozenset[str]:
    return frozenset(_VERBS.get(term.stem, term.stem) for term in content_terms(text))


class _Asked:
    """The question with what tells which label it means."""

    def __init__(self, text: str, question: Question) -> None:
        self._question = question
        self._text = fold_width(text).lower()
        self._stems = _stems(text)
        self._superlative = _SUPERLATIVE.search(self._text)
        self._is_all = bool(_ALL.search(self._text))

    def is_about(self, hit: Hit) -> bool:
        """Whether most of what the question says stands on the page, its names and codes
        among it."""
        all_text = "\n".join((hit.source, hit.chunk.title, *hit.chunk.headings, hit.chunk.text))
        if self._question.names_absent(all_text):
            return False
        if any(not code.present.search(all_text) for code in self._question.codes):
            return False
        on_page = {_VERBS.get(term.stem, term.stem) for term in content_terms(all_text)}
        on_page |= {term.stem for term in find_terms(all_text, self._question.stems)}
        if _HAN.search(self._text):
            n_calendar = bool(self._calendar_words(all_text))
            return len(self._stems & on_page) + n_calendar >= _MIN_SAID_CHINESE
        left_out = _stems(self._superlative.group()) if self._superlative else frozenset()
        wanted = self._stems - left_out - self._question.asking
        named = {stem for stem in wanted if stem in on_page}
        named |= self._calendar_words(all_text) & wanted
        return bool(wanted) and len(named) >= _MIN_SAID * len(wanted)

    def _calendar_words(self, text: str) -> frozenset[str]:
        """Stems of the question that name a quarter or a month of `text` in other words."""
        lower = text.lower()
        found: set[str] = set()
        for label, words in (_QUARTERS | _MONTHS).items():
            match = re.search(words, self._text)
            if match and re.search(rf"\b{label}", lower):
                found |= _stems(match.group())
        return frozenset(found)

    def names(self, label: Cell) -> bool:
        """Whether the question says all words of `label`."""
        name = fold_width(label.text).strip().lower()
        if calendar := (_QUARTERS | _MONTHS).get(name[:3] if name[:3] in _MONTHS else name):
            return re.search(calendar, self._text) is not None
        if _HAN.search(name):
            return name.strip(":： ") in self._text
        stems = _stems(name)
        if not stems:
            return re.search(rf"\b{re.escape(name)}\b", self._text) is not None
        return stems <= self._stems

    def _is_held(self, said: str) -> bool:
        asked = self._question.asked
        return asked is Asked.YES_NO or holds(asked, said) is not False

    def _is_aside(self, label: Cell) -> bool:
        name = re.escape(fold_width(label.text).strip(" :：").lower())
        is_aside = rf"{_ABOUT}{name}\b" if not _HAN.search(label.text) else rf"{name}的"
        return re.search(is_aside, self._text) is not None

    def in_chart(self, placed: Placed, hit: Hit) -> Pair | None:
        """The number of a chart that is asked for."""
        if self._is_all or not self._is_of_calendar(placed):
            return None
        pairs = list(placed.chart)
        for of in (_series_of, _label_of):
            named = self._closest(cell for pair in pairs if (cell := of(pair)) and self.names(cell))
            if named:
                pairs = [pair for pair in pairs if of(pair) in named]
        is_named = len(pairs) < len(placed.chart)
        if len(pairs) == 1 and is_named:
            return pairs[0] if self._is_fit(pairs[0], hit, placed) else None
        if self._superlative is None or len(pairs) < _MIN_COMPARED:
            return None
        if len({pair.label for pair in pairs}) > 1 and len({pair.series for pair in pairs}) > 1:
            return None
        return self._extreme(pairs, hit, placed)

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

    def _is_of_calendar(self, placed: Placed) -> bool:
        """Whether the labels are quarters or months if, and only if, those are asked for."""
        if self._superlative is None:
            return True
        labels = {fold_width(pair.label.text).strip().lower()[:3] for pair in placed.chart}
        wanted = [names for words, names in _CALENDARS if words.search(self._text)]
        if wanted:
            return labels <= wanted[0]
        is_calendar = any(labels <= names for _, names in _CALENDARS)
        is_single = len({pair.label for pair in placed.chart if self.names(pair.label)}) == 1
        return not is_calendar or is_single or _WHEN.search(self._text) is not None

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

    def _extreme(self, pairs: Sequence[Pair], hit: Hit, placed: Placed) -> Pair | None:
        is_high = self._is_high(" ".join((hit.chunk.text, _unit(hit, placed))))
        if is_high is None:
            return None
        values = [pair.value.number or 0.0 for pair in pairs]
        extreme = max(values) if is_high else min(values)
        found = [pair for pair, value in zip(pairs, values, strict=True) if value == extreme]
        return found[0] if len(found) == 1 else None

    def _is_high(self, written: str) -> bool | None:
        """Whether the largest is meant; None where the superlative is not one of what the chart
        measures, by its words and unit."""
        found = self._superlative
        if found is None:
            return None
        if found["high"] or found["low"]:
            return bool(found["high"])
        if (han := found["han"]) and han[0] in _HAN_HIGH + _HAN_LOW:
            return han[0] in _HAN_HIGH
        stems = frozenset(term.stem for term in content_terms(written))
        for concept in CONCEPTS.values():
            is_measured = (
                concept.english & stems
                or any(word in written for word in concept.chinese)
                or stems & {stem for unit in concept.units for stem in _stems(unit)}
            )
            if not is_measured:
                continue
            for words, is_high in (
                (_forms(concept.high, concept.high_chinese), True),
                (_forms(concept.low, concept.low_chinese), False),
            ):
                if any(found.group().startswith(word) for word in words):
                    return is_high
        return None


def _forms(english: Iterable[str], chinese: Iterable[str]) -> list[str]:
    """Superlatives: ``heaviest`` of ``heavy``, ``最重`` of ``重``."""
    regular = [re.sub(r"y$", "i", word).removesuffix("e") + "est" for word in english]
    doubled = [word + word[-1] + "est" for word in english]
    return [*regular, *doubled, *(f"最{word}" for word in chinese)]


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
