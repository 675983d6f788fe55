from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

from kb.text.terms import (
    Language,
    content_terms,
    find_terms,
    fold_width,
    language,
    stem,
    terms,
)


def stems(text: str) -> list[str]:
    return [term.stem for term in terms(text)]


def stems_of_question(text: str) -> set[str]:
    return {term.stem for term in content_terms(text)}


def test_english_words_are_found_by_their_stem() -> None:
    assert stems("Resetting devices") == stems("reset device")


def test_threads_get_the_stems_of_their_own_words() -> None:
    heads = ("multiply", "connect", "general", "relation", "hope", "argue", "operat", "condition")
    tails = ("ing", "ed", "ation", "izer", "fulness", "ational", "ously", "ness")
    words = [head + tail for head, tail in product(heads, tails)]
    run_anew = stem.__wrapped__  # what a word's first asker runs
    alone = [run_anew(word) for word in words]
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda _: [run_anew(word) for word in words], range(160)))
    finally:
        sys.setswitchinterval(interval_s)
    assert together == [alone] * 160


def test_identifiers_are_found_whole_and_by_their_parts() -> None:
    assert stems("DiffExecutor") == ["diffexecutor", "diff", "executor"]
    assert stems("run_target") == ["run_target", "run", "target"]


def test_a_number_of_several_parts_is_found_whole() -> None:
    assert stems("v3.2.1 and 3.2.1") == ["3.2.1", "version", "and", "3.2.1"]
    assert "3.2.1" in stems("3.2.1-beta")
    assert not {"3", "2", "1"} & set(stems("3.2.1"))


def test_traditional_chinese_is_found_as_simplified() -> None:
    assert stems("設備") == stems("设备")
    assert [(term.start, term.end) for term in find_terms("重置設備", {"设备"})] == [(2, 4)]
    assert stems_of_question("請問如何重置設備？") == {"重置", "置设", "设备"}


def test_chinese_is_found_by_pairs_of_characters() -> None:
    assert stems("重置设备") == ["重置", "置设", "设备"]
    assert stems("按") == ["按"]


@pytest.mark.parametrize(
    "text", ["如何 reset 设备X100？", "The RUN_target, don’t!", "ＡＢＣ１２ 你好"]
)
def test_a_term_stands_where_it_says(text: str) -> None:
    for term in terms(text):
        word = fold_width(text)[term.start : term.end]
        assert term.stem in stems(word)


def test_full_width_letters_are_the_same_words_at_the_same_places() -> None:
    assert stems("ＵＳＢ") == stems("USB")
    assert len(fold_width("ＵＳＢ　１")) == 5


def test_content_terms_leave_out_grammar_and_asking() -> None:
    asked = {term.stem for term in content_terms("How do I reset the device?")}
    assert asked == {"reset", "devic"}
    assert {term.stem for term in content_terms("如何重置设备？")} == {"重置", "置设", "设备"}


def test_a_question_of_grammar_alone_keeps_its_words() -> None:
    assert [term.stem for term in content_terms("what is it")] == ["what", "is", "it"]


@pytest.mark.parametrize(
    "text",
    [
        "The DiffExecutor runs run_target; executors are running. RunTarget",
        "重置设备 and 设备设备 resets",
        "İstanbul multiply multiplies, resets the RESET-button",
        "don't a.b.reset __reset__ preset",
    ],
)
def test_find_terms_is_terms_filtered(text: str) -> None:
    wanted = {"diffexecutor", "executor", "run", "target", "设备", "multipli", "reset", "button"}
    assert sorted(find_terms(text, wanted)) == sorted(
        term for term in terms(text) if term.stem in wanted
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("如何重置设备？", Language.CHINESE),
        ("How do I reset the 设备?", Language.ENGLISH),
        ("DiffExecutor 的作用是什么", Language.CHINESE),
        ("デバイスをリセットする方法", Language.ENGLISH),
        ("", Language.ENGLISH),
    ],
)
def test_language(text: str, expected: Language) -> None:
    assert language(text) is expected
