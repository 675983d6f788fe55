from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kb.models.rerankers.lexical import LexicalReranker
from kb.types import Chunk, Hit, Kind, Locator, Modality, Query


def hit(
    text: str = "", fused: float = 0.5, *, title: str = "", picture: float | None = None
) -> Hit:
    chunk = Chunk(
        id=f"{text}{title}{fused}",
        document_sha256="d",
        ordinal=0,
        kind=Kind.TEXT,
        modality=Modality.TEXT,
        locator=Locator(),
        text=text,
        title=title,
    )
    return Hit(chunk, "s.txt", fused=fused, picture=picture)


def best(question: str, *hits: Hit) -> int:
    return int(np.argmax(LexicalReranker().rerank(Query(text=question), hits)))


_FILLER = hit("Nothing of note is written here.", 0.1)


@pytest.mark.parametrize(
    ("question", "worse", "better"),
    [
        ("battery life", "life of the battery", "the battery life is ten hours"),
        ("reset device", "reset it. " + "Other words. " * 60 + "The device.", "Reset the device."),
        ("电源键 设备", "设备没有电。" + "其他内容。" * 80 + "源键", "按住电源键，设备重启。"),
    ],
)
def test_order_and_nearness(question: str, worse: str, better: str) -> None:
    assert best(question, hit(worse), hit(better), _FILLER) == 1


def test_a_heading_that_names_the_matter() -> None:
    assert (
        best(
            "warranty period",
            hit("Two years.", title="Colours"),
            hit("Two years.", title="Warranty period"),
            _FILLER,
        )
        == 1
    )


def test_a_file_whose_name_is_asked_for() -> None:
    named = replace(hit("Cash was spent."), source="reports/MILLRACE_2018_10K.pdf")
    other = replace(hit("Cash was spent.", 0.52), source="reports/BROOKLET_2018_10K.pdf")
    assert best("cash of Millrace", other, named, _FILLER) == 1


def test_the_number_that_is_asked_for() -> None:
    question = "what does clause 3.2.1 say"
    assert best(question, hit("Clause 1.2.3: No.", 0.52), hit("Clause 3.2.1: No."), _FILLER) == 1


def test_a_document_with_much_that_fits_comes_first() -> None:
    alone = hit("The pump is blue.", 0.5)
    fitting = [
        replace(one, chunk=replace(one.chunk, document_sha256="much"))
        for one in (hit("The pump is red.", 0.499), hit("Pumps.", 0.45), hit("A pump.", 0.45))
    ]
    assert best("colour of the pump", alone, *fitting, _FILLER) == 1


def test_without_words_the_fused_order_stays() -> None:
    hits = [hit(fused=fused, picture=fused) for fused in (0.2, 0.9, 0.5)]
    assert LexicalReranker().rerank(Query(), hits).tolist() == pytest.approx([0.2, 0.9, 0.5])


def test_a_strong_lead_is_not_overturned_by_words_alone() -> None:
    assert (
        best(
            "reset device",
            hit("It goes back to how it was sold.", 0.95),
            hit("Reset the device.", 0.5),
        )
        == 0
    )
