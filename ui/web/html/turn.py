"""A turn of a conversation as HTML: the question, the answer, and its sources beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from kb.types import Answer, AnswerStatus, Chunk, Citation
from ui.language import ntr, tr
from ui.service.conversation_export import answer_with_sources, plain_answer
from ui.service.places import place
from ui.service.scope import scope_text
from ui.service.turns import Stage, Turn
from ui.told import told
from ui.web.html.answer import answer_html
from ui.web.html.claims import checked_html, weak_parts
from ui.web.html.rate import rate_html
from ui.web.html.render import (
    chip,
    chip_label,
    citation_card,
    escape,
    icon,
    mended_html,
    message,
    view_url,
)
from ui.web.html.templates import render

__all__ = ["past_html", "turn_html"]

_MAX_HEADING_CHARS = 160
_MAX_COPIED_CHARS = 20_000


def past_html(
    turns: Iterable[Turn],
    chunks: Mapping[str, Chunk],
    running: Collection[int] = (),
    conversation: str = "",
) -> str:
    """Turns that are over, in order; a note where the first ones are not among them.

    Args:
        running: Numbers of those that another page asks now.
        conversation: Id of the one they are kept in.
    """
    turns = list(turns)
    note = ""
    if turns and turns[0].number > 1:
        left_out = ntr(
            "{n} earlier question is not shown.",
            "{n} earlier questions are not shown.",
            turns[0].number - 1,
        )
        note = f'<p class="kb-muted kb-left-out">{escape(left_out)}</p>'
    return note + "".join(
        _turn(
            turn,
            chunks,
            conversation=conversation,
            is_past=True,
            is_elsewhere=turn.number in running,
        )
        for turn in turns
    )


def turn_html(turn: Turn, chunks: Mapping[str, Chunk], conversation: str = "") -> str:
    """A turn that is being answered, or was just now.

    Args:
        chunks: By id; a citation of a chunk that is not among them says that it is gone.
        conversation: Id of the one it is kept in.
    """
    return _turn(turn, chunks, conversation=conversation)


def _turn(
    turn: Turn,
    chunks: Mapping[str, Chunk],
    *,
    conversation: str = "",
    is_past: bool = False,
    is_elsewhere: bool = False,
) -> str:
    chips = {c.number: _chip(c, chunks.get(c.chunk_id)) for c in turn.citations}
    answer = turn.answer
    parts = [answer_html(turn.text, chips, weak_parts(turn.claims))]
    if turn.error:
        title = tr("This question was not answered")
        parts.append(message(told(turn.error), kind="error", title=title))
    is_busy = turn.stage is Stage.RUNNING and not is_past
    if is_busy and not turn.text:
        parts.append(_thinking(tr("Looking through your files")))
    if turn.mended:
        # What was attached can't be asked with again.
        is_askable = not (turn.pictures or turn.clip)
        written = turn.understood or turn.question
        parts.insert(0, mended_html(turn.mended, written, is_askable=is_askable))
    if turn.understood:
        parts.insert(0, _understood(turn.understood))
    if answer is not None:
        if answer.note:
            parts.append(f'<p class="kb-foot kb-note-below">{escape(told(answer.note))}</p>')
        if is_busy and answer.is_draft:
            parts.append(_thinking(tr("Quoted. An answer is being written from these")))
        else:
            parts += [_foot(answer) if answer.is_from_files else "", checked_html(answer)]
    elif turn.stage is Stage.STOPPED:
        parts.append(_foot_line(tr("Stopped")))
    elif turn.stage is Stage.RUNNING and is_past:
        parts.append(_foot_line(_why_unanswered(is_elsewhere=is_elsewhere)))
    if not is_busy and not is_elsewhere:
        parts.append(_acts(turn))
        if conversation and turn.status is not None:
            parts.append(rate_html(turn))
            if turn.is_from_files:
                parts.append(render("why_closed"))
    sources = ""
    if turn.citations:
        label = tr("Sources of answer {n}", n=turn.number)
        sources = _aside(turn.citations, chunks, label, f"<h3>{escape(tr('Sources'))}</h3>")
    elif turn.closest:
        label = tr("Passages closest to question {n}, which do not answer it", n=turn.number)
        head = (
            f"<h3>{escape(tr('Closest passages'))}</h3>"
            f'<p class="kb-muted">{escape(tr("Near the question, but no answer to it."))}</p>'
        )
        sources = _aside(turn.closest, chunks, label, head)
    kept_in = f' data-conversation="{escape(conversation)}"' if conversation else ""
    return (
        f'<article class="kb-turn" data-turn="{turn.number}"{kept_in} '
        f'aria-busy="{str(is_busy).lower()}"><div class="kb-question">{_attachments(turn)}'
        f"{_question(turn.question)}{_scope(turn)}</div>"
        f'<div class="kb-turn-body"><div class="kb-answer">{"".join(parts)}</div>{sources}</div>'
        "</article>"
    )


def _thinking(what: str) -> str:
    return f'<p class="kb-thinking">{escape(what)}<span></span></p>'


def _foot_line(text: str) -> str:
    return f'<p class="kb-foot">{escape(text)}</p>'


def _why_unanswered(*, is_elsewhere: bool) -> str:
    if is_elsewhere:
        return tr("Another page is asking this now. Open the conversation again to see the answer.")
    return tr("The server ended before this was answered.")


def _question(question: str) -> str:
    """What was asked, as a heading; what is long as the text that it is."""
    if not question:
        return ""
    is_long = len(question) > _MAX_HEADING_CHARS
    return f"<p{' class=kb-long' if is_long else ''}>{escape(question)}</p>"


def _scope(turn: Turn) -> str:
    where = scope_text(turn.scope)
    if not where:
        return ""
    return f'<div class="kb-muted kb-within">{escape(tr("Within: {where}", where=where))}</div>'


def _understood(understood: str) -> str:
    return (
        '<p class="kb-muted kb-understood">'
        f"{escape(tr('Asked as: {question}', question=understood))} "
        f'<button type="button" class="kb-link" data-edit="{escape(understood)}">'
        f"{escape(tr('Edit'))}</button></p>"
    )


def _acts(turn: Turn) -> str:
    """What can be done with a turn that is over. What is copied stands in the page: of what is
    longer than any answer, a file is to be had."""
    is_copied = len(turn.text) <= _MAX_COPIED_CHARS
    return render(
        "acts",
        turn=turn,
        plain=plain_answer(turn) if is_copied else "",
        with_sources=answer_with_sources(turn) if is_copied and turn.citations else "",
    )


def _aside(
    citations: Sequence[Citation], chunks: Mapping[str, Chunk], label: str, head: str
) -> str:
    cards = "".join(_card(c, chunks.get(c.chunk_id)) for c in citations)
    return f'<aside class="kb-sources" aria-label="{escape(label)}">{head}<ol>{cards}</ol></aside>'


def _attachments(turn: Turn) -> str:
    alt = escape(tr("Picture in the question"))
    shown = [f'<img src="{escape(uri)}" alt="{alt}">' for uri in turn.pictures]
    if turn.n_more_pictures:
        more = ntr("and {n} more picture", "and {n} more pictures", turn.n_more_pictures)
        shown.append(f'<span class="kb-muted">{escape(more)}</span>')
    if turn.clip:
        shown.append(
            f'<span class="kb-attached-clip"><img src="{escape(turn.clip)}" '
            f'alt="{escape(tr("Clip in the question"))}">{icon("video")}</span>'
        )
    return f'<div class="kb-attached">{"".join(shown)}</div>' if shown else ""


def _foot(answer: Answer) -> str:
    n_sources = len({citation.source for citation in answer.citations})
    if answer.status is AnswerStatus.NO_EVIDENCE:
        note = tr("Try other words, or add files about it")
    else:
        note = ntr("From {n} file", "From {n} files", n_sources)
        if answer.probability is not None:
            note += " · " + tr("{share} likely to answer", share=f"{answer.probability:.0%}")
    return _foot_line(f"{note} · {answer.total_time_ms / 1000:.2f} s")


def _chip(citation: Citation, chunk: Chunk | None) -> str:
    if chunk is not None:
        return chip(citation, chunk)
    where = f"{chip_label(citation)}: {tr('removed or changed since')}"
    label = tr("Source {n}: {where}", n=citation.number, where=where)
    return (
        f'<button type="button" class="kb-chip kb-gone" data-number="{citation.number}" '
        f'data-view="{escape(view_url(citation.chunk_id))}" title="{escape(where)}" '
        f'aria-label="{escape(label)}">'
        f"{citation.number}</button>"
    )


def _card(citation: Citation, chunk: Chunk | None) -> str:
    if chunk is not None:
        return citation_card(citation, chunk)
    name = PurePosixPath(citation.source).name
    where = place(citation.source, citation.locator)
    badge = f'<span class="kb-badge">{escape(where)}</span>' if where else ""
    return (
        f'<li><button type="button" class="kb-source kb-gone" data-number="{citation.number}" '
        f'data-view="{escape(view_url(citation.chunk_id))}">'
        f'<span class="kb-thumb">{icon("empty")}</span>'
        f'<span class="kb-source-body"><span class="kb-source-head">'
        f'<span class="kb-number">{citation.number}</span>'
        f'<span class="kb-name" title="{escape(citation.source)}">{escape(name)}</span>{badge}'
        f'</span><span class="kb-gone-note">'
        f"{escape(tr('Removed or changed since'))}</span>"
        f'<span class="kb-excerpt">{escape(citation.quote)}</span></span></button></li>'
    )
