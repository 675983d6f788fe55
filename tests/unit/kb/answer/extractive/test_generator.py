from __future__ import annotations

import re
from functools import cache

import pytest

from kb.answer.extractive.generator import ExtractiveGenerator
from kb.answer.refusal.judge import Judge
from kb.config.models import ExtractiveConfig, TextEncoderConfig
from kb.models.encoders.paired import text_encoder
from kb.protocols import Quote, Relevance, TextDelta
from kb.types import AnswerStatus, Chunk, EncodedImage, Hit, Kind, Locator, Modality, Query

_IMAGE = EncodedImage(b"", "image/png", 1, 1)
_FILLER = (
    "The colours are grey and white. A box holds the charger, a cable and this leaflet. "
    "The lamp shines in the dark for about an hour."
)


@cache
def judge() -> Judge:
    """With what its probabilities were found with: the encoder of `starter`."""
    config = TextEncoderConfig(model="all-MiniLM-L6-v2 + multilingual-e5-small")
    return Judge(text_encoder(config))


def hit(
    text: str,
    source: str = "m.txt",
    *,
    headings: tuple[str, ...] = (),
    dense: float | None = 0.6,
    picture: float | None = None,
    locator: Locator | None = None,
    time_s: float | None = None,
    ordinal: int = 0,
    kind: Kind = Kind.TEXT,
    modality: Modality = Modality.TEXT,
) -> Hit:
    chunk = Chunk(
        id=source + text[:8],
        document_sha256=source,
        ordinal=ordinal,
        kind=kind,
        modality=modality,
        locator=locator or Locator(),
        text=text,
        headings=headings,
    )
    return Hit(chunk, source, dense=dense, picture=picture, time_s=time_s)


def ask(
    question: str, *hits: Hit, n: int = 3, images: int = 0
) -> tuple[str, list[str], AnswerStatus]:
    """The text, the quoted words by number, and the status."""
    query = Query(text=question, images=(_IMAGE,) * images)
    generator = ExtractiveGenerator(ExtractiveConfig(max_quotes=n), judge())
    events = list(generator.stream(query, hits))
    status = events[-1]
    assert isinstance(status, AnswerStatus)
    bound: dict[int, str] = {}
    text = ""
    for event in events[:-1]:
        if isinstance(event, Relevance):
            assert 0 <= event.probability <= 1
        elif isinstance(event, Quote):
            bound[event.number] = hits[event.hit_index].chunk.text[event.start : event.end]
        else:
            assert isinstance(event, TextDelta)
            text += event.text
            named = {int(number) for number in re.findall(r"(?<!\\)\[(\d+)\]", text)}
            assert named <= set(bound), "a number before its quote"
    assert list(bound) == list(range(1, len(bound) + 1))
    return text, list(bound.values()), status


def test_the_sentence_that_answers_with_its_citation() -> None:
    manual = hit("The battery lasts ten hours.\nIt charges within two hours. " + _FILLER)
    text, quotes, status = ask("How long does the battery last?", manual, hit(_FILLER, "b.txt"))
    assert text.startswith("The battery lasts ten hours. [1]")
    assert quotes[0] == "The battery lasts ten hours."
    assert status is AnswerStatus.ANSWERED


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How often must the filter be changed?", "The filter lasts up to nine months."),
        ("How often should I clean the sensor?", "Clean the sensor every two weeks."),
        ("How often does the fan start?", "The fan starts twice a day."),
        ("滤网多久一次清洗？", "滤网每两周清洗一次。"),
    ],
)
def test_how_often_is_answered_by_what_says_how_often(question: str, answer: str) -> None:
    others = (
        "Owners ask us most often about the filter.\nBeans change with the weather.\n"
        "Turn the fan off before you clean the sensor.\n更换滤网后请清洗外壳。"
    )
    _, quotes, status = ask(question, hit(f"{others}\n\n{answer} {_FILLER}"))
    assert quotes[0] == answer
    assert status is AnswerStatus.ANSWERED


_STEPS = "1. Open the lid.\n2. Hold RESET for 5 s.\n3. Close the lid."


def test_how_is_answered_by_the_steps_and_nothing_before_them() -> None:
    manual = hit(f"{_FILLER}\n\nTo reset the device:\n{_STEPS}\n\nEnd.")
    text, quotes, _ = ask("How do I reset the device?", manual)
    assert quotes[0] == _STEPS
    assert text.startswith(
        "1\\. Open the lid.  \n2\\. Hold RESET for 5 s.  \n3\\. Close the lid. [1]"
    )


def test_the_heading_says_what_the_steps_are_for() -> None:
    page = hit(
        "A factory reset brings the lamp back to how it left us.\n\nStep by step\n\n"
        f"{_STEPS.replace('RESET', 'Mode')}",
        headings=("Lamp", "Factory reset"),
    )
    _, quotes, _ = ask("How do I reset the lamp to factory settings?", page)
    assert quotes[0].startswith("1. Open the lid.")


def test_a_list_goes_on_in_the_next_part_of_the_section() -> None:
    rest = hit("4. Wait.\n5. Press Power.", headings=("Reset",), ordinal=1)
    first = hit(_STEPS, headings=("Reset",))
    _, quotes, _ = ask("How do I reset the device?", first, rest)
    assert quotes[:2] == [_STEPS, "4. Wait.\n5. Press Power."]


def test_a_line_of_the_contents_is_no_answer() -> None:
    contents = hit("Safety 3\nResetting the device 9\nTroubleshooting 10", headings=("Contents",))
    text, quotes, _ = ask("How do I reset the device?", contents, hit(_STEPS + _FILLER, "b.txt"))
    assert not any("9" in quote for quote in quotes)
    assert "Resetting the device" not in text


def test_a_record_is_read_whole_and_alone() -> None:
    parts = hit(
        "number: A-1\nname: Lid\nprice: 3\nnumber: A-2\nname: Hose\nprice: 9",
        "parts.json",
        kind=Kind.DATA,
    )
    text, quotes, _ = ask("What is the price of the hose?", parts, hit(_FILLER, "b.txt"))
    assert text == "number: A-2; price: 9; name: Hose [1]"
    assert quotes == ["number: A-2\nname: Hose\nprice: 9"]


def test_a_number_on_a_picture_belongs_to_the_name_above_it() -> None:
    chart = hit("Months by city\nOslo\n9.6\nRome\n8.4", "c.png", modality=Modality.IMAGE)
    text, _, _ = ask("How many months in Oslo by the chart?", chart, n=1)
    assert text == "Oslo 9.6 [1]"


def test_a_further_quote_adds_something() -> None:
    manual = hit(
        "The pump of the boiler runs at two bar. The pump is grey. The boiler was tested.\n\n"
        + _FILLER
    )
    _, quotes, _ = ask("At how many bar does the pump of the boiler run?", manual)
    assert quotes == ["The pump of the boiler runs at two bar."]


def test_words_of_the_subject_without_the_question_are_no_evidence() -> None:
    parts = hit("The lamp is grey. " + _FILLER, "lamp.txt", dense=0.25)
    other = hit("Something else altogether stands here.", "o.txt", dense=0.55)
    _, _, status = ask("What is the battery capacity of the lamp?", other, parts)
    assert status is AnswerStatus.NO_EVIDENCE


def test_a_heading_says_what_the_sentence_below_is_about() -> None:
    manual = hit("# Warranty\nIt is two years from the day of purchase.\n\n# Colours\nGrey, white.")
    _, quotes, _ = ask("What is the warranty?", manual, hit(_FILLER, "b.txt"))
    assert quotes[0] == "It is two years from the day of purchase."


def test_the_answer_of_a_faq_and_not_its_question() -> None:
    faq = hit("Where is the serial number?\nOn the back, under the battery.\n\n" + _FILLER)
    _, quotes, _ = ask("Where is the serial number?", faq, hit(_FILLER, "b.txt"))
    assert quotes[0] == "On the back, under the battery."


def test_a_row_of_a_table_is_read_with_its_header() -> None:
    table = hit("| Part | Price |\n|---|---|\n| Lid | 3 EUR |\n| Hose | 9 EUR |\n")
    text, quotes, _ = ask("What is the price of the hose?", table, hit(_FILLER, "b.txt"), n=1)
    assert text == "Part: Hose; Price: 9 EUR [1]"
    assert quotes == ["| Hose | 9 EUR |"]


def test_chinese_question_chinese_answer() -> None:
    both = (
        hit("To reset the device hold the power button.", "en.txt", dense=None),
        hit("本机重约三公斤。重置设备时请按住电源键十秒。外壳为灰色。", "zh.txt", dense=None),
    )
    text, quotes, status = ask("如何重置设备？", *both)
    assert quotes[0] == "重置设备时请按住电源键十秒。"
    assert text.startswith("重置设备")
    assert status is AnswerStatus.ANSWERED


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Who won the cup in 1954?", "Nothing in the sources answers"),
        ("谁赢得了一九五四年的世界杯？", "资料中没有找到"),
    ],
)
def test_nothing_answers(question: str, words: str) -> None:
    text, quotes, status = ask(question, hit(_FILLER, dense=0.05), hit("外壳为灰色。", dense=0.05))
    assert status is AnswerStatus.NO_EVIDENCE
    assert words in text
    assert quotes == []


def test_a_cosine_of_chinese_is_no_evidence() -> None:
    _, _, status = ask("谁赢得了世界杯决赛？", hit("外壳为灰色。世界各地有售。", dense=0.9))
    assert status is AnswerStatus.NO_EVIDENCE


def test_no_hits() -> None:
    assert ask("How do I reset the device?")[2] is AnswerStatus.NO_EVIDENCE


def test_the_same_sentence_is_quoted_once() -> None:
    copies = [hit("The battery lasts ten hours. " + _FILLER, f"{i}.txt") for i in range(4)]
    _, quotes, _ = ask("How long does the battery last?", *copies)
    assert quotes.count("The battery lasts ten hours.") == 1


def test_no_more_quotes_than_configured() -> None:
    many = [hit(f"The battery of model {i} lasts {i} hours.", f"{i}.txt") for i in range(2, 8)]
    assert len(ask("How long does the battery last?", *many, n=2)[1]) <= 2


def test_text_of_documents_is_shown_as_it_reads() -> None:
    evil = hit("The **battery** <img src=x> lasts [7] ten hours. " + _FILLER)
    text, _, _ = ask("How long does the battery last?", evil)
    assert r"The battery \<img src=x\> lasts \[7\] ten hours" in text


def test_a_picture_is_named_with_its_place() -> None:
    clip = hit("", "v_1.mp4", picture=0.97, locator=Locator(start_s=64, end_s=128), time_s=75)
    other = hit("", "o.png", picture=0.5)
    text, quotes, status = ask("", other, clip, images=1)
    assert text == "The closest match is v_1.mp4 at 1:15 [1]"
    assert quotes == [""]
    assert status is AnswerStatus.ANSWERED


def test_a_picture_that_is_nowhere() -> None:
    text, _, status = ask("", hit("", "o.png", picture=0.5), images=1)
    assert status is AnswerStatus.NO_EVIDENCE
    assert "No picture" in text


def test_words_with_a_picture_fall_back_on_the_picture() -> None:
    page = hit("", "m.pdf", picture=0.95, locator=Locator(page=3), dense=None)
    text, _, status = ask("这是什么？", page, images=1)
    assert text == "最相近的是m.pdf 第 3 页 [1]"
    assert status is AnswerStatus.ANSWERED


def test_words_with_a_picture_have_one_answer() -> None:
    kettle = hit("EMBER 1.0 L", "kettle.jpg", picture=0.98, modality=Modality.IMAGE)
    manual = hit("The Ember kettle boils a litre of water in four minutes. " + _FILLER, "m.txt")
    text, quotes, status = ask("How fast does the Ember kettle boil?", manual, kettle, images=1)
    assert text == "The Ember kettle boils a litre of water in four minutes. [1]"
    assert quotes == ["The Ember kettle boils a litre of water in four minutes."]
    assert status is AnswerStatus.ANSWERED


def test_how_is_answered_by_steps_under_another_word_for_it() -> None:
    beans = hit("Beans change with the weather, so move one click finer. " + _FILLER, "b.txt")
    manual = hit(f"Replacing the filter\n\n{_STEPS}\n\nEnd.", headings=("Replacing the filter",))
    for question in ("How do I change the filter?", "How can I swap the filter?"):
        _, quotes, _ = ask(question, beans, manual)
        assert quotes[0] == _STEPS


def test_the_steps_of_something_else_do_not_take_the_place_of_prose_that_answers() -> None:
    care = hit(
        "每两个月打开背后的小盖，用干布擦拭镜头。不要使用酒精。",
        "care.txt",
        headings=("清洁烟雾传感器",),
        dense=0.9,
    )
    start = hit("1. 插上电源。\n2. 烟雾传感器预热 60 秒。\n3. 打开应用，添加设备。", "start.txt")
    text, _, status = ask("烟雾传感器怎么清洁？", care, start)
    assert status is AnswerStatus.ANSWERED
    assert "擦拭镜头" in text
    assert "预热" not in text


def test_steps_that_mention_it_in_passing_are_not_for_it() -> None:
    reset = hit(
        "Step by step\n\n1. Hold RESET for 5 s.\n2. Wait for the lamp.\n3. Pair the phone again.",
        headings=("Lamp", "Resetting the lamp"),
    )
    pairing = hit("Hold Timer for three seconds to pair the phone. " + _FILLER, "p.txt")
    text, quotes, _ = ask("How do I pair the phone with the lamp?", reset, pairing)
    assert "Hold Timer" in text
    assert not any("RESET" in quote for quote in quotes)
    _, quotes, _ = ask("How do I reset the lamp?", reset, pairing)
    assert "RESET" in quotes[0]


def test_steps_of_a_method_are_for_what_the_title_says() -> None:
    cake = hit(
        "1. Mix flour and sugar.\n2. Add the eggs.\n3. Bake for 40 minutes.",
        headings=("Lemon cake", "Method"),
    )
    _, quotes, _ = ask("How do I bake a lemon cake?", cake)
    assert quotes[0].startswith("1. Mix")


def test_a_phone_number_is_asked_for_and_nothing_else_that_is_about_phones() -> None:
    training = hit("Calls are picked up within 50 seconds. " + _FILLER)
    assert ask("What is the phone number for calls?", training)[2] is AnswerStatus.NO_EVIDENCE
    card = hit("The phone number for calls is 020 7946 0000. " + _FILLER)
    assert "7946" in ask("What is the phone number for calls?", card)[0]


def test_how_is_answered_by_steps_though_a_sentence_says_as_much() -> None:
    about = hit("A reset returns the device to how it left our works. " + _FILLER, "a.txt")
    manual = hit(f"How to reset the device\n\n{_STEPS}", headings=("How to reset the device",))
    _, quotes, _ = ask("How do I reset the device?", about, manual)
    assert _STEPS in quotes


def test_a_numbered_heading_of_a_text_file_is_no_answer() -> None:
    note = hit(
        "保修条款\n\n一、保修期限\n整机自购买之日起保修二十四个月。\n\n二、保修范围\n材料缺陷。"
    )
    text, quotes, _ = ask("保修期多久？", note)
    assert quotes[0].startswith("整机自购买之日起保修二十四个月")
    assert "一、保修期限" not in text
