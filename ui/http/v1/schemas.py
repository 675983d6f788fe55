"""What ``/api/v1`` takes and gives, for its description."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kb import MAX_NOTE_CHARS, FeedbackReason
from kb.types import Kind
from ui.service.conversation import EarlierTurn
from ui.service.wire import FilterFields

__all__ = [
    "AddedDocument",
    "AddedDocuments",
    "AnswerBody",
    "AskRequest",
    "CitationBody",
    "ClaimBody",
    "ConversationBody",
    "ConversationChange",
    "ConversationSummary",
    "ConversationsPage",
    "DeletedConversation",
    "DeletedDocument",
    "DocumentBody",
    "DocumentFile",
    "DocumentStatusName",
    "DocumentsPage",
    "FeedbackBody",
    "Health",
    "HitBody",
    "KeptAnswerBody",
    "KeptAskRequest",
    "KeptTurnBody",
    "PassageBody",
    "Problem",
    "PurgedFiles",
    "QuestionRequest",
    "RestoredFile",
    "RetryRequest",
    "SearchBody",
    "SearchRequest",
    "StatusBody",
    "TrashBody",
    "TrashedFile",
]

DocumentStatusName = Literal["indexed", "partial", "failed", "waiting", "indexing"]
_MAX_SOURCES = 10_000
_MAX_TITLE_CHARS = 200
_Pictures = Annotated[
    list[str], Field(description="Pictures, each in base64 or as a data URI; in a form, files.")
]


class QuestionRequest(BaseModel):
    """A question: words, pictures, a clip, or several at once."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(description="Words.", examples=["How do I reset it?"])] = ""
    images: _Pictures = []
    video: Annotated[
        str | None, Field(description="A clip, in base64 or as a data URI; in a form, a file.")
    ] = None
    filters: FilterFields = FilterFields()
    as_written: Annotated[bool, Field(description="Mend no word.")] = False


class SearchRequest(QuestionRequest):
    """What to look for."""

    top: Annotated[int | None, Field(ge=1, le=100, description="How many results.")] = None


class KeptAskRequest(QuestionRequest):
    """A question of a conversation that the server keeps."""

    quotes_only: Annotated[bool, Field(description="Quotes, and no text that a model writes.")] = (
        False
    )
    stream: Annotated[
        bool,
        Field(
            description="Answer with server-sent events: of a conversation `turn`, then "
            "`understood`, `draft`, `delta`, `citation`, `claim`, `error`, and last `done` with "
            "the whole answer."
        ),
    ] = False


class AskRequest(KeptAskRequest):
    """A question that is to be answered, and of which nothing is kept."""

    turns: Annotated[
        list[EarlierTurn], Field(description="Earlier questions of the conversation, in order.")
    ] = []


class RetryRequest(BaseModel):
    """Which failed files are read again."""

    model_config = ConfigDict(extra="forbid")

    sources: Annotated[
        list[Annotated[str, Field(max_length=4096)]],
        Field(max_length=_MAX_SOURCES, description="None named means all."),
    ] = []


class _Place(BaseModel):
    page: Annotated[int | None, Field(description="From 1: a page, a slide, a sheet.")]
    start_s: float | None
    end_s: float | None
    boxes: Annotated[
        list[tuple[float, float, float, float]],
        Field(description="x0, y0, x1, y1 from the top left; points of a page, pixels else."),
    ]
    anchor: str | None


class _HitMetadata(_Place):
    document_id: str
    source: str
    title: str
    headings: list[str]
    kind: Kind
    modality: Literal["text", "image", "video"]
    image_url: Annotated[str | None, Field(description="Below this server's address.")]
    time_s: float | None


class _Scores(BaseModel):
    dense: float | None
    sparse: float | None
    picture: float | None
    fused: float


class HitBody(BaseModel):
    """One result. Scores of different stages are not comparable."""

    rank: int
    id: Annotated[str, Field(description="Of the passage: see /passages/{id}.")]
    content: str
    embedding_score: float | None
    rerank_score: float | None
    scores: _Scores
    metadata: _HitMetadata


class SearchBody(BaseModel):
    """Results, best first."""

    query: str
    mended: Annotated[str | None, Field(description="As it was searched, if mended.")] = None
    results: list[HitBody]
    timings_ms: dict[str, float]
    total_time_ms: float


class CitationBody(_Place):
    """Where the words of an answer stand."""

    number: int
    id: Annotated[str, Field(description="Of the passage: see /passages/{id}.")]
    source: str
    quote: str


class ClaimBody(BaseModel):
    """A sentence of an answer that cites, and how well that supports it."""

    text: str
    citations: list[int]
    score: float | None
    weak: bool | None


class AnswerBody(BaseModel):
    """An answer, or `no_evidence`."""

    query: str
    mended: str | None = None
    understood: Annotated[str | None, Field(description="The question, made whole.")]
    answer: Annotated[str, Field(description="Markdown, with [n] for citation n.")]
    status: Literal["answered", "no_evidence"]
    probability: float | None
    closest_passages: list[CitationBody]
    citations: list[CitationBody]
    claims: list[ClaimBody]
    check_error: str | None
    note: str | None
    results: list[HitBody]
    timings_ms: dict[str, float]
    total_time_ms: float


class KeptAnswerBody(AnswerBody):
    """An answer that a conversation keeps."""

    conversation_id: str
    number: Annotated[int, Field(description="Of its turn, from 1.")]


class ConversationSummary(BaseModel):
    """A conversation without its turns."""

    id: str
    title: str
    is_pinned: bool
    created: Annotated[str, Field(description="When its first question was asked, ISO 8601.")]
    changed: Annotated[str, Field(description="When its last question was asked, ISO 8601.")]
    n_turns: int


class ConversationsPage(BaseModel):
    """Some of the conversations."""

    conversations: list[ConversationSummary]
    limit: int
    offset: int
    next: Annotated[str | None, Field(description="Where the following ones are.")]


class FeedbackBody(BaseModel):
    """Whether an answer is good, and what is amiss with it."""

    model_config = ConfigDict(extra="forbid")

    is_good: bool
    reason: Annotated[
        FeedbackReason | None, Field(description="Of an answer that is not good: what is amiss.")
    ] = None
    note: Annotated[str, Field(max_length=MAX_NOTE_CHARS, description="In words.")] = ""

    @model_validator(mode="after")
    def _is_no_contradiction(self) -> FeedbackBody:
        if self.is_good and self.reason is not None:
            raise ValueError("a good answer has no reason why it is not")
        return self


class KeptTurnBody(BaseModel):
    """A question of a conversation with its answer, as far as it came."""

    number: int
    query: str
    understood: Annotated[str | None, Field(description="The question, made whole.")]
    attachments: Annotated[list[str], Field(description="Names of the files it came with.")]
    scope: Annotated[list[str], Field(description="`kind:`, `folder:` and `file:` it was within.")]
    answer: Annotated[str, Field(description="Markdown, with [n] for citation n.")]
    status: Literal["answered", "no_evidence"] | None
    stage: Annotated[
        Literal["running", "stopped", "whole"],
        Field(description="`running` also where the server ended before the answer was whole."),
    ]
    error: str | None
    citations: list[CitationBody]
    closest_passages: list[CitationBody]
    feedback: Annotated[FeedbackBody | None, Field(description="What was said of the answer.")]


class ConversationBody(ConversationSummary):
    """A conversation with its last turns, in order."""

    turns: list[KeptTurnBody]


class ConversationChange(BaseModel):
    """What is to be another."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str | None, Field(min_length=1, max_length=_MAX_TITLE_CHARS)] = None
    is_pinned: bool | None = None


class DeletedConversation(BaseModel):
    """What was deleted."""

    id: str


class PassageBody(BaseModel):
    """What a citation or a result shows."""

    id: str
    content: str
    metadata: _HitMetadata


class DocumentFile(BaseModel):
    """One file."""

    id: Annotated[str | None, Field(description="Of its document; null until it is read.")]
    source: str
    kind: Kind | None
    size_bytes: int | None
    modified_ns: int | None
    date_ns: Annotated[
        int | None,
        Field(
            description="When its content was made, as it says itself, else when the file was "
            "changed: nanoseconds since the epoch; null until it is read."
        ),
    ]
    status: DocumentStatusName
    reason: str
    n_chunks: int


class DocumentsPage(BaseModel):
    """Some of the files, in order of their paths."""

    documents: list[DocumentFile]
    n_total: int
    limit: int
    offset: int
    next: Annotated[str | None, Field(description="Where the following ones are.")]


class DocumentBody(BaseModel):
    """A document, with all files that hold it."""

    id: Annotated[str, Field(description="The sha256 of its content.")]
    source: str
    sources: list[str]
    title: str
    kind: Kind | None
    media_type: str | None
    size_bytes: int | None
    status: DocumentStatusName
    reason: str
    n_chunks: int
    n_pages: int
    original_url: Annotated[str, Field(description="Below this server's address.")]


class AddedDocument(BaseModel):
    """A file that was sent."""

    id: str
    source: str
    is_new: Annotated[bool, Field(description="False: these bytes were there already.")]


class _Refused(BaseModel):
    name: str
    reason: str


class AddedDocuments(BaseModel):
    """What was added, and what was not."""

    documents: list[AddedDocument]
    refused: list[_Refused]


class DeletedDocument(BaseModel):
    """What was deleted."""

    id: str
    sources: list[str]


class TrashedFile(BaseModel):
    """A file in the trash."""

    id: str
    source: Annotated[str, Field(description="Where it was.")]
    also: Annotated[list[str], Field(description="Subtitles that went with it.")]
    document_id: str | None
    deleted: Annotated[str, Field(description="ISO 8601.")]
    size_bytes: int


class TrashBody(BaseModel):
    """What was deleted and can be put back."""

    files: list[TrashedFile]
    kept_days: Annotated[int, Field(description="After so many it is deleted for good.")]


class RestoredFile(BaseModel):
    """What was put back."""

    id: str
    source: Annotated[str, Field(description="Where it is now.")]


class PurgedFiles(BaseModel):
    """How many files were deleted for good."""

    n_files: int


class _Progress(BaseModel):
    stage: str
    n_done: int
    n_total: int
    current: str
    rate_per_s: float | None
    eta_s: float | None
    heard_s: float | None


class StatusBody(BaseModel):
    """Counts and sizes."""

    profile: str
    profile_note: str
    n_files: int
    n_documents: int
    n_chunks: int
    n_unindexed: int
    counts: dict[str, int]
    kinds: dict[str, int]
    size_bytes: dict[str, int]
    progress: _Progress
    alert: Annotated[str, Field(description="What stopped the last sync, or empty.")]


class Health(BaseModel):
    """Whether it answers."""

    status: Literal["ok", "ready"]


class Problem(BaseModel):
    """What failed (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: Annotated[str, Field(description="What was expected and found, and what to do.")]
    error: Annotated[str, Field(description="A name for programs, as ConfigError.")]
    request_id: Annotated[
        str, Field(description="As in the header X-Request-ID and in the server's log.")
    ] = ""
