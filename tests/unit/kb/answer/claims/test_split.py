from __future__ import annotations

import pytest

from kb.answer.claims.split import cited_sentences
from kb.text.markdown import escape_markdown


def said(markdown: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(one.text, one.numbers) for one in cited_sentences(markdown)]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("It weighs 5.4 kg [1].", [("It weighs 5.4 kg.", (1,))]),
        ("It weighs 5.4 kg. [1] It is red.", [("It weighs 5.4 kg.", (1,))]),
        ("It is red. [2][1]\nNext [3].", [("It is red.", (2, 1)), ("Next.", (3,))]),
        ("Nobody knows. It is red [1].", [("It is red.", (1,))]),
        ("Use e.g. Dr. Ruiz's, see No. 5 [1].", [("Use e.g. Dr. Ruiz's, see No. 5.", (1,))]),
        ("A is 1 [1]; B is 2 [2].", [("A is 1;", (1,)), ("B is 2.", (2,))]),
        ("Is it red? [1] Yes! [2]", [("Is it red?", (1,)), ("Yes!", (2,))]),
        ("It goes on\nover lines [1].", [("It goes on over lines.", (1,))]),
        ("重5.4公斤[1]。是红色。[2]没有引用。", [("重5.4公斤。", (1,)), ("是红色。", (2,))]),
        ("电压220伏[1]；功率30瓦[2]。", [("电压220伏；", (1,)), ("功率30瓦。", (2,))]),
        ("“请按住。”[1]然后放开[2]。", [("“请按住。”", (1,)), ("然后放开。", (2,))]),
    ],
)  # fmt: skip
def test_sentences_of_both_languages(
    markdown: str, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert said(markdown) == expected


def test_items_headings_and_hard_breaks_end_a_sentence() -> None:
    markdown = (
        "## Reset [4]\n- **Hold** it [1]\n  for ten seconds\n- Let go\n"
        "1. Wait [2]\n\n> Quoted [3]\n\nOne  \nTwo [5]\\\nThree [6]"
    )
    assert said(markdown) == [
        ("Reset", (4,)),
        ("Hold it for ten seconds", (1,)),
        ("Wait", (2,)),
        ("Quoted", (3,)),
        ("Two", (5,)),
        ("Three", (6,)),
    ]


def test_a_row_is_one_claim_with_the_names_of_its_columns() -> None:
    table = "| Part | Weight |\n|---|---|\n| Fan. Big | 5 kg [2] |\n| Foot | |\n\n| no | head [1] |"
    assert said(table) == [("Part: Fan. Big; Weight: 5 kg", (2,)), ("no; head", (1,))]


def test_code_cites_nothing_and_ends_nothing() -> None:
    markdown = "Run `a[1]. B` now [2].\n\n```py\nx = y[1]. Z\n```\n\nEnd [3].\n```\nopen [4]."
    assert said(markdown) == [("Run a[1]. B now.", (2,)), ("End.", (3,))]


def test_code_in_tildes_or_indented_and_a_stray_backtick() -> None:
    markdown = (
        "So [1]:\n\n~~~\nx[2]. Y\n~~~\n\n    z[3]. W\n\nIt isn`t hot [4].\n\n- A\n\n    B [5]"
    )
    assert said(markdown) == [("So:", (1,)), ("It isnt hot.", (4,)), ("B", (5,))]


def test_what_is_escaped_is_no_markup_and_no_citation() -> None:
    quoted = escape_markdown("2. See [7] for *x*.")
    assert said(f"{quoted} [1]") == [("2. See [7] for *x*.", (1,))]


def test_a_citation_alone_claims_nothing() -> None:
    assert said("[1]\n\n- [2]\n\n…[3]") == []


@pytest.mark.parametrize(
    "markdown",
    [
        "First. It weighs 5 kg. [1] Last.",
        "- *One* [1]\n- Two\\\nThree [2]\\\nFour",
        "| A | B |\n|---|---|\n|  x | 5 [1]  |",
        "颜色红。[1]后",
    ],
)
def test_ranges_hold_the_sentence_with_its_citations(markdown: str) -> None:
    found = cited_sentences(markdown)
    assert found
    for one in found:
        part = markdown[one.start : one.end]
        assert part == part.strip()
        assert all(f"[{number}]" in part for number in one.numbers)
        assert not part.endswith("\\")
        assert not part.startswith(("- ", "|"))


def test_long_text_without_an_end_is_read_in_time() -> None:
    assert said("word " * 40_000 + "[1]")[0][1] == (1,)
    assert said("`" * 3_000 + "\n" + "*" * 3_000 + " [1" * 3_000) == []
