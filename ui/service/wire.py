"""The JSON that programs get: the same from the command line and over HTTP."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.progress import Progress
from kb import AssetStore, TextDelta
from kb.errors import ConfigError
from kb.masking import masked
from kb.types import (
    Answer,
    Citation,
    Claim,
    Filters,
    Hit,
    ImageRef,
    Kind,
    Locator,
    Query,
    SearchResult,
    SyncReport,
)

if TYPE_CHECKING:
    from ui.service.service import Status

__all__ = [
    "FilterFields",
    "answer_json",
    "answer_lines",
    "citation_json",
    "explained",
    "hit_json",
    "make_filters",
    "parse_filters",
    "progress_json",
    "search_json",
    "status_json",
    "sync_json",
    "understood_text",
]

Json = dict[str, Any]
_SHOWN_MISTAKES = 3
_SHOWN_CHARACTERS = 100
_MAX_FILTER_NAMES = 500


def search_json(result: SearchResult, assets: AssetStore | None) -> Json:
    """What `kb search --json` prints. See `hit_json`."""
    return {
        **_asked_json(result.query),
        "results": [hit_json(hit, rank, assets) for rank, hit in enumerate(result.hits, 1)],
        "timings_ms": _rounded(result.timings_ms),
        "total_time_ms": round(result.total_time_ms, 2),
    }


def _asked_json(query: Query) -> Json:
    """The words as they were asked; where their spelling was mended, also as they were searched."""
    if not query.instead_of:
        return {"query": query.typed or query.text}
    return {"query": query.typed or query.instead_of, "mended": query.text}


def understood_text(query: Query) -> str:
    """How a follow-up was understood, before its spelling was mended; empty of other questions."""
    return (query.instead_of or query.text) if query.typed else ""


def hit_json(hit: Hit, rank: int, assets: AssetStore | None) -> Json:
    """One result. `embedding_score` is the cosine of the dense vectors, or of the picture
    descriptors, or null where only words found the chunk.

    Args:
        assets: Where its picture lies, for programs of this machine; None gives them an address
            on the server in place of the path.
    """
    chunk = hit.chunk
    pictures = chunk.pictures
    image = pictures[0] if pictures else None
    if hit.time_s is not None and chunk.frames:
        time_s = hit.time_s
        image = min(chunk.frames, key=lambda frame: abs(frame.time_s - time_s)).image
    return {
        "rank": rank,
        "id": chunk.id,
        "content": chunk.text,
        "embedding_score": hit.dense if hit.dense is not None else hit.picture,
        "rerank_score": hit.rerank,
        "scores": {
            "dense": hit.dense,
            "sparse": hit.sparse,
            "picture": hit.picture,
            "fused": hit.fused,
        },
        "metadata": {
            "document_id": chunk.document_sha256,
            "source": hit.source,
            "title": chunk.title,
            "headings": list(chunk.headings),
            "kind": chunk.kind.value,
            "modality": chunk.modality.value,
            **_picture_json(image, assets),
            "time_s": hit.time_s,
            **_place(chunk.locator),
        },
    }


def _picture_json(image: ImageRef | None, assets: AssetStore | None) -> Json:
    if assets is not None:
        return {"image_path": str(assets.path(image)) if image else None}
    return {"image_url": f"/media/assets/{image.sha256}" if image else None}


def answer_json(answer: Answer, assets: AssetStore | None) -> Json:
    """What `kb ask --json` prints. See `hit_json`."""
    return {
        **_asked_json(answer.query),
        "understood": understood_text(answer.query) or None,
        "answer": answer.text,
        "status": answer.status.value,
        "probability": None if answer.probability is None else round(answer.probability, 4),
        "closest_passages": [citation_json(citation) for citation in answer.closest],
        "citations": [citation_json(citation) for citation in answer.citations],
        "claims": [_claim_json(claim) for claim in answer.claims],
        "check_error": answer.check_error or None,
        "note": answer.note or None,
        "results": [hit_json(hit, rank, assets) for rank, hit in enumerate(answer.hits, 1)],
        "timings_ms": _rounded(answer.timings_ms),
        "total_time_ms": round(answer.total_time_ms, 2),
    }


def citation_json(citation: Citation) -> Json:
    """One citation."""
    return {
        "number": citation.number,
        "id": citation.chunk_id,
        "source": citation.source,
        **_place(citation.locator),
        "quote": citation.quote,
    }


def _claim_json(claim: Claim) -> Json:
    """`weak` is null where no threshold was calibrated, or the chunks can't be judged."""
    return {
        "text": claim.text,
        "citations": list(claim.numbers),
        "score": claim.score,
        "weak": claim.is_weak,
    }


def sync_json(report: SyncReport) -> Json:
    """What `kb sync --json` prints."""
    return {
        "files": [
            {
                "source": file.source,
                "outcome": file.outcome.value,
                "reason": file.reason,
                "n_chunks": file.n_chunks,
            }
            for file in report.files
        ],
        "counts": {outcome.value: n for outcome, n in report.counts.items()},
        "total_time_ms": round(report.total_time_ms, 2),
    }


def answer_lines(
    query: Query, events: Iterable[TextDelta | Citation | Answer], assets: AssetStore | None
) -> Iterator[Json]:
    """An answer to `query` as it is written: ``{"understood"}`` of a follow-up, ``{"text"}`` and
    ``{"citation"}``, last ``{"answer"}``, once, when its claims are checked. Quotes that come
    before a written answer are ``{"draft"}``; they are the answer where writing failed."""
    if understood := understood_text(query):
        yield {"understood": understood}
    answer: Answer | None = None
    for event in events:
        if isinstance(event, TextDelta):
            yield {"text": event.text}
        elif isinstance(event, Citation):
            yield {"citation": citation_json(event)}
        elif event.is_draft:
            yield {"draft": answer_json(event, assets)}
        else:
            answer = event
    if answer is not None:
        yield {"answer": answer_json(answer, assets)}


def status_json(status: Status) -> Json:
    """What `kb status --json` prints."""
    plain: Json = json.loads(json.dumps(asdict(status), default=str))
    return plain


_Names = Annotated[
    list[Annotated[str, Field(max_length=4096)]], Field(max_length=_MAX_FILTER_NAMES)
]
_Nanoseconds = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class FilterFields(BaseModel):
    """What a question may be limited to, as programs give it. See `kb.types.Filters`."""

    model_config = ConfigDict(extra="forbid")

    folder: _Names = []
    kind: Annotated[list[Kind], Field(max_length=_MAX_FILTER_NAMES)] = []
    source: _Names = []
    after_ns: _Nanoseconds | None = None
    before_ns: _Nanoseconds | None = None
    changed_after_ns: _Nanoseconds | None = None
    changed_before_ns: _Nanoseconds | None = None

    def made(self) -> Filters:
        """As a search takes them."""
        return Filters(
            folders=tuple(self.folder),
            kinds=tuple(self.kind),
            sources=tuple(self.source),
            after_ns=self.after_ns,
            before_ns=self.before_ns,
            changed_after_ns=self.changed_after_ns,
            changed_before_ns=self.changed_before_ns,
        )


def parse_filters(text: str) -> Filters:
    """Filters from JSON: ``{"folder", "kind", "source", "after_ns", "before_ns",
    "changed_after_ns", "changed_before_ns"}``.

    Raises:
        ConfigError: A name or value is not accepted.
    """
    return _read(lambda: FilterFields.model_validate_json(text))


def make_filters(
    folders: Sequence[str],
    kinds: Sequence[str],
    sources: Sequence[str],
    after_s: float | None,
    before_s: float | None,
) -> Filters:
    """Filters from a form's fields; times are seconds since the epoch.

    Raises:
        ConfigError: A value is not accepted.
    """
    return _read(
        lambda: FilterFields.model_validate(
            {
                "folder": [*folders],
                "kind": [*kinds],
                "source": [*sources],
                "after_ns": None if after_s is None else _ns(after_s),
                "before_ns": None if before_s is None else _ns(before_s),
            }
        )
    )


def _ns(time_s: float) -> int | float:
    """Nanoseconds; as it is where it is no number."""
    return int(time_s * 1e9) if math.isfinite(time_s) else time_s


def _read(validate: Callable[[], FilterFields]) -> Filters:
    try:
        return validate().made()
    except ValidationError as error:
        raise ConfigError(f"The filters are not accepted: {explained(error.errors())}") from error


def explained(mistakes: Sequence[Any]) -> str:
    """The first few of pydantic's `mistakes`, without the values, which may be long."""
    lines = []
    for item in mistakes[:_SHOWN_MISTAKES]:
        where = ".".join(str(part) for part in item["loc"])[:_SHOWN_CHARACTERS]
        said = str(item["msg"])[: 2 * _SHOWN_CHARACTERS]
        lines.append(f"{where}: {said}" if where else said)
    rest = len(mistakes) - len(lines)
    text = masked("; ".join(lines)).encode("utf-8", "replace").decode()
    return f"{text} (and {rest} more)" if rest else text


def progress_json(progress: Progress) -> Json:
    """One look at a running sync."""
    return asdict(progress)


def _place(locator: Locator) -> Json:
    return {
        "page": locator.page,
        "start_s": locator.start_s,
        "end_s": locator.end_s,
        "boxes": [[box.x0, box.y0, box.x1, box.y1] for box in locator.boxes],
        "anchor": locator.anchor,
    }


def _rounded(timings_ms: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(value, 2) for stage, value in timings_ms.items()}
