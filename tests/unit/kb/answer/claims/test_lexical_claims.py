from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kb.answer.claims.lexical import LexicalClaimScorer
from kb.text.quantities import quantities
from kb.types import Chunk, ImageRef, Kind, Locator, Modality

_MANUAL = Chunk(
    id="m",
    document_sha256="m",
    ordinal=0,
    kind=Kind.PDF,
    modality=Modality.TEXT,
    locator=Locator(),
    text=(
        "To reset the device, hold Power for ten seconds. The ring turns blue. "
        "Do not clean the Lantern with solvents. It weighs 5.4 kg."
    ),
    title="Breeze 300",
)
_CHINESE = replace(_MANUAL, text="如需重置设备，请按住电源键十秒。不要使用溶剂。", title="")
_TABLE = replace(
    _MANUAL,
    text="| Part | Weight | Price |\n|---|---|---|\n| Fan | 2 kg | 30 |\n| Foot | 1 kg | 12 |",
)


def score(claim: str, chunk: Chunk = _MANUAL) -> float:
    return float(LexicalClaimScorer().score(claim, [chunk])[0])


@pytest.mark.parametrize(
    ("claim", "chunk"),
    [
        ("To reset the device, hold Power for ten seconds.", _MANUAL),
        ("Hold Power for 10 s to reset the device.", _MANUAL),
        ("According to the manual, the ring turns blue.", _MANUAL),
        ("如需重置设备，请按住电源键10秒。", _CHINESE),
        ("根据说明书，不要使用溶剂。", _CHINESE),
        ("Part: Foot; Weight: 1 kg; Price: 12", _TABLE),
    ],
)
def test_the_same_words_are_wholly_supported(claim: str, chunk: Chunk) -> None:
    assert score(claim, chunk) == 1.0


@pytest.mark.parametrize(
    ("true", "false", "chunk"),
    [
        ("Hold Power for ten seconds.", "Hold Power for twenty seconds.", _MANUAL),
        ("Hold Power for ten seconds.", "Hold Power for ten minutes.", _MANUAL),
        ("Do not clean with solvents.", "Clean with solvents.", _MANUAL),
        ("The ring turns blue.", "The ring never turns blue.", _MANUAL),
        ("Do not clean the Lantern.", "Do not clean the Skylark.", _MANUAL),
        ("It weighs 5.4 kg.", "It weighs 5.4 g.", _MANUAL),
        ("请按住电源键十秒。", "请按住电源键五秒。", _CHINESE),
        ("不要使用溶剂。", "要使用溶剂。", _CHINESE),
        ("The foot weighs 1 kg.", "The foot weighs 2 kg.", _TABLE),
    ],
)
def test_one_thing_wrong_halves_the_score(true: str, false: str, chunk: Chunk) -> None:
    assert score(false, chunk) <= 0.5 * score(true, chunk)


def test_other_words_have_nothing() -> None:
    assert score("Coffee tastes best in spring.") == 0.0
    assert score("Anything.", replace(_MANUAL, text="", title="")) == 0.0


def test_the_title_is_read_as_standing_around_each_sentence() -> None:
    assert 0.85 < score("The ring of the Breeze turns blue.") < 1.0


def test_a_picture_can_confirm_what_its_words_do_not_say() -> None:
    image = ImageRef("0" * 64, "image/png", 9, 9)
    words = "THE RING TURNS BLUE\nDo not open"
    picture = replace(_MANUAL, modality=Modality.IMAGE, image=image, text=words)
    assert np.isnan(score("The lamp is green.", picture))
    assert score("The ring turns blue.", picture) == 1.0


def test_stainless_and_wireless_deny_nothing() -> None:
    steel = replace(_MANUAL, text="外壳采用不锈钢，支持无线网络。", title="")
    assert score("外壳采用钢，支持网络。", steel) > 0.6
    assert score("It weighs no more than 5.4 kg.") == 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5.40 kg", [("5.4", "kg")]),
        ("1,200 litres", [("1200", "l")]),
        ("10-minute", [("10", "min")]),
        ("ten seconds", [("10", "s")]),
        ("二十四个月", [("24", "month")]),
        ("三百天", [("300", "day")]),
        ("５ 公斤", [("5", "kg")]),
        ("HF-30", []),
        ("one and 一个", []),
        ("十分好", []),
        ("2026-03-14", [("2026", ""), ("03", ""), ("14", "")]),
        ("5 metrics", [("5", "")]),
    ],
)
def test_quantities_are_compared_however_they_are_written(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert [(one.value, one.unit) for one in quantities(text)] == expected
