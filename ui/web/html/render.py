"""Escaped HTML of what the pages show: answers, citations, hits, messages.

Everything that comes from a document, a file name or a person passes through `escape`;
nothing here returns text that was not escaped.
"""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from urllib.parse import quote, urlencode

from kb.tracks import Track
from kb.types import Chunk, Citation, Hit, Kind, Modality
from ui.language import ntr, tr
from ui.service.places import place
from ui.web.html.highlight import excerpt, mark_words, quote_range

__all__ = [
    "MEDIA",
    "chip",
    "chip_label",
    "citation_card",
    "day_text",
    "escape",
    "heading_path",
    "hit_card",
    "icon",
    "mended_html",
    "message",
    "original_url",
    "page_image_url",
    "page_view_url",
    "thumbnail",
    "view_url",
    "words_url",
]

# Relative, so that the pages also work under a path behind a proxy.
MEDIA = "media"

_MAX_LABEL_CHARS = 160

_PAGED = frozenset({Kind.PDF, Kind.EBOOK})
_ICONS = {
    "pdf": "M6 2h8l4 4v16H6zM14 2v4h4M9 12h6M9 15h6M9 18h4",
    "ebook": "M4 5c3-1 6-1 8 1 2-2 5-2 8-1v14c-3-1-6-1-8 1-2-2-5-2-8-1zM12 6v14",
    "image": "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
    "video": "M4 6h11v12H4zM15 10l5-3v10l-5-3z",
    "audio": "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v4",
    "html": "M4 5h16v14H4zM4 9h16M10 12l-2 2 2 2M14 12l2 2-2 2",
    "text": "M6 3h12v18H6zM9 8h6M9 12h6M9 16h4",
    "data": "M4 5h16v14H4zM4 10h16M4 15h16M10 5v14",
    "office": "M6 2h8l4 4v16H6zM14 2v4h4M9 11h6v6H9z",
    "search": "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l5 5",
    "warning": "M12 4l9 16H3zM12 10v4M12 17h.01",
    "up": "M7 11v9H4v-9zM7 11l4-7c2 0 3 1 2.5 3L13 10h6.5l-1.5 8-1.5 2H7",
    "down": "M7 13V4H4v9zM7 13l4 7c2 0 3-1 2.5-3L13 14h6.5l-1.5-8-1.5-2H7",
    "empty": "M4 7l2-3h12l2 3v12H4zM4 7h16M9 12h6",
}


def escape(text: object) -> str:
    """`text` for HTML content and quoted attributes."""
    return html.escape(str(text), quote=True)


def icon(name: str) -> str:
    """A line drawing, 24 units wide, hidden from screen readers."""
    return (
        '<svg class="kb-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        f'<path d="{_ICONS[name]}"/></svg>'
    )


def heading_path(chunk: Chunk) -> str:
    """Title and headings above a chunk, escaped, outermost first."""
    parts = [part for part in (chunk.title, *chunk.headings) if part]
    unique = [part for i, part in enumerate(parts) if part not in parts[:i]]
    return '<span class="kb-sep" aria-hidden="true"> › </span>'.join(map(escape, unique))


def view_url(
    chunk_id: str, quoted: tuple[int, int] | None = None, time_s: float | None = None
) -> str:
    """The address of the viewer's content for a chunk, a range of its text, or a second."""
    values: dict[str, str] = {}
    if quoted is not None:
        values |= {"start": str(quoted[0]), "end": str(quoted[1])}
    if time_s is not None:
        values["time_s"] = f"{time_s:g}"
    tail = f"?{urlencode(values)}" if values else ""
    return f"{MEDIA}/view/{quote(chunk_id, safe='')}{tail}"


def page_image_url(document_sha256: str, page: int) -> str:
    """The address of a page's picture."""
    return f"{MEDIA}/documents/{quote(document_sha256, safe='')}/pages/{page}"


def page_view_url(document_sha256: str, page: int) -> str:
    """The address of the viewer's content for a page."""
    return f"{MEDIA}/view/documents/{quote(document_sha256, safe='')}/pages/{page}"


def original_url(document_sha256: str) -> str:
    """The address of the file itself."""
    return f"{MEDIA}/documents/{quote(document_sha256, safe='')}/original"


def day_text(moment_ns: int) -> str:
    """The day of a moment, nanoseconds since the epoch, where this computer is: ``2024-05-02``."""
    day = datetime.fromtimestamp(0, UTC) + timedelta(seconds=moment_ns // 10**9)
    return day.astimezone().date().isoformat()


def words_url(document_sha256: str, track: Track) -> str:
    """The address of a text track of a video or a recording."""
    document, anchor = quote(document_sha256, safe=""), quote(track.anchor, safe="")
    return f"{MEDIA}/documents/{document}/words.vtt?track={anchor}"


def thumbnail(chunk: Chunk, time_s: float | None = None) -> str:
    """A small picture of a chunk over the icon of its kind, which stays where none loads."""
    url = ""
    if chunk.image is not None:
        url = f"{MEDIA}/assets/{chunk.image.sha256}/thumbnail"
    elif chunk.frames:
        at_s = time_s if time_s is not None else chunk.frames[0].time_s
        frame = min(chunk.frames, key=lambda frame: abs(frame.time_s - at_s))
        url = f"{MEDIA}/assets/{frame.image.sha256}/thumbnail"
    elif chunk.kind in _PAGED and chunk.locator.page is not None:
        url = f"{page_image_url(chunk.document_sha256, chunk.locator.page)}/thumbnail"
    picture = f'<img src="{escape(url)}" alt="" loading="lazy">' if url else ""
    return f'<span class="kb-thumb kb-kind-{chunk.kind}">{icon(chunk.kind)}{picture}</span>'


def _citation_view(citation: Citation, chunk: Chunk) -> str:
    time_s = citation.locator.start_s if chunk.modality is Modality.VIDEO else None
    return view_url(chunk.id, quote_range(chunk, citation.quote), time_s)


def chip(citation: Citation, chunk: Chunk) -> str:
    """The number in an answer's text that opens its citation."""
    where = chip_label(citation)
    return (
        f'<button type="button" class="kb-chip" data-number="{citation.number}" '
        f'data-view="{escape(_citation_view(citation, chunk))}" title="{escape(where)}" '
        f'aria-label="{escape(tr("Source {n}: {where}", n=citation.number, where=where))}">'
        f"{citation.number}</button>"
    )


def chip_label(citation: Citation) -> str:
    """File and place of a citation; of a long path its end, for it stands in each of the chips."""
    where = " ".join(filter(None, (citation.source, place(citation.source, citation.locator))))
    return where if len(where) <= _MAX_LABEL_CHARS else f"…{where[-_MAX_LABEL_CHARS:]}"


def citation_card(citation: Citation, chunk: Chunk) -> str:
    """One entry of the list beside an answer; the whole card is the button."""
    where = place(citation.source, citation.locator)
    name = PurePosixPath(citation.source).name
    quoted = escape(citation.quote) if citation.quote else heading_path(chunk)
    return (
        f'<li><button type="button" class="kb-source" data-number="{citation.number}" '
        f'data-view="{escape(_citation_view(citation, chunk))}">'
        f"{thumbnail(chunk, citation.locator.start_s)}"
        f'<span class="kb-source-body"><span class="kb-source-head">'
        f'<span class="kb-number">{citation.number}</span>'
        f'<span class="kb-name" title="{escape(citation.source)}">{escape(name)}</span>'
        f'{_badge(where)}</span><span class="kb-excerpt">{quoted}</span></span></button></li>'
    )


def hit_card(rank: int, hit: Hit, query: str) -> str:
    """One result of a search, with its scores by stage."""
    chunk = hit.chunk
    url = view_url(chunk.id, time_s=hit.time_s)
    where = place(hit.source, chunk.locator, hit.time_s)
    passage = mark_words(excerpt(chunk.text, query), query) if chunk.text else ""
    path = heading_path(chunk)
    folded = ""
    if hit.also:
        more = ntr("and {n} more at this place", "and {n} more at this place", len(hit.also))
        folded = f'<span class="kb-muted">{escape(more)}</span>'
    label = tr("Open {where}", where=" ".join(filter(None, (hit.source, where))))
    return (
        f'<li class="kb-hit"><button type="button" class="kb-hit-open" '
        f'data-view="{escape(url)}" aria-label="{escape(label)}">'
        f"{thumbnail(chunk, hit.time_s)}</button>"
        f'<div class="kb-hit-body"><div class="kb-source-head"><span class="kb-rank">{rank}</span>'
        f'<button type="button" class="kb-link kb-name" data-view="{escape(url)}" '
        f'title="{escape(hit.source)}">{escape(hit.source)}</button>{_badge(where)}</div>'
        + (f'<div class="kb-path">{path}</div>' if path else "")
        + (f'<p class="kb-passage">{passage}</p>' if passage else "")
        + f'<div class="kb-scores">{_scores(hit)}{folded}</div></div></li>'
    )


def _scores(hit: Hit) -> str:
    stages = (
        (tr("meaning"), hit.dense, tr("Cosine of the dense vectors")),
        (tr("words"), hit.sparse, "BM25"),
        (tr("picture"), hit.picture, tr("Cosine of the picture descriptors")),
        (tr("fused"), hit.fused, tr("After fusion, from 0 to 1")),
        (tr("rerank"), hit.rerank, tr("The reranker's score")),
    )
    return "".join(
        f'<span class="kb-score" title="{escape(note)}">{escape(name)} <b>{value:.3f}</b></span>'
        for name, value, note in stages
        if value is not None
    )


def _badge(where: str) -> str:
    return f'<span class="kb-badge">{escape(where)}</span>' if where else ""


def message(text: str, *, kind: str = "info", title: str = "") -> str:
    """A notice in place: ``info``, ``warning`` or ``error``. Line breaks are kept."""
    head = f"<strong>{escape(title)}</strong>" if title else ""
    role = "alert" if kind == "error" else "status"
    picture = icon("warning" if kind in {"error", "warning"} else "empty")
    return (
        f'<div class="kb-message kb-message-{kind}" role="{role}">{picture}'
        f"<div>{head}<p>{escape(text)}</p></div></div>"
    )


def mended_html(mended: str, written: str, *, is_askable: bool = True) -> str:
    """What was looked for instead of what was written, with a button that asks for that."""
    # Around the place of what was written, which can be a button.
    before, _, after = tr("Found for “{mended}” instead of “{written}”").partition("“{written}”")
    before = before.replace("{mended}", mended)
    instead = f"“{escape(written)}”"
    if is_askable:
        # Words in quotation marks are taken as they are.
        quoted = '"' + " ".join(written.replace('"', " ").split()) + '"'
        instead = (
            f'<button type="button" class="kb-link" data-ask="{escape(quoted)}" '
            f'title="{escape(tr("Ask with the words as you wrote them"))}">{instead}</button>'
        )
    return f'<p class="kb-muted kb-mended">{escape(before)}{instead}{escape(after)}</p>'
