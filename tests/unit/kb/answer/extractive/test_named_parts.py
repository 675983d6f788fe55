"""Parts of documents that are asked for by their numbers."""

from __future__ import annotations

import pytest

from kb.answer.extractive.named_parts import named_part
from kb.types import Chunk, Hit, Kind, Locator, Modality

LEASE = """3 Rent

3.1 Amount

The tenant pays 840 EUR a month.

3.2 Late rent

(a) After ten days the tenant pays three percent.
(b) Holidays do not count.

3.10 Deposit

The deposit is two months' rent.

4. Keys

1. Two keys are handed over.
2. A lost key is replaced."""
ACT = """第二条 押金

押金为两个月租金。

第三条 钥匙

交付两把钥匙。遗失须赔偿。

第十二条 其他

无。"""


def hit(text: str, *headings: str) -> Hit:
    chunk = Chunk(
        "a", "0" * 64, 0, Kind.OFFICE, Modality.TEXT, Locator(), text=text, headings=headings
    )
    return Hit(chunk, "lease.docx")


def told(question: str, *hits: Hit) -> str | None:
    part = named_part(question, hits)
    return None if part is None else hits[part.hit_index].chunk.text[part.start : part.end]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does clause 3.1 say?", "3.1 Amount\n\nThe tenant pays 840 EUR a month."),
        (
            "what is in section 3.2",
            "3.2 Late rent\n\n(a) After ten days the tenant pays three percent.\n"
            "(b) Holidays do not count.",
        ),
        ("§ 3.10", "3.10 Deposit\n\nThe deposit is two months' rent."),
        (
            "What does article 4 of the lease provide?",
            "4. Keys\n\n1. Two keys are handed over.\n2. A lost key is replaced.",
        ),
    ],
)
def test_the_part_is_quoted_whole(question: str, expected: str) -> None:
    assert told(question, hit(LEASE)) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("第三条说了什么？", "第三条 钥匙\n\n交付两把钥匙。遗失须赔偿。"),
        ("第3条规定了哪些内容？", "第三条 钥匙\n\n交付两把钥匙。遗失须赔偿。"),
        ("第十二条", "第十二条 其他\n\n无。"),
    ],
)
def test_of_a_chinese_document(question: str, expected: str) -> None:
    assert told(question, hit(ACT)) == expected


def test_the_part_stands_under_its_heading() -> None:
    other, own = hit("Nothing of it."), hit("The valve is closed.", "5 Water", "5.2 Valve")
    assert told("What does section 5.2 say?", other, own) == "The valve is closed."


@pytest.mark.parametrize(
    "question",
    [
        "What does clause 9.9 say?",  # there is none
        "How much is the rent in clause 3.1?",  # something else is asked
        "What does clause 1 say?",  # the entry of a list is no clause
        "第一条说了什么？",
    ],
)
def test_another_question_is_not_taken_for_it(question: str) -> None:
    assert told(question, hit(LEASE), hit(ACT)) is None


def test_a_long_part_is_cut_at_a_line() -> None:
    text = "2.1 Scope\n\n" + "\n".join(f"Line {n} of the scope." for n in range(200))
    said = told("What does section 2.1 say?", hit(text))
    assert said is not None
    assert said.startswith("2.1 Scope\n\nLine 0")
    assert said.endswith("of the scope.")
    assert len(said) <= 700
