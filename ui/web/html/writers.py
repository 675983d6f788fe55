"""What can write answers, as HTML: what writes now, what was found, and how to get a model."""

from __future__ import annotations

from collections.abc import Sequence

from kb.config.named import LAPTOP, QUOTES
from kb.models.remote.servers import FoundModel, FoundServer
from kb.text.humanize import size_text
from ui.service.writers import LaptopModel
from ui.web.html.render import escape, message

__all__ = ["writers_html"]

_NO_SERVER = (
    "No model server answers on this computer. Start Ollama, LM Studio, llama-server or vLLM and "
    "look again."
)
_QUOTES_NOTE = "Sentences, steps and table cells of your files, word for word, each with its source"
_STAY = (
    "Quotes still come first and stay where a model fails. What is found, and whether anything "
    "answers, is decided as before; nothing leaves this computer."
)
_ELSEWHERE = (
    "With a password set, others use this page too: what writes is chosen at this computer, by "
    "`kb models use NAME`."
)


def writers_html(
    shown: str,
    found: Sequence[FoundServer] | None,
    laptop: LaptopModel,
    *,
    is_writing: bool,
    may_choose: bool,
    error: str = "",
) -> str:
    """The section of the Settings page.

    Args:
        shown: What writes now.
        found: The servers; None before they were looked for.
        is_writing: Whether a model writes now.
        may_choose: Whether whoever looks may change it.
        error: Why the last choice failed.
    """
    quotes = _row("Quotes", _QUOTES_NOTE, QUOTES, may_choose and is_writing)
    now = f"Written now by {shown}" if is_writing else "Answers are quotes now"
    parts = [
        '<section class="kb-writers"><h2>Written answers</h2>',
        f'<p class="kb-muted">{escape(now)}</p>',
        message(error, kind="error", title="Nothing was changed") if error else "",
        f'<ul class="kb-writer-list">{quotes}{_laptop(laptop, may_choose=may_choose)}',
        "".join(_server(one, may_choose=may_choose) for one in found or ()),
        "</ul>",
        f'<p class="kb-muted">{_NO_SERVER}</p>' if found is not None and not found else "",
        '<button type="button" class="kb-button" data-act="look">'
        f"{'Look again' if found is not None else 'Look for models on this computer'}</button>"
        if may_choose
        else f'<p class="kb-muted">{escape(_ELSEWHERE)}</p>',
        f'<p class="kb-muted kb-writers-foot">{_STAY}</p></section>',
    ]
    return "".join(parts)


def _laptop(model: LaptopModel, *, may_choose: bool) -> str:
    size = size_text(model.size_bytes)
    if model.is_here:
        note = f"{size}, on this computer's processor"
    else:
        note = f"{size} to load: kb models pull {LAPTOP}. Then it is offered here"
    return _row("Qwen3-VL 2B", note, LAPTOP, may_choose and model.is_here)


def _server(found: FoundServer, *, may_choose: bool) -> str:
    if found.problem:
        return _row(found.server.name, found.problem, "", False)
    return "".join(_row(*_described(found, one), one.name, may_choose) for one in found.models)


def _described(found: FoundServer, model: FoundModel) -> tuple[str, str]:
    sees = {True: ", sees pictures", False: ", reads words only", None: ""}[model.sees_pictures]
    return model.name.partition("/")[2], f"{found.server.name}{sees}"


def _row(title: str, note: str, name: str, is_offered: bool) -> str:
    button = (
        f'<button type="button" class="kb-link" data-act="choose" data-name="{escape(name)}" '
        f'aria-label="Use {escape(title)}">Use</button>'
        if is_offered
        else ""
    )
    return (
        f'<li><span class="kb-writer"><strong>{escape(title)}</strong>'
        f'<span class="kb-muted">{escape(note)}</span></span>{button}</li>'
    )
