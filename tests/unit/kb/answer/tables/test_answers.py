"""Which table answers, what is cited, and what of it is shown."""

from __future__ import annotations

import dataclasses

import pytest
from made_tables import Shelf

from kb.answer.tables.answers import TableAnswers
from kb.protocols import Quote, TextDelta
from kb.types import AnswerStatus, EncodedImage, Hit, Query

STOCK = """
Article|Depot|In stock
Rope|North|8
Lantern|South|5
Anchor|North|12
"""


def text_of(events: tuple[object, ...]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_each_row_used_is_cited_where_it_stands() -> None:
    shelf = Shelf()
    shelf.add(STOCK, "Stock")
    answer = TableAnswers(shelf).answer(Query(text="How many ropes are in stock?"), shelf.hits)
    assert answer is not None
    quote, text, status = answer.events
    assert isinstance(quote, Quote)
    chunk = answer.hits[quote.hit_index].chunk
    assert chunk.text[quote.start : quote.end] == "Rope|North|8"
    assert text == TextDelta("In stock: 8 — Rope [1]")
    assert status is AnswerStatus.ANSWERED


def test_a_chunk_that_was_not_found_is_added_to_what_is_cited() -> None:
    shelf = Shelf()
    shelf.add(STOCK, "Stock")
    (hit,) = shelf.hits
    other = Hit(dataclasses.replace(hit.chunk, id="other", text="Stock of the depots"), "s")
    answer = TableAnswers(shelf).answer(Query(text="total in stock in the depot North"), [other])
    assert answer is not None
    assert [one.chunk.id for one in answer.hits] == ["other", "sha0-0"]
    assert text_of(answer.events).startswith("20 (sum of In stock over 2 rows)")
    assert {event.hit_index for event in answer.events if isinstance(event, Quote)} == {1}


def test_the_answer_is_in_the_language_of_the_question() -> None:
    shelf = Shelf()
    shelf.add("姓名|部门|年龄\n张伟|销售部|31\n王芳|销售部|45", "员工")
    tables = TableAnswers(shelf)
    answer = tables.answer(Query(text="销售部的平均年龄是多少？"), shelf.hits)
    assert answer is not None
    assert text_of(answer.events).startswith("38 (2 行的年龄平均值)")


def test_two_tables_that_differ_are_not_chosen_between() -> None:
    shelf = Shelf()
    shelf.add(STOCK, "Stock")
    shelf.add(STOCK.replace("8", "9"), "Stock")
    tables = TableAnswers(shelf)
    query = Query(text="How many ropes are in stock?")
    assert tables.answer(query, shelf.hits) is None
    assert tables.answer(query, shelf.hits[:1]) is not None


def test_the_table_that_holds_more_of_the_question_answers() -> None:
    shelf = Shelf()
    shelf.add("Order|Buyer|Pieces\nA-1|Northern Depot Ltd|3\nA-2|Rope School|4", "Orders")
    shelf.add(STOCK, "Stock")
    query = Query(text="How many pieces do we have in stock in North altogether?")
    answer = TableAnswers(shelf).answer(query, shelf.hits)
    assert answer is not None
    assert text_of(answer.events).startswith("20 ")


def test_a_question_with_a_picture_is_left_to_others() -> None:
    shelf = Shelf()
    shelf.add(STOCK, "Stock")
    picture = EncodedImage(b"", "image/png", 1, 1)
    query = Query(text="How many ropes are in stock?", images=(picture,))
    assert TableAnswers(shelf).answer(query, shelf.hits) is None


def test_many_rows_are_ten_and_a_number() -> None:
    shelf = Shelf()
    body = "\n".join(f"part {chr(97 + i)}x|{i}" for i in range(26))
    shelf.add(f"Article|Weight (kg)\n{body}", "Parts")
    query = Query(text="Which articles have a weight above 5 kg?")
    answer = TableAnswers(shelf).answer(query, shelf.hits)
    assert answer is not None
    assert text_of(answer.events).endswith("\n\nand 10 more")
    assert sum(isinstance(event, Quote) for event in answer.events) == 10


def test_rows_that_add_up_the_others_are_not_added_again() -> None:
    shelf = Shelf()
    shelf.add("Month|Sales (EUR)\nJanuary|10\nFebruary|20\nTotal|30", "Sales")
    answer = TableAnswers(shelf).answer(Query(text="What are the total sales?"), shelf.hits)
    assert answer is not None
    assert text_of(answer.events).startswith("30 EUR ")


@pytest.mark.parametrize("name", ['x"); DROP TABLE chunks; --', "' OR 1=1 --", "SELECT"])
def test_a_name_that_is_sql_is_a_name(name: str) -> None:
    shelf = Shelf()
    shelf.add(f"Article|{name}\nRope|8\nAnchor|12", "Stock")
    query = Query(text=f"What is the {name} of the anchor?")
    answer = TableAnswers(shelf).answer(query, shelf.hits)
    assert answer is not None
    assert text_of(answer.events).startswith(f"{name}: 12 — Anchor")


def test_marks_in_cells_are_shown_as_they_are_written() -> None:
    shelf = Shelf()
    shelf.add("Article|Note\nRope|*new* [x](http://e.org)\nAnchor|old", "Stock")
    answer = TableAnswers(shelf).answer(Query(text="What is the note of the rope?"), shelf.hits)
    assert answer is not None
    assert text_of(answer.events).startswith(r"\*new\* \[x\](http\://e.org) — ")


def test_a_document_that_is_gone_meanwhile_is_not_cited() -> None:
    shelf = Shelf()
    shelf.add(STOCK, "Stock")
    (hit,) = shelf.hits
    other = Hit(dataclasses.replace(hit.chunk, id="other"), "s")
    tables = TableAnswers(shelf)
    shelf.chunks = lambda ids: {}  # type: ignore[method-assign]
    assert tables.answer(Query(text="How many ropes are in stock?"), [other]) is None


def test_a_value_of_many_rows_is_said_once() -> None:
    shelf = Shelf()
    body = "\n".join(f"part {i}|{5 if i % 2 else 7}" for i in range(300))
    shelf.add(f"Article|Price (EUR)\n{body}", "Parts")
    answer = TableAnswers(shelf).answer(Query(text="What is the highest price?"), shelf.hits)
    assert answer is not None
    assert text_of(answer.events).startswith("7 EUR (150 rows) [1]")
