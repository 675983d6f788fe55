"""Chinese characters of a question that were taken for others of the same sound.

Whoever types Chinese types its sound (pinyin) and picks characters: a slip is another character of
the same sound. It breaks a word into characters that are no word together, so that only such are
looked at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

import rjieba

from kb.text.scripts import COMMON_HAN
from kb.text.terms import fold

__all__ = ["ChineseSpeller", "chinese_words"]

_RUN = re.compile(f"[{COMMON_HAN}]+")
_MIN_CHARS, _MAX_CHARS = 2, 4
# A longer text is no question with a slip in it.
_MAX_QUESTION_CHARS = 200
_ANY = "\0"
# They stand alone beside any other: what holds one is no word with a slip.
_GRAMMAR = frozenset(
    "的了是在有和与及或被把对从到由于以为而也都就其之这那它他她我你您们个不要会能可吗呢吧啊呀没无多少几"
    "哪谁什么怎上下里中去来给跟让说看想得地着过还再又很太最更但如若每各该此些只才已将并且因所"
)


class ChineseSpeller:
    """Mends words that differ from a known one by one character of the same sound."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._by_rest: defaultdict[str, list[str]] = defaultdict(list)

    def __contains__(self, word: str) -> bool:
        return word in self._known

    def add(self, known: Iterable[str]) -> list[str]:
        """Learn words, as `chinese_words` gives them; returns those that are new."""
        new = list(dict.fromkeys(word for word in known if word not in self._known))
        self._known.update(new)
        for word in new:
            for rest in _rests(word):
                self._by_rest[rest].append(word)
        return new

    def mend(self, text: str) -> str:
        """`text` with each run of characters that is no word, but sounds like one known word, as
        that word; its length is unchanged. Where several words sound so, nothing is changed."""
        if not self._known or len(text) > _MAX_QUESTION_CHARS:
            return text
        folded = fold(text)
        for match in _RUN.finditer(folded):
            for start, end in _loose(match.group()):
                at = match.start() + start
                text = (
                    text[:at]
                    + self._mended(text[at : match.start() + end])
                    + text[at + end - start :]
                )
        return text

    def _mended(self, loose: str) -> str:
        """Single characters, of which some may be a word, or one with a slip: the longest first."""
        for word_of in (self._word, self._meant):
            for length in range(min(_MAX_CHARS, len(loose)), _MIN_CHARS - 1, -1):
                for start in range(len(loose) - length + 1):
                    end = start + length
                    if word := word_of(loose[start:end]):
                        return self._mended(loose[:start]) + word + self._mended(loose[end:])
        return loose

    def _word(self, piece: str) -> str | None:
        return piece if piece in self._known else None

    def _meant(self, piece: str) -> str | None:
        """The one known word that sounds like `piece` and differs from it by a character."""
        if not _GRAMMAR.isdisjoint(piece):
            return None
        meant = {
            word
            for rest in _rests(piece)
            for word in self._by_rest.get(rest, ())
            if all(
                one == other or _sounds(one) & _sounds(other)
                for one, other in zip(word, piece, strict=True)
            )
        }
        return meant.pop() if len(meant) == 1 else None


def chinese_words(text: str) -> Iterator[str]:
    """The Chinese words of `text` that can be learnt, in order, in simplified characters."""
    for match in _RUN.finditer(fold(text)):
        for word in rjieba.cut(match.group(), False):
            if _MIN_CHARS <= len(word) <= _MAX_CHARS:
                yield word


def _loose(run: str) -> list[tuple[int, int]]:
    """Where two or more characters stand that the dictionary makes no word of."""
    found: list[tuple[int, int]] = []
    at = 0
    for word in rjieba.cut(run, False):
        if len(word) == 1 and found and found[-1][1] == at:
            found[-1] = (found[-1][0], at + 1)
        elif len(word) == 1:
            found.append((at, at + 1))
        at += len(word)
    return [(start, end) for start, end in found if end - start >= _MIN_CHARS]


def _rests(word: str) -> list[str]:
    return [f"{word[:index]}{_ANY}{word[index + 1 :]}" for index in range(len(word))]


@lru_cache(maxsize=8192)
def _sounds(char: str) -> frozenset[str]:
    # Its tables take half a second to read: most questions have nothing to mend.
    from pypinyin import Style, pinyin

    return frozenset(pinyin(char, style=Style.NORMAL, heteronym=True)[0])
