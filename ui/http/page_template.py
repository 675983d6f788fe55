"""Gradio's page with what is ours in it: the nonces of its scripts, its base, and its language."""

from __future__ import annotations

from collections.abc import Callable

import gradio.routes
from jinja2 import BaseLoader, Environment

from ui.language import spoken
from ui.web.spoken_page import script_messages, spoken_config

__all__ = ["prepare_template"]

_TEMPLATE = "frontend/index.html"
_CHANGES = (
    ("<script", '<script nonce="{{ request.state.nonce }}"'),
    # What the page's addresses are relative to.
    ("{{ base_url | default('./') }}", "{{ request.state.base | default('./') }}"),
    ('lang="en"', 'lang="{{ spoken() }}"'),
    (
        "{{ config | toorjson }}",
        "{{ spoken_config(request.app.get_blocks(), config) | toorjson }}",
    ),
    (
        '<meta charset="utf-8" />',
        '<meta charset="utf-8" /><script nonce="{{ request.state.nonce }}">'
        "window.kbMessages = {{ script_messages() | toorjson }}; "
        "Object.defineProperty(navigator, 'language', "
        "{get: () => document.documentElement.lang});</script>",
    ),
)


def prepare_template() -> None:
    """Have the scripts of Gradio's page carry ``request.state.nonce``, its addresses be relative to
    ``request.state.base``, where that is set, and its texts be in the language of the request."""
    environment = gradio.routes.templates.env
    environment.globals |= {
        "spoken": spoken,
        "spoken_config": spoken_config,
        "script_messages": script_messages,
    }
    if not isinstance(environment.loader, _Ours):
        assert environment.loader is not None
        environment.loader = _Ours(environment.loader)


class _Ours(BaseLoader):
    def __init__(self, loader: BaseLoader) -> None:
        self._loader = loader

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, name, is_current = self._loader.get_source(environment, template)
        if template == _TEMPLATE:
            for theirs, ours in _CHANGES:
                assert theirs in source, f"Gradio's page has no {theirs!r} any more."
                source = source.replace(theirs, ours)
        return source, name, is_current
