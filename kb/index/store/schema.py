"""The collection both stores keep, as plain data.

Named vectors `dense` and `picture` (cosine; `picture` holds several rows a point and is
scored by its best row), `sparse` with IDF, and the payload that searches filter by.
`edge_models` and `server_models` turn it into the models of their engines.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from kb.errors import StoreError
from kb.protocols import (
    DocumentLabels,
    Encoders,
    Float32Array,
    Point,
    SparseVector,
    StoreFilter,
    VectorName,
    VectorQuery,
)
from kb.types import Kind, Modality

if TYPE_CHECKING:  # The worker starts sooner without it.
    from kb.config import StoreConfig

__all__ = [
    "DATE_FIELD",
    "DOCUMENT_FIELD",
    "FULL_SCAN_THRESHOLD_KB",
    "INDEXING_THRESHOLD_KB",
    "INT8_OVERSAMPLING",
    "INT8_QUANTILE",
    "PAYLOAD_FIELDS",
    "CollectionSchema",
    "PayloadLimits",
    "VectorSpace",
    "is_searchable",
    "label_payload",
    "payload_limits",
    "payload_of",
    "vectors_of",
]

_VERSION = 1

DOCUMENT_FIELD = "document"
# In microseconds: an engine compares numbers as float64, which has no room for nanoseconds.
DATE_FIELD = "date_us"
PAYLOAD_FIELDS: dict[str, Literal["keyword", "integer"]] = {
    DOCUMENT_FIELD: "keyword",
    "kind": "keyword",
    "modality": "keyword",
    "folders": "keyword",
    DATE_FIELD: "integer",
}
"""What is indexed of a point's payload. A collection that was made before a field was added is
given its index when it is opened, and `KnowledgeBase.recover` fills it in."""

_NS_PER_US = 1_000

# A segment whose vectors take more than this is given a graph when the store is compacted.
# Below it an exact search takes well under a millisecond.
INDEXING_THRESHOLD_KB = 2_000

# Qdrant's default: a filter that leaves less than this is searched exactly.
FULL_SCAN_THRESHOLD_KB = 10_000

# int8: the outermost 1 % of values are clipped, and twice as many candidates as asked for
# are scored again with the original vectors.
INT8_QUANTILE = 0.99
INT8_OVERSAMPLING = 2.0


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """Vectors of one encoder: their length and the encoder's fingerprint."""

    dim: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class CollectionSchema:
    """What a collection holds and how it is indexed.

    Attributes:
        picture: None in a profile without a picture encoder.
        hnsw_m: Edges of a graph's node.
        hnsw_ef_construct: Candidates looked at while a graph is built.
        hnsw_ef: Candidates looked at in a search.
        quantization: Of `dense`; a search scores its candidates again with float32.
        sparse: Fingerprint of what made the sparse vectors.
    """

    dense: VectorSpace
    picture: VectorSpace | None
    hnsw_m: int
    hnsw_ef_construct: int
    hnsw_ef: int
    quantization: Literal["none", "int8"]
    sparse: str = "none"

    @classmethod
    def of(cls, encoders: Encoders, config: StoreConfig) -> Self:
        """The schema for the vectors of `encoders` under `config`."""
        picture = encoders.picture
        return cls(
            dense=VectorSpace(encoders.dense.dim, encoders.dense.fingerprint),
            picture=VectorSpace(picture.dim, picture.fingerprint) if picture is not None else None,
            hnsw_m=config.hnsw_m,
            hnsw_ef_construct=config.hnsw_ef_construct,
            hnsw_ef=config.hnsw_ef,
            quantization=config.quantization,
            sparse=encoders.sparse.fingerprint,
        )

    @property
    def identity(self) -> dict[str, str]:
        """What stored vectors are comparable under: a store is opened with the identity it
        was made with. Indexing parameters are not part of it."""
        return {
            "schema": str(_VERSION),
            "dense": f"{self.dense.fingerprint} ({self.dense.dim})",
            "sparse": self.sparse,
            "picture": (
                f"{self.picture.fingerprint} ({self.picture.dim})" if self.picture else "none"
            ),
        }

    def mismatch(self, stored: object) -> str | None:
        """None when `stored` is this schema's identity, else the difference in words."""
        own = self.identity
        if stored == own:
            return None
        found = stored if isinstance(stored, dict) else {}
        return "; ".join(
            f"{name}: stored {found.get(name, 'nothing')!r}, configured {value!r}"
            for name, value in own.items()
            if found.get(name) != value
        )

    def check_points(self, points: Sequence[Point]) -> None:
        """See that every point fits, before any is written.

        Raises:
            StoreError: An id is not a UUID, or a vector has the wrong shape.
        """
        for point in points:
            try:
                uuid.UUID(point.id)
            except ValueError as error:
                raise StoreError(f"A point's id must be a UUID, found {point.id!r}.") from error
            if point.dense is not None:
                self._check_vector(VectorName.DENSE, point.dense, n_axes=1)
            if point.picture is not None:
                self._check_vector(VectorName.PICTURE, point.picture, n_axes=2)

    def check_queries(self, queries: Sequence[VectorQuery]) -> None:
        """See that every query fits.

        Raises:
            StoreError: A vector is of another kind or shape than its name says.
        """
        for query in queries:
            if isinstance(query.vector, SparseVector) != (query.name is VectorName.SPARSE):
                raise StoreError(
                    f"A query of {query.name.value!r} vectors holds a "
                    f"{type(query.vector).__name__}."
                )
            if not isinstance(query.vector, SparseVector):
                self._check_vector(query.name, query.vector, n_axes=1)

    def _check_vector(self, name: VectorName, vector: Float32Array, n_axes: int) -> None:
        space = self.dense if name is VectorName.DENSE else self.picture
        if space is None:
            raise StoreError(
                f"This profile has no encoder for {name.value!r} vectors, so the store keeps none."
            )
        if vector.ndim != n_axes or vector.shape[-1] != space.dim:
            expected = f"({space.dim},)" if n_axes == 1 else f"(k, {space.dim})"
            raise StoreError(
                f"A {name.value!r} vector must have shape {expected}, found {vector.shape}."
            )


def payload_of(point: Point) -> dict[str, str | int | list[str]]:
    """The payload of `point`: a value for each of `PAYLOAD_FIELDS`."""
    return {
        DOCUMENT_FIELD: point.document_sha256,
        "kind": point.kind.value,
        "modality": point.modality.value,
        **label_payload(point.labels),
    }


def label_payload(labels: DocumentLabels) -> dict[str, str | int | list[str]]:
    """The part of a payload that `labels` are."""
    return {"folders": list(labels.folders), DATE_FIELD: labels.date_ns // _NS_PER_US}


def vectors_of(point: Point) -> dict[str, Float32Array | SparseVector]:
    """The vectors that `point` has, by name. One without values counts as absent."""
    vectors: dict[str, Float32Array | SparseVector] = {}
    if point.dense is not None:
        vectors[VectorName.DENSE.value] = point.dense
    if point.sparse is not None and point.sparse.indices.size:
        vectors[VectorName.SPARSE.value] = point.sparse
    if point.picture is not None and len(point.picture):
        vectors[VectorName.PICTURE.value] = point.picture
    return vectors


@dataclass(frozen=True, slots=True)
class PayloadLimits:
    """What the payload of a point must be, as an engine is asked for it.

    Attributes:
        values: For each limited keyword the values that match, sorted, at least one.
        from_us: `DATE_FIELD` is this or more.
        before_us: `DATE_FIELD` is less than this.
    """

    values: dict[str, list[str]] = field(default_factory=dict)
    from_us: int | None = None
    before_us: int | None = None

    @property
    def has_dates(self) -> bool:
        """Whether the date is limited."""
        return self.from_us is not None or self.before_us is not None

    @property
    def is_empty(self) -> bool:
        """Whether every point passes."""
        return not self.values and not self.has_dates


def payload_limits(filter: StoreFilter | None) -> PayloadLimits | None:
    """`filter` as limits of the payload; None when nothing can pass."""
    if filter is None:
        return PayloadLimits()
    limited: dict[str, frozenset[str] | None] = {
        DOCUMENT_FIELD: filter.documents,
        "kind": _words(filter.kinds),
        "modality": _words(filter.modalities),
        "folders": filter.folders,
    }
    values = {name: sorted(matches) for name, matches in limited.items() if matches is not None}
    if any(not matches for matches in values.values()):
        return None
    return PayloadLimits(
        values,
        None if filter.from_ns is None else filter.from_ns // _NS_PER_US,
        # Rounded up: what is earlier by less than a microsecond counts as earlier.
        None if filter.before_ns is None else -(-filter.before_ns // _NS_PER_US),
    )


def _words(values: frozenset[Kind] | frozenset[Modality] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(value.value for value in values)


def is_searchable(query: VectorQuery) -> bool:
    """Whether `query` can find anything: a sparse vector without terms can't."""
    if isinstance(query.vector, SparseVector):
        return bool(query.vector.indices.size)
    return True
