"""Words shown in a video, each with the seconds at which it is on screen.

Reading a picture takes far longer than decoding it, and most pictures show what the one
before showed. So only pictures that differ are read; where everything moves, one in some
seconds, for words that are meant to be read stand for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ingest.decode.pictures import encode_jpeg
from ingest.decode.subtitles import Cue
from ingest.parsers.base import OcrText
from kb.types import EncodedImage

__all__ = ["ScreenReading", "ScreenText", "is_same_line", "looks_same"]

# Pictures are compared as the mean grey of 32 x 18 blocks: compression moves a block's mean by
# a level or two, a changed line of text by ten and more.
_GRID = (32, 18)
_SAME_LEVELS = 8
_MOVING_READ_EVERY_S = 4.0
_SAME_LINE_RATIO = 0.85

_Look = NDArray[np.int16]


@dataclass(slots=True)
class _Line:
    start_s: float
    end_s: float
    text: str
    is_on: bool


class ScreenReading:
    """Reads words of pictures as long as there is time for it.

    Args:
        limit_s: Seconds that reading may take in all; the last reading may take longer.

    Attributes:
        spent_s: Seconds that it took so far.
        is_over: Something was not read any more.
    """

    def __init__(self, read_words: Callable[[EncodedImage], OcrText], limit_s: float) -> None:
        self._read_words = read_words
        self._limit_s = limit_s
        self.spent_s = 0.0
        self.is_over = False

    def read(self, image: EncodedImage) -> OcrText:
        """The words of a picture; none when the time is up."""
        if self.spent_s > self._limit_s:
            self.is_over = True
            return OcrText("", ())
        start_s = time.monotonic()
        try:
            return self._read_words(image)
        finally:
            self.spent_s += time.monotonic() - start_s


class ScreenText:
    """Collects the words of one window, from its pictures in order of time."""

    def __init__(self, read_words: Callable[[EncodedImage], OcrText]) -> None:
        self._read_words = read_words
        self._lines: list[_Line] = []
        self._read_look: _Look | None = None
        self._read_s = 0.0
        self._waiting: tuple[float, Image.Image, _Look] | None = None
        self._stayed = self._stayed_before = False

    def add(self, time_s: float, picture: Image.Image) -> None:
        """The next picture; the one before is read now, if it is to be read."""
        look = _look(picture)
        stays = self._waiting is not None and looks_same(self._waiting[2], look)
        self._decide(stays)
        self._stayed_before, self._stayed = self._stayed, stays
        self._waiting = (time_s, picture, look)

    def finish(self, end_s: float) -> tuple[Cue, ...]:
        """Each line once, in order of its first second.

        Args:
            end_s: The end of the window: of lines that are still on screen.
        """
        self._decide(stays=False)
        self._waiting = None
        return tuple(
            Cue(line.start_s, end_s if line.is_on else line.end_s, line.text)
            for line in self._lines
        )

    def _decide(self, stays: bool) -> None:
        if self._waiting is None:
            return
        time_s, picture, look = self._waiting
        if self._read_look is not None:
            if looks_same(self._read_look, look):
                return
            # A cut from a still picture, or to one, is read at once.
            is_moving = not (stays or self._stayed or self._stayed_before)
            if is_moving and time_s - self._read_s < _MOVING_READ_EVERY_S:
                return
        self._read_look, self._read_s = look, time_s
        self._take(time_s, self._read_words(encode_jpeg(picture)).text.splitlines())

    def _take(self, time_s: float, texts: Sequence[str]) -> None:
        shown = [text for text in (" ".join(text.split()) for text in texts) if _is_words(text)]
        for line in self._lines:
            if line.is_on and not any(is_same_line(line.text, text) for text in shown):
                line.is_on, line.end_s = False, time_s
        for text in shown:
            if not any(is_same_line(line.text, text) for line in self._lines):
                self._lines.append(_Line(time_s, time_s, text, is_on=True))


def _is_words(text: str) -> bool:
    # A lone letter is what OCR sees in window frames and lamp posts.
    return sum(char.isalnum() for char in text) > 1


def is_same_line(one: str, other: str) -> bool:
    """Whether two readings are of the same line, give or take a misread letter."""
    one, other = one.casefold(), other.casefold()
    if one == other:
        return True
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.real_quick_ratio() >= _SAME_LINE_RATIO and matcher.ratio() >= _SAME_LINE_RATIO


def looks_same(one: _Look, other: _Look) -> bool:
    """Whether no block of one picture differs visibly from that of the other."""
    return bool(np.abs(one - other).max() <= _SAME_LEVELS)


def _look(picture: Image.Image) -> _Look:
    grey = picture.convert("L").resize(_GRID, Image.Resampling.BOX)
    return np.asarray(grey).astype(np.int16)
