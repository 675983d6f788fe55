from __future__ import annotations

import pytest

from kb.text.sentences import Layout, UnitKind, units


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


def test_a_line_by_itself_above_text_is_a_heading() -> None:
    text = "Factory reset, step by step\n\nIt takes a minute.\n\nMilk\n\nBread"
    assert [unit.kind for unit in units(text)] == [
        UnitKind.HEADING,
        UnitKind.SENTENCE,
        UnitKind.SENTENCE,
        UnitKind.SENTENCE,
    ]


@pytest.mark.parametrize(
    "contents",
    ["Safety first 3\nIn the box 4\nResetting 9", "Safety first ...... 3\nResetting . . . . 9"],
)
def test_contents_are_not_quoted(contents: str) -> None:
    assert said(f"{contents}\n\nThis manual is short.") == ["This manual is short."]


def test_lines_that_end_in_numbers_in_no_order_are_kept() -> None:
    assert len(said("Pasta 46\nBread 18\nCandles 64\nFish 31")) == 4


def test_lines_of_a_form_stand_alone() -> None:
    text = "DEVICE Lamp 300\nFOUND bearing dry,\none screw missing\nTORQUE 0.6 Nm\nFUSE 2.5 A"
    assert said(text) == [
        "DEVICE Lamp 300",
        "FOUND bearing dry,\none screw missing",
        "TORQUE 0.6 Nm",
        "FUSE 2.5 A",
    ]


def test_a_number_on_a_picture_joins_its_name() -> None:
    text = "TOTAL\n97.20\n15.52\nTHANK YOU"
    found = [text[unit.start : unit.end] for unit in units(text, Layout.LINES)]
    assert found == ["TOTAL\n97.20", "15.52", "THANK YOU"]


def test_records_end_where_a_name_comes_again() -> None:
    text = "code: E1\nmeaning: Hot. Too hot\ncode: E2; meaning: Cold\n\ntitle: Codes"
    found = units(text, Layout.RECORDS)
    assert [text[unit.start : unit.end] for unit in found] == [
        "code: E1\nmeaning: Hot. Too hot",
        "code: E2; meaning: Cold",
        "title: Codes",
    ]
    assert {unit.kind for unit in found} == {UnitKind.RECORD}
