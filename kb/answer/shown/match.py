"""The picture of the library that is like the one asked with, and what it is called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from kb.text.markdown import escape_markdown
from kb.text.scripts import COMMON_HAN
from kb.text.terms import Language
from kb.types import Hit, Kind, Locator, Modality

__all__ = ["CLOSEST", "best_match", "name_of", "names", "place"]

CLOSEST = {
    Language.ENGLISH: "The closest match is {place}",
    Language.CHINESE: "最相近的是{place}",
}
_PLACE = {
    Language.ENGLISH: ("{source}", "{source}, page {page}", "{source} at {time}"),
    Language.CHINESE: ("{source}", "{source} 第 {page} 页", "{source} {time} 处"),
}
# Cosine of picture descriptors under which two pictures are not the same one: on picture-copies
# edits of a picture reach at least 0.90, other pictures at most 0.66.
_MIN_PICTURE = 0.75
_MAX_NAME_CHARS = 60
_MAX_NAMES = 4
# What cameras, scanners and screens call their files.
_BY_MACHINE = re.compile(
    r"(?:img|dsc[nf]?|pxl|mvimg|vid|mov|p|wp|gopr|image|photo|picture|pic|scan|screen ?shot|capture"
    r"|untitled|frame|thumb(?:nail)?|fig(?:ure)?|微信图片|屏幕截图|截图|照片|图片|图像|扫描|视频|未命名"
    r"|of|at|copy|edited|am|pm)*",
    re.IGNORECASE,
)
_PROPER = re.compile(r"[A-Z][A-Za-z\d’'-]*(?: (?:[A-Z][A-Za-z\d’'-]*|\d[\d.-]*))*")
_MODEL = re.compile(
    rf"[{COMMON_HAN}]{{1,4}} ?\d{{1,5}}[A-Za-z]?|\b[A-Za-z]{{1,4}}-?\d{{1,5}}[A-Za-z]?\b"
)

_NUMBER = re.compile(r"^[^\W\d]+ (\d{2,4})$")


def best_match(hits: Sequence[Hit]) -> int | None:
    """The hit whose picture is most like the one that is asked with; None where none is."""
    best = max(range(len(hits)), key=lambda index: hits[index].picture or 0.0, default=None)
    return best if best is not None and _matches(hits[best]) else None


def _matches(hit: Hit) -> bool:
    """Whether a picture is evidence: by its descriptor, or by a dense encoder that reads
    pictures, whose first result is all that is known. Text that the words beside the picture
    found shows nothing."""
    if hit.picture is None:
        return hit.dense is not None and bool(hit.chunk.pictures)
    return hit.picture >= _MIN_PICTURE


def place(hit: Hit, language: Language) -> str:
    """Where a picture is, as Markdown: its file, with the page or the second."""
    return escape_markdown(_place(hit.source, hit.chunk.locator, hit.time_s, language))


def _place(source: str, locator: Locator, time_s: float | None, language: Language) -> str:
    whole, paged, timed = _PLACE[language]
    if time_s is None:
        time_s = locator.start_s
    if time_s is not None:
        minutes, seconds = divmod(int(time_s), 60)
        return timed.format(source=source, time=f"{minutes}:{seconds:02d}")
    if locator.page is not None:
        return paged.format(source=source, page=locator.page)
    return whole.format(source=source)


def name_of(hit: Hit) -> str:
    """What is shown, in words; the file's own name where nothing says it."""
    return next(iter(names(hit)), PurePosixPath(hit.source).stem)


def names(hit: Hit) -> list[str]:
    """Names under which what is shown may be spoken of elsewhere, the fullest first: the caption
    or heading of a picture within a document, the title, the file's name; each also by its proper
    name alone, and by the number of its model."""
    chunk = hit.chunk
    said = [chunk.title, PurePosixPath(hit.source).stem]
    if chunk.kind not in (Kind.IMAGE, Kind.VIDEO):
        caption = chunk.text if chunk.modality is Modality.IMAGE else ""
        said = [*caption.splitlines()[:2], *reversed(chunk.headings), *said]
    full = [name for name in map(_tidy, said) if name]
    short = [found for name in full for found in _proper(name)]
    # A model's number is the same in every language.
    numbers = [number[1] for name in short if (number := _NUMBER.search(name))]
    return list(dict.fromkeys((*full[:2], *short, *numbers)))[:_MAX_NAMES]


def _tidy(name: str) -> str:
    """`name` in words, or empty where a machine gave it or it is no name but a text."""
    words = " ".join(re.sub(r"[_]+|(?<=[a-z])-(?=[a-z])", " ", name).split()).strip(" .。:：#*")
    letters = re.sub(r"[\W\d]+", " ", words).strip()
    if (
        len(words) > _MAX_NAME_CHARS
        or not letters
        or _BY_MACHINE.fullmatch(letters.replace(" ", ""))
    ):
        return ""
    return words


def _proper(name: str) -> list[str]:
    """The proper name in a name: capitalised words and numbers in a row, a model's number."""
    found = [*_MODEL.finditer(name), *_PROPER.finditer(name)]
    return [one.group() for one in found if one.group() != name and len(one.group()) > 1]
