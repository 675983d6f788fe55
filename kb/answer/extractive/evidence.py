"""Whether the sources answer a question at all."""

from __future__ import annotations

from collections.abc import Sequence

from kb.answer.extractive.passages import Passage
from kb.answer.extractive.question import Question
from kb.text.terms import Language
from kb.types import Hit

__all__ = ["is_evidence"]

# Whether the sources answer at all, by the coverage of the question's weight in the best
# passage and, for English, the cosine of the hit it stands in (its scale is that of
# all-MiniLM-L6-v2). Share answered: of 150 English questions each asked of their own corpus 0.98,
# 0.99 and 0.97 (cookbook docs, Cranfield, cookbook code), of a foreign one 0.005; with their
# document taken away, though others on its subject stay, 0.90, 0.97 and 0.80. Of Chinese ones
# (cmrc2018) 0.96, and 0.21 with their document taken away.
_MIN_COVERAGE = 0.30
_MIN_EVIDENCE = 0.65


def is_evidence(question: Question, found: Sequence[Passage], hits: Sequence[Hit]) -> bool:
    """Whether the best of `found`, the passages of `hits`, can be an answer at all.

    A hit that the dense list did not hold is no nearer than the farthest that it held.
    """
    if not found:
        return False
    best = found[0]
    cosines = [hit.dense for hit in hits if hit.dense is not None]
    if not cosines or not best.coverage or question.language is not Language.ENGLISH:
        return best.coverage >= _MIN_COVERAGE
    own = hits[best.hit_index].dense
    return best.coverage + (min(cosines) if own is None else own) >= _MIN_EVIDENCE
