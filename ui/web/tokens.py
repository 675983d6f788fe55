"""The Settings page: tokens by which programs are let in."""

from __future__ import annotations

import gradio as gr

from kb.errors import ConfigError, KnowledgeBaseError
from ui.service.service import Service
from ui.service.tokens import Tokens, TokenScope
from ui.told import told
from ui.web.events import QUIET
from ui.web.html.tokens import NewToken, tokens_html
from ui.web.page_errors import NotFromThePageError, event_text, event_texts
from ui.web.spoken_page import made_html

__all__ = ["build_tokens"]

# Gradio takes events alone whose names stand here in quotes: static/tokens.js sends them.
_ON_LOAD = """
const begin = () => window.kb.tokens(element, trigger);
if (window.kb) begin();
else document.addEventListener('kb-ready', begin, {once: true});
// 'submit' 'revoke'
"""


def build_tokens(service: Service, *, may_choose: bool) -> None:
    """The page's component and its events, in the current Blocks context.

    Args:
        may_choose: Whether those who open the page may let programs in: a token outlives the
            password that somebody was told.
    """
    tokens = Tokens(service.home)

    def show(new: NewToken | None = None, error: str = "") -> str:
        if not may_choose:
            return tokens_html((), may_choose=False)
        try:
            known = tokens.all()
        except KnowledgeBaseError as failure:
            return tokens_html((), may_choose=True, error=told(failure))
        return tokens_html(known, may_choose=True, new=new, error=error)

    view = made_html(show, elem_id="kb-tokens", js_on_load=_ON_LOAD)

    def create(event: gr.EventData) -> str:
        name, chosen = event_text(event, "name").strip(), event_texts(event, "scopes")
        try:
            _require_owner(may_choose=may_choose)
            scopes = _scopes(chosen)
            return show(NewToken(name, tokens.create(name, scopes)))
        except KnowledgeBaseError as failure:
            return show(error=told(failure))

    def revoke(event: gr.EventData) -> str:
        try:
            _require_owner(may_choose=may_choose)
            tokens.revoke(event_text(event, "name"))
        except KnowledgeBaseError as failure:
            return show(error=told(failure))
        return show()

    view.submit(create, None, view, **QUIET)
    view.revoke(revoke, None, view, trigger_mode="multiple", **QUIET)


def _require_owner(*, may_choose: bool) -> None:
    if not may_choose:
        raise ConfigError("Tokens are made at this computer, by `kb token create NAME`.")


def _scopes(chosen: list[str]) -> list[TokenScope]:
    """The scopes that the page sent.

    Raises:
        ConfigError: There are none.
        NotFromThePageError: One is none.
    """
    if not chosen:
        raise ConfigError("Choose at least one thing that the program may do.")
    try:
        return sorted(TokenScope(one) for one in chosen)
    except ValueError as error:
        raise NotFromThePageError(str(error)) from error
