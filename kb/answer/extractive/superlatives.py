"""Whether a superlative means the largest or the smallest of what a chart measures, and a
comparative more or less of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from kb.answer.tables.lexicon import CONCEPTS, english_forms
from kb.text.terms import content_terms

__all__ = ["COMPARATIVE", "SUPERLATIVE", "is_largest_meant", "is_more_meant"]

_HIGH = r"best|most|highest|largest|biggest|greatest|maximum|peak|strongest"
_LOW = r"worst|least|lowest|smallest|fewest|minimum|weakest|poorest"
# Nouns and verbs that end alike.
_NO_SUPERLATIVES = (
    r"(?:(?:re|con)?quest|(?:har|in|di)vest|digest|forest|interest|guest|protest|contest|suggest"
    r"|honest|modest|arrest|manifest|request|chest|crest|priest|southwest|northwest|midwest)\b"
)
# Of text in small letters.
SUPERLATIVE = re.compile(
    rf"\b(?P<high>{_HIGH})\b|\b(?P<low>{_LOW})\b|\b(?!{_NO_SUPERLATIVES})(?P<word>[a-z]{{3,}})est\b|最(?P<han>[^\s，。？?]{{1,2}})"
)
_MORE = r"more|higher|larger|bigger|greater|better|stronger"
_LESS = r"less|fewer|lower|smaller|worse|weaker|poorer"
_ADJECTIVES = [word for one in CONCEPTS.values() for word in (*one.high, *one.low)]
_COMPARATIVES = sorted(
    {form for word in _ADJECTIVES for form in (english_forms(word)[0], f"(?:more|less) {word}")}
    - set(f"{_MORE}|{_LESS}".split("|")),
    key=len,
    reverse=True,
)
_HAN = "".join(
    sorted(
        {
            word
            for one in CONCEPTS.values()
            for word in (*one.high_chinese, *one.low_chinese)
            if len(word) == 1
        }
        | set("多高大好强少低小差弱")
    )
)
# Of text in small letters.
COMPARATIVE = re.compile(
    rf"\b(?P<word>{'|'.join(_COMPARATIVES)})\b|\b(?P<high>{_MORE})\b|\b(?P<low>{_LESS})\b"
    rf"|(?:更|比较|哪[^，。？?]{{0,8}}?|比[^，。？?]{{1,16}}?)(?P<han>[{_HAN}])(?=[吗呢嘛么些一点多少几]|\W|$)"
)
_HAN_HIGH, _HAN_LOW = "多高大好强畅", "少低小差弱"


def is_largest_meant(found: re.Match[str], written: str) -> bool | None:
    """Whether the largest number is meant by a match of `SUPERLATIVE`; None where it is not said
    of what a chart measures, by the words and the unit that are `written` on it."""
    return _is_high(found, found.group(), written, _superlatives)


def is_more_meant(found: re.Match[str], written: str) -> bool | None:
    """Likewise whether more is meant by a match of `COMPARATIVE`."""
    return _is_high(found, found["han"] or found.group(), written, _comparatives)


def _is_high(
    found: re.Match[str],
    said: str,
    written: str,
    forms: Callable[[Iterable[str], Iterable[str]], list[str]],
) -> bool | None:
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
            (forms(concept.high, concept.high_chinese), True),
            (forms(concept.low, concept.low_chinese), False),
        ):
            if any(said.startswith(word) for word in words):
                return is_high
    return None


def _stems(text: str) -> frozenset[str]:
    return frozenset(term.stem for term in content_terms(text))


def _comparatives(english: Iterable[str], chinese: Iterable[str]) -> list[str]:
    """``heavier`` of ``heavy``, ``重``."""
    words = list(english)
    return [*(english_forms(word)[0] for word in words), *(f"more {w}" for w in words), *chinese]


def _superlatives(english: Iterable[str], chinese: Iterable[str]) -> list[str]:
    """Superlatives: ``heaviest`` of ``heavy``, ``最重`` of ``重``."""
    regular = [re.sub(r"y$", "i", word).removesuffix("e") + "est" for word in english]
    doubled = [word + word[-1] + "est" for word in english]
    return [*regular, *doubled, *(f"最{word}" for word in chinese)]
