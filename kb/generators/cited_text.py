"""From the words of a chat model to events: its numbers become places in the sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kb.citing import CitationScanner, Cited
from kb.generators.chat_prompt import NOT_FOUND
from kb.generators.layout import layout
from kb.generators.wording import NOTHING
from kb.protocols import GeneratorEvent, Quote, TextDelta
from kb.sentences import units
from kb.text import content_terms, language
from kb.types import AnswerStatus, Chunk, Hit

__all__ = ["cited_events"]

_MIN_SHARED = 0.34  # of a sentence's own words that the claim says, for the sentence to be marked
_MAX_CLAIM_CHARS = 600


def cited_events(
    deltas: Iterator[str], question: str, hits: Sequence[Hit], shown: Sequence[int]
) -> Iterator[GeneratorEvent]:
    """Events of `kb.protocols.Generator` from a model's text.

    A source's number, as the model writes it, becomes a number of its own for each passage
    that is cited: the sentence of the source that is nearest to the claim. Numbers that name no
    source are dropped; code is left alone. An answer of `NOT_FOUND`, or one without a single
    citation, is no evidence.

    Args:
        deltas: The text as it is written.
        question: For the language of what is said where nothing is found.
        hits: That the prompt was made from.
        shown: Indices of the hits that became sources, by number.
    """
    binder = _Binder(hits, shown)
    scanner = CitationScanner()
    start = ""
    has_begun = False
    for delta in deltas:
        if not has_begun:
            start += delta
            if NOT_FOUND.startswith(start.strip()):
                continue
            has_begun = True
            yield from binder.events(scanner.feed(start.lstrip()))
        else:
            yield from binder.events(scanner.feed(delta))
    if not has_begun:
        yield TextDelta(NOTHING[language(question)])
        yield AnswerStatus.NO_EVIDENCE
        return
    yield from binder.events(scanner.end())
    yield AnswerStatus.ANSWERED if binder.n_bound else AnswerStatus.NO_EVIDENCE


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
