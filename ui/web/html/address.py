"""The part of the Settings page for a server by its address, as HTML."""

from __future__ import annotations

from collections.abc import Iterable

from ui.language import later, tr
from ui.service.writers import ServedModel
from ui.web.html.templates import render

__all__ = ["address_head_html", "served_html"]

_ABOUT = later(
    "Any server that speaks as OpenAI's. What you ask, and the passages that were found, are sent "
    "to that address, and to no other. Its key is kept on this computer and not shown again."
)


def address_head_html() -> str:
    """What stands above the form."""
    return render("address", about=tr(_ABOUT))


def served_html(models: Iterable[ServedModel]) -> str:
    """The models of a server, to be chosen from."""
    return render("served", models=list(models))
