"""Irregular English forms."""

from __future__ import annotations

import pytest

from kb.models.encoders.bm25 import Bm25Encoder
from kb.text.irregular import BASE_FORMS
from kb.text.terms import find_terms, stem, terms
from kb.types import Query


def test_no_base_is_itself_a_form() -> None:
    assert not set(BASE_FORMS) & set(BASE_FORMS.values())


@pytest.mark.parametrize(
    ("form", "base"), [("wrote", "write"), ("written", "write"), ("children", "child")]
)
def test_a_form_is_found_by_its_base_and_the_other_way_round(form: str, base: str) -> None:
    [term] = terms(form.upper())
    assert term.stem == stem(base)
    [found] = find_terms(f"Then, {form} in ink.", {stem(base)})
    assert (found.start, found.end) == (6, 6 + len(form))
    one, other = Bm25Encoder().encode_queries([Query(form), Query(base)])
    assert one.indices.tolist() == other.indices.tolist()


@pytest.mark.parametrize("word", ["left", "felt", "led", "ground", "saw"])
def test_a_word_of_its_own_stays(word: str) -> None:
    assert word not in BASE_FORMS
