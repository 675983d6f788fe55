"""The probability that a passage answers a question, and whether anything does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kb.answer.extractive.asked import KNOWN_BY_FORM, WITH_UNIT, Asked
from kb.answer.extractive.passages import Passage, find_passages
from kb.answer.extractive.question import Question
from kb.answer.extractive.shortlist import shortlist
from kb.answer.extractive.steps import is_in_passing
from kb.answer.refusal.features import (
    Reader,
    is_across,
    is_held,
    is_of_another,
    is_of_contrary_to,
    is_record_of_another,
)
from kb.answer.refusal.model import RelevanceModel
from kb.answer.refusal.nearness import Nearness
from kb.protocols import Encoder
from kb.text.dates import iso_dates
from kb.text.sentences import UnitKind
from kb.text.terms import terms
from kb.types import Hit, Kind, Modality

__all__ = ["Judge", "Judged", "Scored", "candidates"]

_MIN_NAMES = 2
# Of one video's questions, those that it answers are about three for each that it does not.
_FILM_ODDS = 3.0
_STANDS_OUT = 0.75


class Scored(NamedTuple):
    """A passage with the probability that it answers."""

    passage: Passage
    probability: float


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found for a question.

    Attributes:
        scored: The passages that were looked at, the most probable first.
        found: All passages, best first by their words.
        is_answered: Whether the best one answers.
        is_by_code: It is the row or the record of a code that the question names, or the one date
            on the picture that has its names, and answers whatever the probability.
    """

    question: Question
    scored: tuple[Scored, ...]
    found: tuple[Passage, ...]
    is_answered: bool
    is_by_code: bool = False

    @property
    def probability(self) -> float:
        """That of the best passage; 0 where there is none."""
        return self.scored[0].probability if self.scored else 0.0


def candidates(question: Question, found: Sequence[Passage], hits: Sequence[Hit]) -> list[Passage]:
    """The passages of `found` that are worth judging."""
    return [
        one for one in shortlist(found, hits) if _may_answer(question, one, hits[one.hit_index])
    ]


def _may_answer(question: Question, passage: Passage, hit: Hit) -> bool:
    """Whether a passage can be an answer at all: it holds a number where one is asked for, is not
    about another number, code or colour than the question, and no mere name in another
    language."""
    if question.asked in KNOWN_BY_FORM and is_held(question, passage, hit) is False:
        return False
    if question.asks_how and is_in_passing(question, passage, hit):
        return False
    if is_of_another(question, hit) or is_record_of_another(question, passage, hit):
        return False
    if _says_the_name_alone(question, passage):
        return False
    if question.asked is not Asked.YES_NO and is_of_contrary_to(question, passage, hit):
        return False
    return passage.is_whole or not is_across(question, passage, hit)


def _says_the_name_alone(question: Question, passage: Passage) -> bool:
    """Whether all that a passage has of the question is the name with a number, such as a
    product's, of which something else is asked."""
    if question.asked in WITH_UNIT:
        return False
    named = {term.stem for code in question.codes if " " in code.text for term in terms(code.text)}
    others = set(question.stems) - named
    return bool(named and others) and not others & (passage.own | passage.context)


def _is_of_code(question: Question, passage: Passage, hit: Hit) -> bool:
    """Whether a passage is the row or the record of a code of the question, as a list of error
    codes has them, and holds what is asked for."""
    if passage.kind not in (UnitKind.ROW, UnitKind.RECORD) or question.asked is Asked.YES_NO:
        return False
    if is_held(question, passage, hit) is False:
        return False
    said = hit.chunk.text[passage.start : passage.end]
    return any(code.text[0].isalpha() and code.present.search(said) for code in question.codes)


def _is_its_date(
    question: Question, passage: Passage, chosen: Sequence[Passage], hits: Sequence[Hit]
) -> bool:
    """Whether a passage is the one date on a picture that has all names of the question, such as
    on the receipt of a shop."""
    hit = hits[passage.hit_index]
    if question.asked is not Asked.DATE or len(question.names) < _MIN_NAMES:
        return False
    if hit.chunk.modality is not Modality.IMAGE or question.names_absent(hit.all_text):
        return False
    dated = [
        one
        for one in chosen
        if one.hit_index == passage.hit_index
        and any(iso_dates(hit.chunk.text[one.start : one.end]))
    ]
    return dated == [passage]


class Judge:
    """Says which passages of hits answer a question, and whether any does.

    Args:
        encoder: Of the profile, for words.
        model: What it judges by.
    """

    def __init__(self, encoder: Encoder, model: RelevanceModel | None = None) -> None:
        self._nearness = Nearness(encoder)
        self._model = model or RelevanceModel.shipped()

    def judge(self, text: str, hits: Sequence[Hit]) -> Judged:
        """What `hits` say to the question `text`.

        Raises:
            InferenceError: The encoder failed.
        """
        question = Question.of(text)
        found = find_passages(question, hits)
        chosen = candidates(question, found.passages, hits)
        if not chosen:
            return Judged(question, (), (), is_answered=False)
        reader = Reader(question, hits, found.weights, self._nearness.to(question.text))
        across = [is_across(question, one, hits[one.hit_index]) for one in chosen]
        probabilities = self._model.probabilities(reader.read(chosen), across)
        scored = sorted(
            (Scored(one, float(p)) for one, p in zip(chosen, probabilities, strict=True)),
            key=lambda one: -one.probability,
        )
        is_answered = scored[0].probability >= self._model.threshold or (
            question.is_placed and self._is_in_films(scored, hits)
        )
        is_by_code = False
        if not is_answered:
            by_code = [
                _is_of_code(question, one, hits[one.hit_index])
                or _is_its_date(question, one, chosen, hits)
                for one, _ in scored
            ]
            is_by_code = any(by_code)
            if is_by_code:
                scored.insert(0, scored.pop(by_code.index(True)))
        return Judged(
            question, tuple(scored), tuple(found.passages), is_answered or is_by_code, is_by_code
        )

    def _is_in_films(self, scored: Sequence[Scored], hits: Sequence[Hit]) -> bool:
        """Whether films alone were searched, as the question wants it, and one passage of them
        stands out: who saw it said in a film is more often right than who asks of everything."""
        if any(hit.chunk.kind is not Kind.VIDEO for hit in hits):
            return False
        best, second = ([one.probability for one in scored] + [0.0])[:2]
        odds = _FILM_ODDS * best / max(1 - best, 1e-6)
        threshold = self._model.threshold
        return odds >= threshold / (1 - threshold) and best >= _STANDS_OUT * (best + second)
