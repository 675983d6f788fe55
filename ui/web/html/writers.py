"""What can write answers, as HTML: what writes now, what was found, and how to get a model."""

from __future__ import annotations

from collections.abc import Sequence

from kb.config.named import QUOTES
from kb.models.remote.servers import FoundModel, FoundServer
from ui.language import later, tr
from ui.told import told
from ui.web.html.render import escape, message

__all__ = ["writers_html"]

_NO_SERVER = later(
    "No model server answers on this computer. Start Ollama, LM Studio, llama-server or vLLM and "
    "look again."
)
_QUOTES_NOTE = later(
    "Sentences, steps and table cells of your files, word for word, each with its source"
)
_STAY = later(
    "Quotes still come first and stay where a model fails. What is found, and whether anything "
    "answers, is decided as before; nothing leaves this computer."
)
_SENT = later(
    "Quotes still come first and stay where a model fails. What you ask, and the passages that "
    "were found, are sent to {address}."
)
_ELSEWHERE = later(
    "With a password set, others use this page too: what writes is chosen at this computer, by "
    "`kb models use NAME`."
)


def writers_html(
    shown: str,
    found: Sequence[FoundServer] | None,
    *,
    is_writing: bool,
    may_choose: bool,
    sent_to: str = "",
    error: str = "",
) -> str:
    """The section of the Settings page.

    Args:
        shown: What writes now.
        found: The servers; None before they were looked for.
        is_writing: Whether a model writes now.
        may_choose: Whether whoever looks may change it.
        sent_to: The address of another computer that is asked now, or empty.
        error: Why the last choice failed.
    """
    stay = tr(_SENT, address=sent_to) if sent_to else tr(_STAY)
    quotes = _row(tr("Quotes"), tr(_QUOTES_NOTE), QUOTES, may_choose and is_writing)
    now = tr("Written now by {model}", model=shown) if is_writing else tr("Answers are quotes now")
    look = tr("Look again") if found is not None else tr("Look for models on this computer")
    parts = [
        f'<section class="kb-writers"><h2>{escape(tr("Written answers"))}</h2>',
        f'<p class="kb-muted">{escape(now)}</p>',
        message(error, kind="error", title=tr("Nothing was changed")) if error else "",
        f'<ul class="kb-writer-list">{quotes}',
        "".join(_server(one, may_choose=may_choose) for one in found or ()),
        "</ul>",
        f'<p class="kb-muted">{escape(tr(_NO_SERVER))}</p>'
        if found is not None and not found
        else "",
        f'<button type="button" class="kb-button" data-act="look">{escape(look)}</button>'
        if may_choose
        else f'<p class="kb-muted">{escape(tr(_ELSEWHERE))}</p>',
        f'<p class="kb-muted kb-writers-foot">{escape(stay)}</p></section>',
    ]
    return "".join(parts)


def _server(found: FoundServer, *, may_choose: bool) -> str:
    if found.problem:
        return _row(found.server.name, told(found.problem), "", False)
    return "".join(_row(*_described(found, one), one.name, may_choose) for one in found.models)


def _described(found: FoundServer, model: FoundModel) -> tuple[str, str]:
    server = found.server.name
    if model.sees_pictures is not None:
        sees = tr("sees pictures") if model.sees_pictures else tr("reads words only")
        server = f"{server}, {sees}"
    return model.name.partition("/")[2], server


def _row(title: str, note: str, name: str, is_offered: bool) -> str:
    button = (
        f'<button type="button" class="kb-link" data-act="choose" data-name="{escape(name)}" '
        f'aria-label="{escape(tr("Use {name}", name=title))}">'
        f"{escape(tr('Use'))}</button>"
        if is_offered
        else ""
    )
    return (
        f'<li><span class="kb-writer"><strong>{escape(title)}</strong>'
        f'<span class="kb-muted">{escape(note)}</span></span>{button}</li>'
    )
