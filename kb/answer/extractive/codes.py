"""Numbers and codes of a question: whether a text has them, or others in their place.

"E09" is not answered by what is said of E07, nor is "Breeze 500" by the Breeze 300.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from kb.text.scripts import COMMON_HAN
from kb.text.terms import fold_width

__all__ = ["Code", "codes"]

# Chinese goes on behind a code without a space: "E07是什么意思".
_LATIN_CODE = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z]{1,6})[-_ ]?(\d[A-Za-z0-9_.\-]*[A-Za-z0-9]|\d)(?![A-Za-z0-9])"
)
_BARE = re.compile(r"(?<![A-Za-z0-9.,])\d+(?:[.,]\d+)*(?![A-Za-z0-9%])")
_WORD_BEFORE = re.compile(r"(?<![^\W\d_])([^\W\d_]+)[\s\-]?$")
# What stands before any number says of none what it is the number of.
_NOT_NAMES = frozenset(
    "in of at on to by the a an for from since until than about and or is are was were with"
    " over under after before between every first last".split()
)
# Whoever asks names few; a pasted table has thousands.
_MAX_CODES = 32
_MAX_BEFORE = 40
_HAN = re.compile(f"[{COMMON_HAN}]")
_MONTH = re.compile(r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*")
# A number of things is no part of a name.
_COUNTED = re.compile(
    rf"\s?(?:[a-z%°]|[个人元块次天年月日号岁份件台条张页章节层楼米克公千毫厘平立小分秒周星度瓦伏安升寸万亿百十]"
    rf"|[{COMMON_HAN}]?以[上下内])"
)


@dataclass(frozen=True, slots=True)
class Code:
    """A number or code of a question.

    Attributes:
        text: In lower case.
        before: The word, or the two Chinese characters, that it follows; empty for none.
        present: Finds it; where it is the number of a name ("Breeze 500"), with that name.
        other: Finds another of the same shape: the same letters or the same word before it,
            with another number.
    """

    text: str
    before: str
    present: re.Pattern[str]
    other: re.Pattern[str] | None


def codes(question: str) -> tuple[Code, ...]:
    """The first numbers and codes in `question`: those with letters, then bare ones."""
    folded = fold_width(question)
    found: dict[str, Code] = {}
    taken: list[tuple[int, int]] = []
    for match in islice(_LATIN_CODE.finditer(folded), _MAX_CODES):
        letters, number = match.groups()
        if " " in match.group() and letters.islower():
            continue
        taken.append(match.span())
        number_pattern = re.escape(number)
        found[match.group().lower()] = Code(
            match.group().lower(),
            letters.lower(),
            _pattern(rf"(?<![A-Za-z]){letters}[-_ ]?{number_pattern}(?![A-Za-z0-9])"),
            _pattern(rf"(?<![A-Za-z]){letters}[-_ ]?(?!{number_pattern}(?![A-Za-z0-9]))\d"),
        )
    for match in islice(_BARE.finditer(folded), _MAX_CODES):
        if any(start <= match.start() < end for start, end in taken):
            continue
        before = _WORD_BEFORE.search(folded, max(0, match.start() - _MAX_BEFORE), match.start())
        word = before[1] if before else ""
        if _HAN.search(word):
            word = word[-2:]
        number = re.escape(match.group())
        bounded = rf"(?<![\d.,]){number}(?![.,]?\d)"
        other = None
        if word and word.lower() not in _NOT_NAMES:
            other = _pattern(rf"{re.escape(word)}[\s\-]?(?!{number}(?![.,]?\d))\d")
            if _is_name(word) and not _COUNTED.match(folded, match.end()):
                bounded = rf"{re.escape(word)}[\s\-]?{number}(?![.,]?\d)"
        found[match.group()] = Code(match.group(), word.lower(), _pattern(bounded), other)
    return tuple(found.values())


def _is_name(word: str) -> bool:
    """Whether a word before a number may be the name of what has that number."""
    if _MONTH.fullmatch(word):
        return False
    return word[0].isupper() or (len(word) == 2 and _HAN.match(word) is not None)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)
