"""What every page says while indexing waits for somebody to decide."""

from __future__ import annotations

from kb.errors import MassDeleteError
from kb.types import Outcome
from ui.web.html.templates import render

__all__ = ["held_html"]

_MOST = 200  # Of each list; the page is sent to everybody.


def held_html(held: MassDeleteError | None) -> str:
    """The banner with what a sync would do; empty where none waits."""
    if held is None:
        return ""

    def sources(outcome: Outcome) -> list[str]:
        return [one.source for one in held.changes if one.outcome is outcome]

    return render(
        "held",
        n_lost=len(held.lost),
        removed=sources(Outcome.REMOVED),
        added=sources(Outcome.ADDED),
        updated=sources(Outcome.UPDATED),
        moved=sources(Outcome.MOVED),
        most=_MOST,
    )
