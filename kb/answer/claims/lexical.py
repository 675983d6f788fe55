"""A judge of claims that reads words: what of a claim stands in a chunk, and what differs.

The score begins as the share of the claim's words that the best sentence of the chunk says, with
a little off for those that stand around it only. A number or unit or a name that stands nowhere
near, and a "not" on one side alone, each cut it, since one of them is enough to make a sentence
false whose other words are all there. It knows no synonyms and reads no picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from kb.protocols import Float32Array
from kb.text.quantities import Quantity, quantities
from kb.text.sentences import Layout, UnitKind, units
from kb.text.terms import content_terms, fold_width
from kb.types import Chunk, Kind, Modality

__all__ = ["LexicalClaimScorer"]

_VERSION = 1
_AROUND = 0.9  # what a word counts that stands beside the sentence, not in it
# What the score is multiplied by.
_NUMBER_AROUND = 0.8
_NUMBER_MISSING = 0.4
_NAME_MISSING = 0.5
_NEGATED = 0.4

_NEGATION = re.compile(
    # "No more than" limits, and "No. 5" counts.
    r"\b(?:not|no(?! (?:more|less|fewer|later) than|[.:]?\s*\d)|never|nor|neither|none|nothing"
    r"|without|cannot)\b|n['’]t\b"
    # Not words that only hold the character: stainless, but also, future, wireless, especially.
    r"|不(?![锈同但仅断论管久过])|没|无(?![线论数])|未(?!来)|勿|别(?![人的])(?<![特分级类区识]别)"
    r"|禁止|切忌",
    re.IGNORECASE,
)
# Says where a claim comes from, not what it claims.
_REPORT = re.compile(
    r"^(?:according to [^,.]{1,60}|as [^,.]{1,40} (?:says?|states?|shows?)),\s*"
    r"|^(?:根据|据|按照)[^，,。]{1,30}[，,]",
    re.IGNORECASE,
)
# Capitals inside a sentence, and codes anywhere: Lantern, HF-30, E4, LED.
_NAME = re.compile(
    r"(?<=[^\s.!?:;] )[A-Z][a-z]\w*(?:-\w+)*|\b[A-Z]+-?\d(?:[\w-]|\.(?=\w))*|\b[A-Z]{2,}\b"
)


class _Statement(NamedTuple):
    """What a stretch of text says, as far as words tell."""

    stems: frozenset[str]
    numbers: tuple[Quantity, ...]
    is_negated: bool

    @classmethod
    def of(cls, text: str) -> _Statement:
        numbers = tuple(quantities(text))
        negations = [match.span() for match in _NEGATION.finditer(text)]
        # What is compared by itself is no word to count.
        words = list(text)
        for start, end in (*((number.start, number.end) for number in numbers), *negations):
            words[start:end] = " " * (end - start)
        stems = frozenset(term.stem for term in content_terms("".join(words))) - {"no"}
        return cls(stems, numbers, bool(negations))

    def has(self, number: Quantity) -> bool:
        """Whether `number` stands here with its unit; a table may name the unit elsewhere."""
        return any(
            own.value == number.value
            and (own.unit == number.unit or not (own.unit and number.unit))
            for own in self.numbers
        )


class LexicalClaimScorer:
    """The claim check of `starter`."""

    @property
    def fingerprint(self) -> str:
        """The version of this module."""
        return f"lexical-claims:{_VERSION}"

    def score(self, claim: str, chunks: Sequence[Chunk]) -> Float32Array:
        """float32 ``(len(chunks),)`` in [0, 1]; 1 for what a sentence of the chunk says in the
        same words. NaN for a chunk that shows a picture and whose words do not say all of the
        claim: the picture may."""
        claim = _REPORT.sub("", fold_width(claim))
        said = _Statement.of(claim)
        names = said.stems & {
            term.stem for name in set(_NAME.findall(claim)) for term in content_terms(name)
        }
        scores = np.array([_best(said, names, chunk) for chunk in chunks], np.float32)
        shows = np.array([bool(chunk.pictures) for chunk in chunks], np.bool_)
        scores[shows & (scores < 1)] = np.nan
        return scores


def _best(said: _Statement, names: frozenset[str], chunk: Chunk) -> float:
    """Over the sentences that say the most words of the claim themselves. One that only stands
    beside them tells nothing of a "not"."""
    places = [(len(said.stems & core.stems), core, around) for core, around in _places(chunk)]
    most = max((n_core for n_core, _, _ in places), default=0)
    return max(
        (_support(said, names, *place) for n_core, *place in places if n_core == most),
        default=0.0,
    )


def _support(
    said: _Statement, names: frozenset[str], core: _Statement, around: _Statement
) -> float:
    if said.stems:
        n_core = len(said.stems & core.stems)
        n_around = len((said.stems & around.stems) - core.stems)
        score = (n_core + _AROUND * n_around) / len(said.stems)
    else:
        score = 1.0 if said.numbers else 0.0
    if names - core.stems - around.stems:
        score *= _NAME_MISSING
    missing = [number for number in said.numbers if not core.has(number)]
    if missing:
        score *= _NUMBER_AROUND if all(map(around.has, missing)) else _NUMBER_MISSING
    if said.is_negated != core.is_negated:
        score *= _NEGATED
    return score


def _places(chunk: Chunk) -> Iterator[tuple[_Statement, _Statement]]:
    """Each sentence, step, row or record of the chunk, with what stands around it: those before
    and after, the title and the headings. A row is read with the names of its columns, and has
    nothing to do with those beside it."""
    text = fold_width(chunk.text)
    found = units(text, _layout(chunk))
    statements = [_Statement.of(text[unit.start : unit.end]) for unit in found]
    head = _Statement.of(fold_width("\n".join((chunk.title, *chunk.headings))))
    columns: _Statement | None = None
    for i, (unit, statement) in enumerate(zip(found, statements, strict=True)):
        if unit.kind is UnitKind.ROW:
            yield (_joined(columns, statement) if columns else statement), head
            columns = columns or statement
            continue
        columns = None
        if unit.kind is UnitKind.HEADING:
            head = _joined(head, statement)
        yield statement, _joined(head, *statements[max(0, i - 1) : i + 2])


def _joined(*statements: _Statement) -> _Statement:
    return _Statement(
        frozenset().union(*(one.stems for one in statements)),
        tuple(number for one in statements for number in one.numbers),
        is_negated=any(one.is_negated for one in statements),
    )


def _layout(chunk: Chunk) -> Layout:
    if chunk.modality is not Modality.TEXT or chunk.kind is Kind.AUDIO:
        return Layout.LINES
    return Layout.RECORDS if chunk.kind is Kind.DATA else Layout.PROSE
