"""What a citation opens: a page with the passage marked, a picture, a clip at its second,
or the passage itself. All of it is escaped HTML for the dialog of ``static/app.js``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from markupsafe import Markup

from ingest.dates import clamp_ns
from kb.config import Config
from kb.text.humanize import timestamp
from kb.tracks import Track, TrackKind
from kb.types import Box, Chunk, Document, ImageRef, Kind, Locator, Modality
from ui.language import name_of_language, spoken, tr
from ui.service.places import page_word, place
from ui.service.sheets import Sheet
from ui.service.spoken import SpokenLine
from ui.web.html.passage import passage_html
from ui.web.html.render import (
    MEDIA,
    day_text,
    escape,
    heading_path,
    message,
    original_url,
    page_image_url,
    page_view_url,
    words_url,
)
from ui.web.html.templates import render

__all__ = ["Shelf", "chunk_view", "page_view"]


class Shelf(Protocol):
    """What the viewer and the media routes read: chunks and files by id, never by path."""

    @property
    def config(self) -> Config: ...

    def chunk(self, chunk_id: str) -> Chunk | None: ...

    def document(self, sha256: str) -> Document | None: ...

    def page_image(self, document_sha256: str, page: int) -> ImageRef | None: ...

    def page_size_points(self, document_sha256: str, page: int) -> tuple[float, float] | None: ...

    def n_pages(self, document_sha256: str) -> int: ...

    def sheet(self, chunk: Chunk, quoted: tuple[int, int]) -> Sheet | None: ...

    def spoken(self, document_sha256: str) -> Mapping[Track, tuple[SpokenLine, ...]]: ...

    def asset(self, sha256: str) -> ImageRef | None: ...

    def asset_path(self, ref: ImageRef) -> Path: ...

    def original(self, document_sha256: str) -> Path | None: ...


def chunk_view(
    shelf: Shelf,
    chunk_id: str,
    quoted: tuple[int, int] | None = None,
    time_s: float | None = None,
) -> str | None:
    """The viewer's content for a chunk; None where there is no such chunk.

    Args:
        quoted: ``(start, end)`` in the chunk's text: what is marked. None marks the whole
            chunk's place.
        time_s: The second a clip starts at; None takes the place of the quote.
    """
    chunk = shelf.chunk(chunk_id)
    document = shelf.document(chunk.document_sha256) if chunk else None
    if chunk is None or document is None:
        return None
    start, end = quoted or (0, 0)
    locator = chunk.place_of(start, end) if start < end else chunk.locator
    if chunk.modality is Modality.VIDEO:
        at_s = time_s if time_s is not None else locator.start_s
        return _clip(shelf, document, chunk, locator, at_s, (start, end))
    if chunk.locator.start_s is not None and document.kind in {Kind.AUDIO, Kind.VIDEO}:
        return _recording(shelf, document, chunk, locator, (start, end))
    page = locator.page
    if page is not None and document.kind in {Kind.PDF, Kind.EBOOK}:
        image = shelf.page_image(document.sha256, page)
        if image is not None:
            # A page image cited as a whole needs no box around all of it; a chart on it does.
            whole = chunk.image == image and start == end
            boxes = () if whole else locator.boxes
            aside = "" if whole else _passage(chunk, _source(document), start, end)
            return _page(shelf, document, page, image, boxes, aside)
    if chunk.image is not None:
        return _picture(shelf, document, chunk, locator, (start, end))
    body = _passage(chunk, _source(document), start, end)
    if document.kind is Kind.DATA or page_word(_source(document)) == "sheet":
        sheet = shelf.sheet(chunk, (start, end))
        body = _path(chunk) + render("sheet", sheet=sheet) if sheet is not None else body
    return _frame(shelf, document, locator, f'<div class="kb-sheet">{body}</div>')


def page_view(shelf: Shelf, document_sha256: str, page: int) -> str | None:
    """The viewer's content for a page as such; None where there is no such page."""
    document = shelf.document(document_sha256)
    image = shelf.page_image(document_sha256, page)
    if document is None or image is None:
        return None
    return _page(shelf, document, page, image, (), "")


def _page(
    shelf: Shelf,
    document: Document,
    page: int,
    image: ImageRef,
    boxes: tuple[Box, ...],
    aside: str,
) -> str:
    size_points = shelf.page_size_points(document.sha256, page) if boxes else None
    marks = _marks(boxes, *size_points) if size_points else ""
    url = page_image_url(document.sha256, page)
    figure = _figure(
        url,
        image,
        tr("Page {page} of {source}", page=page, source=_source(document)),
        marks,
    )
    turn = "".join(
        _turn(shelf, document, to, word)
        for to, word in ((page - 1, "previous"), (page + 1, "next"))
    )
    return _frame(shelf, document, Locator(page=page), _split(figure, aside), turn)


def _turn(shelf: Shelf, document: Document, page: int, word: str) -> str:
    there = 1 <= page <= shelf.n_pages(document.sha256)
    target = f'data-view="{escape(page_view_url(document.sha256, page))}"' if there else "disabled"
    arrow = "M15 5l-7 7 7 7" if word == "previous" else "M9 5l7 7-7 7"
    label = escape(tr("Previous page") if word == "previous" else tr("Next page"))
    return (
        f'<button type="button" class="kb-tool" data-page-turn="{word}" {target} '
        f'aria-label="{label}" title="{label}">'
        f'<svg class="kb-icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{arrow}"/></svg>'
        "</button>"
    )


def _picture(
    shelf: Shelf, document: Document, chunk: Chunk, locator: Locator, quoted: tuple[int, int]
) -> str:
    image = chunk.image
    assert image is not None
    source = _source(document)
    marks = ""
    if quoted[0] < quoted[1]:
        # Boxes of a picture's words are pixels of the stored picture.
        marks = _marks(locator.boxes, image.width_px, image.height_px)
    figure = _figure(
        f"{MEDIA}/assets/{image.sha256}", image, tr("Picture: {source}", source=source), marks
    )
    aside = _passage(chunk, _source(document), *quoted) if chunk.text else ""
    return _frame(shelf, document, locator, _split(figure, aside))


def _clip(
    shelf: Shelf,
    document: Document,
    chunk: Chunk,
    locator: Locator,
    at_s: float | None,
    quoted: tuple[int, int],
) -> str:
    start_s = at_s or 0.0
    source = _source(document)
    player = _player(
        shelf,
        document,
        start_s,
        locator,
        tr("Video {source} from {time}", source=source, time=timestamp(start_s)),
        tr(
            "This browser cannot play this kind of video. The frames below show what it "
            "holds; open the original in a video player to watch it."
        ),
        tr("The video file is no longer in the library."),
    )
    nearest = min(chunk.frames, key=lambda frame: abs(frame.time_s - start_s), default=None)
    frames = "".join(
        f'<button type="button" class="kb-frame" data-seek-s="{frame.time_s:g}"'
        f"{' aria-current=true' if frame is nearest else ''}>"
        f'<img src="{MEDIA}/assets/{frame.image.sha256}/thumbnail" loading="lazy" '
        f'width="{frame.image.width_px}" height="{frame.image.height_px}" '
        f'alt="{escape(tr("Frame at {time}", time=timestamp(frame.time_s)))}">'
        f"<span>{timestamp(frame.time_s)}</span></button>"
        for frame in chunk.frames
    )
    strip = f'<div class="kb-strip" role="group" aria-label="{escape(tr("Frames"))}">{frames}</div>'
    aside = _passage(chunk, _source(document), *quoted) if chunk.text else ""
    shown = Locator(start_s=start_s)
    body = _split(f'<div class="kb-clip">{player}{strip}</div>', aside)
    return _frame(shelf, document, shown if at_s is not None else locator, body)


def _player(
    shelf: Shelf,
    document: Document,
    start_s: float,
    quoted: Locator,
    label: str,
    no_player: str,
    no_file: str,
) -> str:
    """What plays a video or a recording from a second, or says why nothing does.

    Args:
        quoted: The place of what is cited: the text track that it is of is shown.
        no_player: Shown where the browser can't.
        no_file: Shown where the file is gone.
    """
    if shelf.original(document.sha256) is None:
        return message(no_file, kind="warning")
    tracks = list(shelf.spoken(document.sha256))
    return render(
        "player",
        is_audio=document.kind is Kind.AUDIO,
        url=f"{original_url(document.sha256)}#t={start_s:g}",
        start_s=f"{start_s:g}",
        label=label,
        tracks=[
            {"of": track, "label": _track_name(track), "url": words_url(document.sha256, track)}
            for track in tracks
        ],
        shown=_shown_track(tracks, Track.of(quoted.anchor)),
        failed=Markup(message(no_player, kind="warning")),  # noqa: S704 - `message` has escaped it
    )


def _shown_track(tracks: Sequence[Track], quoted: Track | None) -> Track | None:
    """The one that is shown at first: what is cited, or what the reader understands."""
    if quoted in tracks:
        return quoted
    language = spoken().split("-")[0]
    understood = (track for track in tracks if track.language.split("-")[0] == language)
    return next(understood, tracks[0] if tracks else None)


def _track_name(track: Track) -> str:
    """What a text track is called, with its language where that is known."""
    if not track.language:
        return tr("Speech") if track.kind is TrackKind.SPEECH else tr("Subtitles")
    language = name_of_language(track.language)
    if track.kind is TrackKind.SPEECH:
        return tr("Speech in {language}", language=language)
    return tr("Subtitles in {language}", language=language)


def _recording(
    shelf: Shelf, document: Document, chunk: Chunk, locator: Locator, quoted: tuple[int, int]
) -> str:
    source, start_s = _source(document), locator.start_s or 0.0
    player = _player(
        shelf,
        document,
        start_s,
        locator,
        tr("Recording {source} from {time}", source=source, time=timestamp(start_s)),
        tr("This browser cannot play this kind of recording; open the original in a player."),
        tr("The recording is no longer in the library."),
    )
    lines = "".join(
        f'<button type="button" class="kb-link" data-seek-s="{span.locator.start_s or 0:g}">'
        f"{timestamp(span.locator.start_s or 0)}</button>"
        + passage_html(
            chunk.text[span.start : span.end],
            max(0, quoted[0] - span.start),
            max(0, min(quoted[1], span.end) - span.start),
            chunk.kind,
            source,
        )
        for span in chunk.spans
    )
    body = (
        f'{player}{_path(chunk)}<div class="kb-transcript" tabindex="0" role="region" '
        f'aria-label="{escape(tr("Transcript"))}">{lines}</div>'
    )
    return _frame(shelf, document, locator, f'<div class="kb-sheet">{body}</div>')


def _figure(url: str, image: ImageRef, alt: str, marks: str) -> str:
    return (
        # It scrolls, also for those who have no mouse.
        f'<div class="kb-stage" tabindex="0" role="region" aria-label="{escape(alt)}">'
        '<figure class="kb-page" '
        f'style="--w:{image.width_px};--h:{image.height_px}">'
        f'<img src="{escape(url)}" alt="{escape(alt)}" width="{image.width_px}" '
        f'height="{image.height_px}">{marks}</figure></div>'
    )


def _marks(boxes: Iterable[Box], width: float, height: float) -> str:
    """Boxes as percentages of a page of `width` x `height` in the boxes' own unit."""
    return "".join(
        f'<span class="kb-mark" style="left:{100 * box.x0 / width:.3f}%;'
        f"top:{100 * box.y0 / height:.3f}%;width:{100 * (box.x1 - box.x0) / width:.3f}%;"
        f'height:{100 * (box.y1 - box.y0) / height:.3f}%"></span>'
        for box in boxes
    )


def _path(chunk: Chunk) -> str:
    path = heading_path(chunk)
    return f'<div class="kb-path">{path}</div>' if path else ""


def _passage(chunk: Chunk, source: str, start: int, end: int) -> str:
    text = passage_html(chunk.text, start, end, chunk.kind, source)
    return (
        _path(chunk)
        + '<div class="kb-passage-full" tabindex="0" role="region" '
        + f'aria-label="{escape(tr("Passage"))}">'
        + f"{text}</div>"
        + '<button type="button" class="kb-link kb-copy" data-copy=".kb-passage-full">'
        + f"{escape(tr('Copy passage'))}</button>"
    )


def _split(main: str, aside: str) -> str:
    side = f'<aside class="kb-aside">{aside}</aside>' if aside else ""
    return f'<div class="kb-split">{main}{side}</div>'


def _frame(shelf: Shelf, document: Document, locator: Locator, body: str, tools: str = "") -> str:
    source = _source(document)
    where = place(source, locator)
    if shelf.original(document.sha256) is not None:
        tools += (
            f'<a class="kb-tool kb-tool-text" href="{escape(original_url(document.sha256))}'
            f'{f"#page={locator.page}" if document.kind is Kind.PDF and locator.page else ""}" '
            f'target="_blank" rel="noopener">{escape(tr("Open original"))}</a>'
        )
    badge = f'<span class="kb-badge" data-place>{escape(where)}</span>' if where else ""
    badge += _dates(document, shelf.original(document.sha256))
    return (
        '<header class="kb-viewer-head"><h2 class="kb-viewer-title" '
        f'id="kb-viewer-title" title="{escape(source)}">{escape(source)}</h2>{badge}'
        f'<div class="kb-tools">{tools}<button type="button" class="kb-tool" data-close '
        f'aria-label="{escape(tr("Close"))}" title="{escape(tr("Close (Esc)"))}">'
        '<svg class="kb-icon" viewBox="0 0 24 24" aria-hidden="true">'
        '<path d="M6 6l12 12M18 6L6 18"/></svg></button></div></header>'
        f'<div class="kb-viewer-body">{body}</div>'
    )


def _dates(document: Document, file: Path | None) -> str:
    """When the content was made, as it tells, beside when the file was changed."""
    days = [day_text(document.date_ns)]
    try:
        changed_ns = clamp_ns(file.stat().st_mtime_ns) if file is not None else None
    except OSError:
        changed_ns = None  # It was deleted just now.
    if changed_ns is not None and day_text(changed_ns) != days[0]:
        days.append(tr("changed {date}", date=day_text(changed_ns)))
    elif changed_ns == document.date_ns:
        days = [tr("changed {date}", date=days[0])]
    said, label = escape(" · ".join(days)), escape(tr("Date of the content"))
    title = "" if changed_ns == document.date_ns else f' title="{label}"'
    return f'<span class="kb-badge kb-dates"{title}>{said}</span>'


def _source(document: Document) -> str:
    return document.sources[0][1] if document.sources else document.title
