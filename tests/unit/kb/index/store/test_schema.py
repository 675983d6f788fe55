"""One schema, turned into the models of both engines."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import qdrant_edge as edge
from numpy.typing import NDArray
from qdrant_client import models

from kb.config import StoreConfig
from kb.index.store.edge_models import edge_config, edge_query
from kb.index.store.schema import (
    PAYLOAD_FIELDS,
    CollectionSchema,
    PayloadLimits,
    VectorSpace,
    is_searchable,
    payload_limits,
    payload_of,
    vectors_of,
)
from kb.index.store.server_models import (
    hnsw_config,
    server_query,
    sparse_vectors_config,
    vectors_config,
)
from kb.protocols import (
    EMPTY_SPARSE,
    DocumentLabels,
    Encoders,
    Float32Array,
    Point,
    SparseVector,
    StoreFilter,
    VectorName,
    VectorQuery,
)
from kb.types import Chunk, Kind, Modality, Query

SCHEMA = CollectionSchema(
    dense=VectorSpace(6, "text@1"),
    picture=VectorSpace(4, "picture@1"),
    hnsw_m=12,
    hnsw_ef_construct=99,
    hnsw_ef=77,
    quantization="int8",
    sparse="words@1",
)


@dataclass
class FixedEncoder:
    """As much of an encoder as the schema asks for."""

    dim: int
    fingerprint: str

    def accepts(self, item: Query | Chunk) -> bool:
        return True

    def encode_queries(self, queries: object) -> Float32Array:
        return np.empty((0, self.dim), np.float32)

    def encode_chunks(self, chunks: object) -> Float32Array:
        return np.empty((0, self.dim), np.float32)

    def encode_query(self, query: Query) -> Float32Array:
        return np.empty((0, self.dim), np.float32)

    def encode_chunk(self, chunk: Chunk, pixels: NDArray[np.uint8] | None = None) -> Float32Array:
        return np.empty((0, self.dim), np.float32)


class NoWords:
    fingerprint = "words@1"

    def encode_queries(self, queries: object) -> list[SparseVector]:
        return []

    def encode_chunks(self, chunks: object) -> list[SparseVector]:
        return []


def test_it_is_made_of_the_encoders_and_the_configuration() -> None:
    config = StoreConfig(hnsw_m=12, hnsw_ef_construct=99, hnsw_ef=77, quantization="int8")
    encoders = Encoders(FixedEncoder(6, "text@1"), NoWords(), FixedEncoder(4, "picture@1"))
    assert CollectionSchema.of(encoders, config) == SCHEMA
    without = CollectionSchema.of(replace(encoders, picture=None), config)
    assert without == replace(SCHEMA, picture=None)


def test_both_engines_get_the_same_collection() -> None:
    embedded = edge_config(SCHEMA)
    served = vectors_config(SCHEMA)
    assert set(embedded.vectors) == set(served) == {"dense", "picture"}
    for name, params in served.items():
        assert embedded.vectors[name].size == params.size
        assert embedded.vectors[name].distance == edge.Distance.Cosine
        assert params.distance == models.Distance.COSINE
    assert embedded.vectors["dense"].multivector_config is None
    assert served["dense"].multivector_config is None
    own = embedded.vectors["picture"].multivector_config
    assert own is not None
    assert own.comparator == edge.MultiVectorComparator.MaxSim
    assert served["picture"].multivector_config == models.MultiVectorConfig(
        comparator=models.MultiVectorComparator.MAX_SIM
    )
    assert embedded.sparse_vectors["sparse"].modifier == edge.Modifier.Idf
    assert sparse_vectors_config()["sparse"].modifier == models.Modifier.IDF
    graph, other = embedded.hnsw_config, hnsw_config(SCHEMA)
    assert graph is not None
    assert (graph.m, graph.ef_construct) == (other.m, other.ef_construct) == (12, 99)
    assert graph.full_scan_threshold == other.full_scan_threshold


def test_int8_is_of_the_dense_vectors_in_both() -> None:
    embedded, served = edge_config(SCHEMA).vectors, vectors_config(SCHEMA)
    own, other = embedded["dense"].quantization_config, served["dense"].quantization_config
    assert isinstance(own, edge.ScalarQuantizationConfig)
    assert isinstance(other, models.ScalarQuantization)
    assert own.quantile == pytest.approx(other.scalar.quantile)
    assert embedded["picture"].quantization_config is None
    assert served["picture"].quantization_config is None
    plain = replace(SCHEMA, quantization="none")
    assert edge_config(plain).vectors["dense"].quantization_config is None
    assert vectors_config(plain)["dense"].quantization_config is None


@pytest.mark.parametrize("exact", [True, False])
def test_searches_take_ef_and_score_candidates_again(exact: bool) -> None:
    query = VectorQuery(VectorName.DENSE, np.ones(6, np.float32), 5, exact)
    own = edge_query(query, None, SCHEMA).params
    other = server_query(query, None, SCHEMA).params
    assert own is not None
    assert other is not None
    assert own.hnsw_ef == other.hnsw_ef == 77
    assert own.exact == other.exact == exact
    assert own.quantization is not None
    assert other.quantization is not None
    assert own.quantization.rescore is other.quantization.rescore is True
    assert own.quantization.ignore == other.quantization.ignore == exact


@pytest.mark.parametrize(
    "other",
    [
        replace(SCHEMA, dense=VectorSpace(6, "text@2")),
        replace(SCHEMA, dense=VectorSpace(7, "text@1")),
        replace(SCHEMA, picture=None),
        replace(SCHEMA, picture=VectorSpace(4, "picture@2")),
    ],
)
def test_another_encoder_is_a_mismatch(other: CollectionSchema) -> None:
    assert SCHEMA.mismatch(SCHEMA.identity) is None
    difference = SCHEMA.mismatch(other.identity)
    assert difference is not None
    assert "stored" in difference


def test_indexing_parameters_are_no_mismatch() -> None:
    tuned = replace(SCHEMA, hnsw_m=32, hnsw_ef=200, quantization="none")
    assert SCHEMA.mismatch(tuned.identity) is None


@pytest.mark.parametrize("stored", [None, "text", 7, {}])
def test_what_is_not_an_identity_is_a_mismatch(stored: object) -> None:
    difference = SCHEMA.mismatch(stored)
    assert difference is not None
    assert "nothing" in difference


def test_empty_vectors_are_absent() -> None:
    empty = Point(
        "p", "d", Modality.TEXT, Kind.PDF, None, EMPTY_SPARSE, np.empty((0, 4), np.float32)
    )
    assert vectors_of(empty) == {}
    full = Point(
        "p",
        "d",
        Modality.IMAGE,
        Kind.PDF,
        np.ones(6, np.float32),
        SparseVector(np.array([3], np.uint32), np.array([1.0], np.float32)),
        np.ones((2, 4), np.float32),
    )
    assert set(vectors_of(full)) == {"dense", "sparse", "picture"}
    payload = {"document": "d", "kind": "pdf", "modality": "image", "folders": [], "date_us": 0}
    assert payload_of(full) == payload
    assert set(payload) == set(PAYLOAD_FIELDS)
    placed = replace(full, labels=DocumentLabels.of(["b/c/d.pdf", "a.pdf"], 1_999))
    assert payload_of(placed) == payload | {"folders": ["b", "b/c"], "date_us": 1}


def test_filters_become_values_that_match() -> None:
    for nothing in (None, StoreFilter()):
        limits = payload_limits(nothing)
        assert limits is not None
        assert limits.is_empty
    both = StoreFilter(documents=frozenset({"b", "a"}), kinds=frozenset({Kind.PDF}))
    assert payload_limits(both) == PayloadLimits({"document": ["a", "b"], "kind": ["pdf"]})
    assert payload_limits(StoreFilter(modalities=frozenset())) is None
    assert payload_limits(replace(both, kinds=frozenset())) is None
    assert payload_limits(replace(both, folders=frozenset())) is None
    dated = payload_limits(StoreFilter(from_ns=1_999, before_ns=2_001))
    assert dated == PayloadLimits(from_us=1, before_us=3)
    assert not dated.is_empty


def test_a_query_without_terms_finds_nothing() -> None:
    assert not is_searchable(VectorQuery(VectorName.SPARSE, EMPTY_SPARSE, 5))
    assert is_searchable(VectorQuery(VectorName.DENSE, np.ones(6, np.float32), 5))
