from __future__ import annotations

from kb.markdown import escape_markdown
from ui.output import plain


def test_a_terminal_shows_marks_as_they_were_written() -> None:
    for text in ("1. Open the lid.", "**bold** [7] <b> a_b C:\\dir |x| # - + !", "如何？ 100%"):
        assert plain(escape_markdown(text)) == text
    assert plain("one  \ntwo") == "one\ntwo"
