"""The tokens by which programs are let in, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ui.language import later, tr
from ui.service.tokens import Token, TokenScope
from ui.web.html.render import escape, message
from ui.web.html.templates import render

__all__ = ["NewToken", "tokens_html"]

_SCOPES = {
    TokenScope.READ: later("Read: search, ask, open"),
    TokenScope.ADD: later("Add: files, conversations"),
    TokenScope.DELETE: later("Delete"),
}
_SHORT = {
    TokenScope.READ: later("read"),
    TokenScope.ADD: later("add"),
    TokenScope.DELETE: later("delete"),
}
_ELSEWHERE = later(
    "With a password set, others use this page too: programs are let in at this computer, by "
    "`kb token create NAME`."
)


class NewToken(NamedTuple):
    """A token that was made just now, and is shown this once."""

    name: str
    token: str


def tokens_html(
    tokens: Sequence[Token], *, may_choose: bool, new: NewToken | None = None, error: str = ""
) -> str:
    """The section of the Settings page.

    Args:
        tokens: Those there are.
        may_choose: Whether whoever looks may make some.
        error: Why the last one was not made.
    """
    if not may_choose:
        return (
            f'<section class="kb-writers"><h2>{escape(tr("Programs"))}</h2>'
            f'<p class="kb-muted">{escape(tr(_ELSEWHERE))}</p></section>'
        )
    rows = [
        (one.name, ", ".join(tr(_SHORT[scope]) for scope in sorted(one.scopes)), _date(one))
        for one in tokens
    ]
    html = render(
        "tokens",
        rows=rows,
        new=new,
        scopes=[(scope.value, tr(label)) for scope, label in _SCOPES.items()],
    )
    return (message(error, kind="error") if error else "") + html


def _date(token: Token) -> str:
    return f"{datetime.fromtimestamp(token.created_s).astimezone():%Y-%m-%d}"
