"""Parts of pages from templates: escaped, without a gap that nobody wrote, and never half."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from ui.web.html import templates
from ui.web.html.templates import render


def test_a_value_is_escaped_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    made = templates.FunctionLoader(lambda _: '<p a="{{ x }}">{{ x }}')
    monkeypatch.setattr(templates._ENVIRONMENT, "loader", made)
    said = render("made", x="""<i onclick='1' title="2">&{{ 7 }}""")
    quoted = "&lt;i onclick=&#39;1&#39; title=&#34;2&#34;&gt;&amp;{{ 7 }}"
    assert said == f'<p a="{quoted}">{quoted}'


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'page' is undefined"):
        render("files")


def test_a_template_is_read_on_one_line() -> None:
    source = templates._load("files.html")
    assert "\n" not in source
    # A break within a tag is the space between two attributes.
    assert 'data-focus="{{ where }} {{ kind }}" aria-label=' in source
    assert 'data-group="{{ where }}" data-focus=' in source
    assert "</span><span class=" in source
