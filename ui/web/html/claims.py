"""How well an answer's sentences are supported, as HTML: quiet where all is well."""

from __future__ import annotations

from collections.abc import Sequence

from kb.types import Answer, Claim
from ui.language import later, ntr, tr
from ui.told import told
from ui.web.html.answer import WeakPart
from ui.web.html.render import escape

__all__ = ["checked_html", "weak_parts"]

_MEANING = later(
    "Each sentence was compared with what it cites. A low score means little support there."
)
_UNCALIBRATED = later(
    "Which score is too low is not known for this model yet, so nothing is marked. "
    "`kb eval --claims` finds it out."
)


def weak_parts(claims: Sequence[Claim]) -> list[WeakPart]:
    """What to underline in an answer, each with a mark that tells why."""
    return [WeakPart(claim.start, claim.end, _mark(claim)) for claim in claims if claim.is_weak]


def _mark(claim: Claim) -> str:
    if not claim.numbers:
        note = tr("No source is cited here, and none of those found says this.")
    elif len(claim.numbers) == 1:
        note = tr(
            "Weakly supported: source {n} may not say this. Open it to compare.",
            n=claim.numbers[0],
        )
    else:
        note = tr("Weakly supported: the sources cited may not say this. Open them to compare.")
    return (
        f'<button type="button" class="kb-weak-mark" data-note="{escape(note)}" '
        f'aria-label="{escape(note)}">?</button>'
    )


def checked_html(answer: Answer) -> str:
    """A line under an answer that opens to the score of each sentence; empty where nothing was
    checked."""
    if answer.check_error:
        why = told(answer.check_error)
        said = tr("Not compared with its sources: {error}", error=why)
        return f'<p class="kb-foot">{escape(said)}</p>'
    if not answer.claims:
        return ""
    n_claims, n_weak = len(answer.claims), sum(claim.is_weak is True for claim in answer.claims)
    if all(claim.numbers for claim in answer.claims):
        summary = ntr("{n} cited sentence checked", "{n} cited sentences checked", n_claims)
    else:
        summary = ntr("{n} sentence checked", "{n} sentences checked", n_claims)
    if n_weak:
        summary += ", " + ntr("{n} weakly supported", "{n} weakly supported", n_weak)
    is_calibrated = any(claim.is_weak is not None for claim in answer.claims)
    is_scored = any(claim.score is not None for claim in answer.claims)
    more = f" {tr(_UNCALIBRATED)}" if is_scored and not is_calibrated else ""
    rows = "".join(map(_row, answer.claims))
    return (
        f'<details class="kb-checked"><summary>{escape(summary)}</summary>'
        f"<p>{escape(tr(_MEANING) + more)}</p><ul>{rows}</ul></details>"
    )


def _row(claim: Claim) -> str:
    score = "–" if claim.score is None else f"{claim.score:.2f}"
    if claim.score is None:
        note = tr("Can't be judged by its words")
    else:
        note = tr("Support by what it cites")
    numbers = "".join(f"[{number}]" for number in claim.numbers)
    kind = ' class="kb-checked-weak"' if claim.is_weak else ""
    return (
        f'<li{kind}><b title="{escape(note)}">{score}</b><span>{escape(claim.text)} '
        f'<span class="kb-muted">{numbers}</span></span></li>'
    )
