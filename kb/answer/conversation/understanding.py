"""A question as it is understood after those before it.

What is understood is what is looked for and what is asked, whoever writes the answer: a person who
reads it knows what was answered, and can say it otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType

from kb.answer.about_library import library_question
from kb.answer.conversation import chinese, english
from kb.answer.conversation.earlier import Earlier
from kb.answer.small_talk import reply
from kb.text.scripts import COMMON_HAN
from kb.text.terms import fold_width, has_content

__all__ = ["MAX_TURNS", "Turn", "is_dangling", "understand"]

MAX_TURNS = 10
"""So many earlier questions are looked at, the last ones."""
# A follow-up is short, and what it goes on from is not much longer.
_MAX_CHARS = 200
_MAX_EARLIER_CHARS = 500
_MAX_FOUND = 4
_MAX_FOUND_CHARS = 60
_HAN = re.compile(f"[{COMMON_HAN}]")
_ASKS_IN_ENGLISH = re.compile(
    r"(?:and|but|so|what|which|who|whose|when|where|why|how|is|are|was|were|do|does|did|can|could|will)\b",
    re.IGNORECASE,
)
_CITATION = re.compile(r"\[\d{1,3}\]")
_MARKS = re.compile(r"[*_`]|\\(?=[^\w\s])")


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question and what came of it.

    Attributes:
        question: As it was understood.
        answer: Markdown; empty where nothing answered.
        titles: Of what the answer cites, the first one first.
    """

    question: str
    answer: str = ""
    titles: tuple[str, ...] = ()


def understand(question: str, turns: Sequence[Turn]) -> str:
    """`question` with the subject that it leaves out, from the last of `turns` that has one;
    `question` itself, where it is whole or nothing tells what it is about."""
    asked = _bare(question)
    if not asked or len(asked) > _MAX_CHARS:
        return question
    rules = _rules(asked)
    for turn in reversed(turns[-MAX_TURNS:]):
        earlier = _earlier(turn)
        if earlier is None:
            continue
        understood = rules.rewrite(asked, earlier)
        if understood is None and not earlier.topic:
            continue
        if understood is None or understood == asked:
            return question
        if rules is chinese:
            return f"{understood}？"
        return f"{understood[0].upper()}{understood[1:]}?"
    return question


def is_dangling(question: str) -> bool:
    """Whether `question` goes on from an earlier one, and says nothing that could be looked for."""
    asked = _bare(question)
    if not asked or len(asked) > _MAX_CHARS:
        return False
    return bool(_rules(asked).is_dangling(asked))


def _bare(question: str) -> str:
    """`question` in a line, without what ends it."""
    return " ".join(fold_width(question).split()).rstrip(" ?!.。")


def _rules(question: str) -> ModuleType:
    """Those of the language in which `question` asks."""
    is_chinese = _HAN.search(question) and not _ASKS_IN_ENGLISH.match(question)
    return chinese if is_chinese else english


def _earlier(turn: Turn) -> Earlier | None:
    """What a turn leaves to go on from; None of talk."""
    question = _bare(turn.question)
    if len(question) > _MAX_EARLIER_CHARS or not has_content(question):
        title = next(iter(turn.titles), "")
        return Earlier("", None, title) if title else None
    if reply(question) is not None:
        return None
    rules = _rules(question)
    subject = rules.subject_of(question)
    topic = subject.text if subject else next(iter(turn.titles), "")
    if library_question(question, datetime.now().astimezone()) is not None:
        # Of files one may ask on, but no "it" means them.
        return Earlier(question, subject, "")
    if rules.asks_which(question) and (found := _found(turn.answer)):
        joint = "和" if rules is chinese else " and "
        topic = joint.join(found)
    return Earlier(question, subject, topic, rules.action_of(question))


def _found(answer: str) -> list[str]:
    """The things that an answer from a table names: its first column, or what stands first."""
    lines = [line.strip() for line in _CITATION.sub("", answer).splitlines() if line.strip()]
    if len(lines) > 2 and all(line.startswith("|") for line in lines[:3]):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
        cells = [_plain(row[0]) for row in rows if row and row[0]]
        return cells if len(cells) == len(rows) <= _MAX_FOUND else []
    head, dash, _ = (lines[0] if lines else "").partition(" — ")
    said = _plain(head)
    is_thing = bool(dash) and len(lines) == 1 and len(said) <= _MAX_FOUND_CHARS
    return [said] if is_thing and re.search(r"[^\W\d]", said) else []


def _plain(cell: str) -> str:
    return _MARKS.sub("", cell).strip()
