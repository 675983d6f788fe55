"""The schema, points and queries as models of qdrant_client."""

from __future__ import annotations

from collections.abc import Container

from qdrant_client import models

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
    "changed_quantization",
    "hnsw_config",
    "missing_indexes",
    "optimizers_config",
    "server_filter",
    "server_labels",
    "server_point",
    "server_query",
    "sparse_vectors_config",
    "vectors_config",
]


def vectors_config(schema: CollectionSchema) -> dict[str, models.VectorParams]:
    """The named dense vectors."""
    vectors = {
        VectorName.DENSE.value: models.VectorParams(
            size=schema.dense.dim,
            distance=models.Distance.COSINE,
            quantization_config=_quantization(schema),
        )
    }
    if schema.picture is not None:
        vectors[VectorName.PICTURE.value] = models.VectorParams(
            size=schema.picture.dim,
            distance=models.Distance.COSINE,
            multivector_config=models.MultiVectorConfig(
                comparator=models.MultiVectorComparator.MAX_SIM
            ),
        )
    return vectors


def changed_quantization(
    params: models.CollectionParams, schema: CollectionSchema
) -> dict[str, models.VectorParamsDiff] | None:
    """What to change in a collection that was made under another quantization; None for
    nothing."""
    vectors = params.vectors if isinstance(params.vectors, dict) else {}
    dense = vectors.get(VectorName.DENSE.value)
    wanted = _quantization(schema)
    if dense is None or (dense.quantization_config is None) == (wanted is None):
        return None
    return {
        VectorName.DENSE.value: models.VectorParamsDiff(
            quantization_config=wanted or models.Disabled.DISABLED
        )
    }


def _quantization(schema: CollectionSchema) -> models.ScalarQuantization | None:
    if schema.quantization == "none":
        return None
    return models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(
            type=models.ScalarType.INT8, quantile=INT8_QUANTILE, always_ram=True
        )
    )


def sparse_vectors_config() -> dict[str, models.SparseVectorParams]:
    """The named sparse vectors."""
    return {VectorName.SPARSE.value: models.SparseVectorParams(modifier=models.Modifier.IDF)}


def hnsw_config(schema: CollectionSchema) -> models.HnswConfigDiff:
    """How graphs are built."""
    return models.HnswConfigDiff(
        m=schema.hnsw_m,
        ef_construct=schema.hnsw_ef_construct,
        full_scan_threshold=FULL_SCAN_THRESHOLD_KB,
    )


def optimizers_config() -> models.OptimizersConfigDiff:
    """When graphs are built."""
    return models.OptimizersConfigDiff(indexing_threshold=INDEXING_THRESHOLD_KB)


def missing_indexes(present: Container[str]) -> dict[str, models.PayloadSchemaType]:
    """The fields of the payload that are not among `present`, and how each is indexed."""
    return {
        field: models.PayloadSchemaType(kind)
        for field, kind in PAYLOAD_FIELDS.items()
        if field not in present
    }


def server_point(point: Point) -> models.PointStruct:
    """`point` with its vectors and payload."""
    return models.PointStruct(
        id=point.id,
        vector={name: _vector(vector) for name, vector in vectors_of(point).items()},
        payload=payload_of(point),
    )


def _vector(
    vector: Float32Array | SparseVector,
) -> models.SparseVector | list[float] | list[list[float]]:
    if isinstance(vector, SparseVector):
        return models.SparseVector(indices=vector.indices.tolist(), values=vector.values.tolist())
    values: list[float] | list[list[float]] = vector.tolist()
    return values


def server_labels(document_sha256: str, labels: DocumentLabels) -> models.SetPayloadOperation:
    """The operation that gives the points of a document their labels."""
    condition = models.FieldCondition(
        key=DOCUMENT_FIELD, match=models.MatchValue(value=document_sha256)
    )
    return models.SetPayloadOperation(
        set_payload=models.SetPayload(
            payload=label_payload(labels), filter=models.Filter(must=[condition])
        )
    )


def server_filter(limits: PayloadLimits) -> models.Filter | None:
    """Points that pass `limits`."""
    if limits.is_empty:
        return None
    conditions: list[models.Condition] = [
        models.FieldCondition(key=field, match=models.MatchAny(any=matches))
        for field, matches in limits.values.items()
    ]
    if limits.has_dates:
        dates = models.Range(gte=limits.from_us, lt=limits.before_us)
        conditions.append(models.FieldCondition(key=DATE_FIELD, range=dates))
    return models.Filter(must=conditions)


def server_query(
    query: VectorQuery, filter: models.Filter | None, schema: CollectionSchema
) -> models.QueryRequest:
    """`query` as a request; `limit` best first, without payload or vectors."""
    quantization = models.QuantizationSearchParams(
        ignore=query.exact, rescore=True, oversampling=INT8_OVERSAMPLING
    )
    # Local mode takes a query of multivectors as rows only; a server takes both.
    vector = query.vector
    if query.name is VectorName.PICTURE and not isinstance(vector, SparseVector):
        vector = vector[None]
    return models.QueryRequest(
        query=models.NearestQuery(nearest=_vector(vector)),
        using=query.name.value,
        limit=query.limit,
        filter=filter,
        params=models.SearchParams(
            hnsw_ef=schema.hnsw_ef,
            exact=query.exact,
            quantization=quantization if schema.quantization == "int8" else None,
        ),
        with_payload=False,
    )
