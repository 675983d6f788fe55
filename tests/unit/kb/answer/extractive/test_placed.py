"""Labels and values told by made places, and what they say to questions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kb.answer.extractive.labelled import is_of_chart, labelled
from kb.answer.extractive.placed import read
from kb.answer.extractive.question import Question
from kb.types import Box, Chunk, Hit, Kind, Locator, Modality, Span


def chunk(*cells: tuple[str, float, float], height: float = 20) -> Chunk:
    """A picture with words at ``(text, left, top)``, ten pixels to a character."""
    text, spans = "", []
    for words, x, y in cells:
        box = Box(x, y, x + 10 * len(words), y + height)
        spans.append(Span(len(text), len(text) + len(words), Locator(boxes=(box,))))
        text += words + "\n"
    return Chunk(
        id="c",
        document_sha256="d",
        ordinal=0,
        kind=Kind.IMAGE,
        modality=Modality.IMAGE,
        locator=Locator(),
        text=text,
        spans=tuple(spans),
    )


def told(question: str, picture: Chunk) -> str | None:
    found = labelled(question, Question.of(question), [Hit(picture, "p.png")])
    return found.text if found else None


def quoted(question: str, picture: Chunk) -> list[str]:
    found = labelled(question, Question.of(question), [Hit(picture, "p.png")])
    assert found is not None
    return [picture.text[start:end] for start, end in found.ranges]


# Numbers over their bars in the order in which they are read, from the top down.
GROUPED = chunk(
    ("Tickets by quarter", 60, 10),
    ("400", 20, 60),
    ("390", 260, 66),
    ("310", 170, 140),
    ("200", 20, 260),
    ("210", 120, 250),
    ("150", 310, 310),
    ("0", 40, 460),
    ("Q1", 150, 480),
    ("Q2", 290, 480),
    ("Ferry", 200, 520),
    ("Tram", 300, 520),
)
BARS = chunk(
    ("各店咖啡豆用量", 60, 10),
    ("2025年数据，单位：公斤", 60, 40),
    ("杭州", 60, 100),
    ("41", 500, 102),
    ("南京", 60, 150),
    ("78", 700, 149),
    ("厦门", 60, 200),
    ("23", 400, 201),
)
FORM = chunk(
    ("BICYCLE REPAIR", 60, 10),
    ("CUSTOMER", 60, 60),
    ("Ada Blom", 260, 58),
    ("FOUND", 60, 100),
    ("chain worn, front brake", 260, 98),
    ("cable frayed", 260, 124),
    ("COMPLAINT", 60, 160),
    ("skips under load", 260, 158),
    ("PICK UP", 60, 200),
    ("4 May 2026", 260, 198),
)


def test_a_grouped_chart_without_its_axis() -> None:
    placed = read(GROUPED)
    pairs = {(p.label.text, p.series.text if p.series else "", p.value.text) for p in placed.chart}
    assert pairs == {
        ("Q1", "Ferry", "210"),
        ("Q1", "Tram", "310"),
        ("Q2", "Ferry", "390"),
        ("Q2", "Tram", "150"),
    }


def test_a_line_of_a_form_goes_on_below_up_to_the_next_label() -> None:
    pairs = {pair.label.text: pair.value.text for pair in read(FORM).form}
    assert pairs["FOUND"] == "chain worn, front brake cable frayed"
    assert pairs["COMPLAINT"] == "skips under load"


def test_a_table_of_contents_is_no_chart() -> None:
    rows = [(name, 60.0, 60.0 + 40 * i) for i, name in enumerate(("Safety", "Use", "Care"))]
    pages = [(str(3 + 2 * i), 500.0, 60.0 + 40 * i) for i in range(3)]
    placed = read(chunk(*rows, *pages))
    assert not placed.form
    assert not placed.chart


def test_captions_that_happen_to_stand_on_a_line_are_no_form() -> None:
    assert not read(chunk(("Power", 60, 60), ("Mode", 300, 60), ("Timer", 60, 200))).form


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How many ferry tickets in the second quarter?", "Ferry, Q2 — 390"),
        ("How many tram tickets in Q1?", "Tram, Q1 — 310"),
        ("第一季度 Tram 的 tickets 有多少？", "Tram, Q1 — 310"),
        ("How many lamps in the whole of Q1?", None),
        ("How many bus tickets in the third quarter?", None),
        ("How many tickets in the second quarter?", None),
        ("Which country bought most ferry tickets?", None),
    ],
)
def test_a_number_of_a_grouped_chart(question: str, answer: str | None) -> None:
    assert told(question, GROUPED) == answer


def test_a_number_is_quoted_with_its_label_and_its_series() -> None:
    assert quoted("How many ferry tickets in Q2?", GROUPED) == ["390", "Q2", "Ferry"]
    assert quoted("What was found on the bicycle?", FORM)[0].startswith("FOUND\nchain worn")


def test_without_a_legend_no_number_of_a_grouped_chart_is_meant() -> None:
    lines = GROUPED.text.splitlines()[:-2]
    at = {GROUPED.text[s.start : s.end]: s.locator.boxes[0] for s in GROUPED.spans}
    bare = chunk(*((line, at[line].x0, at[line].y0) for line in lines))
    question = "How many tickets in the second quarter?"
    assert told(question, bare) is None
    assert is_of_chart(Question.of(question), Hit(bare, "p.png"), 0, 18)
    assert not is_of_chart(Question.of("What is on the chart?"), Hit(bare, "p.png"), 0, 18)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("南京的咖啡豆用量是多少？", "南京 — 78 公斤"),
        ("哪个店的咖啡豆用量最多？", "南京 — 78 公斤"),
        ("哪个店的咖啡豆用量最少？", "厦门 — 23 公斤"),
        ("哪个店的咖啡豆用得最多？", "南京 — 78 公斤"),
        ("哪个店的咖啡豆最贵？", None),
        ("咖啡豆保存时间最多是多久？", None),
        ("苏州的咖啡豆用量是多少？", None),
    ],
)
def test_a_number_beside_its_bar(question: str, answer: str | None) -> None:
    assert told(question, BARS) == answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (
            "What did they find on the bicycle with the complaint that it skips under load?",
            "FOUND — chain worn, front brake cable frayed",
        ),
        ("When can I pick up the bicycle after repair?", "PICK UP — 4 May 2026"),
        ("Who is the customer of the bicycle repair?", "CUSTOMER — Ada Blom"),
        ("When is the customer's birthday?", None),
        ("How heavy is the bicycle that was found?", None),
    ],
)
def test_the_value_and_not_the_line_that_repeats_the_question(
    question: str, answer: str | None
) -> None:
    assert told(question, FORM) == answer


def test_a_form_in_chinese() -> None:
    form = chunk(
        ("维修单", 60, 10),
        ("故障现象", 60, 60),
        ("高速时有异响", 260, 60),
        ("检查结果", 60, 100),
        ("轴承缺油", 260, 100),
        ("完成日期", 60, 140),
        ("2026年5月4日", 260, 140),
    )
    assert told("高速时有异响的检查结果是什么？", form) == "检查结果 — 轴承缺油"
    assert told("维修的完成日期是哪天？", form) == "完成日期 — 2026年5月4日"
    assert told("维修用了多少钱？", form) is None


MONTHS = chunk(
    ("Rain in Marble Bay, mm", 60, 10),
    ("91", 160, 80),
    ("40", 260, 200),
    ("62", 360, 150),
    ("11月", 150, 300),
    ("12月", 250, 300),
    ("1月", 355, 300),
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Marble Bay 1月的 rain 是多少？", "1月 — 62 mm"),
        ("Marble Bay 11月的 rain 是多少？", "11月 — 91 mm"),
        ("How much rain fell in Marble Bay in December?", "12月 — 40 mm"),
        ("Which month had the least rain in Marble Bay?", "12月 — 40 mm"),
        ("Which quarter had the least rain in Marble Bay?", None),
        ("How much rain fell in Marble Bay in total?", "11月 + 12月 + 1月 — 193 mm = 91 + 40 + 62"),
        ("How much rain fell in Marble Bay on average?", None),
    ],
)
def test_months_and_sums(question: str, answer: str | None) -> None:
    assert told(question, MONTHS) == answer


def test_the_total_that_a_receipt_gives_is_not_summed_again() -> None:
    receipt = chunk(
        ("Corner Bakery receipt", 60, 10),
        ("Rye bread", 60, 100),
        ("4.20", 400, 100),
        ("Plum cake", 60, 150),
        ("3.80", 400, 150),
        ("Butter", 60, 200),
        ("2.00", 400, 200),
        ("TOTAL EUR", 60, 290),
        ("9.00", 400, 290),
    )
    assert told("What was the total on the bakery receipt?", receipt) == "TOTAL EUR — 9.00"
    assert told("How many euros in total on the bakery receipt?", receipt) == "TOTAL EUR — 9.00"
    assert told("How much was the butter on the bakery receipt?", receipt) == "Butter — 2.00"


def test_what_a_text_states_is_not_read_off_a_chart() -> None:
    question = "咖啡豆用量最多是多少？"
    chart = Hit(BARS, "p.png")
    assert labelled(question, Question.of(question), [chart]) is not None
    table = replace(
        BARS, kind=Kind.TEXT, modality=Modality.TEXT, text="| 咖啡豆用量 | 最多 80 公斤 |", spans=()
    )
    assert labelled(question, Question.of(question), [chart, Hit(table, "t.txt")]) is None


# The axis of a chart is centred: its "0" ends where none of its other numbers does.
YEARS = chunk(
    ("Passengers at Tolmouth harbour", 60, 10),
    ("4,000", 50, 80),
    ("3,000", 50, 180),
    ("2,000", 50, 280),
    ("1,000", 50, 380),
    ("0", 70, 480),
    ("2,140", 180, 240),
    ("1,180", 340, 336),
    ("3,320", 500, 120),
    ("2019", 185, 520),
    ("2020", 345, 520),
    ("2021", 505, 520),
)
VILLAGES = chunk(
    ("Honey harvest by village", 60, 10),
    ("in kilograms", 60, 40),
    ("Brindle", 60, 100),
    ("1,265", 700, 100),
    ("Cold Norton", 60, 150),
    ("590", 400, 150),
    ("Norton", 60, 200),
    ("735", 500, 200),
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which year had the most passengers in the chart?", "2021 — 3,320"),
        ("In which year did Tolmouth harbour have the fewest passengers?", "2020 — 1,180"),
        ("What was the highest number of passengers at Tolmouth harbour?", "2021 — 3,320"),
        ("How many passengers were at Tolmouth harbour in 2019?", "2019 — 2,140"),
        ("How many passengers were at Tolmouth harbour in 2018?", None),
        ("Which month had the most passengers at Tolmouth harbour?", None),
        ("Which ship had the most passengers at Tolmouth harbour?", None),
    ],
)
def test_a_year_is_named_beside_its_number(question: str, answer: str | None) -> None:
    assert told(question, YEARS) == answer


@pytest.mark.parametrize(
    ("question", "picture", "answer"),
    [
        (
            "Did more passengers come to Tolmouth harbour in 2019 or in 2020?",
            YEARS,
            "2019 — 2,140; 2020 — 1,180 (difference 960)",
        ),
        (
            "Which village has the smaller honey harvest, Brindle or Cold Norton?",
            VILLAGES,
            "Cold Norton — 590 kilograms; Brindle — 1,265 kilograms (difference 675)",
        ),
        (
            "Is the honey harvest of Norton higher than that of Brindle?",
            VILLAGES,
            "Brindle — 1,265 kilograms; Norton — 735 kilograms (difference 530)",
        ),
        ("Which village has the older honey harvest, Brindle or Cold Norton?", VILLAGES, None),
        ("Which village harvested more honey, Brindle or Ashcombe?", VILLAGES, None),
        ("Did Brindle harvest more wool than Cold Norton?", VILLAGES, None),
        ("杭州和厦门哪个店用的咖啡豆更多？", BARS, "杭州 — 41 公斤; 厦门 — 23 公斤 (相差 18)"),
        ("南京比杭州多用多少公斤咖啡豆？", BARS, "南京 — 78 公斤; 杭州 — 41 公斤 (相差 37)"),
        ("南京的咖啡豆比杭州贵吗？", BARS, None),
        (
            "Were more ferry or tram tickets sold in Q2?",
            GROUPED,
            "Ferry, Q2 — 390; Tram, Q2 — 150 (difference 240)",
        ),
    ],
)
def test_two_numbers_of_a_chart_are_compared(
    question: str, picture: Chunk, answer: str | None
) -> None:
    assert told(question, picture) == answer
    if answer is not None:
        assert all(part in answer for part in quoted(question, picture))
