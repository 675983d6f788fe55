"""Words of a question that a library does not know, mended to ones that it does."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources

from rapidfuzz import process
from rapidfuzz.distance import OSA

from kb.text.terms import stem

__all__ = ["Speller", "words"]

# Letters of scripts that write words apart, as Latin, Greek and Cyrillic.
_WORD = re.compile(r"(?<![^\W_])[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u052f]++(?![^\W_])")
_QUOTED = re.compile(r"\"[^\"\n]{0,1000}+\"|“[^“”\n]{0,1000}+”|`[^`\n]{0,1000}+`")
_MIN_CHARS, _MAX_CHARS = 4, 24
# From this length on two letters may be wrong.
_LONG_CHARS = 8
# A long text is no question with a slip in it.
_MAX_WORDS = 40


class Speller:
    """Mends words by the known words that are nearest, but for those of an English dictionary
    (that of symspellpy): who asks for something else than the library holds made no slip.

    The distance is optimal string alignment (a letter more, less, another, or two exchanged). The
    first letter is taken to be right, and where several words are as near, nothing is changed.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._by_first: defaultdict[str, list[str]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, word: str) -> bool:
        return word in self._known

    def add(self, known: Iterable[str]) -> list[str]:
        """Learn words, as `words` gives them; returns those that are new."""
        new = list(dict.fromkeys(word for word in known if word not in self._known))
        self._known.update(new)
        for word in new:
            self._by_first[word[0]].append(word)
        return new

    def mend(self, text: str) -> str:
        """`text` with each unknown word of four letters or more as the known one that it is a
        slip of.

        Unchanged stay words in quotation marks, abbreviations and identifiers, all with digits, and
        a text that holds half as many words without any likeness here as known ones: it is in
        another language.
        """
        found = list(_WORD.finditer(_QUOTED.sub(lambda match: " " * len(match.group()), text)))
        if not self._known or len(found) > _MAX_WORDS:
            return text
        mended: list[tuple[int, int, str]] = []
        n_known = n_strange = 0
        for match in found:
            word = match.group()
            if word.casefold() in self._known:
                n_known += 1
                continue
            nearest = self._nearest(word)
            if nearest is None:
                n_strange += 1
            elif nearest != word.casefold():
                mended.append((match.start(), match.end(), _cased(nearest, word)))
        if 2 * n_strange > n_known:
            return text
        for start, end, word in reversed(mended):
            text = f"{text[:start]}{word}{text[end:]}"
        return text

    def _nearest(self, word: str) -> str | None:
        """The known word that it is a slip of; the word itself where it may be another form of a
        known one, or several are as near; None where nothing is near."""
        folded = word.casefold()
        if folded in _dictionary():
            return folded
        if not _MIN_CHARS <= len(word) <= _MAX_CHARS or not (word.islower() or word.istitle()):
            return None
        near = process.extract(
            folded,
            self._by_first.get(folded[0], ()),
            scorer=OSA.distance,
            score_cutoff=2 if len(word) >= _LONG_CHARS else 1,
            limit=None,
        )
        if not near:
            return None
        if stem(folded) in {stem(known) for known, _, _ in near}:
            return folded
        least = min(distance for _, distance, _ in near)
        best = [known for known, distance, _ in near if distance == least]
        # Forms of one word are one: the shortest that is as near.
        if len({stem(known) for known in best}) > 1:
            return folded
        return min(best, key=lambda known: (abs(len(known) - len(folded)), known))


def words(text: str) -> Iterator[str]:
    """The words of `text` that can be learnt, folded in case, in order."""
    for match in _WORD.finditer(text):
        if len(match.group()) <= _MAX_CHARS:
            yield match.group().casefold()


@lru_cache(maxsize=1)
def _dictionary() -> frozenset[str]:
    file = resources.files("symspellpy").joinpath("frequency_dictionary_en_82_765.txt")
    return frozenset(line.split(" ")[0] for line in file.read_text("utf-8-sig").splitlines())


def _cased(word: str, like: str) -> str:
    return word.capitalize() if like[0].isupper() else word
