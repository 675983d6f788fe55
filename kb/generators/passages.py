"""Which parts of the hits answer a question, and whether they do."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from kb.sentences import Unit, UnitKind, units
from kb.text import Language, content_terms, find_terms, fold_width, language, terms
from kb.types import Hit

__all__ = ["Passage", "Question", "is_evidence", "passages"]

_ASKS_HOW = re.compile(
    r"\bhow (?:do|does|can|could|should|would|to)\b|\bsteps?\b|\bprocedure\b|\binstructions?\b"
    r"|如何|怎么|怎样|怎麼|步骤|方法|流程",
    re.IGNORECASE,
)
_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|often|old|far|big|large|tall|high|heavy|fast)\b|\bwhen\b"
    r"|\bwh(?:at|ich) (?:year|date|time|price|number|size|percentage|version|temperature)\b"
    r"|多少|几[^乎]|何时|什么时候|哪一?年|哪一?天|多[长大高重久远]|日期|时间|价格|比例",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d|[一二三四五六七八九十百千万两]")
_IS_QUESTION = re.compile(r"[?？][\"'”’」』)\]）\s]*$")

# A term that stands only above a unit (heading, lead-in, the question of an FAQ) says what
# the unit is about, less surely than in the unit itself.
_CONTEXT_SHARE = 0.5
_NUMBER_BONUS = 0.15
_OTHER_LANGUAGE_SHARE = 0.85
_PRIOR_SHARE = 0.3
_MAX_STEPS = 12
_SAME_SHARE = 0.8


# Whether the sources answer at all, by the coverage of the question's weight in the best
# passage and, where there is one, the best cosine (its scale is that of all-MiniLM-L6-v2).
# Share answered: of English questions asked of their own corpus 1.00, 1.00 and 0.93 (cookbook
# docs, Cranfield, cookbook code), of a foreign one 0.005; of Chinese ones (cmrc2018) 0.97, and
# 0.22 with their document taken away. English ones whose document is taken away from among
# others on its subject are mostly answered from those (0.98, 1.00, 0.75).
_MIN_COVERAGE = 0.30
_COSINE_SHARE = 2.0
_MIN_EVIDENCE = 1.15


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, taken apart once.

    Attributes:
        stems: Different content terms, in order.
    """

    stems: tuple[str, ...]
    language: Language
    asks_how: bool
    asks_number: bool

    @classmethod
    def of(cls, text: str) -> Question:
        """`text` taken apart."""
        folded = fold_width(text)
        return cls(
            stems=tuple(dict.fromkeys(term.stem for term in content_terms(text))),
            language=language(text),
            asks_how=bool(_ASKS_HOW.search(folded)),
            asks_number=bool(_ASKS_NUMBER.search(folded)),
        )


@dataclass(frozen=True, slots=True)
class Passage:
    """Units of one hit that are quoted together.

    Attributes:
        score: Higher answers better; comparable within one question.
        coverage: Share of the question's weight that it and its context hold.
        header: For a ROW, the header row of its table, or nothing.
    """

    hit_index: int
    kind: UnitKind
    units: tuple[Unit, ...]
    score: float
    coverage: float
    words: frozenset[str]
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


def is_evidence(question: Question, found: Sequence[Passage], hits: Sequence[Hit]) -> bool:
    """Whether the best of `found`, the passages of `hits`, can be an answer at all.

    The cosine counts for English alone, the one language its scale was found for.
    """
    coverage = max((passage.coverage for passage in found), default=0.0)
    cosines = [hit.dense for hit in hits if hit.dense is not None]
    if not cosines or not coverage or question.language is not Language.ENGLISH:
        return coverage >= _MIN_COVERAGE
    return coverage + _COSINE_SHARE * max(cosines) >= _MIN_EVIDENCE


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A unit with the question's terms in it and in what stands above it."""

    hit_index: int
    position: int
    own: frozenset[str]
    context: frozenset[str]


def passages(question: Question, hits: Sequence[Hit]) -> list[Passage]:
    """Every passage of `hits` that shares a term with `question`, best first."""
    parts = [units(hit.chunk.text) for hit in hits]
    candidates = [
        candidate
        for index, (hit, part) in enumerate(zip(hits, parts, strict=True))
        for candidate in _candidates(question, index, hit, part)
    ]
    weights = _weights(question.stems, candidates)
    total = sum(weights.values()) or 1.0
    priors = _priors(hits)
    found = []
    for one in candidates:
        if not one.own and not one.context:
            continue
        hit, part = hits[one.hit_index], parts[one.hit_index]
        text = hit.chunk.text
        chosen = _extend(question, text, part, one.position)
        said = text[chosen[0].start : chosen[-1].end]
        own = sum(weights[stem] for stem in one.own)
        above = sum(weights[stem] for stem in one.context - one.own)
        coverage = (own + _CONTEXT_SHARE * above) / total
        score = coverage + _PRIOR_SHARE * priors[one.hit_index]
        if question.asks_number and _NUMBER.search(said):
            score += _NUMBER_BONUS
        if language(said) is not question.language:
            score *= _OTHER_LANGUAGE_SHARE
        words = frozenset(term.stem for term in terms(said))
        if not words - set(question.stems):
            score = 0.0
        kind = part[one.position].kind if len(chosen) == 1 else UnitKind.STEP
        header = _header(text, part, one.position) if kind is UnitKind.ROW else ""
        found.append(Passage(one.hit_index, kind, tuple(chosen), score, coverage, words, header))
    found.sort(key=lambda passage: (-passage.score, passage.hit_index, passage.start))
    return found


def _candidates(question: Question, index: int, hit: Hit, part: Sequence[Unit]) -> list[_Candidate]:
    text = hit.chunk.text
    above = " \n ".join((hit.chunk.title, *hit.chunk.headings))
    heading = frozenset(term.stem for term in find_terms(above, question.stems))
    lead: frozenset[str] = frozenset()
    found = []
    for position, unit in enumerate(part):
        said = text[unit.start : unit.end]
        own = frozenset(term.stem for term in find_terms(said, question.stems))
        if unit.kind is UnitKind.HEADING or _IS_QUESTION.search(said):
            heading, lead = (
                own | (heading if unit.kind is not UnitKind.HEADING else frozenset()),
                frozenset(),
            )
            continue
        table_head = unit.kind is UnitKind.ROW and _header(text, part, position) == said
        if not table_head:
            found.append(_Candidate(index, position, own, heading | lead))
        if unit.kind is UnitKind.SENTENCE or table_head:
            lead = own
    return found


def _weights(stems: Sequence[str], candidates: Sequence[_Candidate]) -> dict[str, float]:
    """Inverse document frequency of the question's terms among the units."""
    n = len(candidates)
    counts = {stem: sum(stem in one.own for one in candidates) for stem in stems}
    return {stem: math.log(1 + (n - df + 0.5) / (df + 0.5)) for stem, df in counts.items()}


def _priors(hits: Sequence[Hit]) -> list[float]:
    """What the order of the hits says, from 1 for the first down to 0 for the last."""
    return [1 - rank / max(1, len(hits)) for rank in range(len(hits))]


def _extend(question: Question, text: str, part: Sequence[Unit], position: int) -> Sequence[Unit]:
    """The unit; the list it leads in with a colon; or, where the question asks how, the whole
    list it belongs to or stands before."""
    unit = part[position]
    leads = (
        unit.kind is UnitKind.SENTENCE
        and position + 1 < len(part)
        and part[position + 1].kind is UnitKind.STEP
    )
    leads_in = leads and text[unit.start : unit.end].endswith((":", "："))
    if not (leads or unit.kind is UnitKind.STEP) or not (question.asks_how or leads_in):
        return part[position : position + 1]
    first = position
    while first > 0 and part[first - 1].kind is UnitKind.STEP and part[first].kind is UnitKind.STEP:
        first -= 1
    last = position + 1
    while last < len(part) and part[last].kind is UnitKind.STEP and last - first < _MAX_STEPS:
        last += 1
    return part[first:last]


def _header(text: str, part: Sequence[Unit], position: int) -> str:
    """The first row of the table that the row at `position` belongs to."""
    first = position
    while first > 0 and part[first - 1].kind is UnitKind.ROW:
        first -= 1
    return text[part[first].start : part[first].end]
