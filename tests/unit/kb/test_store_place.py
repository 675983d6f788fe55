"""Which collection answers, and what becomes of the others: on the file system and on a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from qdrant_client import QdrantClient

from kb.config import Config, Home
from kb.config.loading import load_config
from kb.errors import IndexMismatchError, StoreInUseError, StoreUnavailableError
from kb.index.store import server
from kb.index.store.place import StorePlace
from kb.index.store.schema import CollectionSchema, VectorSpace

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


def schema(model: str) -> CollectionSchema:
    return CollectionSchema(VectorSpace(4, model), None, 16, 100, 128, "none")


OLD, NEW, OTHER = schema("old"), schema("new"), schema("other")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


class _LastingClient(QdrantClient):
    """Its collections outlast the connection, as a server's do."""

    def close(self, grpc_grace: float | None = None, **kwargs: object) -> None:
        pass


@dataclass(frozen=True)
class _Engine:
    """A configuration, and what tells the marks of the collections that exist."""

    config: Config
    marks: Callable[[], set[str]]


def _edge(home: Home) -> _Engine:
    def marks() -> set[str]:
        metas = home.index.glob("qdrant*/meta.json")
        return {meta.parent.name.removeprefix("qdrant") for meta in metas}

    return _Engine(load_config(home), marks)


def _server(home: Home, monkeypatch: pytest.MonkeyPatch) -> _Engine:
    client = _LastingClient(":memory:")
    monkeypatch.setattr(server, "_client", lambda _: client)

    def marks() -> set[str]:
        return {one.name.removeprefix("c") for one in client.get_collections().collections}

    overrides = {"store": {"url": "http://store.example", "collection": "c"}}
    return _Engine(load_config(home, overrides=overrides), marks)


@pytest.fixture(params=["edge", "server"])
def engine(request: pytest.FixtureRequest, home: Home, monkeypatch: pytest.MonkeyPatch) -> _Engine:
    return _edge(home) if request.param == "edge" else _server(home, monkeypatch)


@pytest.fixture
def config(engine: _Engine) -> Config:
    return engine.config


@pytest.fixture
def collections(engine: _Engine) -> Callable[[], set[str]]:
    return engine.marks


def mark_of(wanted: CollectionSchema) -> str:
    return StorePlace._mark(wanted)


def swap_to(place: StorePlace, wanted: CollectionSchema) -> None:
    with place.beside(wanted):
        place.swap(wanted)


def test_a_swap_is_seen_by_who_has_the_former_collection_open(home: Home, config: Config) -> None:
    former = StorePlace(home, config)
    store = former.open(OLD)
    former.require_current()
    assert former.is_checked()
    place = StorePlace(home, config)
    swap_to(place, NEW)
    assert not former.is_current()
    with pytest.raises(IndexMismatchError, match="Open the knowledge base anew"):
        former.require_current()
    assert not place.is_checked()
    assert place.holds(NEW)
    store.close()


def test_what_answered_before_stays_until_it_is_let_go(
    home: Home, config: Config, collections: Callable[[], set[str]]
) -> None:
    former = StorePlace(home, config)
    store = former.open(OLD)
    place = StorePlace(home, config)
    swap_to(place, NEW)
    assert collections() == {"", mark_of(NEW)}
    store.close()
    place.open(NEW).close()
    place.note_checked()
    assert collections() == {mark_of(NEW)}
    assert place.is_checked()


def test_a_half_made_collection_goes_with_the_next_swap(
    home: Home, config: Config, collections: Callable[[], set[str]]
) -> None:
    place = StorePlace(home, config)
    place.open(OLD).close()
    with place.beside(OTHER):
        pass
    assert collections() == {"", mark_of(OTHER)}
    swap_to(place, NEW)
    place.open(NEW).close()
    place.note_checked()
    assert collections() == {mark_of(NEW)}


def test_a_half_made_collection_goes_with_a_rebuild(
    home: Home, config: Config, collections: Callable[[], set[str]]
) -> None:
    place = StorePlace(home, config)
    place.open(OLD).close()
    with place.beside(OTHER):
        pass
    place.discard_all()
    assert collections() == set()
    place.open(NEW).close()
    assert collections() == {""}


def test_one_process_at_a_time_makes_new_vectors_and_keeps_them(
    home: Home, config: Config, collections: Callable[[], set[str]]
) -> None:
    place = StorePlace(home, config)
    place.open(OLD).close()
    with place.beside(OTHER):
        with (
            pytest.raises(StoreInUseError, match="makes new vectors"),
            StorePlace(home, config).beside(NEW),
        ):
            pass
        place.note_checked()
        assert mark_of(OTHER) in collections()
    with FileLock(home.index / "reembed.lock").acquire(timeout=0):
        pass


def test_going_back_to_the_first_encoders_makes_them_anew(
    home: Home, config: Config, collections: Callable[[], set[str]]
) -> None:
    place = StorePlace(home, config)
    place.open(OLD).close()
    for wanted in (NEW, OLD):
        swap_to(place, wanted)
        place.open(wanted).close()
        place.note_checked()
    assert collections() == {mark_of(OLD)}


def test_a_mark_of_a_former_version_is_not_checked_yet(home: Home, config: Config) -> None:
    place = StorePlace(home, config)
    swap_to(place, NEW)
    (home.index / "vectors.json").write_text(json.dumps({"mark": mark_of(NEW)}), "utf-8")
    place.open(NEW).close()
    assert not place.is_checked()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"mark"'])
def test_a_damaged_file_is_told_and_a_rebuild_mends_it(
    home: Home, config: Config, text: str
) -> None:
    place = StorePlace(home, config)
    place.open(OLD).close()
    home.index.mkdir(exist_ok=True)
    (home.index / "vectors.json").write_text(text, "utf-8")
    with pytest.raises(StoreUnavailableError, match="kb sync --rebuild"):
        place.open(OLD)
    place.discard_all()
    place.open(NEW).close()
