"""What every store promises, on Qdrant Edge, on qdrant-client's local mode, and on a real
server where KB_TEST_QDRANT_URL names one."""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from qdrant_client import QdrantClient

from kb.config import StoreConfig
from kb.errors import IndexMismatchError, StoreError
from kb.index.store.edge import EdgeStore
from kb.index.store.schema import CollectionSchema, VectorSpace
from kb.index.store.server import ServerStore
from kb.protocols import (
    EMPTY_SPARSE,
    DocumentLabels,
    Float32Array,
    MaintainedStore,
    Point,
    ScoredId,
    SparseVector,
    StoreFilter,
    VectorName,
    VectorQuery,
)
from kb.types import Kind, Modality

NO_LABELS = DocumentLabels()
DIM = 8
PICTURE_DIM = 4
SCHEMA = CollectionSchema(
    dense=VectorSpace(DIM, "text-encoder@1"),
    picture=VectorSpace(PICTURE_DIM, "picture-encoder@1"),
    hnsw_m=16,
    hnsw_ef_construct=128,
    hnsw_ef=128,
    quantization="none",
)
OTHER_SCHEMA = CollectionSchema(
    dense=VectorSpace(DIM, "text-encoder@2"),
    picture=SCHEMA.picture,
    hnsw_m=16,
    hnsw_ef_construct=128,
    hnsw_ef=128,
    quantization="none",
)

# Local mode says so of itself: it searches exactly and filters without indexes.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning"),
]

Opener = Callable[[CollectionSchema], MaintainedStore]


@pytest.fixture(scope="module", params=["edge", "server-local", "server"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opener(engine: str, tmp_path: Path) -> Iterator[Opener]:
    """Opens the same store again and again; what it opened is closed."""
    yield from openers(engine, tmp_path)


def openers(engine: str, folder: Path) -> Iterator[Opener]:
    opened: list[MaintainedStore] = []
    cleanups: list[Callable[[], None]] = []
    if engine == "edge":

        def make(schema: CollectionSchema) -> MaintainedStore:
            return EdgeStore.open(folder / "qdrant", schema)

    elif engine == "server-local":
        client = QdrantClient(":memory:")

        def make(schema: CollectionSchema) -> MaintainedStore:
            return ServerStore(client, "test", schema)

    else:
        url = os.environ.get("KB_TEST_QDRANT_URL")
        if not url:
            pytest.skip("KB_TEST_QDRANT_URL names no Qdrant server")
        config = StoreConfig(
            url=url,
            api_key=os.environ.get("KB_TEST_QDRANT_API_KEY"),
            collection=f"kb-test-{uuid.uuid4()}",
        )
        cleanups.append(lambda: ServerStore.discard(config))

        def make(schema: CollectionSchema) -> MaintainedStore:
            return ServerStore.connect(config, schema)

    def open_store(schema: CollectionSchema) -> MaintainedStore:
        store = make(schema)
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        store.close()
    for clean_up in cleanups:
        clean_up()


@pytest.fixture(scope="module")
def shared_store(
    engine: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MaintainedStore]:
    for open_store in openers(engine, tmp_path_factory.mktemp("store")):
        yield open_store(SCHEMA)


@pytest.fixture
def store(shared_store: MaintainedStore) -> Iterator[MaintainedStore]:
    """An empty store; one process serves all tests, since starting it takes longest."""
    yield shared_store
    shared_store.delete(list(shared_store.ids()))


def uid(number: int) -> str:
    return str(uuid.UUID(int=number))


def axis(number: int, dim: int = DIM) -> Float32Array:
    vector = np.zeros(dim, np.float32)
    vector[number] = 1.0
    return vector


def sparse(**weights: float) -> SparseVector:
    """Terms named t1, t2, … with their weights."""
    return SparseVector(
        np.array([int(name[1:]) for name in weights], np.uint32),
        np.array(list(weights.values()), np.float32),
    )


def point(
    number: int,
    *,
    dense: Float32Array | None = None,
    words: SparseVector | None = None,
    picture: Float32Array | None = None,
    document: str = "d",
    kind: Kind = Kind.PDF,
    modality: Modality = Modality.TEXT,
    labels: DocumentLabels = NO_LABELS,
) -> Point:
    return Point(uid(number), document, modality, kind, dense, words, picture, labels)


def dense_query(vector: Float32Array, limit: int = 10, exact: bool = False) -> VectorQuery:
    return VectorQuery(VectorName.DENSE, vector, limit, exact)


def sparse_query(vector: SparseVector, limit: int = 10) -> VectorQuery:
    return VectorQuery(VectorName.SPARSE, vector, limit)


def picture_query(vector: Float32Array, limit: int = 10) -> VectorQuery:
    return VectorQuery(VectorName.PICTURE, vector, limit)


def ids_of(hits: list[ScoredId]) -> list[str]:
    return [hit.id for hit in hits]


def test_an_empty_store_finds_nothing(store: MaintainedStore) -> None:
    queries = [
        dense_query(axis(0)),
        sparse_query(sparse(t1=1.0)),
        picture_query(axis(0, PICTURE_DIM)),
    ]
    assert store.search(queries) == [[], [], []]
    assert list(store.ids()) == []
    assert store.stats().n_points == 0
    assert store.compact() is False


def test_nothing_written_deleted_or_asked_is_fine(store: MaintainedStore) -> None:
    store.upsert([])
    store.delete([])
    assert store.search([]) == []


def test_dense_scores_are_cosines_best_first(store: MaintainedStore) -> None:
    between = (axis(0) + axis(1)) / np.float32(math.sqrt(2))
    store.upsert(
        [point(1, dense=axis(0)), point(2, dense=between), point(3, dense=-axis(0))],
    )
    (hits,) = store.search([dense_query(axis(0))])
    assert ids_of(hits) == [uid(1), uid(2), uid(3)]
    assert [hit.score for hit in hits] == pytest.approx([1.0, math.sqrt(0.5), -1.0], abs=1e-5)


def test_exact_and_approximate_searches_agree_on_few_points(store: MaintainedStore) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((50, DIM)).astype(np.float32)
    store.upsert([point(i, dense=vector) for i, vector in enumerate(vectors)])
    approximate, exact = store.search(
        [dense_query(vectors[3], 20), dense_query(vectors[3], 20, exact=True)]
    )
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = [uid(int(i)) for i in np.argsort(-(unit @ unit[3]))[:20]]
    assert ids_of(exact) == expected
    assert ids_of(approximate) == expected


def test_limit_is_kept(store: MaintainedStore) -> None:
    store.upsert([point(i, dense=axis(i % DIM)) for i in range(20)])
    (hits,) = store.search([dense_query(axis(0), limit=3)])
    assert len(hits) == 3


def test_sparse_finds_only_points_that_share_a_term(store: MaintainedStore) -> None:
    store.upsert(
        [
            point(1, words=sparse(t1=1.0, t2=1.0)),
            point(2, words=sparse(t2=1.0)),
            point(3, words=sparse(t3=1.0)),
        ]
    )
    (hits,) = store.search([sparse_query(sparse(t1=1.0, t2=1.0))])
    assert ids_of(hits) == [uid(1), uid(2)]


def test_a_rare_term_weighs_more_than_a_common_one(opener: Opener) -> None:
    # A store of its own: Qdrant counts deleted points in its IDF until it rebuilds the index.
    store = opener(SCHEMA)
    common = [point(i, words=sparse(t1=1.0)) for i in range(1, 10)]
    store.upsert([*common, point(10, words=sparse(t2=1.0))])
    rare_hits, common_hits = store.search(
        [sparse_query(sparse(t2=1.0)), sparse_query(sparse(t1=1.0))]
    )

    def idf(n_documents_with_term: int) -> float:
        # BM25's, with the +1 that keeps it positive, as Qdrant documents its IDF modifier.
        n = 10
        return math.log(1 + (n - n_documents_with_term + 0.5) / (n_documents_with_term + 0.5))

    assert rare_hits[0].score == pytest.approx(idf(1), rel=1e-4)
    assert [hit.score for hit in common_hits] == pytest.approx([idf(9)] * 9, rel=1e-4)


def test_a_picture_search_scores_a_points_best_row(store: MaintainedStore) -> None:
    # An average of rows would put the clip behind, a sum would put it at 1.6.
    clip = np.stack([axis(1, PICTURE_DIM), axis(2, PICTURE_DIM), axis(0, PICTURE_DIM)])
    tilted = np.array([[0.6, 0.8, 0.0, 0.0]], np.float32)
    store.upsert(
        [
            point(1, picture=tilted, modality=Modality.IMAGE),
            point(2, picture=clip, modality=Modality.VIDEO),
        ]
    )
    (hits,) = store.search([picture_query(axis(0, PICTURE_DIM))])
    assert ids_of(hits) == [uid(2), uid(1)]
    assert [hit.score for hit in hits] == pytest.approx([1.0, 0.6], abs=1e-5)


def test_several_lists_come_in_the_order_they_were_asked_for(store: MaintainedStore) -> None:
    store.upsert(
        [
            point(1, dense=axis(0)),
            point(2, words=sparse(t7=1.0)),
            point(3, picture=axis(1, PICTURE_DIM)[None]),
        ]
    )
    lists = store.search(
        [
            sparse_query(EMPTY_SPARSE),
            picture_query(axis(1, PICTURE_DIM)),
            dense_query(axis(0)),
            sparse_query(sparse(t7=1.0)),
            dense_query(axis(0), exact=True),
        ]
    )
    assert [ids_of(hits) for hits in lists] == [[], [uid(3)], [uid(1)], [uid(2)], [uid(1)]]


def test_a_missing_vector_is_in_no_list(store: MaintainedStore) -> None:
    store.upsert(
        [
            point(1),
            point(2, words=EMPTY_SPARSE, picture=np.empty((0, PICTURE_DIM), np.float32)),
            point(3, dense=axis(0)),
        ]
    )
    assert sorted(store.ids()) == [uid(1), uid(2), uid(3)]
    lists = store.search(
        [
            dense_query(axis(1)),
            sparse_query(sparse(t1=1.0)),
            picture_query(axis(0, PICTURE_DIM)),
        ]
    )
    assert [ids_of(hits) for hits in lists] == [[uid(3)], [], []]


def test_upsert_replaces_the_whole_point(store: MaintainedStore) -> None:
    store.upsert(
        [point(1, dense=axis(0), words=sparse(t1=1.0), document="old", kind=Kind.HTML)],
    )
    store.upsert([point(1, dense=axis(1), document="new", kind=Kind.PDF)])
    assert store.stats().n_points == 1
    dense, words = store.search([dense_query(axis(1)), sparse_query(sparse(t1=1.0))])
    assert dense[0].score == pytest.approx(1.0, abs=1e-5)
    assert words == []
    assert store.search([dense_query(axis(1))], StoreFilter(documents=frozenset({"old"}))) == [[]]
    (hits,) = store.search([dense_query(axis(1))], StoreFilter(documents=frozenset({"new"})))
    assert ids_of(hits) == [uid(1)]


def test_delete_removes_and_ignores_what_is_not_there(store: MaintainedStore) -> None:
    store.upsert([point(i, dense=axis(0), words=sparse(t1=1.0)) for i in range(3)])
    store.delete([uid(1), uid(99)])
    assert sorted(store.ids()) == [uid(0), uid(2)]
    lists = store.search([dense_query(axis(0)), sparse_query(sparse(t1=1.0))])
    assert [sorted(ids_of(hits)) for hits in lists] == [[uid(0), uid(2)]] * 2
    store.upsert([point(1, dense=axis(0))])
    assert store.stats().n_points == 3


def test_filters_limit_every_list(store: MaintainedStore) -> None:
    words = sparse(t1=1.0)
    store.upsert(
        [
            point(1, dense=axis(0), words=words, document="a", kind=Kind.PDF),
            point(2, dense=axis(0), words=words, document="b", kind=Kind.HTML),
            point(
                3,
                dense=axis(0),
                words=words,
                document="资料/émile 🙂\n'\"",
                kind=Kind.PDF,
                modality=Modality.IMAGE,
            ),
        ]
    )

    def found(filter: StoreFilter | None) -> list[list[str]]:
        lists = store.search([dense_query(axis(0)), sparse_query(words)], filter)
        return [sorted(ids_of(hits)) for hits in lists]

    assert found(None) == [[uid(1), uid(2), uid(3)]] * 2
    assert found(StoreFilter()) == [[uid(1), uid(2), uid(3)]] * 2
    assert found(StoreFilter(documents=frozenset({"a", "b"}))) == [[uid(1), uid(2)]] * 2
    assert found(StoreFilter(documents=frozenset({"资料/émile 🙂\n'\""}))) == [[uid(3)]] * 2
    assert found(StoreFilter(kinds=frozenset({Kind.PDF}))) == [[uid(1), uid(3)]] * 2
    assert found(StoreFilter(modalities=frozenset({Modality.IMAGE}))) == [[uid(3)]] * 2
    both = StoreFilter(documents=frozenset({"a", "b"}), kinds=frozenset({Kind.HTML}))
    assert found(both) == [[uid(2)]] * 2
    assert found(StoreFilter(documents=frozenset({"nowhere"}))) == [[], []]


# After 2**53 nanoseconds float64 knows no single ones any more; a microsecond is told apart.
_DATE_NS = 1_764_000_000_123_456_000


def labelled(store: MaintainedStore) -> None:
    """Three documents, of which the first lies at two places."""
    twice = DocumentLabels.of(["a/b/one.pdf", "copies/one.pdf"], _DATE_NS)
    below = DocumentLabels.of(["a/资料 'x'/two.pdf"], _DATE_NS + 1_000)
    above = DocumentLabels.of(["three.pdf"], -1_000)
    for number, (document, labels) in enumerate(zip("xyz", (twice, below, above), strict=True)):
        store.upsert(
            [point(2 * number + i, dense=axis(0), document=document, labels=labels) for i in (0, 1)]
        )


def found_documents(store: MaintainedStore, filter: StoreFilter) -> str:
    (hits,) = store.search([dense_query(axis(0))], filter)
    numbers = sorted(uuid.UUID(hit.id).int for hit in hits)
    assert numbers == [2 * (n // 2) + i % 2 for i, n in enumerate(numbers)]
    return "".join("xyz"[n // 2] for n in numbers[::2])


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (StoreFilter(folders=frozenset({"a"})), "xy"),
        (StoreFilter(folders=frozenset({"a/b"})), "x"),
        (StoreFilter(folders=frozenset({"copies"})), "x"),
        (StoreFilter(folders=frozenset({"a/资料 'x'", "copies"})), "xy"),
        (StoreFilter(folders=frozenset({"b"})), ""),
        (StoreFilter(folders=frozenset({"a/b/one.pdf"})), ""),
        (StoreFilter(from_ns=_DATE_NS), "xy"),
        (StoreFilter(from_ns=_DATE_NS + 1_000), "y"),
        (StoreFilter(before_ns=_DATE_NS), "z"),
        (StoreFilter(before_ns=_DATE_NS + 1), "xz"),
        (StoreFilter(from_ns=0, before_ns=_DATE_NS + 1_000), "x"),
        (StoreFilter(folders=frozenset({"a"}), from_ns=_DATE_NS + 1_000), "y"),
        (StoreFilter(folders=frozenset({"a"}), documents=frozenset("xz")), "x"),
        (StoreFilter(folders=frozenset()), ""),
    ],
)
def test_labels_limit_a_search(store: MaintainedStore, filter: StoreFilter, expected: str) -> None:
    labelled(store)
    assert found_documents(store, filter) == expected


def test_labels_are_replaced_for_every_point_of_a_document(opener: Opener) -> None:
    store = opener(SCHEMA)
    labelled(store)
    moved = DocumentLabels.of(["moved/one.pdf"], 5_000)
    store.set_labels({"x": moved, "y": NO_LABELS, "none": moved})
    store.set_labels({})

    def check(store: MaintainedStore) -> None:
        expected = {"a": "", "copies": "", "moved": "x"}
        for folder, documents in expected.items():
            assert found_documents(store, StoreFilter(folders=frozenset({folder}))) == documents
        assert found_documents(store, StoreFilter(before_ns=6_000)) == "xyz"
        assert found_documents(store, StoreFilter(from_ns=5_000)) == "x"
        # Nothing else of them has changed.
        assert found_documents(store, StoreFilter(kinds=frozenset({Kind.PDF}))) == "xyz"
        assert store.stats().n_points == 6

    check(store)
    if isinstance(store, EdgeStore):
        # What was acknowledged outlives the process.
        worker = psutil.Process(store.pid)
        worker.kill()
        worker.wait(30)
        check(store)
        store.close()
        check(opener(SCHEMA))


@pytest.mark.parametrize(
    "empty",
    [
        StoreFilter(documents=frozenset()),
        StoreFilter(kinds=frozenset()),
        StoreFilter(modalities=frozenset(), kinds=frozenset({Kind.PDF})),
    ],
)
def test_an_empty_set_matches_nothing(store: MaintainedStore, empty: StoreFilter) -> None:
    store.upsert([point(1, dense=axis(0))])
    assert store.search([dense_query(axis(0)), dense_query(axis(1))], empty) == [[], []]


def test_many_points_are_written_found_and_listed(store: MaintainedStore) -> None:
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((700, DIM)).astype(np.float32)
    store.upsert([point(i, dense=vector) for i, vector in enumerate(vectors)])
    assert store.stats().n_points == 700
    assert sorted(store.ids()) == [uid(i) for i in range(700)]
    lists = store.search([dense_query(vector, limit=1) for vector in vectors[::100]])
    assert [hits[0].id for hits in lists] == [uid(i) for i in range(0, 700, 100)]
    store.delete([uid(i) for i in range(0, 700, 2)])
    assert sorted(store.ids()) == [uid(i) for i in range(1, 700, 2)]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (Point("chapter-1", "d", Modality.TEXT, Kind.PDF, dense=axis(0)), "UUID"),
        (point(2, dense=np.ones(DIM + 1, np.float32)), r"shape \(8,\), found \(9,\)"),
        (point(2, dense=np.ones((1, DIM), np.float32)), r"found \(1, 8\)"),
        (point(2, picture=np.ones(PICTURE_DIM, np.float32)), r"shape \(k, 4\)"),
    ],
)
def test_a_point_that_does_not_fit_is_refused_and_none_is_written(
    store: MaintainedStore, bad: Point, message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        store.upsert([point(1, dense=axis(0)), bad])
    assert list(store.ids()) == []


@pytest.mark.parametrize(
    "bad",
    [
        VectorQuery(VectorName.DENSE, np.ones(DIM - 1, np.float32), 5),
        VectorQuery(VectorName.DENSE, sparse(t1=1.0), 5),
        VectorQuery(VectorName.SPARSE, axis(0), 5),
    ],
)
def test_a_query_that_does_not_fit_is_refused(store: MaintainedStore, bad: VectorQuery) -> None:
    with pytest.raises(StoreError):
        store.search([bad])


def test_another_encoder_is_refused_and_told_what_to_do(opener: Opener) -> None:
    first = opener(SCHEMA)
    first.upsert([point(1, dense=axis(0))])
    if isinstance(first, EdgeStore):  # Only one process, or object, has it open at a time.
        first.close()
    with pytest.raises(IndexMismatchError, match="by another encoder") as caught:
        opener(OTHER_SCHEMA)
    assert "text-encoder@1" in str(caught.value)
    assert "text-encoder@2" in str(caught.value)
    again = opener(SCHEMA)
    assert list(again.ids()) == [uid(1)]


def test_a_profile_without_pictures_keeps_none(opener: Opener) -> None:
    store = opener(
        CollectionSchema(
            dense=SCHEMA.dense,
            picture=None,
            hnsw_m=16,
            hnsw_ef_construct=128,
            hnsw_ef=128,
            quantization="none",
        )
    )
    store.upsert([point(1, dense=axis(0))])
    assert ids_of(store.search([dense_query(axis(0))])[0]) == [uid(1)]
    with pytest.raises(StoreError, match="no encoder"):
        store.search([picture_query(axis(0, PICTURE_DIM))])
