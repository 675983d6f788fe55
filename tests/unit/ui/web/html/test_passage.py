"""Passages as HTML: rendered, marked, and never anybody's markup."""

from __future__ import annotations

import pytest

from kb.types import Kind
from ui.web.html.passage import passage_html

TABLE = "| Item | Price |\n| --- | --- |\n| Lamp | 9 |\n| Kettle | 12 |"


def shown(text: str, quoted: str = "", kind: Kind = Kind.OFFICE, source: str = "a.docx") -> str:
    start = text.index(quoted)
    return passage_html(text, start, start + len(quoted), kind, source)


def test_a_table_is_a_table_with_its_row_marked() -> None:
    made = shown(TABLE, "| Kettle | 12 |")
    assert "| ---" not in made
    assert made.count("<th>") == 2
    assert '<tr class="kb-row-marked"><td>Kettle</td>' in made
    assert made.count("kb-row-marked") == 1
    assert 'kb-row-marked"><td>Lamp' in shown(TABLE, "Lamp | 9 |")
    # Of a PDF too, where the words around it stand as they are.
    assert "<table>" in passage_html(TABLE, 0, 0, Kind.PDF, "a.pdf")


@pytest.mark.parametrize(
    ("text", "quoted", "expected"),
    [
        ("Hold **it** down.", "Hold **it** down.", '<mark class="kb-quote">it</mark></strong>'),
        ("One. Two. Three.", "Two.", 'One. <mark class="kb-quote">Two.</mark> Three.'),
        ("- one\n- two", "- two", '<li><mark class="kb-quote">two</mark></li>'),
        ("1. one\n2. two", "2. two", '<li><mark class="kb-quote">two</mark></li>'),
        ("# Head\n\nWords", "# Head", '<h1><mark class="kb-quote">Head</mark></h1>'),
        ("a `b c` d", "b c", '<code><mark class="kb-quote">b c</mark></code>'),
        ("```\nx = 1\ny = 2\n```", "y = 2", 'x = 1\n<mark class="kb-quote">y = 2</mark>'),
        ("一、保修\n二十四个月", "二十四个月", '<mark class="kb-quote">二十四个月</mark>'),
        ("| no table", "| no table", '<mark class="kb-quote">| no table</mark>'),
    ],
)
def test_what_is_pointed_at_is_marked(text: str, quoted: str, expected: str) -> None:
    assert expected in shown(text, quoted)


def test_a_quote_over_several_parts_is_marked_in_each() -> None:
    text = "First line\n\n- a *b*\n\n" + TABLE
    made = shown(text, text)
    for part in ("First line", "a ", "b"):
        assert f'<mark class="kb-quote">{part}</mark>' in made
    assert made.count("kb-row-marked") == 3


EVIL = [
    "<img src=x onerror=alert(1)>",
    "![x](https://example.org/x.png)",
    "[x](javascript:alert(1))",
    "<https://example.org>",
    "[a]: https://example.org\n[a]",
    "```<script>\nalert(1)</script>\n```",
    "`<b>`",
    "&lt;img src=x&gt; &#60;script&#62;",
    "| <img src=x> |\n|---|\n| <script>x</script> |",
    "\u2e02\u2e03<img src=x>",
]


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("kind", [Kind.OFFICE, Kind.TEXT, Kind.DATA])
@pytest.mark.parametrize("is_quoted", [True, False])
def test_nothing_in_it_becomes_markup_or_a_link(text: str, kind: Kind, is_quoted: bool) -> None:
    made = passage_html(text, 0, len(text) if is_quoted else 0, kind, "a.md")
    for tag in ("<img", "<script", "<a ", "href", "<b>"):
        assert tag not in made.replace("&lt;a href", "")


def test_plain_text_stays_as_it_was_written() -> None:
    made = passage_html("1) a\n   * b_c_d *", 0, 4, Kind.TEXT, "a.txt")
    assert made == (
        '<div class="kb-as-written"><mark class="kb-quote">1) a</mark>\n   * b_c_d *</div>'
    )


def test_every_bracket_in_a_text_leaves_it_as_written() -> None:
    text = "**a** " + "".join(chr(code) for code in range(0x2E02, 0x2E0E))
    assert "kb-as-written" in shown(text, "a")
