"""What a question asks for, and what holds such a thing."""

from __future__ import annotations

import pytest

from kb.answer.extractive.asked import Asked, holds, names_money, what_is_asked


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("How often must the filter be changed?", Asked.FREQUENCY),
        ("滤网多久换一次？", Asked.FREQUENCY),
        ("How long does it take?", Asked.DURATION),
        ("保修几年？", Asked.DURATION),
        ("When was the tower built?", Asked.DATE),
        ("When people do not pay, what is it called?", Asked.ANYTHING),
        ("什么时候开会？", Asked.DATE),
        ("How loud is it at night?", Asked.LOUDNESS),
        ("机器有多重？", Asked.WEIGHT),
        ("What is the price of a ticket?", Asked.MONEY),
        ("Which Python version does it need?", Asked.VERSION),
        ("固件是什么版本？", Asked.VERSION),
        ("这个多少钱？", Asked.MONEY),
        ("What was the revenue in 2025?", Asked.MONEY),
        ("What is the maximum noise at night?", Asked.LOUDNESS),
        ("How many people live there?", Asked.COUNT),
        ("What is the phone number of the workshop?", Asked.PHONE),
        ("Which hotline do I call?", Asked.PHONE),
        ("客服电话是多少？", Asked.PHONE),
        ("沈一凡的手机号", Asked.PHONE),
        ("salary of the bandmaster", Asked.MONEY),
        ("园丁的工资", Asked.MONEY),
        ("电话平均等待时间是多少？", Asked.AMOUNT),
        ("How do I connect my phone?", Asked.STEPS),
        ("What is the e-mail address of the shop?", Asked.E_MAIL),
        ("公司邮箱是什么？", Asked.E_MAIL),
        ("What is your website?", Asked.WEB),
        ("官网是什么？", Asked.WEB),
        ("Who wrote the letter?", Asked.PERSON),
        ("谁是作者？", Asked.PERSON),
        ("Where is the harbour?", Asked.PLACE),
        ("Why does it squeak?", Asked.REASON),
        ("How do I open the lid?", Asked.STEPS),
        ("怎么打开盖子？", Asked.STEPS),
        ("What does the red light mean?", Asked.DEFINITION),
        ("Is it waterproof?", Asked.YES_NO),
        ("可以水洗吗？", Asked.YES_NO),
        ("行么？", Asked.YES_NO),
        ("这是什么？", Asked.DEFINITION),
        ("他吃了什么？", Asked.ANYTHING),
        ("Tell me about the lid.", Asked.ANYTHING),
    ],
)
def test_what_is_asked(question: str, asked: Asked) -> None:
    assert what_is_asked(question)[0] is asked


@pytest.mark.parametrize(
    ("asked", "text", "held"),
    [
        (Asked.DURATION, "It takes five minutes.", True),
        (Asked.DURATION, "It takes a while.", False),
        (Asked.DATE, "Built in 1887.", True),
        (Asked.DATE, "会议在三月举行。", True),
        (Asked.DATE, "Built of stone.", False),
        (Asked.DATE, "The gate opens at seven.", True),
        (Asked.DATE, "大门七点开。", True),
        (Asked.LOUDNESS, "水泵的噪音是四十分贝。", True),
        (Asked.LOUDNESS, "24 dB at night", True),
        (Asked.LOUDNESS, "24 kg", False),
        (Asked.MONEY, "It is 12.50 EUR.", True),
        (Asked.VERSION, "It needs Python 3.11 or newer.", True),
        (Asked.VERSION, "It runs on Windows 11.", True),
        (Asked.VERSION, "固件版本为 2。", True),
        (Asked.VERSION, "`python3 -m pip` tells the version.", False),
        (Asked.MONEY, "It is wide.", False),
        (Asked.PHONE, "Call +44 (0)20 7946 0000.", True),
        (Asked.PHONE, "电话 010-6552 9988", True),
        (Asked.PHONE, "电话平均等待时间不超过 50 秒", False),
        (Asked.PHONE, "On 3 March 2026 at 10:30", False),
        (Asked.E_MAIL, "Write to service@shop.example.", True),
        (Asked.E_MAIL, "Write to us.", False),
        (Asked.WEB, "See www.shop.example.", True),
        (Asked.WEB, "See our shop.", False),
        (Asked.DATE, "It leaves at seven in the morning.", True),
        (Asked.DATE, "Some 9000 years ago.", True),
        (Asked.PERSON, "It was written by Maria Lopez.", True),
        (Asked.PERSON, "It was written by hand.", False),
        (Asked.PERSON, "讲师：王小明", True),
        (Asked.PERSON, "2026 年 3 月 27 日，上海", False),
        (Asked.REASON, "It squeaks because the hinge is dry.", True),
        (Asked.ANYTHING, "It squeaks.", None),
        (Asked.FREQUENCY, "The chain is oiled every 250 km.", True),
        (Asked.FREQUENCY, "Rinse it after each use.", True),
        (Asked.FREQUENCY, "每5000公里更换一次机油。", True),
        (Asked.FREQUENCY, "The chain is oiled by hand.", False),
    ],
)
def test_what_holds_it(asked: Asked, text: str, held: bool | None) -> None:
    assert holds(asked, text) is held


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A ticket is 12.50.", True),
        ("It moves 3.35 TB/s.", False),
        ("PyTorch 2.11.0 is there.", False),
        ("Entry is free.", True),
        ("A bag of laundry costs 45 yuan.", True),
        ("The toll is 120 kronor.", True),
        ("A conflict-free layout has 32 banks.", False),
    ],
)
def test_what_a_price_in_a_sentence_is_known_by(text: str, expected: bool) -> None:
    assert holds(Asked.MONEY, text, is_prose=True) is expected


@pytest.mark.parametrize(
    ("question", "said", "held"),
    [
        ("How many guests can sit there?", "The lunch box costs £5.95.", False),
        ("How many guests can sit there?", "It costs 12 euros.", False),
        ("How many guests can sit there?", "It costs EUR 1,250.50 a night.", False),
        ("How many guests can sit there?", "It seats 40 and costs £90.", True),
        ("How many guests can sit there?", "There are twelve chairs.", True),
        ("大厅能坐多少人？", "租金 300 元", False),
        ("大厅能坐多少人？", "可坐 80 人，租金 300 元", True),
        ("How many euros are in the box?", "It holds 12 euros.", True),
    ],
)
def test_what_is_counted_is_no_money(question: str, said: str, held: bool) -> None:
    assert holds(what_is_asked(question)[0], said) is held


@pytest.mark.parametrize(
    ("row", "is_money"),
    [
        ("Part | Voltage\nKeypad | 24", False),
        ("Part | Price\nKeypad | 24", True),
        ("Keypad | £24", True),
        ("名称 | 单价\n键盘 | 24", True),
        ("名称 | 电压\n键盘 | 24", False),
    ],
)
def test_a_row_says_that_its_number_is_money(row: str, is_money: bool) -> None:
    assert names_money(row) is is_money
