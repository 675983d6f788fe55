"""Why an answer is what it is, as HTML: ranks by stage, times, and where a page was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from kb import LostAt, Margin, SearchTrace, TracedHit, TraceStage
from kb.types import Citation
from ui.language import later, ntr, tr
from ui.service.places import place
from ui.service.turns import Turn
from ui.service.why import LostPage
from ui.told import told
from ui.web.html.render import message, view_url
from ui.web.html.templates import render

__all__ = ["error_html", "lost_html", "why_html"]

# More names are no help to who types one.
_MAX_NAMES = 500
_STAGES = {
    TraceStage.DENSE: later("Meaning"),
    TraceStage.SPARSE: later("Words"),
    TraceStage.PICTURE: later("Pictures"),
    TraceStage.FUSED: later("Together"),
    TraceStage.RERANK: later("Ranked"),
}
_TIMES = {
    "encode": later("question encoded"),
    "retrieve": later("searched"),
    "assemble": later("put together"),
    "rerank": later("ranked"),
    "quote": later("quoted"),
    "generate": later("answered"),
    "check": later("checked"),
}
_LOST = {
    LostAt.NOT_READ: later("Nothing was read there, so that there is nothing to be found."),
    LostAt.FILTERS: later("The question was not asked of it: it was asked within something else."),
    LostAt.RECALL: later("Lost by the first searches: none of them has it among its first {n}."),
    LostAt.FUSION: later(
        "Lost when the searches were put together: its rank is {rank}, and the first {n} go on."
    ),
    LostAt.RERANK: later(
        "Lost by the ranking: its rank is {rank}, and the answer is made from the first {n}."
    ),
    LostAt.KEPT: later("Not lost: its rank is {rank}, and the answer is made from the first {n}."),
}


class _Row(NamedTuple):
    url: str
    name: str
    source: str
    where: str
    ranks: list[tuple[str, str]]
    use: str
    is_given: bool


def why_html(turn: Turn, trace: SearchTrace, sources: Sequence[str], conversation: str) -> str:
    """What was found, ranked, with what was made of it.

    Args:
        sources: All files, to be named.
    """
    stages = [stage for stage in TraceStage if any(stage in one.ranks for one in trace.hits)]
    shown = {key for one in trace.hits for key in (one.hit.chunk.id, *one.hit.also)}
    n_given = min(trace.n_kept, len(trace.hits))
    n_elsewhere = sum(one.chunk_id not in shown for one in turn.citations)
    return render(
        "why",
        turn=turn,
        conversation=conversation,
        stages=[tr(_STAGES[stage]) for stage in stages],
        rows=[_row(n, one, stages, turn, trace.n_kept) for n, one in enumerate(trace.hits, 1)],
        found=ntr("{n} place was found.", "{n} places were found.", len(trace.hits)),
        given=ntr(
            "The answer is made from the first one.",
            "The answer is made from the first {n}.",
            n_given,
        ),
        elsewhere=ntr(
            "{n} citation is from another search that the answer made.",
            "{n} citations are from other searches that the answer made.",
            n_elsewhere,
        )
        if n_elsewhere
        else "",
        mended=trace.query.text if trace.query.instead_of else "",
        then=_times(turn.timings_ms),
        now=_times(trace.timings_ms),
        sources=sources[:_MAX_NAMES],
    )


def lost_html(page: LostPage) -> str:
    """Where a page was lost, and by how much."""
    loss = page.loss
    where = f"{page.source}, {tr('page {n}', n=page.page)}" if page.page else page.source
    if loss.at is LostAt.KEPT and page.is_cited:
        said = [tr("Not lost: the answer cites it.")]
    else:
        said = [tr(_LOST[loss.at], rank=loss.rank or 0, n=loss.n_taken)]
    said += [_margin(margin) for margin in loss.margins]
    if loss.at is LostAt.KEPT and not page.is_cited:
        said.append(tr("What was written cites other places."))
    if page.reason:
        said.append(told(page.reason))
    return render("lost", where=where, said=said)


def error_html(text: str) -> str:
    """Why there is nothing to show."""
    return message(told(text), kind="error")


def _row(rank: int, one: TracedHit, stages: Sequence[TraceStage], turn: Turn, n_kept: int) -> _Row:
    hit = one.hit
    numbers = _numbers(turn.citations, {hit.chunk.id, *hit.also})
    is_given = rank <= n_kept
    use = ""
    if numbers:
        use = tr("cited: {numbers}", numbers=", ".join(map(str, numbers)))
    elif is_given:
        use = tr("given")
    ranks = [
        (str(one.ranks.get(stage, "–")), _score(getattr(hit, stage.value))) for stage in stages
    ]
    return _Row(
        view_url(hit.chunk.id),
        PurePosixPath(hit.source).name,
        hit.source,
        place(hit.source, hit.chunk.locator),
        ranks,
        use,
        is_given,
    )


def _numbers(citations: Sequence[Citation], ids: set[str]) -> list[int]:
    return [one.number for one in citations if one.chunk_id in ids]


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"


def _times(timings_ms: Mapping[str, float]) -> list[tuple[str, str]]:
    return [
        (tr(label), f"{timings_ms[name]:,.0f} ms" if timings_ms[name] >= 1 else "< 1 ms")
        for name, label in _TIMES.items()
        if name in timings_ms
    ]


def _margin(margin: Margin) -> str:
    name = tr(_STAGES[margin.stage])
    if margin.score is None:
        if margin.stage is TraceStage.SPARSE:
            return tr("{stage}: it has none of the question's words.", stage=name)
        return tr("{stage}: there is nothing to be compared with the question.", stage=name)
    if margin.needed is None:
        return tr("{stage}: {score}.", stage=name, score=_score(margin.score))
    return tr(
        "{stage}: {score}, where the last one that went on has {needed}, which is {gap} more.",
        stage=name,
        score=_score(margin.score),
        needed=_score(margin.needed),
        gap=_score(margin.needed - margin.score),
    )
