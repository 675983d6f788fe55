"""A retriever over an exact store in memory, with encoders whose vectors can be told by eye."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from kb.config import RetrieveConfig
from kb.protocols import (
    DocumentLabels,
    Encoders,
    Float32Array,
    Point,
    ScoredId,
    SparseVector,
    StoreFilter,
    VectorName,
    VectorQuery,
    View,
)
from kb.retrieve.retriever import Retriever
from kb.types import (
    Chunk,
    EncodedImage,
    Filters,
    FrameRef,
    ImageRef,
    Kind,
    Locator,
    Modality,
    Query,
)

__all__ = [
    "Angles",
    "BandedWords",
    "ExactStore",
    "Library",
    "Shelf",
    "SparseWords",
    "Words",
    "at",
    "picture",
]

_WORDS = ("reset", "device", "price", "lid")
_REF = ImageRef("0" * 64, "image/png", 8, 8)


def picture(angle_degrees: float) -> EncodedImage:
    """A picture that the encoder below turns into the unit vector at this angle."""
    return EncodedImage(str(angle_degrees).encode(), "image/png", 8, 8)


def at(angle_degrees: float) -> list[float]:
    angle = np.deg2rad(angle_degrees)
    return [float(np.cos(angle)), float(np.sin(angle))]


class Words:
    """Counts of four words: dense and sparse encoder at once."""

    dim = 4
    fingerprint = "words"

    def accepts(self, item: Query | Chunk) -> bool:
        return bool(item.text)

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        rows = np.array([[q.text.count(word) + 0.1 for word in _WORDS] for q in queries])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    encode_chunks = encode_queries  # type: ignore[assignment]


class BandedWords(Words):
    """The same with a least cosine that says anything."""

    def __init__(self, minimum: float) -> None:
        self._minimum = minimum

    def views(self, query: Query) -> tuple[View, ...]:
        return (View(self.encode_queries([query])[0], self._minimum),)


class SparseWords:
    fingerprint = "words"

    def encode_queries(self, queries: Sequence[Query]) -> list[SparseVector]:
        found = [[i for i, word in enumerate(_WORDS) if word in q.text] for q in queries]
        return [
            SparseVector(np.array(one, np.uint32), np.ones(len(one), np.float32)) for one in found
        ]

    encode_chunks = encode_queries  # type: ignore[assignment]


class Angles:
    dim = 2
    fingerprint = "angles"

    def encode_query(self, query: Query) -> Float32Array:
        images = (*query.images, *(frame.image for frame in query.clip))
        return np.array([at(float(image.data)) for image in images], np.float32).reshape(-1, 2)

    def encode_chunk(self, chunk: Chunk, pixels: NDArray[np.uint8] | None = None) -> Float32Array:
        return np.array([at(frame.time_s) for frame in chunk.frames], np.float32).reshape(-1, 2)


class ExactStore:
    """Every point scored, as a store with no index would."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.requests: list[Sequence[VectorQuery]] = []

    def upsert(self, points: Sequence[Point]) -> None:
        self.points.extend(points)

    def delete(self, ids: Sequence[str]) -> None:
        self.points = [point for point in self.points if point.id not in ids]

    def search(
        self, queries: Sequence[VectorQuery], filter: StoreFilter | None = None
    ) -> list[list[ScoredId]]:
        self.requests.append(queries)
        passing = [
            point
            for point in self.points
            if filter is None
            or (
                (filter.documents is None or point.document_sha256 in filter.documents)
                and (filter.kinds is None or point.kind in filter.kinds)
                and (filter.folders is None or filter.folders & set(point.labels.folders))
                and (filter.from_ns is None or point.labels.date_ns >= filter.from_ns)
                and (filter.before_ns is None or point.labels.date_ns < filter.before_ns)
            )
        ]
        return [self._one(query, passing) for query in queries]

    def _one(self, query: VectorQuery, points: Sequence[Point]) -> list[ScoredId]:
        found = []
        for point in points:
            if query.name is VectorName.SPARSE:
                assert isinstance(query.vector, SparseVector)
                if point.sparse is None:
                    continue
                score = float(len(set(query.vector.indices) & set(point.sparse.indices)))
                if score == 0:
                    continue
            else:
                rows = point.dense if query.name is VectorName.DENSE else point.picture
                if rows is None:
                    continue
                score = float(np.max(np.atleast_2d(rows) @ query.vector))
            found.append(ScoredId(point.id, score))
        return sorted(found, key=lambda item: -item.score)[: query.limit]


class Shelf:
    """A catalog in memory."""

    def __init__(self) -> None:
        self.by_id: dict[str, Chunk] = {}
        self.passing: frozenset[str] | None = None
        self.pathless: set[str] = set()
        self.is_ahead = False

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        return {id_: self.by_id[id_] for id_ in ids if id_ in self.by_id}

    def sources(self, document_sha256s: Iterable[str]) -> dict[str, str]:
        return {
            sha256: f"{sha256}.txt" for sha256 in document_sha256s if sha256 not in self.pathless
        }

    def documents(self, filters: Filters) -> frozenset[str] | None:
        return self.passing

    def has_pending_labels(self) -> bool:
        return self.is_ahead


NO_LABELS = DocumentLabels()


class Library:
    def __init__(
        self, n_recall: int = 100, alpha: float = 0.5, dense_minimum: float = -1.0
    ) -> None:
        self.store, self.shelf = ExactStore(), Shelf()
        self.retriever = Retriever(
            self.store,
            Encoders(BandedWords(dense_minimum), SparseWords(), Angles()),
            self.shelf,
            RetrieveConfig(alpha=alpha, n_recall=n_recall),
        )

    def add(
        self,
        name: str,
        text: str = "",
        *,
        document: str | None = None,
        locator: Locator | None = None,
        modality: Modality = Modality.TEXT,
        kind: Kind = Kind.TEXT,
        angles: Sequence[float] = (),
        labels: DocumentLabels = NO_LABELS,
    ) -> None:
        frames = tuple(FrameRef(angle, _REF) for angle in angles)
        chunk = Chunk(
            id=name,
            document_sha256=document or name,
            ordinal=len(self.store.points),
            kind=kind,
            modality=modality,
            locator=locator or Locator(),
            text=text,
            frames=frames if modality is Modality.VIDEO else (),
            image=_REF if modality is Modality.IMAGE else None,
        )
        asked = Query(text=text)
        point = Point(
            name,
            chunk.document_sha256,
            modality,
            kind,
            dense=Words().encode_queries([asked])[0] if text else None,
            sparse=SparseWords().encode_queries([asked])[0] if text else None,
            picture=np.array([at(angle) for angle in angles], np.float32) if angles else None,
            labels=labels,
        )
        self.shelf.by_id[name] = chunk
        self.store.upsert([point])

    def find(self, query: Query) -> list[str]:
        return [hit.chunk.id for hit in self.retriever.retrieve(query)[0]]
