"""What `kb ask` and `kb eval --claims` print about the claim check."""

from __future__ import annotations

from typing import Any

import pytest

from ui.cli.display import print_claims, print_claims_evaluation


def said(capsys: pytest.CaptureFixture[str], *claims: dict[str, Any], error: str | None) -> str:
    print_claims({"claims": list(claims), "check_error": error})
    return capsys.readouterr().out


def claim(score: float | None, weak: bool | None) -> dict[str, Any]:
    return {"text": "It [is] so.", "citations": [1, 2], "score": score, "weak": weak}


def test_weak_sentences_are_named_with_what_they_cite(capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, claim(0.9, False), claim(0.25, True), error=None)
    assert shown == "Weakly supported by [1][2] (score 0.25): It [is] so.\n"


def test_otherwise_one_quiet_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, claim(0.9, False), claim(0.75, None), error=None) == (
        "Checked: 2 sentences with citations, lowest score 0.75\n"
    )
    assert said(capsys, claim(None, None), error=None) == "Checked: 1 sentence with citations\n"
    assert said(capsys, error=None) == ""


def test_a_check_that_failed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, error="[down]") == "Not checked: [down]\n"


def test_a_calibration_without_a_threshold_says_what_that_means(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_claims_evaluation({"threshold": None, "recall": 0.0})
    assert "nothing will be marked" in capsys.readouterr().out
    print_claims_evaluation({"threshold": 0.5, "recall": 0.75})
    assert "nothing will be marked" not in capsys.readouterr().out
