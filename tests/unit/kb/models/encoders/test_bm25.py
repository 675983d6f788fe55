"""What counts as the same word."""

from __future__ import annotations

import pytest

from kb.models.encoders.bm25 import Bm25Encoder
from kb.protocols import SparseVector
from kb.types import Chunk, Kind, Locator, Modality, Query


def _chunk(text: str, title: str = "") -> Chunk:
    return Chunk("0", "0" * 64, 0, Kind.TEXT, Modality.TEXT, Locator(), text, title)


def _score(query: str, text: str) -> float:
    encoder = Bm25Encoder()
    (q,) = encoder.encode_queries([Query(query)])
    (c,) = encoder.encode_chunks([_chunk(text)])
    return _dot(q, c)


def _dot(a: SparseVector, b: SparseVector) -> float:
    weights = dict(zip(a.indices.tolist(), a.values.tolist(), strict=True))
    return sum(
        weights.get(i, 0.0) * v for i, v in zip(b.indices.tolist(), b.values.tolist(), strict=True)
    )


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("running", "it runs"),
        ("CAFÉ", "the cafe"),
        ("RX200", "model RX-200"),
        ("rx-200", "model RX200"),
        ("DiffExecutor", "a diff executor"),
        ("run target", "def run_target(self):"),
        ("runTarget", "def run_target(self):"),
        ("parse HTTP", "HTTPServer starts"),
        ("设备", "如何重置设备"),
        ("猫", "小猫在睡觉"),
        ("ＡＢＣ", "abc"),
        ("テスト", "これはテストです"),
        ("서울", "대한민국서울"),
        ("größe", "Größe der Datei"),
        ("привет", "Привет, мир"),
        ("離職員工", "离职的员工"),
        ("转账", "銀行轉賬"),
        ("3.2.1", "v3.2.1: fixed"),
        ("version 7", "Released as v7.0."),
        ("1250", "costs 1,250 EUR"),
        ("10 kΩ", "a 10kΩ resistor"),
        ("10kΩ", "a resistor of 10 kΩ"),
        ("2022", "the year FY2022"),
        ("RX 200", "model RX200"),
        ("5 March 2022", "on 2022-03-05"),
        ("March 5th, 2022", "2022年3月5日开始"),
        ("5.3.2022", "Am 2022/03/05"),
    ],
)
def test_meets(query: str, text: str) -> None:
    assert _score(query, text) > 0


@pytest.mark.parametrize(
    ("query", "text"),
    [("cat", "concatenate"), ("设备", "甲乙丙丁"), ("the of and", "the end of it"), ("a1", "b2")],
)
def test_does_not_meet(query: str, text: str) -> None:
    assert _score(query, text) == 0


@pytest.mark.parametrize(
    ("query", "right", "wrong"),
    [
        ("3.2.1", "number 3.2.1", "numbers 1.2.3, 3.1.2 and 2.1.3"),
        ("v3.2.1", "since v3.2.1", "clause 3.2.1"),
        ("error E07", "E07 means heat", "W07 means heat"),
        ("5 March 2022", "2022-03-05 it began", "2022-05-03 it began"),
        ("at 10:30", "begins 10:30", "begins 30:10"),
    ],
)
def test_numbers_are_told_apart_by_the_order_of_their_parts(
    query: str, right: str, wrong: str
) -> None:
    assert _score(query, right) > 1.5 * _score(query, wrong)


def test_pair_of_characters_outweighs_its_single_characters() -> None:
    assert _score("设备", "设备已经打开好了") > 2 * _score("设备", "设想与备用都好了")


def test_frequency_saturates_and_length_discounts() -> None:
    once, twice, often = (_score("lamp", "lamp " * n + "x " * (40 - n)) for n in (1, 2, 20))
    assert once < twice < 2 * once
    assert often < 1 + Bm25Encoder()._k
    assert _score("lamp", "lamp " + "word " * 500) < once


def test_value_is_the_formula_of_bm25() -> None:
    (vector,) = Bm25Encoder(k=1.2, b=0.5, average_length=4).encode_chunks(
        [_chunk("lamp lamp green door")]
    )
    assert sorted(vector.values.tolist()) == pytest.approx([1.0, 1.0, 2 * 2.2 / 3.2])


def test_title_counts() -> None:
    encoder = Bm25Encoder()
    (q,) = encoder.encode_queries([Query("kettle")])
    (c,) = encoder.encode_chunks([_chunk("press the button", title="Kettle manual")])
    assert _dot(q, c) > 0


def test_fingerprint_tells_parameters_apart_and_is_stable() -> None:
    assert Bm25Encoder().fingerprint == Bm25Encoder().fingerprint
    prints = {
        Bm25Encoder(**{name: value}).fingerprint
        for name, value in [
            ("k", 1.2),
            ("b", 0.5),
            ("average_length", 256.0),
            ("single_weight", 0.5),
        ]
    }
    assert len(prints | {Bm25Encoder().fingerprint}) == 5
