"""What is usual in a document, learned from all its pages before any is laid out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from ingest.parsers.pdf.shelf import Shelf
from ingest.parsers.pdf.text import Line, PageText
from kb.text.scripts import CJK_MARKS, HAN, KANA

__all__ = ["Style", "is_page_number", "is_running", "joiner", "learn_style", "running_key"]

MARGIN = 0.12  # Of the page's height: where running headers and page numbers stand.
N_MARGIN_ROWS = 3
MAX_WORD_CHARS = 80

_LETTER = re.compile(r"[^\W\d_]")
_DIGITS = re.compile(r"\d+")
_ROMAN = re.compile(r"[ivxlc]{1,7}")
_PAGE_WORDS = frozenset(
    """page pages of p pp seite seiten von s sur pagina página págs pag pág di de da strona z str
    стр страница из sida av side sivu stránka sayfa 页 頁 第 共 页共 頁共 ページ""".split()
)
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LAST_WORD = re.compile(r"(?<![^\W\d_])(?<![^\W\d_]-)[^\W\d_]++(?:-[^\W\d_]++)*+$")
# Scripts that are written without spaces between words.
_CJK = re.compile(f"[{HAN}{KANA}{CJK_MARKS}]")


@dataclass(slots=True)
class Style:
    """What is usual in a document.

    Attributes:
        body_size: Font size of most characters, points.
        bold_body: Most characters are bold, so that bold marks nothing.
        running: Keys of lines that repeat at the same height of several pages.
        words: How often each word, each hyphenated compound and each part of one occurs.
    """

    body_size: float = 10.0
    bold_body: bool = False
    running: frozenset[tuple[str, int]] = frozenset()
    words: Counter[str] = field(default_factory=Counter)


def learn_style(pages: Shelf[PageText]) -> Style:
    """The style of a document from the lines of all its pages."""
    style = Style()
    sizes: Counter[float] = Counter()
    n_bold = n_all = 0
    for page in pages.values():
        is_cut = False
        for line in page.lines:
            n = len(line.text)
            sizes[line.size] += n
            n_all += n
            n_bold += n * line.bold
            words = _WORD.findall(line.text)
            # Of a word that is cut at a line's end, neither half is one.
            words = words[is_cut : len(words) - line.text.endswith("-")]
            is_cut = line.text.endswith("-")
            style.words.update(words)
            style.words.update(part for word in words if "-" in word for part in word.split("-"))
    if sizes:
        style.body_size = sizes.most_common(1)[0][0]
    style.bold_body = 2 * n_bold > n_all
    style.running = _running(pages, style.body_size)
    return style


def is_running(page: PageText, style: Style) -> set[int]:
    """The ``id()`` of the lines of `page` that are running headers, footers, page numbers."""
    if not style.running:
        return set()
    return {id(line) for line in _margin_lines(page) if running_key(line, page) in style.running}


def is_page_number(text: str) -> bool:
    """Whether a line says no more than which page it is on."""
    words = _WORD.findall(text.casefold())
    return all(word in _PAGE_WORDS or _ROMAN.fullmatch(word) for word in words)


def joiner(before: str, after: str, style: Style) -> tuple[str, str]:
    """How a line goes on in the next one of its paragraph.

    Returns:
        `before`, without its hyphen where that only marks the line's end, and what stands
        between the two: a space, or nothing.
    """
    if before.endswith("\u00ad"):
        return before[:-1], ""
    if before.endswith(("-", "\u2010")) and before[-2:-1].isalpha():
        head, tail = _LAST_WORD.search(before[:-1][-MAX_WORD_CHARS:]), _WORD.match(after)
        if head is None or tail is None or not after[0].islower():
            return before, ""
        return (before if _is_compound(head[0], tail[0], style) else before[:-1]), ""
    if _CJK.match(before[-1:]) or _CJK.match(after):
        return before, ""
    return before, " "


def _is_compound(head: str, tail: str, style: Style) -> bool:
    """Whether a hyphen at a line's end belongs to the word, going by the document's words."""
    whole, compound = style.words[head + tail], style.words[f"{head}-{tail}"]
    if "-" in head or whole != compound:
        return "-" in head or compound > whole
    # Neither occurs: two words that the document has, or a word cut at a syllable.
    return bool(style.words[head] and style.words[tail])


def running_key(line: Line, page: PageText) -> tuple[str, int]:
    """What the same running line has on every page: its words and its height, numbers aside."""
    text = _DIGITS.sub("#", line.text.casefold())
    if _ROMAN.fullmatch(text):
        text = "#"
    return text, round(line.box.y0 / page.height * 50)


def _margin_lines(page: PageText) -> list[Line]:
    """The outermost rows at the top and the bottom of a page."""
    result: list[Line] = []
    ordered = sorted(page.lines, key=lambda line: line.box.y0)
    for lines, is_top in ((ordered, True), (ordered[::-1], False)):
        heights: list[float] = []
        for line in lines:
            y = line.box.y1 if is_top else page.height - line.box.y0
            if y > MARGIN * page.height:
                break
            if not heights or abs(line.box.y0 - heights[-1]) > 3:
                heights.append(line.box.y0)
            if len(heights) > N_MARGIN_ROWS:
                break
            result.append(line)
    return result


def _running(pages: Shelf[PageText], body_size: float) -> frozenset[tuple[str, int]]:
    """Lines that stand at one height of three pages, numbers aside; page numbers of two."""
    counts: Counter[tuple[str, int]] = Counter()
    for page in pages.values():
        counts.update(
            {
                running_key(line, page)
                for line in _margin_lines(page)
                if line.size <= 1.2 * body_size
            }
        )
    return frozenset(
        key
        for key, n in counts.items()
        if n >= 3 or (n >= 2 and (len(pages) == 2 or not _LETTER.search(key[0])))
    )
