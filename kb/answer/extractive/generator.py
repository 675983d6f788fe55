"""Answers made of the sources' own sentences, each with its citation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kb.answer.extractive.compared import is_half_answer
from kb.answer.extractive.labelled import Labelled, is_of_chart, labelled
from kb.answer.extractive.named_parts import NamedPart
from kb.answer.extractive.passages import Passage
from kb.answer.extractive.question import Question
from kb.answer.extractive.rendering import render, render_lines
from kb.answer.extractive.steps import is_in_passing
from kb.answer.extractive.whole_parts import whole_part
from kb.answer.refusal.features import is_held
from kb.answer.refusal.gate import relevance_of
from kb.answer.refusal.judge import Judge, Judged
from kb.answer.shown.match import CLOSEST, best_match, place
from kb.answer.shown.question import without_naming
from kb.answer.wording import NOTHING
from kb.config.models import ExtractiveConfig
from kb.protocols import GeneratorEvent, Quote, TextDelta
from kb.text.markdown import escape_markdown
from kb.text.sentences import UnitKind
from kb.text.terms import Language, language
from kb.types import AnswerStatus, Hit, Query

__all__ = ["ExtractiveGenerator"]

_NO_PICTURE = {
    Language.ENGLISH: "No picture or clip in the sources matches.",
    Language.CHINESE: "资料中没有找到匹配的图片或视频。",
}
# Of prose the second quote is the answer in one of eight questions (of xquad-answers) where its
# probability is no less than this share of the best one's.
_WORTH = 0.3
_MAX_PROSE = 2
# What stands above the steps counts less than what stands in a sentence (`passages`).
_STEPS_SHARE = 0.7


class ExtractiveGenerator:
    """Quotes the sentences, list steps, table rows or subtitle lines that answer best; on a
    picture, a form or a chart the value beside the label that is asked for.

    Args:
        config: How many quotes.
        judge: Says which passages answer.
    """

    def __init__(self, config: ExtractiveConfig, judge: Judge) -> None:
        self._config = config
        self._judge = judge

    def stream(self, query: Query, hits: Sequence[Hit]) -> Iterator[GeneratorEvent]:
        """Events of `kb.protocols.Generator`: where a picture is asked with and nothing but
        what it is, a line for the one that matches best; else one for each quote, or one that says
        that nothing answers.

        Raises:
            InferenceError: The encoder failed.
        """
        has_picture = bool(query.images or query.clip)
        if not has_picture and (told := labelled(query.text, Question.of(query.text), hits)):
            yield from _beside(told)
            yield AnswerStatus.ANSWERED
            return
        if not has_picture and (part := whole_part(query.text, hits)):
            yield from _whole(part, hits)
            yield AnswerStatus.ANSWERED
            return
        match = best_match(hits) if has_picture else None
        has_words = bool(query.text.strip() if match is None else without_naming(query.text))
        judged = self._judge.judge(query.text, hits) if has_words else None
        if judged is not None:
            yield from relevance_of(judged)
        chosen = self._chosen(judged, hits) if judged is not None and judged.is_answered else []
        if judged is not None and _may_stand(judged, chosen, hits):
            yield from _quotes(chosen, judged.question, hits)
            yield AnswerStatus.ANSWERED
        elif match is not None:
            yield from _picture(language(query.text), match, hits[match])
            yield AnswerStatus.ANSWERED
        else:
            nothing = _NO_PICTURE if has_picture else NOTHING
            yield TextDelta(nothing[language(query.text)])
            yield AnswerStatus.NO_EVIDENCE

    def _chosen(self, judged: Judged, hits: Sequence[Hit]) -> list[Passage]:
        """The best passage with what continues it; and others that answer as surely and say
        something else. A list of steps stands alone: two procedures are never mixed."""
        (best, probability), *others = judged.scored
        if judged.question.asks_how:
            best = _steps_for(best, judged, hits) or best
        chosen = [best, *_continued(best, judged.found, hits)]
        if best.kind is not UnitKind.SENTENCE or best.is_fragment:
            return chosen[: self._config.max_quotes]
        for passage, other in others:
            if other < _WORTH * probability or len(chosen) == _MAX_PROSE:
                break
            is_whole = passage.kind is UnitKind.SENTENCE and not passage.is_fragment
            if is_held(judged.question, passage, hits[passage.hit_index]) is False:
                continue
            if is_whole and not any(map(passage.says_the_same, chosen)):
                chosen.append(passage)
        return chosen[: self._config.max_quotes]


def _steps_for(best: Passage, judged: Judged, hits: Sequence[Hit]) -> Passage | None:
    """The numbered steps that `best` says what they are for: under its headings, or elsewhere
    such as say as much of the question and are as probably the answer."""
    if best.kind is UnitKind.STEP:
        return None
    chunk = hits[best.hit_index].chunk
    probable = [one for one, p in judged.scored if p >= _WORTH * judged.probability]
    for passage in judged.found:
        if passage.kind is not UnitKind.STEP or passage.units[0].number != 1:
            continue
        if is_in_passing(judged.question, passage, hits[passage.hit_index]):
            continue
        other = hits[passage.hit_index].chunk
        is_same = other.document_sha256 == chunk.document_sha256
        is_beside = is_same and (other is chunk or other.headings == chunk.headings)
        is_for_it = passage.coverage >= _STEPS_SHARE * best.coverage
        if len(passage.units) > 1 and is_for_it and (is_beside or passage in probable):
            return passage
    return None


def _continued(first: Passage, found: Sequence[Passage], hits: Sequence[Hit]) -> list[Passage]:
    """The rest of a numbered list that goes on in another part of its document."""
    rest: list[Passage] = []
    if len(first.units) == 1:
        return rest
    while (number := (rest[-1] if rest else first).units[-1].number) is not None:
        after = next(
            (
                passage
                for passage in found
                if passage.units[0].number == number + 1
                and passage.kind is UnitKind.STEP
                and _follows(hits[passage.hit_index], hits[(rest or [first])[-1].hit_index])
            ),
            None,
        )
        if after is None:
            break
        rest.append(after)
    return rest


def _follows(hit: Hit, before: Hit) -> bool:
    one, other = hit.chunk, before.chunk
    same = one.document_sha256 == other.document_sha256 and one.headings == other.headings
    return same and one.ordinal - other.ordinal in (0, 1)


def _quotes(
    chosen: Sequence[Passage], question: Question, hits: Sequence[Hit]
) -> Iterator[GeneratorEvent]:
    for number, passage in enumerate(chosen, 1):
        yield Quote(number, passage.hit_index, passage.start, passage.end)
        before = "\n\n" if number > 1 else ""
        yield TextDelta(f"{before}{render(passage, question, hits[passage.hit_index])} [{number}]")


def _whole(part: NamedPart, hits: Sequence[Hit]) -> Iterator[GeneratorEvent]:
    yield Quote(1, part.hit_index, part.start, part.end)
    yield TextDelta(f"{render_lines(hits[part.hit_index].chunk.text[part.start : part.end])} [1]")


def _beside(told: Labelled) -> Iterator[GeneratorEvent]:
    for number, (start, end) in enumerate(told.ranges, 1):
        yield Quote(number, told.hit_index, start, end)
    marks = "".join(f"[{number}]" for number in range(1, len(told.ranges) + 1))
    yield TextDelta(f"{escape_markdown(told.text)} {marks}")


def _may_stand(judged: Judged, chosen: Sequence[Passage], hits: Sequence[Hit]) -> bool:
    """Whether what was chosen answers the whole question."""
    if not chosen or _is_of_chart(judged, hits):
        return False
    said = "\n".join(
        "\n".join((*chunk.headings, one.header, chunk.text[one.start : one.end]))
        for one in chosen
        for chunk in (hits[one.hit_index].chunk,)
    )
    return not is_half_answer(judged.question, said)


def _is_of_chart(judged: Judged, hits: Sequence[Hit]) -> bool:
    """Whether the best passage is a line of a chart, which is no answer to an amount: what its
    numbers belong to is told by their places, and they told nothing."""
    best = judged.scored[0].passage
    return is_of_chart(judged.question, hits[best.hit_index], best.start, best.end)


def _picture(language: Language, index: int, hit: Hit) -> Iterator[GeneratorEvent]:
    yield Quote(1, index, 0, 0)
    yield TextDelta(f"{CLOSEST[language].format(place=place(hit, language))} [1]")
