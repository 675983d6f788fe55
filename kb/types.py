"""The nouns of the project, in the order in which a file becomes an answer.

Source → Segment → Chunk (of a Document) → Hit → Citation → Answer. All are immutable and
hold no vectors: vectors stay numpy arrays beside them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "Answer",
    "AnswerStatus",
    "Box",
    "Chunk",
    "Citation",
    "Claim",
    "Document",
    "EncodedImage",
    "Filters",
    "Frame",
    "FrameRef",
    "Hit",
    "ImageRef",
    "Kind",
    "Locator",
    "Modality",
    "Outcome",
    "Query",
    "SearchResult",
    "Segment",
    "Source",
    "SourceOutcome",
    "Span",
    "SyncReport",
    "chunk_id",
]

_CHUNK_NAMESPACE = uuid.UUID("6f1f5a0e-6f0c-5d0e-9f55-6d1d1f2b7c11")


class Modality(StrEnum):
    """What is encoded, which is not the media type: a PDF's page image is an IMAGE."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"


class Kind(StrEnum):
    """The family of a file, as people filter by it."""

    PDF = "pdf"
    EBOOK = "ebook"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    HTML = "html"
    TEXT = "text"
    DATA = "data"
    OFFICE = "office"


class Outcome(StrEnum):
    """What a sync did with one file."""

    ADDED = "added"
    UPDATED = "updated"
    MOVED = "moved"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    PARTIAL = "partial"
    FAILED = "failed"


class AnswerStatus(StrEnum):
    """Whether the sources held an answer. No evidence is a status, not an error."""

    ANSWERED = "answered"
    NO_EVIDENCE = "no_evidence"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: on a page in PDF points, on a picture in pixels of the stored picture. The
    origin is the top left as displayed (after the page's rotation), x to the right, y down."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Locator:
    """Where something stands in its document.

    Attributes:
        page: From 1 (PDF page, slide, sheet); None where the format has none.
        boxes: Rectangles on that page.
        start_s: Start in seconds of video or sound.
        end_s: End in seconds of video or sound.
        anchor: A heading's or record's identifier within the document; of a line of video or
            sound, its track (see `kb.tracks`).
    """

    page: int | None = None
    boxes: tuple[Box, ...] = ()
    start_s: float | None = None
    end_s: float | None = None
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a text's characters (end exclusive) with its finer place: a line's box on
    a page, the seconds of a subtitle or of a spoken sentence. It lets a quoted sentence be marked,
    not its whole chunk."""

    start: int
    end: int
    locator: Locator


@dataclass(frozen=True, slots=True)
class Source:
    """Located bytes.

    Attributes:
        root: The folder that is being synced, absolute.
        path: Relative to `root`, with forward slashes. What people see as the source.
        media_type: IANA media type, sniffed from the content where it has a signature.
        kind: The family of `media_type`.
        sha256: Hex digest of the content, and of its companions where it has any.
        size_bytes: Size of the file.
        mtime_ns: Modification time, nanoseconds since the epoch.
        companions: Absolute paths of files that are part of the content (subtitles beside
            a video, pictures beside a web page).
        left_out: Likewise those that are not read, since they are too large.
    """

    root: Path
    path: str
    media_type: str
    kind: Kind
    sha256: str
    size_bytes: int
    mtime_ns: int
    companions: tuple[Path, ...] = ()
    left_out: tuple[Path, ...] = ()

    @property
    def absolute(self) -> Path:
        """The file itself."""
        return self.root / self.path


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A picture as the bytes of a JPEG, PNG or WebP file, upright and in RGB."""

    data: bytes
    media_type: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a video at a time in seconds."""

    time_s: float
    image: EncodedImage


@dataclass(frozen=True, slots=True)
class Segment:
    """The smallest thing a parser can point at: a section of a page, a picture, a clip.

    Attributes:
        modality: TEXT for text alone, IMAGE when `image` is set, VIDEO when `frames` are.
        locator: Where it stands.
        text: Its text; for pictures and clips what was read in or beside them.
        title: The document's title.
        headings: The heading path above it, outermost first.
        about: What the document says of itself beside its title: company, year, version.
        spans: Finer places of ranges of `text`, in order, not overlapping.
        image: The picture, for IMAGE.
        frames: The pictures of the clip in order of time, for VIDEO.
        atomic: Never split or merged by the chunker (a table row group, a record, a page
            image, a clip).
    """

    modality: Modality
    locator: Locator
    text: str = ""
    title: str = ""
    headings: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    image: EncodedImage | None = None
    frames: tuple[Frame, ...] = ()
    atomic: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A picture in the asset store, by the sha256 of its bytes."""

    sha256: str
    media_type: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class FrameRef:
    """A frame in the asset store at its time in seconds."""

    time_s: float
    image: ImageRef


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is encoded and stored: text and/or a picture and/or frames, and where it stands.

    Attributes:
        id: UUIDv5, see `chunk_id`.
        document_sha256: The document it belongs to.
        ordinal: Its place among the document's chunks, from 0.
        kind: The document's kind.
        about: What the document says of itself beside its title: company, year, version.
    """

    id: str
    document_sha256: str
    ordinal: int
    kind: Kind
    modality: Modality
    locator: Locator
    text: str = ""
    title: str = ""
    headings: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    image: ImageRef | None = None
    frames: tuple[FrameRef, ...] = ()
    about: str = ""

    @property
    def pictures(self) -> tuple[ImageRef, ...]:
        """The image, or the frames in order of time; empty for text."""
        if self.image is not None:
            return (self.image,)
        return tuple(frame.image for frame in self.frames)

    @property
    def contextual_text(self) -> str:
        """The text as it is encoded: title, what the document says of itself and heading path, a
        line break, then the text."""
        path = [part for part in (self.title, self.about, *self.headings) if part]
        unique = [part for i, part in enumerate(path) if part not in path[:i]]
        return "\n".join(part for part in (" › ".join(unique), self.text) if part)

    def place_of(self, start: int, end: int) -> Locator:
        """The place of ``text[start:end]``: the chunk's, narrowed by the spans that it touches."""
        touched = [span.locator for span in self.spans if span.start < end and start < span.end]
        if not touched:
            return self.locator
        boxes = tuple(dict.fromkeys(box for fine in touched for box in fine.boxes))
        starts_s = [fine.start_s for fine in touched if fine.start_s is not None]
        ends_s = [fine.end_s for fine in touched if fine.end_s is not None]
        anchors = [fine.anchor for fine in touched if fine.anchor is not None]
        whole = self.locator
        return Locator(
            page=next((fine.page for fine in touched if fine.page is not None), whole.page),
            boxes=boxes or whole.boxes,
            start_s=min(starts_s, default=whole.start_s),
            end_s=max(ends_s, default=whole.end_s),
            anchor=anchors[0] if anchors else whole.anchor,
        )


def chunk_id(document_sha256: str, locator: Locator, ordinal: int, config_fingerprint: str) -> str:
    """The id of a chunk: UUIDv5 (RFC 9562) of content hash, locator and configuration.

    The same content under the same configuration has the same ids, wherever the file lies.
    The ordinal tells apart chunks that share a locator.
    """
    place = f"{locator.page}|{locator.start_s}|{locator.end_s}|{locator.anchor}|" + ";".join(
        f"{b.x0:.2f},{b.y0:.2f},{b.x1:.2f},{b.y1:.2f}" for b in locator.boxes
    )
    name = f"{document_sha256}|{config_fingerprint}|{ordinal}|{place}"
    return str(uuid.uuid5(_CHUNK_NAMESPACE, name))


@dataclass(frozen=True, slots=True)
class Document:
    """One ingested content, keyed by its hash; paths are its aliases.

    Attributes:
        sha256: Key.
        title: Title found in the content, or the file's name.
        sources: ``(root, path)`` of every copy.
        date_ns: When the content was made, nanoseconds since the epoch: as it says itself or its
            name does (see `ingest.content_dates`), else the file's modification time.
    """

    sha256: str
    kind: Kind
    media_type: str
    title: str
    size_bytes: int
    sources: tuple[tuple[Path, str], ...]
    date_ns: int
    n_chunks: int = 0


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search is limited to. Empty means everything.

    Attributes:
        folders: Folders relative to their root, with forward slashes; subfolders count.
        kinds: Families of files.
        sources: Files, as paths relative to their root.
        after_ns: The content is not older than this, nanoseconds since the epoch; see
            `Document.date_ns`.
        before_ns: It is older than this.
        changed_after_ns: The file was not changed before this, nanoseconds since the epoch.
        changed_before_ns: It was changed last before this.
    """

    folders: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    sources: tuple[str, ...] = ()
    after_ns: int | None = None
    before_ns: int | None = None
    changed_after_ns: int | None = None
    changed_before_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A question: words, pictures, a clip, or several at once.

    Attributes:
        images: Pictures as the bytes of image files, already validated.
        clip: Frames of a clip, already sampled.
        instruction: The task, for encoders that take one.
        as_written: Its words are not to be mended.
        instead_of: The words as they were written, where `text` has them mended.
        typed: What was typed, where `text` is how that was understood after earlier questions;
            otherwise empty.
    """

    text: str = ""
    images: tuple[EncodedImage, ...] = ()
    clip: tuple[Frame, ...] = ()
    instruction: str | None = None
    filters: Filters = field(default_factory=Filters)
    as_written: bool = False
    instead_of: str = ""
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk with its scores; each is comparable with others of the same stage only.

    Attributes:
        source: The path people see (the first alias), relative to its root.
        dense: Cosine of the dense vectors, or None where that list did not hold it.
        sparse: BM25 score, likewise.
        picture: Cosine of the picture descriptors, likewise.
        fused: Score after fusion, in [0, 1].
        rerank: The reranker's score.
        time_s: For a clip found by a picture: the second of the frame that matched.
        also: Ids of chunks that show the same place and were folded into this hit.
    """

    chunk: Chunk
    source: str
    dense: float | None = None
    sparse: float | None = None
    picture: float | None = None
    fused: float = 0.0
    rerank: float | None = None
    time_s: float | None = None
    also: tuple[str, ...] = ()

    @property
    def all_text(self) -> str:
        """All its words: of its path, title, headings and text, a line each."""
        chunk = self.chunk
        return "\n".join((self.source, chunk.title, *chunk.headings, chunk.text))


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, with the time each stage took in milliseconds."""

    query: Query
    hits: tuple[Hit, ...]
    timings_ms: dict[str, float]
    total_time_ms: float


@dataclass(frozen=True, slots=True)
class Citation:
    """A number in an answer → chunk → place.

    Attributes:
        number: As written in the answer, from 1.
        chunk_id: The chunk.
        source: The file, relative to its root.
        locator: The place of `quote`: finer than the chunk's where spans allow.
        quote: The words it rests on, as they stand in the chunk.
    """

    number: int
    chunk_id: str
    source: str
    locator: Locator
    quote: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer that cites, judged by what it cites.

    Attributes:
        text: The sentence as it was judged: plain, without its citations. A table's row has
            the names of its columns before its cells.
        start: Of the sentence in the answer's text, which is Markdown.
        end: After its last character; citations behind the full stop are within.
        numbers: The citations in it, in order, each once.
        score: The best over the cited chunks, higher is better supported; comparable under one
            scorer only. None where none could be judged.
        is_weak: Whether the score is below the calibrated threshold; None where there is no
            threshold, or a cited chunk could not be judged.
    """

    text: str
    start: int
    end: int
    numbers: tuple[int, ...]
    score: float | None
    is_weak: bool | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Text with numbered citations, the hits it was made from, and whether it answers.

    Attributes:
        claims: Its sentences that cite, in order, once they are checked.
        check_error: Why they could not be checked, or empty.
        probability: That the best passage found answers the question, calibrated; None where
            that was not judged (a picture alone was asked with).
        closest: Where nothing answers, the passages nearest to an answer.
        is_from_files: Whether it was looked for in them. Talk is answered without, and so is a
            question about the library itself.
        note: What its reader should know of how it was made, or empty: why quotes stand in place
            of a written answer and what to do next, or what the model was not shown.
        is_draft: Another, written one follows and takes its place.
    """

    query: Query
    text: str
    status: AnswerStatus
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    timings_ms: dict[str, float]
    total_time_ms: float
    claims: tuple[Claim, ...] = ()
    check_error: str = ""
    probability: float | None = None
    closest: tuple[Citation, ...] = ()
    is_from_files: bool = True
    note: str = ""
    is_draft: bool = False


class SourceOutcome(NamedTuple):
    """What a sync did with one file, and why. A tuple, since a sync makes one for every file.

    Attributes:
        reason: For PARTIAL and FAILED: what is missing and what to do. Otherwise empty, or
            a note (where a MOVED file came from).
    """

    source: str
    outcome: Outcome
    reason: str = ""
    n_chunks: int = 0


@dataclass(frozen=True, slots=True)
class SyncReport:
    """Every file a sync looked at, in order of path."""

    files: tuple[SourceOutcome, ...]
    total_time_ms: float

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many files had each outcome; outcomes that did not occur are 0."""
        result = dict.fromkeys(Outcome, 0)
        for file in self.files:
            result[file.outcome] += 1
        return result
