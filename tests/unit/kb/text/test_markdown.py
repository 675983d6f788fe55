from __future__ import annotations

import pytest

from kb.text.markdown import escape_markdown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**bold** and [link](x)", r"\*\*bold\*\* and \[link\](x)"),
        ("<script>", r"\<script\>"),
        ("[3]", r"\[3\]"),
        ("# not a heading", r"\# not a heading"),
        ("1. not a list", r"1\. not a list"),
        ("- not a list", r"\- not a list"),
        ("https://example.com", r"https\://example.com"),
        ("www.example.com", r"www\.example.com"),
        ("run_target stays", "run_target stays"),
        ("_emphasis_", r"\_emphasis\_"),
        ("$x$ | y", r"\$x\$ \| y"),
        ("按住电源键", "按住电源键"),
    ],
)
def test_what_would_be_markup_is_shown_as_written(text: str, expected: str) -> None:
    assert escape_markdown(text) == expected
