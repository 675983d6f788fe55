"""Answers made of the sources' own sentences, each with its citation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kb.answer.extractive.evidence import is_evidence
from kb.answer.extractive.passages import Passage, passages
from kb.answer.extractive.question import Question
from kb.answer.wording import NOTHING
from kb.config.models import ExtractiveConfig
from kb.protocols import GeneratorEvent, Quote, TextDelta
from kb.text.markdown import escape_markdown
from kb.text.sentences import UnitKind
from kb.text.terms import Language
from kb.types import AnswerStatus, Hit, Locator, Query

__all__ = ["ExtractiveGenerator"]

_NO_PICTURE = {
    Language.ENGLISH: "No picture or clip in the sources matches.",
    Language.CHINESE: "资料中没有找到匹配的图片或视频。",
}
_CLOSEST = {
    Language.ENGLISH: "The closest match is {place}",
    Language.CHINESE: "最相近的是{place}",
}
_PLACE = {
    Language.ENGLISH: ("{source}", "{source}, page {page}", "{source} at {time}"),
    Language.CHINESE: ("{source}", "{source} 第 {page} 页", "{source} {time} 处"),
}
# Cosine of picture descriptors under which two pictures are not the same one: on picture-copies
# edits of a picture reach at least 0.90, other pictures at most 0.66.
_MIN_PICTURE = 0.75
# A further quote is worth reading when it scores this share of the best one and has all its words
# of the question; less is enough for one with words that those before it lack.
_WORTH = 0.9
_WORTH_WITH_NEWS = 0.8
_CJK_LINE_BREAK = re.compile(r"(?<=[\u3001-\u9fff\uff00-\uffef])[^\S\n]*+\n\s*+(?=[\u3001-\u9fff])")


class ExtractiveGenerator:
    """Quotes the sentences, list steps, table rows or subtitle lines that answer best.

    Args:
        config: How many quotes.
    """

    def __init__(self, config: ExtractiveConfig) -> None:
        self._config = config

    def stream(self, query: Query, hits: Sequence[Hit]) -> Iterator[GeneratorEvent]:
        """Events of `kb.protocols.Generator`: where a picture is asked with, a line for the one
        that matches best; then one for each quote; or one that says that nothing answers."""
        question = Question.of(query.text)
        has_picture = bool(query.images or query.clip)
        match = _best_match(hits) if has_picture else None
        chosen = self._choose(question, hits) if query.text.strip() else []
        if match is None and not chosen:
            nothing = _NO_PICTURE if has_picture else NOTHING
            yield TextDelta(nothing[question.language])
            yield AnswerStatus.NO_EVIDENCE
            return
        if match is not None:
            yield from _picture(question.language, match, hits[match])
        yield from _quotes(chosen, hits, n_before=int(match is not None))
        yield AnswerStatus.ANSWERED

    def _choose(self, question: Question, hits: Sequence[Hit]) -> list[Passage]:
        """The passages to quote, best first; none where the best is no evidence."""
        found = passages(question, hits)
        if not is_evidence(question, found, hits):
            return []
        best = found[0]
        chosen = [best, *_continued(best, found, hits)]
        said = best.said
        for passage in found[1:]:
            if passage.score < _WORTH_WITH_NEWS * best.score:
                break
            if any(passage.says_the_same(other) for other in chosen):
                continue
            # What to do, in steps, is never beside the point of how.
            is_way = question.asks_how and passage.kind is UnitKind.STEP
            is_close = passage.score >= _WORTH * best.score and (
                is_way or passage.said >= best.said
            )
            has_news = passage.coverage >= _WORTH_WITH_NEWS * best.coverage and passage.said - said
            if is_close or has_news:
                chosen.append(passage)
                said |= passage.said
        return chosen[: self._config.max_quotes]


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
    chosen: Sequence[Passage], hits: Sequence[Hit], n_before: int
) -> Iterator[GeneratorEvent]:
    for number, passage in enumerate(chosen, n_before + 1):
        yield Quote(number, passage.hit_index, passage.start, passage.end)
        before = "\n\n" if number > 1 else ""
        yield TextDelta(f"{before}{_render(passage, hits[passage.hit_index])} [{number}]")


def _render(passage: Passage, hit: Hit) -> str:
    """The passage as Markdown: a list for steps, names with values for a row or a record,
    else a line."""
    text = hit.chunk.text
    if passage.kind is UnitKind.ROW:
        return _render_row(text[passage.start : passage.end], passage.header)
    if passage.kind is UnitKind.RECORD:
        fields = text[passage.start : passage.end].splitlines()
        return escape_markdown("; ".join(field.strip() for field in fields))
    lines = []
    for unit in passage.units:
        line = escape_markdown(_one_line(text[unit.start : unit.end]))
        lines.append(line)
    if passage.kind is UnitKind.STEP:
        return "  \n".join(lines)
    return " ".join(lines)


def _render_row(row: str, header: str) -> str:
    cells, names = _cells(row), _cells(header)
    if len(names) != len(cells):
        return escape_markdown("; ".join(cell for cell in cells if cell))
    pairs = (f"{name}: {cell}" if name else cell for name, cell in zip(names, cells, strict=True))
    return escape_markdown("; ".join(pairs))


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")] if row else []


def _one_line(text: str) -> str:
    """Lines of a page joined: without a space between Chinese characters."""
    joined = _CJK_LINE_BREAK.sub("", text)
    return re.sub(r"\s+", " ", joined).strip()


def _best_match(hits: Sequence[Hit]) -> int | None:
    """The hit whose picture is most like the one that is asked with; None where none is."""
    best = max(range(len(hits)), key=lambda index: hits[index].picture or 0.0, default=None)
    return best if best is not None and _matches(hits[best]) else None


def _picture(language: Language, index: int, hit: Hit) -> Iterator[GeneratorEvent]:
    yield Quote(1, index, 0, 0)
    place = escape_markdown(_place(hit.source, hit.chunk.locator, hit.time_s, language))
    yield TextDelta(f"{_CLOSEST[language].format(place=place)} [1]")


def _matches(hit: Hit) -> bool:
    """Whether a picture is evidence: by its descriptor, or by a dense encoder that reads
    pictures, whose first result is all that is known."""
    return hit.dense is not None if hit.picture is None else hit.picture >= _MIN_PICTURE


def _place(source: str, locator: Locator, time_s: float | None, language: Language) -> str:
    whole, paged, timed = _PLACE[language]
    if time_s is None:
        time_s = locator.start_s
    if time_s is not None:
        minutes, seconds = divmod(int(time_s), 60)
        return timed.format(source=source, time=f"{minutes}:{seconds:02d}")
    if locator.page is not None:
        return paged.format(source=source, page=locator.page)
    return whole.format(source=source)
