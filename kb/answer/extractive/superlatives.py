"""Whether a superlative means the largest or the smallest of what a chart measures."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kb.answer.tables.lexicon import CONCEPTS
from kb.text.terms import content_terms

__all__ = ["SUPERLATIVE", "is_largest_meant"]

_HIGH = r"best|most|highest|largest|biggest|greatest|maximum|peak|strongest"
_LOW = r"worst|least|lowest|smallest|fewest|minimum|weakest|poorest"
# Of text in small letters.
SUPERLATIVE = re.compile(
    rf"\b(?P<high>{_HIGH})\b|\b(?P<low>{_LOW})\b|\b(?P<word>[a-z]{{3,}})est\b|最(?P<han>[^\s，。？?]{{1,2}})"
)
_HAN_HIGH, _HAN_LOW = "多高大好强畅", "少低小差弱"


def is_largest_meant(found: re.Match[str], written: str) -> bool | None:
    """Whether the largest number is meant by a match of `SUPERLATIVE`; None where it is not said
    of what a chart measures, by the words and the unit that are `written` on it."""
    if found["high"] or found["low"]:
        return bool(found["high"])
    if (han := found["han"]) and han[0] in _HAN_HIGH + _HAN_LOW:
        return han[0] in _HAN_HIGH
    stems = _stems(written)
    for concept in CONCEPTS.values():
        is_measured = (
            concept.english & stems
            or any(word in written for word in concept.chinese)
            or stems & {stem for unit in concept.units for stem in _stems(unit)}
        )
        if not is_measured:
            continue
        for words, is_high in (
            (_forms(concept.high, concept.high_chinese), True),
            (_forms(concept.low, concept.low_chinese), False),
        ):
            if any(found.group().startswith(word) for word in words):
                return is_high
    return None


def _stems(text: str) -> frozenset[str]:
    return frozenset(term.stem for term in content_terms(text))


def _forms(english: Iterable[str], chinese: Iterable[str]) -> list[str]:
    """Superlatives: ``heaviest`` of ``heavy``, ``最重`` of ``重``."""
    regular = [re.sub(r"y$", "i", word).removesuffix("e") + "est" for word in english]
    doubled = [word + word[-1] + "est" for word in english]
    return [*regular, *doubled, *(f"最{word}" for word in chinese)]
