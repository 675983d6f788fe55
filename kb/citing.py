"""Citations in text that is still being written."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["CitationScanner", "Cited"]

_MAX_RANGE = 20
_FENCE = 3  # backticks from which code may hold blank lines
# One bracket with numbers in it: [1], [1, 2], [1-3], 【1】, [^1], as models write them.
_LIST = r"\^?\d{1,3}(?:\s{0,2}[,，、;；–-]\s{0,2}\^?\d{1,3})*"
_OUTSIDE = re.compile(
    rf"\\.|(?P<ticks>`+)|[\[【]\s{{0,2}}(?P<list>{_LIST})\s{{0,2}}[\]】]", re.DOTALL
)
_IN_CODE = re.compile(r"(?P<ticks>`+)|\n\s*\n")
# The end of a piece that may still become one of those.
_BEGUN_OUTSIDE = re.compile(r"(?:\\|`+|[\[【][\s\d^,，、;；–-]{0,60})$")
_BEGUN_IN_CODE = re.compile(r"(?:`+|\n\s*)$")


@dataclass(frozen=True, slots=True)
class Cited:
    """One bracket with the numbers in it, in order, each once."""

    numbers: tuple[int, ...]


class CitationScanner:
    """Splits text, as it comes in pieces, into text and citations.

    Code between backticks is left alone, and so is a bracket after a backslash. A piece that
    may be the beginning of a citation is held back until it is clear what it is.
    """

    def __init__(self) -> None:
        self._held = ""
        self._code = ""  # the backticks that opened the code we are in

    def feed(self, text: str) -> list[str | Cited]:
        """What is clear after `text`."""
        self._held += text
        return self._scan(is_end=False)

    def end(self) -> list[str | Cited]:
        """What was held back, as it is written, since nothing follows."""
        return self._scan(is_end=True)

    def _scan(self, *, is_end: bool) -> list[str | Cited]:
        text = self._held
        found: list[str | Cited] = []
        last = at = 0
        while match := (_IN_CODE if self._code else _OUTSIDE).search(text, at):
            ticks = match["ticks"] or ""
            if ticks and match.end() == len(text) and not is_end:
                break  # the run may go on
            at = match.end()
            if self._code:
                if self._is_closed_by(ticks):
                    self._code = ""
            elif ticks:
                self._code = ticks
            elif numbers := match["list"]:
                if match.start() > last:
                    found.append(text[last : match.start()])
                found.append(Cited(_numbers(numbers)))
                last = at
        begun = (_BEGUN_IN_CODE if self._code else _BEGUN_OUTSIDE).search(text, at)
        clear = begun.start() if begun and not is_end else len(text)
        if last < clear:
            found.append(text[last:clear])
        self._held = text[clear:]
        return found

    def _is_closed_by(self, ticks: str) -> bool:
        """A run as long closes; a paragraph's end shows that it never was code."""
        if len(self._code) >= _FENCE:
            return len(ticks) >= len(self._code)
        return ticks in ("", self._code)


def _numbers(written: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in re.split(r"[,，、;；]", written):
        first, *_, last = [*map(int, re.findall(r"\d+", part))] * 2
        numbers += range(first, last + 1) if 0 <= last - first < _MAX_RANGE else [first]
    return tuple(dict.fromkeys(numbers))
