"""Whether a question may be English."""

from __future__ import annotations

import re

from kb.text.scripts import HAN, KANA
from kb.text.terms import fold_width

__all__ = ["may_be_english"]

_WORD = re.compile(r"[^\W\d_]+")
_EAST_ASIAN = re.compile(f"[{HAN}{KANA}]")
_LATIN = re.compile("[a-z\u00df-\u00f6\u00f8-\u024f\u1e00-\u1eff]")
# Words of grammar that hardly any other language in Latin letters has.
_ENGLISH = frozenset(
    """about and are because between can could did does from has have how if its please should tell
    than that the their there these they this those through were what when where which while who
    whom whose why with without would you your""".split()
)
# Of German, French, Spanish, Italian, Portuguese, Dutch, Polish, Swedish, Indonesian and Turkish,
# written without marks; none is an English word that is asked about.
_OTHERS = frozenset(
    """das dem der ein eine einem einen einer es gibt ich ist mit nicht oder sind und vom von wann
    warum welche welchem welchen welcher welches wer wie wieviel wird wo zu zum zur auf bei nach
    au aux avec ce cette combien comment dans de des du elle est et il je la le les leur mais ne ou
    pas pour pourquoi quand que quel quelle quelles quels qui quoi sont sur une
    como cual cuales cuando cuanto del donde el en ella ellos las los para pero por porque quien
    se una
    che chi cosa dei della delle di gli lo nel nella quale quali quando quanto quanta sono
    ao em esse essa foi na nos nas onde qual quem uma
    aan bij dat een hoe hoeveel het ik kun maar naar niet van voor waar waarom wanneer wat welke
    wie worden zijn
    czy gdzie ile jak jaka jaki jakie jest kiedy kto nie oraz przez sie
    av det detta ett hur och om som vad
    adalah apa apakah bagaimana berapa dari dengan ini itu kapan mana siapa yang untuk
    hangi nasil neden nerede ve zaman""".split()
)


def may_be_english(text: str) -> bool:
    """Whether `text` has words of English grammar, or is in plain letters without those of
    another language, as names, codes and words alone are."""
    words = _WORD.findall(fold_width(text))
    lowered = [word.lower() for word in words]
    # A Chinese word is about two characters.
    n_foreign = len(_EAST_ASIAN.findall(text)) / 2 + sum(
        1 for word in lowered if not _LATIN.match(word) and not _EAST_ASIAN.match(word)
    )
    n_latin = sum(1 for word in lowered if _LATIN.match(word))
    if n_foreign and n_foreign >= n_latin:
        return False
    # What is in capitals is more likely a name: LA, ET.
    n_others = sum(
        1
        for word, low in zip(words, lowered, strict=True)
        if low in _OTHERS and word != word.upper()
    )
    n_english = sum(1 for low in lowered if low in _ENGLISH)
    if n_english and n_english >= n_others:
        return True
    # A text in English may hold a name with an accent, degrees in Celsius, or a word of code that
    # another language has too.
    n_marked = sum(1 for low in lowered if not low.isascii())
    return max(n_others, n_marked) * 10 <= len(words)
