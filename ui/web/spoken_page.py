"""What a page is when it is opened: its parts as they are now, in the language of the request.

Gradio describes a page once, for everybody, when the app is built. Here the copy of it that goes
into a response is filled in and translated. Gradio's own texts it translates in the browser, by
``navigator.language``: the page has that say what the server speaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import gradio as gr

from ui.language import spoken, tr
from ui.web.scripts import page_script

__all__ = ["made_html", "script_messages", "spoken_config"]

_TEXTS = ("label", "placeholder")
# In the page's own script a message is a literal, and has no escapes.
_IN_SCRIPT = re.compile(r'\btr\(\s*"([^"\\]+)"')


def made_html(
    make: Callable[[], str], *, elem_id: str | None = None, js_on_load: str | None = None
) -> gr.HTML:
    """A part of the page whose HTML is made whenever the page is opened."""
    part = gr.HTML("", elem_id=elem_id, apply_default_css=False, js_on_load=js_on_load)
    part.make = make
    return part


def spoken_config(blocks: gr.Blocks, config: dict[str, Any]) -> dict[str, Any]:
    """Gradio's description of a page, `config`, with what `made_html` makes and with labels in the
    language that is spoken. It is changed in place."""
    title = config.get("title") or ""
    config["title"] = tr(title)
    for component in config["components"]:
        props = component["props"]
        make = getattr(blocks.blocks.get(component["id"]), "make", None)
        if make is not None:
            props["value"] = make()
        for name in (*_TEXTS, "value") if component["type"] == "button" else _TEXTS:
            if text := props.get(name):
                props[name] = tr(text)
        if component["type"] in ("radio", "checkboxgroup", "dropdown"):
            props["choices"] = [(tr(label), value) for label, value in props["choices"]]
    return config


def script_messages() -> dict[str, str]:
    """What the page's own script says, in the language that is spoken, by what it is in English."""
    return _script_messages(spoken())


@cache
def _script_messages(_: str) -> dict[str, str]:
    found = _IN_SCRIPT.findall(page_script().decode())
    return {message: said for message in found if (said := tr(message)) != message}
