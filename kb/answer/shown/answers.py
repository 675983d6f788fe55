"""A picture and words are one question: what is shown is known by its likeness to a picture of the
library, and the words are asked of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from kb.answer.computed import Computed
from kb.answer.extractive.asked import WITH_UNIT, what_is_asked
from kb.answer.extractive.question import Question
from kb.answer.shown.fits import may_be_answer, total_asked
from kb.answer.shown.match import CLOSEST, best_match, name_of, names, place
from kb.answer.shown.question import points, with_subject, without_naming
from kb.answer.tables.answers import TableAnswers
from kb.protocols import Generator, GeneratorEvent, Quote, Relevance, TextDelta
from kb.text.markdown import escape_markdown
from kb.text.terms import Language, content_terms, find_terms, language
from kb.types import AnswerStatus, Hit, Kind, Query

__all__ = ["Search", "ShownAnswers"]

Search = Callable[[Query], Sequence[Hit]]
"""Finds hits as an answer is made of them: what `Answerer.parts` gives."""

_SHOWN = {Language.ENGLISH: "The picture: {name}", Language.CHINESE: "图片：{name}"}
_SHOWN_CLIP = {Language.ENGLISH: "The clip: {name}", Language.CHINESE: "视频：{name}"}
_UNANSWERED = {
    Language.ENGLISH: ", but nothing in the sources answers this question about it.",
    Language.CHINESE: "，但资料中没有能回答这个问题的内容。",
}


class ShownAnswers:
    """Answers words about the picture that they are asked with.

    Args:
        generator: Quotes what answers.
        tables: Answers what a table answers.
    """

    def __init__(self, generator: Generator, tables: TableAnswers) -> None:
        self._generator = generator
        self._tables = tables

    def answer(self, query: Query, hits: Sequence[Hit], search: Search) -> Computed | None:
        """The one answer, with what is shown as its subject; None where words or a picture are
        missing, no picture of the library is like it, or the words only ask what it is.

        What is written on the picture or stands beside it is asked first; then the whole library,
        by the name of what is shown.

        Raises:
            InferenceError: A model failed.
            StoreError: The store failed.
        """
        if not query.text.strip() or not (query.images or query.clip):
            return None
        best = best_match(hits)
        asked = without_naming(query.text)
        if best is None or not asked:
            return None
        match = hits[best]
        tried: list[Computed] = []
        for one in self._attempts(query, asked, match, hits, search):
            if one.is_answered:
                return _with_picture(one, match, query)
            tried.append(one)
        return _unanswered(tried, match, language(query.text))

    def _attempts(
        self, query: Query, asked: str, match: Hit, hits: Sequence[Hit], search: Search
    ) -> Iterator[Computed]:
        """Answers to what may be meant, one after the other; the generator's only of what no
        table answers."""
        called = [] if _is_of_another(asked) else names(match)
        meant = [with_subject(asked, name) for name in called] or [asked]
        is_itself = match.chunk.kind in (Kind.IMAGE, Kind.VIDEO)
        # A page speaks of more than of its picture.
        wanted = asked if is_itself else meant[0]
        own = replace(query, text=wanted, images=(), clip=())
        own = replace(own, filters=replace(query.filters, sources=(match.source,)))
        beside = _beside(match, [*search(own), *hits])
        labels = []
        if beside:
            words = " ".join(hit.chunk.text for hit in beside)
            totals = total_asked(asked, words) if is_itself else ""
            for text in filter(None, (totals, wanted)):
                one = self._ask(text, beside, meant[0])
                is_told = one.relevance is None or _shares_a_word(text, one)
                if one.is_answered and (not is_itself or is_told):
                    yield one
                elif one.is_answered:
                    # A label says little by itself: something else may say it better.
                    labels.append(one)
        found = [
            (text, tuple(search(replace(query, text=text, images=(), clip=())))) for text in meant
        ]
        standing = _standing(called, [hits for _, hits in found], match)
        found = [found[n] for n in standing] or found
        # By its first name alone a table may speak of what belongs to it: a part, and its price.
        text, some = found[0]
        computed = self._tables.answer(Query(text=text), some)
        if computed is not None and _is_of_one(text, computed.events):
            yield computed
        written = [self._ask(text, some, text) for text, some in found]
        yield from sorted([*written, *labels], key=lambda one: -one.certainty)

    def _ask(self, text: str, hits: Sequence[Hit], meant: str) -> Computed:
        """What is written to `text`, if it can answer what is meant by it."""
        events = tuple(self._generator.stream(Query(text=text), hits))
        said = "".join(event.text for event in events if isinstance(event, TextDelta))
        if events[-1] is AnswerStatus.ANSWERED and not may_be_answer(meant, said):
            kept = (event for event in events if isinstance(event, Relevance))
            events = (*kept, AnswerStatus.NO_EVIDENCE)
        return Computed(tuple(hits), events)


def _shares_a_word(text: str, answer: Computed) -> bool:
    """Whether what is quoted has a word of the question."""
    stems = {term.stem for term in content_terms(text)}
    return any(
        find_terms(answer.hits[event.hit_index].chunk.text[event.start : event.end], stems)
        for event in answer.events
        if isinstance(event, Quote)
    )


def _is_of_one(text: str, events: Sequence[GeneratorEvent]) -> bool:
    """Whether a table answers of the one thing that is shown: not with the prices of its parts,
    where its price is asked for."""
    n_rows = sum(isinstance(event, Quote) for event in events)
    return n_rows == 1 or what_is_asked(text)[0] not in WITH_UNIT


def _standing(called: Sequence[str], found: Sequence[Sequence[Hit]], match: Hit) -> list[int]:
    """Which of the names other documents have."""
    texts = [
        f"{hit.source} {hit.chunk.contextual_text}"
        for hits in found
        for hit in hits
        if hit.chunk.document_sha256 != match.chunk.document_sha256
    ]
    return [n for n, name in enumerate(called) if any(name in text for text in texts)]


def _is_of_another(asked: str) -> bool:
    """Whether the words name what they are about, and do not speak of the picture."""
    question = Question.of(asked)
    return not points(asked) and bool(question.names or question.codes)


def _beside(match: Hit, hits: Sequence[Hit]) -> list[Hit]:
    """Those of `hits` with words that are of the picture, or of the page or section that it stands
    in; each once."""
    shown = match.chunk
    kept: dict[str, Hit] = {}
    for hit in hits:
        one = hit.chunk
        if one.document_sha256 != shown.document_sha256 or not one.text.strip():
            continue
        is_beside = (
            shown.kind in (Kind.IMAGE, Kind.VIDEO)
            or (shown.locator.page is not None and one.locator.page == shown.locator.page)
            or (shown.locator.page is None and one.headings == shown.headings)
        )
        if is_beside:
            kept.setdefault(one.id, hit)
    return list(kept.values())


def _with_picture(answer: Computed, match: Hit, query: Query) -> Computed:
    """`answer` with a line that cites what was shown, unless it is quoted from there."""
    quotes = [event for event in answer.events if isinstance(event, Quote)]
    if any(answer.hits[quote.hit_index].chunk.id == match.chunk.id for quote in quotes):
        return answer
    number = max((quote.number for quote in quotes), default=0) + 1
    said = (_SHOWN_CLIP if query.clip else _SHOWN)[language(query.text)]
    line = said.format(name=escape_markdown(name_of(match)))
    hits, index = _with_hit(answer.hits, match)
    return Computed(
        hits,
        (
            *answer.events[:-1],
            Quote(number, index, 0, 0),
            TextDelta(f"\n\n{line} [{number}]"),
            answer.events[-1],
        ),
    )


def _unanswered(tried: Sequence[Computed], match: Hit, asked_in: Language) -> Computed:
    nearest = max(tried, key=lambda one: one.certainty)
    hits, index = _with_hit(nearest.hits, match)
    closest = CLOSEST[asked_in].format(place=place(match, asked_in))
    return Computed(
        hits,
        (
            *([nearest.relevance] if nearest.relevance else []),
            Quote(1, index, 0, 0),
            TextDelta(f"{closest} [1]{_UNANSWERED[asked_in]}"),
            AnswerStatus.NO_EVIDENCE,
        ),
    )


def _with_hit(hits: tuple[Hit, ...], match: Hit) -> tuple[tuple[Hit, ...], int]:
    """`hits` with `match` at the end, and its index."""
    return (*hits, match), len(hits)
