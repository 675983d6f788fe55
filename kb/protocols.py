"""What each stage must offer, so that one can be replaced by another.

Every protocol has one contract suite in ``tests/contract`` that each implementation passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kb.types import AnswerStatus, Chunk, Hit, Kind, Modality, Query

__all__ = [
    "COSINE_MINIMUM",
    "EMPTY_SPARSE",
    "ClaimScorer",
    "DocumentLabels",
    "Encoder",
    "Encoders",
    "Float32Array",
    "Generator",
    "GeneratorEvent",
    "MaintainedStore",
    "Note",
    "PictureEncoder",
    "Point",
    "Quote",
    "Relevance",
    "Reranker",
    "ScoredId",
    "SparseEncoder",
    "SparseVector",
    "Store",
    "StoreFilter",
    "StoreStats",
    "TextDelta",
    "VectorName",
    "VectorQuery",
    "View",
    "ViewingEncoder",
    "views_of",
]

Float32Array = NDArray[np.float32]

COSINE_MINIMUM = -1.0


class VectorName(StrEnum):
    """The named vectors of a point."""

    DENSE = "dense"
    SPARSE = "sparse"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class SparseVector:
    """A sparse vector: `indices` uint32 ``(nnz,)``, unique; `values` float32 ``(nnz,)``."""

    indices: NDArray[np.uint32]
    values: Float32Array


class Encoder(Protocol):
    """Turns queries and chunks into vectors of one space.

    Attributes:
        dim: Length of a vector.
        fingerprint: Model, revision, prompt version and dim; a store holds vectors of one.
    """

    @property
    def dim(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    def accepts(self, item: Query | Chunk) -> bool:
        """Whether this encoder has something to say about `item` (a text encoder has
        nothing to say about a picture without words)."""

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised, of queries that `accepts` accepts.

        Raises:
            InferenceError: The model failed.
        """

    def encode_chunks(self, chunks: Sequence[Chunk]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised, of chunks that `accepts` accepts.

        Raises:
            InferenceError: The model failed.
        """


def _all(text: str) -> bool:  # noqa: ARG001
    return True


@dataclass(frozen=True, slots=True)
class View:
    """A question as it is compared with the texts of some languages.

    Attributes:
        vector: float32 ``(dim,)``, L2-normalised.
        minimum: The least cosine that says anything: -1 in theory, more for models whose cosines
            lie in a narrow band.
        reads: Whether a text is compared with it.
    """

    vector: Float32Array
    minimum: float = COSINE_MINIMUM
    reads: Callable[[str], bool] = _all


@runtime_checkable
class ViewingEncoder(Protocol):
    """What an `Encoder` also is where it compares texts of one language otherwise than those of
    another, or knows a least cosine."""

    def views(self, query: Query) -> tuple[View, ...]:
        """Of a query that `accepts` accepts; exactly one of them reads a text.

        Raises:
            InferenceError: The model failed.
        """


def views_of(encoder: Encoder, query: Query) -> tuple[View, ...]:
    """See `ViewingEncoder.views`; for other encoders the one vector of `query`.

    Raises:
        InferenceError: The model failed.
    """
    if isinstance(encoder, ViewingEncoder):
        return encoder.views(query)
    return (View(encoder.encode_queries([query])[0]),)


class PictureEncoder(Protocol):
    """Describes single pictures, so that the same or an edited picture is found again.

    A chunk has as many pictures as it shows: one for an image, one a frame for a clip. A
    query has one row for each picture and variant (turned, mirrored) worth looking for.
    """

    @property
    def dim(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    def encode_query(self, query: Query) -> Float32Array:
        """float32 ``(k, dim)``, L2-normalised; k = 0 for a query without pictures."""

    def encode_chunk(self, chunk: Chunk, pixels: NDArray[np.uint8] | None = None) -> Float32Array:
        """float32 ``(k, dim)``, L2-normalised; k = 0 for a chunk without pictures.

        Args:
            pixels: What `chunk.image` shows, uint8 ``(height_px, width_px, 3)`` in BGR, at
                any size from 120 px a side on, where the caller has it decoded. Otherwise
                the picture is read and decoded.
        """


class SparseEncoder(Protocol):
    """Turns texts into sparse vectors whose inner product (after the store's IDF) ranks."""

    @property
    def fingerprint(self) -> str: ...

    def encode_queries(self, queries: Sequence[Query]) -> list[SparseVector]:
        """One vector a query; empty where the query has no words."""

    def encode_chunks(self, chunks: Sequence[Chunk]) -> list[SparseVector]:
        """One vector a chunk; empty where the chunk has no words."""


@dataclass(frozen=True, slots=True)
class DocumentLabels:
    """What the points of a document are filtered by that its chunks don't tell: it changes where
    a file is moved, copied or removed, and nothing is embedded for it.

    Attributes:
        folders: Every folder above each of its paths, relative to their roots, sorted.
        date_ns: When the content was made, nanoseconds since the epoch.
    """

    folders: tuple[str, ...] = ()
    date_ns: int = 0

    @classmethod
    def of(cls, paths: Iterable[str], date_ns: int) -> Self:
        """The labels of a document that lies at `paths`, which are relative to their roots."""
        folders = {
            parent.as_posix() for path in paths for parent in PurePosixPath(path).parents[:-1]
        }
        return cls(tuple(sorted(folders)), date_ns)


@dataclass(frozen=True, slots=True)
class Point:
    """A chunk's vectors as they are stored. A missing vector is simply not in its list.

    Attributes:
        id: The chunk's id.
        document_sha256: Payload, indexed.
        modality: Payload, indexed.
        kind: Payload, indexed.
        labels: Payload, indexed; `MaintainedStore.set_labels` changes it.
        dense: float32 ``(dim,)``.
        picture: float32 ``(k, dim)``, one row for each picture of the chunk (a clip has
            several); a search scores the best row.
    """

    id: str
    document_sha256: str
    modality: Modality
    kind: Kind
    dense: Float32Array | None = None
    sparse: SparseVector | None = None
    picture: Float32Array | None = None
    labels: DocumentLabels = DocumentLabels()


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """One list to fetch: the `limit` best by the named vector.

    Attributes:
        vector: float32 ``(dim,)`` for DENSE and PICTURE, a SparseVector for SPARSE.
        exact: Score every point instead of walking the HNSW graph.
    """

    name: VectorName
    vector: Float32Array | SparseVector
    limit: int
    exact: bool = False


@dataclass(frozen=True, slots=True)
class StoreFilter:
    """Limits a search by payload. None means no limit; an empty set matches nothing.

    Attributes:
        documents: By sha256. Each goes with the request: for few of them.
        folders: Relative to their root, without a slash at the end; what lies anywhere below one
            of them.
        from_ns: Of this date or later, nanoseconds since the epoch. Dates are compared in whole
            microseconds.
        before_ns: Earlier than this.
    """

    documents: frozenset[str] | None = None
    kinds: frozenset[Kind] | None = None
    modalities: frozenset[Modality] | None = None
    folders: frozenset[str] | None = None
    from_ns: int | None = None
    before_ns: int | None = None


@dataclass(frozen=True, slots=True)
class ScoredId:
    """A chunk's id with its score in one list, higher is better."""

    id: str
    score: float


class Store(Protocol):
    """Vectors by chunk id, found by nearness."""

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points, replacing those with the same id. On return they are durable and
        are found by searches."""

    def search(
        self, queries: Sequence[VectorQuery], filter: StoreFilter | None = None
    ) -> list[list[ScoredId]]:
        """One list a query, best first, all in one request."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points; ids that are not there are ignored."""


@dataclass(frozen=True, slots=True)
class StoreStats:
    """What `kb status` shows of a store.

    Attributes:
        n_indexed: Vectors in an HNSW graph; the rest are searched exactly.
        size_bytes: On disk; None where the store is elsewhere.
    """

    n_points: int
    n_indexed: int
    size_bytes: int | None


class MaintainedStore(Store, Protocol):
    """A store with what its owner needs beside the stages' three methods."""

    def set_labels(self, labels: Mapping[str, DocumentLabels]) -> None:
        """Replace the labels of all points of each document, by its sha256. On return it is
        durable and searches go by it; documents without points are ignored."""

    def ids(self) -> Iterator[str]:
        """Every id, in no order."""

    def stats(self) -> StoreStats: ...

    def compact(self) -> bool:
        """Build HNSW over what is not indexed yet; reads go on meanwhile. True when it
        changed anything."""

    def close(self) -> None: ...


class Reranker(Protocol):
    """Scores hits against a query, each pair on its own."""

    def rerank(self, query: Query, hits: Sequence[Hit]) -> Float32Array:
        """float32 ``(len(hits),)``: higher is better, comparable within one query."""


class ClaimScorer(Protocol):
    """Says how well chunks support a claim, each chunk on its own.

    Attributes:
        fingerprint: Model, prompt and version; a threshold holds for one.
    """

    @property
    def fingerprint(self) -> str: ...

    def score(self, claim: str, chunks: Sequence[Chunk]) -> Float32Array:
        """float32 ``(len(chunks),)``: higher is better supported, comparable between claims;
        NaN for a chunk that this scorer can't judge.

        Raises:
            InferenceError: The model failed.
            PromptTooLongError: The claim leaves no room for a chunk.
        """


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Text to append to the answer. Citations are written ``[n]``, n as in `Quote`."""

    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """Binds number `number` to words of a hit: ``hits[hit_index].chunk.text[start:end]``.

    It comes before the text that uses the number. A citation of a picture as a whole has
    ``start == end``.
    """

    number: int
    hit_index: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Relevance:
    """How surely the hits answer, said once before the text.

    Attributes:
        probability: That the best passage answers, calibrated, in [0, 1].
        closest: The nearest passages, best first, as ``(hit_index, start, end)``.
    """

    probability: float
    closest: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """What the answer's reader should know of how it was made, in a sentence beside the text."""

    text: str


GeneratorEvent = TextDelta | Quote | Relevance | Note | AnswerStatus


class Generator(Protocol):
    """Writes an answer from hits."""

    def stream(self, query: Query, hits: Sequence[Hit]) -> Iterator[GeneratorEvent]:
        """Events in order; the last is the AnswerStatus.

        Raises:
            InferenceError: The model failed.
        """


# Kept here so that implementations share one empty value.
EMPTY_SPARSE = SparseVector(np.empty(0, np.uint32), np.empty(0, np.float32))


@dataclass(frozen=True, slots=True)
class Encoders:
    """The encoders of a profile, by the vector they fill."""

    dense: Encoder
    sparse: SparseEncoder
    picture: PictureEncoder | None = None
