"""What the server's store does when the server does not do as it should. The answers come
from a transport below the real client, in place of a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import httpx
import numpy as np
import pytest
from qdrant_client import QdrantClient

from kb import stopping
from kb.config import StoreConfig
from kb.errors import IndexMismatchError, StoreError, StoreUnavailableError
from kb.index.store.schema import PAYLOAD_FIELDS, CollectionSchema, VectorSpace
from kb.index.store.server import ServerStore
from kb.protocols import Point, VectorName, VectorQuery
from kb.types import Kind, Modality

SCHEMA = CollectionSchema(VectorSpace(4, "text@1"), None, 16, 128, 128, "none")
URL = "http://qdrant.test:6333"


class FakeServer:
    """Answers the requests that opening a store makes; a test scripts the searches."""

    def __init__(
        self, metadata: object = None, exists: bool = True, quantization: object = None
    ) -> None:
        self.metadata = metadata
        self.quantization = quantization
        self.exists = exists
        self.requests: list[httpx.Request] = []
        self.searches: list[Callable[[httpx.Request], httpx.Response]] = []
        self.indexes: dict[str, str] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path
        if path.endswith("/exists"):
            return _ok({"exists": self.exists})
        if path.endswith("/points/query/batch"):
            return self.searches.pop(0)(request)
        if request.method == "PUT" and path == "/collections/c":
            self.exists = True
            self.metadata = {"kb_identity": SCHEMA.identity}
            return _ok(True)
        if request.method == "GET" and path == "/collections/c":
            return _ok(_collection(self.metadata, self.quantization, self.indexes))
        if request.method == "PUT" and path == "/collections/c/index":
            wanted = json.loads(request.content)
            self.indexes[wanted["field_name"]] = wanted["field_schema"]
        if request.method == "PATCH" and path == "/collections/c":
            return _ok(True)
        return _ok({"operation_id": 1, "status": "completed"})

    def store(self, schema: CollectionSchema = SCHEMA) -> ServerStore:
        client = QdrantClient(
            url=URL, check_compatibility=False, transport=httpx.MockTransport(self)
        )
        return ServerStore(client, "c", schema)


def _ok(result: object) -> httpx.Response:
    return httpx.Response(200, json={"result": result, "status": "ok", "time": 0.0})


def _collection(
    metadata: object, quantization: object, indexes: dict[str, str]
) -> dict[str, object]:
    dense = {"size": 4, "distance": "Cosine", "quantization_config": quantization}
    return {
        "status": "green",
        "optimizer_status": "ok",
        "segments_count": 1,
        "config": {
            "params": {"vectors": {"dense": dense}},
            "hnsw_config": {"m": 16, "ef_construct": 128, "full_scan_threshold": 10000},
            "optimizer_config": {
                "deleted_threshold": 0.2,
                "vacuum_min_vector_number": 1000,
                "default_segment_number": 0,
                "flush_interval_sec": 5,
            },
            "metadata": metadata,
        },
        "payload_schema": {
            field: {"data_type": kind, "points": 0} for field, kind in indexes.items()
        },
    }


def status(code: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(code, text="no")


def timeout(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("timed out", request=request)


def found(_: httpx.Request) -> httpx.Response:
    point = {"id": "00000000-0000-0000-0000-000000000001", "version": 1, "score": 0.5}
    return _ok([{"points": [point]}])


QUERY = VectorQuery(VectorName.DENSE, np.ones(4, np.float32), 5)


@pytest.fixture(autouse=True)
def waited_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that would have been waited between attempts."""
    waits: list[float] = []
    monkeypatch.setattr(stopping.time, "sleep", waits.append)
    return waits


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer({"kb_identity": SCHEMA.identity})


def test_a_passing_failure_is_tried_again_ever_later(
    fake: FakeServer, waited_s: list[float]
) -> None:
    store = fake.store()
    fake.searches = [status(503), timeout, status(500), found]
    ((hit,),) = store.search([QUERY])
    assert hit.score == 0.5
    assert len(waited_s) == 3
    assert waited_s == sorted(set(waited_s))
    store.close()


def test_a_busy_server_is_waited_for_as_long_as_it_asks(
    fake: FakeServer, waited_s: list[float]
) -> None:
    store = fake.store()
    busy = httpx.Response(429, text="busy", headers={"Retry-After": "3"})
    fake.searches = [lambda _: busy, found]
    ((hit,),) = store.search([QUERY])
    assert (hit.score, waited_s) == (0.5, [3])
    store.close()


def test_a_server_that_never_answers_is_told_with_its_url(fake: FakeServer) -> None:
    store = fake.store()
    fake.searches = [timeout] * 4
    with pytest.raises(StoreUnavailableError, match=rf"{URL} does not answer.*store\.url"):
        store.search([QUERY])
    assert fake.searches == []
    store.close()


def test_a_refused_request_is_not_tried_again(fake: FakeServer, waited_s: list[float]) -> None:
    store = fake.store()
    fake.searches = [status(400)]
    with pytest.raises(StoreError, match="refused a request"):
        store.search([QUERY])
    assert waited_s == []
    store.close()


def test_a_refused_key_is_told(fake: FakeServer) -> None:
    store = fake.store()
    fake.searches = [status(403)]
    with pytest.raises(StoreUnavailableError, match=r"store\.api_key"):
        store.search([QUERY])
    store.close()


def test_an_absent_collection_is_made_with_its_payload_indexes() -> None:
    fake = FakeServer(exists=False)
    store = fake.store()
    paths = [(request.method, request.url.path) for request in fake.requests]
    assert paths.count(("PUT", "/collections/c")) == 1
    assert paths.count(("PUT", "/collections/c/index")) == 5
    assert fake.indexes == PAYLOAD_FIELDS
    store.close()


@pytest.mark.parametrize("metadata", [None, {}, {"kb_identity": {"dense": "text@0 (4)"}}])
def test_a_collection_of_others_is_refused(metadata: object) -> None:
    with pytest.raises(IndexMismatchError, match=r"store\.collection"):
        FakeServer(metadata).store()


def test_writes_go_in_batches_and_wait(fake: FakeServer) -> None:
    store = fake.store()
    fake.requests.clear()
    points = [
        Point(f"{i:08x}-0000-0000-0000-000000000000", "d", Modality.TEXT, Kind.PDF)
        for i in range(300)
    ]
    store.upsert(points)
    assert len(fake.requests) == 3
    assert all(request.url.params["wait"] == "true" for request in fake.requests)
    store.close()


def test_a_collection_of_before_is_given_the_indexes_it_lacks(fake: FakeServer) -> None:
    fake.indexes = dict.fromkeys(("document", "kind", "modality"), "keyword")
    fake.store().close()
    assert fake.indexes == PAYLOAD_FIELDS
    assert [r.url.path for r in fake.requests if r.method == "PUT"] == ["/collections/c/index"] * 2
    fake.requests.clear()
    fake.store().close()
    assert all(request.method == "GET" for request in fake.requests)


@pytest.mark.parametrize("url", [None, "ftp://somewhere", "http://host:port"])
def test_an_unfit_url_is_told(url: str | None) -> None:
    with pytest.raises(StoreUnavailableError, match=r"store\.url"):
        ServerStore.connect(StoreConfig(url=url), SCHEMA)


INT8 = {"scalar": {"type": "int8", "quantile": 0.99, "always_ram": True}}


@pytest.mark.parametrize(
    ("stored", "configured", "sent"),
    [
        (None, "none", None),
        (INT8, "int8", None),
        (None, "int8", INT8),
        (INT8, "none", "Disabled"),
    ],
)
def test_a_collection_takes_over_the_quantization_of_the_configuration(
    stored: object, configured: str, sent: object
) -> None:
    schema = replace(SCHEMA, quantization=configured)  # type: ignore[arg-type]
    fake = FakeServer({"kb_identity": SCHEMA.identity}, quantization=stored)
    fake.store(schema)
    patches = [one for one in fake.requests if one.method == "PATCH"]
    assert len(patches) == (sent is not None)
    if sent is not None:
        dense = json.loads(patches[0].content)["vectors"]["dense"]
        found = dense["quantization_config"]
        if isinstance(found, dict):
            found["scalar"]["quantile"] = 0.99
        assert found == sent
