"""A generator that writes is asked only where something was found that answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kb.answer.extractive.whole_parts import whole_part
from kb.answer.refusal.judge import Judge, Judged
from kb.answer.wording import NOTHING
from kb.protocols import Generator, GeneratorEvent, Relevance, TextDelta
from kb.text.terms import language
from kb.types import AnswerStatus, Hit, Query

__all__ = ["GatedGenerator", "is_judged_by_words", "relevance_of"]

_N_CLOSEST = 3


class GatedGenerator:
    """`kb.protocols.Generator` that says that nothing answers, in place of the one behind it.

    What only pictures can tell is not judged by words: a question with a picture, and hits
    without words, go through.

    Args:
        generator: Writes answers.
        judge: Of the profile.
    """

    def __init__(self, generator: Generator, judge: Judge) -> None:
        self._generator = generator
        self._judge = judge

    def stream(self, query: Query, hits: Sequence[Hit]) -> Iterator[GeneratorEvent]:
        """Events of `kb.protocols.Generator`.

        Raises:
            InferenceError: The encoder or the generator failed.
            PromptTooLongError: The question is longer than the generator reads.
        """
        if is_judged_by_words(query, hits):
            judged = self._judge.judge(query.text, hits)
            yield from relevance_of(judged)
            if not judged.is_answered:
                yield TextDelta(NOTHING[language(query.text)])
                yield AnswerStatus.NO_EVIDENCE
                return
        yield from self._generator.stream(query, hits)


def is_judged_by_words(query: Query, hits: Sequence[Hit]) -> bool:
    """Whether words alone can tell that nothing answers: neither the question nor a hit shows
    what only a picture tells, and what is asked for is no part of a document by its number
    and no release by its version."""
    has_picture = bool(query.images or query.clip)
    is_blind = any(hit.chunk.pictures and not hit.chunk.text.strip() for hit in hits)
    if has_picture or is_blind or not query.text.strip():
        return False
    return whole_part(query.text, hits) is None


def relevance_of(judged: Judged) -> Iterator[Relevance]:
    """The event for what was judged; none where the probability decided nothing."""
    if judged.is_by_code:
        return
    closest = [one.passage for one in judged.scored[:_N_CLOSEST]]
    yield Relevance(
        judged.probability, tuple((one.hit_index, one.start, one.end) for one in closest)
    )
