"""The model that writes on this computer's processor, as HTML: its part of the Settings page, and
the card under a first answer in quotes."""

from __future__ import annotations

from markupsafe import Markup

from kb.text.humanize import size_text
from ui.language import later, tr
from ui.service.laptop import LaptopModel, LaptopStage
from ui.service.llama_install import REQUIREMENT
from ui.told import told
from ui.web.html.render import escape, message
from ui.web.html.templates import render

__all__ = ["laptop_html", "offer_html"]

_NAME = "Qwen3-VL 2B"
_ABOUT = later(
    "A model writes the answer from what was quoted, each sentence with its source. The quotes "
    "still come first, and nothing you ask leaves this computer."
)


def laptop_html(model: LaptopModel, *, is_writing: bool, may_choose: bool) -> str:
    """The section of the Settings page.

    Args:
        is_writing: Whether this model writes now.
        may_choose: Whether whoever looks may change it.
    """
    body = _body(model, is_writing=is_writing, may_choose=may_choose)
    return (
        f'<section class="kb-writers kb-laptop"><h2>{escape(_title(model))}</h2>'
        f'<p class="kb-muted">{escape(tr(_ABOUT))}</p>{body}</section>'
    )


def offer_html(model: LaptopModel, *, is_writing: bool, is_other: bool) -> str:
    """The card under a first answer in quotes; empty where it offers nothing.

    Args:
        is_writing: Whether this model writes now.
        is_other: Whether another one does.
    """
    if is_other or not model.fits or (is_writing and not model.is_here):
        return ""
    body = _body(model, is_writing=is_writing, may_choose=True, is_offer=True)
    busy = " kb-offer-busy" if model.is_under_way or model.error else ""
    return (
        f'<section class="kb-offer{busy}" aria-label="{escape(_title(model))}">'
        f"<strong>{escape(_title(model))}</strong>"
        f'<p class="kb-muted">{escape(tr(_ABOUT))}</p>{body}</section>'
    )


def _title(model: LaptopModel) -> str:
    size = size_text(model.size_bytes)
    return tr("Written answers: {model}, {size}, on this computer", model=_NAME, size=size)


def _body(model: LaptopModel, *, is_writing: bool, may_choose: bool, is_offer: bool = False) -> str:
    error = message(told(model.error), kind="error", title=tr("It could not be loaded"))
    return render(
        "laptop",
        model=model,
        doing=_doing(model),
        share=tr("{done} of {size}", done=size_text(model.n_bytes_here), size=_size(model)),
        facts=_facts(model),
        error=Markup(error),  # noqa: S704 - its text is escaped
        is_writing=is_writing,
        may_choose=may_choose,
        is_offer=is_offer,
    )


def _size(model: LaptopModel) -> str:
    return size_text(model.size_bytes)


def _doing(model: LaptopModel) -> str:
    match model.stage:
        case LaptopStage.INSTALLING:
            return tr("Installing llama.cpp")
        case LaptopStage.STOPPING:
            return tr("Stopping")
    return tr("Loading")


def _facts(model: LaptopModel) -> list[str]:
    """What it takes, and what there is."""
    needs, free = size_text(model.needs_bytes), size_text(model.free_bytes)
    loads = tr("{size} are loaded once, from Hugging Face or ModelScope", size=_size(model))
    if model.n_bytes_here:
        done = size_text(model.n_bytes_here)
        loads = tr("{done} of {size} are here already", done=done, size=_size(model))
    disk = tr("{free} are free on the disk", free=size_text(model.disk_bytes))
    memory = tr("About {needs} of memory while it writes; {free} are free", needs=needs, free=free)
    if not model.fits:
        has = size_text(model.memory_bytes)
        memory = tr(
            "It takes about {needs} of memory, and this computer has {has}: too little",
            needs=needs,
            has=has,
        )
    elif model.free_bytes < model.needs_bytes:
        memory = tr(
            "About {needs} of memory while it writes; {free} are free now: close other programs "
            "before you ask",
            needs=needs,
            free=free,
        )
    facts = [loads, disk, memory]
    if not model.is_installed:
        facts.append(
            tr("llama.cpp, which it runs on, is installed first ({package})", package=REQUIREMENT)
        )
    return facts
