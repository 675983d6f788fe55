"""Errors and notes in the language that is spoken.

What `kb` and `ingest` say of a failure is English: it is written into the log and the ledger, by
processes that know of no reader, and read by others later. So it is translated where it is shown: a
message is recognised by the words between its values, and said anew around the same values.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

from kb.masking import masked
from ui.language import ENGLISH, catalogue, spoken

__all__ = ["CONTEXT", "WORDS", "told"]

CONTEXT = "error"
"""Of these messages in the catalogues."""
WORDS = {
    "what": ("picture", "clip", "video", "recording"),
    "places": ("place", "places"),
    "remedy": ("MP3 or FLAC",),
    "doing": ("Reading", "Describing a picture of", "Reading the words in a picture of"),
    "tried": ("no password is known", "none of those that are known opens it"),
}
"""What such messages have as values of a name, and nobody else wrote. Of any other name the same
words may be those of a file."""
_OUR_WORDS = frozenset(word for words in WORDS.values() for word in words)
# By which names of one message are told apart.
_DIGITS = "0123456789"
_NAME = re.compile(r"\{(\w+)\}")
_SENTENCE_END = re.compile(r"(?<=[.?!]) ")
_MAX_DEPTH = 3
_MAX_CHARS = 2_000
_MAX_SENTENCES = 12


class _Template(NamedTuple):
    """A message of which the values are known when it is seen.

    Attributes:
        literals: What stands before, between and after the values.
        names: Of the values.
        said: The translation, with the names in braces.
    """

    literals: tuple[str, ...]
    names: tuple[str, ...]
    said: str

    def values(self, text: str) -> dict[str, str] | None:
        """What `text` has in place of each name; None where it is another message."""
        first, last = self.literals[0], self.literals[-1]
        if not text.startswith(first) or not text.endswith(last):
            return None
        if len(text) < len(first) + len(last):
            return None
        found = []
        at, end = len(first), len(text) - len(last)
        for literal in self.literals[1:-1]:
            next_at = text.find(literal, at, end)
            if next_at < 0:
                return None
            found.append(text[at:next_at])
            at = next_at + len(literal)
        found.append(text[at:end])
        return dict(zip(self.names, found, strict=True))


def told(message: object) -> str:
    """An error, or a note in the words of one, as the reader should see it, without secrets.

    What is not in the catalogue, such as the words of another program, stays as it is.
    """
    text = masked(str(message))
    if spoken() == ENGLISH or len(text) > _MAX_CHARS:
        return text
    return _said(text, spoken(), _MAX_DEPTH).text


class _Said(NamedTuple):
    """A text, and how many of its characters were known: words of messages, not of values."""

    n_known: int
    text: str


@lru_cache(maxsize=4_096)  # A list of files tells the same again at every tick.
def _said(text: str, language: str, depth: int) -> _Said:
    """`text`, which may be several messages one after the other, cut so that most of it is known:
    a message with a value in it could swallow its neighbours as that value."""
    sentences = _SENTENCE_END.split(text)
    if len(sentences) > _MAX_SENTENCES:
        return _matched(text, language, depth) or _Said(0, text)
    # The best way to say the first so many sentences.
    best = [_Said(0, "")]
    for end in range(1, len(sentences) + 1):
        ways = [_after(best[end - 1], _Said(0, sentences[end - 1]))]
        for start in range(end):
            found = _matched(" ".join(sentences[start:end]), language, depth)
            if found is not None:
                ways.append(_after(best[start], found))
        best.append(max(ways, key=lambda way: way.n_known))
    return best[-1]


def _matched(text: str, language: str, depth: int) -> _Said | None:
    """`text` as one message; None where it is none."""
    exact, templates = _known(language)
    if text in exact:
        return _Said(len(text), exact[text])
    for template in templates if depth else ():
        values = template.values(text)
        if values is not None:
            told = {
                name: _said_of(name, value, language, depth - 1) for name, value in values.items()
            }
            pieces = [
                told[piece].text if at % 2 else piece
                for at, piece in enumerate(_NAME.split(template.said))
            ]
            n_known = sum(map(len, template.literals)) + sum(one.n_known for one in told.values())
            return _Said(n_known, "".join(pieces))
    return None


def _said_of(name: str, value: str, language: str, depth: int) -> _Said:
    """The value of a name, which may be a message itself."""
    if value in _OUR_WORDS and value not in WORDS.get(name.rstrip(_DIGITS), ()):
        return _Said(0, value)
    return _said(value, language, depth)


def _after(before: _Said, then: _Said) -> _Said:
    """The two in a row: Chinese sentences need no space between them."""
    is_close = not before.text or before.text.endswith(("。", "？", "！"))
    text = f"{before.text}{then.text}" if is_close else f"{before.text} {then.text}"
    return _Said(before.n_known + then.n_known, text)


@cache
def _known(language: str) -> tuple[dict[str, str], list[_Template]]:
    """Messages without values, and those with values: those with the most words first."""
    exact: dict[str, str] = {}
    templates: list[_Template] = []
    for (context, message), said in catalogue(language).items():
        if context != CONTEXT:
            continue
        literals = tuple(_NAME.split(message)[::2])
        if len(literals) == 1:
            exact[message] = said
        else:
            templates.append(_Template(literals, tuple(_NAME.findall(message)), said))
    templates.sort(key=lambda one: -sum(map(len, one.literals)))
    return exact, templates
