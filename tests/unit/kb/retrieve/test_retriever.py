from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
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
    Box,
    Chunk,
    EncodedImage,
    Filters,
    Frame,
    FrameRef,
    ImageRef,
    Kind,
    Locator,
    Modality,
    Query,
)

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


def test_words_are_searched_in_one_request_and_fused() -> None:
    library = Library()
    library.add("a", "reset device")
    library.add("b", "price")
    library.add("c", "lid")
    hits, timings_ms = library.retriever.retrieve(Query(text="reset device"))
    assert hits[0].chunk.id == "a"
    assert hits[0].source == "a.txt"
    assert hits[0].fused == pytest.approx(1.0)
    assert hits[0].sparse == 2.0
    assert hits[1].sparse is None
    assert [hit.fused for hit in hits] == sorted((hit.fused for hit in hits), reverse=True)
    assert len(library.store.requests) == 1
    assert set(timings_ms) == {"encode", "retrieve", "assemble"}


def test_a_cosine_at_the_minimum_of_the_encoder_adds_nothing() -> None:
    found = {}
    for minimum in (-1.0, 0.5):
        library = Library(alpha=1.0, dense_minimum=minimum)
        library.add("near", "reset device device")
        library.add("far", "price")
        near, far = library.retriever.retrieve(Query(text="device"))[0]
        assert (near.chunk.id, near.fused) == ("near", pytest.approx(1))
        assert far.dense is not None
        assert far.dense < 0.5
        found[minimum] = far.fused
    assert found[0.5] == 0 < found[-1.0]


def test_an_empty_question_asks_nothing() -> None:
    library = Library()
    library.add("a", "reset")
    assert library.find(Query()) == []


def test_chunks_that_are_not_committed_are_not_shown() -> None:
    library = Library()
    library.add("a", "reset")
    library.add("b", "reset")
    del library.shelf.by_id["a"]
    assert library.find(Query(text="reset")) == ["b"]


def test_a_long_document_that_is_being_written_hides_no_other() -> None:
    library = Library(n_recall=3)
    for number in range(20):
        library.add(f"written {number}", "reset device")
    for number in range(20):
        del library.shelf.by_id[f"written {number}"]
    for number in range(4):
        library.add(f"there {number}", "reset price price")
    assert library.find(Query(text="reset device")) == ["there 0", "there 1", "there 2"]
    # Whoever has all that there is asks no more.
    library.store.requests.clear()
    assert len(library.find(Query(text="price"))) == 3
    assert len(library.store.requests) == 1


def test_a_document_whose_last_path_is_gone_is_not_shown() -> None:
    library = Library()
    library.add("a", "reset")
    library.add("b", "reset")
    library.shelf.pathless.add("a")
    assert library.find(Query(text="reset")) == ["b"]


def test_filters_reach_the_store() -> None:
    library = Library()
    library.add("a", "reset", kind=Kind.PDF)
    library.add("b", "reset")
    assert library.find(Query(text="reset", filters=Filters(kinds=(Kind.PDF,)))) == ["a"]
    library.shelf.passing = frozenset({"b"})
    asked = Query(text="reset", filters=Filters(sources=("b.txt",)))
    assert library.find(asked) == ["b"]
    library.shelf.passing = frozenset()
    assert library.find(asked) == []


def test_folders_and_dates_are_asked_of_whoever_knows_them() -> None:
    library = Library()
    library.add("a", "reset", labels=DocumentLabels.of(["manuals/old/a.txt"], 10))
    library.add("b", "reset", labels=DocumentLabels.of(["b.txt", "manuals/b.txt"], 20))
    library.add("c", "reset", labels=DocumentLabels.of(["c.txt"], 30))

    def find(**limits: Any) -> list[str]:
        return sorted(library.find(Query(text="reset", filters=Filters(**limits))))

    # The catalog is not asked: the store is limited by what it knows itself.
    library.shelf.passing = frozenset()
    assert find(folders=("manuals",)) == find(folders=("/manuals/",)) == ["a", "b"]
    assert find(folders=("manuals/old", "elsewhere")) == ["a"]
    assert find(folders=("", "manuals/old")) == ["a", "b", "c"]
    assert find(after_ns=20) == ["b", "c"]
    assert find(folders=("manuals",), before_ns=20) == ["a"]
    # A move has not reached the store yet: the catalog knows better.
    library.shelf.is_ahead = True
    library.shelf.passing = frozenset({"c"})
    assert find(folders=("manuals",)) == ["c"]


def test_a_page_is_one_hit_that_shows_its_words() -> None:
    library = Library()
    page = Locator(page=4, boxes=(Box(0, 0, 1, 1),))
    library.add("words", "reset", document="manual", locator=page)
    library.add(
        "image", document="manual", locator=Locator(page=4), modality=Modality.IMAGE, angles=[0]
    )
    library.add("other", "lid")
    hits, _ = library.retriever.retrieve(Query(text="reset", images=(picture(0),)))
    assert hits[0].chunk.id == "words"
    assert hits[0].also == ("image",)
    assert hits[0].picture == pytest.approx(1.0)
    assert hits[0].fused == pytest.approx(1.0), "the page has the best words and the best picture"


def test_a_question_of_pictures_alone_ranks_by_them() -> None:
    library = Library()
    for angle in (80, 10, 40):
        library.add(f"p{angle}", modality=Modality.IMAGE, angles=[angle])
    hits, _ = library.retriever.retrieve(Query(images=(picture(0),)))
    assert [hit.chunk.id for hit in hits] == ["p10", "p40", "p80"]
    assert hits[0].dense is None


def test_a_clip_is_found_by_all_of_its_frames_and_pinpointed() -> None:
    library = Library()
    seconds = {"start_s": 0.0, "end_s": 90.0}
    for name, angles in {"both": [5, 85], "one": [0, 20]}.items():
        library.add(name, modality=Modality.VIDEO, angles=angles, locator=Locator(**seconds))
    clip = tuple(Frame(float(i), picture(angle)) for i, angle in enumerate((0, 90)))
    query = Query(clip=clip)
    hits, _ = library.retriever.retrieve(query)
    assert [hit.chunk.id for hit in hits] == ["both", "one"]
    assert all(hit.time_s is None for hit in hits)
    only = Query(images=(picture(80),))
    located = library.retriever.pinpoint(only, library.retriever.retrieve(only)[0])
    assert {hit.chunk.id: hit.time_s for hit in located} == {"both": 85.0, "one": 20.0}


def test_pinpoint_leaves_what_words_found() -> None:
    library = Library()
    library.add("a", "reset")
    hits, _ = library.retriever.retrieve(Query(text="reset"))
    assert library.retriever.pinpoint(Query(text="reset"), hits) == hits


def test_no_more_than_n_recall_places() -> None:
    library = Library(n_recall=3)
    for i in range(9):
        library.add(f"a{i}", "reset " * (i + 1))
    assert len(library.find(Query(text="reset"))) == 3
