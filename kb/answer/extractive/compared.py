"""Whether a quote answers a question that compares two things."""

from __future__ import annotations

import re

from kb.answer.extractive.asked import Asked
from kb.answer.extractive.question import Question
from kb.answer.extractive.superlatives import COMPARATIVE, is_more_meant
from kb.text.terms import fold_width

__all__ = ["is_half_answer"]

_TWO = re.compile(r"\bthan\b|\bor\b|比|还是|[和与跟]")


def is_half_answer(question: Question, said: str) -> bool:
    """Whether `question` asks which of two is more of something, or if one is more than the other,
    and `said` has but one of the two, or nothing of what is compared: no weight, where the
    heavier is asked for.

    Args:
        said: All that is quoted, with what stands above it.
    """
    text = fold_width(question.text).lower()
    found = COMPARATIVE.search(text)
    if found is None or _TWO.search(text) is None:
        return False
    named = [code for code in question.codes if code.text[0].isalpha()]
    if len(named) > 1 and not all(code.present.search(said) for code in named):
        return True
    is_of_two = question.asked in (Asked.YES_NO, Asked.ANYTHING) and len(named) > 1
    return is_of_two and is_more_meant(found, said) is None
