"""What a question asks for, by its words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from kb.answer.extractive.asked import Asked, asks_for_steps, what_is_asked
from kb.answer.extractive.codes import Code, codes
from kb.answer.extractive.medium import without_medium
from kb.answer.extractive.units_asked import UnitAsked, unit_asked
from kb.text.chinese import names
from kb.text.quantities import DIGITS, NUMBER_WORDS
from kb.text.scripts import COMMON_HAN
from kb.text.terms import Language, content_terms, fold, fold_width, language, terms
from kb.types import Modality

__all__ = ["Question"]

# What manuals say for one another.
_ALIKE = (("change", "replace", "swap"), ("fix", "repair", "mend"), ("buy", "purchase"))
_ALIKE_STEMS = tuple(
    frozenset(term.stem for word in words for term in content_terms(word)) for words in _ALIKE
)
# Whatever a document is about is called so, by its readers more than in itself.
_ANY_THING = frozenset(
    term.stem for term in content_terms("device machine product appliance gadget thing")
)
_A_NUMBER = rf"(?:\d|\b(?:{NUMBER_WORDS})\b|[一二三四五六七八九十百千万两半])"


_SPAN = "second|minute|hour|day|night|week|month|year"


class _Shape(NamedTuple):
    asked: re.Pattern[str]
    answer: re.Pattern[str]
    bonus: float
    is_amount: bool


def _shape(asked: str, answer: str, bonus: float, *, is_amount: bool = False) -> _Shape:
    return _Shape(
        re.compile(asked, re.IGNORECASE), re.compile(answer, re.IGNORECASE), bonus, is_amount
    )


# What is asked for, what then stands in an answer, and how much that says. The first that
# fits counts.
_SHAPES = (
    _shape(
        r"\bhow often\b|多久一次|多长时间一次|几(?:天|年|个?月|小时)一次",
        rf"\b(?:every|each|per) (?:\w+ ){{0,2}}?(?:{_SPAN})s?\b|\b(?:daily|weekly|monthly|yearly"
        rf"|annually|once an?|twice an?)\b|\b(?:lasts?|after|up to|at least) (?:\w+ ){{0,2}}?"
        rf"{_A_NUMBER}[^.。\n]{{0,8}}?\b(?:{_SPAN})s?\b"
        r"|每[^。\n]{0,8}?(?:秒|分钟?|小时|天|日|周|星期|月|年|次)",
        0.65,
    ),
    _shape(
        r"\bhow (?:long|soon|old)\b|多久|多长时间|几(?:天|年|个?月|小时|分钟)"
        r"|多少(?:天|年|个?月|小时|分钟)",
        rf"{_A_NUMBER}[^.。\n]{{0,12}}?(?:\b(?:second|minute|hour|day|week|month|year|s|min|h)"
        r"s?\b|秒|分钟?|小时|天|日|周|星期|月|年)",
        0.2,
        is_amount=True,
    ),
    _shape(
        r"\b(?:what|which) (?:date|day|year|month)\b|^\W*when\b|何时|什么时候|哪一?[年天日]|日期",
        r"\b(?:1\d|20)\d\d\b|\d{1,2}[./\-]\d{1,2}[./\-]\d{2,4}|[一二三四五六七八九十\d][年月日]"
        r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|\d{1,2}:\d\d",
        0.2,
    ),
    _shape(r"\bhow (?:loud|noisy)\b|噪声|噪音", r"\d\s*(?:dB|decibel|分贝)", 0.3),
    _shape(r"\bhow heavy\b|\bweighs?\b|多重", r"\d\s*(?:kg|g|lbs?|gram|千克|公斤|克)", 0.3),
    _shape(
        r"\bhow (?:many|much|far|big|large|tall|high|fast|tight)\b"
        r"|\bwh(?:at|ich) (?:\w+ )?(?:time|price|number|size|percentage|version|temperature"
        r"|total|rate|code)\b"
        r"|多少|几[^乎]|多[大高远]|时间|价格|比例",
        _A_NUMBER,
        0.15,
        is_amount=True,
    ),
)
_MEDIA = (
    (re.compile(r"\b(?:film|video|clip|movie)\b|视频|影片|短片", re.IGNORECASE), Modality.VIDEO),
    (
        re.compile(
            r"\b(?:photo\w*|picture|image|chart|screenshot|receipt)s?\b|图片|照片|图表|截图|收据",
            re.IGNORECASE,
        ),
        Modality.IMAGE,
    ),
)


# Not the first word, which has its capital for nothing; but HomeKit is a name wherever it stands.
# "I'm" is none.
_NAME = re.compile(
    rf"(?<=[\w,;:'\"){COMMON_HAN}] )(?<!\. )(?!I['’])[A-Z][\w'’-]+|(?<![a-z])[A-Z]?[a-z]+[A-Z]\w+|"
    rf"(?<=[{COMMON_HAN}])[A-Za-z][A-Za-z\d_]+"
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question taken apart once.

    Attributes:
        text: As it was asked, without the words that say that its answer stands in a film: they
            would be looked for as if they were what it is about.
        stems: Different content terms, in order.
        asks_how: It asks for steps.
        same: Stems and digits that say the same as one among `stems`, which they stand for.
        shape: What stands in an answer: a number, a date, a length of time.
        shape_bonus: How much it says for a passage that it holds such.
        asks_amount: A bare number may be the answer, its unit standing elsewhere.
        medium: The kind of thing it names as the place of the answer ("in the film").
        is_placed: It says that the answer stands in a film.
        asked: What it asks for.
        asking: Stems of the words that ask for it, which an answer says by its unit: what has
            "40 dB" need not have "loud".
        codes: Its numbers and codes.
        unit: The unit it wants its number in.
        names: Words with a capital letter within it, in lower case, without what inflects them,
            and Chinese names.
        pairs: Stems that follow each other.
    """

    text: str
    stems: tuple[str, ...]
    language: Language
    asks_how: bool
    same: Mapping[str, str]
    shape: re.Pattern[str] | None
    shape_bonus: float
    asks_amount: bool
    medium: Modality | None
    is_placed: bool
    asked: Asked
    asking: frozenset[str]
    codes: tuple[Code, ...]
    unit: UnitAsked | None
    names: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]

    def names_absent(self, text: str) -> float:
        """The share of its names that `text` lacks; 0 where it has none."""
        if not self.names:
            return 0.0
        lower = fold(text).lower()
        return sum(name not in lower for name in self.names) / len(self.names)

    def without_codes(self, text: str) -> str:
        """`text` without the numbers and codes of the question."""
        for code in self.codes:
            text = code.present.sub(" ", text)
        return text

    @classmethod
    def of(cls, text: str) -> Question:
        """`text` taken apart."""
        placed = without_medium(text)
        medium = next((one for named, one in _MEDIA if named.search(fold_width(text))), None)
        text = text if placed is None else placed
        folded = fold_width(text)
        stems = _stems(text)
        asks_how = asks_for_steps(text)
        shape = next((shape for shape in _SHAPES if shape.asked.search(folded)), None)
        asked, words = what_is_asked(text)
        return cls(
            text=text,
            stems=stems,
            language=language(text),
            asks_how=asks_how,
            same=_same(stems, asks_how=asks_how),
            shape=shape.answer if shape else None,
            shape_bonus=shape.bonus if shape else 0.0,
            asks_amount=shape is not None and shape.is_amount,
            medium=medium,
            is_placed=placed is not None,
            asked=asked,
            asking=frozenset(term.stem for term in terms(words)),
            codes=codes(text),
            unit=unit_asked(folded),
            names=(*_names(folded), *names(text)),
            pairs=tuple(dict.fromkeys(pairwise(stems))),
        )


def _stems(text: str) -> tuple[str, ...]:
    stems = tuple(dict.fromkeys(term.stem for term in content_terms(text)))
    return tuple(stem for stem in stems if stem not in _ANY_THING) or stems


def _names(text: str) -> tuple[str, ...]:
    found = (match.group().lower() for match in _NAME.finditer(text))
    return tuple(dict.fromkeys(name.removesuffix("'s").rstrip("s") for name in found))


def _same(stems: Sequence[str], *, asks_how: bool) -> dict[str, str]:
    digits = {DIGITS[stem]: stem for stem in stems if stem in DIGITS}
    if not asks_how:
        return digits
    # Only of what one does: "replace the filter" says how, and not how often it is changed.
    alike = {
        other: stem
        for stem in stems
        for group in _ALIKE_STEMS
        if stem in group
        for other in group - set(stems)
    }
    return digits | alike
