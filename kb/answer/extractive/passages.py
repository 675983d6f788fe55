"""Which parts of the hits answer a question, best first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from kb.answer.extractive.asked import Asked
from kb.answer.extractive.question import Question
from kb.answer.layout import layout
from kb.stopping import check
from kb.text.idf import idf
from kb.text.sentences import Layout, Unit, UnitKind, units
from kb.text.terms import content_terms, find_terms, language, terms
from kb.types import Hit, Modality

__all__ = ["Found", "Passage", "find_passages"]

_IS_SENTENCE = re.compile(r"[.!?。！？:：;；…][\"'”’」』)\]）]*$")
_IS_VALUE = re.compile(r"\n[^\w\n]*\d[\d.,%]*[^\w\n]*$")
# "一、保修期限", "第三章 保养": the heading of what follows, though a text file does not mark it.
_IS_NUMBERED_HEADING = re.compile(
    r"^\s*(?:[一二三四五六七八九十]+、|第[一二三四五六七八九十百\d]+[章节条]|\d+(?:\.\d+)+ )"
    r"[^，。；：！？\n]{1,20}$"
)
_IS_QUESTION = re.compile(r"[?？][\"'”’」』)\]）\s]*$")

_LABEL = re.compile(r"^[^\n:：|]{1,30}[:：](?=[^\n]{1,60}$)")
# To whom the label itself may be the answer.
_ASKED_OF_WHAT_IT_IS = frozenset({Asked.ANYTHING, Asked.DEFINITION, Asked.YES_NO, Asked.STEPS})

# A term that stands only above a unit (heading, lead-in, the question of an FAQ) says what
# the unit is about, less surely than in the unit itself; more surely for all that stands
# under that heading together.
_CONTEXT_SHARE = 0.5
_ABOUT_SHARE = 0.8
_MIN_ABOUT = 0.4
_MIN_ABOUT_STEPS = 0.2
_STEPS_BONUS = 0.3
_MEDIUM_BONUS = 0.3
_SENTENCE_COST = 0.03
_FRAGMENT_COST = 0.05
_OTHER_LANGUAGE_SHARE = 0.85
_PRIOR_SHARE = 0.3
_MAX_STEPS = 12
_MAX_SENTENCES = 3
_MAX_SECTION_CHARS = 320
_SAME_SHARE = 0.8
_N_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Passage:
    """Units of one hit that are quoted together.

    Attributes:
        kind: Of its units; STEP for a list, also with the sentence that leads it in.
        score: Higher answers better; comparable within one question.
        coverage: Share of the question's weight that it and its context hold.
        own: Terms of the question that it holds itself.
        said: These, and those of the heading it is the text of.
        context: Terms of the question in what stands above it.
        words: All its terms.
        is_echo: It has no word of content that the question has not, but for the label of a value
            that the question gives itself ("Customer: Old Mill", asked who repaired it).
        is_whole: A whole sentence, or no sentence by its kind: what a name on a picture means
            can't be told from its likeness to the question.
        is_fragment: No sentence, though it stands among sentences.
        is_value: A name on a picture with the number below it.
        header: For a ROW, the header row of its table, or nothing.
    """

    hit_index: int
    kind: UnitKind
    units: tuple[Unit, ...]
    score: float
    coverage: float
    own: frozenset[str]
    said: frozenset[str]
    context: frozenset[str]
    words: frozenset[str]
    is_echo: bool = False
    is_whole: bool = True
    is_fragment: bool = False
    is_value: bool = False
    header: str = ""

    @property
    def start(self) -> int:
        return self.units[0].start

    @property
    def end(self) -> int:
        return self.units[-1].end

    def says_the_same(self, other: Passage) -> bool:
        """Whether most of the words of the shorter one are in the other."""
        if self.hit_index == other.hit_index and self.start < other.end and other.start < self.end:
            return True
        shorter = min(len(self.words), len(other.words))
        return shorter > 0 and len(self.words & other.words) >= _SAME_SHARE * shorter


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Units with the question's terms in them and in what stands above them.

    Attributes:
        about: Terms of the heading of which these units are all there is to say; none for a
            unit by itself.
        is_steps: A list that is read from its first step.
        is_fragment: No sentence, though it stands among sentences.
        is_value: A name on a picture with the number below it.
    """

    hit_index: int
    units: tuple[Unit, ...]
    kind: UnitKind
    own: Set[str]
    context: Set[str]
    about: Set[str] = frozenset()
    is_steps: bool = False
    is_fragment: bool = False
    is_value: bool = False
    header: str = ""


class Found(NamedTuple):
    """Passages, best first by their words, and how much each term of the question weighs: its
    inverse document frequency among all that could be quoted."""

    passages: list[Passage]
    weights: Mapping[str, float]


def find_passages(question: Question, hits: Sequence[Hit]) -> Found:
    """Every passage of `hits` that shares a term with `question`, and those of the nearest few
    hits, best first by their words."""
    candidates: list[_Candidate] = []
    for index, hit in enumerate(hits):
        check()
        candidates += _Reader(question, index, hit).candidates()
    weights = idf(question.stems, [one.own for one in candidates if not one.about])
    total = sum(weights.values()) or 1.0
    priors = _priors(hits)
    near = _nearest(hits)
    found = []
    for one in candidates:
        if not (one.own or one.context or one.about) and one.hit_index not in near:
            continue
        hit = hits[one.hit_index]
        said = hit.chunk.text[one.units[0].start : one.units[-1].end]
        about = sum(weights[stem] for stem in one.about) / total
        if one.about and about < (_MIN_ABOUT_STEPS if one.is_steps else _MIN_ABOUT):
            continue
        own = sum(weights[stem] for stem in one.own) / total
        headed = sum(weights[stem] for stem in one.about - one.own) / total
        above = sum(weights[stem] for stem in one.context - one.about - one.own) / total
        coverage = own + _ABOUT_SHARE * headed + _CONTEXT_SHARE * above
        words = frozenset(term.stem for term in terms(said))
        score = coverage + _PRIOR_SHARE * priors[one.hit_index]
        if one.is_steps and one.about:
            score += _STEPS_BONUS
        elif one.about:
            score -= _SENTENCE_COST * (len(one.units) - 1)
        if one.is_fragment:
            score -= _FRAGMENT_COST
        is_amount = one.is_value and question.asks_amount
        if is_amount or (question.shape is not None and question.shape.search(said)):
            score += question.shape_bonus
        if question.medium is hit.chunk.modality:
            score += _MEDIUM_BONUS
        if language(said) is not question.language:
            score *= _OTHER_LANGUAGE_SHARE
        found.append(
            Passage(
                hit_index=one.hit_index,
                kind=one.kind,
                units=one.units,
                score=score,
                coverage=coverage,
                own=frozenset(one.own),
                said=frozenset(one.own | one.about),
                context=frozenset(one.context | one.about),
                words=words,
                is_whole=one.kind is not UnitKind.SENTENCE or bool(_IS_SENTENCE.search(said)),
                is_echo=_is_echo(question, said),
                is_fragment=one.is_fragment,
                is_value=one.is_value,
                header=one.header,
            )
        )
    found.sort(key=lambda passage: (-passage.score, passage.hit_index, passage.start))
    return Found(found, weights)


def _is_echo(question: Question, said: str) -> bool:
    label = _LABEL.match(said)
    if label is not None and question.asked not in _ASKED_OF_WHAT_IT_IS:
        said = said[label.end() :]
    return not {term.stem for term in content_terms(said)} - set(question.stems)


def _nearest(hits: Sequence[Hit]) -> frozenset[int]:
    """The hits in which an answer may stand in other words than the question's."""
    ranked = sorted(
        (index for index, hit in enumerate(hits) if hit.dense is not None),
        key=lambda index: -(hits[index].dense or 0.0),
    )
    return frozenset(ranked[:_N_NEAREST])


def _priors(hits: Sequence[Hit]) -> list[float]:
    """What the scores of the hits say, 1 for the best."""
    scores = [hit.fused if hit.rerank is None else hit.rerank for hit in hits]
    best = max(scores, default=0.0)
    return [max(0.0, score / best) if best > 0 else 1.0 for score in scores]


class _Reader:
    """Reads one hit from top to bottom."""

    def __init__(self, question: Question, index: int, hit: Hit) -> None:
        self._question = question
        self._index = index
        self._hit = hit
        self._text = hit.chunk.text
        self._layout = layout(hit.chunk)
        self._part = units(self._text, self._layout)

    def candidates(self) -> Iterator[_Candidate]:
        """Single units; lists with what leads them in; and where the question asks how, or a
        heading is what is asked, what stands under it."""
        chunk = self._hit.chunk
        names = {name.strip() for name in (chunk.title, *chunk.headings)}
        outer = self._terms(" \n ".join((chunk.title, *chunk.headings)))
        if chunk.modality is Modality.IMAGE:
            # What is written on one picture belongs together.
            outer |= self._terms(self._text)
        section = self._terms(chunk.headings[-1]) if chunk.headings else frozenset()
        heading, lead = section, frozenset[str]()
        begins = True
        for position, unit in enumerate(self._part):
            said = self._said(unit)
            is_heading = unit.kind is UnitKind.HEADING or _IS_NUMBERED_HEADING.match(said)
            if is_heading or _IS_QUESTION.search(said) or said in names:
                heading, lead, begins = self._terms(said), frozenset(), True
                continue
            own = self._terms(said)
            context = outer | heading | lead
            is_head = unit.kind is UnitKind.ROW and self._header(position) == said
            if not is_head:
                yield from self._from(position, own, context)
            if begins and unit.kind is UnitKind.SENTENCE and heading:
                yield from self._under(position, heading, context)
            if unit.kind is UnitKind.STEP and self._question.asks_how and self._opens(position):
                yield from self._steps(position, lead | heading or section, context)
            begins = False
            if unit.kind is UnitKind.SENTENCE or is_head:
                lead = own

    def _from(self, position: int, own: Set[str], context: Set[str]) -> Iterator[_Candidate]:
        """The unit, with the list it leads in by a colon."""
        unit = self._part[position]
        if unit.kind is UnitKind.STEP and self._question.asks_how:
            chosen = self._list(position)
            if self._opens(position):
                own = self._terms(self._said(*chosen))
                yield _Candidate(self._index, chosen, UnitKind.STEP, own, context)
            return
        steps = self._list(position + 1)
        if steps and unit.kind is UnitKind.SENTENCE and self._said(unit).endswith((":", "：")):
            if self._question.asks_how:
                own |= self._terms(self._said(*steps))
                yield _Candidate(self._index, steps, UnitKind.STEP, own, context)
            else:
                yield _Candidate(self._index, (unit, *steps), UnitKind.STEP, own, context)
            return
        said = self._said(unit)
        is_prose = self._layout is Layout.PROSE and unit.kind is UnitKind.SENTENCE
        yield _Candidate(
            self._index,
            (unit,),
            unit.kind,
            own,
            context,
            is_fragment=is_prose and not _IS_SENTENCE.search(said),
            is_value=self._layout is Layout.LINES and bool(_IS_VALUE.search(said)),
            header=self._header(position) if unit.kind is UnitKind.ROW else "",
        )

    def _under(self, position: int, heading: Set[str], context: Set[str]) -> Iterator[_Candidate]:
        """The first sentences under a heading, to the end of their paragraph."""
        if self._layout is not Layout.PROSE:
            return
        chosen: list[Unit] = []
        for unit in self._part[position : position + _MAX_SENTENCES]:
            n_chars = unit.end - self._part[position].start
            if unit.kind is not UnitKind.SENTENCE or _IS_QUESTION.search(self._said(unit)):
                break
            if chosen and (
                n_chars > _MAX_SECTION_CHARS or "\n\n" in self._text[chosen[-1].end : unit.start]
            ):
                break
            chosen.append(unit)
        own = self._terms(self._said(*chosen))
        yield _Candidate(self._index, tuple(chosen), UnitKind.SENTENCE, own, context, heading)

    def _steps(self, position: int, about: Set[str], context: Set[str]) -> Iterator[_Candidate]:
        chosen = self._list(position)
        if about and chosen[0].number is not None:
            own = self._terms(self._said(*chosen))
            yield _Candidate(self._index, chosen, UnitKind.STEP, own, context, about, is_steps=True)

    def _opens(self, position: int) -> bool:
        """Whether a list, or a part of one that is too long, begins at the step at `position`."""
        first = position
        while first > 0 and self._part[first - 1].kind is UnitKind.STEP:
            first -= 1
        return (position - first) % _MAX_STEPS == 0

    def _list(self, position: int) -> tuple[Unit, ...]:
        """Steps from `position` on."""
        last = position
        while (
            last < len(self._part)
            and self._part[last].kind is UnitKind.STEP
            and last - position < _MAX_STEPS
        ):
            last += 1
        return tuple(self._part[position:last])

    def _header(self, position: int) -> str:
        """The first row of the table that the row at `position` belongs to."""
        while position > 0 and self._part[position - 1].kind is UnitKind.ROW:
            position -= 1
        return self._said(self._part[position])

    def _said(self, *chosen: Unit) -> str:
        return self._text[chosen[0].start : chosen[-1].end]

    def _terms(self, text: str) -> frozenset[str]:
        asked, same = self._question.stems, self._question.same
        found = find_terms(text, (*asked, *same))
        return frozenset(same.get(term.stem, term.stem) for term in found)
