"""Numbers and codes of a question, and others in their place."""

from __future__ import annotations

import pytest

from kb.answer.extractive.codes import codes


@pytest.mark.parametrize(
    ("question", "text", "is_present", "is_other"),
    [
        ("What does error E09 mean?", "E09: fan blocked", True, False),
        ("What does error E09 mean?", "E07: fan blocked", False, True),
        ("What does error E09 mean?", "W09: fan blocked", False, False),
        ("How wide is the Duo 500?", "The Duo 300 is 20 cm wide.", False, True),
        ("How wide is the Duo 500?", "The Duo 500 is 20 cm wide.", True, False),
        ("轻风 500 有多宽？", "轻风300宽20厘米", False, True),
        ("轻风500有多宽？", "轻风 500 宽 20 厘米", True, False),
        ("When does firmware 3.0 come?", "firmware 2.4 is out", False, True),
        ("When does firmware 3.0 come?", "firmware 3.01 is out", False, True),
        ("轻风 500 有多宽？", "轻风300：宽 200 高 500 毫米", False, True),
        ("Is the Duo 500 quiet?", "The Duo 300 stands 500 mm high.", False, True),
        ("Can I send it back after 30 days?", "After 14 days, or 30 days", True, False),
        ("Who ordered A-20752?", "A-20752, Library", True, False),
        # Chinese goes on without a space.
        ("E07啥意思", "E07：风扇卡住", True, False),
        ("QX-30S现在交期多少天", "QX-30S的交期报21天", True, False),
        ("QX-30S现在交期多少天", "QX-30的交期报21天", False, True),
        ("单号B2207是谁的", "单号: B2207; 客户: 南园", True, False),
    ],
)
def test_a_code_and_another_of_its_shape(
    question: str, text: str, is_present: bool, is_other: bool
) -> None:
    (code,) = codes(question)
    assert (code.present.search(text) is not None) is is_present
    if not is_present:
        assert code.other is not None
        assert (code.other.search(text) is not None) is is_other


def test_questions_without_numbers() -> None:
    assert codes("How wide is it?") == ()
