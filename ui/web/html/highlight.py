"""Quotes and words of a query, marked in escaped text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from html import escape

from kb.text.scripts import HAN, KANA
from kb.text.terms import fold
from kb.types import Chunk

__all__ = ["excerpt", "mark_range", "mark_words", "quote_range"]

_CJK = re.compile(f"[{HAN}{KANA}]+")
# A letter of a script with words: Chinese beside an English word does not belong to it.
_LETTER = rf"[^\W_{HAN}{KANA}]"
# A number of several parts (3.2.1) is marked whole or not at all.
_NUMBER = r"[vV]?(?<!\d)\d++(?:\.\d++)++"
_WORD = re.compile(f"{_NUMBER}|{_LETTER}+")
_LATIN = re.compile(rf"{_NUMBER}|[^\W_]+")
_STOPWORDS = frozenset(
    "a an and are as at be by can do does for from has have how i in is it its of on or that "
    "the this to was what when where which who why will with you your".split()
)


def quote_range(chunk: Chunk, quoted: str) -> tuple[int, int] | None:
    """Where `quoted` stands in the chunk's text; None for a citation of the whole."""
    start = chunk.text.find(quoted) if quoted else -1
    return (start, start + len(quoted)) if start >= 0 else None


def mark_range(text: str, start: int, end: int) -> str:
    """`text` escaped, with ``[start, end)`` in a ``<mark>``."""
    return (
        f'{escape(text[:start])}<mark class="kb-quote">{escape(text[start:end])}</mark>'
        f"{escape(text[end:])}"
    )


def mark_words(text: str, query: str) -> str:
    """`text` escaped, with the words of `query` in ``<mark>``.

    Latin words count from their start, case aside, so that "reset" marks "resetting";
    Chinese and Japanese are marked where two characters in a row occur in the query, traditional
    characters as simplified.
    """
    pieces: list[str] = []
    last = 0
    for start, end in _merged(sorted(_word_spans(text, query))):
        pieces += [escape(text[last:start]), f"<mark>{escape(text[start:end])}</mark>"]
        last = end
    return "".join(pieces) + escape(text[last:])


def _word_spans(text: str, query: str) -> Iterator[tuple[int, int]]:
    """Ranges of `text`, in no order, in one pass: the query may have a thousand words."""
    text, query = fold(text), fold(query)
    words = {_compared(word) for word in _LATIN.findall(_CJK.sub(" ", query))} - _STOPWORDS
    lengths = sorted({len(word) for word in words})
    for match in _WORD.finditer(text) if words else ():
        word = _compared(match.group())
        if any(word[:n] in words for n in lengths if n <= len(word)):
            yield match.span()
    pairs = _cjk_pairs(query)
    for run in _CJK.finditer(text) if pairs else ():
        for at in range(*run.span()):
            if text[at : at + 2] in pairs:
                yield at, at + 2
            elif text[at] in pairs:
                yield at, at + 1


def _compared(word: str) -> str:
    word = word.casefold()
    return word.removeprefix("v") if "." in word else word


def _cjk_pairs(query: str) -> set[str]:
    return {run[i : i + 2] for run in _CJK.findall(query) for i in range(max(1, len(run) - 1))}


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def excerpt(text: str, query: str, n_chars: int = 420) -> str:
    """The part of a long text with the most of the query's words near each other."""
    if len(text) <= n_chars:
        return text
    starts = sorted(start for start, _ in _word_spans(text, query))
    near = n_chars * 3 // 4
    counts = [bisect_left(starts, s + near) - n for n, s in enumerate(starts)]
    best = starts[counts.index(max(counts))] if starts else 0
    start = max(0, best - 60)
    if start:
        space = text.find(" ", start, best)
        start = space + 1 if space >= 0 else start
    end = min(len(text), start + n_chars)
    return ("… " if start else "") + text[start:end].strip() + (" …" if end < len(text) else "")
