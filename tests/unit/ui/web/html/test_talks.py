"""The list of conversations."""

from __future__ import annotations

import time

from kb import Conversation
from ui.web.html.talks import talks_html

EVIL = "\"'><img src=x onerror=alert(1)>"
DAY_NS = 86_400 * 10**9


def talk(name: str, days: float = 0, *, is_pinned: bool = False) -> Conversation:
    changed_ns = time.time_ns() - int(days * DAY_NS)
    return Conversation(f"id-{name}", name, is_pinned, changed_ns, changed_ns, 1)


def test_conversations_stand_under_when_they_were_asked_in() -> None:
    made = talks_html(
        [talk("P", 90, is_pinned=True), talk("A"), talk("B", 0.5), talk("C", 3), talk("D", 30)]
    )
    order = ["Pinned", ">P<", "Last 24 hours", ">A<", ">B<", "Last 7 days", ">C<", "Earlier", ">D<"]
    places = [made.index(part) for part in order]
    assert places == sorted(places)
    assert made.count("<h2>") == 4
    assert 'data-talk-act="unpin" data-id="id-P"' in made
    assert 'data-talk-act="pin" data-id="id-A"' in made
    assert 'href="c/id-A"' in made
    assert 'href="api/conversations/id-A.md" download' in made


def test_titles_and_errors_are_text() -> None:
    made = talks_html([talk(EVIL)], deleted=talk(EVIL), error=EVIL)
    assert "<img" not in made
    assert made.count("&lt;img") >= 4


def test_what_was_deleted_can_be_taken_back() -> None:
    made = talks_html([], deleted=talk("gone"))
    assert 'data-talk-act="restore" data-id="id-gone"' in made
    assert "“gone” was deleted" in made


def test_an_empty_list_says_why() -> None:
    assert "What you ask is kept here" in talks_html([])
    assert "No conversation has these words" in talks_html([], text="x")
