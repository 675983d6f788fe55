"""Where a question says that its answer stands."""

from __future__ import annotations

import pytest

from kb.answer.extractive.medium import without_medium
from kb.answer.extractive.question import Question


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("What opens the box, according to the film?", "What opens the box?"),
        ("In the video, what is written on the lid?", "what is written on the lid?"),
        ("What does the clip say I should do with the box?", "What I should do with the box?"),
        ("How far away does the film tell me to put it?", "How far away to put it?"),
        ("Show me where in the film the phone is paired.", "the phone is paired."),
        ("Where in the video is the lens wiped?", "the lens wiped?"),
        ("视频里说镜头要往哪个方向擦？", "镜头要往哪个方向擦?"),
        ("根据影片，滤芯多久换一次？", "滤芯多久换一次?"),
        ("视频第几秒开始擦镜头？", "开始擦镜头?"),
        ("In the recording, who orders the lid?", "who orders the lid?"),
        ("What does the podcast say about the box?", "What about the box?"),
        ("According to the voice memo, when is the lid due?", "when is the lid due?"),
        ("录音里说盒子多少钱？", "盒子多少钱?"),
    ],
)
def test_the_place_is_taken_out(question: str, rest: str) -> None:
    assert without_medium(question) == rest


@pytest.mark.parametrize(
    "question",
    [
        "How do I mute myself in the video call?",
        "Which video formats are supported?",
        "How do I mute the audio settings in the recording studio?",
        "视频格式支持哪些？",
        "How long is the video?",
        "in the video?",
        "Who wrote the letter?",
    ],
)
def test_other_questions_stay_whole(question: str) -> None:
    assert without_medium(question) is None


def test_what_names_the_film_is_not_what_it_is_about() -> None:
    question = Question.of("What does the film say about the strap?")
    assert question.is_placed
    assert question.stems == ("strap",)
