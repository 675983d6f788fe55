"""Where a question is asked."""

from __future__ import annotations

import pytest

from kb.errors import ConfigError
from kb.types import Filters, Kind
from ui.service.scope import scope_choices, scope_filters, scope_of, scope_text

SOURCES = ["notes/a.txt", "manuals/old/b.pdf", "manuals/c.pdf", "manuals2/d.pdf", "e:f.md"]


def test_kinds_folders_and_files_can_be_chosen() -> None:
    choices = dict(scope_choices(SOURCES))
    assert choices["PDF"] == "kind:pdf"
    assert choices["manuals/"] == "folder:manuals"
    assert choices["manuals/old/"] == "folder:manuals/old"
    assert choices["e:f.md"] == "file:e:f.md"
    assert len(scope_choices([f"{n}.md" for n in range(50_000)])) < 2_100


def test_each_choice_is_a_filter() -> None:
    def filters(*values: str) -> Filters:
        return scope_filters(values, SOURCES)

    assert filters() == Filters()
    assert filters("kind:pdf", "kind:video") == Filters(kinds=(Kind.PDF, Kind.VIDEO))
    assert filters("folder:manuals") == Filters(folders=("manuals",))
    assert filters("nonsense") == Filters(sources=("nonsense",))
    assert filters("file:e:f.md") == Filters(sources=("e:f.md",))


def test_a_folder_and_a_file_elsewhere_are_both_asked() -> None:
    found = scope_filters(["folder:manuals", "file:notes/a.txt", "kind:pdf"], SOURCES)
    assert found == Filters(
        sources=("notes/a.txt", "manuals/old/b.pdf", "manuals/c.pdf"), kinds=(Kind.PDF,)
    )


@pytest.mark.parametrize("values", [["kind:nope"], ["folder:" + "x" * 5000]])
def test_what_is_no_choice_is_refused(values: list[str]) -> None:
    with pytest.raises(ConfigError, match="filters are not accepted"):
        scope_filters(values, SOURCES)


def test_filters_are_choices_again() -> None:
    values = ("kind:pdf", "kind:image", "folder:manuals/old")
    assert scope_of(scope_filters(values, SOURCES)) == values
    assert scope_of(scope_filters(["file:e:f.md"], SOURCES)) == ("file:e:f.md",)
    assert scope_of(Filters(after_ns=1)) == ()


def test_a_scope_is_told_in_words() -> None:
    assert scope_text([]) == ""
    assert scope_text(["kind:html", "kind:pdf"]) == "Web page or PDF"
    assert scope_text(["kind:html", "folder:a/b", "file:c:d.md"]) == "Web page in a/b, c:d.md"
