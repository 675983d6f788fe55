"""What was said of answers, as questions that an evaluation asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kb import Feedback, FeedbackReason
from kb.evaluate.retrieval import RankedPlace, load_queries
from kb.types import AnswerStatus, Citation, Locator
from ui.service.feedback import feedback_set, queries_text
from ui.service.turns import Turn

GOOD = Feedback(is_good=True)
CITED = Citation(1, "c", "pump.md", Locator(page=2), "40 dB")


def turn(feedback: Feedback | None, **values: object) -> Turn:
    made = Turn(1, "How loud?", text="40 dB. [1]", citations=[CITED, CITED])
    made.status = AnswerStatus.ANSWERED
    made.feedback = feedback
    for name, value in values.items():
        setattr(made, name, value)
    return made


def refused(feedback: Feedback) -> Turn:
    return turn(feedback, status=AnswerStatus.NO_EVIDENCE, text="", citations=[])


def bad(reason: FeedbackReason | None = None) -> Feedback:
    return Feedback(is_good=False, reason=reason)


@pytest.mark.parametrize(
    ("judged", "known"),
    [
        (turn(GOOD), {"kind": "good", "relevant": [{"source": "pump.md", "page": 2}]}),
        (refused(GOOD), {"kind": "good", "relevant": [], "answers": []}),
        (
            turn(bad(FeedbackReason.WRONG)),
            {"kind": "wrong", "relevant": [], "answerable": None, "must_not": ["40 dB."]},
        ),
        (
            turn(bad(FeedbackReason.NOT_IN_FILES)),
            {"kind": "not_in_files", "relevant": [], "answers": []},
        ),
        (refused(bad()), {"kind": "bad", "relevant": [], "answerable": True}),
    ],
)
def test_what_is_known_of_a_question(judged: Turn, known: dict[str, object]) -> None:
    made, n_left_out = feedback_set([("talk", judged)])
    assert made == [{"id": "talk-1", "text": "How loud?", "scope": []} | known]
    assert n_left_out == 0


def test_the_set_is_one_that_an_evaluation_reads(tmp_path: Path) -> None:
    judged = [
        turn(GOOD, understood="How loud is the pump?"),
        turn(bad(), question="How heavy?"),
        refused(bad()),
    ]
    text = queries_text(feedback_set([(f"talk{n}", one) for n, one in enumerate(judged)]).queries)
    path = tmp_path / "queries.jsonl"
    path.write_text(text, "utf-8")
    good, wrong, missed = load_queries(path)
    assert good.text == "How loud is the pump?"
    assert good.relevant == (RankedPlace("pump.md", 2),)
    assert [one.is_answerable for one in (good, wrong, missed)] == [True, None, True]
    assert wrong.must_not == ("40 dB.",)
    assert [json.loads(line)["id"] for line in text.splitlines()] == [
        "talk0-1",
        "talk1-1",
        "talk2-1",
    ]


def test_what_can_not_be_asked_again_is_left_out_and_the_last_word_holds() -> None:
    judged = [
        turn(GOOD),
        turn(GOOD, attachments=("photo.png",)),
        turn(GOOD, status=None),
        turn(bad()),
        turn(GOOD, scope=("folder:a",)),
    ]
    made, n_left_out = feedback_set([(f"t{n}", one) for n, one in enumerate(judged)])
    assert [(one["id"], one["kind"]) for one in made] == [("t3-1", "bad"), ("t4-1", "good")]
    assert n_left_out == 2
