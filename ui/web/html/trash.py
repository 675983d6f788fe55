"""What was deleted from the library and can be put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from kb.text.humanize import size_text
from ui.language import ntr, tr
from ui.service.trash import KEPT_DAYS, Trashed
from ui.web.html.render import escape
from ui.web.html.templates import render

__all__ = ["trash_html", "undo_html"]

_MOST = 200


def trash_html(found: Sequence[Trashed]) -> str:
    """The trash's files, the newest first; empty where there are none."""
    items = [
        {
            "id": one.id,
            "source": one.source,
            "deleted": f"{datetime.fromtimestamp(one.deleted_ns / 1e9):%Y-%m-%d %H:%M}",
        }
        for one in found[:_MOST]
    ]
    return render(
        "trash",
        items=items,
        n_items=len(found),
        size=size_text(sum(one.size_bytes for one in found)),
        kept_days=KEPT_DAYS,
    )


def undo_html(moved: Mapping[str, str]) -> str:
    """That files are in the trash now, and a button that puts them back.

    Args:
        moved: By source, their ids in the trash; one at least.
    """
    said = (
        tr("{source} is in the trash.", source=next(iter(moved)))
        if len(moved) == 1
        else ntr("{n} file is in the trash.", "{n} files are in the trash.", len(moved))
    )
    return (
        '<div class="kb-message kb-message-info kb-undo">'
        f'<p role="status">{escape(said)}</p>'
        '<button type="button" class="kb-button kb-button-quiet" '
        f'data-undo="{escape(" ".join(moved.values()))}">{escape(tr("Undo"))}</button></div>'
    )
