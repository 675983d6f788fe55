"""The mark by which a chat model says that the sources hold no answer."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["NOT_FOUND", "AnswerText"]

NOT_FOUND: Final = "NOT_FOUND"

_NAME = r"NOT\\?_FOUND(?!\w)"  # some escape the underscore
_BEGUN_NAME = "|".join(
    sorted({form[:n] for form in (NOT_FOUND, "NOT\\_FOUND") for n in range(1, len(form) + 1)})
).replace("\\", "\\\\")
# What stands around it: quotes, brackets, emphasis, code, and what closes a sentence.
_OPENING = "*_`~\"'“‘「『([【<"
_OPENS = _OPENING.replace("[", r"\[")
_BESIDE = rf"\s{_OPENS}”’」』)\]】>"
_AROUND = rf"\s{_OPENS}”’」』)\]】>#.,;:!?。，、；：！？…–—-"
_AT_START = re.compile(rf"[{_AROUND}]*{_NAME}")
_BEGUN_AT_START = re.compile(rf"[{_AROUND}]*(?:{_BEGUN_NAME})?\Z")
_BEGUN_AT_END = re.compile(
    rf"(?<![{_BESIDE}])[{_BESIDE}]*+(?:{_NAME}[{_AROUND}]*+|(?:{_BEGUN_NAME})\Z|\Z)\Z"
)
_AT_END = re.compile(rf"(?P<before>[\W_]*+){_NAME}[{_AROUND}]*+\Z")
_AFTER = re.compile(rf"[{_AROUND}]*")
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)+")
_SENTENCE_END = re.compile(rf"(?:\A|[.!?。！？…\]】])[\s{_OPENS}”’」』)]*\Z")
_N_REMEMBERED = 16  # characters: enough to tell whether a sentence has ended


class AnswerText:
    """Tells a model's answer, as it is written, from the mark, with or without words after it;
    and takes the mark from an answer's end.

    Args:
        question: Where it names the mark, an answer may do so too.
    """

    def __init__(self, question: str) -> None:
        self._is_word = NOT_FOUND in question
        self._held = ""
        self._written = ""  # the end of it
        self._has_begun = False

    @property
    def is_not_found(self) -> bool:
        """Whether there is no answer, so far."""
        return not self._has_begun

    @property
    def said(self) -> str:
        """What the model says after the mark."""
        mark = _AT_START.match(self._held)
        return _AFTER.sub("", self._held[mark.end() :], count=1).rstrip("*_~` \n") if mark else ""

    def feed(self, piece: str) -> str:
        """The text that is surely the answer's after `piece`."""
        self._held += piece
        if not self._has_begun:
            # A model's line breaks before the answer; an indent means something.
            if blank := _BLANK_LINES.match(self._held):
                self._held = self._held[blank.end() :]
            if _BEGUN_AT_START.match(self._held):
                return ""
            mark = _AT_START.match(self._held)
            if mark and not (self._is_word and _AFTER.sub("", self._held[mark.end() :], count=1)):
                return ""
            self._has_begun = True
        begun = None if self._is_word else _BEGUN_AT_END.search(self._held)
        clear = begun.start() if begun else len(self._held)
        ready, self._held = self._held[:clear], self._held[clear:]
        self._written = (self._written + ready)[-_N_REMEMBERED:]
        return ready

    def end(self, *, is_cited: bool) -> str:
        """What was held back of the answer, without the mark.

        Args:
            is_cited: The answer cites a source, so that in its last sentence the mark may be one
                of its words.
        """
        if not self._has_begun:
            return ""
        mark = _AT_END.match(self._held) if "FOUND" in self._held else None
        if mark is None or "```" in self._held:
            return self._held
        spaced = mark["before"].rstrip(_OPENING)
        kept = spaced.rstrip()
        if "_" in kept:
            return self._held
        space = spaced[len(kept) :]
        is_apart = bool(_SENTENCE_END.search(self._written + kept)) or "\n" in space
        is_last_word = bool(space) and "`" not in self._held and not is_cited
        return kept if is_apart or is_last_word else self._held
