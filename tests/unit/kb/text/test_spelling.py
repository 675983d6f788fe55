from __future__ import annotations

import pytest

from kb.text.spelling import Speller, words

LIBRARY = """How do I reset the filter of the air purifier? Press the battery cover. The Hazelwick
warranty covers filters for two years. Größe und Fehlermeldung. Привет мир. getTarget E07 RX-200"""


@pytest.fixture
def speller() -> Speller:
    made = Speller()
    made.add(words(LIBRARY))
    return made


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("reset the fitler", "reset the filter"),
        ("reset the filtr?", "reset the filter?"),
        ("Batery of the purifeir", "Battery of the purifier"),
        ("hazelwik warrenty", "hazelwick warranty"),
        ("When should someone clean a fitler", "When should someone clean a filter"),
        ("Größe und Fehlermeldnug", "Größe und Fehlermeldung"),
    ],
)
def test_a_slip_becomes_the_word_of_the_library(
    speller: Speller, written: str, mended: str
) -> None:
    assert speller.mend(written) == mended


@pytest.mark.parametrize(
    "text",
    [
        "reset the filters",
        "resetting the filter",
        "the falter of the fitter",  # English words
        'reset the "fitler"',
        "reset the “fitler” and `batery`",
        "reset the FITLER of getTraget",
        "reset E08 of RX-300 at 3.2.1",
        "wie wechsle ich die Baterie vom Geraet im Winter",  # another language
        "重置过滤器",
        "👍",
        "a",
        "",
    ],
)
def test_what_is_no_slip_stays(speller: Speller, text: str) -> None:
    assert speller.mend(text) == text


def test_between_words_as_near_none_is_chosen() -> None:
    speller = Speller()
    speller.add(["kepler", "kesler", "the", "of"])
    assert speller.mend("the keller of") == "the keller of"
    assert speller.mend("the keplerr of") == "the kepler of"


def test_without_known_words_nothing_changes() -> None:
    assert Speller().mend("fitler") == "fitler"


def test_a_long_text_is_no_question(speller: Speller) -> None:
    text = "fitler " * 200_000
    assert speller.mend(text) == text


def test_learnt_words_are_told_once(speller: Speller) -> None:
    assert speller.add(["filter", "kettle", "kettle"]) == ["kettle"]
