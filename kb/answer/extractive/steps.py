"""What the steps of a list are for."""

from __future__ import annotations

import re

from kb.answer.extractive.passages import Passage
from kb.answer.extractive.question import Question
from kb.text.sentences import UnitKind
from kb.text.terms import find_terms, terms
from kb.types import Hit

__all__ = ["is_in_passing"]

_MIN_STEPS = 3
# A heading that says that steps follow, and not what for.
_ANY_STEPS = re.compile(
    r"\b(?:method|steps?|step by step|instructions?|procedure|directions|preparation|how to)\b"
    r"|步骤|方法|做法|流程|操作",
    re.IGNORECASE,
)


def is_in_passing(question: Question, passage: Passage, hit: Hit) -> bool:
    """Whether numbered steps are for something else, as their heading says, and one of them only
    mentions what `question` asks how to do: "then pair your phone again"."""
    if passage.kind is not UnitKind.STEP or len(passage.units) < _MIN_STEPS:
        return False
    chunk = hit.chunk
    below = [heading for heading in chunk.headings[1:] if not _ANY_STEPS.search(heading)]
    named = {term.stem for code in question.codes for term in terms(code.text)}
    about = {term.stem for term in terms("\n".join((chunk.title, *chunk.headings[:1])))}
    wanted = set(question.stems) - named - about
    if not below or not wanted or find_terms("\n".join(below), wanted):
        return False
    lead_in = chunk.text[passage.start : passage.units[0].start]
    saying = [
        unit.number
        for unit in passage.units
        if find_terms(chunk.text[unit.start : unit.end], wanted)
    ]
    return not find_terms(lead_in, wanted) and len(saying) == 1 and saying[0] not in (None, 1)
