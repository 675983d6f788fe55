"""The charts of the samples, read by OCR, answer by where their words stand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import run_here

from kb import Query, open_knowledge_base
from kb.types import AnswerStatus

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples"
# What is asked, and what the answer begins with.
ASKED = {
    "How many Skylarks were sold in the third quarter of 2025?": "Skylark, Q3 — 1,340",
    "In which quarter of 2025 did the Millrace sell best?": "Millrace, Q4 — 1,720",
    "How many Breeze 300 were sold in the whole of 2025?": "Breeze 300, Q1 + Q2 + Q3 + Q4 — 7,375",
    "哪个城市的滤网用得最久？": "昆明 — 9.6 月",
    "上海的滤网用多久？": "上海 — 7.8 月",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(SAMPLES / "pictures" / "charts", home / "library" / "charts")
    done = run_here("sync", "--home", home, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)
    return home


def test_the_number_beside_the_label_that_is_asked_for(home: Path) -> None:
    with open_knowledge_base(home) as knowledge_base:
        for question, value in ASKED.items():
            answer = knowledge_base.answer(Query(text=question))
            assert answer.status is AnswerStatus.ANSWERED, question
            assert answer.text.startswith(value), answer.text
            assert all(citation.locator.boxes for citation in answer.citations)
            assert answer.citations[0].quote.strip() in answer.text.replace(" — ", "\n")


def test_lines_of_a_chart_are_no_answer_to_another_amount(home: Path) -> None:
    with open_knowledge_base(home) as knowledge_base:
        for question in (
            "How many Millrace were sold in the fifth quarter of 2025?",
            "How many lamps were sold in the third quarter of 2025?",
        ):
            answer = knowledge_base.answer(Query(text=question))
            assert answer.status is AnswerStatus.NO_EVIDENCE, answer.text
