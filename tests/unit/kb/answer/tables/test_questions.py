"""Questions of tables on many subjects, in both languages, and what each answer begins with."""

from __future__ import annotations

import pytest
from made_tables import Shelf, table_answer

PLANETS = """
Planet|Diameter (km)|Mass (10^24 kg)|Moons|Year length (days)|Type|Discovered
Mercury|4879|0.33|0|88|rocky|
Venus|12104|4.87|0|224.7|rocky|
Earth|12756|5.97|1|365.2|rocky|
Mars|6792|0.642|2|687|rocky|
Jupiter|142984|1898|95|4331|gas giant|
Saturn|120536|568|146|10747|gas giant|
Uranus|51118|86.8|28|30589|ice giant|1781
Neptune|49528|102|16|59800|ice giant|1846
"""
STAFF = """
Name|Department|Position|Salary (EUR)|Start date|Office|Part-time
Anna Keller|Sales|Manager|5400,50|2018-04-01|Berlin|no
Tom Weiss|IT|Developer|4800,00|2021-09-15|Hamburg|no
Mei Lin|IT|Administrator|4300,00|2016-01-10|Berlin|yes
Paul Novak|Sales|Clerk|3100,00|2023-02-01|Munich|yes
Sara Diaz|Marketing|Designer|3900,00|2020-11-20|Hamburg|no
Omar Haddad|IT|Developer|5100,00|2019-07-01|Munich|no
"""
BOOKS = """
书名|作者|出版日期|定价（元）|库存|类别
红楼梦|曹雪芹|2008-07-01|59.7|35|古典
三体|刘慈欣|2008-01-01|23|120|科幻
活着|余华|2012-08-01|28|64|现代
围城|钱钟书|1991-02-01|39|18|现代
球状闪电|刘慈欣|2005-06-01|35|9|科幻
西游记|吴承恩|2010-05-01|47.2|52|古典
"""
CITIES = """
City|Country|Population|Area (km²)|Founded|Metro
Oslo|Norway|709,037|454|1048|yes
Bergen|Norway|291,940|465|1070|no
Stockholm|Sweden|984,748|188|1252|yes
Malmö|Sweden|362,133|157|1275|no
Helsinki|Finland|664,921|715|1550|yes
Reykjavik|Iceland|139,875|273|1786|no
"""
DRILL = """
Property|Value
Voltage|18 V
Weight with battery|1.6 kg
Maximum torque|55 Nm
Chuck size|13 mm
No-load speed|1,900 rpm
Battery charging time|45 min
Noise level|86 dB
Warranty|3 years
"""

TEAMS = """
部门|主管|人数|楼层
采购部|赵宁|12|二楼
检验部|孙悦|31|三楼
客服部|周航|8|一楼
"""
ORDERS = """
订单号|客户|金额|销售员|日期
A101|东山小学|3200|沈一凡|2024-03-02
A102|西湖酒店|5400|沈一凡|2024-03-09
A103|南园食堂|1800|丁岚|2024-05-11
"""
SHRUBS = """
Name|Planted|Flowers from
Witch hazel|2011-05-03|January
Rockrose|2016-02-11|May
Lilac|2019-05-20|May
Buddleia|2020-10-01|July
"""


MACHINES = """
Kind | Machine | Idle
x1 | one board with 80 GiB of memory, 16 cores, no network and a fan that runs all day | 30 s
x2 | two boards with 160 GiB of memory, 32 cores, no network and a command line | 60 s
"""


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    shelf = Shelf()
    shelf.add(PLANETS, "planets", source="planets.csv")
    shelf.add(STAFF, "staff", source="staff.csv")
    shelf.add(BOOKS, "图书", source="图书.csv")
    shelf.add(TEAMS, "部门一览", source="部门一览.csv")
    shelf.add(ORDERS, "订单", source="订单.csv")
    shelf.add(SHRUBS, "shrubs", source="shrubs.csv")
    shelf.add(CITIES, "Cities of the north", ("Figures",))
    shelf.add(MACHINES, "Machines", source="machines.md")
    shelf.add(DRILL, "Bora 18 cordless drill", ("Specifications",))
    return shelf


ONE_CELL = [
    ("How many moons does Jupiter have?", "Moons: 95 "),
    ("What is the diameter of Mars?", "Diameter: 6792 km "),
    ("When was Neptune discovered?", "Discovered: 1846 "),
    ("What is Tom Weiss's position?", "Developer "),
    ("When did Sara Diaz start?", "2020-11-20 "),
    ("How much does Paul Novak earn?", "3100,00 EUR "),
    ("What is the salary of the administrator?", "4300,00 EUR "),
    ("How large is Helsinki?", "Area: 715 km² "),
    ("Population of Bergen", "Population: 291,940 "),
    ("How many people live in Malmö?", "Population: 362,133 "),
    ("How heavy is the Bora 18?", "1.6 kg "),
    ("How loud is the drill?", "86 dB "),
    ("How long does the battery take to charge?", "45 min "),
    ("What is the maximum torque?", "55 Nm "),
    ("How long is the warranty of the Bora 18?", "3 years "),
    ("三体的作者是谁？", "刘慈欣 "),
    ("活着多少钱？", "28 CNY "),
    ("围城是什么时候出版的？", "1991-02-01 "),
]
FIRST_AND_LAST = [
    ("Which planet has the most moons?", "Saturn "),
    ("Which planet has the second largest diameter?", "Saturn "),
    ("Who earns the most?", "Anna Keller "),
    ("Who has the lowest salary?", "Paul Novak "),
    ("Who is the newest employee?", "Paul Novak "),
    ("Which city in Sweden has the largest population?", "Stockholm "),
    ("What is the oldest city?", "Oslo "),
    ("Which city has the smallest area?", "Malmö "),
    ("哪本书最贵？", "红楼梦 "),
    ("哪本书的库存最多？", "三体 "),
]
COMPUTED = [
    ("How many gas giants are there?", "2\n"),
    ("What is the total number of moons?", "288 "),
    ("What is the average diameter of the rocky planets?", "9,132.75 km "),
    ("What is the average salary in IT?", "4,733.33 EUR "),
    ("How many people work in Berlin?", "2\n"),
    ("How many cities are in Norway?", "2\n"),
    ("刘慈欣的书一共有几本？", "2\n"),
    ("科幻类的书平均定价是多少？", "29.00 CNY "),
    ("所有书的库存总共是多少？", "298 "),
    # One row is named: its number is asked for, not how many rows there are.
    ("检验部有多少人？", "人数：31 "),
    # A month that cells say, beside a column of dates that is not meant.
    ("How many shrubs flower from May?", "2\n"),
    ("How many shrubs were planted in May?", "2\n"),
]
COMPARED = [
    ("Which is heavier, Uranus or Neptune?", "Neptune"),
    ("What is the difference in diameter between Earth and Venus?", "Earth"),
    ("Is Oslo older than Bergen?", "Yes: Oslo"),
    ("三体和活着哪个更贵？", "活着"),
]
ROWS = [
    ("Which planets have more than 20 moons?", ["Jupiter", "Saturn", "Uranus"]),
    ("Who works in Hamburg?", ["Tom Weiss", "Sara Diaz"]),
    ("List all developers", ["Tom Weiss", "Omar Haddad"]),
    ("Who started before 2019?", ["Anna Keller", "Mei Lin"]),
    ("Who works part-time?", ["Mei Lin", "Paul Novak"]),
    ("Which employees earn less than 4000 EUR?", ["Paul Novak", "Sara Diaz"]),
    ("Which cities have a metro?", ["Oslo", "Stockholm", "Helsinki"]),
    ("Which cities have a population over 500,000?", ["Oslo", "Stockholm", "Helsinki"]),
    ("库存少于20本的书有哪些？", ["围城", "球状闪电"]),
    ("2008年出版的书有哪些？", ["红楼梦", "三体"]),
    ("价格在30元到50元之间的书有哪些？", ["围城", "球状闪电", "西游记"]),
]
NOT_UNDERSTOOD = [
    # What nothing in the table names.
    "How heavy is the Bora 24?",
    "What is the population of Copenhagen?",
    "How much does Anna Schmidt earn?",
    "四体的作者是谁？",
    "What is the mass of Pluto?",
    "How many pages does the manual have?",
    # Words of a long cell, of which each has many.
    "How much memory does the x2 have?",
    "How long does a command run?",
    "How many boards are there?",
    # What somebody sold is not what they earn.
    "沈一凡工资多少？",
    # What the grammar has no rule for.
    "What does each city cost?",
    "Which planet is not rocky?",
    "Why does Jupiter have 95 moons?",
    "How do I charge the battery?",
    # Diameter or mass?
    "Which planet is the smallest?",
    # About nothing.
    "What is the total?",
    "thanks!",
    "你好",
    "🙂",
    "?",
    "a" * 1_000_000,
    "the of and",
]


@pytest.mark.parametrize(("text", "said"), [*ONE_CELL, *FIRST_AND_LAST, *COMPUTED, *COMPARED])
def test_the_value_comes_first(text: str, said: str, shelf: Shelf) -> None:
    answer = table_answer(shelf, text)
    assert answer is not None
    assert answer.startswith(said)


@pytest.mark.parametrize(("text", "names"), ROWS)
def test_the_rows_that_hold_are_shown_and_no_others(
    text: str, names: list[str], shelf: Shelf
) -> None:
    answer = table_answer(shelf, text)
    assert answer is not None
    lines = [line for line in answer.splitlines()[2:] if line.startswith("|")]
    assert len(lines) == len(names)
    assert all(any(name in line for line in lines) for name in names)


@pytest.mark.parametrize("text", NOT_UNDERSTOOD, ids=lambda text: text[:40])
def test_what_is_not_understood_is_not_guessed(text: str, shelf: Shelf) -> None:
    assert table_answer(shelf, text) is None
