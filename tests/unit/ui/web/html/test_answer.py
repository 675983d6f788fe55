"""Answers as HTML: chips where something is cited, and nothing of a document as markup."""

from __future__ import annotations

import html
import re

from kb.text.markdown import escape_markdown
from ui.web.html.answer import answer_html

EVIL = "\"'><img src=x onerror=alert(1)> [click](javascript:alert(1)) <https://example.org>"


def words_of(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup)).strip()


def test_numbers_become_chips_without_the_space_before_them() -> None:
    made = answer_html("Hold it [1][2].", {1: "<i>1</i>", 2: "<i>2</i>"})
    assert made == "<p>Hold it<i>1</i><i>2</i>.</p>\n"


def test_number_that_cites_nothing_stays_as_written() -> None:
    assert answer_html("See [7].", {1: "<i>1</i>"}) == "<p>See [7].</p>\n"


def test_number_quoted_from_a_document_is_no_citation() -> None:
    quoted = escape_markdown("As shown in [1], it leaks.")
    assert answer_html(f"{quoted} [1]", {1: "<i>1</i>"}) == (
        "<p>As shown in [1], it leaks.<i>1</i></p>\n"
    )


def test_paragraphs_lists_and_line_breaks_are_kept() -> None:
    made = answer_html("One  \ntwo\n\n1. a [1]\n2. b", {1: "<i>1</i>"})
    assert "<p>One<br />\ntwo</p>" in made
    assert "<li>a<i>1</i></li>" in made


def test_html_links_and_pictures_are_shown_as_their_source() -> None:
    made = answer_html(EVIL, {})
    assert not re.search(r"<(?!/?p>)", made)
    assert words_of(made) == EVIL


def test_escaped_quote_is_shown_as_it_stands_in_the_document() -> None:
    made = answer_html(escape_markdown(EVIL), {})
    assert not re.search(r"<(?!/?p>)", made)
    assert words_of(made) == EVIL
