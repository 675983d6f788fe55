"""From the words of a chat model to events: its numbers become places in the sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kb.answer.chat.not_found import AnswerText
from kb.answer.citations import CitationScanner, Cited
from kb.answer.layout import layout
from kb.answer.wording import CUT, NOTHING
from kb.errors import KnowledgeBaseError
from kb.protocols import GeneratorEvent, Quote, TextDelta
from kb.text.sentences import units
from kb.text.special_tokens import JOINER
from kb.text.terms import Language, content_terms, language, terms
from kb.types import AnswerStatus, Chunk, Hit

__all__ = ["cited_events", "is_english"]

_MIN_SHARED = 0.34  # of a sentence's own words that the claim says, for the sentence to be marked
_MAX_CLAIM_CHARS = 600
_MIN_GRAMMAR = 0.34  # "The sources do not answer this question." has 0.43


def cited_events(
    deltas: Iterator[str], question: str, hits: Sequence[Hit], shown: Sequence[int]
) -> Iterator[GeneratorEvent]:
    """Events of `kb.protocols.Generator` from a model's text.

    A source's number, as the model writes it, becomes a number of its own for each passage
    that is cited: the sentence of the source that is nearest to the claim. Numbers that name no
    source are dropped; code is left alone. An answer of `NOT_FOUND`, or one without a single
    citation, is no evidence.

    Args:
        deltas: The text as it is written; a generator returns whether the model was stopped
            before its end.
        question: For the language of what is said where nothing is found.
        hits: That the prompt was made from.
        shown: Indices of the hits that became sources, by number.

    Raises:
        KnowledgeBaseError: As `deltas`, after all that was written.
    """
    binder = _Binder(hits, shown)
    scanner = CitationScanner()
    answer = AnswerText(question)
    is_cut = False
    try:
        while True:
            try:
                delta = next(deltas)
            except StopIteration as end:
                is_cut = bool(end.value)
                break
            # What the prompt put into a document's words is not the answer's.
            yield from binder.events(scanner.feed(answer.feed(delta.replace(JOINER, ""))))
    except KnowledgeBaseError:
        yield from binder.events(scanner.feed(answer.end(is_cited=True)))
        yield from binder.events(scanner.end())
        if not answer.is_not_found:
            # The end of the paragraph: nobody downstream need wait for what a mark in it means.
            yield TextDelta("\n\n")
        raise
    if answer.is_not_found:
        yield TextDelta(_nothing(question, answer.said))
        yield AnswerStatus.NO_EVIDENCE
        return
    yield from binder.events(scanner.feed(answer.end(is_cited=binder.n_bound > 0)))
    yield from binder.events(scanner.end())
    if is_cut:
        yield TextDelta(f"\n\n{CUT[language(question)]}")
    yield AnswerStatus.ANSWERED if binder.n_bound else AnswerStatus.NO_EVIDENCE


def _nothing(question: str, said: str) -> str:
    """What the model says, in a language that we have no words in; else ours."""
    scanner = CitationScanner()
    words = ""
    for item in (*scanner.feed(said), *scanner.end()):
        words = words + item if isinstance(item, str) else words.rstrip()
    said = words.strip()
    own = language(question)
    return NOTHING[own] if not said or own is Language.CHINESE or is_english(said) else said


def is_english(text: str) -> bool:
    """Whether words of English grammar make up what they do in English sentences."""
    n_terms, n_content = len(terms(text)), len(content_terms(text))
    return text.isascii() and n_terms - n_content >= _MIN_GRAMMAR * n_terms


class _Binder:
    """Gives numbers to passages in the order in which they are cited."""

    def __init__(self, hits: Sequence[Hit], shown: Sequence[int]) -> None:
        self._hits = hits
        self._shown = shown
        self._numbers: dict[tuple[int, int, int], int] = {}
        self._claim = ""
        self._is_cited = False

    @property
    def n_bound(self) -> int:
        """Passages that have been cited."""
        return len(self._numbers)

    def events(self, items: Sequence[str | Cited]) -> Iterator[GeneratorEvent]:
        for item in items:
            if isinstance(item, str):
                if self._is_cited and item.strip():
                    # What follows a citation is a claim of its own.
                    self._claim, self._is_cited = "", False
                self._claim = _last_paragraph(self._claim + item)
                yield TextDelta(item)
            else:
                self._is_cited = True
                yield from self._bind(item)

    def _bind(self, cited: Cited) -> Iterator[GeneratorEvent]:
        for number in cited.numbers:
            if not 1 <= number <= len(self._shown):
                continue
            index = self._shown[number - 1]
            passage = (index, *_nearest(self._claim, self._hits[index].chunk))
            own = self._numbers.get(passage)
            if own is None:
                own = self._numbers[passage] = len(self._numbers) + 1
                yield Quote(own, *passage)
            yield TextDelta(f"[{own}]")


def _last_paragraph(text: str) -> str:
    return text.rsplit("\n\n", 1)[-1][-_MAX_CLAIM_CHARS:]


def _nearest(claim: str, chunk: Chunk) -> tuple[int, int]:
    """The unit of the chunk's text that says the most of `claim`; all of it where none is
    near, and ``(0, 0)``, the picture as a whole, where there are no words."""
    wanted = {term.stem for term in content_terms(claim)} if claim.strip() else set()
    best, place = 0.0, (0, len(chunk.text))
    for unit in units(chunk.text, layout(chunk)):
        said = {term.stem for term in content_terms(chunk.text[unit.start : unit.end])}
        if not said:
            continue
        common = len(said & wanted)
        score = common / (len(said) * max(1, len(wanted))) ** 0.5
        if score > best and common / len(said) >= _MIN_SHARED:
            best, place = score, (unit.start, unit.end)
    return place
