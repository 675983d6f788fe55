"""The schema, points and queries as models of qdrant_edge."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import qdrant_edge as edge

from kb.index.store.schema import (
    DATE_FIELD,
    DOCUMENT_FIELD,
    FULL_SCAN_THRESHOLD_KB,
    INDEXING_THRESHOLD_KB,
    INT8_OVERSAMPLING,
    INT8_QUANTILE,
    PAYLOAD_FIELDS,
    CollectionSchema,
    PayloadLimits,
    label_payload,
    payload_of,
    vectors_of,
)
from kb.protocols import DocumentLabels, Float32Array, Point, SparseVector, VectorName, VectorQuery

__all__ = [
    "edge_config",
    "edge_filter",
    "edge_labels",
    "edge_point",
    "edge_query",
    "payload_indexes",
]


def edge_config(schema: CollectionSchema) -> edge.EdgeConfig:
    """The shard's configuration."""
    vectors = {
        VectorName.DENSE.value: edge.EdgeVectorParams(
            size=schema.dense.dim,
            distance=edge.Distance.Cosine,
            quantization_config=_quantization(schema),
        )
    }
    if schema.picture is not None:
        vectors[VectorName.PICTURE.value] = edge.EdgeVectorParams(
            size=schema.picture.dim,
            distance=edge.Distance.Cosine,
            multivector_config=edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim),
        )
    return edge.EdgeConfig(
        vectors=vectors,
        sparse_vectors={
            VectorName.SPARSE.value: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)
        },
        hnsw_config=edge.HnswIndexConfig(
            m=schema.hnsw_m,
            ef_construct=schema.hnsw_ef_construct,
            full_scan_threshold=FULL_SCAN_THRESHOLD_KB,
        ),
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=INDEXING_THRESHOLD_KB),
    )


def _quantization(schema: CollectionSchema) -> edge.ScalarQuantizationConfig | None:
    if schema.quantization == "none":
        return None
    return edge.ScalarQuantizationConfig(
        edge.ScalarType.Int8, quantile=INT8_QUANTILE, memory=edge.Memory.Pinned
    )


_INDEX_TYPES = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "integer": edge.PayloadSchemaType.Integer,
}


def payload_indexes(present: Container[str]) -> list[edge.UpdateOperation]:
    """Operations that index the fields of the payload that are not among `present`."""
    return [
        edge.UpdateOperation.create_field_index(field, _INDEX_TYPES[kind])
        for field, kind in PAYLOAD_FIELDS.items()
        if field not in present
    ]


def edge_labels(document_sha256: str, labels: DocumentLabels) -> edge.UpdateOperation:
    """The operation that gives the points of a document their labels."""
    condition = edge.FieldCondition(DOCUMENT_FIELD, match=edge.MatchAny([document_sha256]))
    return edge.UpdateOperation.set_payload_by_filter(
        edge.Filter(must=[condition]), label_payload(labels)
    )


def edge_point(point: Point) -> edge.Point:
    """`point` with its vectors and payload."""
    vectors = {name: _vector(vector) for name, vector in vectors_of(point).items()}
    return edge.Point(point.id, vectors, payload_of(point))


def _vector(vector: Float32Array | SparseVector) -> Any:
    if isinstance(vector, SparseVector):
        return edge.SparseVector(vector.indices.tolist(), vector.values.tolist())
    return vector  # The engine takes arrays as they are, though its stubs name lists only.


def edge_filter(limits: PayloadLimits) -> edge.Filter | None:
    """Points that pass `limits`."""
    if limits.is_empty:
        return None
    keywords = [
        edge.FieldCondition(field, match=edge.MatchAny(matches))
        for field, matches in limits.values.items()
    ]
    dates = edge.RangeFloat(gte=limits.from_us, lt=limits.before_us)
    dated = [edge.FieldCondition(DATE_FIELD, range=dates)] if limits.has_dates else []
    return edge.Filter(must=[*keywords, *dated])


def edge_query(
    query: VectorQuery, filter: edge.Filter | None, schema: CollectionSchema
) -> edge.QueryRequest:
    """`query` as a request; `limit` best first, without payload or vectors."""
    quantization = edge.QuantizationSearchParams(
        ignore=query.exact, rescore=True, oversampling=INT8_OVERSAMPLING
    )
    return edge.QueryRequest(
        limit=query.limit,
        query=edge.Query.Nearest(_vector(query.vector), using=query.name.value),
        filter=filter,
        params=edge.SearchParams(
            hnsw_ef=schema.hnsw_ef,
            exact=query.exact,
            quantization=quantization if schema.quantization == "int8" else None,
        ),
    )
