"""A quoted passage as Markdown, as its reader expects it: what was asked for first."""

from __future__ import annotations

import re

from kb.answer.extractive.passages import Passage
from kb.answer.extractive.question import Question
from kb.text.markdown import escape_markdown
from kb.text.sentences import UnitKind
from kb.text.terms import find_terms
from kb.types import Hit

__all__ = ["render", "render_lines"]

_CJK_LINE_BREAK = re.compile(r"(?<=[\u3001-\u9fff\uff00-\uffef])[^\S\n]*+\n\s*+(?=[\u3001-\u9fff])")
# Marks of the source's own Markdown. Only in pairs, around text: 2*3 and __init__ stay.
_BOLD = re.compile(
    r"\*\*(?=[^\s*])([^*\n]*+)(?<=\S)\*\*(?!\w)|(?<!\w)__(?=[^\s_])([^_\n]*+)(?<=\S)__(?!\w)"
)
_ITALIC = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]*?[^\s*])\*(?![\w*])")
_LINK = re.compile(r"!?\[([^\[\]\n]*+)\]\([^()\s]*+\)")
_HEADING_MARK = re.compile(r"^\s{0,3}#{1,6}\s+")
_DUNDER = re.compile(r"__\w+__")


def render(passage: Passage, question: Question, hit: Hit) -> str:
    """The passage as Markdown: a list for steps; for a row or a record names with values, those
    first of which the question speaks; else a line."""
    text = hit.chunk.text
    if passage.kind is UnitKind.ROW:
        pairs = _row(text[passage.start : passage.end], passage.header)
        return escape_markdown(_fields(pairs, question))
    if passage.kind is UnitKind.RECORD:
        lines = text[passage.start : passage.end].splitlines()
        return escape_markdown(_fields([_field(line) for line in lines if line.strip()], question))
    lines = [
        escape_markdown(_unmarked(_one_line(text[unit.start : unit.end]))) for unit in passage.units
    ]
    return "  \n".join(lines) if passage.kind is UnitKind.STEP else " ".join(lines)


def render_lines(text: str) -> str:
    """`text` as Markdown with the lines that it has."""
    lines = [escape_markdown(_unmarked(line.strip())) for line in text.splitlines()]
    return "  \n".join(line for line in lines if line)


def _fields(pairs: list[tuple[str, str]], question: Question) -> str:
    """``name: value; name: value`` with the fields first whose names the question says; what
    the row is called comes before them."""
    filled = [(name, _unmarked(value)) for name, value in pairs if value]
    if not filled:
        return ""
    label, *rest = filled
    rest.sort(key=lambda pair: not find_terms(pair[0].replace("_", " "), question.stems))
    return "; ".join(f"{name}: {value}" if name else value for name, value in (label, *rest))


def _row(row: str, header: str) -> list[tuple[str, str]]:
    cells, names = _cells(row), _cells(header)
    if len(names) != len(cells):
        names = [""] * len(cells)
    return list(zip(names, cells, strict=True))


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")] if row else []


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.strip().partition(":")
    return (name, value.strip()) if colon else ("", name)


def _one_line(text: str) -> str:
    """Lines of a page joined: without a space between Chinese characters."""
    joined = _CJK_LINE_BREAK.sub("", text)
    return re.sub(r"\s+", " ", joined).strip()


def _unmarked(text: str) -> str:
    """`text` without the marks of Markdown that it was written in."""
    text = _LINK.sub(r"\1", _HEADING_MARK.sub("", text))
    text = _BOLD.sub(lambda m: m[0] if _DUNDER.fullmatch(m[0]) else m[1] or m[2], text)
    return _ITALIC.sub(r"\1", text)
