"""Thumbs at an answer."""

from __future__ import annotations

from kb import Feedback, FeedbackReason
from kb.types import AnswerStatus
from ui.service.turns import Turn
from ui.web.html.turn import past_html, turn_html

EVIL = '"><img src=x onerror=alert(1)>'


def turn(feedback: Feedback | None = None, status: AnswerStatus = AnswerStatus.ANSWERED) -> Turn:
    made = Turn(3, "How?", text="So.", feedback=feedback)
    made.status = status
    return made


def test_only_what_is_kept_and_over_is_judged() -> None:
    assert "data-rate=" in past_html([turn()], {}, (), "talk")
    assert "data-rate=" not in past_html([turn()], {})
    assert "data-rate=" not in turn_html(turn(), {}, "talk")  # it is still being answered
    assert "data-rate=" not in past_html([Turn(1, "How?", error="Too large.")], {}, (), "talk")


def test_what_was_said_is_shown_and_escaped() -> None:
    said = Feedback(is_good=False, reason=FeedbackReason.WRONG, note=EVIL)
    made = past_html([turn(said)], {}, (), "talk")
    assert 'data-rate="bad" aria-pressed="true"' in made
    assert 'data-rate="good" aria-pressed="false"' in made
    assert "It is wrong: &#34;&gt;&lt;img" in made
    assert EVIL not in made
    assert 'value="wrong" checked' in made


def test_a_refusal_has_a_reason_of_its_own() -> None:
    answered = past_html([turn()], {}, (), "talk")
    refused = past_html([turn(status=AnswerStatus.NO_EVIDENCE)], {}, (), "talk")
    assert 'value="in_files"' in refused
    assert 'value="wrong"' not in refused
    assert 'value="in_files"' not in answered
