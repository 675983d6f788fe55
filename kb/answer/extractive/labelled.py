"""What a label on a picture, a form or a chart says to a question: the value that stands by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kb.answer.extractive.asked import WITH_UNIT
from kb.answer.extractive.label_question import (
    MIN_COMPARED,
    SUM,
    LabelQuestion,
    number_of,
    small,
    unit_of,
)
from kb.answer.extractive.placed import Pair, read
from kb.answer.extractive.question import Question
from kb.text.terms import Language, language
from kb.types import Hit, Modality

__all__ = ["Labelled", "is_of_chart", "labelled"]

# The best few hits: what a label says to a question can't be told without its subject.
_N_HITS = 3
_GAP = {Language.ENGLISH: "difference {value}", Language.CHINESE: "相差 {value}"}


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
    """The value by the label that the question `text` names, the largest or smallest of a chart,
    or the two that it compares; None where no label, or more than one, is meant."""
    asked = LabelQuestion(text, question)
    if asked.is_stated(hits):
        return None
    for index, hit in enumerate(hits[:_N_HITS]):
        placed = read(hit.chunk)
        if not (placed.form or placed.chart) or not asked.is_about(hit, placed):
            continue
        has_total = any(SUM.search(small(pair.label)) for pair in placed.form)
        if not has_total and len(pairs := asked.sum_of(placed)) >= MIN_COMPARED:
            return _summed(index, pairs, unit_of(hit, placed))
        if asked.compares(placed):
            two = asked.compared(placed, hit)
            return _both(index, two, unit_of(hit, placed), text) if two else None
        pair, unit = asked.in_chart(placed, hit), unit_of(hit, placed)
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


def _shown(index: int, pair: Pair, unit: str, hit: Hit) -> Labelled:
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
    return Labelled(index, _said(pair, unit), ranges)


def _said(pair: Pair, unit: str) -> str:
    said = [cell.text.strip(" :：") for cell in (pair.series, pair.label) if cell is not None]
    value = pair.value.text.strip()
    if unit and value[-1:].isdigit():
        value = f"{value} {unit}"
    return f"{', '.join(said)} — {value}"


def _both(index: int, pairs: Sequence[Pair], unit: str, question: str) -> Labelled:
    """Two values, and how far they lie apart; Decimal, as for a sum."""
    first, second = (Decimal(str(number_of(pair))).normalize() for pair in pairs)
    gap = _GAP[language(question)].format(value=f"{abs(first - second):,f}")
    said = "; ".join(_said(pair, unit) for pair in pairs)
    ranges = tuple((cell.start, cell.end) for pair in pairs for cell in (pair.value, pair.label))
    return Labelled(index, f"{said} ({gap})", ranges)


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
