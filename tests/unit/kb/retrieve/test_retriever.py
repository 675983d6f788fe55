from __future__ import annotations

from typing import Any

import pytest
from made_retriever import Library, picture

from kb.protocols import DocumentLabels
from kb.types import (
    Box,
    Filters,
    Frame,
    Kind,
    Locator,
    Modality,
    Query,
)


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
    # When a file was changed is not in the store.
    library.shelf.passing = frozenset({"b"})
    assert find(changed_after_ns=1) == find(changed_before_ns=1) == ["b"]
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
