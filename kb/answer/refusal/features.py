"""What tells whether a passage answers a question, as numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kb.answer.extractive.asked import WITH_UNIT, Asked, holds, names_money
from kb.answer.extractive.passages import Passage
from kb.answer.extractive.prices import is_price_of_many
from kb.answer.extractive.question import Question
from kb.answer.extractive.units_asked import unit_of_kind
from kb.answer.refusal.nearness import QuestionNearness
from kb.protocols import Float32Array
from kb.text.contrasts import is_of_contrary
from kb.text.sentences import UnitKind
from kb.text.terms import find_terms, language
from kb.types import Chunk, Hit, Modality

__all__ = [
    "ACROSS",
    "FEATURES",
    "Reader",
    "is_across",
    "is_held",
    "is_of_another",
    "is_of_contrary_to",
    "is_record_of_another",
]

# What is known of a passage in another language than the question: nothing of its words.
ACROSS = (
    "near",
    "near_first",
    "near_gap",
    "near_margin",
    "rank",
    "codes_absent",
)
FEATURES = (
    *ACROSS,
    "holds",
    "lacks",
    "is_prose",
    "is_row",
    "is_steps",
    "length",
    "is_fragment",
    "words_gap",
    "coverage",
    "own",
    "absent",
    "absent_rarest",
    "unsaid_rarest",
    "names_absent",
    "echo",
    "pairs",
    "n_terms",
    "is_first",
)
_MAX_NEAR = 12.0


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known of a hit as a whole: terms of the question in its text, title and headings,
    and how much nearer it is than most."""

    held: frozenset[str]
    codes_absent: int
    names_absent: float
    margin: float


class Reader:
    """Reads passages of the hits of one question.

    Args:
        question: Taken apart.
        hits: That the passages are of.
        weights: Of the question's terms.
        near: How near texts are to the question.
    """

    def __init__(
        self,
        question: Question,
        hits: Sequence[Hit],
        weights: Mapping[str, float],
        near: QuestionNearness,
    ) -> None:
        self._question = question
        self._hits = hits
        self._weights = weights
        self._total = sum(weights.values()) or 1.0
        self._near = near
        scaled = [near.scaled(hit.dense, hit.chunk.text) for hit in hits if hit.dense is not None]
        self._lowest = min(scaled, default=0.0)
        self._median = float(np.median(scaled)) if scaled else 0.0
        self._places: dict[int, _Place] = {}
        self._best_words = 0.0

    def read(self, passages: Sequence[Passage]) -> Float32Array:
        """float32 ``(len(passages), len(FEATURES))``, by the columns of `FEATURES`.

        Raises:
            InferenceError: The encoder failed.
        """
        self._best_words = max((one.score for one in passages), default=0.0)
        nearness = self._near.of([self._chunk(passage) for passage in passages])
        nearest = sorted(nearness, reverse=True)
        rows = [
            self._row(rank, passage, near, nearest)
            for rank, (passage, near) in enumerate(zip(passages, nearness, strict=True))
        ]
        return np.array(rows, np.float32).reshape(len(passages), len(FEATURES))

    def _chunk(self, passage: Passage) -> Chunk:
        """The passage as a chunk of its own, under the title and the headings of its hit."""
        chunk = self._hits[passage.hit_index].chunk
        text = chunk.text[passage.start : passage.end]
        return replace(chunk, text=f"{passage.header}\n{text}" if passage.header else text)

    def _row(
        self, rank: int, passage: Passage, near: float, nearest: Sequence[float]
    ) -> list[float]:
        hit = self._hits[passage.hit_index]
        place = self._place(passage.hit_index)
        question, weights = self._question, self._weights
        held = is_held(question, passage, hit)
        unit = question.asking if held and question.asked in WITH_UNIT else frozenset[str]()
        own = passage.own | unit
        absent = [weights[stem] for stem in question.stems if stem not in place.held | unit]
        unsaid = [
            weights[stem]
            for stem in question.stems
            if stem not in own and stem not in passage.context
        ]
        rarest = max(weights.values(), default=1.0) or 1.0
        values = {
            "near": min(near, _MAX_NEAR),
            "near_first": 1.0 / (1 + nearest.index(near)),
            "near_gap": near - nearest[0],
            "near_margin": min(place.margin, _MAX_NEAR),
            "rank": math.log1p(passage.hit_index),
            "holds": float(held is True),
            "lacks": float(held is False),
            "codes_absent": place.codes_absent,
            "is_prose": float(passage.kind is UnitKind.SENTENCE),
            "is_row": float(passage.kind in (UnitKind.ROW, UnitKind.RECORD)),
            "is_steps": float(passage.kind is UnitKind.STEP),
            "words_gap": passage.score - self._best_words,
            "coverage": passage.coverage,
            "own": sum(weights[stem] for stem in question.stems if stem in own) / self._total,
            "absent": sum(absent) / self._total,
            "absent_rarest": max(absent, default=0.0) / rarest,
            "unsaid_rarest": max(unsaid, default=0.0) / rarest,
            "names_absent": place.names_absent,
            "echo": len(passage.words & set(question.stems)) / max(1, len(passage.words)),
            "pairs": self._pairs(passage),
            "n_terms": math.log1p(len(question.stems)),
            "length": math.log1p(passage.end - passage.start),
            "is_fragment": float(passage.is_fragment),
            "is_first": 1.0 / (1 + rank),
        }
        return [values[name] for name in FEATURES]

    def _place(self, index: int) -> _Place:
        if index not in self._places:
            hit, question = self._hits[index], self._question
            text = hit.all_text
            asked = (*question.stems, *question.same)
            held = frozenset(
                question.same.get(term.stem, term.stem) for term in find_terms(text, asked)
            )
            near = self._lowest
            if hit.dense is not None:
                near = self._near.scaled(hit.dense, hit.chunk.text)
            self._places[index] = _Place(
                held=held,
                codes_absent=sum(not code.present.search(text) for code in question.codes),
                names_absent=question.names_absent(text),
                margin=near - self._median,
            )
        return self._places[index]

    def _pairs(self, passage: Passage) -> float:
        """Share of the question's neighbouring terms that stand near each other in it."""
        pairs = self._question.pairs
        if not pairs:
            return 0.0
        chunk = self._hits[passage.hit_index].chunk
        text = chunk.text[passage.start : passage.end]
        found = find_terms(text, self._question.stems)
        met = {
            (one.stem, other.stem)
            for i, one in enumerate(found)
            for other in found[i + 1 : i + 4]
            if other.start - one.end <= 16
        }
        return sum(pair in met for pair in pairs) / len(pairs)


def is_of_another(question: Question, hit: Hit) -> bool:
    """Whether a hit lacks a number or code of the question and has another of the same shape."""
    text = hit.all_text
    return any(
        code.other is not None
        and code.present.search(text) is None
        and code.other.search(text) is not None
        for code in question.codes
    )


def is_record_of_another(question: Question, passage: Passage, hit: Hit) -> bool:
    """Whether a passage is a record without a name that the question gives and another record of
    the same file has: what is said of one product answers nothing about the next."""
    if passage.kind is not UnitKind.RECORD:
        return False
    chunk = hit.chunk
    said = "\n".join((chunk.title, *chunk.headings, chunk.text[passage.start : passage.end]))
    return any(
        code.before and not code.present.search(said) and code.present.search(chunk.text)
        for code in question.codes
    )


def is_held(question: Question, passage: Passage, hit: Hit) -> bool | None:
    """Whether a passage holds what is asked for, by its kind; None where nothing tells. A number
    that the question gives is not the one that it asks for."""
    said = hit.chunk.text[passage.start : passage.end]
    if question.unit is not None:
        on_picture = hit.chunk.text if hit.chunk.modality is Modality.IMAGE else ""
        beside = "\n".join((passage.header, *hit.chunk.headings, on_picture))
        return question.unit.is_held(question.without_codes(said), beside)
    if passage.is_value and question.asks_amount:
        return True
    is_prose = (
        hit.chunk.modality is Modality.TEXT
        and passage.kind in (UnitKind.SENTENCE, UnitKind.STEP)
        and passage.is_whole
        and not passage.is_fragment
    )
    is_row = passage.kind in (UnitKind.ROW, UnitKind.RECORD)
    if question.asked is Asked.MONEY and is_row:
        # The 230 of "Voltage | 230" is no price.
        above = "\n".join((hit.chunk.title, *hit.chunk.headings))
        row = f"{passage.header}\n{said}"
        if not names_money(f"{row}\n{above}") or is_price_of_many(question.text, row):
            return False
    said = question.without_codes(f"{passage.header}\n{said}")
    held = holds(question.asked, said, is_prose=is_prose)
    unit = unit_of_kind(question.asked)
    if held is False and unit is not None and is_row:
        # "Duration min" and "Weight (kg)" stand above or before the number.
        return unit.is_held(said, said)
    return held


def is_of_contrary_to(question: Question, passage: Passage, hit: Hit) -> bool:
    """Whether a passage speaks of the contrary of what `question` names, such as of another
    colour; whatever answers yes or no may."""
    chunk = hit.chunk
    said = (
        chunk.text if chunk.modality is Modality.IMAGE else chunk.text[passage.start : passage.end]
    )
    return is_of_contrary(
        question.text, "\n".join((chunk.title, *chunk.headings, passage.header, said))
    )


def is_across(question: Question, passage: Passage, hit: Hit) -> bool:
    """Whether a passage is in another language than the question."""
    text = hit.chunk.text[passage.start : passage.end]
    return language(text) is not question.language
