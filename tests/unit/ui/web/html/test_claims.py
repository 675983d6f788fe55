"""Weak sentences in an answer, and the line that tells of the check."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from kb.answer.claims.split import cited_sentences
from kb.types import Answer, AnswerStatus, Claim, Query
from ui.web.html.answer import WeakPart, answer_html
from ui.web.html.claims import checked_html, weak_parts

CHIPS = {1: "<i>1</i>", 2: "<i>2</i>"}
WEAK = re.compile(r'<span class="kb-weak">(.*?)</span>', re.DOTALL)


def marked(text: str) -> str:
    """`text` with every cited sentence weak."""
    parts = [WeakPart(one.start, one.end, "<b>!</b>") for one in cited_sentences(text)]
    return answer_html(text, CHIPS, parts)


def without_marks(made: str) -> str:
    return re.sub(r'<span class="kb-weak">|</span>|<b>!</b>', "", made)


def test_a_weak_sentence_is_underlined_and_has_its_note() -> None:
    assert marked("All is well. It leaks [1]. So.") == (
        '<p>All is well. <span class="kb-weak">It leaks<i>1</i>.</span><b>!</b> So.</p>\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "**Bold** and `code` [1]. _So_ it is. [2]",
        "Some **bold. It is** so [1].",
        "- **One** [1]\n- _Two_ [2]\n  goes on\n\n1. `x` [1]",
        "| A | B |\n|---|---|\n| **x** | 5 [1] |\n| y | `z` [2] |",
        "One  \nTwo [1]  \nThree [2]\\\nFour",
        "## Head [1]\n\n> Quoted [2]",
        "1\\. <b>&amp; \\[7\\] [1]",
        "颜色红。[1]后面[2]。",
        "Old ⸂brackets⸃ stay [1].",
        "*Emph* [1]. __Strong__ [2].",
    ],
)
def test_marks_change_nothing_else(text: str) -> None:
    made = marked(text)
    assert made.count("<b>!</b>") == len(cited_sentences(text)) > 0
    assert WEAK.search(made)
    assert without_marks(made) == answer_html(text, CHIPS)
    # Each span is whole within its element.
    assert all(not re.search(r"<(?!/?i>)", inner) for inner in WEAK.findall(made))


def claim(score: float | None, is_weak: bool | None, text: str = "<i>It</i> leaks.") -> Claim:
    return Claim(text, 0, 12, (1,), score, is_weak)


def answer(*claims: Claim) -> Answer:
    return Answer(Query(text="q"), "It leaks [1].", AnswerStatus.ANSWERED, (), (), {}, 1.0, claims)


def words(made: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", " ", made))


def test_only_weak_claims_are_marked_and_told_why() -> None:
    parts = weak_parts([claim(0.9, False), claim(0.1, True), claim(0.1, None)])
    assert [(part.start, part.end) for part in parts] == [(0, 12)]
    assert "source 1 may not say this" in parts[0].note
    assert 'aria-label="' in parts[0].note
    both = weak_parts([replace(claim(0.1, True), numbers=(1, 2))])[0].note
    assert "the sources cited may not say this" in both


def test_the_line_counts_and_lists_scores_escaped() -> None:
    made = checked_html(answer(claim(0.9, False), claim(0.125, True)))
    assert "2 cited sentences checked, 1 weakly supported" in made
    assert "0.90" in made
    assert "0.12" in made
    assert "<i>" not in made
    assert "<i>It</i> leaks." in words(made)


def test_nothing_alarms_where_all_is_well() -> None:
    made = checked_html(answer(claim(0.9, False)))
    assert "1 cited sentence checked<" in made
    assert "weak" not in made
    assert "kb eval" not in made
    assert checked_html(answer()) == ""


def test_without_a_threshold_the_line_says_so() -> None:
    assert "kb eval --claims" in checked_html(answer(claim(0.3, None)))
    # A picture that words can't judge has no score, whatever the threshold.
    unjudged = checked_html(answer(claim(None, None)))
    assert "kb eval" not in unjudged
    assert "–" in unjudged


def test_a_check_that_failed_is_told() -> None:
    made = checked_html(replace(answer(), check_error="<down>"))
    assert "&lt;down&gt;" in made
