"""The same store on a Qdrant server or cluster."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ParamSpec, Self, TypeVar

from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from kb.config import StoreConfig
from kb.errors import IndexMismatchError, StoreError, StoreUnavailableError
from kb.index.store.schema import CollectionSchema, is_searchable, payload_limits
from kb.index.store.server_models import (
    changed_quantization,
    hnsw_config,
    missing_indexes,
    optimizers_config,
    server_filter,
    server_labels,
    server_point,
    server_query,
    sparse_vectors_config,
    vectors_config,
)
from kb.masking import keep_secret
from kb.protocols import (
    DocumentLabels,
    Point,
    ScoredId,
    StoreFilter,
    StoreStats,
    VectorName,
    VectorQuery,
)
from kb.retry import PassingError, Tries

__all__ = ["ServerStore"]

T = TypeVar("T")
P = ParamSpec("P")

_UPSERT_BATCH = 128
_DELETE_BATCH = 1_000
_LABEL_BATCH = 64
_PAGE = 10_000

# At least 0.25, 1 and 4 seconds are waited: a server that is started anew is back by then.
_N_RETRIES = 3
_DELAY_FACTOR = 4.0
_TOO_MANY_REQUESTS = 429
_UNAUTHORIZED = (401, 403)

_IDENTITY = "kb_identity"


class ServerStore:
    """Vectors in a collection of a Qdrant server (1.16 or later: the encoders' identity is
    kept in the collection's metadata). Safe to use from several threads.

    A timeout, a lost connection, a 429 or an error of the server is tried again three
    times, after as long as the server asks; every request can be repeated without harm.

    Args:
        client: Where the collection is; closed with the store.
        collection: Made from `schema` when it is absent.

    Raises:
        IndexMismatchError: The collection was made with other encoders, or not by this
            project.
        StoreUnavailableError: The server can't be reached, or refuses the API key.
    """

    def __init__(self, client: QdrantClient, collection: str, schema: CollectionSchema) -> None:
        self._client = client
        self._collection = collection
        self._schema = schema
        self._url = str(client.init_options["url"])
        if not self._ask(client.collection_exists, collection):
            self._create()
        info = self._ask(client.get_collection, collection)
        config = info.config
        stored = config.metadata or {}
        if difference := schema.mismatch(stored.get(_IDENTITY)):
            raise IndexMismatchError(
                f"The collection {collection!r} on {self._url} was made by another encoder: "
                f"{difference}. Another `store.collection` leaves it as it is.",
                collection=collection,
            )
        if changed := changed_quantization(config.params, schema):
            # The server makes or drops the small vectors by itself, while it answers.
            self._ask(client.update_collection, collection, vectors_config=changed)
        for field, kind in missing_indexes(info.payload_schema).items():
            self._ask(client.create_payload_index, collection, field, kind, wait=True)

    @classmethod
    def connect(cls, config: StoreConfig, schema: CollectionSchema) -> Self:
        """The store on the server at `config.url`.

        Raises:
            IndexMismatchError: See the class.
            StoreUnavailableError: See the class.
        """
        client = _client(config)
        try:
            return cls(client, config.collection, schema)
        except BaseException:
            client.close()
            raise

    @staticmethod
    def discard(config: StoreConfig) -> None:
        """Delete the collection, so that the next `connect` makes a new one.

        Raises:
            StoreUnavailableError: The server can't be reached, or refuses the API key.
        """
        client = _client(config)
        try:
            _retry(str(config.url), config.collection, client.delete_collection, config.collection)
        finally:
            client.close()

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points, replacing those with the same id with all their vectors. On return
        the server has made them durable and finds them.

        Raises:
            StoreError: A point does not fit the schema, and none was written; or the
                server refused them.
            StoreUnavailableError: The server can't be reached.
        """
        self._schema.check_points(points)
        for start in range(0, len(points), _UPSERT_BATCH):
            self._ask(
                self._client.upsert,
                self._collection,
                [server_point(point) for point in points[start : start + _UPSERT_BATCH]],
                wait=True,
            )

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points; ids that are not there are ignored.

        Raises:
            StoreUnavailableError: The server can't be reached.
        """
        for start in range(0, len(ids), _DELETE_BATCH):
            self._ask(
                self._client.delete,
                self._collection,
                models.PointIdsList(points=list(ids[start : start + _DELETE_BATCH])),
                wait=True,
            )

    def set_labels(self, labels: Mapping[str, DocumentLabels]) -> None:
        """Replace the labels of all points of each document, by its sha256.

        Raises:
            StoreUnavailableError: The server can't be reached.
        """
        operations = [server_labels(*item) for item in labels.items()]
        for start in range(0, len(operations), _LABEL_BATCH):
            self._ask(
                self._client.batch_update_points,
                self._collection,
                operations[start : start + _LABEL_BATCH],
                wait=True,
            )

    def search(
        self, queries: Sequence[VectorQuery], filter: StoreFilter | None = None
    ) -> list[list[ScoredId]]:
        """One list a query, best first, all in one request.

        Raises:
            StoreError: A query does not fit the schema.
            StoreUnavailableError: The server can't be reached.
        """
        self._schema.check_queries(queries)
        limits = payload_limits(filter)
        asked = [query for query in queries if is_searchable(query)]
        if limits is None or not asked:
            return [[] for _ in queries]
        limited = server_filter(limits)
        answers = self._ask(
            self._client.query_batch_points,
            self._collection,
            [server_query(query, limited, self._schema) for query in asked],
        )
        found = ([ScoredId(str(p.id), p.score) for p in answer.points] for answer in answers)
        return [next(found) if is_searchable(query) else [] for query in queries]

    def ids(self) -> Iterator[str]:
        """Every id, in no order. Points written meanwhile may be missing.

        Raises:
            StoreUnavailableError: The server can't be reached.
        """
        offset: models.ExtendedPointId | None = None
        while True:
            records, offset = self._ask(
                self._client.scroll,
                self._collection,
                limit=_PAGE,
                offset=offset,
                with_payload=False,
            )
            yield from (str(record.id) for record in records)
            if offset is None:
                return

    def stats(self) -> StoreStats:
        """Points, and vectors in a graph as the server counts them; the size on its disk is
        not known."""
        n_points = self._ask(self._client.count, self._collection, exact=True).count
        n_sparse = self._ask(
            self._client.count,
            self._collection,
            count_filter=models.Filter(
                must=[models.HasVectorCondition(has_vector=VectorName.SPARSE.value)]
            ),
            exact=True,
        ).count
        n_indexed = self._ask(self._client.get_collection, self._collection).indexed_vectors_count
        # The server counts sparse vectors as indexed too: they always are.
        return StoreStats(n_points, max(0, (n_indexed or 0) - n_sparse), None)

    def compact(self) -> bool:
        """The server builds its graphs itself: nothing to do."""
        return False

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _create(self) -> None:
        schema = self._schema
        try:
            self._ask(
                self._client.create_collection,
                self._collection,
                vectors_config=vectors_config(schema),
                sparse_vectors_config=sparse_vectors_config(),
                hnsw_config=hnsw_config(schema),
                optimizers_config=optimizers_config(),
                metadata={_IDENTITY: schema.identity},
            )
        except StoreError:
            # Another process may have been quicker, or an attempt that timed out got through.
            if not self._ask(self._client.collection_exists, self._collection):
                raise

    def _ask(self, request: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        return _retry(self._url, self._collection, request, *arguments, **options)


def _client(config: StoreConfig) -> QdrantClient:
    if config.url is None:
        raise StoreUnavailableError(
            "No Qdrant server is configured. Set `store.url` in kb.yaml, for instance to "
            "http://localhost:6333.",
            collection=config.collection,
        )
    keep_secret(config.api_key)
    try:
        return QdrantClient(
            url=config.url,
            api_key=config.api_key,
            timeout=math.ceil(config.timeout_s),
            # It would ask for the server's version, and only warn when there is no answer.
            check_compatibility=False,
        )
    except ValueError as error:
        raise StoreUnavailableError(
            f"`store.url` in kb.yaml is not the address of a Qdrant server: {config.url!r} "
            f"({error}). It looks like http://localhost:6333.",
            collection=config.collection,
        ) from error


def _retry(
    url: str,
    collection: str,
    request: Callable[P, T],
    *arguments: P.args,
    **options: P.kwargs,
) -> T:
    def once() -> T:
        try:
            return request(*arguments, **options)
        except ResourceExhaustedResponse as error:
            raise PassingError(unavailable(error), error.retry_after_s) from error
        except ResponseHandlingException as error:
            raise PassingError(unavailable(error)) from error
        except UnexpectedResponse as error:
            if error.status_code in _UNAUTHORIZED:
                raise StoreUnavailableError(
                    f"The Qdrant server at {url} refuses the API key ({error.status_code}). Set "
                    "`store.api_key` in kb.yaml to one that may write.",
                    collection=collection,
                ) from error
            if _is_passing(error.status_code):
                raise PassingError(unavailable(error)) from error
            raise StoreError(
                f"The Qdrant server at {url} refused a request: {error}",
                collection=collection,
            ) from error

    def unavailable(reason: Exception) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"The Qdrant server at {url} does not answer: {reason} ({tries}). See that it runs "
            "and that `store.url` in kb.yaml is right.",
            collection=collection,
        )

    tries = Tries(_N_RETRIES, factor=_DELAY_FACTOR)
    return tries.run(once)


def _is_passing(status_code: int | None) -> bool:
    return status_code is None or status_code >= 500 or status_code == _TOO_MANY_REQUESTS
