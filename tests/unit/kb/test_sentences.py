from __future__ import annotations

import pytest

from kb.sentences import UnitKind, units


def said(text: str) -> list[str]:
    return [text[unit.start : unit.end] for unit in units(text)]


def test_lines_of_a_page_do_not_end_a_sentence() -> None:
    text = "To reset the device, hold the\npower button for 10 s. The light\nblinks twice, in red."
    assert said(text) == [
        "To reset the device, hold the\npower button for 10 s.",
        "The light\nblinks twice, in red.",
    ]


@pytest.mark.parametrize(
    "text", ["It weighs 3.5 kg, e.g. with a box.", "Ask Dr. Smith.", "See Fig. 3 below."]
)
def test_points_that_end_nothing(text: str) -> None:
    assert said(text) == [text]


def test_chinese_sentences() -> None:
    assert said("按住电源键十秒。指示灯闪烁！然后松开") == [
        "按住电源键十秒。",
        "指示灯闪烁！",
        "然后松开",
    ]


def test_steps_keep_their_following_lines_and_numbers() -> None:
    text = "Do this:\n1. Open the lid.\n2. Press RESET\n   until it beeps.\n- Close it."
    found = units(text)
    assert [(unit.kind, unit.number) for unit in found] == [
        (UnitKind.SENTENCE, None),
        (UnitKind.STEP, 1),
        (UnitKind.STEP, 2),
        (UnitKind.STEP, None),
    ]
    assert text[found[2].start : found[2].end].endswith("until it beeps.")


def test_a_decimal_at_a_line_start_is_no_step() -> None:
    assert units("3.5 kg is its weight.")[0].kind is UnitKind.SENTENCE


def test_rows_without_the_rule_between_them() -> None:
    text = "| Part | Price |\n|---|---|\n| Lid | 3 EUR |"
    assert [unit.kind for unit in units(text)] == [UnitKind.ROW, UnitKind.ROW]


def test_headings_and_short_lines_stand_alone() -> None:
    text = "# Reset\nModel: X100\nPower: 12 V"
    assert said(text) == ["# Reset", "Model: X100", "Power: 12 V"]
    assert units(text)[0].kind is UnitKind.HEADING


def test_what_is_too_long_to_quote_is_cut_between_words() -> None:
    text = "word " * 300
    pieces = said(text)
    assert max(map(len, pieces)) <= 400
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    assert all(set(piece.split()) == {"word"} for piece in pieces)


@pytest.mark.parametrize("text", ["", "  \n \n", "```\n```"])
def test_nothing_to_quote(text: str) -> None:
    assert units(text) == []
