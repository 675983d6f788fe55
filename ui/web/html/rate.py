"""Thumbs at an answer, and what is amiss with it, as HTML."""

from __future__ import annotations

from kb import MAX_NOTE_CHARS, Feedback, FeedbackReason
from kb.types import AnswerStatus
from ui.language import later, tr
from ui.service.turns import Turn
from ui.web.html.templates import render

__all__ = ["rate_html"]

_LABELS = {
    FeedbackReason.WRONG: later("It is wrong"),
    FeedbackReason.INCOMPLETE: later("Something is left out"),
    FeedbackReason.WRONG_SOURCE: later("The source does not say it"),
    FeedbackReason.NOT_IN_FILES: later("My files don't answer this"),
    FeedbackReason.IN_FILES: later("My files do answer this"),
}


def rate_html(turn: Turn) -> str:
    """What a turn that is over is judged with; static/rate.js sends it."""
    said = turn.feedback
    is_answered = turn.status is AnswerStatus.ANSWERED
    reasons = [one for one in FeedbackReason if (one is not FeedbackReason.IN_FILES) == is_answered]
    return render(
        "rate",
        turn=turn,
        said=said,
        reasons=[(one.value, tr(_LABELS[one])) for one in reasons],
        told=_told(said),
        max_chars=MAX_NOTE_CHARS,
    )


def _told(said: Feedback | None) -> str:
    if said is None:
        return ""
    parts = [tr(_LABELS[said.reason]) if said.reason else "", said.note]
    return ": ".join(filter(None, parts))
