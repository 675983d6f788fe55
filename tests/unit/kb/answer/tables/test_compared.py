"""Rows and columns compared, amounts together, limits in time: of tables of other subjects."""

from __future__ import annotations

import pytest
from made_tables import Shelf, table_answer

PARCELS = """
Destination|Zone|Weight limit (kg)|Price (EUR)|Transit days|Tracked
Norway|2|20|18.40|4|yes
Portugal|1|30|12.90|3|yes
Iceland|3|10|24.75|7|no
Turkey|3|20|22.10|8|no
"""
CLASSES = """
Class|Teacher|Autumn term Pupils|Autumn term Absent days|Spring term Pupils|Spring term Absent days
1A|Ms Okafor|24|31|25|44
2B|Mr Petrov|25|22|27|51
3A|Ms Yilmaz|29|37|28|30
Total||78|90|80|125
"""
SQUADS = """
Squad|Coach|Players|Founded|Fee (GBP)
Rowing|Nadia Farrow|18|1962|140
Judo|Keiko Mori|31|1975|110
Fencing|Paul Girard|16|1981|180
"""
FIELDS = """
Field|Crop|Area (ha)|Sown|Harvested|Yield (t/ha)
Long Acre|Wheat|12.4|2024-10-03|2025-08-04|8.1
Mill Field|Barley|9.5|2025-03-11|2025-07-28|6.4
Upper Downs|Rapeseed|15.0|2024-08-27|2025-07-17|3.3
Pond Close|Barley|6.1|2025-03-14|2025-07-30|n/a
Hollow|Oats|4.2|2025-03-19|2025-08-15|about 5
"""
EVENINGS = """
Evening|Venue|Visitors|Cost (EUR)
Map workshop|Studio|19|145.50
Repair cafe|Studio|37|90.00
Puppet theatre|Main hall|112|680.00
"""
ANIMALS = """
牲畜|数量（头）|日饲料（公斤）|圈舍|负责人
奶牛|46|1150|一号棚|邓海
肉牛|28|560|二号棚|邓海
山羊|75|180|三号棚|吕梅
绵羊|60|150|三号棚|吕梅
"""
WARDS = """
科室|医生|挂号费（元）|坐诊日
内科|何静|30|周一
儿科|苏敏|15|周三
骨科|叶青|30|周三
"""


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    shelf = Shelf()
    shelf.add(PARCELS, "parcel rates", source="parcel rates.csv")
    shelf.add(CLASSES, "classes", source="classes.xlsx")
    shelf.add(SQUADS, "Riverside squads", source="squads.docx")
    shelf.add(FIELDS, "Brackenfield Farm", source="fields.html")
    shelf.add(EVENINGS, "evenings", source="evenings.pdf")
    shelf.add(ANIMALS, "农场牲畜", source="牲畜.csv")
    shelf.add(WARDS, "门诊", source="门诊.xlsx")
    return shelf


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # Days that are counted are no dates.
        ("Which destination takes the longest?", "Turkey "),
        ("Which class had the most absent days in spring?", "2B "),
        ("Which squad is the oldest?", "Rowing "),
        ("Which field was harvested first?", "Upper Downs "),
        # What several rows cost, together.
        ("How much did we spend on evenings in the studio?", "235.50 EUR "),
        # In the word by which the column counts.
        ("三号棚一共有多少头牲畜？", "135 头 "),
        # Two rows.
        ("Is Long Acre larger than Upper Downs?", "No: Upper Downs"),
        ("Is Mill Field larger than Hollow?", "Yes: Mill Field"),
        (
            "Did more people come to the puppet theatre or to the map workshop?",
            "Puppet theatre: 112 [1]; Map workshop: 19 [2] (difference 93)",
        ),
        ("绵羊比山羊多吗？", "否：山羊"),
        ("奶牛比肉牛多多少头？", "奶牛：46 头 [1]；肉牛：28 头 [2] (相差 18 头)"),
        # Two cells of one row.
        (
            "How many more absent days did 2B have in spring than in autumn?",
            "2B — Spring term Absent days: 51; Autumn term Absent days: 22 (difference 29)",
        ),
        ("Did 3A have more pupils in spring than in autumn?", "No: 3A"),
    ],
)
def test_the_value_comes_first(text: str, said: str, shelf: Shelf) -> None:
    answer = table_answer(shelf, text)
    assert answer is not None
    assert answer.startswith(said)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Which destinations can be reached in less than 5 days?", ["Norway", "Portugal"]),
        ("Which squads were founded before 1980?", ["Rowing", "Judo"]),
        # All of them were harvested in one year.
        ("Which fields were harvested before August?", ["Mill", "Upper Downs", "Pond Close"]),
        ("周三是谁坐诊？", ["苏敏", "叶青"]),
    ],
)
def test_the_rows_that_hold_are_shown_and_no_others(
    text: str, names: list[str], shelf: Shelf
) -> None:
    answer = table_answer(shelf, text)
    assert answer is not None
    lines = [line for line in answer.splitlines()[2:] if line.startswith("|")]
    assert len(lines) == len(names)
    assert all(any(name in line for line in lines) for name in names)


@pytest.mark.parametrize(
    "text",
    [
        # Of a column with words among its numbers, and of no other.
        "Which field has the highest yield?",
        "What is the average yield of barley?",
        # Of dates in more than one year.
        "Which fields were sown before April?",
        # Two rows of one name are not compared.
        "Is wheat larger than barley?",
    ],
)
def test_what_is_not_understood_is_not_guessed(text: str, shelf: Shelf) -> None:
    assert table_answer(shelf, text) is None
