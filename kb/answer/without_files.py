"""What is answered without a look into the files: talk, questions about the library, and questions
that hold nothing to look for."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from kb.answer.about_library import FileLister, about_library
from kb.answer.conversation import is_dangling
from kb.answer.small_talk import reply
from kb.answer.wording import DANGLING, EMPTY
from kb.text.terms import has_content, language, terms
from kb.types import AnswerStatus, Query

__all__ = ["Reply", "reply_without_files"]


class Reply(NamedTuple):
    """Markdown, and whether it answers: talk makes no claim, and so is no evidence of anything."""

    text: str
    status: AnswerStatus


def reply_without_files(query: Query, lister: FileLister, now: datetime) -> Reply | None:
    """The reply to `query`, in its language; None where it is to be looked for in the files.

    Args:
        query: As it was understood in its conversation.
        now: In the time zone whose days "today" and "yesterday" are.
    """
    text = query.text
    if query.images or query.clip or not text.strip():
        return None
    if (line := reply(text)) is not None:
        return Reply(line, AnswerStatus.NO_EVIDENCE)
    if (listed := about_library(text, lister, now)) is not None:
        return Reply(listed, AnswerStatus.ANSWERED)
    if is_dangling(text):
        return Reply(DANGLING[language(text)], AnswerStatus.NO_EVIDENCE)
    if not has_content(text) or _is_one_letter(text):
        return Reply(EMPTY[language(text)], AnswerStatus.NO_EVIDENCE)
    return None


def _is_one_letter(text: str) -> bool:
    """Whether all that could be looked for is a letter; one character of Chinese is a word."""
    found = terms(text)
    return len(found) == 1 and len(found[0].stem) == 1 and found[0].stem.isascii()
