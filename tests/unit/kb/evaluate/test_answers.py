"""Answers are judged as a reader would."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kb.evaluate.answers import Verdict, judge, refusal_curve, summarise
from kb.evaluate.retrieval import EvalQuery, RankedPlace
from kb.types import Answer, AnswerStatus, Citation, Locator, Query


def query(
    *facts: tuple[str, ...], must_not: tuple[str, ...] = (), place: RankedPlace | None = None
) -> EvalQuery:
    places = (place or RankedPlace("a.pdf"),) if facts else ()
    return EvalQuery(
        "1",
        "?",
        places,
        answers=facts,
        must_not=must_not,
        kind="k",
        is_answerable=bool(facts),
    )


def answer(text: str, *places: Locator, source: str = "a.pdf") -> Answer:
    citations = tuple(
        Citation(n, "c", source, place, text) for n, place in enumerate(places or [Locator()], 1)
    )
    return Answer(Query("?"), text, AnswerStatus.ANSWERED, citations, (), {}, 0.0)


def refusal() -> Answer:
    return Answer(Query("?"), "Nothing.", AnswerStatus.NO_EVIDENCE, (), (), {}, 0.0)


@pytest.mark.parametrize(
    ("form", "text", "occurs"),
    [
        ("5,976", "It was 5976 EUR [1].", True),
        ("5976", "It was 5,976 EUR.", True),
        ("64.0", "64.00 EUR", False),
        ("64 EUR", "64  \nEUR", True),
        ("12", "112", False),
        ("12", "12.5", False),
        ("12", "2.12", False),
        ("12", "[12]", False),
        ("ember", "September", False),
        ("ember", "The Ember kettle", True),
        ("24 dB", "24\u2009dB", True),
        ("36-75", "36–75", True),
        ("quieter start", r"\*\*Quieter start.\*\*", True),
        ("24分贝", "噪声 24 分贝", True),
    ],
)
def test_forms_occur_as_readers_see_them(form: str, text: str, occurs: bool) -> None:
    verdict = judge(query((form,)), answer(text)).verdict
    assert verdict is (Verdict.RIGHT if occurs else Verdict.WRONG)


def test_every_fact_is_needed_and_nothing_unwanted() -> None:
    both = query(("a", "b"), ("c",), must_not=("d",))
    assert judge(both, answer("b c")).verdict is Verdict.RIGHT
    lacking = judge(both, answer("a"))
    assert (lacking.verdict, lacking.missing) == (Verdict.WRONG, (("c",),))
    mixed = judge(both, answer("a c d"))
    assert (mixed.verdict, mixed.unwanted) == (Verdict.WRONG, ("d",))


def test_refusals() -> None:
    assert judge(query(("a",)), refusal()).verdict is Verdict.FALSE_REFUSAL
    assert judge(query(), refusal()).verdict is Verdict.RIGHT_REFUSAL
    assert judge(query(), answer("a")).verdict is Verdict.FALSE_ANSWER


@pytest.mark.parametrize(
    ("wanted", "cited", "is_cited"),
    [
        (RankedPlace("a.pdf"), Locator(page=3), True),
        (RankedPlace("b.pdf"), Locator(page=3), False),
        (RankedPlace("a.pdf", 3), Locator(page=3), True),
        (RankedPlace("a.pdf", 3), Locator(page=4), False),
        (RankedPlace("a.pdf", start_s=10, end_s=20), Locator(start_s=15, end_s=30), True),
        (RankedPlace("a.pdf", start_s=10, end_s=20), Locator(start_s=20, end_s=30), False),
        (RankedPlace("a.pdf", start_s=10, end_s=20), Locator(start_s=20), True),
        (RankedPlace("a.pdf", start_s=10, end_s=20), Locator(), False),
    ],
)
def test_citations_are_compared_as_finely_as_the_place(
    wanted: RankedPlace, cited: Locator, is_cited: bool
) -> None:
    assert judge(query(("a",), place=wanted), answer("a", cited)).is_cited is is_cited


def test_a_summary_by_kind() -> None:
    judged = [judge(query(("a",)), answer("a")), judge(query(), refusal())]
    table = summarise(judged)
    assert table["k"] == table["all"]
    assert (table["all"]["n"], table["all"]["right"], table["all"]["right_refusal"]) == (2, 1, 1)
    assert table["all"]["mean_chars"] == 1


def test_the_curve_of_refusals() -> None:
    judged = [
        judge(query(("a",)), replace(answer("a"), probability=0.9)),
        judge(query(("a",)), replace(refusal(), probability=0.1)),
        judge(query(("a",)), answer("a")),
        judge(query(), replace(answer("a"), probability=0.3)),
        judge(query(), refusal()),
    ]
    at = {point["threshold"]: point for point in refusal_curve(judged)}
    assert at[0.1]["false_refusals"] == 0
    assert at[0.2]["false_refusals"] == pytest.approx(1 / 3)
    assert (at[0.3]["false_answers"], at[0.35]["false_answers"]) == (0.5, 0.0)
    assert refusal_curve(judged[:1])[0]["false_answers"] is None


def test_where_places_are_known_and_no_facts_one_of_them_is_to_be_cited() -> None:
    asked = EvalQuery("1", "?", (RankedPlace("a.pdf", 2),))
    assert judge(asked, answer("b", Locator(page=2))).verdict is Verdict.RIGHT
    assert judge(asked, answer("b", Locator(page=3))).verdict is Verdict.WRONG
    assert judge(asked, refusal()).verdict is Verdict.FALSE_REFUSAL


def test_of_what_nobody_knows_the_answer_only_what_is_none_is_judged() -> None:
    asked = EvalQuery("1", "?", (), must_not=("40 dB",), is_answerable=None)
    assert judge(asked, answer("It is 40 dB.")).verdict is Verdict.WRONG
    assert judge(asked, answer("It is 41 dB.")).verdict is Verdict.OTHER
    assert judge(asked, refusal()).verdict is Verdict.RIGHT_REFUSAL
    missed = EvalQuery("2", "?", ())
    assert judge(missed, refusal()).verdict is Verdict.FALSE_REFUSAL
    assert judge(missed, answer("40 dB")).verdict is Verdict.OTHER
